"""Why a line that should be a record is none, as a person would say it."""

from __future__ import annotations

import re

import orjson

from envoylogs.reading.decoders.text_lines import looks_cut, looks_like_text
from envoylogs.reading.mending.refused_values import loads

# The key of a record somewhere in a line, its quotes escaped, doubled or neither.
_KEY_OF_RECORD = re.compile(rb'(?:response_code|response_flags|upstream_cluster)(?:\\*"|"")\s*:')
# The beginning of a TEXT record in a JSON string, with the quote behind it escaped.
_RECORD_KEYS = frozenset({"response_code", "response_flags", "upstream_cluster"})
_DEEPEST = 16
_LONGEST_PATH = 100
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TEXT_IN_STRING = re.compile(rb'\[20\d\d-[^\s\]"]{1,40}Z\] \\+"')


def holds_key_of_record(line: bytes) -> bool:
    """Tell whether a line holds the key of a record, as JSON writes it, anywhere."""
    return _KEY_OF_RECORD.search(line) is not None


def holds_record(line: bytes) -> bool:
    """Tell whether a line of JSON holds a record of JSON or TEXT in a string or an object."""
    return holds_key_of_record(line) or _TEXT_IN_STRING.search(line) is not None


def reason_of(line: bytes) -> str | None:
    """Return why a line that is no JSON is malformed, of ``fates.REASONS``.

    None if it is another program's.

    Args:
        line: Without its envelope.
    """
    if b"\0" in line:
        return "binary"
    if looks_like_text(line):
        return "text_format"
    if holds_key_of_record(line):
        return "prefixed_record" if b"{" in line else "cut_at_start"
    if looks_cut(line):
        return "prefixed_record" if b'Z] "' in line else "cut_at_start"
    return None


def reason_of_broken(line: bytes, *, alone: bool) -> str:
    """Return why a line, alone or not, of an object that never became whole is malformed."""
    if not alone:
        return "unfinished_object"
    return "invalid_json" if line.rstrip(b", \t\r").endswith(b"}") else "cut_at_end"


def path_to_record(text: bytes) -> str | None:
    """Return the keys on the way to the record inside a JSON value, as ``jq`` has them.

    Args:
        text: Of reason ``wrapped_record``; a comma behind it does not count.

    Returns:
        Such as ``.log`` or ``.hits.hits[]._source``; null if it can't be told.
    """
    try:
        found = _way_to_record(loads(text.rstrip(b", \t\r"))[0], _DEEPEST)
    except (orjson.JSONDecodeError, TypeError):
        return None
    path = "".join(found or ())
    path = path if path.startswith(".") else f".{path}"
    if not found or len(path) > _LONGEST_PATH:
        return None
    # Printed over several lines it may be one of an array.
    return f".. | ({path})? // empty" if b"\n" in text else path


def _way_to_record(value: object, depth: int) -> list[str] | None:
    """Return the steps to a record inside a value; none if the value is it, null without one."""
    if not holds_record(orjson.dumps(value)):
        return None
    if isinstance(value, str) or (isinstance(value, dict) and not _RECORD_KEYS.isdisjoint(value)):
        return []
    inside = (
        [(_step(key), inner) for key, inner in value.items()]
        if isinstance(value, dict)
        else [("[]", inner) for inner in value]
        if isinstance(value, list)
        else []
    )
    for step, inner in inside if depth else ():
        way = _way_to_record(inner, depth - 1)
        if way is not None:
            return [step, *way]
    return None


def _step(key: str) -> str:
    return f".{key}" if _PLAIN_KEY.fullmatch(key) else f"[{orjson.dumps(key).decode()}]"
