"""What strings of a request are compared with, as ``StringMatcherImpl`` of Envoy does it.

See ``source/common/common/matchers.h`` and ``source/common/http/header_utility.h``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envoylogs.mesh.routes.patterns import pattern

if TYPE_CHECKING:
    from envoylogs.mesh.tables import StringMatch

_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_NUMBER = re.compile(r"[ \t\n\v\f\r]*([+-]?[0-9]{1,30})[ \t\n\v\f\r]*", re.ASCII)
_INT64 = range(-(1 << 63), 1 << 63)


def ascii_lower(text: str) -> str:
    """Return a text in lower case; letters beyond ASCII stay, as ``absl::AsciiStrToLower`` does."""
    return text.lower() if text.isascii() else text.translate(_LOWER)


def value_fits(match: StringMatch, value: str) -> bool | None:
    """Return whether a value that is there is what it must be; null for a pattern RE2 refuses."""
    wanted = match.value
    if match.kind == "regex":
        return pattern(wanted).covers(value)
    if match.ignore_case:
        value, wanted = ascii_lower(value), ascii_lower(wanted)
    fits = match.kind == "present"
    match match.kind:
        case "exact":
            fits = value == wanted
        case "prefix":
            fits = value.startswith(wanted)
        case "suffix":
            fits = value.endswith(wanted)
        case "contains":
            fits = wanted in value
        case "range":
            fits = _in_range(value, wanted)
    return fits


def fits_every_value(match: StringMatch) -> bool:
    """Return whether any value fits, so that none need be known."""
    if match.kind == "regex":
        # A header holds no line break, the one character that a dot does not cover.
        return match.value == ".*"
    return match.kind == "present" or (
        match.kind in {"prefix", "suffix", "contains"} and not match.value
    )


def _in_range(value: str, limits: str) -> bool:
    """Return whether a text is a whole number of 64 bits in ``start,end``, without the end."""
    number = _NUMBER.fullmatch(value)
    if number is None or int(number[1]) not in _INT64:
        return False
    start, _, end = limits.partition(",")
    return int(start) <= int(number[1]) < int(end)
