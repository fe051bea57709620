"""A stream of bytes as blocks of whole lines, in bounded memory.

A block ends at a line end, so its lines can be read without looking back.
What is in a pipe is handed on as it arrives; nothing waits for the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from envoylogs.sources.stop import Stop

BLOCK_BYTES = 256 * 1024
"""How much is read at a time: about 300 records."""

MAX_LINE_BYTES = 1024 * 1024
"""The longest line that is read whole. Envoy's limit for all headers is 60 KiB by default."""

_HEAD_BYTES = 200


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of one source.

    Attributes:
        data: The lines, separated by line feeds, without the last line feed; if they are in a
            buffer they hold until the next block is asked for.
        size: How many bytes of the source these lines are.
    """

    data: bytes | bytearray
    size: int


@dataclass(frozen=True, slots=True)
class LongLine:
    """A line longer than ``MAX_LINE_BYTES``, of which only the beginning was kept.

    It is ``unended`` if it has no line feed.
    """

    head: bytes
    size: int
    unended: bool = False


class ByteStream(Protocol):
    """What hands out bytes as they come, such as a buffered file."""

    def read1(self, size: int, /) -> bytes:
        """Return the next bytes as soon as there are any, at most so many; none at the end."""
        ...


def blocks(
    stream: ByteStream,
    stop: Stop | None = None,
    *,
    whole_lines: bool = False,
) -> Iterator[Block | LongLine]:
    """Cut a stream into blocks of whole lines.

    Args:
        stream: Read once, from where it stands.
        stop: Why the stream may end within a line, which is then not read.
        whole_lines: Whether a last line without a line feed is left out.

    Yields:
        Blocks and over-long lines, in the order of the stream.
    """

    def read(size: int) -> bytes:
        return b"" if stop is not None and stop.requested else stream.read1(size)

    rest = b""
    while chunk := read(BLOCK_BYTES):
        rest = rest + chunk if rest else chunk
        while True:
            end = rest.rfind(b"\n")
            if end >= 0:
                yield from _without_long_lines(rest[:end])
                rest = rest[end + 1 :]
            if len(rest) <= MAX_LINE_BYTES:
                break
            long_line, rest = _skip_line(rest, read)
            if not (whole_lines and long_line.unended):
                yield long_line
    if rest and not (whole_lines or (stop and stop.requested)):
        yield Block(rest, len(rest))


def _without_long_lines(whole: bytes) -> Iterator[Block | LongLine]:
    """Yield whole lines as they are, unless one of them is over-long."""
    if len(whole) <= MAX_LINE_BYTES:
        yield Block(whole, len(whole) + 1)
        return
    start = 0
    position = 0
    # A line over the limit would hold none of the line feeds looked for here, each at most one
    # limit after the last, so this loop takes a few steps a block.
    while len(whole) - position > MAX_LINE_BYTES:
        end = whole.rfind(b"\n", position, position + MAX_LINE_BYTES + 1)
        if end >= 0:
            position = end + 1
            continue
        if position > start:
            yield Block(whole[start : position - 1], position - start)
        end = whole.find(b"\n", position)
        end = len(whole) if end < 0 else end
        yield LongLine(whole[position : position + _HEAD_BYTES], end - position + 1)
        start = position = end + 1
    if start <= len(whole):
        yield Block(whole[start:], len(whole) - start + 1)


def _skip_line(rest: bytes, read: Callable[[int], bytes]) -> tuple[LongLine, bytes]:
    """Read to the end of an over-long line without keeping it."""
    head, size = rest[:_HEAD_BYTES], len(rest)
    while chunk := read(BLOCK_BYTES):
        end = chunk.find(b"\n")
        if end >= 0:
            return LongLine(head, size + end + 1), chunk[end + 1 :]
        size += len(chunk)
    return LongLine(head, size, unended=True), b""
