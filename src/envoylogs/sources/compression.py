"""What a source's bytes are packed in, told by the first of them, and the text inside in UTF-8.

gzip, zstd, bzip2 and xz are unpacked as their bytes arrive, members one after
the other and zeros after a member as their own tools read them. Memory is
bounded: that of a decoder and that of a piece. An archive that can't be
unpacked raises nothing: what came before is handed on, and the problem has a
name. What is inside may be encoded in UTF-16 or UTF-32 (see ``encodings``).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple, Protocol

from envoylogs.sources.encodings import as_utf8, encoding_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

READ_BYTES = 256 * 1024
"""How much is read and handed on at a time, at most."""

_PACKED_BYTES = 64 * 1024
"""How much of an archive is read at a time; after each short member the rest of it is copied."""

_STEP_BYTES = 4096
"""How much is unpacked at a time, at most; a decoder that meets damage loses its step.

Steps of 1,024 bytes take 4 % more time of the whole command on zstd; larger ones save nothing.
"""

_BOMB_BYTES = 256 * 1024 * 1024
_BOMB_RATIO = 250
"""Access logs are packed to between a tenth and a sixtieth of their size."""

_ZSTD_WINDOW_LOG = 27
_XZ_MEMORY_BYTES = 256 * 1024 * 1024


def is_packed(start: bytes) -> bool:
    """Tell whether the first bytes of a source, eight at least, are not those of its text in UTF-8.

    They are those of an archive, or of another encoding.
    """
    return _format_of(start) is not None or encoding_of(start) is not None


def is_plain(head: bytes) -> bool:
    """Tell whether a file is what it seems: lines of text in UTF-8, and no archive of any kind.

    Args:
        head: Its first bytes, as many as ``HEAD_BYTES`` if it has so many.
    """
    return not (is_packed(head) or _is_tar(head))


class UnpackedStream:
    """The bytes of a source, unpacked if they were packed, in UTF-8 if they are text.

    Args:
        read: Returns the next bytes as they are, at most so many, and none at
            the end.
        plain: Whether they are known to be no archive and no other encoding, whatever
            they look like.
        broken: Has the problem for which reading has ended before the end, if it has.

    Attributes:
        problem: Why the bytes ended before their end, such as ``truncated_gzip``
            (see ``problems.PROBLEMS``); null if they did not.
    """

    def __init__(
        self, read: Callable[[int], bytes], *, plain: bool = False, broken: Sequence[str] = ()
    ) -> None:
        self._broken = broken
        self._read = read
        # Apart, so that a stream that is not read to its end is let go of at once: it holds half
        # a megabyte, and generators of its own would hold it.
        self._inside = _Unpacking(read)
        self._pieces = None if plain else as_utf8(self._inside.pieces())
        self._rest = b""

    @property
    def problem(self) -> str | None:
        """What is told as an attribute."""
        return self._broken[0] if self._broken else self._inside.problem

    def read1(self, size: int, /) -> bytes:
        """Return the next bytes as soon as there are any, at most so many; none at the end."""
        if self._pieces is None:
            return self._read(size)
        piece = self._rest or next(self._pieces, b"")
        self._rest = piece[size:]
        return piece[:size]


class _Unpacking:
    """Unpacks the bytes of a source.

    Args:
        read: As of ``UnpackedStream``.

    Attributes:
        problem: Likewise, but for what is wrong with the source itself.
    """

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self.problem: str | None = None
        self._read = read

    def pieces(self) -> Iterator[bytes]:
        """Yield what is inside, in the encoding that it has."""
        start = b""
        while _may_become_archive(start) and (data := self._read(READ_BYTES)):
            start += data
        found = _format_of(start)
        if found is None:
            yield from self._watched(self._plain(start), None)
        elif found.codec is None:
            self.problem = f"unread_{found.name}"
        else:
            members = self._members(start, found, found.codec())
            yield from self._watched(_gathered(members), found)

    def _watched(self, pieces: Iterable[bytes], outer: _Format | None) -> Iterator[bytes]:
        """Hand pieces on unless an archive begins with them that is not followed."""
        head = b""
        for piece in pieces:
            if len(head) < HEAD_BYTES:
                head += piece[: HEAD_BYTES - len(head)]
                if _is_tar(head):
                    self.problem = "unread_tar"
                    return
                if outer is not None and _format_of(head) is not None:
                    self.problem = f"nested_{outer.name}"
                    return
            yield piece

    def _plain(self, data: bytes) -> Iterator[bytes]:
        while data:
            yield data
            data = self._read(READ_BYTES)

    def _members(self, data: bytes, archive: _Format, codec: _Codec) -> Iterator[bytes]:
        """Yield what the members hold in small pieces, and nothing before each read."""
        came, went = len(data), 0
        while data:
            if not _begins(data, archive.magics):
                self.problem = f"damaged_{archive.name}"
                return
            decoder = codec.decoder()
            while not decoder.eof:
                try:
                    # Small steps at first, so that little is lost of little.
                    piece = decoder.decompress(data, min(codec.step, 64 + went // 64))
                except codec.damage as error:
                    kind = "oversized" if "memory" in str(error).lower() else "damaged"
                    self.problem = f"{kind}_{archive.name}"
                    return
                yield piece
                went += len(piece)
                if went > _BOMB_BYTES and went > _BOMB_RATIO * came:
                    self.problem = f"bomb_{archive.name}"
                    return
                data = b""
                if decoder.needs_input and not decoder.eof:
                    yield b""
                    data = self._read(_PACKED_BYTES)
                    came += len(data)
                    if not data:
                        self.problem = f"truncated_{archive.name}"
                        return
            data = decoder.unused_data.lstrip(b"\0")
            while not data:
                yield b""
                data = self._read(_PACKED_BYTES)
                if not data:
                    return
                came += len(data)
                data = data.lstrip(b"\0")


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Join pieces to the size that is handed on, or up to an empty one."""
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= READ_BYTES or (size and not piece):
            yield b"".join(waiting)
            waiting, size = [], 0
    if size:
        yield b"".join(waiting)


