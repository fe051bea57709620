"""Plain files read side by side, in parts, by a thread for each core.

The compiled decoder, Polars and the counting of records all let go of the interpreter, so threads
are enough. Each part has keys and counts of its own; tallies add up whatever the parts.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING

from envoylogs.errors import CUT_LOG, SourceError
from envoylogs.keyed.batches import Batch
from envoylogs.keyed.decoding import COMPACT_RECORDS, decode
from envoylogs.keyed.distinct_requests import RequestsSeen
from envoylogs.reading.fates import LineFates
from envoylogs.reading.part_reader import NotSeparableError
from envoylogs.sources.compression import HEAD_BYTES, is_plain
from envoylogs.sources.parts import lines_between, parts_of
from envoylogs.sources.probe import MarkedFile, was_cut
from envoylogs.sources.stop import Stop
from envoylogs.tally.evidence import may_be_examples
from envoylogs.tally.tally import TallySum

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envoylogs.keyed.plan import Hooks, ReadPlan
    from envoylogs.keyed.selection import Selection
    from envoylogs.reading.source_reader import Progress
    from envoylogs.sources.known_logs import KnownLogs
    from envoylogs.sources.parts import Part
    from envoylogs.sources.source import Source
    from envoylogs.tally.spec import TallySpec
    from envoylogs.tally.tally import Tally

_PART_BYTES = 16 * 1024 * 1024
"""How large a part is at least: what is read anew for each, such as keys, must not matter."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read of one part: sums for each selection, and how many lines it has."""

    sums: list[TallySum]
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
        part_of = replace(source, part=part)
        reading = decode([part_of], self._plan, hooks=hooks, compact_records=COMPACT_RECORDS)
        read = lines = 0
        try:
            for decoded in reading:
                read += decoded.fates.counts[source.name, "bytes", ""]
                lines += decoded.fates.counts[source.name, "lines", ""]
                batches = decoded.selected_by(selections, seldom_of=may_be_examples())
                # What it says of who wrote it holds for the other parts too, and rests on what was
                # passed over.
                if decoded.proxies.may_be_others:
                    raise NotSeparableError  # noqa: TRY301  # with those of the reader
                for adding, batch in zip(sums, batches, strict=True):
                    adding.add(batch)
            if part.end is not None and part.start + read < part.end:
                # The reading was ended: lines of later parts have their numbers all the same.
                with source.open_raw() as raw:
                    lines += lines_between(raw, part.start + read, part.end)
        except BaseException:
            if hooks.stop is not None:
                hooks.stop.request()
            raise
        return _Read(sums, lines)

    def _damaged(self, source: Source) -> _Read:
        """Return the account of a file that was cut while it was read."""
        fates = LineFates()
        fates.add(source.name, "damaged", 1, CUT_LOG)
        sums = [TallySum(spec) for _, spec in self._asked]
        for adding in sums:
            adding.add(Batch(None, fates))
        return _Read(sums, 0)


def _joined(parts: Sequence[_Read]) -> list[Tally]:
    """Return the tallies of a source from what was read of its parts, in their order."""
    first, *others = parts
    before = list(accumulate((read.lines for read in parts), initial=0))
    for read in others:
        for total, adding in zip(first.sums, read.sums, strict=True):
            total.take(adding)
    return [total.total().with_lines_of_parts(before) for total in first.sums]


def _cores() -> int:
    """Return how many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1
