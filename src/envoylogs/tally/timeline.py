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
from envoylogs.tally.state import CountState, TallySpec, microseconds
from envoylogs.tally.subjects import SUBJECT_KEYS, SUBJECT_NAMES, subject_columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envoylogs.reading.batches import Batch

__all__ = ["REDIRECT", "WIDTHS_S", "BucketCounts", "TimelineCounts", "floored"]

WIDTHS_S = (1, 5, 15, 60, 300, 900, 3600, 21600, 86400)
"""The ladder of bucket widths in seconds."""

REDIRECT = "redirect"

_MICROSECONDS = 1_000_000
_Times = TypeVar("_Times", pl.Expr, pl.Series)
_KEYS = ("kind", "route_name", "outcome", "failure")


@dataclass(frozen=True, slots=True, eq=False)
class BucketCounts(CountState):
    """Counts by time bucket: their keys begin with ``width_s`` and ``start``."""

    @classmethod
    def fitted(cls, frame: pl.DataFrame, spec: TallySpec) -> pl.DataFrame:
        """Return counts in the narrowest buckets that fit, at least as wide as the widest given."""
        given = frame["width_s"].max() if frame.height else None
        if not isinstance(given, int):
            return frame
        starts = frame["start"].drop_nulls().unique()
        for width in WIDTHS_S[WIDTHS_S.index(given) :]:
            fits = floored(starts, width).n_unique() <= spec.timeline_buckets
            if not fits and width != WIDTHS_S[-1]:
                continue
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
    def of(cls, batch: Batch, spec: TallySpec) -> Self:
        """Count the records of one batch."""
        if batch.frame is None:
            return cls.empty(spec)
        width = WIDTHS_S[0]
        time = microseconds("start_time")
        frame = batch.frame.group_by(
            pl.lit(width, pl.Int64).alias("width_s"),
            floored(time, width).alias("start"),
            *_KEYS,
            *subject_columns(),
            pl.col("downstream_local_address").str.extract(r":(\d{1,5})$").alias("port"),
            pl.when(is_redirect()).then(pl.lit(REDIRECT)).alias("answer"),
        ).agg(
            pl.len().cast(pl.Int64).alias("requests"),
            is_error().sum().cast(pl.Int64).alias("errors"),
            time.min().alias("first"),
            time.max().alias("last"),
        )
        return cls(cls.fitted(frame, spec), spec)


def floored(time: _Times, width_s: int) -> _Times:
    """Return the starts of the buckets that times (microseconds) are in."""
    return time - time % (width_s * _MICROSECONDS)
