"""What Polars says of SQL that it can't answer, in words that say what to write."""

from __future__ import annotations

import re

from envoylogs.errors import first_line
from envoylogs.keyed.sql_dialects import written_here

_NO_COLUMN = re.compile(r'unable to find column "(?P<name>.*?)"', re.DOTALL)
_NO_TABLE = re.compile(r"relation '(?P<name>.*?)' was not found", re.DOTALL)
_WRITE_TIMES = "write it as '2026-11-01T12:00:00Z'"
_IN_WORDS = (
    (
        re.compile(r"'date/datetime/time' to a string value"),
        f"a time is compared with text that is none: {_WRITE_TIMES}, or use --since and --until",
    ),
    (
        re.compile(r"Datetime\('.s', 'UTC'\).*Datetime\('.s'\)", re.DOTALL),
        f"a time in UTC is compared with one without a zone: {_WRITE_TIMES}",
    ),
    (
        re.compile(r"supertype of datetime\[.s, UTC\] and datetime\[.s\]"),
        "a time in UTC is reckoned with one without a zone: write "
        "TIMESTAMPTZ '2026-11-01 12:00:00'",
    ),
    (
        re.compile(r"cannot compare string with numeric type|expected String type, got: i64"),
        "a number is compared with text: write 503 and not '503', a range as >= 500",
    ),
    (
        re.compile(r"invalid (?:TIMESTAMP|DATETIME|DATE)\w* literal|appropriate format to parse"),
        f"a text is no time: {_WRITE_TIMES}",
    ),
)


def in_words(error: BaseException) -> str:
    """Return why SQL can't be answered, in a line without a full stop."""
    words = str(error)
    for pattern, meaning in _IN_WORDS:
        if pattern.search(words):
            return meaning
    return written_here(words) or first_line(error).rstrip(".:")


def unknown_column(error: BaseException) -> str | None:
    """Return the name of the column that there is not, null if it is something else."""
    found = _NO_COLUMN.search(str(error))
    return found and found["name"]


def unknown_table(error: BaseException) -> str | None:
    """Return the name of the table that there is not, null if it is something else."""
    found = _NO_TABLE.search(str(error))
    return found and found["name"]
