"""A finding as a slice: the values that pick its records out, and how many there were over time.

A finding says which records it is about as a condition in SQL. A page filters
by values of columns, so the condition is asked of each combination of values,
and what those have in common is the filter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from envoylogs.summary.slices import SLICE_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from envoylogs.summary.findings.finding import Finding
    from envoylogs.summary.slices import Slices

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
