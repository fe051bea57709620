"""Requests and connections by one column or several, of one log or two.

A connection is a record without a request: TCP that was passed on or not, and
TLS that no filter chain accepted. They stand apart from requests, so they have
tables of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs import schema
from envoylogs.envoy.outcomes import CONNECTION_OUTCOMES, FAILED_CONNECTIONS
from envoylogs.errors import TallyQuestionError
from envoylogs.summary.percentiles import latency_by, latency_column
from envoylogs.tally.by_columns import key_types
from envoylogs.tally.counting import total_of
from envoylogs.tally.latency import TRAITS
from envoylogs.tally.traffic import (
    CODE_CLASSES,
    TrafficCounts,
    conditions_counted,
    connections_counted,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envoylogs.summary.judged import Judged
    from envoylogs.summary.summary import Summary

COLUMNS = ("authority", "route_name", "response_code", "upstream_cluster", "outcome",
          "response_flags", "response_code_details", "gateway", "upstream_host")  # fmt: skip
"""The columns that there is a table by."""

CONNECTION_TABLES = ("outcome", "requested_server_name", "upstream_cluster", "upstream_host",
                     "response_flags", "response_code_details", "gateway")  # fmt: skip
"""The columns that there is a table of connections by."""

CONNECTION_KEYS = ("outcome", "upstream_cluster", "requested_server_name", "upstream_host",
                   "response_flags")  # fmt: skip
"""What connections are grouped by unless asked otherwise."""


def breakdown(judged: Judged, column: str) -> pl.DataFrame:
    """Return requests by one column.

    Args:
        judged: What to count. Connections count by ``outcome`` only.
        column: Of ``COLUMNS``.

    Returns:
        A row for each value, null too: the column, ``requests``, ``share`` (0 to 1, of all
        requests; null for the outcomes of connections, which stand apart), ``codes`` (a struct of
        ``CODE_CLASSES``), ``blackhole``, ``unrouted``, ``errors``, ``bytes_sent``,
        ``bytes_received``, ``latency_ms``. Ordered by requests descending, then by key.
    """
    rows = judged.counts.lazy() if column == "outcome" else _requests(judged)
    return _table(rows, _latency_always_there(judged, [column]), [column], judged.total)


def columns_to_ask(by: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that must be asked for when a log is read, for a table by some columns.

    None of them, if every tally has what the table is made of.
    """
    return () if _always_there(by) else tuple(by)


def _always_there(by: Sequence[str]) -> bool:
    return set(by) <= set(schema.GROUP_KEYS) or (len(by) == 1 and by[0] in TRAITS)


def asked_table(judged: Judged, by: Sequence[str]) -> pl.DataFrame:
    """Return requests by any columns together, as ``breakdown`` does by one.

    Args:
        judged: What to count; connections are not, see ``asked_connections``.
        by: Columns of ``schema.COUNTABLE``, at least one; times are
            microseconds. With ``judged.buckets`` a ``start_time`` is that of its bucket, rows
            are in the order of time, and shares of several rows a bucket are of its requests.

    Raises:
        TallyError: If the tally does not have these columns.
    """
    tally = judged.tally
    if _always_there(by):
        rows, counts = _requests(judged), _latency_always_there(judged, by)
    elif set(by) <= set(tally.spec.by):
        # Rows without a kind are of a release that counted requests alone.
        rows = tally.asked_traffic.frame.lazy().filter(pl.col("kind").ne_missing("connection"))
        counts = tally.asked_latency.frame.lazy()
    elif (
        set(by) <= set(TrafficCounts.KEYS)
        and judged.requests.is_empty()
        and not judged.connections.is_empty()
    ):
        # Every tally has connections by these.
        no_durations = key_types(by) | dict.fromkeys(_OF_A_DURATION, pl.Int64())
        rows, counts = _requests(judged), pl.LazyFrame(schema=no_durations)
    else:
        raise TallyQuestionError.not_counted_by(by, (*schema.GROUP_KEYS, *TRAITS), tally.spec.by)
    starts = _starts(judged, by)
    table = _table(rows.with_columns(starts), counts.with_columns(starts), by, judged.total)
    return _by_time(table, by, "requests") if starts else table


_TIME = "start_time"


def _starts(judged: Judged, by: Sequence[str]) -> list[pl.Expr]:
    """Return what makes times those of buckets, if that was asked for."""
    if judged.buckets is None or _TIME not in by:
        return []
    return [judged.buckets.made_of(judged.tally.spec.every_s).starts(pl.col(_TIME))]


def _by_time(table: pl.DataFrame, by: Sequence[str], counted: str) -> pl.DataFrame:
    """Return a table by time buckets in their order, with shares of what is in a bucket."""
    n = pl.col(counted)
    if tuple(by) == (_TIME,):
        return table.sort(_TIME, nulls_last=True)
    # A single value would be divided by as its reciprocal, which is off in the last digit.
    of_bucket = n.sum().over(_TIME) + 0 * n
    return table.with_columns(
        pl.when(pl.col("share").is_not_null()).then(n / of_bucket).alias("share")
    ).sort(_TIME, -n, *by, nulls_last=True)


def _requests(judged: Judged) -> pl.LazyFrame:
    return judged.counts_of["request"].lazy()


def _latency_always_there(judged: Judged, by: Sequence[str]) -> pl.LazyFrame:
    """Return durations by columns that every tally has them by."""
    if len(by) == 1 and by[0] in TRAITS:
        return judged.latency_by_trait("latency_ms", by[0]).rename({"name": by[0]}).lazy()
    return judged.latency["latency_ms"].lazy()


