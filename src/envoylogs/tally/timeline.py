"""How many requests in which stretch of time.

Buckets are sparse and begin at whole multiples of their width since 1970. The
width is the narrowest of a fixed ladder at which the non-empty buckets fit
their number and the rows fit theirs, so it depends on what is in the log and
not on its order; every width divides the next, so counts move to a wider bucket without loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self, TypeVar

import polars as pl

from envoylogs.envoy.outcomes import is_error, is_redirect
from envoylogs.tally.counting import REQUESTS, TIME, Counted
from envoylogs.tally.state import CountState, TallySpec
from envoylogs.tally.subjects import (
    SUBJECT_KEYS,
    SUBJECT_NAMES,
    is_of_connection,
    subject_columns,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envoylogs.keyed.batches import Batch
    from envoylogs.keyed.keyed_records import KeyedRecords

__all__ = ["REDIRECT", "WIDTHS_S", "BucketCounts", "TimelineCounts", "floored"]

WIDTHS_S = (1, 5, 15, 60, 300, 900, 3600, 21600, 86400)
"""The ladder of bucket widths in seconds."""

REDIRECT = "redirect"

_MICROSECONDS = 1_000_000
_Times = TypeVar("_Times", pl.Expr, pl.Series, int)
_NOTHING: Mapping[str, pl.Expr] = {}
_KEYS = ("kind", "route_name", "outcome", "failure")


@dataclass(frozen=True, slots=True, eq=False)
class BucketCounts(CountState):
    """Counts by time bucket: their keys begin with ``width_s`` and ``start``."""

    @classmethod
    def counted_in_time(  # noqa: PLR0913  # what ``Counted`` is given
        cls,
        records: KeyedRecords,
        spec: TallySpec,
        *,
        keys: Mapping[str, pl.Expr],
        values: Mapping[str, pl.Expr],
        traits: Mapping[str, pl.Expr] = _NOTHING,
        where: pl.Expr | None = None,
        valid: pl.Expr | None = None,
        chosen: pl.Series | None = None,
    ) -> Counted:
        """Count records, errors and times by bucket; see ``Counted`` for what is given.

        ``chosen`` tells the records that the buckets are made for.

        Buckets are as wide as those of the records alone must be, which saves counting them by
        narrow ones first.
        """
        times = records.rows["start_time"].cast(pl.Int64)
        if chosen is not None:
            times = times.filter(chosen)
        width = _narrowest(times, WIDTHS_S, spec.timeline_buckets)
        return Counted(
            records=records,
            keys=keys,
            values={**values, "start": floored(TIME, width)},
            measures={
                "requests": REQUESTS,
                "errors": pl.col("is_error").sum().cast(pl.Int64),
                "first": TIME.min(),
                "last": TIME.max(),
            },
            constants={"width_s": pl.lit(width, pl.Int64)},
            traits={**traits, "is_error": is_error()},
            where=where,
            valid=valid,
        )

    @classmethod
    def of_counts(cls, batch: Batch, spec: TallySpec, counts: Sequence[pl.DataFrame]) -> Self:
        """Return what was counted, no key of it twice, in buckets that fit."""
        counted = super(BucketCounts, cls).of_counts(batch, spec, counts)
        frame = counted.frame
        if frame.height <= spec.max_rows and frame["width_s"].n_unique() <= 1:
            return counted
        return cls(cls.fitted(counted.frame, spec), spec)

    @classmethod
    def fitted(cls, frame: pl.DataFrame, spec: TallySpec) -> pl.DataFrame:
        """Return counts in the narrowest buckets that fit, at least as wide as the widest given."""
        given = frame["width_s"].max() if frame.height else None
        if not isinstance(given, int):
            return frame
        widths = WIDTHS_S[WIDTHS_S.index(given) :]
        narrowest = _narrowest(frame["start"], widths, spec.timeline_buckets)
        for width in widths[widths.index(narrowest) :]:
            frame = cls._in_buckets(spec, frame, width)
            if frame.height <= spec.max_rows:
                break
        return frame

    @classmethod
    def _in_buckets(cls, spec: TallySpec, frame: pl.DataFrame, width: int) -> pl.DataFrame:
        return cls.added(
            spec,
            frame.with_columns(
                pl.lit(width, pl.Int64).alias("width_s"), floored(pl.col("start"), width)
            ),
        )

    @classmethod
    def summed(cls, spec: TallySpec, *frames: pl.DataFrame) -> pl.DataFrame:
        """Return the sum of timelines, in buckets that fit."""
        return cls.fitted(pl.concat(frames), spec)


@dataclass(frozen=True, slots=True, eq=False)
class TimelineCounts(BucketCounts):
    """Requests and errors by bucket; ``start`` in microseconds, null for records without a time.

    ``first`` and ``last`` are the times of the first and the last record of a row, so that what
    happened in a bucket is known more closely than its width. Every row carries the width of its
    bucket; after a merge all are equal. ``port`` is that of the gateway's listener; ``answer`` is
    ``redirect``, or null for everything else.
    """

    KEYS: ClassVar = {
        "width_s": pl.Int64(),
        "start": pl.Int64(),
        **dict.fromkeys((*_KEYS, *SUBJECT_KEYS, "port", "answer"), pl.String()),
    }
    SUMS: ClassVar = ("requests", "errors")
    MINIMA: ClassVar = ("first",)
    MAXIMA: ClassVar = ("last",)

    @classmethod
    def names(cls, spec: TallySpec) -> Mapping[str, str]:
        """Return the columns that hold names, of routes and of what failures are about."""
        return {"route_name": "route_name", **SUBJECT_NAMES}

    @classmethod
    def asked(cls, batch: Batch, spec: TallySpec) -> list[Counted]:
        """Count the records of one batch."""
        if batch.selected is None:
            return []
        port = pl.col("downstream_local_address").str.extract(r":(\d{1,5})$")
        answer = pl.when(is_redirect()).then(pl.lit(REDIRECT))
        keys, values = subject_columns(pl.col("is_connection"))
        return [
            cls.counted_in_time(
                batch.selected,
                spec,
                keys={
                    **{name: pl.col(name) for name in _KEYS},
                    **keys,
                    "port": port,
                    "answer": answer,
                },
                values=values,
                traits={"is_connection": is_of_connection()},
            )
        ]


def _narrowest(times: pl.Series, widths: Sequence[int], buckets: int) -> int:
    """Return the narrowest of some widths at which times fill no more buckets, or the widest."""
    first, last = times.min(), times.max()
    if not (isinstance(first, int) and isinstance(last, int)):
        return widths[0]
    for width in widths:
        # All that there may be are told at no cost.
        if (floored(last, width) - floored(first, width)) // (width * _MICROSECONDS) < buckets:
            return width
        if floored(times, width).n_unique() - times.has_nulls() <= buckets:
            return width
    return widths[-1]


def floored(time: _Times, width_s: int) -> _Times:
    """Return the starts of the buckets that times (microseconds) are in."""
    return time - time % (width_s * _MICROSECONDS)
