"""Less detail, step by step, until counts fit: wider time buckets, wider classes of durations.

A bucket begins at a whole multiple of its width since 1970, and every width divides the next. A
class is what the first few binary digits of a duration say: with seven, durations below 128 ms are
exact, and a class above is at most a 64th of its smallest duration wide; it is kept as the
duration in its middle, and classes of fewer digits are made of whole classes of more. So counts
move down without loss but of detail, it does not matter in which order they come to be where they
are, and how far down they are depends on the content of a log and not on its cut or its order.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple, Self

import polars as pl

from envoylogs.errors import SelectionError
from envoylogs.keyed.moments import span_of
from envoylogs.tally.counting import MICROSECONDS, floored
from envoylogs.tally.state import Counts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from envoylogs.tally.spec import TallySpec

WIDTHS_S = (1, 5, 15, 60, 300, 900, 3600, 21600, 86400)
"""The widths of time buckets in seconds."""

ALL_DIGITS = 64
"""So many digits are all there can be: whole milliseconds."""

DIGITS = (ALL_DIGITS, 8, 7, 6, 5, 4)
"""How many binary digits of a duration are kept."""

EXACT: Mapping[str, pl.Expr] = {"digits": pl.lit(ALL_DIGITS, pl.Int64)}
"""What counts by whole milliseconds all have."""

_MICROSECOND = timedelta(microseconds=1)
_QUARTER_S, _DAY_S = 900, 86_400
_WIDEST_US = 10_000 * _DAY_S * MICROSECONDS


class Step(NamedTuple):
    """Where counts are on a ladder; null for what they do not have.

    Attributes:
        width_s: How wide their time buckets are.
        digits: How many digits of their durations are kept.
    """

    width_s: int | None = None
    digits: int | None = None


EXACTLY = Step()
"""Where counts have lost nothing."""


class Buckets(NamedTuple):
    """The buckets of time that were asked for.

    Attributes:
        width_s: How wide they are.
        timezone: By whose clock they begin, a name of the IANA database; null for UTC.
    """

    width_s: int
    timezone: str | None = None

    @classmethod
    def of(cls, option: str, every: str | timedelta, timezone: str | None) -> Self:
        """Return buckets as they were asked for: by text such as ``15m``, or by a length of time.

        Raises:
            SelectionError: If that is no length of time, or none of whole seconds.
        """
        width = span_of(option, every) if isinstance(every, str) else every // _MICROSECOND
        if not 0 < width <= _WIDEST_US or width % MICROSECONDS:
            raise SelectionError(
                f"{option} {every}: give how long a stretch of time is, in whole seconds up to "
                "10,000 days: 15m, 1h, 1d."
            )
        return cls(width // MICROSECONDS, timezone)

    def starts(self, time_us: pl.Expr) -> pl.Expr:
        """Return the starts of the buckets that times are in; both microseconds since 1970.

        Days are those of the clock, of 23 or 25 hours where it is changed.
        """
        if self.timezone is None:
            return floored(time_us, self.width_s)
        days, rest = divmod(self.width_s, _DAY_S)
        every = f"{self.width_s}s" if rest else f"{days}d"
        local = time_us.cast(pl.Datetime("us", "UTC")).dt.convert_time_zone(self.timezone)
        return local.dt.truncate(every).dt.epoch("us")

    def made_of(self, held_s: int | None) -> Buckets:
        """Return the narrowest ones that are as wide and can be made of buckets that are kept.

        Args:
            held_s: The width of what is kept; null for times as they were logged.
        """
        if held_s is None:
            return self
        return self._replace(width_s=-(-self.width_s // held_s) * held_s)

    @property
    def widest_part_s(self) -> int:
        """The widest buckets of the ladder that these can be made of."""
        # The clocks of all zones differ from UTC by whole quarters of an hour.
        most = self.width_s if self.timezone is None else min(self.width_s, _QUARTER_S)
        return max(width for width in WIDTHS_S if width <= most and self.width_s % width == 0)


def buckets_of(spec: TallySpec) -> Buckets | None:
    """Return the buckets that a specification asks for; null for none."""
    return None if spec.every_s is None else Buckets(spec.every_s, spec.timezone)


class LadderCounts(Counts):
    """Counts of which all rows are on the same step of a ladder: the first one that they fit."""

    @classmethod
    def steps(cls, spec: TallySpec, rows: pl.DataFrame) -> Iterator[Step]:
        """Yield the steps that rows may go down, from that of the coarsest row on; none for none.

        Args:
            spec: What is remembered.
            rows: On any steps.
        """
        raise TypeError

    @classmethod
    def of_counts(cls, spec: TallySpec, counts: Sequence[pl.DataFrame]) -> Self:
        """Return what was counted, no key of it twice, as far down as it must go to fit."""
        counted = super().of_counts(spec, counts)
        return cls(cls.fitted(spec, counted.frame), spec)

    @classmethod
    def summed(cls, spec: TallySpec, *frames: pl.DataFrame) -> pl.DataFrame:
        """Return counts added up, as far down as they must go to fit."""
        return cls.fitted(spec, cls.added(spec, *frames))

    @classmethod
    def fitted(cls, spec: TallySpec, rows: pl.DataFrame) -> pl.DataFrame:
        """Return counts, none of them twice, as far down as they must go to fit."""
        for step in cls.steps(spec, rows):
            if not _is_on(rows, step):
                rows = cls.coarsened(spec, rows, step)
            if rows.height <= cls.most_rows(spec):
                break
        return rows

    @classmethod
    def coarsened(cls, spec: TallySpec, rows: pl.DataFrame, step: Step) -> pl.DataFrame:
        """Return counts on a step further down."""
        columns = []
        if step.width_s is not None:
            start = floored(pl.col("start"), step.width_s)
            columns += [pl.lit(step.width_s, pl.Int64).alias("width_s"), start]
        if step.digits is not None:
            value = in_classes(pl.col("value_ms"), step.digits).alias("value_ms")
            columns += [pl.lit(step.digits, pl.Int64).alias("digits"), value]
        return cls.added(spec, rows.with_columns(columns))


def _is_on(rows: pl.DataFrame, step: Step) -> bool:
    """Tell whether all rows are on a step."""
    return all(
        part is None or rows[name].min() == rows[name].max() == part
        for name, part in step._asdict().items()
    )


def narrowest(times: pl.Series, widths: Sequence[int], buckets: int) -> int:
    """Return the narrowest of some widths at which times fill no more buckets, or the widest."""
    first, last = times.min(), times.max()
    if not (isinstance(first, int) and isinstance(last, int)):
        return widths[0]
    for width in widths:
        # All that there may be are told at no cost.
        if (floored(last, width) - floored(first, width)) // (width * MICROSECONDS) < buckets:
            return width
        if floored(times, width).n_unique() - times.has_nulls() <= buckets:
            return width
    return widths[-1]


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
