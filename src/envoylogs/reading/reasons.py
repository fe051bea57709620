"""Why a line that should be a record is none, as a person would say it."""

from __future__ import annotations

import re

from envoylogs.reading.text_lines import looks_cut, looks_like_text

__all__ = ["holds_key_of_record", "holds_record", "reason_of", "reason_of_broken"]

# The key of a record somewhere in a line, its quotes escaped, doubled or neither.
_KEY_OF_RECORD = re.compile(rb'(?:response_code|response_flags|upstream_cluster)(?:\\*"|"")\s*:')
# The beginning of a TEXT record in a JSON string, with the quote behind it escaped.
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
    """Return why a line of an object that never became whole is malformed.

    Args:
        line: One of its lines.
        alone: Whether it is the only one.
    """
    if not alone:
        return "unfinished_object"
    return "invalid_json" if line.rstrip(b", \t\r").endswith(b"}") else "cut_at_end"
