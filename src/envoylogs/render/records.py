"""A summary as JSON, version 1, or one table as JSON lines: every number, for programs.

New fields do not raise the version; a field that goes or changes its meaning
does. A missing value is null. Times are RFC 3339 in UTC.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import TYPE_CHECKING, TextIO

import orjson

from envoylogs import __version__
from envoylogs.render.formatting import iso_time
from envoylogs.render.named_tables import (
    Row,
    finding_row,
    marked,
    marked_rows,
    rows_of_table,
    timed,
    timed_rows,
)
from envoylogs.summary.tables import ASKED, ASKED_CONNECTIONS, CONNECTIONS, TABLES

if TYPE_CHECKING:
    import polars as pl

    from envoylogs.summary.accounts import Accounts
    from envoylogs.summary.summary import Summary

JSON_VERSION = 1

# Legal inside JSON strings, and commands to a terminal or a script element: as escapes they are
# the same JSON.
_ESCAPES = {
    code: f"\\u{code:04x}"
    for code in (*range(0x7F, 0xA0), *range(0x200B, 0x2010), *range(0x2028, 0x202F),
                 *range(0x2066, 0x206A))
}  # fmt: skip


def write_json(summary: Summary, out: TextIO, *, limit: int | None = None) -> None:
    """Write one JSON object, indented, with at most so many rows a table; null for all."""
    # Findings are half of the work, and wait for no table.
    with ThreadPoolExecutor(max_workers=1) as beside:
        made = beside.submit(_tables, summary, limit)
        findings = [finding_row(found) for found in summary.findings[:limit]]
        tables = made.result()
    document = {
        "version": JSON_VERSION,
        "tool": f"envoylogs {__version__}",
        "complete": summary.complete,
        "selection": summary.selection,
        "anonymized": summary.anonymized,
        "accounts": accounts_row(summary.accounts, limit),
        "verdict": {"state": summary.verdict.state, "says": summary.verdict.says},
        "overview": timed(summary.overview._asdict()),
        **tables,
        "splits": _splits(summary.table("splits"), limit),
        "timeline": {
            "bucket_seconds": summary.bucket_seconds,
            "buckets": timed_rows(summary.table("timeline")),
        },
        "findings": findings,
        "folded": asdict(summary.folds) if summary.folds else {},
    }
    if summary.mesh is not None:
        from envoylogs.render.explained_json import configuration_row, explanation_rows

        document["configuration"] = configuration_row(summary)
        document["explanations"] = explanation_rows(summary, limit)
    out.write(json_text(document, orjson.OPT_INDENT_2))


def write_ndjson(summary: Summary, out: TextIO, table: str, *, limit: int | None = None) -> None:
    """Write the rows of one of ``tables.TABLES``, so many at most, a JSON object a line."""
    out.writelines(json_text(marked(row)) for row in rows_of_table(summary, table)[:limit])


def _tables(summary: Summary, limit: int | None) -> Row:
    """Return the tables where they stand, those that were asked for by their columns too."""
    found: Row = {"by": {}, "groups": [], "connections": {"by": {}}}
    asked = ",".join(summary.asked_by)
    for name, table in TABLES.items():
        place = table.json
        if asked and name in {ASKED, ASKED_CONNECTIONS}:
            place = ("by", asked) if name == ASKED else (CONNECTIONS, "by", asked)
        if place is not None:
            *within, last = place
            inner = found
            for step in within:
                inner = inner[step]
            inner[last] = _rows(summary.table(name), limit)
    return found


def _rows(table: pl.DataFrame, limit: int | None) -> list[Row]:
    return marked_rows(table if limit is None else table.head(limit))


def _splits(table: pl.DataFrame, limit: int | None) -> list[Row]:
    rows = _rows(table, limit)
    for split in rows:
        for bucket in split["buckets"]:
            bucket["start"] = iso_time(bucket["start"])
    return rows


def accounts_row(accounts: Accounts, limit: int | None) -> Row:
    """Return where every line went, as an object."""
    tables = {
        name: _rows(getattr(accounts, name), limit)
        for name in ("copies", "unused_keys", "other_keys", "examples", "sources", "gateways")
    }
    unreadable = [
        {
            "column": column,
            "records": n,
            "example": {"source": source, "line": line, "value": value},
        }
        for column, n, source, line, value in accounts.unreadable_examples.iter_rows()
    ]
    # What wraps records is for a message.
    scalars = {name: getattr(accounts, name) for name in accounts._fields if name != "wrapped_in"}
    first, last = accounts.overlap or (None, None)
    return {
        **scalars,
        **tables,
        "unreadable_examples": unreadable,
        "overlap": timed({"first": first, "last": last}),
    }


def record_line(record: Row) -> str:
    """Return the values of one record that are not missing, as a JSON object on a line."""
    return json_text({name: value for name, value in timed(record).items() if value is not None})


def json_text(value: Row | list[Row], option: int = 0) -> str:
    """Return a value as JSON with a line feed; what acts on terminals and scripts is escaped."""
    text = orjson.dumps(value, option=option).decode()
    # Looking for what is to be escaped takes a hundredth of the time of escaping nothing.
    plain = text.isascii() and "\x7f" not in text
    return (text if plain else text.translate(_ESCAPES)) + "\n"
