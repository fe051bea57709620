"""RawRecords that share their line with something else.

Envoy's standard output is that of the agent too, so a record may stand behind
half a line of debug output, and two records may stand on one line.
"""

from __future__ import annotations

import json
import re
from itertools import islice

import orjson

from envoylogs.reading.mending.reasons import holds_key_of_record

_OBJECT = re.compile(rb'\{\s*"')
# Behind a quote it is a value in somebody else's line, which a client may have sent.
_OBJECT_OF_ITS_OWN = re.compile(rb"(?<!['\"])" + _OBJECT.pattern)
_FAILURES = 16
"""At how many places of a line an object may turn out to be none; each may be read to its end."""

_end_of = json.JSONDecoder().raw_decode


def embedded_objects(line: bytes) -> list[dict[str, object]]:
    """Return the JSON objects that stand in a line, from left to right.

    Args:
        line: That is no JSON as a whole.

    Returns:
        Nothing if the line begins with an object that was cut or broken: what
        is inside it are values, which a client may have sent.
    """
    found: list[dict[str, object]] = []
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
            value = orjson.loads(line[start.start() : end])
        except (ValueError, RecursionError):
            if not begins_whole:
                break
            failures += 1
            continue
        begins_whole = True
        found.append(value)
        position = end
    return found


def object_at_end(line: bytes) -> dict[str, object] | None:
    """Return the JSON object that a line ends with, if it stands behind one that was cut.

    An escaped value holds no object, and one that is not escaped is followed
    by the rest of its record, unless it is the last.

    Args:
        line: That is no JSON as a whole, and begins with an object.
    """
    for start in islice(_OBJECT_OF_ITS_OWN.finditer(line, 1), _FAILURES):
        try:
            return orjson.loads(line[start.start() :])  # type: ignore[no-any-return]
        except orjson.JSONDecodeError:
            continue
    return None
