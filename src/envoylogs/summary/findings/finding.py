"""One finding, and how findings are weighed against each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from envoylogs.summary.findings.catalog import FINDING_KINDS
from envoylogs.summary.findings.conditions import all_of, any_of, within

if TYPE_CHECKING:
    from envoylogs.envoy.harm import Actor, Failure


MOST_SUBJECTS = 500
"""So many hosts and names of a kind are told of at most: strangers choose them."""

MOSTLY = 0.8
"""From this share on, nearly all is what it is about."""


class Severity(IntEnum):
    """How bad it is for known hosts; the smallest is the worst."""

    CRITICAL = 0
    HIGH = 1
    MEDIUM = 2
    INFO = 3


class Example(NamedTuple):
    """Where one record behind a finding stands."""

    source: str | None
    line: int | None
    request_id: str | None


class OfMany(NamedTuple):
    """What a finding says where several like it are told as one.

    Attributes:
        title: With ``{label}`` for whom it is about ("each of 3 hosts") and ``{codes}``.
        next: What to do next, without a name.
        proof: What proves it of each; null for the proof of the finding itself.
        noun: What it is about, in the plural.
        codes: The codes of the answers.
        by_share: Whether it is the worse the larger the share of the requests is.
    """

    title: str
    next: str
    proof: str | None = None
    noun: str = "hosts"
    codes: str = ""
    by_share: bool = True


def told_alike(failure: Failure, label: str, more: str = "") -> dict[str, Any]:
    """Return what a ``Finding`` says of a failure that is as bad of many subjects as of one.

    Its title may go on with ``more``.
    """
    return {
        "who": failure.actor,
        "subject": label,
        "title": f"{failure.says.format(label=label)}{more}",
        "failure": failure.name,
        "of_many": OfMany(failure.says, failure.next, by_share=False),
        "next": failure.next,
    }


@dataclass(frozen=True, slots=True)
class Finding:
    """One verdict.

    Attributes:
        code: See ``catalog.FINDING_KINDS``.
        severity: See ``Severity``; of what has ended how bad it was.
        who: Who must act.
        subject: What it is about: a host, a service, an address.
        title: The verdict in a sentence, without times.
        requests: How many requests it harmed, from ``since`` to ``until``.
        of: How many there were of the same subject in that time.
        clients_at_least: How many clients, at least: examples are kept of a few.
        first_seen: The first record that it counts, microseconds since 1970; null
            without times, and for medians, which are of the whole log.
        since: The first harmed request of the episode; null if it was so from the
            start, or if the log can't tell.
        until: The last harmed one; null if it goes on.
        onset_unclear: Whether it seems to begin within the log, though ``since``
            is null.
        gateways: How many gateways show it, of how many.
        only_at: The gateways that alone show it, though the others were asked for the same so
            often that it is no chance; empty if all may.
        upstream_hosts: How many upstream hosts show it, of how many.
        proof: What in the log proves it.
        change: The change to make; null without the configuration.
        where: The requests as a condition in Polars SQL at whatever time; null for
            a finding about the log itself.
        timed: Whether ``since`` and ``until`` are limits of what is counted, and
            not only told.
        examples: A few records.
        next: What to do next.
        failure: In which way it failed, one of ``envoy.failures``; null if it is
            about something else.
        of_many: What it says together with others; null if it is always told by itself.
        members: What was told in one: the same failure of several subjects.
        shared: What these have in common, in words; null if nothing shows.
    """

    code: str
    severity: Severity
    who: Actor
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
    only_at: tuple[str, ...] = ()
    upstream_hosts: tuple[int, int] = (0, 0)
    where: str | None = None
    timed: bool = False
    examples: tuple[Example, ...] = field(default=())
    failure: str | None = None
    of_many: OfMany | None = None
    members: tuple[Finding, ...] = field(default=())
    shared: str | None = None

    @property
    def state(self) -> str:
        """``ended`` or ``ongoing``."""
        return "ongoing" if self.until is None else "ended"

    @property
    def condition(self) -> str | None:
        """The counted requests as a condition in Polars SQL, which ``--where`` takes."""
        if self.members:
            return any_of(*(f"({member.condition})" for member in self.members))
        if self.where is None or not self.timed:
            return self.where
        return all_of(self.where, *within(self.since, self.until))


_ORDER = {kind.code: place for place, kind in enumerate(FINDING_KINDS)}


def ranked(findings: list[Finding]) -> list[Finding]:
    """Return findings with the worst first: by severity, what goes on, then requests harmed."""
    return sorted(
        findings,
        key=lambda f: (
            f.severity, f.until is not None, -f.requests, _ORDER[f.code], f.subject, f.title
        ),
    )  # fmt: skip


_SHARES = (0.5, 0.1, 0.01)
"""From which share on it is critical, high and medium."""
_FEW, _VERY_FEW = 10, 3


def severity_of(requests: int, of: int) -> Severity:
    """Return how bad it is that so many of so many requests failed.

    A handful of requests is never critical.
    """
    share = requests / of if of else 0.0
    found = Severity(sum(share < least for least in _SHARES))
    if requests < _VERY_FEW:
        return max(found, Severity.MEDIUM)
    return max(found, Severity.HIGH) if requests < _FEW else found


def worth_telling(requests: int, of: int) -> bool:
    """Tell whether so many of so many requests are more than the usual crumbs."""
    share = requests / of if of else 0.0
    return bool(
        share >= 0.2  # noqa: PLR2004
        or (requests > 1 and share >= _SHARES[-1])
        or (requests >= 50 and share >= 0.001)  # noqa: PLR2004
    )
