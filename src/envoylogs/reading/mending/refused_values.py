r"""Values that parsers of JSON refuse, and for which no record may be lost: kept as text.

An escape of half a character (``"\ud800"``) is JSON by its grammar and no text;
so is ``1e400``, which no float holds. ``NaN`` and ``Infinity`` are none, and many
programs write them.
"""

from __future__ import annotations

import math
import re

import orjson

LONE_SURROGATE = "lone_surrogate"
OUT_OF_RANGE = "number_out_of_range"

_TELLING = re.compile("surrogate|infinity")
"""What orjson says of half a character and of a number that no float holds."""
_NAME = re.compile(".?[-+]?(?:nan|inf)", re.IGNORECASE | re.DOTALL)
"""How a name begins in the place of a number, from the character before the one that is wrong."""

_MAY_BE_REFUSED = re.compile(
    rb"\\u[dD][89a-fA-F]"
    rb"|[:,\[]\s*+[-+]?(?:NaN|nan|NAN|[Ii]nf|INF|\d++(?:\.\d++)?+[eE]\+?\d\d|\d{299})"
)
# An escape, so that what follows an escaped backslash is none; half a character is a group.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
# A string, which may hold what looks like a number, or a number where a value stands.
_NUMBER = re.compile(
    rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)'
    rb"|(?<=[\s:,\[])([-+]?(?:NaN|nan|NAN|[Ii]nf(?:inity)?|INF(?:INITY)?)|-?\d++(?:\.\d++)?+(?:[eE][-+]?\d++)?+)"
    rb"(?=\s*+[,}\]])",
    re.DOTALL,
)
_LONGEST = 299
"""How many digits a number has at most that needs no exponent of two digits to be a float."""


def loads(text: bytes) -> tuple[object, tuple[str, ...]]:
    """Return the value that a text of JSON is, and what of it was kept as text.

    Args:
        text: As a line or an envelope has it.

    Returns:
        The value and the kinds of ``repair.KINDS``, sorted.

    Raises:
        JSONDecodeError: If it is no JSON for another cause.
    """
    try:
        return orjson.loads(text), ()
    except orjson.JSONDecodeError as error:
        # What is wrong first tells lines with other damage, which are many, at no cost.
        if not _TELLING.search(error.msg) and not _NAME.match(error.doc, max(error.pos - 1, 0)):
            raise
        kept, kinds = kept_as_text(text)
        if not kinds:
            raise
        return orjson.loads(kept), kinds


def kept_as_text(text: bytes) -> tuple[bytes, tuple[str, ...]]:
    r"""Return a text with strings in the place of the values that are refused, and their kinds.

    Half a character becomes its escape, six characters of text; a number its digits as they
    stand. Strings are told from numbers as if nothing else were wrong.
    """
    if _MAY_BE_REFUSED.search(text) is None:
        return text, ()
    escaped = _ESCAPE.sub(_escaped_surrogate, text)
    quoted = _NUMBER.sub(_quoted_number, escaped)
    kinds = ((LONE_SURROGATE, escaped != text), (OUT_OF_RANGE, quoted != escaped))
    return quoted, tuple(kind for kind, is_there in kinds if is_there)


def _escaped_surrogate(escape: re.Match[bytes]) -> bytes:
    return escape[0] if escape[1] is None else b"\\\\" + escape[1]


def _quoted_number(token: re.Match[bytes]) -> bytes:
    number = token[1]
    if number is None or not _is_refused(number):
        return token[0]
    return b'"' + number + b'"'


def _is_refused(number: bytes) -> bool:
    """Tell whether a number is none, or larger than a float can be."""
    if not number.lstrip(b"-")[:1].isdigit():
        return True
    if len(number) <= _LONGEST and not {*b"eE"}.intersection(number):
        return False
    # Digits behind the point, and what a float can't tell, are no part of its size.
    return math.isinf(float(number))
