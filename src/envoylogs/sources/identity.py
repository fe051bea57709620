"""What a log is known again by, whatever its name is now and whatever it is packed in.

Logs are renamed, copied, truncated and packed while they are read, so neither
a name nor an inode tells which bytes were read before. Digests of the bytes
before some places, the *marks*, do: the end of the first line, each power of
two, and the end of the last whole line. A log that agrees with another one at
all its marks, as far as it goes, is the same log, grown or cut; what was counted
of it, and where its reading goes on, is a ``KnownLog`` and a ``Place``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envoylogs.sources.compression import UnpackedStream

WINDOW_BYTES = 4096
"""How many bytes before a mark are digested."""

FIRST_POWER = 256
_MAX_FIRST_LINE = 1024 * 1024
_DIGEST_BYTES = 12


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a log, in unpacked bytes of UTF-8, and a digest of up to 4 KiB before it."""

    offset: int
    digest: str


def digest_of(window: bytes) -> str:
    """Return the digest of some bytes."""
    return hashlib.blake2b(window, digest_size=_DIGEST_BYTES).hexdigest()


class MarkedStream:
    """A stream that makes marks of what is read from it.

    Args:
        stream: Where bytes come from.
        start: How many bytes of the log were read before.
        before: The last of these, 4 KiB if there are so many.
        wanted: Where marks are made besides the usual places.

    Attributes:
        first: The mark at the end of the first line, or at 1 MiB of it; null
            before that and if reading did not begin there.
        marks: All other marks so far, in their order.
        offset: How many bytes of the log were read, before and now.
    """

    def __init__(
        self,
        stream: UnpackedStream,
        start: int = 0,
        before: bytes = b"",
        wanted: Iterable[int] = (),
    ) -> None:
        self.first: Mark | None = None
        self.marks: list[Mark] = []
        self.offset = start
        self._stream = stream
        self._starts_log = start == 0
        self._before = before
        self._wanted = sorted(wanted)
        self._line_end: tuple[int, bytes] | None = None

    @property
    def problem(self) -> str | None:
        """Why the bytes ended before their end (see ``compression``); null if they did not."""
        return self._stream.problem

    @property
    def line_end(self) -> Mark | None:
        """The mark behind the last whole line; null before the first that was read."""
        return None if self._line_end is None else mark_at(*self._line_end)

    @property
    def end(self) -> Mark:
        """The mark behind everything that was read."""
        return mark_at(self.offset, self._before)

    def read1(self, size: int, /) -> bytes:
        """Return the next bytes as soon as there are any, at most so many; none at the end."""
        piece = self._stream.read1(size)
        if piece:
            self._take(piece)
        return piece

    def _take(self, piece: bytes) -> None:
        start, end = self.offset, self.offset + len(piece)
        if self.first is None and self._starts_log:
            line = piece.find(b"\n") + 1
            place = min(start + line if line else end, _MAX_FIRST_LINE)
            if line or place == _MAX_FIRST_LINE:
                self.first = mark_at(place, self._window(piece, place))
        power = 1 << max(start, FIRST_POWER - 1).bit_length()
        while power <= end:
            self.marks.append(mark_at(power, self._window(piece, power)))
            power *= 2
        while self._wanted and self._wanted[0] <= end:
            place = self._wanted.pop(0)
            if place > start:
                self.marks.append(mark_at(place, self._window(piece, place)))
        line_end = piece.rfind(b"\n") + 1
        if line_end:
            place = start + line_end
            self._line_end = (place, self._window(piece, place))
        self._before = self._window(piece, end)
        self.offset = end

    def _window(self, piece: bytes, place: int) -> bytes:
        """Return the bytes before a place in a piece, or in the bytes before it."""
        end = place - self.offset
        if end >= WINDOW_BYTES:
            return piece[end - WINDOW_BYTES : end]
        return (self._before + piece[:end])[-WINDOW_BYTES:]


def mark_at(offset: int, window: bytes) -> Mark:
    """Return the mark at a place, with the bytes before it."""
    return Mark(offset, digest_of(window))


@dataclass(frozen=True, slots=True)
class WaitingLine:
    """A whole line that was read and not counted: the rest of its record has not come yet."""

    number: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class KnownLog:
    """How much of one log was counted, and what it is known again by.

    Attributes:
        name: What it was called when it was last read.
        path: Where it was then, without links.
        first: The mark of its first line.
        marks: The marks between, in their order.
        end: Where the next reading begins: behind the last whole line.
        tail: The mark behind a last line without an end that was counted too.
        lines: How many lines there are before the end.
        waiting: Lines before the end that were not counted.
        archives: Digests of archives that hold nothing behind the end.
        sidecars: Pods that were seen to be sidecars in it (see ``envoy.roles``).
        gateways: Those among them, and the waypoints, that had records of gateways too.
        waypoints: Pods that were seen to be waypoints likewise.
        run: When it was last read: a number that grows.
        unended: How many bytes of a line without an end stand behind the end.
    """

    name: str
    path: str
    first: Mark
    marks: tuple[Mark, ...]
    end: Mark
    tail: Mark | None = None
    lines: int = 0
    waiting: tuple[WaitingLine, ...] = ()
    archives: tuple[str, ...] = ()
    sidecars: tuple[str | None, ...] = ()
    gateways: tuple[str | None, ...] = ()
    waypoints: tuple[str | None, ...] = ()
    run: int = 0
    unended: int = 0

    @property
    def all_marks(self) -> tuple[Mark, ...]:
        """Those that a log must have, as far as it goes, to be this one."""
        return (self.first, *self.marks, self.end)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the reading of a source begins.

    Attributes:
        number: Which of the known logs it goes on with; null for none.
        nothing_new: Whether there is nothing to read.
        start: How many bytes are passed over.
        before: The last of these; not known of archives.
        is_packed: Whether the source may be an archive.
        archive: Its digest, if it is one that was not read before.
        is_known_archive: Whether it is one that was: the log may have grown since.
        same_bytes: How many bytes it has in common with the known log.
        problem: Why no more of it could be looked at (see ``compression``).
        head: How the log begins.
        unproven_bytes: How many bytes behind the last mark are taken for those of the
            known log, which is not there any more to be compared.
    """

    number: int | None = None
    nothing_new: bool = False
    start: int = 0
    before: bytes = b""
    is_packed: bool = True
    archive: str | None = None
    is_known_archive: bool = False
    same_bytes: int = 0
    problem: str | None = None
    head: bytes = b""
    unproven_bytes: int = 0
