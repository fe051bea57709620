"""SQL as people write it, made into what Polars is asked.

Polars takes ``1.5`` for a decimal: products become decimals, which JSON has
not, and a division by zero ends the query where one of numbers is infinite. As
``1.5e0`` it is a float, as in the arithmetic that people expect.
"""

from __future__ import annotations

import re

_BLANK = r"(?: \s | /\*.*?\*/ | --[^\n]*(?:\n|\Z) )"


def _pattern(text: str) -> re.Pattern[str]:
    """Return an expression in which ``BLANK`` is a space or a comment of SQL."""
    return re.compile(text.replace("BLANK", _BLANK), re.VERBOSE | re.DOTALL | re.IGNORECASE)


_PARTS = _pattern(
    r"""
    (?P<reader> [`"\[]? \b read_\w+ [`"\]]? ) BLANK* \(
    | '(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/
    | (?P<number> (?<![\w.]) (?:\d+\.\d*|\.\d+) (?![\w.]) )
    """
)
_NO_QUESTION = _pattern(
    r"""
    (?: BLANK | \( )*
    (?: DROP | TRUNCATE | DELETE | CREATE | INSERT | UPDATE | ALTER
      | WITH BLANK+ RECURSIVE ) \b
    """
)


def with_floats(sql: str) -> str:
    """Return SQL in which a number with a decimal point is a float and no decimal."""
    return _PARTS.sub(lambda part: f"{part[0]}e0" if part["number"] else part[0], sql)


def reader_in(sql: str) -> str | None:
    """Return the first function that reads a file, null if there is none."""
    return next((part["reader"] for part in _PARTS.finditer(sql) if part["reader"]), None)


def is_question(sql: str) -> bool:
    """Tell whether SQL asks something, and will end: not ``DROP``, and no recursion."""
    return _NO_QUESTION.match(sql) is None
