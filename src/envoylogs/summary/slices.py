"""What any slice of a log can be counted from again: joint counts, with what they mean beside them.

A page that filters holds this and nothing else, so its numbers are those of
``summarize`` with the same selection. Who is known, what is noise and which
paths were lost is decided over the whole log and does not change with a slice.

A finding says which records it is about as a condition in SQL. A page filters
by values of columns, so the condition is asked of each combination of values,
and what those have in common is the filter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.outcomes import CONNECTION_OUTCOMES, UNROUTED, is_error
from envoylogs.envoy.paths import path_group
from envoylogs.summary.judged import is_known, whole
from envoylogs.summary.over_time import Window, window_of
from envoylogs.summary.overview import NOT_FOUND, ledger_kind
from envoylogs.summary.paths import with_lost

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from envoylogs.summary.findings.finding import Finding
    from envoylogs.summary.findings.whole_log import WholeLog

SLICE_COLUMNS = (
    "host", "method", "path_group", "outcome", "failure", "response_code", "response_flags",
    "route_name", "upstream_cluster", "upstream_host", "gateway",
)  # fmt: skip
"""The columns of joint counts that slices are made of."""

# Half a million requests keep every second and millisecond in these, as 1.7 MB of a page.
SLICE_ROWS = 500_000
"""How many rows joint counts for slices have, unless told otherwise."""


@dataclass(frozen=True, slots=True, eq=False)
class Slices:
    """Records by time, columns and latency.

    Attributes:
        combinations: One row for each combination of values that was seen:
            ``SLICE_COLUMNS``, ``records``, ``connection``, ``error``, ``unrouted``,
            ``known``, ``noise`` and ``ledger`` (of ``LEDGER_KINDS``, or
            ``UNDECIDED``; null for what is no request with code 404). Ordered by
            records descending, then by the columns.
        rows: ``combination`` (the number of its row), ``start`` (microseconds
            since 1970, null without a time), ``value_ms`` (latency, null
            without one) and ``records``. Ordered by latency, nulls first, then
            combination and time.
        width_s: Of the time buckets; null for an empty log.
        window: What figures show; null for a log without times.
        examples: Records behind failures, see ``FailureEvidence``, with ``host``,
            ``path_group``, ``known`` and ``noise``.
    """

    combinations: pl.DataFrame
    rows: pl.DataFrame
    width_s: int | None
    window: Window | None
    examples: pl.DataFrame


def slices(log: WholeLog) -> Slices:
    """Return what slices are counted from, of a tally with joint counts by ``SLICE_COLUMNS``."""
    joint = log.tally.joint.frame
    records = (pl.col("requests") + pl.col("connections")).alias("records")
    combinations = (
        joint.lazy()
        .with_row_index("place")
        .group_by(SLICE_COLUMNS)
        .agg(records.sum(), "place")
        .cast({pl.Categorical(): pl.String()})
        .sort(-pl.col("records"), *SLICE_COLUMNS, nulls_last=True)
        .with_row_index("combination")
        .collect()
    )
    # Names are many times as long as numbers, so rows are found by place.
    of_rows = combinations.select("combination", "place").explode("place")
    counts = joint.select("start", "value_ms", records)[of_rows["place"]]
    rows = (
        counts.lazy()
        .with_columns(of_rows["combination"])
        .group_by("combination", "start", "value_ms")
        .agg(pl.col("records").sum())
        .sort("value_ms", "combination", "start", nulls_last=[False, False, True])
        .collect()
    )
    return Slices(
        _with_meaning(combinations.drop("place"), log),
        rows,
        whole(joint["width_s"].max()),
        window_of(rows),
        _examples(log),
    )


_CONNECTION = pl.col("outcome").is_in(CONNECTION_OUTCOMES)


def _with_known(rows: pl.LazyFrame, log: WholeLog) -> pl.LazyFrame:
    """Return rows with ``known`` and ``noise``."""
    host, strange = pl.col("host"), pl.col("outcome").is_in((*UNROUTED, "no_filter_chain"))
    known = (
        pl.when(_CONNECTION)
        .then(is_known(host, log.known_names))
        .otherwise(is_known(host, log.known_hosts))
    )
    return rows.with_columns(known.alias("known")).with_columns(noise=strange & ~pl.col("known"))


def _with_meaning(combinations: pl.DataFrame, log: WholeLog) -> pl.DataFrame:
    connection = pl.col("connection")
    marked = (
        combinations.lazy()
        .with_columns(_CONNECTION.alias("connection"))
        .with_columns(
            (is_error() & ~connection).alias("error"),
            pl.col("outcome").is_in(UNROUTED).alias("unrouted"),
        )
        .pipe(_with_known, log)
        .collect()
    )
    return (
        with_lost(marked, log.path_states)
        .with_columns(
            pl.when((pl.col("response_code") == NOT_FOUND) & ~connection)
            .then(ledger_kind(lost=pl.col("lost")))
            .alias("ledger")
        )
        .drop("combination", "lost")
    )


def _examples(log: WholeLog) -> pl.DataFrame:
    server_name = pl.col("server_name").str.to_lowercase()
    host = pl.when(_CONNECTION).then(server_name)
    return (
        log.evidence.lazy()
        .with_columns(
            host.otherwise("host").alias("host"),
            path_group(pl.col("path"), log.tally.spec.path_segments).alias("path_group"),
        )
        .pipe(_with_known, log)
        .drop("rank", "authority", "server_name")
        .sort("start", "source", "line", "host", "path", "client", nulls_last=True)
        .collect()
    )


_MOST_VALUES = 50

_DROPPED_FIRST = (
    "gateway", "response_flags", "method", "response_code", "route_name", "upstream_host",
    "path_group", "upstream_cluster", "failure", "outcome", "host",
)  # fmt: skip
"""What says least of a finding comes first."""


@dataclass(frozen=True, slots=True)
class FindingSlice:
    """Where a finding is in the slices of a log.

    Attributes:
        filters: By column the values that its records have, of as few columns
            as pick them out; a few other records may have them too.
        trend: Its records by ``start``, those without a time under null.
        noise: How many of them are noise: a legacy blackhole's host was never
            routed, and is what the finding is about.
    """

    filters: Mapping[str, tuple[object, ...]]
    trend: Mapping[int | None, int]
    noise: int = 0


def slices_of(findings: Iterable[Finding], slices: Slices) -> tuple[FindingSlice | None, ...]:
    """Return the slice of each finding.

    Returns:
        In their order; null for a finding about the log itself, and for one
        whose condition asks for what slices don't have, such as a duration.
    """
    connection = pl.col("connection")
    combinations = slices.combinations.with_row_index("combination").with_columns(
        pl.when(connection).then(pl.lit("connection")).otherwise(pl.lit("request")).alias("kind"),
        pl.when(connection).then("host").alias("requested_server_name"),
    )
    return tuple(_slice_of(found, combinations, slices.rows) for found in findings)


def _slice_of(
    found: Finding, combinations: pl.DataFrame, rows: pl.DataFrame
) -> FindingSlice | None:
    if found.where is None:
        return None
    condition = pl.sql_expr(found.where)
    if not set(condition.meta.root_names()) <= set(combinations.columns):
        return None
    matching = combinations.filter(condition)
    if matching.is_empty():
        return None
    trend = (
        rows.lazy()
        .join(matching.lazy().select("combination"), on="combination", how="semi")
        .group_by("start")
        .agg(pl.col("records").sum())
        .sort("start")
        .collect()
    )
    noise = int(matching["records"].filter(matching["noise"]).sum())
    return FindingSlice(_filters(combinations, matching), dict(trend.iter_rows()), noise)


def _filters(combinations: pl.DataFrame, matching: pl.DataFrame) -> dict[str, tuple[object, ...]]:
    unique = pl.col(SLICE_COLUMNS).unique().sort(nulls_last=True)
    values = matching.select(unique.implode())
    kept = {
        name: found for name in SLICE_COLUMNS if (found := values[name][0]).len() <= _MOST_VALUES
    }
    bits = {name: 1 << place for place, name in enumerate(kept)}
    others = (
        pl.when(pl.col(name).is_in(found.implode(), nulls_equal=True)).then(0).otherwise(bits[name])
        for name, found in kept.items()
    )
    # Which columns tell a combination from those of the finding, and how many records are such.
    counted = (
        combinations.lazy()
        .group_by(pl.sum_horizontal(others).alias("others"))
        .agg(pl.col("records").sum())
        .collect()
    )
    told_apart = dict(counted.iter_rows())

    def picked(names: Iterable[str]) -> int:
        asked = sum(bits[name] for name in names)
        return sum(records for others, records in told_apart.items() if not others & asked)

    fewest = picked(kept)
    for name in _DROPPED_FIRST:
        without = kept.keys() - {name}
        if name == "host" and "path_group" in kept:
            continue  # paths alone might pick the same, but people ask whose they are
        if name in kept and without and picked(without) == fewest:
            del kept[name]
    return {name: tuple(found) for name, found in kept.items()}
