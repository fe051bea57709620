"""What a failure is about: the host and the cluster of a request; of a connection, who was called.

Several states count by these columns, so that what they say of a failure can be joined.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

SUBJECT_KEYS = ("authority", "server_name", "upstream_cluster", "address")
"""``server_name`` (TLS) and ``address`` (the upstream host) only of connections: a request has its
authority, and its upstream hosts are counted where no time is."""

SUBJECT_NAMES: Mapping[str, str] = {
    "authority": "authority",
    "server_name": "requested_server_name",
    "upstream_cluster": "upstream_cluster",
    "address": "upstream_host",
}
"""Of which columns these hold the names."""


def is_of_connection() -> pl.Expr:
    """Tell the keys of connections."""
    return pl.col("kind") == "connection"


def subject_columns(
    is_connection: pl.Expr,
) -> tuple[dict[str, pl.Expr], dict[str, pl.Expr]]:
    """Return ``SUBJECT_KEYS`` of normalized records: what keys say, and what rows do.

    Args:
        is_connection: Tells rows of connections; see ``is_of_connection``.
    """
    server_name = pl.when(is_of_connection()).then("requested_server_name")
    keys = {
        "authority": pl.col("authority"),
        "server_name": server_name,
        "upstream_cluster": pl.col("upstream_cluster"),
    }
    return keys, {"address": pl.when(is_connection).then("upstream_host")}
