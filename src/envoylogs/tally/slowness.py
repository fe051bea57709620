"""How many answered requests took how long in which stretch of time, and where.

It is there to tell when a service or the gateway became slow, so a few classes
do: exact percentiles are in ``latency``, without a time.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, ClassVar

import polars as pl

from envoylogs.envoy.flags import has_flag
from envoylogs.reading.decoded_block import KEY
from envoylogs.tally.latency import is_answered
from envoylogs.tally.timeline import ENOUGH, BucketCounts

if TYPE_CHECKING:
    from envoylogs.keyed.keyed_records import KeyedRecords
    from envoylogs.tally.counting import Counted
    from envoylogs.tally.spec import TallySpec

CLASSES_MS = (0, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1_000, 1_500, 2_000, 3_000, 5_000,
              7_000, 10_000, 15_000, 20_000, 30_000, 60_000)  # fmt: skip
"""Where the classes begin, in milliseconds: round numbers, since findings say them. The next is
at most twice as much; below the first step nobody feels a difference."""

UPSTREAM_TIME, GATEWAY_TIME, DELAY = "upstream_time", "gateway_time", "delay"

SMALL_BYTES = 16_384
"""Requests and answers that fit the buffers on the way, so that no slow network or client holds
them up: what they take besides the upstream's time is the gateway's."""


def class_end_ms(from_ms: int) -> int:
    """Return where the class ends that begins at some milliseconds."""
    # The last class has no end; nothing is much slower.
    return next((edge for edge in CLASSES_MS if edge > from_ms), 2 * CLASSES_MS[-1])


class SlownessCounts(BucketCounts):
    """Answered requests by bucket, measure, subject and class of their time.

    ``upstream_time`` is by cluster: that of the upstream where it was logged, else the duration.
    The others are by authority and of one request either: ``delay`` of those that a fault rule
    delayed, ``gateway_time`` of all others; both are what the duration is longer than the
    upstream's time. ``from_ms`` is where the class begins, and null for a gateway's time that
    can't be told: where a body was large, or something was not logged. Requests without a subject
    or a duration are left out. ``first`` and ``last`` are times in microseconds, as in the
    timeline.
    """

    KEYS: ClassVar = {
        "width_s": pl.Int64(),
        "start": pl.Int64(),
        "measure": pl.String(),
        "authority": pl.String(),
        "upstream_cluster": pl.String(),
        "from_ms": pl.Int64(),
    }
    SUMS: ClassVar = ("requests", "errors")
    MINIMA: ClassVar = ("first",)
    MAXIMA: ClassVar = ("last",)

    @classmethod
    def counted(cls, records: KeyedRecords, spec: TallySpec) -> list[Counted]:
        """Count the answered requests of one batch."""
        took_ms, upstream_ms = pl.col("duration_ms"), pl.col("upstream_service_time_ms")
        answered = (pl.col("kind") == "request") & is_answered()
        is_delayed = has_flag("DI")
        subjects = {
            "of_service": answered & pl.col("upstream_cluster").is_not_null(),
            "of_host": answered & pl.col("authority").is_not_null(),
        }

        timed = {
            "of_service": took_ms.is_not_null() & ~pl.col("is_delayed") | upstream_ms.is_not_null(),
            "of_host": took_ms.is_not_null(),
        }
        some = replace(records, rows=records.rows[[KEY, "start_time", "duration_ms"]]).some(ENOUGH)
        is_counted = some.of_keys(subjects["of_host"].fill_null(value=False))
        times = some.rows["start_time"].filter(is_counted & some.rows["duration_ms"].is_not_null())
        buckets = cls.buckets(times, spec)
        small = (pl.col("bytes_sent") <= SMALL_BYTES) & (pl.col("bytes_received") <= SMALL_BYTES)
        outside_ms = (
            pl.when("is_delayed")
            .then(took_ms - upstream_ms.fill_null(0))
            .when(small)
            .then(took_ms - upstream_ms)
        )
        measure = pl.when(is_delayed).then(pl.lit(DELAY)).otherwise(pl.lit(GATEWAY_TIME))
        missing = pl.lit(None, pl.String)
        cluster, authority = pl.col("upstream_cluster"), pl.col("authority")
        return [
            cls.counted_in_time(
                records,
                keys={"measure": name, "authority": of_host, "upstream_cluster": of_cluster},
                values={"from_ms": _class_of(taken_ms)},
                traits={"is_delayed": is_delayed},
                where=subjects[subject],
                valid=timed[subject],
                buckets=buckets,
            )
            for subject, name, of_host, of_cluster, taken_ms in (
                (
                    "of_service",
                    pl.lit(UPSTREAM_TIME),
                    missing,
                    cluster,
                    pl.coalesce(upstream_ms, took_ms),
                ),
                ("of_host", measure, authority, missing, outside_ms),
            )
        ]


def _class_of(taken_ms: pl.Expr) -> pl.Expr:
    """Return where the class of a time begins; null for none."""
    # A clock that was set back makes negative times, which are of the first class.
    return pl.lit(_class_starts()).gather(taken_ms.clip(0, CLASSES_MS[-1]))


@cache
def _class_starts() -> pl.Series:
    """Return where the class of each time begins, in milliseconds, up to the last class."""
    ends = [*CLASSES_MS[1:], CLASSES_MS[-1] + 1]
    of_class = zip(CLASSES_MS, ends, strict=True)
    return pl.Series([start for start, end in of_class for _ in range(start, end)], dtype=pl.Int64)
