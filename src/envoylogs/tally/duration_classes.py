"""Counts by durations, which are kept in classes when whole milliseconds are too many."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from envoylogs.tally.ladder import DIGITS, LadderCounts, Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from envoylogs.tally.spec import TallySpec


class DurationCounts(LadderCounts):
    """Counts by keys and ``value_ms``; all rows have the same number of ``digits``.

    It is the largest of the ladder at which the rows fit ``max_latency_rows``.
    """

    SUMS: ClassVar = ("requests",)
    MINIMA: ClassVar = ("digits",)

    @classmethod
    def most_rows(cls, spec: TallySpec) -> int:
        """Return past how many rows durations are kept in classes, and names are folded then."""
        return spec.max_latency_rows

    @classmethod
    def steps(cls, spec: TallySpec, rows: pl.DataFrame) -> Iterator[Step]:
        """Yield ever fewer digits."""
        del spec
        # What was in classes before is in them for good, and so is what it is added to.
        given = rows["digits"].min()
        for digits in DIGITS[DIGITS.index(given) :] if isinstance(given, int) else ():
            yield Step(digits=digits)
