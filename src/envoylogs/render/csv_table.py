"""One table as CSV, for spreadsheets: nested values in columns of their own.

Strangers write hosts and paths, and a spreadsheet runs a cell that begins like
a formula, whatever white space is before it; such a cell gets an apostrophe in
front, which spreadsheets hide.
Control characters are escapes, as in every output for people.
"""

from __future__ import annotations

import csv
import json
import re
from typing import TYPE_CHECKING, TextIO

from envoylogs.render.formatting import printable
from envoylogs.render.named_tables import Row, rows_of_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envoylogs.summary.summary import Summary

FORMULA = r"^(?:[\s\x00-\x1F\x7F-\x9F\u200B\u2060\uFEFF]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|[\t\r])"
"""What a cell matches that a spreadsheet runs, in Python as in Polars; some read the wide signs."""
_IS_FORMULA = re.compile(FORMULA).match


def write_csv(summary: Summary, out: TextIO, table: str, *, limit: int | None = None) -> None:
    """Write a heading and the rows of one of ``tables.TABLES``, so many at most."""
    write_rows([flat_row(row) for row in rows_of_table(summary, table)[:limit]], out)


def write_rows(rows: Sequence[Row], out: TextIO) -> None:
    """Write the names of the first row, if there is one, and the values of all.

    Missing values are empty cells.
    """
    writer = csv.writer(out, lineterminator="\n")
    if rows:
        writer.writerow(rows[0])
    writer.writerows([_cell(value) for value in row.values()] for row in rows)


def flat_row(row: Row) -> Row:
    """Return a row whose structs are columns: ``latency_ms_p50``."""
    flat: Row = {}
    for name, value in row.items():
        if isinstance(value, dict):
            flat |= {f"{name}_{inner}": of_inner for inner, of_inner in value.items()}
        else:
            flat[name] = value
    return flat


def _cell(value: object) -> object:
    if isinstance(value, list):
        # In JSON the escapes of control characters are JSON's own; it leaves this one out.
        text = json.dumps(value).replace("\x7f", "\\u007f")
        return _guard(text) + text
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _guard(value) + printable(value)
    return value


def _guard(text: str) -> str:
    return "'" if _IS_FORMULA(text) else ""
