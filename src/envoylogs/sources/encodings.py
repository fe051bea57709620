"""Text that is not in UTF-8, told by its first bytes, and the same text in UTF-8.

PowerShell writes UTF-16, and so do some editors and exports. A mark in front
(BOM) says so; without one the zero bytes do that stand beside each ASCII
character, as lines of a log begin with these in any encoding.
"""

from __future__ import annotations

import codecs
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TOLD_BY_BYTES = 8
"""How many of the first bytes tell the encoding."""

# No line ends: lines of nothing but a zero byte would be blank ones in UTF-16.
_ASCII = frozenset(b"\t" + bytes(range(0x20, 0x7F)))
# The mark, the longer ones first, since that of UTF-16 begins that of UTF-32; then two characters,
# each byte of which is zero or not. A file that a full disk has filled up with zeros begins like
# none of them.
_ENCODINGS = (
    ("utf-32-le", codecs.BOM_UTF32_LE, (True, False, False, False) * 2),
    ("utf-32-be", codecs.BOM_UTF32_BE, (False, False, False, True) * 2),
    ("utf-16-le", codecs.BOM_UTF16_LE, (True, False) * 2),
    ("utf-16-be", codecs.BOM_UTF16_BE, (False, True) * 2),
)


def encoding_of(start: bytes) -> str | None:
    """Return the encoding of a text by its first bytes; null for UTF-8 and for what is no text.

    Args:
        start: ``TOLD_BY_BYTES`` of them, if there are so many.
    """
    marked = (encoding for encoding, mark, _ in _ENCODINGS if start.startswith(mark))
    shaped = (encoding for encoding, _, shape in _ENCODINGS if _fits(start, shape))
    return next(chain(marked, shaped), None)


def as_utf8(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Return the pieces of a text in UTF-8, whatever it is encoded in, each as soon as it is there.

    What is no character in that encoding, half of one at the end of the text
    too, becomes ``�``, so it is read as a part of its line.

    Args:
        pieces: Of any size; characters may be cut between them.
    """
    remaining = iter(pieces)
    start = b""
    while _may_be_encoded(start):
        piece = next(remaining, None)
        if piece is None:
            break
        start += piece
    encoding = encoding_of(start)
    if encoding is None:
        if start:
            yield start
        yield from remaining
        return
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    mark = next((mark for _, mark, _ in _ENCODINGS if start.startswith(mark)), b"")
    for piece in chain((start.removeprefix(mark),), remaining):
        if text := decoder.decode(piece):
            yield text.encode()
    if text := decoder.decode(b"", final=True):
        yield text.encode()


def _may_be_encoded(start: bytes) -> bool:
    """Tell whether more bytes are needed to tell the encoding."""
    return len(start) < TOLD_BY_BYTES and any(
        mark[: len(start)] == start[: len(mark)] or _fits(start, shape[: len(start)])
        for _, mark, shape in _ENCODINGS
    )


def _fits(start: bytes, shape: tuple[bool, ...]) -> bool:
    """Tell whether bytes are zero where a shape is false, and ASCII where it is true."""
    return len(start) >= len(shape) and all(
        byte in _ASCII if is_set else byte == 0 for byte, is_set in zip(start, shape, strict=False)
    )
