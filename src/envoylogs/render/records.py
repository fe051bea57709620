"""A summary as JSON, version 1: every number, for programs.

New fields do not raise the version; a field that goes or changes its meaning
does. A missing value is null. Times are RFC 3339 in UTC.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, TextIO

import orjson

from envoylogs import __version__
from envoylogs.render.formatting import iso_time
from envoylogs.summary.findings.catalog import KIND_BY_CODE

if TYPE_CHECKING:
    import polars as pl

    from envoylogs.summary.accounts import Accounts
    from envoylogs.summary.findings.finding import Finding
    from envoylogs.summary.overview import Overview
    from envoylogs.summary.summary import Summary

__all__ = ["JSON_VERSION", "JsonRenderer"]

JSON_VERSION = 1

Json = dict[str, object]

# Legal inside JSON strings, and commands to a terminal or a script element: as escapes they are
# the same JSON.
_ESCAPES = {
    code: f"\\u{code:04x}"
    for code in (*range(0x7F, 0xA0), *range(0x200B, 0x2010), *range(0x2028, 0x202F),
                 *range(0x2066, 0x206A))
}  # fmt: skip

_TIMES = ("first", "last", "last_routed", "start")


class JsonRenderer:
    """Writes one JSON object, indented.

    Args:
        limit: At most so many rows a table; null for all.
    """

    def __init__(self, *, limit: int | None = None) -> None:
        self._limit = limit

    def render(self, summary: Summary, out: TextIO) -> None:
        """Write the summary as JSON."""
        document = orjson.dumps(self._document(summary), option=orjson.OPT_INDENT_2)
        out.write(document.decode().translate(_ESCAPES) + "\n")

    def _document(self, summary: Summary) -> Json:
        return {
            "version": JSON_VERSION,
            "tool": f"envoylogs {__version__}",
            "complete": summary.complete,
            "accounts": self._accounts(summary.accounts),
            "overview": _overview(summary.overview),
            "by": {column: self._rows(table) for column, table in summary.by.items()},
            "groups": self._rows(summary.groups),
            "rejections": self._rows(summary.rejections),
            "splits": [_split(split) for split in self._rows(summary.splits)],
            "timeline": {
                "bucket_seconds": summary.bucket_seconds,
                "buckets": [_timed(row) for row in summary.timeline.to_dicts()],
            },
            "findings": [_finding(found) for found in summary.findings[: self._limit]],
            "folded": {},
        }

    def _rows(self, table: pl.DataFrame) -> list[Json]:
        shown = table if self._limit is None else table.head(self._limit)
        return [_timed(row) for row in shown.to_dicts()]

    def _accounts(self, accounts: Accounts) -> Json:
        tables = {
            name: self._rows(getattr(accounts, name))
            for name in ("examples", "sources", "gateways")
        }
        scalars = {name: getattr(accounts, name) for name in accounts.__slots__}
        return {**scalars, **tables}


def _timed(row: Json) -> Json:
    """Return a row with its times as text."""
    return {
        name: iso_time(value) if name in _TIMES and isinstance(value, int) else value
        for name, value in row.items()
    }


def _overview(overview: Overview) -> Json:
    return _timed(asdict(overview))


def _split(split: Json) -> Json:
    buckets = split["buckets"]
    assert isinstance(buckets, list)  # noqa: S101
    return {**split, "buckets": [_timed(bucket) for bucket in buckets]}


def _finding(found: Finding) -> Json:
    return {
        "code": found.code,
        "severity": found.severity.name.lower(),
        "who": str(KIND_BY_CODE[found.code].who),
        "subject": found.subject,
        "title": found.title,
        "requests": found.requests,
        "of": found.of,
        "clients_at_least": found.clients_at_least,
        "since": iso_time(found.since),
        "until": iso_time(found.until),
        "state": found.state,
        "gateways": list(found.gateways),
        "upstream_hosts": list(found.upstream_hosts),
        "proof": found.proof,
        "change": found.change,
        "examples": [asdict(example) for example in found.examples],
        "next": found.next,
    }
