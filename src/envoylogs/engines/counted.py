"""What workers have counted, which adds up in any order."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import accumulate, chain
from typing import TYPE_CHECKING

from envoylogs.tally.packed import PackedTally
from envoylogs.tally.tally import sum_of_tallies

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from envoylogs.engines.items import Item

Tallies = tuple[PackedTally, ...]
"""A tally for each selection, which waits to be added to others."""


@dataclass(frozen=True, slots=True)
class Run:
    """Parts of one source that follow one another.

    Attributes:
        number: How many parts are before them.
        n_parts: How many parts the source has.
        lines: How many lines each of these has.
        tallies: Of all of them; numbers of lines are of their parts.
        has_ended: Whether the last one was not read to its end, since somebody stopped it: which
            numbers lines of later parts have is not known.
    """

    number: int
    n_parts: int
    lines: tuple[int, ...]
    tallies: Tallies
    has_ended: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether these are all parts of their source."""
        return not self.has_ended and len(self.lines) == self.n_parts

    def numbered(self) -> Tallies:
        """Return the tallies of parts from the first one on with the numbers that lines have."""
        before = list(accumulate(self.lines, initial=0))
        return tuple(tally.with_lines_of_parts(before) for tally in self.tallies)


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted.

    Attributes:
        tallies: Of sources that were read whole; null for none.
        runs: Parts of others, by the name of their source.
        again: What must be read once more: by one worker as a whole, or by another one.
    """

    tallies: Tallies | None = None
    runs: Mapping[str, tuple[Run, ...]] = field(default_factory=dict)
    again: tuple[Item, ...] = ()

    def without(self, items: Sequence[Item]) -> Counted:
        """Return the same without parts of sources that these items read anew, as a whole."""
        whole = {item.sources[0].name for item in items if not item.n_parts}
        left = {name: runs for name, runs in self.runs.items() if name not in whole}
        return Counted(self.tallies, left)

    def ended(self) -> Counted:
        """Return the same as if sources ended where their parts do that are there from the first.

        Parts behind one that is missing are left out.
        """
        begun = [run.numbered() for runs in self.runs.values() for run in runs if not run.number]
        return Counted(_added(chain([self.tallies], begun), None))


def merged(found: Iterable[Counted], at_once: int | None = None) -> Counted:
    """Return what was counted in all; parts become a source once they are complete.

    Args:
        found: In any order.
        at_once: As of ``sum_of_tallies``.
    """
    counted = list(found)
    tallies = [one.tallies for one in counted]
    runs = defaultdict[str, list[Run]](list)
    for one in counted:
        for name, some in one.runs.items():
            runs[name] += some
    left: dict[str, tuple[Run, ...]] = {}
    for name, of_source in runs.items():
        joined = _joined(of_source, at_once)
        if joined[0].is_whole:
            tallies.append(joined[0].numbered())
        else:
            left[name] = joined
    again = tuple(chain.from_iterable(one.again for one in counted))
    return Counted(_added(tallies, at_once), left, again)


def _added(found: Iterable[Tallies | None], at_once: int | None) -> Tallies | None:
    some = [tallies for tallies in found if tallies is not None]
    if len(some) <= 1:
        return some[0] if some else None
    sums = (sum_of_tallies(*each, at_once=at_once) for each in zip(*some, strict=True))
    return tuple(map(PackedTally.of, sums))


def _joined(runs: Sequence[Run], at_once: int | None) -> tuple[Run, ...]:
    """Return runs with those as one that follow one another."""
    groups: list[list[Run]] = []
    end = -1
    for run in sorted(runs, key=lambda run: run.number):
        if run.number == end:
            groups[-1].append(run)
        else:
            groups.append([run])
        end = -1 if run.has_ended else run.number + len(run.lines)
    return tuple(_one_of(group, at_once) for group in groups)


def _one_of(runs: Sequence[Run], at_once: int | None) -> Run:
    first, *others = runs
    if not others:
        return first
    tallies = _added((run.tallies for run in runs), at_once)
    assert tallies is not None  # noqa: S101
    lines = sum((run.lines for run in runs), ())
    return Run(first.number, first.n_parts, lines, tallies, runs[-1].has_ended)
