"""Tallies by day, so that old days can be forgotten.

A tally can't be cut by time afterwards, so a tally that is to be cut is many:
one a day. A batch belongs to one of them as a whole, the day of its newest
record in UTC, so that accounts and tables of each agree; records of the day
before that stand in it are forgotten with it. Times later than now say nothing
of when a record was written: none of them makes a day, or makes one old.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.tally.counting import TIME
from envoylogs.tally.tally import Tally
from envoylogs.tally.tally_sum import TallySum

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import polars as pl

    from envoylogs.keyed.batches import Batch
    from envoylogs.tally.spec import TallySpec

DAY_US = 86_400_000_000
"""Microseconds of a day."""

STATES_WITH_TIMES = ("lines", "traffic")
"""The states whose rows have the times of their first and their last record."""

_AT_ONCE = 6
"""How many tallies are added at once: more take more memory and no less time."""


class DaySums:
    """Adds up the tallies of batches as they come, by day or all in one.

    Args:
        spec: Of all tallies.
        before: What was counted before, by day (days since 1970; null is any).
        by_day: Whether days are kept apart.
        now_us: The time now.
    """

    def __init__(
        self, spec: TallySpec, before: Mapping[int | None, Tally], *, by_day: bool, now_us: int
    ) -> None:
        self._spec = spec
        self._now_us = now_us
        self._by_day = by_day
        self._before = before
        self._sums: dict[int | None, TallySum] = {}
        self._day = max((day for day in before if day is not None), default=None)

    def add(self, batch: Batch) -> None:
        """Observe one more batch; one without a time belongs to the day of the one before it."""
        if self._by_day and batch.everything is not None:
            self._day = self._day_of(batch.everything.rows)
        day = self._day if self._by_day else None
        self._sums.setdefault(day, TallySum(self._spec)).add(batch)

    def _day_of(self, records: pl.DataFrame) -> int | None:
        """Return the day of some records; of those before if they have no time up to now."""
        time = TIME
        newest, oldest = records.select(
            time.filter(time <= self._now_us).max(), time.min().alias("oldest")
        ).row(0)
        if newest is not None:
            return int(newest) // DAY_US
        # The first of all may come from a clock that is ahead: then they are of today.
        return self._day if self._day is not None or oldest is None else self._now_us // DAY_US

    def totals(self) -> dict[int | None, Tally]:
        """Return what was counted before and now, by day; one of no day if it was nothing."""
        found = dict(self._before)
        for day, adding in self._sums.items():
            new = adding.total()
            found[day] = found[day].merge(new) if day in found else new
        return found or {None: Tally.empty(self._spec)}


def sum_of(tallies: Iterable[Tally]) -> Tally:
    """Return the sum of tallies, a few of them at a time in memory.

    Args:
        tallies: One at least, of one specification; read one by one if they
            come from a generator.

    Raises:
        TallyError: If their specifications differ.
    """
    waiting: list[Tally] = []
    for tally in tallies:
        waiting.append(tally)
        if len(waiting) == _AT_ONCE:
            waiting = [waiting[0].merge(*waiting[1:])]
    first, *others = waiting
    return first.merge(*others) if others else first


def without_old_days(
    days: Mapping[int | None, Tally], keep_us: int, now_us: int
) -> dict[int | None, Tally]:
    """Return the days that are at least partly within a span before the newest record.

    Args:
        days: By day.
        keep_us: The span.
        now_us: The time now.
    """
    newest = [
        newest_time((tally.state(name).frame for name in STATES_WITH_TIMES), now_us)
        for tally in days.values()
    ]
    recent = are_recent(newest, keep_us, now_us)
    return {day: days[day] for day, kept in zip(days, recent, strict=True) if kept}


def are_recent(newest: Sequence[int | None], keep_us: int, now_us: int) -> list[bool]:
    """Tell which of some tallies are at least partly within a span before the newest record.

    Args:
        newest: Of each, as ``newest_time`` returns it; null is recent.
        keep_us: The span.
        now_us: The time now, which is the end of the span where there are no times.
    """
    last = max((time for time in newest if time is not None), default=now_us)
    return [time is None or time >= last - keep_us for time in newest]


def newest_time(states: Iterable[pl.DataFrame], now_us: int) -> int | None:
    """Return the newest time up to now that some states know of; null without any.

    A row that a record of the future is in still knows when its first record
    was, and all other rows know their last.

    Args:
        states: Frames of ``STATES_WITH_TIMES``.
        now_us: The time now, in microseconds since 1970, as are all times.
    """
    times = [frame[column] for frame in states for column in ("first", "last")]
    newest = [time.filter(time <= now_us).max() for time in times]
    return max((time for time in newest if isinstance(time, int)), default=None)
