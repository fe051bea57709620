"""Which plain files are read side by side: large ones in parts, many small ones in groups."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import accumulate, groupby
from typing import TYPE_CHECKING, NamedTuple

from envoylogs.engines.found_file import FoundFile, found_file
from envoylogs.engines.items import WHOLE
from envoylogs.engines.threads import cores, read_side_by_side
from envoylogs.errors import SourceError
from envoylogs.problems import CUT_LOG
from envoylogs.sources.compression import HEAD_BYTES, is_plain
from envoylogs.sources.parts import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envoylogs.engines.apart import Asked
    from envoylogs.keyed.plan import Hooks
    from envoylogs.sources.identity import Place
    from envoylogs.sources.known_logs import KnownLogs
    from envoylogs.sources.parts import Part
    from envoylogs.sources.source import Source
    from envoylogs.tally.tally import Tally
    from envoylogs.tally.tally_sum import TallySum

_PART_BYTES = 16 * 1024 * 1024
"""How large a part is at least: what is read anew for each, such as keys, must not matter."""

_GROUP_BYTES = 512 * 1024 * 1024
"""How large a group gets: what is worked out anew for each must not matter, and which of its files
are copies of logs before is not known to others until it is read."""
_HELD_BYTES = 64 * 1024 * 1024
"""How large one of objects gets, of which the small ones are kept from when they are looked at."""
_LEAST_BYTES = 4 * 1024 * 1024
"""How large it is at least, for the same reason."""


class _Waiting(NamedTuple):
    """A file that waits to be read with others."""

    place: Place
    file: FoundFile


class SideBySide:
    """Reads plain files side by side.

    Args:
        asked: What is counted.
        hooks: What is told of the reading.
        logs: What was counted before; what is read is added.
        threads: How many read at a time, at most.

    Attributes:
        any_in_order: Whether any source had to be read in order.
    """

    def __init__(
        self,
        asked: Asked,
        hooks: Hooks,
        logs: KnownLogs,
        threads: int | None = None,
    ) -> None:
        self._asked, self._hooks = asked, hooks
        self._logs = logs
        self._threads = threads or cores()
        self.any_in_order = False
        self._tallies: list[list[Tally]] = []
        self._sums: list[TallySum] | None = None
        self._waiting: list[_Waiting] = []
        self._waiting_bytes = 0
        # What will have been counted once those that wait are read.
        self._expected = logs

    def offered(self, source: Source) -> Iterator[Source]:
        """Read a source, or let it wait; yield those that must be read in order, at once.

        Raises:
            SourceError: If one can't be opened or read.
        """
        n = min(self._threads, (source.size or 0) // _PART_BYTES)
        if n <= 1 and self._waits(source):
            if self._waiting_bytes >= (_GROUP_BYTES if source.remote is None else _HELD_BYTES):
                yield from self.rest()
            return
        yield from self.rest()
        if n <= 1 or not self._read_in_parts(source, n):
            self.any_in_order = True
            yield source

    def rest(self) -> Iterator[Source]:
        """Read those that wait; yield those that must be read in order.

        Raises:
            SourceError: As of ``offered``.
        """
        waiting, self._waiting, self._expected = self._waiting, [], self._logs
        size, self._waiting_bytes = self._waiting_bytes, 0
        jobs = _jobs(waiting, size, self._threads)
        found = (
            read_side_by_side(jobs, self._asked, self._hooks)
            if size >= _LEAST_BYTES and len(jobs) > 1
            else []
        )
        if not found:
            self.any_in_order = self.any_in_order or bool(waiting)
            yield from (one.file.source for one in waiting)
            return
        sums = self._sums = self._sums or self._asked.new_sums()
        for read in found:
            _take(sums, read.sums)
        lines = sum((read.lines for read in found), Counter())
        broken = set[str]().union(*(read.broken for read in found))
        for one in waiting:
            name = self._asked.name_of(one.file.source)
            if name not in broken:
                self._leave(one, lines[name], sums)

    def tallies(self) -> list[list[Tally]]:
        """Return what was read, as tallies that add up, of each a tally for each selection."""
        of_groups = [] if self._sums is None else [[one.total() for one in self._sums]]
        return [*self._tallies, *of_groups]

    def _waits(self, source: Source) -> bool:
        """Let a source wait for others; false if it must be read in order."""
        if self._threads == 1 or source.size is None or source.problem is not None:
            return False
        if not self._waiting:
            self._expected = self._logs.copy()
        found = _looked_at(source, self._expected, 1)
        if found is None:
            return False
        waiting, _ = found
        self._expected.leave(source, waiting.place, waiting.file.marks, lines=0)
        self._waiting.append(waiting)
        self._waiting_bytes += waiting.file.marks.offset
        return True

    def _read_in_parts(self, source: Source, n: int) -> bool:
        """Read a source in so many parts; false if it must be read in order."""
        looked_at = _looked_at(source, self._logs, n)
        if looked_at is None:
            return False
        waiting, parts = looked_at
        if len(parts) <= 1:
            return False
        found = read_side_by_side(
            [[replace(source, part=part)] for part in parts], self._asked, self._hooks
        )
        if not found:
            return False
        of_parts = [read.lines[self._asked.name_of(source)] for read in found]
        sums, *others = (read.sums for read in found)
        for other in others:
            _take(sums, other)
        if not any(read.broken for read in found):
            self._leave(waiting, sum(of_parts), sums)
        before = list(accumulate(of_parts, initial=0))
        self._tallies.append([one.total().with_lines_of_parts(before) for one in sums])
        return True

    def _leave(self, read: _Waiting, lines: int, sums: list[TallySum]) -> None:
        """Remember that a file was read, and account for it if it was cut meanwhile."""
        stop = self._hooks.stop
        is_whole = stop is None or not stop.requested
        if is_whole and read.file.was_cut:
            self._asked.tell(sums, [read.file.source], CUT_LOG)
        self._logs.leave(
            read.file.source, read.place, read.file.marks, lines=lines, complete=is_whole
        )


def _looked_at(source: Source, logs: KnownLogs, n: int) -> tuple[_Waiting, list[Part]] | None:
    """Return what is known of a plain file that is new, and its parts; null of any other source.

    Args:
        source: Which.
        logs: What was counted before.
        n: How many parts are wanted.
    """
    with source.open_raw() as raw:
        try:
            place = logs.place_of(source, raw)
            if place.number is not None or not is_plain(raw.read(HEAD_BYTES)):
                return None
            return _Waiting(place, found_file(source, raw)), parts_of(raw, n)
        except (OSError, SourceError) as error:
            if source.problem_of(error) is not None:
                # It is told where it is read.
                return None
            if isinstance(error, SourceError):
                raise
            raise SourceError.unreadable(source.name, error) from error


def _jobs(waiting: Sequence[_Waiting], size: int, n: int) -> list[list[Source]]:
    """Return files for so many threads, about as many bytes for each."""
    before = accumulate((one.file.marks.offset for one in waiting), initial=0)
    places = [(start * n // max(size, 1), one) for one, start in zip(waiting, before, strict=False)]
    return [
        [replace(one.file.source, part=WHOLE) for _, one in of_thread]
        for _, of_thread in groupby(places, key=lambda place: place[0])
    ]


def _take(sums: Sequence[TallySum], others: Sequence[TallySum]) -> None:
    for adding, other in zip(sums, others, strict=True):
        adding.take(other)
