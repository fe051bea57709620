"""A summary as JSON, version 1, or one table as JSON lines: every number, for programs.

New fields do not raise the version; a field that goes or changes its meaning
does. A missing value is null. Times are RFC 3339 in UTC.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TextIO

import orjson

from envoylogs import __version__
from envoylogs.render.named_tables import Row, finding_row, marked, rows_of_table, timed
from envoylogs.summary.tables import ASKED, ASKED_CONNECTIONS, CONNECTIONS, TABLES

if TYPE_CHECKING:
    import polars as pl

    from envoylogs.summary.accounts import Accounts
    from envoylogs.summary.overview import Overview
    from envoylogs.summary.summary import Summary

__all__ = ["JSON_VERSION", "JsonRenderer", "NdjsonRenderer", "json_text", "record_line"]

JSON_VERSION = 1

# Legal inside JSON strings, and commands to a terminal or a script element: as escapes they are
# the same JSON.
_ESCAPES = {
    code: f"\\u{code:04x}"
    for code in (*range(0x7F, 0xA0), *range(0x200B, 0x2010), *range(0x2028, 0x202F),
                 *range(0x2066, 0x206A))
}  # fmt: skip


class JsonRenderer:
    """Writes one JSON object, indented.

    Args:
        limit: At most so many rows a table; null for all.
    """

    def __init__(self, *, limit: int | None = None) -> None:
        self._limit = limit

    def render(self, summary: Summary, out: TextIO) -> None:
        """Write the summary as JSON."""
        out.write(json_text(self._document(summary), orjson.OPT_INDENT_2))

    def _document(self, summary: Summary) -> Row:
        return {
            "version": JSON_VERSION,
            "tool": f"envoylogs {__version__}",
            "complete": summary.complete,
            "selection": summary.selection,
            "anonymized": summary.anonymized,
            "accounts": self._accounts(summary.accounts),
            "verdict": {"state": summary.verdict.state, "says": summary.verdict.says},
            "overview": _overview(summary.overview),
            **self._tables(summary),
            "splits": [_split(split) for split in self._rows(summary.table("splits"))],
            "timeline": {
                "bucket_seconds": summary.bucket_seconds,
                "buckets": [timed(row) for row in summary.table("timeline").to_dicts()],
            },
            "findings": [finding_row(found) for found in summary.findings[: self._limit]],
            "folded": asdict(summary.folds) if summary.folds else {},
        }

    def _tables(self, summary: Summary) -> Row:
        """Return the tables where they stand, those that were asked for by their columns too."""
        found: dict[str, Any] = {"by": {}, "groups": [], "connections": {"by": {}}}
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
                inner[last] = self._rows(summary.table(name))
        return found

    def _rows(self, table: pl.DataFrame) -> list[Row]:
        shown = table if self._limit is None else table.head(self._limit)
        return [marked(timed(row)) for row in shown.to_dicts()]

    def _accounts(self, accounts: Accounts) -> Row:
        tables = {
            name: self._rows(getattr(accounts, name))
            for name in ("copies", "unused_keys", "other_keys", "examples", "sources", "gateways")
        }
        unreadable = [_with_example(row) for row in accounts.unreadable_examples.to_dicts()]
        scalars = {name: getattr(accounts, name) for name in accounts.__slots__}
        first, last = accounts.overlap or (None, None)
        # What wraps records is for a message.
        del scalars["wrapped_in"]
        return {
            **scalars,
            **tables,
            "unreadable_examples": unreadable,
            "overlap": timed({"first": first, "last": last}),
        }


class NdjsonRenderer:
    """Writes the rows of one table, a JSON object a line.

    Args:
        table: One of ``tables.TABLE_NAMES``, or what else has a name there.
        limit: At most so many rows; null for all.
    """

    def __init__(self, table: str, *, limit: int | None = None) -> None:
        self._table = table
        self._limit = limit

    def render(self, summary: Summary, out: TextIO) -> None:
        """Write the rows."""
        rows = rows_of_table(summary, self._table)[: self._limit]
        out.writelines(json_text(marked(row)) for row in rows)


def record_line(record: Row) -> str:
    """Return the values of one record that are not missing, as a JSON object on a line."""
    return json_text({name: value for name, value in timed(record).items() if value is not None})


def json_text(value: Row | list[Row], option: int = 0) -> str:
    """Return a value as JSON with a line feed; what acts on terminals and scripts is escaped."""
    text = orjson.dumps(value, option=option).decode()
    # Looking for what is to be escaped takes a hundredth of the time of escaping nothing.
    plain = text.isascii() and "\x7f" not in text
    return (text if plain else text.translate(_ESCAPES)) + "\n"


def _with_example(row: Row) -> Row:
    """Return how many values of a column can't be read, and the first of them."""
    example = {name: row[name] for name in ("source", "line", "value")}
    return {"column": row["column"], "records": row["records"], "example": example}


def _overview(overview: Overview) -> Row:
    return timed(asdict(overview))


def _split(split: Row) -> Row:
    buckets = split["buckets"]
    assert isinstance(buckets, list)  # noqa: S101
    return {**split, "buckets": [timed(bucket) for bucket in buckets]}
