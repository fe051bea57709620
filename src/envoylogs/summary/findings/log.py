"""Findings about the log itself: what it can't answer."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.harm import Actor
from envoylogs.summary.findings.conditions import all_of, equals, is_request
from envoylogs.summary.findings.finding import Finding, Severity
from envoylogs.summary.findings.proof import first_of
from envoylogs.summary.in_words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envoylogs.summary.accounts import Accounts
    from envoylogs.summary.judged import Judged
    from envoylogs.summary.overview import Overview

_NEEDED = ("start_time", "authority", "response_code", "response_flags", "upstream_cluster",
           "upstream_host", "duration_ms")  # fmt: skip
"""Columns that verdicts rest on; Istio logs all of them by default."""

_DAMAGED_SHARE = 0.01
_SOURCES_NAMED = 3


def log_findings(judged: Judged, accounts: Accounts, overview: Overview) -> Iterator[Finding]:
    """Yield why the log can't answer everything."""
    lines = accounts.record_lines + accounts.malformed
    # One half line at the end is how a log looks that is still being written.
    damaged = accounts.malformed > max(1, _DAMAGED_SHARE * lines)
    missing = [name for name in _NEEDED if name in accounts.columns_never_seen]
    unknown = overview.outcomes.get("unknown", 0)
    cut = accounts.damaged
    unreadable = sum(accounts.unreadable.values())
    untimed = accounts.untimed - accounts.unreadable.get("start_time", 0)
    reasons = []
    if cut.height:
        problems = ", ".join(cut["problem"].unique().sort())
        reasons.append(
            f"{cut.height:,} of {accounts.sources.height:,} sources could not be read to the end "
            f"({problems})"
        )
    if damaged:
        by_reason = ", ".join(
            f"{n:,} {reason}" for reason, n in accounts.malformed_by_reason.items()
        )
        reasons.append(f"{accounts.malformed:,} of {lines:,} lines are malformed ({by_reason})")
    if missing:
        reasons.append(f"no record has {', '.join(missing)}")
    if unreadable:
        columns = ", ".join(accounts.unreadable)
        reasons.append(f"{counted(unreadable, 'value')} of {columns} can't be read")
    if untimed > 0 and "start_time" not in missing:
        reasons.append(f"{untimed:,} record{' has' if untimed == 1 else 's have'} no time")
    if unknown:
        reasons.append(f"too little is logged to tell the outcome of {unknown:,} of the requests")
    if not accounts.records or not reasons:
        return
    many = _most_unread(accounts) > max(1, _DAMAGED_SHARE * accounts.records)
    yield Finding(
        code="log_incomplete",
        severity=Severity.MEDIUM if cut.height or damaged or many else Severity.INFO,
        who=Actor.OPERATOR,
        subject="log",
        title=f"The log is incomplete: {'; '.join(reasons)}",
        requests=unknown,
        of=overview.requests,
        first_seen=first_of(judged.requests.filter(pl.col("outcome") == "unknown")),
        where=all_of(is_request, equals("outcome", "unknown")) if unknown else None,
        next=_next_step(accounts, cut["source"].to_list(), damaged=damaged, missing=missing),
    )


def _most_unread(accounts: Accounts) -> int:
    """Return how many records lack what verdicts rest on in the worst column."""
    unreadable = (n for column, n in accounts.unreadable.items() if column in _NEEDED)
    untimed = 0 if "start_time" in accounts.columns_never_seen else accounts.untimed
    return max(untimed, *unreadable, 0)


def _next_step(accounts: Accounts, cut: list[str], *, damaged: bool, missing: list[str]) -> str:
    if cut:
        more = f" and {len(cut) - _SOURCES_NAMED:,} more" if len(cut) > _SOURCES_NAMED else ""
        named = ", ".join(cut[:_SOURCES_NAMED]) + more
        return f"Get these sources again, unpack them or make them readable: {named}."
    wrapped = accounts.wrapped_in
    if damaged and wrapped.height:
        return (
            f"Take the records out of what is around them: jq -r {shlex.quote(wrapped['path'][0])}."
        )
    if damaged:
        return "Keep the malformed lines with --rejects FILE and look at them."
    if not missing and (accounts.unreadable or accounts.untimed):
        return "Log these values as Envoy writes them, times with Z or an offset."
    return "Log these columns: Istio's default JSON format has all of them."
