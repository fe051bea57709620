"""Plain files read side by side, in parts, by a thread for each core.

The compiled decoder, Polars and the counting of records all let go of the interpreter, so threads
are enough. Each part has keys and counts of its own; tallies add up whatever the parts.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from envoylogs.errors import CUT_LOG, SourceError
from envoylogs.keyed.batches import Batch, decode
from envoylogs.keyed.distinct_requests import RequestsSeen
from envoylogs.reading.fates import LineFates
from envoylogs.reading.part_reader import NotSeparableError
from envoylogs.sources.compression import HEAD_BYTES, is_plain
from envoylogs.sources.parts import lines_between, parts_of
from envoylogs.sources.probe import MarkedFile, was_cut
from envoylogs.sources.stop import Stop
from envoylogs.tally.tally import Tally, TallySum

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envoylogs.keyed.plan import Hooks, ReadPlan
    from envoylogs.keyed.selection import Selection
    from envoylogs.reading.source_reader import Progress
    from envoylogs.sources.known_logs import KnownLogs
    from envoylogs.sources.parts import Part
    from envoylogs.sources.source import Source
    from envoylogs.tally.spec import TallySpec

_PART_BYTES = 16 * 1024 * 1024
"""How large a part is at least: what is read anew for each, such as keys, must not matter."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read of one part: a tally for each selection, and how many lines it has."""

    tallies: list[Tally]
    lines: int


class _SharedProgress:
    """Passes on what several threads have read, one at a time.

    Args:
        progress: Is told of it.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._lock = threading.Lock()
        self._bytes = self._lines = 0

    def bytes_read(self, n: int) -> None:
        """Take note of bytes."""
        with self._lock:
            self._bytes += n
            self._progress.bytes_read(n)

    def lines_read(self, n: int) -> None:
        """Take note of lines."""
        with self._lock:
            self._lines += n
            self._progress.lines_read(n)

    def take_back(self) -> None:
        """Take back all that was read, since it is read again."""
        self._progress.bytes_read(-self._bytes)
        self._progress.lines_read(-self._lines)


class SideBySide:
    """Reads the parts of files side by side.

    Args:
        plan: How they are read, with the columns that are asked.
        asked: The selections, each with what is remembered of it.
        hooks: What is told of the reading.
        threads: How many parts are read at a time, at most.
    """

    def __init__(
        self,
        plan: ReadPlan,
        asked: Sequence[tuple[Selection, TallySpec]],
        hooks: Hooks,
        threads: int | None = None,
    ) -> None:
        self._plan = plan
        self._asked = asked
        self._hooks = hooks
        self._threads = threads or _cores()

    def tallies_of(self, source: Source, logs: KnownLogs) -> list[Tally] | None:
        """Return a tally of a source for each selection; null if it must be read in order.

        Args:
            source: Any.
            logs: What was counted before; a source that is read is added.

        Raises:
            SourceError: If it can't be opened or read.
        """
        n = min(self._threads, (source.size or 0) // _PART_BYTES)
        if n <= 1:
            return None
        with source.open_raw() as raw:
            place = logs.place_of(source, raw)
            try:
                head = raw.read(HEAD_BYTES)
                parts = parts_of(raw, n) if place.number is None and is_plain(head) else []
                if len(parts) <= 1:
                    return None
                marks = MarkedFile(raw)
            except OSError as error:
                raise SourceError.unreadable(source.name, error) from error
            found = self._read_all(source, parts)
            if not found:
                return None
            stop = self._hooks.stop
            is_whole = stop is None or not stop.requested
            if is_whole and was_cut(raw, marks.offset, marks, is_packed=False):
                found.append(self._damaged(source))
        lines = sum(read.lines for read in found)
        logs.leave(source, place, marks, lines=lines, complete=is_whole)
        return _joined(found)

    def _read_all(self, source: Source, parts: Sequence[Part]) -> list[_Read]:
        """Read all parts; nothing is returned if they must be read one after the other."""
        progress = None if self._hooks.progress is None else _SharedProgress(self._hooks.progress)
        # The first that can't be read by itself ends the others.
        stop = Stop(self._hooks.stop)
        hooks = replace(self._hooks, stop=stop, progress=progress)
        with ThreadPoolExecutor(max_workers=len(parts)) as pool:
            running = [pool.submit(self._read, source, part, hooks) for part in parts]
            try:
                return [one.result() for one in running]
            except NotSeparableError:
                if progress is not None:
                    progress.take_back()
                return []
            finally:
                # Ctrl-C ends this wait too.
                stop.request()

    def _read(self, source: Source, part: Part, hooks: Hooks) -> _Read:
        """Read a part; the others end if it can't be read by itself."""
        sums = [TallySum(spec) for _, spec in self._asked]
        selections = [(selection, RequestsSeen()) for selection, _ in self._asked]
        try:
            for decoded in decode([replace(source, part=part)], self._plan, hooks=hooks):
                batches = decoded.selected_by(selections)
                # What it says of who wrote it holds for the other parts too.
                if decoded.proxies.any:
                    raise NotSeparableError  # noqa: TRY301  # with those of the reader
                for adding, batch in zip(sums, batches, strict=True):
                    adding.add(batch)
        except BaseException:
            if hooks.stop is not None:
                hooks.stop.request()
            raise
        tallies = [adding.total() for adding in sums]
        return _Read(tallies, self._lines_of(source, part, tallies[0]))

    def _damaged(self, source: Source) -> _Read:
        """Return the account of a file that was cut while it was read."""
        fates = LineFates()
        fates.add(source.name, "damaged", 1, CUT_LOG)
        return _Read([Tally.of(Batch(None, fates), spec) for _, spec in self._asked], 0)

    @staticmethod
    def _lines_of(source: Source, part: Part, tally: Tally) -> int:
        """Return how many lines a part has, whether all of them were read or not."""
        read = tally.lines.of_fate("bytes")
        lines = tally.lines.of_fate("lines")
        if part.end is None or part.start + read >= part.end:
            return lines
        with source.open_raw() as raw:
            return lines + lines_between(raw, part.start + read, part.end)


def _joined(parts: Sequence[_Read]) -> list[Tally]:
    """Return the tallies of a source from those of its parts, in their order."""
    lines_before, of_parts = 0, []
    for read in parts:
        of_parts.append([tally.with_lines_after(lines_before) for tally in read.tallies])
        lines_before += read.lines
    return [first.merge(*others) for first, *others in zip(*of_parts, strict=True)]


def _cores() -> int:
    """Return how many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1
