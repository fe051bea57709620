"""Findings about the log itself: what it can't answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.outcomes import Actor
from envoylogs.summary.findings.conditions import all_of, equals, is_request
from envoylogs.summary.findings.finding import Finding, Severity
from envoylogs.summary.findings.proof import first_of

if TYPE_CHECKING:
    from envoylogs.summary.accounts import Accounts
    from envoylogs.summary.facts import Facts
    from envoylogs.summary.overview import Overview

__all__ = ["log_findings"]

_NEEDED = ("start_time", "authority", "response_code", "response_flags", "upstream_cluster",
           "upstream_host", "duration_ms")  # fmt: skip
"""Columns that verdicts rest on; Istio logs all of them by default."""

_DAMAGED_SHARE = 0.01
_SOURCES_NAMED = 3


def log_findings(facts: Facts, accounts: Accounts, overview: Overview) -> list[Finding]:
    """Return why the log can't answer everything."""
    lines = accounts.record_lines + accounts.malformed
    # One half line at the end is how a log looks that is still being written.
    damaged = accounts.malformed > max(1, _DAMAGED_SHARE * lines)
    missing = [name for name in _NEEDED if name in accounts.columns_never_seen]
    unknown = overview.outcomes.get("unknown", 0)
    cut = accounts.damaged
    if not accounts.records or not (cut.height or damaged or missing or unknown):
        return []
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
    if unknown:
        reasons.append(f"too little is logged to tell the outcome of {unknown:,} of the requests")
    return [
        Finding(
            code="log_incomplete",
            severity=Severity.MEDIUM if cut.height or damaged else Severity.INFO,
            who=Actor.OPERATOR,
            subject="log",
            title=f"The log is incomplete: {'; '.join(reasons)}",
            requests=unknown,
            of=overview.requests,
            first_seen=first_of(facts.requests.filter(pl.col("outcome") == "unknown")),
            where=all_of(is_request, equals("outcome", "unknown")) if unknown else None,
            next=_next_step(cut["source"].to_list(), damaged=damaged),
        )
    ]


def _next_step(cut: list[str], *, damaged: bool) -> str:
    if cut:
        more = f" and {len(cut) - _SOURCES_NAMED:,} more" if len(cut) > _SOURCES_NAMED else ""
        return f"Get these sources again or unpack them: {', '.join(cut[:_SOURCES_NAMED])}{more}."
    if damaged:
        return "Keep the malformed lines with --rejects FILE and look at them."
    return "Log these columns: Istio's default JSON format has all of them."
