"""SQL as people write it, made into what Polars is asked.

Polars takes ``1.5`` for a decimal: products become decimals, which JSON has
not, and a division by zero ends the query where one of numbers is infinite. As
``1.5e0`` it is a float, as in the arithmetic that people expect.
"""

from __future__ import annotations

import re

_PARTS = re.compile(
    r"""
    '(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/
    | (?P<number> (?<![\w.]) (?:\d+\.\d*|\.\d+) (?![\w.]) )
    | \b(?P<reader> read_\w+) \s* \(
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)


def with_floats(sql: str) -> str:
    """Return SQL in which a number with a decimal point is a float and no decimal."""
    return _PARTS.sub(lambda part: f"{part[0]}e0" if part["number"] else part[0], sql)


def reader_in(sql: str) -> str | None:
    """Return the first function that reads a file, null if there is none."""
    return next((part["reader"] for part in _PARTS.finditer(sql) if part["reader"]), None)
