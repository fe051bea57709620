"""One source, from where it was left to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Protocol

from envoylogs.errors import SourceError
from envoylogs.problems import CUT_LOG
from envoylogs.reading.resuming import RecentLines, lines_before, read_waiting
from envoylogs.sources.ahead import read_ahead
from envoylogs.sources.blocks import blocks
from envoylogs.sources.identity import KnownLog, MarkedStream
from envoylogs.sources.probe import size_of, was_cut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from envoylogs.envoy.roles import ProxiesSeen
    from envoylogs.reading.block_reader import BlockReader
    from envoylogs.reading.fates import LineFates
    from envoylogs.reading.payloads import RawRecords
    from envoylogs.sources.identity import Place
    from envoylogs.sources.known_logs import KnownLogs
    from envoylogs.sources.source import Source
    from envoylogs.sources.stop import Stop


class Progress(Protocol):
    """Who wants to know how far the reading is; calls come from several threads."""

    def bytes_read(self, n: int) -> None:
        """Take note of bytes as they stand in the source, compressed or not."""

    def lines_read(self, n: int) -> None:
        """Take note of lines."""


class SourceReader:
    """Reads what is new of one source.

    Args:
        source: What is read.
        reader_at: Makes a reader of it that begins at a line.
        logs: What was counted before; what is read is added.
        proxies: What was seen of who wrote the records before.

    Attributes:
        fates: Where lines are accounted for; may be replaced between records.
    """

    def __init__(
        self,
        source: Source,
        reader_at: Callable[[int], BlockReader],
        logs: KnownLogs,
        proxies: ProxiesSeen,
        fates: LineFates,
    ) -> None:
        self.fates = fates
        self._source = source
        self._reader_at = reader_at
        self._logs = logs
        self._proxies = proxies

    def records(self, raw: BinaryIO, stop: Stop, progress: Progress | None) -> Iterator[RawRecords]:
        """Read the source, which is open, and yield its records block by block.

        Raises:
            SourceError: If it can't be read.
        """
        if self._source.problem is not None:
            self._tell(self._source.problem)
        else:
            yield from self._new_records(raw, stop, progress)

    def _new_records(
        self, raw: BinaryIO, stop: Stop, progress: Progress | None
    ) -> Iterator[RawRecords]:
        size_before = size_of(raw)
        on_bytes = progress.bytes_read if progress else None
        place = self._place_of(raw)
        if place is None:
            return
        known = None if place.number is None else self._logs.logs[place.number]
        self._remember(known, place.same_bytes)
        self._tell(place.problem)
        if place.nothing_new:
            if on_bytes is not None:
                on_bytes(self._source.size or 0)
            return
        start = 0 if place.is_packed else place.start
        unpacked = self._source.unpacked(raw, on_bytes, stop, start=start)
        stream = MarkedStream(unpacked, start, place.before)
        reader = self._reader_at(1 if known is None else known.lines + 1)
        end = 0 if known is None else known.end.offset
        before = lines_before(stream, end, () if known is None else known.waiting)
        if before is None:
            # It was cut since it was looked at, unless nothing is read any more.
            self._tell(stream.problem or (None if stop.requested else CUT_LOG))
            return
        read_waiting(reader, before, self.fates)
        recent = RecentLines(end, before)
        whole_lines = self._logs.resumable
        items = blocks(stream, stop, whole_lines=whole_lines)
        for item in read_ahead(items, can_block=self._source.size is None):
            if whole_lines:
                recent.add(reader.next_line, item)
            first = reader.next_line
            yield reader.read(item, self.fates)
            if progress is not None:
                progress.lines_read(reader.next_line - first)
        if not stop.requested:
            is_cut = was_cut(raw, size_before, stream, is_packed=place.is_packed)
            self._tell(stream.problem or (CUT_LOG if is_cut else None))
        waiting = recent.taken_back(reader, self._reader_at(1), self.fates) if whole_lines else None
        if waiting is None:
            yield reader.finish(self.fates)
        self._logs.leave(
            self._source,
            place,
            stream,
            lines=reader.next_line - 1,
            waiting=waiting or (),
            complete=not stop.requested,
        )

    def _place_of(self, raw: BinaryIO) -> Place | None:
        """Return where the reading begins; null if nothing can be read."""
        try:
            return self._logs.place_of(self._source, raw)
        except SourceError as error:
            problem = self._source.problem_of(error)
            if problem is None:
                raise
            self._tell(problem)
            return None

    def _tell(self, problem: str | None) -> None:
        """Account for a problem, if it is one, that kept the source from being read to its end."""
        if problem is not None:
            self.fates.add(self._source.name, "damaged", 1, problem)

    def _remember(self, log: KnownLog | None, same_bytes: int) -> None:
        """Take over what is known of a log that is read further, and name a copy of it."""
        if log is None:
            return
        name = self._source.name
        self._proxies.sidecars |= {(name, pod) for pod in log.sidecars}
        self._proxies.gateways |= {(name, pod) for pod in log.gateways}
        self._proxies.waypoints |= {(name, pod) for pod in log.waypoints}
        if not self._logs.resumable:
            self.fates.add(name, "copied", same_bytes, log.name)
