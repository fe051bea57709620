"""Which bytes of which logs were counted, so that none is counted twice.

A log is known again by its content: renamed, copied, packed or grown, it goes
on where its counting ended, and a copy of its beginning has nothing new. Marks
find what it may be (see ``identity``), its bytes prove it (see ``same_bytes``);
of a log that is not there any more marks are all there is. What only reads
through once has no identity: pipes.
"""

from __future__ import annotations

import os
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import TYPE_CHECKING, BinaryIO

from envoylogs.errors import SourceError
from envoylogs.sources.identity import KnownLog, Mark, Place, WaitingLine
from envoylogs.sources.probe import MarkedFile, Probe
from envoylogs.sources.same_bytes import (
    begin_alike,
    have_same_bytes,
    is_same_file,
    is_told_by_marks,
    last_mark,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from envoylogs.sources.identity import MarkedStream
    from envoylogs.sources.source import Source

MAX_LOGS = 10_000
"""How many logs are known at most besides those of a run, about 1 KiB each."""


@dataclass(slots=True)
class KnownLogs:
    """The logs that were counted so far.

    Attributes:
        logs: In the order in which they became known.
        resumable: Whether more of them will be read another time: then only
            whole lines are counted, and a source without one is left alone.
        run: The number of this run.
        unended_bytes: How many bytes of last lines without an end were left
            alone that were not there, or fewer, when their log was last read.
        waiting_lines: Likewise how many lines wait for the end of their record.
        unproven: How many bytes were left alone of sources, by name, since they
            begin as a log that was counted before, is longer, and is not there
            any more to be compared.
    """

    logs: list[KnownLog] = field(default_factory=list)
    resumable: bool = False
    run: int = 0
    unended_bytes: int = 0
    waiting_lines: int = 0
    unproven: dict[str, int] = field(default_factory=dict)
    _by_first: dict[Mark, list[int]] = field(init=False)
    _by_archive: dict[str, int] = field(init=False)
    # What this run has read: where all that was counted of a log stands, how it begins, archives.
    _files: dict[int, str] = field(default_factory=dict, init=False)
    _heads: dict[int, bytes] = field(default_factory=dict, init=False)
    _archive_files: dict[str, str] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._by_first, self._by_archive = defaultdict(list), {}
        for number in range(len(self.logs)):
            self._index(number)

    def copy(self) -> KnownLogs:
        """Return the same, to which more may be added."""
        copied = replace(self, logs=self.logs.copy(), unproven=self.unproven.copy())
        for of_run in ("_files", "_heads", "_archive_files"):
            setattr(copied, of_run, getattr(self, of_run).copy())
        return copied

    def place_of(self, source: Source, raw: BinaryIO) -> Place:
        """Return where the reading of a source begins, which is open and left at its beginning.

        Raises:
            SourceError: If it can't be read.
        """
        if source.size is None:
            return Place()
        try:
            place = self._place_of(Probe(raw))
            raw.seek(0)
        except OSError as error:
            raise SourceError.unreadable(source.name, error) from error
        if place.number is None and place.nothing_new:
            # Of less than one whole line nothing can be known again.
            self.unended_bytes += source.size or 0
        if place.number is not None:
            log = replace(self.logs[place.number], run=self.run)
            # A copy of the beginning is not where the log is, nor is an archive of what it was.
            is_there = place.is_known_archive and os.path.exists(log.path)  # noqa: PTH110
            if self.resumable and place.same_bytes >= log.end.offset and not is_there:
                log = replace(log, name=source.name, path=source.place)
                self._files[place.number] = log.path
            self.logs[place.number] = log
        if place.unproven_bytes:
            self.unproven[source.name] = place.unproven_bytes
        return place

    def number_of(self, source: Source) -> int | None:
        """Return the number of the log that a source is, null if it is not known.

        Raises:
            SourceError: If it can't be read.
        """
        if source.size is None:
            return None
        with _probed(source) as probe:
            return self._place_of(probe).number

    def read_as(self, path: str) -> int | None:
        """Return the number of the log that was read last from a path, null if none was."""
        real = os.path.realpath(path)
        numbers = [number for number, log in enumerate(self.logs) if log.path == real]
        return max(numbers, key=lambda number: (self.logs[number].run, number), default=None)

    def leave(  # noqa: PLR0913  # what is known of a reading
        self,
        source: Source,
        place: Place,
        stream: MarkedStream | MarkedFile,
        *,
        lines: int,
        waiting: tuple[WaitingLine, ...] = (),
        complete: bool = True,
    ) -> None:
        """Remember how much of a source was counted.

        Args:
            source: What was read.
            place: Where the reading began.
            stream: What was read of it.
            lines: How many lines there are before the end of the last whole one.
            waiting: Lines among these that were not counted.
            complete: Whether it was read to its end.
        """
        known = None if place.number is None else self.logs[place.number]
        first = known.first if known is not None else stream.first
        end = stream.line_end or (known.end if known is not None else None)
        unended = 0
        if self.resumable:
            unended = stream.offset - (end.offset if end is not None else 0)
            # A log that has ended so is read in each run: that is said once.
            if known is None or unended != known.unended:
                self.unended_bytes += unended
            if known is None or waiting != known.waiting:
                self.waiting_lines += len(waiting)
        elif stream.offset:
            first, end = first or stream.end, end or stream.end
        if source.size is None or first is None or end is None:
            return
        if known is not None and end.offset < known.end.offset:
            # It was cut since it was looked at.
            return
        path = source.place
        known = known or KnownLog(source.name, path, first, (), end)
        marks = {mark.offset: mark for mark in (*known.marks, *stream.marks)}
        has_tail = complete and not self.resumable and stream.offset > end.offset
        archives = known.archives
        if complete and place.archive is not None and stream.problem is None:
            archives = (*archives, place.archive)
        log = replace(
            known,
            marks=tuple(marks[place] for place in sorted(marks) if place <= end.offset),
            end=end,
            tail=stream.end if has_tail else None,
            lines=lines,
            waiting=waiting,
            archives=archives,
            run=self.run,
            unended=unended,
        )
        number = len(self.logs) if place.number is None else place.number
        self.logs[number : number + 1] = [log]
        self._files[number], self._heads[number] = path, place.head
        self._archive_files |= dict.fromkeys(archives[len(known.archives) :], path)
        self._index(number)

    @property
    def leaves_some(self) -> bool:
        """Whether a log of this run has bytes that were not counted yet."""
        return bool(self.unended_bytes) or any(
            log.unended or log.waiting for log in self.logs if log.run == self.run
        )

    def same_bytes(self, source: Source, number: int) -> int:
        """Return how many bytes a source surely has in common with the beginning of a known log.

        Raises:
            SourceError: If it can't be read.
        """
        with _probed(source) as probe:
            if probe.first_line(unended=False) != self.logs[number].first:
                return 0
            marks = self.logs[number].all_marks
            probe.look_at(mark.offset for mark in marks)
            same = [mark.offset for mark in takewhile(probe.has, marks)]
            return same[-1] if same else 0

    def with_proxies(
        self,
        sidecars: Collection[tuple[str, str | None]],
        gateways: Collection[tuple[str, str | None]],
        waypoints: Collection[tuple[str, str | None]],
    ) -> None:
        """Remember whose the logs of this run are: sources and pods (see ``envoy.roles``)."""
        for number, log in enumerate(self.logs):
            if log.run == self.run:
                self.logs[number] = replace(
                    log,
                    sidecars=_pods_of(log.name, sidecars),
                    gateways=_pods_of(log.name, gateways),
                    waypoints=_pods_of(log.name, waypoints),
                )

    def last_read(self) -> list[KnownLog]:
        """Return the logs to be remembered: those of this run, and the last ones before it."""
        others = sorted((log for log in self.logs if log.run != self.run), key=lambda log: -log.run)
        of_this_run = [log for log in self.logs if log.run == self.run]
        return [*reversed(others[: max(MAX_LOGS - len(of_this_run), 0)]), *of_this_run]

    def _index(self, number: int) -> None:
        log = self.logs[number]
        numbers = self._by_first[log.first]
        if number not in numbers:
            numbers.append(number)
        self._by_archive |= dict.fromkeys(log.archives, number)

    def _place_of(self, probe: Probe) -> Place:
        archive = probe.archive() if probe.is_packed else None
        if archive in self._by_archive and is_same_file(probe, self._archive_files.get(archive)):
            number = self._by_archive[archive]
            size = self.logs[number].end.offset
            return Place(number, nothing_new=True, is_known_archive=True, same_bytes=size)
        here = Place(is_packed=probe.is_packed, archive=archive, head=probe.head)
        first = probe.first_line(unended=not self.resumable)
        if first is None:
            return replace(here, nothing_new=self.resumable and not probe.is_packed)
        found, is_proven = self._match(probe, first)
        if found is None:
            return here
        here, log = replace(here, number=found), self.logs[found]
        is_copy = log.tail is not None and log.tail.offset == probe.size and probe.has(log.tail)
        if is_copy or not probe.has(log.end):
            here = replace(here, nothing_new=True, same_bytes=probe.size, problem=probe.problem)
            unproven = 0 if is_proven or is_copy else probe.size - last_mark(probe, log)
            return replace(here, unproven_bytes=unproven)
        start = min((line.offset for line in log.waiting), default=log.end.offset)
        before = b"" if probe.is_packed else probe.window(start)
        return replace(here, start=start, before=before, same_bytes=log.end.offset)

    def _match(self, probe: Probe, first: Mark) -> tuple[int | None, bool]:
        """Return the number of the known log that a source is the same as, as far as it goes.

        Returns:
            Null if there is none; whether the bytes of both were compared.
        """
        known = {
            number: self.logs[number]
            for number in self._by_first.get(first, ())
            if begin_alike(probe.head, self._heads.get(number, b""), self.logs[number].end.offset)
        }
        if not known:
            return None, False
        tails = [log.tail for log in known.values() if log.tail is not None]
        marks = [mark for log in known.values() for mark in log.all_marks]
        probe.look_at(mark.offset for mark in (*marks, *tails))
        same = [
            number
            for number, log in known.items()
            if all(probe.has(mark) for mark in log.all_marks if mark.offset <= probe.size)
        ]
        # The one that goes farthest and is all there; if none is, the one that goes farthest.
        same.sort(
            key=lambda number: (probe.has(known[number].end), known[number].end.offset),
            reverse=True,
        )
        for number in same:
            log = known[number]
            is_proven = have_same_bytes(probe, log, self._files.get(number, log.path))
            if is_proven or (is_proven is None and is_told_by_marks(probe, log)):
                return number, bool(is_proven)
        return None, False


@contextmanager
def _probed(source: Source) -> Iterator[Probe]:
    with source.open_raw() as raw:
        try:
            yield Probe(raw)
        except OSError as error:
            raise SourceError.unreadable(source.name, error) from error


def _pods_of(name: str, proxies: Iterable[tuple[str, str | None]]) -> tuple[str | None, ...]:
    pods = {pod for source, pod in proxies if source == name}
    return tuple(sorted(pods, key=lambda pod: (pod is not None, pod or "")))
