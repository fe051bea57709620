"""A plain file in parts of whole lines, which can be read side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from envoylogs.errors import SourceError
from envoylogs.sources.blocks import MAX_LINE_BYTES, Block, LongLine, blocks
from envoylogs.sources.probe import size_of

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
        raw: The open file, unbuffered, which nobody else reads.
        part: Which of its bytes.
        on_bytes: Called with the number of bytes of each read.
        stop: Ends the stream where it stands.

    Attributes:
        problem: Why it ended before the end of the part; null if it did not.
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
        self.problem: str | None = None
        raw.seek(part.start)

    def blocks(self) -> Iterator[Block | LongLine]:
        """Yield the lines of the part, block by block.

        All blocks are in one buffer, since memory that is new for each takes as long as all of
        decoding: what is in a block holds until the next one is asked for.

        Raises:
            SourceError: If they can't be read.
        """
        # To clear as much for each of many small files would take longer than to read them.
        size = min(BLOCK_BYTES, size_of(self._raw) - self._place + 1)
        buffer, kept = bytearray(max(size, 1)), 0
        while kept < len(buffer) and (n := self._read_into(buffer, kept)):
            size = kept + n
            end = buffer.rfind(b"\n", kept, size)
            if end < 0:
                kept = size
                continue
            rest, room = buffer[end + 1 : size], len(buffer)
            del buffer[end:]
            yield Block(buffer, end + 1)
            kept = len(rest)
            buffer += bytes(room - end)
            buffer[:kept] = rest
        if kept:
            # A line that is longer, or the last one, without an end.
            self._place -= kept
            self._raw.seek(self._place)
            if self._on_bytes is not None:
                self._on_bytes(-kept)
            yield from blocks(self, self._stop)

    def _read_into(self, buffer: bytearray, at: int) -> int:
        """Fill a buffer from a place on as far as there are bytes; return how many these were."""
        if self._stop.requested or self.problem is not None:
            return 0
        room = len(buffer) - at
        wanted = room if self._end is None else min(room, self._end - self._place)
        with memoryview(buffer) as view, view[at : at + wanted] as free:
            try:
                n: int = self._raw.readinto(free)  # type: ignore[attr-defined]  # BinaryIO lacks it
            except OSError as error:
                self._break_off(error)
                return 0
        self._place += n
        if n and self._on_bytes is not None:
            self._on_bytes(n)
        return n

    def _break_off(self, error: OSError) -> None:
        """Note why there is no more; the rest of the sources is read all the same."""
        self.problem = self._source.problem_of(error)
        if self.problem is None:
            raise SourceError.unreadable(self._source.name, error) from error

    def read1(self, size: int, /) -> bytes:
        """Return the next bytes, at most so many; none at the end.

        Raises:
            SourceError: If they can't be read.
        """
        if self._stop.requested or self.problem is not None:
            return b""
        wanted = size if self._end is None else min(size, self._end - self._place)
        try:
            data: bytes = self._raw.read(wanted)
        except OSError as error:
            self._break_off(error)
            return b""
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
    size = size_of(raw)
    starts = sorted({0, *(_line_behind(raw, size * place // n, size) for place in range(1, n))})
    starts = [start for start in starts if start < size or start == 0]
    return [
        Part(number, start, end)
        for number, (start, end) in enumerate(zip(starts, [*starts[1:], None], strict=True))
    ]


def aligned(raw: BinaryIO, part: Part) -> Part:
    """Return the lines that begin in a part, which may begin and end anywhere.

    Args:
        raw: An open regular file; where it stands afterwards is not defined.
        part: Whose places need not be the beginnings of lines.
    """
    size = size_of(raw)
    start = _line_behind(raw, part.start - 1, size) if part.start else 0
    end = None if part.end is None else _line_behind(raw, part.end - 1, size) if part.end else 0
    return part._replace(start=start, end=end)


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
