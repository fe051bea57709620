"""How many requests took how many whole milliseconds.

The counts by value are kept, not quantiles: only they can be added, and they
give exact percentiles; past a number of rows values are kept in ``classes``.
Latency is that of requests which the upstream answered, code 101 (a connection
that goes on) apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import polars as pl

from envoylogs import schema
from envoylogs.envoy.outcomes import SWITCHING_PROTOCOLS, UPSTREAM_ANSWERED
from envoylogs.tally.classes import DurationCounts
from envoylogs.tally.folded import FOLDABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envoylogs.reading.batches import Batch
    from envoylogs.tally.fold import Fold
    from envoylogs.tally.state import TallySpec

__all__ = [
    "MEASURES",
    "TRAITS",
    "LatencyByGroup",
    "LatencyByTrait",
    "answered_requests",
    "counted_by_value",
    "is_answered",
]

MEASURES: Mapping[str, pl.Expr] = {
    "latency_ms": pl.col("duration_ms"),
    "upstream_time_ms": pl.col("upstream_service_time_ms"),
    "gateway_ms": pl.col("duration_ms") - pl.col("upstream_service_time_ms"),
}
"""What is measured, in whole milliseconds; null where it was not logged."""

TRAITS: Mapping[str, tuple[str, ...]] = {
    "outcome": ("latency_ms",),
    "response_flags": ("latency_ms",),
    "response_code_details": ("latency_ms",),
    "gateway": ("latency_ms", "gateway_ms"),
    "upstream_host": ("latency_ms", "upstream_time_ms"),
}
"""Columns that latency is kept for one at a time, and what is measured for each."""


def answered_requests(batch: Batch) -> pl.DataFrame | None:
    """Return the requests of a batch that latency is measured over; None without records."""
    if batch.frame is None:
        return None
    return batch.frame.filter((pl.col("kind") == "request") & is_answered())


def is_answered() -> pl.Expr:
    """Tell the requests that latency is measured over."""
    return pl.col("outcome").is_in(UPSTREAM_ANSWERED) & pl.col("response_code").ne_missing(
        SWITCHING_PROTOCOLS
    )


def counted_by_value(answered: pl.DataFrame, measure: str, keys: list[pl.Expr]) -> pl.DataFrame:
    """Count requests by keys and by the value of one measure."""
    value = MEASURES[measure]
    return (
        answered.filter(value.is_not_null())
        .group_by(*keys, pl.lit(measure).alias("measure"), value.alias("value_ms"))
        .agg(pl.len().cast(pl.Int64).alias("requests"))
    )


@dataclass(frozen=True, slots=True, eq=False)
class LatencyByGroup(DurationCounts):
    """Requests by group keys, measure and milliseconds."""

    KEYS: ClassVar = {
        **{name: schema.NORMALIZED[name] for name in schema.GROUP_KEYS},
        "measure": pl.String(),
        "value_ms": pl.Int64(),
    }

    @classmethod
    def of(cls, batch: Batch, spec: TallySpec) -> Self:
        """Count the answered requests of one batch."""
        answered = answered_requests(batch)
        if answered is None:
            return cls.empty(spec)
        keys = [pl.col(name) for name in schema.GROUP_KEYS]
        measures = ("latency_ms", "upstream_time_ms")
        frames = [counted_by_value(answered, name, keys) for name in measures]
        return cls(cls.counted(spec, *frames), spec)


@dataclass(frozen=True, slots=True, eq=False)
class LatencyByTrait(DurationCounts):
    """Requests by one column at a time (``trait``), its value (``name``), measure and time."""

    KEYS: ClassVar = {
        "trait": pl.String(),
        "name": pl.String(),
        "measure": pl.String(),
        "value_ms": pl.Int64(),
    }

    @classmethod
    def of(cls, batch: Batch, spec: TallySpec) -> Self:
        """Count the answered requests of one batch."""
        answered = answered_requests(batch)
        if answered is None:
            return cls.empty(spec)
        frames = [
            counted_by_value(
                answered, measure, [pl.lit(trait).alias("trait"), pl.col(trait).alias("name")]
            )
            for trait, measures in TRAITS.items()
            for measure in measures
        ]
        return cls(cls.counted(spec, *frames), spec)

    @classmethod
    def renamed(cls, frame: pl.DataFrame, spec: TallySpec, fold: Fold | None) -> pl.DataFrame:
        """Return rows with the names of each trait folded as those of that column."""
        del spec
        name = pl.col("name")
        for trait in TRAITS:
            if fold and trait in fold:
                name = pl.when(pl.col("trait") == trait).then(fold[trait].of(name)).otherwise(name)
        return frame.with_columns(name)

    def names_by_kind(self) -> Mapping[str, pl.Series]:
        """Return the names of each trait that may be folded."""
        return {
            trait: self.frame.filter(pl.col("trait") == trait)["name"].unique()
            for trait in TRAITS
            if trait in FOLDABLE
        }
