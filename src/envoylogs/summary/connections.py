"""Connections by one column or several, and how those failed that did.

A connection is a record without a request: TCP that was passed on or not, and
TLS that no filter chain accepted. They stand apart from requests, so they have
tables of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.outcomes import FAILED_CONNECTIONS
from envoylogs.errors import TallyQuestionError
from envoylogs.tally.traffic import TrafficCounts, connections_counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envoylogs.summary.judged import Judged

__all__ = [
    "CONNECTION_KEYS",
    "CONNECTION_TABLES",
    "Connections",
    "asked_connections",
    "connections",
]

CONNECTION_TABLES = ("outcome", "requested_server_name", "upstream_cluster", "upstream_host",
                     "response_flags", "response_code_details", "gateway")  # fmt: skip
"""The columns that there is a table of connections by."""

CONNECTION_KEYS = ("outcome", "upstream_cluster", "requested_server_name", "upstream_host",
                   "response_flags")  # fmt: skip
"""What connections are grouped by unless asked otherwise."""

_SUMS = (*connections_counted(), "bytes_sent", "bytes_received")


@dataclass(frozen=True, slots=True)
class Connections:
    """Tables of connections.

    Rows have their keys, ``connections``, ``share`` (0 to 1, of all
    connections), ``failed`` (outcome ``tcp_failed``), ``refused``
    (``no_filter_chain``), ``failed_share`` (0 to 1, of those that were not
    refused; null if all were), ``bytes_sent``, ``bytes_received``, ``first``
    and ``last`` (microseconds; null without times), by connections descending
    and then by key.

    Attributes:
        by: One table for each of ``CONNECTION_TABLES``, null values too.
        groups: By ``CONNECTION_KEYS`` together.
        failures: Those that failed or were refused by all of
            ``CONNECTION_TABLES``, with ``known`` (whether the server name is),
            ``connections``, ``first`` and ``last``; in the same order.
        asked: By the columns that were asked for; null if none were.
    """

    by: Mapping[str, pl.DataFrame]
    groups: pl.DataFrame
    failures: pl.DataFrame
    asked: pl.DataFrame | None = None


def connections(judged: Judged, by: Sequence[str] = ()) -> Connections:
    """Return the tables of connections.

    Args:
        judged: What to count.
        by: Columns that one more table is wanted by.

    Raises:
        TallyQuestionError: If the tally has no counts by these columns.
    """
    rows = _counted(judged.connections)
    total = int(rows["requests"].sum())
    failed = pl.col("outcome").is_in(FAILED_CONNECTIONS)
    tables = pl.collect_all(
        [
            *(_table(rows, [column], total) for column in CONNECTION_TABLES),
            _table(rows, CONNECTION_KEYS, total),
            _failures(rows.filter(failed)),
        ]
    )
    *by_column, groups, failures = tables
    return Connections(
        by=dict(zip(CONNECTION_TABLES, by_column, strict=True)),
        groups=groups,
        failures=failures,
        asked=asked_connections(judged, by) if by else None,
    )


def asked_connections(judged: Judged, by: Sequence[str]) -> pl.DataFrame:
    """Return connections by any columns together.

    Args:
        judged: What to count.
        by: Columns of ``schema.COUNTABLE``, at least one; times are microseconds.

    Returns:
        A row for each combination, as in ``Connections``.

    Raises:
        TallyQuestionError: If the tally has no counts of connections by these columns.
    """
    asked = judged.tally.spec.by
    total = int(judged.connections["requests"].sum())
    if set(by) <= set(TrafficCounts.KEYS):
        rows = _counted(judged.connections)
    elif set(by) <= set(asked):
        counted = judged.tally.asked_traffic.frame
        rows = counted.filter(pl.col("kind") == "connection")
        if int(rows["requests"].sum()) != total:
            raise TallyQuestionError.connections_not_counted_by(by)
    else:
        raise TallyQuestionError.not_counted_by(by, TrafficCounts.KEYS, asked)
    return _table(rows, by, total).collect()


def _counted(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows of traffic with the number of connections that each count is of."""
    requests = pl.col("requests")
    return rows.with_columns(
        pl.when(condition).then(requests).otherwise(0).alias(name)
        for name, condition in connections_counted().items()
    )


def _table(rows: pl.DataFrame, keys: Sequence[str], total: int) -> pl.LazyFrame:
    accepted = pl.col("connections") - pl.col("refused")
    failed_share = pl.when(accepted > 0).then(pl.col("failed") / accepted)
    return _ordered(
        rows.lazy()
        .group_by(keys)
        .agg(
            pl.col("requests").sum().alias("connections"),
            pl.col(_SUMS).sum(),
            pl.col("first").min(),
            pl.col("last").max(),
        )
        .select(
            *keys,
            "connections",
            (pl.col("connections") / total).alias("share"),
            *connections_counted(),
            failed_share.alias("failed_share"),
            "bytes_sent",
            "bytes_received",
            "first",
            "last",
        ),
        keys,
    )


def _failures(rows: pl.DataFrame) -> pl.LazyFrame:
    return _ordered(
        rows.lazy()
        .group_by(CONNECTION_TABLES)
        .agg(
            pl.col("known").any(),
            pl.col("requests").sum().alias("connections"),
            pl.col("first").min(),
            pl.col("last").max(),
        ),
        CONNECTION_TABLES,
    )


def _ordered(rows: pl.LazyFrame, keys: Sequence[str]) -> pl.LazyFrame:
    descending = [True, *(False for _ in keys)]
    return rows.sort("connections", *keys, descending=descending, nulls_last=True)
