"""Work that is done side by side, a thread each.

The compiled decoder, Polars and the counting of records all let go of the interpreter, so threads
are enough. Each has keys and counts of its own; tallies add up whatever the parts.
"""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from envoylogs.keyed.decoding import BATCH_RECORDS, COMPACT_RECORDS, decode
from envoylogs.keyed.distinct_requests import RequestsSeen
from envoylogs.reading.part_reader import NotSeparableError
from envoylogs.sources.parts import lines_between
from envoylogs.sources.stop import Stop
from envoylogs.tally.evidence import may_be_examples
from envoylogs.tally.tally import TallySum

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envoylogs.keyed.plan import Hooks, ReadPlan
    from envoylogs.keyed.selection import Selection
    from envoylogs.reading.fates import LineFates
    from envoylogs.reading.source_reader import Progress
    from envoylogs.sources.source import Source
    from envoylogs.tally.spec import TallySpec


@dataclass(frozen=True, slots=True)
class Read:
    """What one thread has read.

    Attributes:
        sums: For each selection.
        lines: How many lines of each source.
        broken: The sources that could not be read to their end.
    """

    sums: list[TallySum]
    lines: Counter[str]
    broken: set[str]


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


class Workers:
    """Read sources side by side.

    Args:
        plan: How they are read, with the columns that are asked.
        asked: The selections, each with what is remembered of it.
        hooks: What is told of the reading.
    """

    def __init__(
        self, plan: ReadPlan, asked: Sequence[tuple[Selection, TallySpec]], hooks: Hooks
    ) -> None:
        self._plan = plan
        self._asked = asked
        self._hooks = hooks

    def read(self, jobs: Sequence[Sequence[Source]]) -> list[Read]:
        """Read parts of sources, or all of them; nothing is returned if that must be in order.

        Args:
            jobs: What each thread reads. All have a part.

        Raises:
            SourceError: If one can't be opened or read.
        """
        progress = None if self._hooks.progress is None else _SharedProgress(self._hooks.progress)
        records = max(BATCH_RECORDS, COMPACT_RECORDS // len(jobs))
        # The first that can't be read by itself ends the others.
        stop = Stop(self._hooks.stop)
        hooks = replace(self._hooks, stop=stop, progress=progress)
        with ThreadPoolExecutor(max_workers=len(jobs)) as pool:
            running = [pool.submit(self._read, sources, hooks, records) for sources in jobs]
            try:
                return [one.result() for one in running]
            except NotSeparableError:
                if progress is not None:
                    progress.take_back()
                return []
            finally:
                # Ctrl-C ends this wait too.
                stop.request()

    def new_sums(self) -> list[TallySum]:
        """Return what adds up tallies, for each selection."""
        return [TallySum(spec) for _, spec in self._asked]

    def _read(self, sources: Sequence[Source], hooks: Hooks, records: int) -> Read:
        """Read some; the others end if they can't be read by themselves."""
        read = Read(self.new_sums(), Counter(), set())
        selections = [(selection, RequestsSeen()) for selection, _ in self._asked]
        size = Counter[str]()
        try:
            for decoded in decode(sources, self._plan, hooks=hooks, compact_records=records):
                _note(decoded.fates, read, size)
                batches = decoded.selected_by(selections, seldom_of=may_be_examples())
                # What it says of who wrote it holds for the other parts too, and rests on what was
                # passed over.
                if decoded.proxies.may_be_others:
                    raise NotSeparableError  # noqa: TRY301  # with those of the reader
                for adding, batch in zip(read.sums, batches, strict=True):
                    adding.add(batch)
            for source in (one for one in sources if one.name not in read.broken):
                _count_unread(source, size[source.name], read.lines)
        except BaseException:
            if hooks.stop is not None:
                hooks.stop.request()
            raise
        return read


def _note(fates: LineFates, read: Read, size: Counter[str]) -> None:
    """Note how much of which sources was read."""
    for (name, fate, _), n in fates.counts.items():
        if fate == "damaged":
            read.broken.add(name)
        elif fate in {"lines", "bytes"}:
            (read.lines if fate == "lines" else size)[name] += n


def _count_unread(source: Source, size: int, lines: Counter[str]) -> None:
    """Count what was not read of a part: lines of later parts have their numbers all the same."""
    part = source.part
    if part is not None and part.end is not None and part.start + size < part.end:
        with source.open_raw() as raw:
            lines[source.name] += lines_between(raw, part.start + size, part.end)
