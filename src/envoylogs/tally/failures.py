"""How long what failed had taken: failures that all take the same time speak for a limit.

So do upgraded connections that were closed, each of which is no failure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import polars as pl

from envoylogs.envoy.failures.lookup import upgrade_end
from envoylogs.tally.classes import DurationCounts
from envoylogs.tally.subjects import SUBJECT_KEYS, SUBJECT_NAMES, subject_columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envoylogs.reading.batches import Batch
    from envoylogs.tally.state import TallySpec

__all__ = ["FailureDurations"]


@dataclass(frozen=True, slots=True, eq=False)
class FailureDurations(DurationCounts):
    """Failed requests and connections by kind, failure, what they are about, and milliseconds.

    With upgraded connections that one side closed, see ``upgrade_end``.

    Of requests and connections alike; those without a duration are not in it.
    """

    KEYS: ClassVar = {
        "kind": pl.String(),
        "failure": pl.String(),
        **dict.fromkeys(SUBJECT_KEYS, pl.String()),
        "value_ms": pl.Int64(),
    }

    @classmethod
    def names(cls, spec: TallySpec) -> Mapping[str, str]:
        """Return what failures are about."""
        return SUBJECT_NAMES

    @classmethod
    def of(cls, batch: Batch, spec: TallySpec) -> Self:
        """Count the failures of one batch."""
        if batch.frame is None:
            return cls.empty(spec)
        ended = pl.coalesce("failure", upgrade_end())
        failed = batch.frame.with_columns(ended.alias("failure")).filter(
            pl.col("failure").is_not_null()
            & pl.col("duration_ms").is_not_null()
            & (pl.col("kind") != "own")
        )
        counted = failed.group_by(
            "kind", "failure", *subject_columns(), pl.col("duration_ms").alias("value_ms")
        ).agg(pl.len().cast(pl.Int64).alias("requests"))
        return cls(cls.counted(spec, counted), spec)
