"""A plain file in parts of whole lines, which can be read side by side."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from envoylogs.errors import SourceError
from envoylogs.sources.blocks import MAX_LINE_BYTES, Block, LongLine, blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from envoylogs.sources.source import Source
    from envoylogs.sources.stop import Stop

LINES_OF_PART = 1 << 40
"""From the number of a line of one part to that of the same line of the next one: how many lines
are before a part is known when these were read."""

BLOCK_BYTES = MAX_LINE_BYTES
"""How much is read at a time: so much that what happens once a block costs little, and what is
decoded is still in a cache. No line of a block is too long."""

_LOOKED_AT = 64 * 1024


class Part(NamedTuple):
    """Some lines of a file.

    Attributes:
        number: How many parts are before it.
        start: Where its first line begins.
        end: Where the first line of the next part begins; null for the last one, which ends with
            the file.
    """

    number: int
    start: int
    end: int | None


class PartStream:
    """The bytes of a part.

    Args:
        source: Of which file they are.
        raw: The open file, which nobody else reads.
        part: Which of its bytes.
        on_bytes: Called with the number of bytes of each read.
        stop: Ends the stream where it stands.
    """

    def __init__(
        self,
        source: Source,
        raw: BinaryIO,
        part: Part,
        on_bytes: Callable[[int], None] | None,
        stop: Stop,
    ) -> None:
        self._source = source
        self._raw = raw
        self._end = part.end
        self._on_bytes = on_bytes
        self._stop = stop
        self._place = part.start
        raw.seek(part.start)

    def blocks(self) -> Iterator[Block | LongLine]:
        """Yield the lines of the part, block by block.

        What follows the last line end of a block is read again, which is less than to copy the
        block for it.

        Raises:
            SourceError: If they can't be read.
        """
        while (data := self.read1(BLOCK_BYTES)) and (end := data.rfind(b"\n")) >= 0:
            yield Block(data[:end], end + 1)
            left = len(data) - end - 1
            self._place -= left
            self._raw.seek(self._place)
            if self._on_bytes is not None and left:
                self._on_bytes(-left)
        if data:
            # A line that is longer, or the last one, without an end.
            self._place -= len(data)
            self._raw.seek(self._place)
            if self._on_bytes is not None:
                self._on_bytes(-len(data))
            yield from blocks(self, self._stop)

    def read1(self, size: int, /) -> bytes:
        """Return the next bytes, at most so many; none at the end.

        Raises:
            SourceError: If they can't be read.
        """
        if self._stop.requested:
            return b""
        wanted = size if self._end is None else min(size, self._end - self._place)
        try:
            data = self._raw.read(wanted)
        except OSError as error:
            raise SourceError.unreadable(self._source.name, error) from error
        self._place += len(data)
        if data and self._on_bytes is not None:
            self._on_bytes(len(data))
        return data


def parts_of(raw: BinaryIO, n: int) -> list[Part]:
    """Return a file in about so many parts of about the same size, one at least.

    Args:
        raw: An open regular file; where it stands afterwards is not defined.
        n: How many are wanted.
    """
    size = os.fstat(raw.fileno()).st_size
    starts = sorted({0, *(_line_behind(raw, size * place // n, size) for place in range(1, n))})
    starts = [start for start in starts if start < size or start == 0]
    return [
        Part(number, start, end)
        for number, (start, end) in enumerate(zip(starts, [*starts[1:], None], strict=True))
    ]


def lines_between(raw: BinaryIO, start: int, end: int) -> int:
    """Return how many line feeds there are between two places of a file.

    Args:
        raw: An open regular file; where it stands afterwards is not defined.
        start: From where on.
        end: Up to where.
    """
    raw.seek(start)
    found = 0
    while start < end and (data := raw.read(min(_LOOKED_AT * 16, end - start))):
        found += data.count(b"\n")
        start += len(data)
    return found


def _line_behind(raw: BinaryIO, place: int, size: int) -> int:
    """Return where the first line begins that does so behind a place; the size if none does."""
    raw.seek(place)
    while place < size and (data := raw.read(_LOOKED_AT)):
        end = data.find(b"\n")
        if end >= 0:
            return place + end + 1
        place += len(data)
    return size
