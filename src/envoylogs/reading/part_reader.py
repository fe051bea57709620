"""One part of a plain file, read beside the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from envoylogs.sources.parts import LINES_OF_PART, PartStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from envoylogs.reading.block_reader import BlockReader
    from envoylogs.reading.fates import LineFates
    from envoylogs.reading.payloads import RawRecords
    from envoylogs.reading.source_reader import Progress
    from envoylogs.sources.parts import Part
    from envoylogs.sources.source import Source
    from envoylogs.sources.stop import Stop


class NotSeparableError(Exception):
    """What a part is depends on the one before it, so they must be read one after the other."""


class PartReader:
    """Reads a part of one source.

    Args:
        source: The file.
        part: Which of its lines.
        reader_at: Makes a reader of it that begins at a line.
        fates: Where lines are accounted for.

    Attributes:
        fates: As it was given; may be replaced between records.
    """

    def __init__(
        self,
        source: Source,
        part: Part,
        reader_at: Callable[[int], BlockReader],
        fates: LineFates,
    ) -> None:
        self.fates = fates
        self._source = source
        self._part = part
        self._reader_at = reader_at

    def records(self, raw: BinaryIO, stop: Stop, progress: Progress | None) -> Iterator[RawRecords]:
        """Read the part and yield its records block by block; numbers of lines are of the part.

        Raises:
            SourceError: If it can't be read.
            NotSeparableError: If something has begun in it that has not ended.
        """
        part = self._part
        on_bytes = progress.bytes_read if progress else None
        stream = PartStream(self._source, raw, part, on_bytes, stop)
        reader = self._reader_at(part.number * LINES_OF_PART + 1)
        for item in stream.blocks():
            before = reader.next_line
            yield reader.read(item, self.fates)
            if progress is not None:
                progress.lines_read(reader.next_line - before)
        if stream.problem is not None:
            self.fates.add(self._source.name, "damaged", 1, stream.problem)
        elif part.end is not None and reader.is_open and not stop.requested:
            raise NotSeparableError
        yield reader.finish(self.fates)
