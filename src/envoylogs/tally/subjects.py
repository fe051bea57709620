"""What a failure is about: the host and the cluster of a request; of a connection, who was called.

Several states count by these columns, so that what they say of a failure can be joined.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SUBJECT_KEYS", "SUBJECT_NAMES", "subject_columns"]

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


def subject_columns() -> list[pl.Expr]:
    """Return ``SUBJECT_KEYS`` of normalized records."""
    connection = pl.col("kind") == "connection"
    return [
        pl.col("authority"),
        pl.when(connection).then("requested_server_name").alias("server_name"),
        pl.col("upstream_cluster"),
        pl.when(connection).then("upstream_host").alias("address"),
    ]