_SUMS = ("requests", *conditions_counted(), "bytes_sent", "bytes_received")
_OF_A_DURATION = ("value_ms", "digits", "requests")


def _table(
    rows: pl.LazyFrame, counts: pl.LazyFrame, keys: Sequence[str], total: int
) -> pl.DataFrame:
    share = pl.col("requests") / total
    if "outcome" in keys:
        share = pl.when(~pl.col("outcome").is_in(CONNECTION_OUTCOMES)).then(share)
    latency = latency_by(counts, keys, "latency_ms").lazy()
    return (
        rows.group_by(keys)
        .agg(total_of(*_SUMS))
        .join(latency, on=keys, how="left", nulls_equal=True)
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
        .sort(-pl.col("requests"), *keys, nulls_last=True)
        .collect()
    )


def asked_connections(judged: Judged, by: Sequence[str]) -> pl.DataFrame:
    """Return connections by any columns together.

    Args:
        judged: What to count.
        by: Columns of ``schema.COUNTABLE``, at least one; times as of ``asked_table``.

    Returns:
        A row for each combination: the columns, ``connections``, ``share`` (0 to 1, of all
        connections), ``failed`` (outcome ``tcp_failed``), ``refused`` (``no_filter_chain``),
        ``failed_share`` (0 to 1, of those that were not refused; null if all were),
        ``bytes_sent``, ``bytes_received``, ``first`` and ``last`` (microseconds; null without
        times). Ordered by connections descending, then by the columns.

    Raises:
        TallyQuestionError: If the tally has no counts of connections by these columns.
    """
    asked = judged.tally.spec.by
    total = int(judged.connections["requests"].sum())
    if set(by) <= set(TrafficCounts.KEYS):
        rows = judged.counts_of["connection"]
    elif set(by) <= set(asked):
        rows = judged.tally.asked_traffic.frame.filter(pl.col("kind") == "connection")
        if int(rows["requests"].sum()) != total:
            raise TallyQuestionError.connections_not_counted_by(by)
    else:
        raise TallyQuestionError.not_counted_by(by, TrafficCounts.KEYS, asked)
    starts = _starts(judged, by)
    accepted = pl.col("connections") - pl.col("refused")
    failed_share = pl.when(accepted > 0).then(pl.col("failed") / accepted)
    table = (
        rows.lazy()
        .with_columns(starts)
        .group_by(by)
        .agg(
            pl.col("requests").sum().alias("connections"),
            total_of(*connections_counted(), "bytes_sent", "bytes_received"),
            pl.col("first").min(),
            pl.col("last").max(),
        )
        .select(
            *by,
            "connections",
            (pl.col("connections") / total).alias("share"),
            *connections_counted(),
            failed_share.alias("failed_share"),
            "bytes_sent",
            "bytes_received",
            "first",
            "last",
        )
    )
    found = _ordered(table, by, judged)
    return _by_time(found, by, "connections") if starts else found


def failed_connections(judged: Judged) -> pl.DataFrame:
    """Return the connections that failed or were refused.

    Returns:
        A row for each combination of ``CONNECTION_TABLES``, with ``known`` (whether the server
        name is), ``connections``, ``first`` and ``last``; in the same order.
    """
    table = (
        judged.connections.lazy()
        .filter(pl.col("outcome").is_in(FAILED_CONNECTIONS))
        .group_by(CONNECTION_TABLES)
        .agg(
            pl.col("known").any(),
            pl.col("requests").sum().alias("connections"),
            pl.col("first").min(),
            pl.col("last").max(),
        )
    )
    return _ordered(table, CONNECTION_TABLES, judged)


def _ordered(rows: pl.LazyFrame, keys: Sequence[str], judged: Judged) -> pl.DataFrame:
    if judged.connections.is_empty():
        # As in most logs: nothing has to be asked nine times.
        return rows.collect_schema().to_frame()
    return rows.sort(-pl.col("connections"), *keys, nulls_last=True).collect()


_COUNTS = ("requests", "share", "errors")
_QUANTILES = ("p50", "p90", "p99")
_COMPARED = (*_COUNTS, "error_share", *(f"{quantile}_ms" for quantile in _QUANTILES))


def compared(summary: Summary, other: Summary, by: str) -> pl.DataFrame:
    """Return a table by one column of two logs; ``Analysis.compare`` says what is in it."""
    both = _measured(summary.table(by), by).join(
        _measured(other.table(by), by),
        on=by, how="full", coalesce=True, suffix="_other", nulls_equal=True,
    )  # fmt: skip
    counts = [f"{name}{end}" for name in _COUNTS for end in ("", "_other")]
    return (
        both.with_columns(pl.col(counts).fill_null(0))
        .select(
            by,
            *(
                column
                for name in _COMPARED
                for column in (
                    pl.col(name),
                    pl.col(f"{name}_other"),
                    (pl.col(name) - pl.col(f"{name}_other")).alias(f"{name}_change"),
                )
            ),
        )
        .sort(pl.col("share_change").abs(), by, descending=[True, False], nulls_last=True)
    )


def _measured(table: pl.DataFrame, by: str) -> pl.DataFrame:
    latency = pl.col("latency_ms").struct
    return table.select(
        by,
        *_COUNTS,
        (pl.col("errors") / pl.col("requests")).alias("error_share"),
        *(latency.field(quantile).alias(f"{quantile}_ms") for quantile in _QUANTILES),
    )
