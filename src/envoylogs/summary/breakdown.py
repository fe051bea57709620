"""Requests by one column or several: counts, codes, errors, bytes and latency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs import schema
from envoylogs.envoy.outcomes import CONNECTION_OUTCOMES
from envoylogs.summary.percentiles import latency_by, latency_column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envoylogs.summary.facts import Facts

__all__ = ["CODE_CLASSES", "TABLES", "breakdowns", "groups"]

TABLES = ("authority", "route_name", "response_code", "upstream_cluster", "outcome",
          "response_flags", "response_code_details", "gateway", "upstream_host")  # fmt: skip
"""The columns that there is a table by."""

CODE_CLASSES = ("2xx", "3xx", "4xx", "5xx", "1xx", "0", "other")
"""Classes of codes; ``0`` is no response, ``other`` anything unheard of or no code at all."""


def breakdowns(facts: Facts) -> dict[str, pl.DataFrame]:
    """Return requests by each column of ``TABLES``.

    Args:
        facts: What to count. Connections count by ``outcome`` only.

    Returns:
        By column a table with a row for each value, null too: the column,
        ``requests``, ``share`` (0 to 1, of all requests; null for the outcomes
        of connections, which stand apart), ``codes`` (a struct of
        ``CODE_CLASSES``), ``blackhole``, ``unrouted``, ``errors``,
        ``bytes_sent``, ``bytes_received``, ``latency_ms``. Ordered by requests
        descending, then by key.
    """
    rows = facts.requests.with_columns(_measures())
    connections = facts.connections.with_columns(
        pl.lit(value=False).alias("error"), pl.lit(value=False).alias("unrouted")
    ).with_columns(_measures())
    latency = _latency_by_column(facts)
    tables = {}
    for column in TABLES:
        if column == "outcome":
            counted = pl.concat(
                [frame.select(column, *_SUMS) for frame in (rows, connections)], how="vertical"
            )
        else:
            counted = rows
        of_column = latency.filter(pl.col("column") == column).select(
            pl.col("value").cast(counted.schema[column]).alias(column), "latency_ms"
        )
        tables[column] = _table(counted, of_column, [column], facts.total)
    return dict(zip(tables, pl.collect_all(tables.values()), strict=True))


def groups(facts: Facts) -> pl.DataFrame:
    """Return requests by ``schema.GROUP_KEYS`` together, as ``breakdowns`` does by one column."""
    counts = facts.tally.latency_by_group.frame.filter(pl.col("measure") == "latency_ms")
    latency = latency_by(counts, schema.GROUP_KEYS, "latency_ms")
    rows = facts.requests.with_columns(_measures())
    return _table(rows, latency, schema.GROUP_KEYS, facts.total).collect()


def _measures() -> list[pl.Expr]:
    """Return what tables add up, worked out once for all of them."""
    requests = pl.col("requests")
    by_code = code_class(pl.col("response_code"))
    conditions = {
        **{f"code {name}": by_code == name for name in CODE_CLASSES},
        "blackhole": pl.col("outcome") == "blackhole",
        "of_unrouted": pl.col("unrouted"),
        "errors": pl.col("error"),
    }
    return [
        pl.when(condition).then(requests).otherwise(0).alias(name)
        for name, condition in conditions.items()
    ]


_SUMS = ("requests", *(f"code {name}" for name in CODE_CLASSES), "blackhole", "of_unrouted",
         "errors", "bytes_sent", "bytes_received")  # fmt: skip


def _latency_by_column(facts: Facts) -> pl.DataFrame:
    """Return the latency by each value of each column: ``column``, ``value``, ``latency_ms``."""
    measured = pl.col("measure") == "latency_ms"
    by_group = facts.tally.latency_by_group.frame.filter(measured)
    counts = [
        facts.tally.latency_by_trait.frame.filter(measured).select(
            pl.col("trait").alias("column"), pl.col("name").alias("value"), "value_ms", "requests"
        ),
        *(
            by_group.select(
                pl.lit(column).alias("column"),
                pl.col(column).cast(pl.String).alias("value"),
                "value_ms",
                "requests",
            )
            for column in schema.GROUP_KEYS
        ),
    ]
    return latency_by(pl.concat(counts), ["column", "value"], "latency_ms")


def _table(
    rows: pl.DataFrame, latency: pl.DataFrame, keys: Sequence[str], total: int
) -> pl.LazyFrame:
    share = pl.col("requests") / total
    if "outcome" in keys:
        share = pl.when(~pl.col("outcome").is_in(CONNECTION_OUTCOMES)).then(share)
    return (
        rows.lazy()
        .group_by(keys)
        .agg(pl.col(_SUMS).sum())
        .join(latency.lazy(), on=keys, how="left", nulls_equal=True)
        .select(
            *keys,
            "requests",
            share.alias("share"),
            pl.struct(pl.col(f"code {name}").alias(name) for name in CODE_CLASSES).alias("codes"),
            "blackhole",
            pl.col("of_unrouted").alias("unrouted"),
            "errors",
            "bytes_sent",
            "bytes_received",
            latency_column("latency_ms"),
        )
        .sort("requests", *keys, descending=[True, *(False for _ in keys)], nulls_last=True)
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
