"""Objects that do not have one line to themselves: printed over several, or sharing one.

A printed object, as ``jq`` prints it, ends where its brackets close, at
``MAX_LINES`` or ``MAX_BYTES``, or at the next line that is a whole record by
itself, so a truncated ``{`` swallows nothing that follows it.

Envoy's standard output is that of the agent too, so a record may stand behind
half a line of debug output, and two records may stand on one line.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from itertools import islice

import orjson

from envoylogs.reading.mending.reasons import holds_key_of_record
from envoylogs.reading.mending.refused_values import loads

Mended = tuple[dict[str, object], tuple[str, ...]]
"""An object, and what was repaired in it (``repair.KINDS``)."""

MAX_LINES = 1000
MAX_BYTES = 1024 * 1024
MAX_DEPTH = 64
"""The deepest nesting that is followed over lines; records have a depth of two or three."""

# Takes a string that never ends up to the end of the line, so that a line is gone through once;
# the possessive loop never goes back.
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+("|\\?\Z)')

# What stands before an object inside another one, or nothing before the first.
_BEFORE_OBJECT = (b"", b":", b",", b"[")

_OBJECT = re.compile(rb'\{\s*"')
# Behind a quote it is a value in somebody else's line, which a client may have sent.
_OBJECT_OF_ITS_OWN = re.compile(rb"(?<!['\"])" + _OBJECT.pattern)
_FAILURES = 16
"""At how many places of a line an object may turn out to be none; each may be read to its end."""

_end_of = json.JSONDecoder().raw_decode


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
    _depths: list[int] = field(default_factory=list)
    _outside: int = 0
    _bytes: int = 0
    _last: bytes = b""
    _is_sound: bool = True

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
        deeper = bare.count(b"{") + bare.count(b"[") - bare.count(b"}") - bare.count(b"]")
        self._depths.append((self._depths[-1] if self._depths else 0) + deeper)
        self._is_sound = self._is_sound and follows and b'"' not in bare
        return self._is_hopeful

    def drop_first(self) -> bool:
        """Leave out the first line, if the others added to a new object would be what is left.

        They would if only a limit ended the hope, and if none of them closes a bracket of the
        first line: so much deeper than that line they never end before.

        Returns:
            Whether that was done; then what is left is open and can still become whole.
        """
        first, *others = self._depths
        if not (self._is_sound and others and min(others) > first):
            return False
        self._bytes -= len(self.lines[0][1])
        self._outside = first
        self._depths = others
        self.lines = self.lines[1:]
        return self._is_hopeful

    @property
    def numbers(self) -> list[int]:
        """The numbers of its lines so far."""
        return [number for number, _ in self.lines]

    def shift(self, n: int) -> None:
        """Move the object on by a number of lines that all read as its own."""
        self.lines = [(number + n, line) for number, line in self.lines]

    @property
    def _is_hopeful(self) -> bool:
        return (
            self._is_sound
            and 0 <= self._depth <= MAX_DEPTH
            and len(self.lines) <= MAX_LINES
            and self._bytes <= MAX_BYTES
        )

    @property
    def _depth(self) -> int:
        return self._depths[-1] - self._outside

    @property
    def closed(self) -> bool:
        """Whether all its brackets are closed."""
        return self._depth == 0

    @property
    def text(self) -> bytes:
        """The object so far; a comma behind it, as in an array of objects, does not count."""
        return b"\n".join(line for _, line in self.lines).rstrip(b", \t\r")


def whole_object(text: bytes) -> Mended | None:
    """Return the object that a text is, but for values that are refused; None if it is none."""
    try:
        value, kinds = loads(text)
    except orjson.JSONDecodeError:
        return None
    return (value, kinds) if isinstance(value, dict) else None


def embedded_objects(line: bytes) -> list[Mended]:
    """Return the JSON objects that stand in a line, from left to right, mended if they must be.

    Args:
        line: That is no JSON as a whole.

    Returns:
        Nothing if the line begins with an object that was cut or broken: what
        is inside it are values, which a client may have sent.
    """
    found: list[Mended] = []
    if not holds_key_of_record(line):
        return found
    # Every byte is one character, and what JSON is made of is the same in both.
    text = line.decode("latin-1")
    begins_whole = not line.lstrip().startswith(b"{")
    position = failures = 0
    while failures < _FAILURES:
        start = _OBJECT_OF_ITS_OWN.search(line, position)
        if start is None:
            break
        position = start.start() + 1
        try:
            _, end = _end_of(text, start.start())
            value, kinds = loads(line[start.start() : end])
        except (ValueError, RecursionError):
            if not begins_whole:
                break
            failures += 1
            continue
        begins_whole = True
        assert isinstance(value, dict)  # noqa: S101  # it begins with a brace
        found.append((value, kinds))
        position = end
    return found


def object_at_end(line: bytes) -> Mended | None:
    """Return the JSON object that a line ends with, if it stands behind one that was cut.

    An escaped value holds no object, and one that is not escaped is followed
    by the rest of its record, unless it is the last.

    Args:
        line: That is no JSON as a whole, and begins with an object.
    """
    for start in islice(_OBJECT_OF_ITS_OWN.finditer(line, 1), _FAILURES):
        try:
            value, kinds = loads(line[start.start() :])
        except orjson.JSONDecodeError:
            continue
        assert isinstance(value, dict)  # noqa: S101  # it begins with a brace
        return value, kinds
    return None
