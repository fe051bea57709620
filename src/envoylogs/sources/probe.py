"""Looking at a log without counting it: whether it has marks, and how it begins."""

from __future__ import annotations

import os
import re
from itertools import count, takewhile
from typing import TYPE_CHECKING, BinaryIO

from envoylogs.sources.compression import READ_BYTES, UnpackedStream, is_packed
from envoylogs.sources.encodings import TOLD_BY_BYTES
from envoylogs.sources.identity import (
    FIRST_POWER,
    WINDOW_BYTES,
    Mark,
    MarkedStream,
    digest_of,
    mark_at,
)
from envoylogs.sources.remote.file import RemoteFile

if TYPE_CHECKING:
    from collections.abc import Iterable

_HEAD_BYTES = 1024
_FIRST_BYTES = 8 * 1024
"""How much is read at a time to find the end of a first line: of many small files it is a good part
of them."""
_TELLING_BYTES = 64 * 1024
# A time of day, seconds since 1970, or an id of a request.
_WHEN_OR_WHO = re.compile(rb"\d\d:\d\d:\d\d|\d{10}|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-")


class Probe:
    """Looks at a log without counting it.

    Args:
        raw: An open regular file; where it stands afterwards is not defined.

    Attributes:
        is_packed: Whether it is an archive, or text that is not in UTF-8.
        size: Of the log in unpacked bytes; of an archive as far as it was looked at.
        problem: Why an archive could not be looked at further; null if it could.
        head: The first bytes of the log, 1 KiB at most, once its first line was asked for.
    """

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._raw_size = size_of(raw)
        self._marks: dict[int, Mark] = {}
        self.is_packed = is_packed(self._at(0, TOLD_BY_BYTES))
        self.size = 0 if self.is_packed else self._raw_size
        self.problem: str | None = None
        self.head = b""

    @property
    def is_head_full(self) -> bool:
        """Whether the log has as many bytes as a head has at most."""
        return len(self.head) >= _HEAD_BYTES

    @property
    def identity(self) -> tuple[object, ...]:
        """What tells the open file from another one."""
        return identity_of(self._raw)

    def archive(self) -> str:
        """Return a digest of an archive as it is: of its size, its beginning and its end.

        The formats have checksums of what they hold at their ends.
        """
        beginning = self._at(0, WINDOW_BYTES)
        end = self._at(max(self._raw_size - WINDOW_BYTES, 0), WINDOW_BYTES)
        return digest_of(b"%d " % self._raw_size + beginning + end)

    def first_line(self, *, unended: bool) -> Mark | None:
        """Return the mark at the end of the first line; null if it has no end.

        Args:
            unended: Whether the end of the log is the end of a line too.
        """
        stream = self._stream()
        while (stream.first is None or len(self.head) < _HEAD_BYTES) and (
            piece := stream.read1(_FIRST_BYTES)
        ):
            self.head += piece[: _HEAD_BYTES - len(self.head)]
        return stream.end if stream.first is None and stream.offset and unended else stream.first

    def look_at(self, offsets: Iterable[int]) -> None:
        """Make marks at some places, which ``has`` needs; past the last, ``size`` is not known."""
        wanted = sorted(set(offsets))
        if not self.is_packed:
            return
        stream = self._stream(wanted)
        # One byte more tells whether the log ends at the last place.
        while stream.offset <= wanted[-1] and stream.read1(READ_BYTES):
            pass
        self.problem = stream.problem
        self._marks = {mark.offset: mark for mark in stream.marks}
        self.size = stream.offset

    def has(self, mark: Mark) -> bool:
        """Tell whether the log agrees at a mark; false behind its end."""
        place = mark.offset
        if not self.is_packed and place <= self.size and place not in self._marks:
            self._marks[place] = mark_at(place, self.window(place))
        return self._marks.get(place) == mark

    def tells_when_or_who(self, size: int) -> bool:
        """Tell whether a time or an id is in so many bytes from the beginning of the log.

        Logs that have neither may begin alike and be of different gateways.
        """
        stream, most = self.unpacked(), min(size, _TELLING_BYTES)
        beginning = b""
        while len(beginning) < most and (piece := stream.read1(most - len(beginning))):
            beginning += piece
        return _WHEN_OR_WHO.search(beginning) is not None

    def window(self, place: int) -> bytes:
        """Return the bytes before a place of a log that is not packed."""
        size = min(place, WINDOW_BYTES)
        return self._at(place - size, size)

    def unpacked(self) -> UnpackedStream:
        """Return the bytes of the log from its beginning; one such stream is read at a time."""
        self._raw.seek(0)
        return UnpackedStream(self._raw.read, plain=not self.is_packed)

    def as_it_is(self) -> UnpackedStream:
        """Return the bytes of the file from its beginning, packed or not; likewise."""
        self._raw.seek(0)
        return UnpackedStream(self._raw.read, plain=True)

    def last_line_end(self) -> int:
        """Return where the last whole line of a log ends that is not packed; 0 without any."""
        end = self.size
        while end > 0:
            start = max(end - READ_BYTES, 0)
            place = self._at(start, end - start).rfind(b"\n") + 1
            if place:
                return start + place
            end = start
        return 0

    def _stream(self, wanted: Iterable[int] = ()) -> MarkedStream:
        return MarkedStream(self.unpacked(), wanted=wanted)

    def _at(self, offset: int, size: int) -> bytes:
        self._raw.seek(offset)
        found = b""
        while len(found) < size and (data := self._raw.read(size - len(found))):
            found += data
        return found


class MarkedFile:
    """A plain file with the marks that reading it through would make (see ``MarkedStream``).

    Args:
        raw: An open regular file; where it stands afterwards is not defined.
    """

    problem = None

    def __init__(self, raw: BinaryIO) -> None:
        probe = Probe(raw)
        self.offset = probe.size
        self.first = probe.first_line(unended=False)
        powers = takewhile(self.offset.__ge__, (FIRST_POWER << n for n in count()))
        self.marks = [mark_at(place, probe.window(place)) for place in powers]
        self.end = mark_at(self.offset, probe.window(self.offset))
        line_end = probe.last_line_end()
        self.line_end = mark_at(line_end, probe.window(line_end)) if line_end else None


def size_of(raw: BinaryIO) -> int:
    """Return how many bytes an open file has now; 0 for what is no file, or does not know."""
    try:
        place = raw.tell()
        size = raw.seek(0, os.SEEK_END)
        raw.seek(place)
    except OSError:
        return 0
    return size


def identity_of(raw: BinaryIO) -> tuple[object, ...]:
    """Return what tells an open file from another one, whatever their names."""
    if isinstance(raw, RemoteFile):
        return raw.found
    status = os.fstat(raw.fileno())
    return status.st_dev, status.st_ino


def was_cut(
    raw: BinaryIO, size_before: int, stream: MarkedStream | MarkedFile, *, is_packed: bool
) -> bool:
    """Tell whether a file does not hold any more what was just read of it.

    Args:
        raw: The open file; where it stands afterwards is not defined.
        size_before: How many bytes it had before; 0 if that is not known.
        stream: What was read of it.
        is_packed: Whether its bytes are not those of the stream.
    """
    # Objects are replaced as a whole, and only the version that was found is read.
    if not size_before or isinstance(raw, RemoteFile):
        return False
    if size_of(raw) < size_before:
        return True
    marks = (*((stream.first,) if stream.first else ()), *stream.marks, stream.end)
    return not is_packed and not all(map(Probe(raw).has, marks))
