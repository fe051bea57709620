"""How many answered requests of a service took how long in which stretch of time.

It is there to tell when a service became slow, so a few classes do: exact
percentiles are in ``latency``, without a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import polars as pl

from envoylogs.envoy.outcomes import is_error
from envoylogs.tally.latency import is_answered
from envoylogs.tally.state import TallySpec, microseconds
from envoylogs.tally.timeline import WIDTHS_S, BucketCounts, floored

if TYPE_CHECKING:
    from envoylogs.reading.batches import Batch

__all__ = ["CLASSES_MS", "SlownessCounts", "class_end_ms"]

CLASSES_MS = (0, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1_000, 1_500, 2_000, 3_000, 5_000,
              7_000, 10_000, 15_000, 20_000, 30_000, 60_000)  # fmt: skip
"""Where the classes begin, in milliseconds: round numbers, since findings say them. The next is
at most twice as much; below the first step nobody feels a difference."""


def class_end_ms(from_ms: int) -> int:
    """Return where the class ends that begins at some milliseconds."""
    # The last class has no end; nothing is much slower.
    return next((edge for edge in CLASSES_MS if edge > from_ms), 2 * CLASSES_MS[-1])


@dataclass(frozen=True, slots=True, eq=False)
class SlownessCounts(BucketCounts):
    """Answered requests by bucket, cluster and class of their time.

    The time is that of the upstream where it was logged, else the duration.
    ``from_ms`` is where the class begins; requests without a time or a cluster
    are left out. ``first`` and ``last`` are times in microseconds, as in the timeline.
    """

    KEYS: ClassVar = {
        "width_s": pl.Int64(),
        "start": pl.Int64(),
        "upstream_cluster": pl.String(),
        "from_ms": pl.Int64(),
    }
    SUMS: ClassVar = ("requests", "errors")
    MINIMA: ClassVar = ("first",)
    MAXIMA: ClassVar = ("last",)

    @classmethod
    def of(cls, batch: Batch, spec: TallySpec) -> Self:
        """Count the answered requests of one batch."""
        if batch.frame is None:
            return cls.empty(spec)
        width = WIDTHS_S[0]
        edges = pl.Series(CLASSES_MS, dtype=pl.Int64)
        # A clock that was set back makes negative times, which are of the first class.
        taken_ms = pl.coalesce("upstream_service_time_ms", "duration_ms").clip(lower_bound=0)
        rows = batch.frame.select(
            "upstream_cluster",
            microseconds("start_time").alias("time"),
            taken_ms.alias("taken_ms"),
            is_error().alias("error"),
            ((pl.col("kind") == "request") & is_answered()).alias("answered"),
        ).filter("answered", pl.col("upstream_cluster", "taken_ms").is_not_null())
        time = pl.col("time")
        frame = (
            rows.group_by(
                pl.lit(width, pl.Int64).alias("width_s"),
                floored(time, width).alias("start"),
                "upstream_cluster",
                pl.lit(edges).search_sorted(pl.col("taken_ms"), side="right").alias("place"),
            )
            .agg(
                pl.len().cast(pl.Int64).alias("requests"),
                pl.col("error").sum().cast(pl.Int64).alias("errors"),
                time.min().alias("first"),
                time.max().alias("last"),
            )
            .with_columns(pl.lit(edges).gather(pl.col("place") - 1).alias("from_ms"))
            .select(*cls.columns(spec))
        )
        return cls(cls.fitted(frame, spec), spec)
