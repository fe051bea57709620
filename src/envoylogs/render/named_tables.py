"""The rows of the tables that a summary has, as programs and people are given them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from envoylogs.render.formatting import iso_time
from envoylogs.summary.tables import TABLES
from envoylogs.tally.folding.marks import FOLDED, FOLDED_MARKS, FOLDED_NUMBER

if TYPE_CHECKING:
    from envoylogs.summary.findings.finding import Finding
    from envoylogs.summary.summary import Summary

Row = dict[str, Any]

_TIMES = frozenset({"first", "last", "last_routed", "start", "start_time"})


def rows_of_table(summary: Summary, name: str) -> list[Row]:
    """Return the rows of one of ``tables.TABLES`` in its order, times as RFC 3339."""
    if name == "findings":
        return [finding_row(found) for found in summary.findings]
    rows, flat = summary.table(name), TABLES[name].flat
    return timed_rows(flat(rows) if flat else rows)


def timed_rows(table: pl.DataFrame) -> list[Row]:
    """Return the rows of a table as ``timed`` does; what needs nothing of it is left alone."""
    rows = table.to_dicts()
    for name, dtype in table.schema.items():
        if not dtype.is_integer():
            continue
        if name in _TIMES:
            for row in rows:
                row[name] = _timed(name, row[name])
        elif is_folded_in(table[name]):
            for row in rows:
                row[name] = FOLDED if row[name] == FOLDED_NUMBER else row[name]
    return rows


def marked_rows(table: pl.DataFrame) -> list[Row]:
    """Return the rows of a table for programs: ``timed`` and ``marked``."""
    rows = timed_rows(table)
    return list(map(marked, rows)) if any(map(is_folded_in, table)) else rows


def is_folded_in(values: pl.Series) -> bool:
    """Tell whether some values, or parts of them, may stand for folded names or numbers."""
    dtype = values.dtype
    if isinstance(dtype, pl.List) and isinstance(dtype.inner, pl.Struct):
        return any(map(is_folded_in, values.explode().struct.unnest()))
    # What stands for others is the smallest of all numbers, and less than any text of a log.
    if dtype == pl.String:
        least = values.min()
        return isinstance(least, str) and least <= max(FOLDED_MARKS)
    return dtype.is_integer() and values.min() == FOLDED_NUMBER


def marked(row: Row) -> Row:
    """Return a row for programs: folded names are null, and ``folded`` says in which columns."""
    nested = {
        name: [marked(inner) if isinstance(inner, dict) else inner for inner in value]
        for name, value in row.items()
        if isinstance(value, list)
    }
    folded = [name for name, value in row.items() if value in FOLDED_MARKS]
    if not nested and not folded:
        return row
    extra = {"folded": folded} if folded else {}
    return {**row, **nested, **dict.fromkeys(folded), **extra}


def timed(row: Row) -> Row:
    """Return a row with its times as text, and folded numbers as folded names."""
    return {name: _timed(name, value) for name, value in row.items()}


def _timed(name: str, value: Any) -> Any:  # noqa: ANN401  # of any column
    if value == FOLDED_NUMBER:
        return FOLDED
    return iso_time(value) if name in _TIMES and isinstance(value, int) else value


def finding_row(found: Finding) -> Row:
    """Return a finding as a row."""
    return {
        "code": found.code,
        "severity": found.severity.name.lower(),
        "who": str(found.who),
        "subject": found.subject,
        "title": found.title,
        "requests": found.requests,
        "of": found.of,
        "clients_at_least": found.clients_at_least,
        "first_seen": iso_time(found.first_seen),
        "since": iso_time(found.since),
        "until": iso_time(found.until),
        "state": found.state,
        "gateways": list(found.gateways),
        "only_at": list(found.only_at),
        "upstream_hosts": list(found.upstream_hosts),
        "failure": found.failure,
        "proof": found.proof,
        "change": found.change,
        "where": found.condition,
        "examples": [example._asdict() for example in found.examples],
        "next": found.next,
        "shared": found.shared,
        "members": [finding_row(member) for member in found.members],
    }
