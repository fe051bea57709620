r"""The invalid JSON that proxies really write, put right.

TEXT formats that are dressed as JSON escape nothing and write ``-`` where a
number is missing; Envoy 1.33 and later write a string that is no UTF-8 with
octal escapes, as ``\303`` (``source/common/json/json_sanitizer.cc``), which
JSON does not know. A scanner can cause the latter in any header, so these are
the lines that matter. A record that was cut is not repaired, and neither is
one whose values can't be told from one another.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["KINDS", "repaired"]

KINDS: dict[str, str] = {
    "bare_dash": "a bare - in the place of a value",
    "control_character": "a control character in a string",
    "half_record_before": "a whole record behind one that was cut, on one line",
    "invalid_utf8": "bytes that are no UTF-8",
    "missing_value": "nothing in the place of a value",
    "octal_escape": "octal escapes, which Envoy writes for bytes that are no UTF-8",
    "typographic_quotes": "quotes that a word processor changed",
    "unescaped_backslash": "a backslash in a string that escapes nothing",
    "unescaped_quote": "quotes in a string that are not escaped",
}
"""What is repaired, in words; two of them in TEXT (``text_lines``)."""

# All loops are possessive or bounded, and a string that never ends is taken up to the end of the
# text, so that no line is gone through twice.
_STRING = rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)'
# What is in order is one match, however long, since each match costs a call.
_OUTSIDE = re.compile(
    rb'(?P<fine>(?:"[^"\\\x00-\x1f]*+"|[^":-]++|:(?!\s*+[,}])'
    rb"|-(?!\s*+[,}\]])|(?<![:,\[\s])-)++)"
    rb"|(?P<string>" + _STRING + rb")|(?P<dash>-)|:(?P<nothing>\s*+)",
    re.DOTALL,
)
_INSIDE = re.compile(
    rb"(?P<octal>(?:\\[0-3][0-7]{2})++)"
    rb'|(?P<escape>\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))'
    rb"|(?P<backslash>\\)"
    rb'|(?P<quote>")'
    # Not a line feed: no string of a printed object goes on over its line.
    rb"|(?P<control>[\x00-\x09\x0b-\x1f])"
)
_KEY = rb'"[^"\\\x00-\x1f]{1,100}"'
_BEGINNING_OF_VALUE = re.compile(_KEY + rb'\s*+:\s*+"')
_END_OF_VALUE = re.compile(
    rb'"(?=\s*+(?:,\s*+' + _KEY + rb"\s*+:|\}(?:\s*+\})*+(?:\s*+\Z|\s*+,\s*+" + _KEY + rb"\s*+:)))"
)


def repaired(text: bytes) -> tuple[dict[str, object], tuple[str, ...]] | None:
    """Return the object that a text means which is no valid JSON.

    Args:
        text: Begins with ``{``; a comma and spaces behind it do not count.

    Returns:
        The object, and the kinds of what was repaired in it, sorted; None if
        it can't be told or was cut.
    """
    text = text.strip().rstrip(b", \t\r\n")
    if not text.startswith(b"{") or not text.endswith(b"}"):
        return None
    kinds: set[str] = set()
    try:
        text.decode()
    except UnicodeDecodeError:
        text = text.decode("utf-8", "replace").encode()
        kinds.add("invalid_utf8")
    for attempt in (_as_it_is, _with_values_put_right, _with_quotes_escaped):
        found_kinds = set(kinds)
        value = _object(attempt(text, found_kinds))
        if value is not None:
            return value, tuple(sorted(found_kinds))
    return None


def _object(text: bytes | None) -> dict[str, object] | None:
    if text is None:
        return None
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _as_it_is(text: bytes, _: set[str]) -> bytes:
    return text


def _with_values_put_right(text: bytes, kinds: set[str]) -> bytes:
    """Return a text with valid values, where each string ends at its first quote."""

    def put_right(match: re.Match[bytes]) -> bytes:
        if match["fine"] is not None:
            return match["fine"]
        if match["string"] is not None:
            if len(match["string"]) == 1 or not match["string"].endswith(b'"'):
                return match["string"]
            return b'"' + _INSIDE.sub(_escaping(kinds), match["string"][1:-1]) + b'"'
        if match["dash"] is not None:
            kinds.add("bare_dash")
            return b"null"
        kinds.add("missing_value")
        return b":null"

    return _OUTSIDE.sub(put_right, text)


def _with_quotes_escaped(text: bytes, kinds: set[str]) -> bytes | None:
    """Return a text with valid values, where a string ends before the next key or at the end."""
    parts: list[bytes] = []
    position = 0
    while (beginning := _BEGINNING_OF_VALUE.search(text, position)) is not None:
        end = _END_OF_VALUE.search(text, beginning.end())
        if end is None:
            return None
        value = _INSIDE.sub(_escaping(kinds), text[beginning.end() : end.start()])
        parts += [text[position : beginning.end()], value, b'"']
        position = end.end()
    return _with_values_put_right(b"".join([*parts, text[position:]]), kinds)


def _escaping(kinds: set[str]) -> Callable[[re.Match[bytes]], bytes]:
    """Return what escapes a part of a string, and notes why."""

    def escaped(match: re.Match[bytes]) -> bytes:
        part = match[0]
        if match.lastgroup == "escape":
            return part
        if match.lastgroup == "octal":
            kinds.add("octal_escape")
            meant = bytes(int(digits, 8) for digits in part[1:].split(b"\\"))
            return orjson.dumps(meant.decode("utf-8", "replace"))[1:-1]
        if match.lastgroup == "control":
            kinds.add("control_character")
            return b"\\u%04x" % part[0]
        kinds.add("unescaped_quote" if match.lastgroup == "quote" else "unescaped_backslash")
        return b"\\" + part

    return escaped
