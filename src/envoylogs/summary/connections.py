"""Connections by one column or several, and how those failed that did.

A connection is a record without a request: TCP that was passed on or not, and
TLS that no filter chain accepted. They stand apart from requests, so they have
tables of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.outcomes import FAILED_CONNECTIONS
from envoylogs.errors import TallyQuestionError
from envoylogs.tally.counting import total_of
from envoylogs.tally.traffic import TrafficCounts, connections_counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envoylogs.summary.judged import Judged

CONNECTION_TABLES = ("outcome", "requested_server_name", "upstream_cluster", "upstream_host",
                     "response_flags", "response_code_details", "gateway")  # fmt: skip
"""The columns that there is a table of connections by."""

CONNECTION_KEYS = ("outcome", "upstream_cluster", "requested_server_name", "upstream_host",
                   "response_flags")  # fmt: skip
"""What connections are grouped by unless asked otherwise."""

_SUMS = (*connections_counted(), "bytes_sent", "bytes_received")


def asked_connections(judged: Judged, by: Sequence[str]) -> pl.DataFrame:
    """Return connections by any columns together.

    Args:
        judged: What to count.
        by: Columns of ``schema.COUNTABLE``, at least one; times are microseconds.

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
        rows = judged.counts
    elif set(by) <= set(asked):
        rows = judged.tally.asked_traffic.frame
        if int(rows["requests"].filter(rows["kind"] == "connection").sum()) != total:
            raise TallyQuestionError.connections_not_counted_by(by)
    else:
        raise TallyQuestionError.not_counted_by(by, TrafficCounts.KEYS, asked)
    accepted = pl.col("connections") - pl.col("refused")
    failed_share = pl.when(accepted > 0).then(pl.col("failed") / accepted)
    table = (
        rows.lazy()
        .filter(pl.col("kind") == "connection")
        .group_by(by)
        .agg(
            pl.col("requests").sum().alias("connections"),
            total_of(*_SUMS),
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
    return _ordered(table, by, judged)


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
