"""An object as a file: read where it is looked at, and ahead once it is read through."""

from __future__ import annotations

import io
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from envoylogs.sources.remote.stores import fetched

if TYPE_CHECKING:
    from envoylogs.sources.remote.urls import RemoteObject

SMALL_BYTES = 4 * 1024 * 1024
"""An object up to this size is one request."""

_FIRST_BYTES = 128 * 1024
"""How much is asked for where nothing is known of what is read next; twice as much each time that
the reading goes on."""

_MOST_BYTES = 4 * 1024 * 1024
_AHEAD = 3
"""So many requests of the largest size are under way while a file is read through."""

_REQUESTS = 32
"""So many requests are under way at a time, of all files."""


class Piece(NamedTuple):
    """Bytes of an object that were asked for."""

    start: int
    size: int
    bytes: Future[memoryview]


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_REQUESTS, thread_name_prefix="store")


def _asked(found: RemoteObject, start: int, size: int) -> Piece:
    if not size:
        empty = Future[memoryview]()
        empty.set_result(memoryview(b""))
        return Piece(start, 0, empty)
    return Piece(start, size, _pool().submit(fetched, found, start, start + size))


def begin(found: RemoteObject, most: int | None = None) -> Piece:
    """Ask for the beginning of an object: so much, or all of it if it is small."""
    usual = found.size if found.size <= SMALL_BYTES else _FIRST_BYTES
    return _asked(found, 0, usual if most is None else min(most, found.size))


class RemoteFile(io.RawIOBase):
    """An object of a store as an open file.

    Args:
        found: The object.
        begun: Its beginning, if it was asked for.
    """

    def __init__(self, found: RemoteObject, begun: Piece | None = None) -> None:
        super().__init__()
        self.found = found
        self._place = 0
        self._begun = begun
        self._at_hand: Piece | None = None
        self._coming: deque[Piece] = deque()
        self._next_bytes = _FIRST_BYTES

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be read anywhere."""
        return True

    def tell(self) -> int:
        """Return where the next read begins."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a place."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self.found.size}[whence]
        self._place = max(base + offset, 0)
        return self._place

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        """Read into a buffer as much as is at hand; wait only if that is nothing.

        Raises:
            OSError: If the store does not give it.
        """
        wanted = min(len(buffer), self.found.size - self._place)
        if wanted <= 0:
            return 0
        piece = self._at_hand
        if piece is None or not 0 <= self._place - piece.start < piece.size:
            piece = self._at_hand = self._piece_at(self._place, wanted)
        within = self._place - piece.start
        data = piece.bytes.result()[within : within + wanted]
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)

    def _piece_at(self, place: int, wanted: int) -> Piece:
        """Return the piece in which a place is; more are asked for if the reading goes on."""
        if self._begun is None and place < _FIRST_BYTES:
            self._begun = begin(self.found)
        if self._begun is not None and place < self._begun.size:
            return self._begun
        before = self._at_hand
        goes_on = before is not None and place == before.start + before.size
        if not goes_on or (self._coming and self._coming[0].start != place):
            # What comes is behind another place.
            self._coming.clear()
        if not goes_on:
            self._next_bytes = _FIRST_BYTES
            end = min(place + max(wanted, _FIRST_BYTES), self.found.size)
            return _asked(self.found, place, end - place)
        # One is waited for; the others are ahead, none before the reading has gone on for a while.
        most = 1 + min(self._next_bytes // _FIRST_BYTES // 4, _AHEAD)
        end = place + sum(piece.size for piece in self._coming)
        while len(self._coming) < most and end < self.found.size:
            self._next_bytes = min(self._next_bytes * 2, _MOST_BYTES)
            size = min(self._next_bytes, self.found.size - end)
            self._coming.append(_asked(self.found, end, size))
            end += size
        return self._coming.popleft()
