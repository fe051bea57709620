"""One finding, and how findings are weighed against each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from envoylogs.summary.findings.catalog import FINDING_KINDS

__all__ = ["Example", "Finding", "Severity", "ranked", "severity_of", "worth_telling"]


class Severity(IntEnum):
    """How bad it is for known hosts; the smallest is the worst."""

    CRITICAL = 0
    HIGH = 1
    MEDIUM = 2
    INFO = 3


@dataclass(frozen=True, slots=True)
class Example:
    """Where one record behind a finding stands."""

    source: str | None
    line: int | None
    request_id: str | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One verdict.

    Attributes:
        code: See ``catalog.FINDING_KINDS``.
        severity: See ``Severity``.
        subject: What it is about: a host, a service, an address.
        title: The verdict in a sentence, without times.
        requests: How many requests it harmed.
        of: How many there were of the same subject.
        clients_at_least: How many clients, at least: examples are kept of a few.
        first_seen: The first record that it counts, microseconds since 1970; null
            without times, and for medians, which are of the whole log.
        since: When it began; null if it was so from the start, or if the log
            can't tell.
        until: When it ended; null if it goes on.
        onset_unclear: Whether it seems to begin within the log, though ``since``
            is null.
        gateways: How many gateways show it, of how many.
        upstream_hosts: How many upstream hosts show it, of how many.
        proof: What in the log proves it.
        change: The change to make; null without the configuration.
        where: The requests as a condition in Polars SQL, which ``--where``
            takes; null for a finding about the log itself.
        examples: A few records.
        next: What to do next.
    """

    code: str
    severity: Severity
    subject: str
    title: str
    requests: int
    of: int
    next: str
    proof: str | None = None
    change: str | None = None
    clients_at_least: int = 0
    first_seen: int | None = None
    since: int | None = None
    until: int | None = None
    onset_unclear: bool = False
    gateways: tuple[int, int] = (0, 0)
    upstream_hosts: tuple[int, int] = (0, 0)
    where: str | None = None
    examples: tuple[Example, ...] = field(default=())

    @property
    def state(self) -> str:
        """``ended`` or ``ongoing``."""
        return "ongoing" if self.until is None else "ended"


_ORDER = {kind.code: place for place, kind in enumerate(FINDING_KINDS)}


def ranked(findings: list[Finding]) -> list[Finding]:
    """Return findings with the worst first: by severity, then by the requests harmed."""
    return sorted(
        findings, key=lambda f: (f.severity, -f.requests, _ORDER[f.code], f.subject, f.title)
    )


_CRITICAL, _HIGH, _MEDIUM = 0.5, 0.1, 0.01
_FEW, _VERY_FEW = 10, 3


def severity_of(requests: int, of: int, *, ended: bool = False) -> Severity:
    """Return how bad it is that so many of so many requests failed.

    A handful of requests is never critical, and what is over is at most medium.
    """
    share = requests / of if of else 0.0
    if share >= _CRITICAL:
        found = Severity.CRITICAL
    elif share >= _HIGH:
        found = Severity.HIGH
    elif share >= _MEDIUM:
        found = Severity.MEDIUM
    else:
        found = Severity.INFO
    if requests < _VERY_FEW or ended:
        return max(found, Severity.MEDIUM)
    return max(found, Severity.HIGH) if requests < _FEW else found


def worth_telling(requests: int, of: int) -> bool:
    """Tell whether so many of so many requests are more than the usual crumbs."""
    share = requests / of if of else 0.0
    return bool(
        share >= 0.2  # noqa: PLR2004
        or (requests > 1 and share >= _MEDIUM)
        or (requests >= 50 and share >= 0.001)  # noqa: PLR2004
    )
