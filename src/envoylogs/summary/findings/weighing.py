"""Whether failures are worth telling, and how loud: chance and the usual crumbs are not."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from envoylogs.envoy.harm import Harm
from envoylogs.summary.findings.finding import Severity, severity_of, worth_telling

if TYPE_CHECKING:
    from envoylogs.summary.findings.onset import Stretch

_USUAL_SHARE, _UNUSUAL_SHARE = 0.002, 0.0002
"""Up to this share of the requests of a service fails without anybody calling it trouble; less of
what no service does by chance, such as a route to a cluster that does not exist."""

_USUAL_LEFT = 0.03
"""Up to this share of clients leaves before the answer, on phones say."""

_BY_CHANCE = 1e-3
_TROUBLED_SHARE = 0.1
"""From this share of errors in the whole log on, a log is about trouble, and a single failure of a
service is part of it."""

_BURST, _BURST_SHARE, _HALF = 12, 0.25, 0.49
_MANY_CLIENTS, _FEW_CLIENTS, _NEARLY_ALL = 4, 3, 0.8
A_CROWD = 8
"""So many clients that have it at one time and at no other are no visit of strangers."""

_ALL_SHARE, _ALL, _ALL_CLIENTS = 0.95, 20, 3
_JUMP, _JUMP_SHARE, _EXPECTED, _HARDLY = 20, 0.05, 10, 0.1
_MISSING = 2.5
_DOMINANT = 0.5
_LEFT_SHARE = 0.1


class Askers(NamedTuple):
    """Who is known to be harmed.

    Attributes:
        clients: How many clients at any time.
        inside: How many while it was at its worst.
        alike: Whether all of them waited for the same time, which is no chance.
    """

    clients: int
    inside: int
    alike: bool = False


def is_burst(stretch: Stretch) -> bool:
    """Tell whether failures are an episode, and many of the records of its time."""
    return (
        not stretch.episode.is_whole
        and stretch.requests >= _BURST
        and stretch.requests >= _BURST_SHARE * stretch.of
    )


def is_jump(stretch: Stretch) -> bool:
    """Tell whether a failure that was hardly there has a share of the requests for a while.

    The share may be small, if there were enough requests without it.
    """
    if stretch.episode.is_whole or stretch.requests < max(_JUMP, _JUMP_SHARE * stretch.of):
        return False
    failed, of = stretch.outside
    expected = of * stretch.requests / stretch.of
    return expected >= _EXPECTED and failed <= _HARDLY * expected


def is_meant(stretch: Stretch, failed: int, clients: int) -> bool:
    """Tell whether a burst of refusals is at the expense of those who use the host.

    A burst beside as many answers as ever is a scanner's, or a limit does what it
    is for. It is not if many clients have it who had none of it at other times. So many failed
    in the whole log, and so many clients are known to be harmed, at any time.
    """
    many = clients >= _MANY_CLIENTS and stretch.requests >= _NEARLY_ALL * failed
    return stretch.replaced or (many and (clients >= A_CROWD or not stretch.went_on))


def may_be_told(harm: Harm, failed: int, of: int) -> bool:
    """Tell whether a failure of one subject may be worth telling, whatever its times are.

    Most are crumbs, and need no closer look.
    """
    if failed >= _BURST:
        return True
    if harm in {Harm.ERROR, Harm.FAILED, Harm.INJECTED}:
        return worth_telling(failed, of)
    share = _ALL_SHARE if harm is Harm.REFUSED else _LEFT_SHARE
    return harm in {Harm.GONE, Harm.REFUSED} and failed >= share * of


class Weighing:
    """Weighs the failures of one log.

    Args:
        subjects: How many there are that might fail by chance.
        records: All requests and connections.
        errors: Those of them that failed.
        clients: How many are known to be in it.
    """

    def __init__(self, subjects: int, records: int, errors: int, clients: int) -> None:
        # Behind a load balancer all have the address of that.
        self._clients_are_told_apart = clients > _FEW_CLIENTS
        self._subjects = max(subjects, 1)
        self._records = records
        self._troubled = errors >= _TROUBLED_SHARE * records

    def of_failures(
        self, failed: int, of: int, stretch: Stretch, *, scattered: bool
    ) -> Severity | None:
        """Return how bad failures of one subject are; null if they are not worth telling.

        So many failed of how many in the whole log; ``scattered``: see ``is_sure``.
        """
        burst = is_burst(stretch)
        if not (burst or worth_telling(failed, of)):
            return None
        sure = burst or self.is_sure(failed, of, scattered=scattered)
        return severity_of(stretch.requests, stretch.of) if sure else Severity.INFO

    def of_refusals(
        self, harm: Harm, failed: int, of: int, stretch: Stretch, askers: Askers
    ) -> Severity | None:
        """Return how bad it is that requests of one subject are refused, or left by their clients.

        So many were of how many in the whole log. Null if it is not worth telling: some are refused
        all the time.
        """
        found = severity_of(stretch.requests, stretch.of)
        found = found if harm is Harm.REFUSED else max(found, Severity.HIGH)
        few = self._clients_are_told_apart and askers.inside < _FEW_CLIENTS
        visit = few and harm is not Harm.GONE
        if is_burst(stretch):
            if harm is Harm.ANSWERED_4XX:
                # An application answers 4xx to some at any time.
                turned = stretch.episode.since is not None
                visit |= not turned or stretch.requests < max(_ALL, _HALF * stretch.of)
            meant = is_meant(stretch, failed, askers.clients)
            return found if meant and not visit else Severity.INFO
        if harm is not Harm.ANSWERED_4XX and is_jump(stretch) and not visit:
            crowd = askers.inside >= A_CROWD and not stretch.went_on
            if askers.alike or crowd or stretch.missing >= _MISSING:
                return found
        if harm is Harm.GONE:
            often = failed >= _LEFT_SHARE * of and self._beyond_chance(failed, _USUAL_LEFT * of)
            return found if often else None
        dominant = of >= _DOMINANT * self._records
        if dominant and harm is Harm.REFUSED and _FEW_CLIENTS <= failed == of:
            return max(found, Severity.HIGH)
        all_of_it = failed >= _ALL and failed >= _ALL_SHARE * of
        if all_of_it and (dominant or (harm is Harm.REFUSED and askers.clients >= _ALL_CLIENTS)):
            return max(found, Severity.HIGH if harm is Harm.REFUSED else Severity.MEDIUM)
        return None

    def is_sure(self, failed: int, of: int, *, scattered: bool = True) -> bool:
        """Tell whether failures are no chance, or part of a log that is about trouble.

        So many failed of how many in the whole log; ``scattered`` ones happen now and then without
        a cause that lasts.
        """
        usual = _USUAL_SHARE if scattered else _UNUSUAL_SHARE
        return self._troubled or self._beyond_chance(failed, usual * of)

    def _beyond_chance(self, failed: int, expected: float) -> bool:
        """Tell whether so many failures of any subject are more than chance (Chernoff's bound)."""
        if failed <= expected:
            return False
        exponent = failed - expected - failed * math.log(failed / expected)
        return self._subjects * math.exp(exponent) < _BY_CHANCE
