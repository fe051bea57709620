"""Durations in classes, when whole milliseconds are too many.

A class is what its first few binary digits say: with seven digits, durations
below 128 ms are exact, and a class above is at most a 64th of its smallest
duration wide. A class is kept as the duration in its middle. Classes of fewer
digits are made of whole classes of more, so it does not matter in which order
counts come to be in them, and how many digits are kept depends on the content
of a log and not on its cut or its order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

import polars as pl

from envoylogs.tally.state import CountState, TallySpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envoylogs.keyed.batches import Batch

__all__ = ["ALL_DIGITS", "DIGITS", "EXACT", "DurationCounts", "in_classes", "relative_error_of"]

ALL_DIGITS = 64
"""So many digits are all there can be: whole milliseconds."""

EXACT: Mapping[str, pl.Expr] = {"digits": pl.lit(ALL_DIGITS, pl.Int64)}
"""What counts by whole milliseconds all have."""

DIGITS = (ALL_DIGITS, 8, 7, 6, 5, 4)
"""The ladder: how many binary digits of a duration are kept."""


def relative_error_of(digits: int) -> float:
    """Return how far a percentile may be from the duration that was logged, as a share of it."""
    return 0.0 if digits == ALL_DIGITS else 2.0**-digits


def in_classes(value: pl.Expr, digits: int) -> pl.Expr:
    """Return durations as the middles of their classes; negative ones as their opposites."""
    if digits == ALL_DIGITS:
        return value
    size = value.abs()
    dropped = (ALL_DIGITS - size.bitwise_leading_zeros().cast(pl.Int64) - digits).clip(0)
    width = pl.lit(2, pl.Int64).pow(dropped).cast(pl.Int64)
    middle = size // width * width + width // 2
    return middle * value.sign()


class DurationCounts(CountState):
    """Counts by keys and ``value_ms``; all rows have the same number of ``digits``.

    It is the largest of the ladder at which the rows fit ``max_latency_rows``.
    """

    __slots__ = ()

    SUMS: ClassVar = ("requests",)
    MINIMA: ClassVar = ("digits",)

    @classmethod
    def most_rows(cls, spec: TallySpec) -> int:
        """Return past how many rows durations are kept in classes, and names are folded then."""
        return spec.max_latency_rows

    @classmethod
    def of_counts(cls, batch: Batch, spec: TallySpec, counts: Sequence[pl.DataFrame]) -> Self:
        """Return what was counted by whole milliseconds, as this state keeps it."""
        del batch
        return cls(cls.counted(spec, *counts), spec) if counts else cls.empty(spec)

    @classmethod
    def summed(cls, spec: TallySpec, *frames: pl.DataFrame) -> pl.DataFrame:
        """Return counts added up, in the narrowest classes that fit."""
        return cls.fitted(spec, cls.added(spec, *frames))

    @classmethod
    def counted(cls, spec: TallySpec, *frames: pl.DataFrame) -> pl.DataFrame:
        """Return counts of whole milliseconds, none of them twice, as this state keeps them."""
        columns = list(cls.columns(spec))
        return cls.fitted(spec, pl.concat(frame[columns] for frame in frames))

    @classmethod
    def fitted(cls, spec: TallySpec, frame: pl.DataFrame) -> pl.DataFrame:
        """Return counts in the narrowest classes that fit, as wide as the widest given at least."""
        given = frame["digits"].min() if frame.height else None
        digits = given if isinstance(given, int) else ALL_DIGITS
        # What was in classes before is in them for good, and so is what it is added to.
        if frame.height and frame["digits"].max() != given:
            frame = cls._in_classes(spec, frame, digits)
        for fewer in DIGITS[DIGITS.index(digits) + 1 :]:
            if frame.height <= spec.max_latency_rows:
                break
            frame = cls._in_classes(spec, frame, fewer)
        return frame

    @classmethod
    def _in_classes(cls, spec: TallySpec, frame: pl.DataFrame, digits: int) -> pl.DataFrame:
        classes = in_classes(pl.col("value_ms"), digits).alias("value_ms")
        kept = pl.lit(digits, pl.Int64).alias("digits")
        return cls.added(spec, frame.with_columns(classes, kept))
