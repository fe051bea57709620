"""Whether two logs hold the same bytes as far as both reach: their bytes say so, not their marks.

Marks leave gaps of up to half a log, and many logs begin with the same line:
what ``kubectl`` says first, the brace of a printed object. Whatever is left
out as a copy is compared, where both logs are there to be read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.sources.compression import READ_BYTES
from envoylogs.sources.probe import Probe, identity_of, size_of
from envoylogs.sources.source import opened_again

if TYPE_CHECKING:
    from envoylogs.sources.blocks import ByteStream
    from envoylogs.sources.identity import KnownLog


def have_same_bytes(probe: Probe, log: KnownLog, path: str) -> bool | None:
    """Tell whether a log agrees with a known one, as far as it goes and the other was counted.

    Args:
        probe: The log, looked at as far as the marks of the known one.
        log: The known one.
        path: Where that was read.

    Returns:
        Null if that can't be told: what was read is not there any more, or is
        the same file.
    """
    try:
        with opened_again(path) as raw:
            if identity_of(raw) == probe.identity:
                return None
            other = Probe(raw)
            has_tail = log.tail is not None and log.tail.offset == probe.size
            end = log.tail if has_tail and log.tail is not None else log.end
            reach = min(probe.size, end.offset)
            if _common_bytes(probe.unpacked(), other.unpacked(), reach) >= reach:
                return True
            other.look_at(mark.offset for mark in log.all_marks)
            return False if all(map(other.has, log.all_marks)) else None
    except OSError:
        return None


def is_same_file(probe: Probe, path: str | None) -> bool:
    """Tell whether a file has all bytes of one at a path, packed as they are, if it is there."""
    try:
        with opened_again(path or "") as raw:
            size = size_of(raw)
            same = _common_bytes(probe.as_it_is(), Probe(raw).as_it_is(), size)
            return same == size
    except OSError:
        return True


def begin_alike(one: bytes, other: bytes, end: int) -> bool:
    """Tell whether two logs begin with the same bytes, as far as these go and up to an end."""
    size = min(len(one), len(other), end)
    return one[:size] == other[:size]


def last_mark(probe: Probe, log: KnownLog) -> int:
    """Return the place of the last mark of a known log that a log reaches, 0 for none."""
    return max((mark.offset for mark in log.all_marks if mark.offset <= probe.size), default=0)


def is_told_by_marks(probe: Probe, log: KnownLog) -> bool:
    """Tell whether marks are enough to take a log for a known one that can't be compared.

    One that has all that was counted is it, or begins alike, which comes to the same. Of a
    shorter one whatever is behind its last mark is left out, so what is before it must be of
    one log only: it says when or who.
    """
    last = last_mark(probe, log)
    return last == log.end.offset or probe.tells_when_or_who(last)


def _common_bytes(one: ByteStream, other: ByteStream, most: int) -> int:
    """Return how many bytes two streams begin with alike, to a piece, at most so many."""
    common, left, right = 0, b"", b""
    while common < most:
        left = left or one.read1(READ_BYTES)
        right = right or other.read1(READ_BYTES)
        size = min(len(left), len(right), most - common)
        if not size or left[:size] != right[:size]:
            break
        common += size
        left, right = left[size:], right[size:]
    return common