class _Decoder(Protocol):
    """Unpacks one member (stream, frame) of an archive."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _Codec(NamedTuple):
    """How the members of a format are unpacked, how much at a time, and what damage raises."""

    decoder: Callable[[], _Decoder]
    damage: type[Exception]
    step: int = _STEP_BYTES


def _gzip() -> _Codec:
    from envoylogs.sources.inflate import INFLATE_ERROR, Inflate

    return _Codec(Inflate, INFLATE_ERROR, READ_BYTES)


def _zstd() -> _Codec:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd

    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
    return _Codec(lambda: zstd.ZstdDecompressor(options=options), zstd.ZstdError)


def _bzip2() -> _Codec:
    import bz2

    return _Codec(bz2.BZ2Decompressor, OSError)


def _xz() -> _Codec:
    import lzma

    return _Codec(lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY_BYTES), lzma.LZMAError)


class _Format(NamedTuple):
    """A format, how its archives begin, and what unpacks them; null if they are not read."""

    name: str
    magics: tuple[bytes, ...]
    codec: Callable[[], _Codec] | None = None


# A frame of zstd that decoders skip begins with one of sixteen numbers.
_SKIPPABLE = tuple(bytes((first, 0x2A, 0x4D, 0x18)) for first in range(0x50, 0x60))
_FORMATS = (
    _Format("gzip", (b"\x1f\x8b",), _gzip),
    _Format("zstd", (b"\x28\xb5\x2f\xfd", *_SKIPPABLE), _zstd),
    _Format("bzip2", tuple(b"BZh%d" % level for level in range(1, 10)), _bzip2),
    _Format("xz", (b"\xfd7zXZ\x00",), _xz),
    _Format("zip", (b"PK\x03\x04",)),
    _Format("lz4", (b"\x04\x22\x4d\x18",)),
)
_TAR_AT, _TAR = 257, b"ustar"
HEAD_BYTES = _TAR_AT + len(_TAR)


def _format_of(start: bytes) -> _Format | None:
    return next((one for one in _FORMATS if start.startswith(one.magics)), None)


def _begins(start: bytes, magics: Iterable[bytes]) -> bool:
    """Tell whether bytes begin with one of these, as far as they go."""
    return any(start[: len(magic)] == magic[: len(start)] for magic in magics)


def _may_become_archive(start: bytes) -> bool:
    """Tell whether more bytes are needed to tell an archive."""
    return _format_of(start) is None and any(_begins(start, one.magics) for one in _FORMATS)


def _is_tar(head: bytes) -> bool:
    # Whoever sends a request may have this word logged at this place; no log holds a zero byte.
    return head[_TAR_AT:] == _TAR and b"\0" in head
