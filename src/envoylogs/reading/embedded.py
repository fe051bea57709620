"""Records that share their line with something else.

Envoy's standard output is that of the agent too, so a record may stand behind
half a line of debug output, and two records may stand on one line.
"""

from __future__ import annotations

import json
import re
from itertools import islice

import orjson

from envoylogs.reading.reasons import holds_key_of_record

__all__ = ["embedded_objects", "object_at_end"]

_OBJECT = re.compile(rb'\{\s*"')
_TRIES = 16
"""How many places a line is tried at; each may be read to its end."""

_end_of = json.JSONDecoder().raw_decode


def embedded_objects(line: bytes) -> list[dict[str, object]]:
    """Return the JSON objects that stand in a line, from left to right.

    Args:
        line: That is no JSON as a whole.
    """
    found: list[dict[str, object]] = []
    if not holds_key_of_record(line):
        return found
    # Every byte is one character, and what JSON is made of is the same in both.
    text = line.decode("latin-1")
    position = 0
    for _ in range(_TRIES):
        start = _OBJECT.search(line, position)
        if start is None:
            break
        position = start.start() + 1
        try:
            _, end = _end_of(text, start.start())
            value = orjson.loads(line[start.start() : end])
        except (ValueError, RecursionError):
            continue
        found.append(value)
        position = end
    return found


def object_at_end(line: bytes) -> dict[str, object] | None:
    """Return the JSON object that a line ends with, if it stands behind a record that was cut.

    An object inside a value that is not escaped does not end its line, so no
    client can put a record here.

    Args:
        line: That is no JSON as a whole.
    """
    for start in islice(_OBJECT.finditer(line, 1), _TRIES):
        try:
            value = orjson.loads(line[start.start() :])
        except orjson.JSONDecodeError:
            continue
        return value if holds_key_of_record(line[: start.start()]) else None
    return None
