"""Requests by one column or several: counts, codes, errors, bytes and latency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs import schema
from envoylogs.envoy.outcomes import CONNECTION_OUTCOMES
from envoylogs.errors import TallyQuestionError
from envoylogs.summary.percentiles import latency_by, latency_column
from envoylogs.tally.asked import key_types
from envoylogs.tally.latency import TRAITS
from envoylogs.tally.traffic import CODE_CLASSES, TrafficCounts, conditions_counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envoylogs.summary.judged import Judged

__all__ = ["TABLES", "asked_table", "breakdowns", "columns_to_ask", "groups"]

TABLES = ("authority", "route_name", "response_code", "upstream_cluster", "outcome",
          "response_flags", "response_code_details", "gateway", "upstream_host")  # fmt: skip
"""The columns that there is a table by."""


def breakdowns(judged: Judged) -> dict[str, pl.DataFrame]:
    """Return requests by each column of ``TABLES``.

    Args:
        judged: What to count. Connections count by ``outcome`` only.

    Returns:
        By column a table with a row for each value, null too: the column,
        ``requests``, ``share`` (0 to 1, of all requests; null for the outcomes
        of connections, which stand apart), ``codes`` (a struct of
        ``CODE_CLASSES``), ``blackhole``, ``unrouted``, ``errors``,
        ``bytes_sent``, ``bytes_received``, ``latency_ms``. Ordered by requests
        descending, then by key.
    """
    rows = judged.requests.with_columns(_measures())
    connections = judged.connections.with_columns(_measures())
    latency = _latency_by_column(judged)
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
        tables[column] = _table(counted, of_column, [column], judged.total)
    return dict(zip(tables, pl.collect_all(tables.values()), strict=True))


def groups(judged: Judged) -> pl.DataFrame:
    """Return requests by ``schema.GROUP_KEYS`` together, as ``breakdowns`` does by one column."""
    counts = judged.tally.latency_by_group.frame.filter(pl.col("measure") == "latency_ms")
    latency = latency_by(counts, schema.GROUP_KEYS, "latency_ms")
    rows = judged.requests.with_columns(_measures())
    return _table(rows, latency, schema.GROUP_KEYS, judged.total).collect()


def columns_to_ask(by: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that must be asked for when a log is read, for a table by some columns.

    None of them, if every tally has what the table is made of.
    """
    return () if _always_there(by) else tuple(by)


def _always_there(by: Sequence[str]) -> bool:
    return set(by) <= set(schema.GROUP_KEYS) or (len(by) == 1 and by[0] in TRAITS)


def asked_table(judged: Judged, by: Sequence[str]) -> pl.DataFrame:
    """Return requests by any columns together, as ``breakdowns`` does by one.

    Args:
        judged: What to count; connections are not, see ``connections.asked_connections``.
        by: Columns of ``schema.COUNTABLE``, at least one; times are
            microseconds.

    Raises:
        TallyError: If the tally does not have these columns.
    """
    tally = judged.tally
    if _always_there(by):
        rows = judged.requests.with_columns(_measures())
        counts, measured = tally.latency_by_group.frame, pl.col("measure") == "latency_ms"
        if len(by) == 1 and by[0] in TRAITS:
            counts = tally.latency_by_trait.frame.filter(pl.col("trait") == by[0])
            counts = counts.rename({"name": by[0]})
        counts = counts.filter(measured)
    elif set(by) <= set(tally.spec.by):
        # Rows without a kind are of a release that counted requests alone.
        rows = tally.asked_traffic.frame.filter(pl.col("kind").ne_missing("connection"))
        counts = tally.asked_latency.frame
    elif set(by) <= set(TrafficCounts.KEYS) and _has_connections_alone(judged):
        # Every tally has connections by these.
        rows, counts = judged.requests.with_columns(_measures()), _no_durations(by)
    else:
        raise TallyQuestionError.not_counted_by(by, (*schema.GROUP_KEYS, *TRAITS), tally.spec.by)
    return _table(rows, latency_by(counts, by, "latency_ms"), by, judged.total).collect()


def _measures() -> list[pl.Expr]:
    """Return what tables add up, worked out once for all of them."""
    requests = pl.col("requests")
    return [
        pl.when(condition).then(requests).otherwise(0).alias(name)
        for name, condition in conditions_counted().items()
    ]


def _has_connections_alone(judged: Judged) -> bool:
    return judged.requests.is_empty() and not judged.connections.is_empty()


def _no_durations(by: Sequence[str]) -> pl.DataFrame:
    return pl.DataFrame(schema=key_types(by) | dict.fromkeys(_OF_A_DURATION, pl.Int64()))


_SUMS = ("requests", *conditions_counted(), "bytes_sent", "bytes_received")
_OF_A_DURATION = ("value_ms", "digits", "requests")


def _latency_by_column(judged: Judged) -> pl.DataFrame:
    """Return the latency by each value of each column: ``column``, ``value``, ``latency_ms``."""
    measured = pl.col("measure") == "latency_ms"
    by_group = judged.tally.latency_by_group.frame.filter(measured)
    counts = [
        judged.tally.latency_by_trait.frame.filter(measured).select(
            pl.col("trait").alias("column"), pl.col("name").alias("value"), *_OF_A_DURATION
        ),
        *(
            by_group.select(
                pl.lit(column).alias("column"),
                pl.col(column).cast(pl.String).alias("value"),
                *_OF_A_DURATION,
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
