"""A summary as Markdown, fit to paste: findings and the ledger of 404s first.

Texts from a log stand in code spans, where hosts of tickets and chats neither
make links nor call people.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TextIO

from envoylogs.render.caveats import notes_of, unread_facts, unused_keys_of
from envoylogs.render.csv_table import flat_row
from envoylogs.render.formatting import MISSING, percent, printable, window
from envoylogs.render.named_tables import rows_of_table
from envoylogs.render.words import (
    LEDGER,
    facts_of_finding,
    findings_shown,
    harm_of,
    lesser_findings,
    malformed_of,
    noise_of,
    roles_left_out,
    severity_words,
    verdict_of,
    with_commands,
)
from envoylogs.summary.in_words import counted
from envoylogs.summary.tables import ASKED, ASKED_CONNECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from envoylogs.render.named_tables import Row
    from envoylogs.summary.findings.finding import Finding
    from envoylogs.summary.summary import Summary

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~&!])")
_COLUMNS = (
    "requests",
    "connections",
    "share",
    "unrouted",
    "errors",
    "latency_ms_p50",
    "latency_ms_p99",
)
_OF_A_PART = ("route_name", "authority", "upstream_cluster", "requests", "share", "share_low",
              "share_high", "errors", "latency_ms_p99")  # fmt: skip
_SHARES = ("share", "failed_share")


def write_markdown(
    summary: Summary, out: TextIO, table: str | None = None, *, limit: int | None = None
) -> None:
    """Write findings, noise, the ledger of 404s, and one of ``tables.TABLES`` if it was asked for.

    Of that at most ``limit`` rows; null for all.
    """
    all_of_them = table == "findings"
    sections = [
        *_sections(summary, all_of_them=all_of_them),
        *(_tables(summary, table, limit) if table else ()),
    ]
    out.write("\n\n".join(sections) + "\n")


def sections_of_log(summary: Summary) -> Iterable[str]:
    """Yield the line of facts, and what was selected."""
    yield "**Gateway log**: " + ", ".join(_facts(summary))
    if summary.selection is not None:
        yield f"Selected: {code_span(summary.selection)}"


def _sections(summary: Summary, *, all_of_them: bool) -> Iterable[str]:
    yield from sections_of_log(summary)
    verdict = verdict_of(summary)
    if verdict is not None:
        yield prose(verdict[0])
    shown = findings_shown(summary, all_of_them=all_of_them)
    for place, found in enumerate(shown, 1):
        yield _finding(place, found, summary)
    rest = None if all_of_them else lesser_findings(summary)
    yield from filter(None, (rest and f"{rest} (--table findings)", noise_of(summary)))
    yield from map(prose, notes_of(summary))
    unused = unused_keys_of(summary.accounts)
    if unused is not None:
        yield f"{unused[0]} {code_span(unused[1])}"
    ledger = summary.overview.not_found_ledger
    if ledger["all"]:
        rows = [
            [label, str(ledger[name]), percent(ledger[name] / ledger["all"])]
            for name, label in LEDGER.items()
            if ledger[name]
        ]
        yield _table(["who answered 404", "requests", "share"], rows)


def _tables(summary: Summary, table: str, limit: int | None) -> Iterable[str]:
    """Yield what one name asks for: ``--by`` counts connections too, where there are any."""
    if table != ASKED or not summary.overview.connections:
        yield _asked(summary, table, limit)
        return
    for name, what in ((ASKED, "Requests"), (ASKED_CONNECTIONS, "Connections")):
        # Of a log of connections alone the table of requests says nothing.
        if name == ASKED_CONNECTIONS or summary.overview.requests:
            yield f"{what} by {code_span(', '.join(summary.asked_by))}"
            yield _asked(summary, name, limit)


def _asked(summary: Summary, table: str, limit: int | None) -> str:
    all_rows = rows_of_table(summary, table)
    rows = [flat_row(row) for row in all_rows[:limit]]
    names = list(rows[0]) if rows else []
    if table == "splits":
        names = list(_OF_A_PART)
    elif "latency_ms_p50" in names:
        keys = names[: names.index("requests")]
        names = [*keys, *(name for name in _COLUMNS if name in names)]
    more = len(all_rows) - len(rows)
    return markdown_table(rows, names) + (f"\n\n{more:,} more rows" if more else "")


def _facts(summary: Summary) -> Iterable[str]:
    overview = summary.overview
    if overview.first is not None:
        yield window(overview.first, overview.last)
    yield counted(overview.requests, "request")
    yield f"errors {percent(overview.error_share)}"
    yield from harm_of(overview)
    yield from filter(None, (roles_left_out(summary.accounts), malformed_of(summary)))
    yield from unread_facts(summary.accounts)
    if not summary.complete:
        yield "**only a part was read**"
    if summary.anonymized:
        yield "anonymized"


def _finding(place: int, found: Finding, summary: Summary) -> str:
    facts = "; ".join(facts_of_finding(found, summary.overview))
    lines = [
        f"{place}. **{severity_words(found)}** {prose(found.title)}",
        f"Must act: {found.who}. {prose(facts)}{'.' if facts else ''}",
    ]
    if found.proof:
        lines.append(f"Proof: {code_span(found.proof)}")
    if found.change:
        fenced = ["```yaml", *map(printable, found.change.rstrip("\n").split("\n")), "```"]
        change = "\n   " + "\n   ".join(fenced)
    else:
        change = ""
    advice = (code_span(p) if command else prose(p) for p, command in with_commands(found.next))
    lines.append(f"Next: {''.join(advice)}")
    return "\n   ".join(f"{line}  " for line in lines).rstrip() + change


def markdown_table(rows: Sequence[Row], columns: Sequence[str] | None = None) -> str:
    """Return some or all columns of rows as a table; without rows a sentence."""
    if not rows:
        return "The table is empty."
    names = columns or list(rows[0])
    return _table(names, [[_cell(name, row) for name in names] for row in rows])


def _table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(names)} |", f"|{' --- |' * len(names)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines)


def _cell(name: str, row: Row) -> str:
    value = row[name]
    if value is None:
        return MISSING
    if name in _SHARES and isinstance(value, float):
        return percent(value)
    if isinstance(value, int | float):
        return str(value)
    # A bar ends a cell, inside a code span too.
    return code_span(value).replace("|", "\\|")


def code_span(text: object) -> str:
    """Return text in a code span, also where it has backticks."""
    shown = printable(text)
    longest = max(map(len, re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    space = " " if longest or not shown.strip() else ""
    return f"{fence}{space}{shown}{space}{fence}"


def prose(text: str) -> str:
    """Return a sentence in which nothing is markup; one that would call people is code."""
    calls_or_links = any(mark in text.lower() for mark in ("@", "://", "www."))
    return code_span(text) if calls_or_links else _SPECIAL.sub(r"\\\1", printable(text))
