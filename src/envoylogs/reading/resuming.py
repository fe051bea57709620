"""Reading a log that is read again later: lines whose record has not ended wait for its end.

They have no fate in this reading and are read first in the next one, so that
both together are one reading of all lines.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from envoylogs.reading.fates import LineFates
from envoylogs.sources.blocks import Block, LongLine
from envoylogs.sources.compression import READ_BYTES
from envoylogs.sources.identity import WaitingLine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envoylogs.reading.block_reader import BlockReader
    from envoylogs.sources.identity import MarkedStream

_KEPT_BYTES = 4 * 1024 * 1024
"""How far back a waiting line may be: four times what an object or a line of parts can have."""


class RecentLines:
    """The last lines of a log, with where they stand.

    Args:
        offset: Where the lines to come begin.
        waiting: Lines before, with their bytes.
    """

    def __init__(self, offset: int, waiting: dict[WaitingLine, bytes]) -> None:
        self._offset = offset
        self._before = waiting
        self._blocks: deque[tuple[int, int, Block]] = deque()
        self._kept = 0

    def add(self, number: int, item: Block | LongLine) -> None:
        """Keep the next lines; the first of them has this number."""
        if isinstance(item, Block):
            self._blocks.append((number, self._offset, item))
            self._kept += item.size
        self._offset += item.size
        while self._kept > _KEPT_BYTES and len(self._blocks) > 1:
            self._kept -= self._blocks.popleft()[2].size

    def taken_back(
        self,
        reader: BlockReader,
        reader_again: BlockReader,
        fates: LineFates,
    ) -> tuple[WaitingLine, ...] | None:
        """Return the lines that wait, as if they had not been read.

        Args:
            reader: That read them.
            reader_again: Another one of the same source, that read nothing yet.
            fates: From which what was counted of them is taken.

        Returns:
            In their order; null if they are too far back, and must be finished.
        """
        waiting = reader.waiting
        found = None if waiting is None else self._find(waiting)
        if found is None:
            return None
        # What the next reading will count of them is what this one has counted.
        again = LineFates()
        if read_waiting(reader_again, found, again):
            return None
        for fate, n in again.counts.items():
            fates.add(*fate[:2], -n, fate[2])
        return tuple(found)

    def _find(self, numbers: set[int]) -> dict[WaitingLine, bytes] | None:
        found = {line: text for line, text in self._before.items() if line.number in numbers}
        missing = numbers - {line.number for line in found}
        for first, offset, block in self._blocks if missing else ():
            for number, text in enumerate(bytes(block.data).split(b"\n"), first):
                if number in missing:
                    found[WaitingLine(number, offset, len(text) + 1)] = text
                offset += len(text) + 1  # noqa: PLW2901  # it goes on within the block
        if len(found) < len(numbers):
            return None
        return dict(sorted(found.items(), key=lambda pair: pair[0].number))


def read_waiting(reader: BlockReader, lines: Mapping[WaitingLine, bytes], fates: LineFates) -> int:
    """Read lines again that wait for their end; return how many records they are: none.

    The lines are in their order, and the reader goes on where it stands afterwards.
    """
    next_line, records = reader.next_line, 0
    for line, text in lines.items():
        reader.next_line = line.number
        records += len(reader.read(Block(text, line.size), fates))
    reader.next_line = next_line
    return records


def lines_before(
    stream: MarkedStream, end: int, waiting: tuple[WaitingLine, ...]
) -> dict[WaitingLine, bytes] | None:
    """Read a stream up to a place and return the waiting lines before it, with their bytes.

    Args:
        stream: Of the log, where it stands.
        end: Up to where it is read.
        waiting: Lines between these places, in their order.

    Returns:
        Null if the stream ends before that place.
    """
    found, start = {}, min((line.offset for line in waiting), default=end)
    while stream.offset < start and stream.read1(min(start - stream.offset, READ_BYTES)):
        pass
    if stream.offset != start:
        return None
    data = b""
    while stream.offset < end and (piece := stream.read1(end - stream.offset)):
        data += piece
    for line in waiting:
        place = line.offset - start
        found[line] = data[place : place + line.size - 1]
    return found if stream.offset == end else None
