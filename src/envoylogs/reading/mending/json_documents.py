"""Objects that are printed over several lines, as ``jq`` prints them.

An object ends where its brackets close, at ``MAX_LINES`` or ``MAX_BYTES``, or
at the next line that is a whole record by itself, so a truncated ``{``
swallows nothing that follows it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MAX_LINES = 1000
MAX_BYTES = 1024 * 1024
MAX_DEPTH = 64
"""The deepest nesting that is followed over lines; records have a depth of two or three."""

# Takes a string that never ends up to the end of the line, so that a line is gone through once;
# the possessive loop never goes back.
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+("|\\?\Z)')


# What stands before an object inside another one, or nothing before the first.
_BEFORE_OBJECT = (b"", b":", b",", b"[")


def _emptied(string: re.Match[bytes]) -> bytes:
    """Return nothing for a string, and a lone quote for one that never ends."""
    return b"" if string[1] == b'"' else b'"'


@dataclass(slots=True)
class OpenObject:
    """The lines of an object that has begun and not yet ended.

    Attributes:
        lines: The numbers and the bytes of its lines so far.
    """

    lines: list[tuple[int, bytes]] = field(default_factory=list)
    _depth: int = 0
    _bytes: int = 0
    _last: bytes = b""

    def add(self, number: int, line: bytes) -> bool:
        """Take one more line; tell whether the object can still become whole.

        A string never spans lines in JSON, so a lone quote ends the hope.
        """
        begins = line.lstrip()[:1]
        follows = begins != b"{" or self._last in _BEFORE_OBJECT
        self.lines.append((number, line))
        self._last = line.rstrip()[-1:] or self._last
        self._bytes += len(line)
        bare = _STRING.sub(_emptied, line)
        self._depth += bare.count(b"{") + bare.count(b"[") - bare.count(b"}") - bare.count(b"]")
        return (
            follows
            and b'"' not in bare
            and 0 <= self._depth <= MAX_DEPTH
            and len(self.lines) <= MAX_LINES
            and self._bytes <= MAX_BYTES
        )

    @property
    def closed(self) -> bool:
        """Whether all its brackets are closed."""
        return self._depth == 0

    @property
    def text(self) -> bytes:
        """The object so far; a comma behind it, as in an array of objects, does not count."""
        return b"\n".join(line for _, line in self.lines).rstrip(b", \t\r")
