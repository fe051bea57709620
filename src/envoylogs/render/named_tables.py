"""The rows of the tables that a summary has, as programs and people are given them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

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
    return [timed(row) for row in (flat(rows) if flat else rows).to_dicts()]


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
    return {
        name: FOLDED
        if value == FOLDED_NUMBER
        else iso_time(value)
        if name in _TIMES and isinstance(value, int)
        else value
        for name, value in row.items()
    }


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
        "examples": [asdict(example) for example in found.examples],
        "next": found.next,
        "shared": found.shared,
        "members": [finding_row(member) for member in found.members],
    }
