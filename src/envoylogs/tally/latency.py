"""How many requests took how many whole milliseconds.

The counts by value are kept, not quantiles: only they can be added, and they
give exact percentiles; past a number of rows values are kept in ``duration_classes``.
Latency is that of requests which the upstream answered, code 101 (a connection
that goes on) apart.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, ClassVar, Self

import polars as pl

from envoylogs import schema
from envoylogs.envoy.outcomes import SWITCHING_PROTOCOLS, UPSTREAM_ANSWERED
from envoylogs.tally.counting import REQUESTS, Counted, Names, names_in
from envoylogs.tally.duration_classes import DurationCounts
from envoylogs.tally.folding.names_apart import FOLDABLE
from envoylogs.tally.ladder import EXACT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envoylogs.keyed.keyed_records import KeyedRecords
    from envoylogs.tally.folding.fold import Fold
    from envoylogs.tally.spec import TallySpec

MEASURES: Mapping[str, pl.Expr] = {
    "latency_ms": pl.col("duration_ms"),
    "upstream_time_ms": pl.col("upstream_service_time_ms"),
    "gateway_ms": pl.col("duration_ms") - pl.col("upstream_service_time_ms"),
}
"""What is measured, in whole milliseconds; null where it was not logged."""

OF_GROUPS = ("latency_ms", "upstream_time_ms")
"""What is measured for each group."""

TRAITS: Mapping[str, tuple[str, ...]] = {
    "outcome": ("latency_ms",),
    "response_flags": ("latency_ms",),
    "response_code_details": ("latency_ms",),
    "gateway": ("latency_ms", "gateway_ms"),
    "upstream_host": ("latency_ms", "upstream_time_ms"),
}
"""Columns that latency is kept for one at a time, and what is measured for each."""

_MEASURED = ("measure", "value_ms")
_NOTHING: Mapping[str, pl.Expr] = {}
_NO_NAMES: Mapping[str, Names] = {}


@cache
def is_answered() -> pl.Expr:
    """Tell the requests that latency is measured over."""
    return pl.col("outcome").is_in(UPSTREAM_ANSWERED) & pl.col("response_code").ne_missing(
        SWITCHING_PROTOCOLS
    )


def answered_by(
    records: KeyedRecords,
    measure: str,
    keys: Mapping[str, pl.Expr],
    values: Mapping[str, pl.Expr] = _NOTHING,
    names: Mapping[str, Names] = _NO_NAMES,
) -> Counted:
    """Count answered requests by the value of one measure, and by more.

    Args:
        records: Those that are counted.
        measure: Of ``MEASURES``.
        keys: See ``Counted``.
        values: See ``Counted``.
        names: See ``Counted``.
    """
    value = MEASURES[measure]
    return Counted(
        records=records,
        keys=keys,
        values={**values, "value_ms": value},
        names=names,
        measures={"requests": REQUESTS},
        constants={"measure": pl.lit(measure), **EXACT},
        where=(pl.col("kind") == "request") & is_answered(),
        valid=value.is_not_null(),
    )


class LatencyByGroup(DurationCounts):
    """Requests by group keys, measure and milliseconds."""

    KEYS: ClassVar = {
        **{name: schema.NORMALIZED[name] for name in schema.GROUP_KEYS},
        "measure": pl.String(),
        "value_ms": pl.Int64(),
    }

    @classmethod
    def counted(cls, records: KeyedRecords, spec: TallySpec) -> list[Counted]:
        """Count the answered requests of one batch."""
        del spec
        keys = {name: pl.col(name) for name in schema.GROUP_KEYS}
        return [answered_by(records, measure, keys) for measure in OF_GROUPS]


class LatencyByTrait(DurationCounts):
    """Requests by one column at a time (``trait``), its value (``name``), measure and time."""

    KEYS: ClassVar = {
        "trait": pl.String(),
        "name": pl.String(),
        "measure": pl.String(),
        "value_ms": pl.Int64(),
    }

    @classmethod
    def counted(cls, records: KeyedRecords, spec: TallySpec) -> list[Counted]:
        """Count the answered requests of one batch."""
        del spec
        keys = {name: pl.col(name) for name in TRAITS if name not in schema.OF_RECORDS}
        values = {name: pl.col(name) for name in TRAITS if name in schema.OF_RECORDS}
        return [
            # What all traits of keys are counted by together is few rows, and sums of it serve.
            answered_by(records, "latency_ms", keys),
            answered_by(records, "gateway_ms", {"gateway": pl.col("gateway")}),
            *(
                answered_by(
                    records, measure, _NOTHING, {trait: value}, names_in(records, **{trait: trait})
                )
                for trait, value in values.items()
                for measure in TRAITS[trait]
            ),
        ]

    @classmethod
    def of_counts(cls, spec: TallySpec, counts: Sequence[pl.DataFrame]) -> Self:
        """Return what was counted, one trait at a time."""
        if not counts:
            return cls.empty(spec)
        requests = pl.col("requests").sum()
        found = [
            counted.lazy()
            .group_by(pl.col(trait).alias("name"), *_MEASURED)
            .agg(requests)
            .with_columns(pl.lit(trait).alias("trait"), **EXACT)
            for counted in counts
            for trait in TRAITS
            if trait in counted.columns
        ]
        return super().of_counts(spec, pl.collect_all(found))

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
