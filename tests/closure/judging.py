"""What must be true of the findings of a log of which is known what happened."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envoylogs.envoy.harm import Actor
from envoylogs.summary.findings.catalog import KIND_BY_CODE
from envoylogs.summary.findings.finding import Finding, Severity

if TYPE_CHECKING:
    from tests.closure.logs import Log

    from envoylogs.summary.summary import Summary

__all__ = ["about", "alarms", "counted_wrong", "described", "injected", "members", "mistimed",
           "says_number", "wrong_actor"]  # fmt: skip

_SECOND_US = 1_000_000


def alarms(summary: Summary) -> list[Finding]:
    """Return the findings that are worse than a piece of information."""
    return [found for found in summary.findings if found.severity < Severity.INFO]


def members(found: Finding) -> tuple[Finding, ...]:
    """Return the findings that one stands for."""
    of_it: tuple[Finding, ...] = getattr(found, "members", ())
    return of_it


def injected(summary: Summary) -> int:
    """Return how many requests failed because a fault rule said so."""
    n: int = getattr(summary.overview, "injected", 0)
    return n


def actor(found: Finding) -> Actor:
    """Return who must act."""
    who: Actor = getattr(found, "who", KIND_BY_CODE[found.code].who)
    return who


def about(found: Finding, names: tuple[str, ...]) -> bool:
    """Tell whether a finding names one of some names."""
    said = f"{found.subject} {found.title}".lower()
    return any(name.lower() in said for name in names)


def says_number(found: Finding, number: int) -> bool:
    """Tell whether the verdict has a number in it."""
    return re.search(rf"(?<![\d.,-]){number}(?!\d|[.,]\d)", found.title) is not None


def described(summary: Summary) -> str:
    """Return the findings, a line each, for whoever reads a failed test."""
    lines = [
        f"  {found.severity.name} {found.code} [{actor(found)}] {found.requests} of {found.of} "
        f"since {_seconds(summary, found.since)} until {_seconds(summary, found.until)}: "
        f"{found.title}"
        for found in summary.findings
    ]
    outcomes = dict(list(summary.overview.outcomes.items())[:6])
    return "\n".join(["findings:", *(lines or ["  none"]), f"outcomes: {outcomes}"])


def _seconds(summary: Summary, time_us: int | None) -> str:
    first = summary.overview.first
    return "-" if time_us is None or first is None else f"+{(time_us - first) / _SECOND_US:.3f} s"


def wrong_actor(found: Finding, who: frozenset[Actor]) -> list[str]:
    """Return what is wrong with who must act."""
    if actor(found) in who:
        return []
    right = " or ".join(sorted(map(str, who)))
    return [f"{found.code}: {actor(found)} must act, not {right}"]


def mistimed(log: Log, found: Finding) -> list[str]:
    """Return what is wrong with when it began and whether it goes on."""
    summary, wrong = log.summary, []
    last = log.harmed[-1] if log.ended else None
    for name, said, true in (("since", found.since, log.harmed[0]), ("until", found.until, last)):
        if said == true:
            continue
        if true is None or said is None:
            wrong.append(f"{found.code}: {name} is {_seconds(summary, said)}, "
                         f"not {_seconds(summary, true)}")  # fmt: skip
            continue
        width_us = (summary.bucket_seconds or 1) * _SECOND_US
        near = said // width_us == true // width_us
        wrong.append(
            f"{found.code}: {name} is {_seconds(summary, said)}, "
            f"{'in the right bucket but not exactly' if near else 'not'} {_seconds(summary, true)}"
        )
    if found.state != ("ended" if log.ended else "ongoing"):
        wrong.append(f"{found.code}: it is not {found.state}")
    return wrong


def counted_wrong(log: Log, found: Finding) -> list[str]:
    """Return what is wrong with how much was harmed, of how much in the same time."""
    harmed, (first, last) = len(log.harmed), (log.harmed[0], log.harmed[-1])
    inside = sum(first <= time <= last for time in log.of)
    # Where only buckets are kept, the first and the last may have a few more.
    width_us = (log.summary.bucket_seconds or 1) * _SECOND_US
    ends = {first // width_us, last // width_us}
    more = sum(time // width_us in ends for time in log.of if not first <= time <= last)
    if found.requests == harmed and inside <= found.of <= inside + more:
        return []
    return [f"{found.code}: {found.requests} of {found.of}, not {harmed} of {inside}"]
