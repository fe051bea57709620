"""The tables that a summary has, by name, each as rows."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from envoylogs.errors import UnknownKeyError
from envoylogs.render.formatting import iso_time
from envoylogs.render.words import LEDGER
from envoylogs.summary.breakdown import TABLES
from envoylogs.tally.folding.marks import FOLDED, FOLDED_MARKS, FOLDED_NUMBER

if TYPE_CHECKING:
    from envoylogs.summary.findings.finding import Finding
    from envoylogs.summary.summary import Summary

__all__ = [
    "ASKED",
    "ASKED_CONNECTIONS",
    "CONNECTIONS",
    "JOINT",
    "TABLE_NAMES",
    "Row",
    "finding_row",
    "known_table",
    "marked",
    "rows_of_table",
    "timed",
]

Row = dict[str, object]

ASKED = "by"
"""The table of requests that ``--by`` asks for."""

CONNECTIONS = "connections"
"""The table of connections by several columns together."""

ASKED_CONNECTIONS = "connections_by"
"""The table of connections that ``--by`` asks for."""

JOINT = "joint"
"""The table of what ``--joint`` counted."""

TABLE_NAMES = ("groups", *TABLES, CONNECTIONS, "connection_failures", "rejections", "splits",
               "timeline", "findings", "not_found_ledger", "sources", "gateways",
               "examples")  # fmt: skip
"""The tables that every summary has."""

_TIMES = ("first", "last", "last_routed", "start", "start_time")


def known_table(name: str) -> str:
    """Return the name of a table.

    Raises:
        UnknownKeyError: If there is no such table.
    """
    if name not in {*TABLE_NAMES, JOINT}:
        raise UnknownKeyError.of("table", name, (*TABLE_NAMES, JOINT))
    return name


def rows_of_table(summary: Summary, name: str) -> list[Row]:
    """Return the rows of a table in its order, times as RFC 3339.

    Args:
        summary: Of the log.
        name: One of ``TABLE_NAMES``, or ``ASKED``, ``ASKED_CONNECTIONS`` or ``JOINT``.
    """
    optional = {
        JOINT: summary.joint,
        ASKED: summary.asked,
        ASKED_CONNECTIONS: summary.connections.asked,
    }
    if name in optional:
        table = optional[name]
        assert table is not None  # noqa: S101
        return [timed(row) for row in table.to_dicts()]
    if name == "findings":
        return [finding_row(found) for found in summary.findings]
    if name == "not_found_ledger":
        ledger = summary.overview.not_found_ledger
        return [{"kind": kind, "requests": ledger[kind]} for kind in LEDGER]
    if name == "splits":
        return _parts(summary)
    frames = {
        **summary.by,
        "groups": summary.groups,
        CONNECTIONS: summary.connections.groups,
        "connection_failures": summary.connections.failures,
        "rejections": summary.rejections,
        "timeline": summary.timeline,
        **{part: getattr(summary.accounts, part) for part in ("sources", "gateways", "examples")},
    }
    return [timed(row) for row in frames[name].to_dicts()]


def _parts(summary: Summary) -> list[Row]:
    """Return one row for each part of each split."""
    return [
        {
            **{key: value for key, value in split.items() if key not in {"parts", "buckets"}},
            "group_requests": split["requests"],
            **part,
        }
        for split in summary.splits.to_dicts()
        for part in split["parts"]
    ]


def marked(row: Row) -> Row:
    """Return a row for programs: folded names are null, and ``folded`` says in which columns."""
    nested = {
        name: [marked(inner) if isinstance(inner, dict) else inner for inner in value]
        for name, value in row.items()
        if isinstance(value, list)
    }
    folded = [name for name, value in row.items() if value in FOLDED_MARKS]
    extra = {"folded": folded} if folded else {}
    return {**row, **nested, **dict.fromkeys(folded), **extra}


def timed(row: Row) -> Row:
    """Return a row with its times as text, and folded numbers as folded names."""
    return {
        name: _shown(name, value) if isinstance(value, int) else value
        for name, value in row.items()
    }


def _shown(name: str, value: int) -> object:
    if value == FOLDED_NUMBER:
        return FOLDED
    return iso_time(value) if name in _TIMES else value


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
