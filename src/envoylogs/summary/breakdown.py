"""Requests by one column or several: counts, codes, errors, bytes and latency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs import schema
from envoylogs.summary.percentiles import LATENCY, latency_by, latency_column
from envoylogs.tally.latency import TRAITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envoylogs.summary.facts import Facts

__all__ = ["CODE_CLASSES", "TABLES", "breakdown", "groups"]

TABLES = ("authority", "route_name", "response_code", "upstream_cluster", "outcome",
          "response_flags", "response_code_details", "gateway", "upstream_host")  # fmt: skip
"""The columns that there is a table by."""

CODE_CLASSES = ("2xx", "3xx", "4xx", "5xx", "1xx", "0", "other")
"""Classes of codes; ``0`` is no response, ``other`` anything unheard of or no code at all."""


def breakdown(facts: Facts, column: str) -> pl.DataFrame:
    """Return requests by one column.

    Args:
        facts: What to count. Connections count by ``outcome`` only.
        column: One of ``TABLES``.

    Returns:
        A row for each value, null too: the column, ``requests``, ``share`` (0
        to 1, of all rows), ``codes`` (a struct of ``CODE_CLASSES``),
        ``blackhole``, ``unrouted``, ``errors``, ``bytes_sent``,
        ``bytes_received``, ``latency_ms``. Ordered by requests descending,
        then by key.
    """
    rows = facts.requests
    if column == "outcome":
        connections = facts.connections.with_columns(
            pl.lit(value=False).alias("error"), pl.lit(value=False).alias("unrouted")
        )
        rows = pl.concat([rows, connections], how="diagonal")
    if column in TRAITS:
        counts = facts.tally.latency_by_trait.frame.filter(
            (pl.col("trait") == column) & (pl.col("measure") == "latency_ms")
        ).rename({"name": column})
    else:
        counts = _by_group(facts)
    return _rows(rows, counts, [column])


def groups(facts: Facts) -> pl.DataFrame:
    """Return requests by ``schema.GROUP_KEYS`` together, as ``breakdown`` does by one column."""
    return _rows(facts.requests, _by_group(facts), schema.GROUP_KEYS)


def _by_group(facts: Facts) -> pl.DataFrame:
    return facts.tally.latency_by_group.frame.filter(pl.col("measure") == "latency_ms")


def _rows(rows: pl.DataFrame, counts: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    requests = pl.col("requests")
    total = int(rows["requests"].sum())
    by_code = code_class(pl.col("response_code"))
    table = (
        rows.group_by(keys)
        .agg(
            requests.sum(),
            pl.struct(
                requests.filter(by_code == name).sum().alias(name) for name in CODE_CLASSES
            ).alias("codes"),
            requests.filter(pl.col("outcome") == "blackhole").sum().alias("blackhole"),
            requests.filter("unrouted").sum().alias("unrouted"),
            requests.filter("error").sum().alias("errors"),
            pl.col("bytes_sent", "bytes_received").sum(),
        )
        .with_columns((requests / total).alias("share"))
        .select(
            *keys, "requests", "share", "codes", "blackhole", "unrouted", "errors",
            "bytes_sent", "bytes_received",
        )
    )  # fmt: skip
    if counts.is_empty():
        table = table.with_columns(pl.lit(None, LATENCY).alias("latency_ms"))
    else:
        latency = latency_by(counts, keys, "latency_ms")
        table = table.join(latency, on=keys, how="left", nulls_equal=True)
    return table.with_columns(latency_column("latency_ms")).sort(
        requests, *keys, descending=[True, *(False for _ in keys)], nulls_last=True
    )


def code_class(code: pl.Expr) -> pl.Expr:
    """Return the class of a response code, one of ``CODE_CLASSES``."""
    hundreds = code // 100
    return (
        pl.when(code == 0)
        .then(pl.lit("0"))
        .when(hundreds.is_between(1, 5))
        .then(hundreds.cast(pl.String) + "xx")
        .otherwise(pl.lit("other"))
    )
