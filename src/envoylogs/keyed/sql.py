"""SQL as people write it, made into what Polars is asked.

Polars reckons with the smallest whole numbers that fit: the length of a text
has no negative values, an hour ends at 127, a sum at 2^63. A division by zero
is infinite or no number, which is larger than all. ``1.5`` is a decimal, which
JSON has not, and a ``TIMESTAMP`` has no zone, so it is compared with no time of
a log. Here numbers get 64 bits and products and sums 128, what is divided by
zero becomes null, as in SQLite, MySQL and DuckDB, decimals become floats, and
times are those of UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from envoylogs.keyed.sql_tokens import Tokens

_BLANK = r"(?: \s | /\*.*?\*/ | --[^\n]*(?:\n|\Z) )"


def _pattern(text: str) -> re.Pattern[str]:
    """Return an expression in which ``BLANK`` is a space or a comment of SQL."""
    return re.compile(text.replace("BLANK", _BLANK), re.VERBOSE | re.DOTALL | re.IGNORECASE)


_READER = _pattern(
    r"""
    (?P<reader> [`"\[]? \b read_\w+ [`"\]]? ) BLANK* \(
    | '(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/
    """
)
_NO_QUESTION = _pattern(
    r"""
    (?: BLANK | \( )*
    (?: DROP | TRUNCATE | DELETE | CREATE | INSERT | UPDATE | ALTER
      | EXPLAIN | DESC | DESCRIBE | SHOW BLANK+ (?!TABLES) \w+ | WITH BLANK+ RECURSIVE ) \b
    """
)

_SMALL = {
    "LENGTH", "CHAR_LENGTH", "CHARACTER_LENGTH", "OCTET_LENGTH", "BIT_LENGTH", "BIT_COUNT",
    "BITCOUNT", "STRPOS", "POSITION", "ARRAY_LENGTH", "EXTRACT", "DATE_PART", "YEAR", "QUARTER",
    "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND", "DAYOFMONTH", "DAYOFWEEK", "DAYOFYEAR",
}  # fmt: skip
"""Functions whose whole numbers have fewer than 64 bits, or no sign."""

_FRACTIONS = {
    "EPOCH", "TIME", "MILLISECOND", "MILLISECONDS", "MSEC", "MSECS", "MS", "MICROSECOND",
    "MICROSECONDS", "USEC", "USECS", "US", "NANOSECOND", "NANOSECONDS", "NSEC", "NSECS", "NS",
}  # fmt: skip
"""Parts of a time that are no whole numbers."""

_WIDE_TYPES = {
    **dict.fromkeys(["TINYINT", "SMALLINT", "MEDIUMINT", "INT", "INTEGER"], "BIGINT"),
    **dict.fromkeys(["INT1", "INT2", "INT4", "INT16", "INT32"], "BIGINT"),
    **dict.fromkeys(["UTINYINT", "USMALLINT", "UINTEGER"], "BIGINT"),
    **dict.fromkeys(["UINT1", "UINT2", "UINT4", "UINT16", "UINT32"], "BIGINT"),
    **dict.fromkeys(["UBIGINT", "UINT8", "UINT64"], "HUGEINT"),
    **dict.fromkeys(["REAL", "FLOAT4"], "DOUBLE"),
}
_TIMES = frozenset({"TIMESTAMP", "DATETIME"})
_LARGEST_DIGITS = 18
_ONE = "CAST(1 AS HUGEINT)"
_NO_LEFT = frozenset({"(", "[", ",", ".", "SELECT", "DISTINCT", "ALL"})
_NO_RIGHT = frozenset({")", ",", ";", "FROM", "EXCLUDE", "EXCEPT", "REPLACE", "RENAME", "ILIKE"})
"""Between what a star is all columns and no product."""


def as_polars(sql: str) -> str:
    """Return SQL of which Polars makes the numbers and times that people expect.

    Whole numbers of functions and casts have 64 bits, products and sums of them
    128, ``x / 0`` is null, ``1.5`` a float, a time without a zone one in UTC.
    Text, comments, names and the default names of columns stay what they are.
    """
    return _Rewriting(sql).result()


class _Rewriting:
    """What is put around the parts of SQL and in their place."""

    def __init__(self, sql: str) -> None:
        self._sql = sql
        self._tokens = Tokens(sql)
        self._around: list[tuple[int, int, str, str]] = []
        self._instead: dict[int, tuple[int, str]] = {}

    def result(self) -> str:
        zoned = any(self._tokens.words(at, "AT", "TIME", "ZONE") for at in range(len(self._tokens)))
        # Backwards, so that of what reaches as far the inner comes first.
        for at in reversed(range(len(self._tokens))):
            self._numbers(at)
            self._calls(at)
            self._arithmetic(at)
            self._casts(at, zoned=zoned)
            self._times(at, zoned=zoned)
        return self._joined()

    def _numbers(self, at: int) -> None:
        token, tokens = self._tokens[at], self._tokens
        if token.kind != "number" or "e" in token.text.lower():
            return
        if "." in token.text:
            self._instead[at] = at, f"{token.text}e0"
        elif len(token.text) <= _LARGEST_DIGITS and (
            tokens[at - 1].word in {"THEN", "ELSE"} or tokens[at + 1].word == "AS"
        ):
            self._wrap(at, at, "CAST(", " AS BIGINT)")

    def _calls(self, at: int) -> None:
        tokens = self._tokens
        name, opening = tokens[at].word, at + 1
        closing = tokens.closing.get(opening)
        if closing is None or tokens[opening].word != "(" or tokens[at - 1].word == ".":
            return
        if name in _SMALL:
            part = tokens[opening + 1].text.strip("'").upper()
            if name not in {"EXTRACT", "DATE_PART"} or part not in _FRACTIONS:
                self._wrap(at, closing, "CAST(", " AS BIGINT)")
        elif name == "SUM" and closing > opening + 1:
            first = opening + 1 + (tokens[opening + 1].word in {"DISTINCT", "ALL"})
            self._wrap(first, closing - 1, "(", f") * {_ONE}")
        elif name in {"MOD", "DIV", "POW", "POWER"}:
            commas = tokens.directly_in(opening, ",")
            if len(commas) != 1:
                return
            if name in {"MOD", "DIV"}:
                self._wrap(commas[0] + 1, closing - 1, "NULLIF(", ", 0)")
            else:
                self._wrap(opening + 1, commas[0] - 1, "(", f") * {_ONE}")

    def _arithmetic(self, at: int) -> None:
        tokens = self._tokens
        sign = tokens[at].word
        if sign == "*" and not (
            tokens[at - 1].word in _NO_LEFT or tokens[at + 1].word in _NO_RIGHT
        ):
            # Left of the product, so that the column keeps its name.
            self._instead[at] = at, f"* {_ONE} *"
        if sign in {"/", "//", "%"}:
            end = tokens.operand_end(at + 1)
            if end is None or tokens[at + 1].word == "INTERVAL":
                return
            first = tokens[at + 1]
            if end == at + 1 and first.kind == "number" and first.text.strip("0.eE"):
                return
            self._wrap(at + 1, end, "NULLIF(", ", 0)")

    def _casts(self, at: int, *, zoned: bool) -> None:
        tokens = self._tokens
        if tokens[at].word == "::":
            self._widen_type(at + 1, zoned=zoned)
        closing = tokens.closing.get(at + 1)
        if tokens[at].word in {"CAST", "TRY_CAST", "SAFE_CAST"} and closing is not None:
            of_cast = tokens.directly_in(at + 1, "AS")
            if of_cast:
                self._widen_type(of_cast[-1] + 1, zoned=zoned)

    def _widen_type(self, at: int, *, zoned: bool) -> None:
        name, end = self._tokens[at].word, self._tokens.type_end(at)
        if name in _WIDE_TYPES:
            self._instead[at] = end, _WIDE_TYPES[name]
        elif name in _TIMES and not zoned:
            has_precision = self._tokens[at + 1].word == "("
            if has_precision and self._tokens[end].word == ")":
                self._instead[at] = at, "TIMESTAMPTZ"
            else:
                self._instead[at] = end, "TIMESTAMPTZ"

    def _times(self, at: int, *, zoned: bool) -> None:
        tokens = self._tokens
        word = tokens[at].word
        if word in _TIMES and tokens[at + 1].kind == "text" and not zoned:
            self._instead[at] = at, "TIMESTAMPTZ"
        called = tokens.words(at + 1, "(", ")")
        if (word == "NOW" and called) or (
            word == "CURRENT_TIMESTAMP" and tokens[at - 1].word not in {".", "AS"}
        ):
            # That of Polars is the time of the local zone, without a zone.
            now = datetime.now(UTC).isoformat(sep=" ", timespec="microseconds")
            self._instead[at] = at + 2 * called, f"TIMESTAMPTZ '{now}'"

    def _wrap(self, first: int, last: int, before: str, behind: str) -> None:
        self._around.append((first, last, before, behind))

    def _joined(self) -> str:
        tokens = self._tokens
        openings: dict[int, str] = {}
        closings: dict[int, str] = {}
        # What reaches further is further out.
        for first, last, before, behind in sorted(self._around, key=lambda part: part[1] - part[0]):
            openings[first] = before + openings.get(first, "")
            closings[last] = closings.get(last, "") + behind
        parts: list[str] = []
        done = 0
        for at in range(len(tokens)):
            if tokens[at].start < done:
                continue
            last, text = self._instead.get(at, (at, tokens[at].text))
            parts += (self._sql[done : tokens[at].start], openings.get(at, ""), text)
            parts.append(closings.get(last, ""))
            done = tokens[last].end
        return "".join((*parts, self._sql[done:]))


def reader_in(sql: str) -> str | None:
    """Return the first function that reads a file, null if there is none."""
    return next((part["reader"] for part in _READER.finditer(sql) if part["reader"]), None)


def is_question(sql: str) -> bool:
    """Tell whether SQL asks for rows, and will end: no ``DROP``, no ``EXPLAIN``, no recursion."""
    return _NO_QUESTION.match(sql) is None
