"""The rows of a query, in the formats of tables.

Times are RFC 3339 in UTC, missing values null, ``-`` or empty, as in every
table; names are as the query gave them.
"""

from __future__ import annotations

import io
import sys
from datetime import date, datetime, time, timedelta
from math import isfinite
from typing import TYPE_CHECKING

import orjson

from envoylogs.render.csv_table import flat_row, write_rows
from envoylogs.render.formatting import iso_time
from envoylogs.render.markdown import markdown_table
from envoylogs.render.records import json_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import polars as pl

    from envoylogs.render.named_tables import Row

_BITS = 63
_MICROSECOND = timedelta(microseconds=1)


def as_text(table: pl.DataFrame, limit: int | None) -> str:
    """Return rows as text for people, as many as the limit and with as many columns as fit.

    The table has one row more than are shown, if there are more.
    """
    from envoylogs.render.formatting import printable
    from envoylogs.render.terminal.cells import printed_rows

    if table.is_empty():
        return f"No row fits. The columns are {printable(', '.join(table.columns))}.\n"
    return printed_rows(_rows(table), limit, for_terminal=sys.stdout.isatty())


def _csv(table: pl.DataFrame) -> str:
    """Return a heading and rows as CSV; structs have a column for each field."""
    out = io.StringIO()
    if table.is_empty():
        write_rows([dict.fromkeys(table.columns)], out)
        return out.getvalue().split("\n", 1)[0] + "\n"
    write_rows([flat_row(row) for row in _rows(table)], out)
    return out.getvalue()


OF_ALL_ROWS: Mapping[str, Callable[[pl.DataFrame], str]] = {
    "json": lambda table: json_text(_digits(_rows(table)), orjson.OPT_INDENT_2),
    "ndjson": lambda table: "".join(map(json_text, _digits(_rows(table)))),
    "csv": _csv,
    "markdown": lambda table: markdown_table(list(map(flat_row, _rows(table)))) + "\n",
}
"""What returns rows as text for programs, by the name of the format."""


def _rows(table: pl.DataFrame) -> list[Row]:
    return [
        {name: as_value(value) for name, value in row.items()}
        for row in table.iter_rows(named=True)
    ]


def _digits(rows: list[Row]) -> list[Row]:
    """Return rows for JSON, whose numbers have as many digits as they need."""
    return [{name: _with_digits(value) for name, value in row.items()} for row in rows]


def _with_digits(value: object) -> object:
    if isinstance(value, int) and value.bit_length() > _BITS:
        return orjson.Fragment(str(value))
    if isinstance(value, dict):
        return {name: _with_digits(inner) for name, inner in value.items()}
    return [_with_digits(inner) for inner in value] if isinstance(value, list) else value


def as_value(value: object) -> object:
    """Return a value as JSON can have it."""
    if isinstance(value, datetime):
        # Times without a zone are what a query made of those in UTC.
        epoch = datetime(1970, 1, 1, tzinfo=value.tzinfo)
        return iso_time((value - epoch) // _MICROSECOND)
    if isinstance(value, dict):
        return {name: as_value(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [as_value(inner) for inner in value]
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value) if isinstance(value, date | time | timedelta) else value
