"""What findings, noise and the ledger of 404s say in words; the same in every renderer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.render.formatting import clock, count, counted, day_and_clock, percent
from envoylogs.summary.findings.catalog import KIND_BY_CODE

if TYPE_CHECKING:
    from envoylogs.summary.findings.finding import Finding
    from envoylogs.summary.overview import Overview

__all__ = ["LEDGER", "facts_of_finding", "noise_of"]

LEDGER = {
    "lost": "lost: the path was routed at another time of this log",
    "never_routed": "no route, though the host is known",
    "noise": "noise: the host was never routed",
    "application": "the application's own",
    "configured": "configured: a direct response",
    "fault": "an injected fault",
    "other": "anything else",
}
"""Who answered 404, by the keys of the ledger."""


def facts_of_finding(found: Finding, overview: Overview) -> list[str]:
    """Return how much, since when, and where, each as a few words."""
    facts = []
    if found.requests:
        noun = KIND_BY_CODE[found.code].counts
        facts.append(f"{count(found.requests)} of {counted(found.of, noun)}")
        if found.requests != found.of:
            facts[0] += f" ({percent(found.requests / found.of)})"
        when = _when(found, overview)
        if when is not None:
            facts.append(when)
    if found.clients_at_least:
        facts.append(f"at least {counted(found.clients_at_least, 'client')}")
    for (some, of_all), noun in ((found.gateways, "gateway"), (found.upstream_hosts, "host")):
        if some and of_all > 1:
            facts.append(f"{some} of {of_all} {noun}s")
    return facts


def _when(found: Finding, overview: Overview) -> str | None:
    """Return since when, and until when if it is over; days where the log has several."""
    one_day = day_and_clock(overview.first)[:10] == day_and_clock(overview.last)[:10]
    shown = clock if one_day else day_and_clock
    words = [] if found.until is None else [f"until {shown(found.until)}"]
    if found.since is not None:
        words.insert(0, f"since {shown(found.since)}")
    elif not found.onset_unclear:
        words.insert(0, "from the start")
    return " ".join(words) or None


def noise_of(overview: Overview) -> str | None:
    """Return what strangers asked for, in a sentence; null without noise."""
    noise = overview.noise
    parts = []
    if noise["requests"]:
        parts.append(
            f"{counted(noise['requests'], 'request')} for {counted(noise['hosts'], 'host')}"
        )
    if noise["connections"]:
        parts.append(
            f"{counted(noise['connections'], 'refused connection')} for "
            f"{counted(noise['server_names'], 'server name')}"
        )
    if not parts:
        return None
    words = " and ".join(parts)
    return f"Noise: {words} that this gateway never routed. Not in the error share."
