"""The same failure of many services, told once.

A node that dies, a network policy or a certificate breaks many services at the
same moment in the same way. Fifty findings of one cause hide it; one that says
how many, which, and what they share shows it. The findings that were put
together stay inside as ``members``.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.clusters import service_label
from envoylogs.envoy.failures.lookup import FAILURES
from envoylogs.summary.findings.conditions import any_of
from envoylogs.summary.findings.finding import Finding, Severity, severity_of
from envoylogs.summary.findings.proof import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from envoylogs.summary.facts import Facts

__all__ = ["told_once"]

_FEWEST = 3
_APART_US = 120_000_000
"""What begins within two minutes of the one before begins together."""

_EXAMPLES = 3
_PORT = re.compile(r":\d+$")


def told_once(findings: Iterable[Finding], facts: Facts) -> list[Finding]:
    """Return findings with those of one failure and one onset put together.

    Args:
        findings: In any order.
        facts: Of the log.
    """
    by_kind: dict[tuple[object, ...], list[Finding]] = {}
    rest: list[Finding] = []
    for found in findings:
        if found.failure is None or found.severity is Severity.INFO or found.code not in _ALIKE:
            rest.append(found)
            continue
        by_kind.setdefault(
            (found.code, found.failure, found.since is None, found.state), []
        ).append(found)
    for alike in by_kind.values():
        for group in _together(alike):
            rest += [_one(group, facts)] if len(group) >= _FEWEST else group
    return rest


_ALIKE = {
    "no_cluster", "no_endpoints", "connect_failure", "upstream_reset", "upstream_timeout",
    "overflow", "broken_response", "upstream_errors", "dependency_failed", "gateway_errors",
    "refused_jump", "connections_failed", "clients_give_up", "lost_host", "lost_tls_name",
    "unrouted_path", "faults_injected", "unattributed_errors", "bad_upstream_host",
}  # fmt: skip
"""Codes of findings that many subjects may have for one cause."""


_TITLES = {
    "lost_host": "{label} lost its route: none of their requests is routed any more",
    "unrouted_path": "{label} has no route for some paths, or only at times",
    "bad_upstream_host": "{label} fails while the others of its service do not",
    "lost_tls_name": "TLS connections for {label} are refused",
}
"""Where the finding says more than the failure."""


def _together(alike: list[Finding]) -> list[list[Finding]]:
    """Return findings in groups that began together, and ended together if they did."""
    groups: list[list[Finding]] = []
    for found in sorted(alike, key=lambda f: (f.since or 0, f.until or 0)):
        before = groups[-1][-1] if groups else None
        if (
            before is not None
            and (found.since or 0) - (before.since or 0) <= _APART_US
            and abs((found.until or 0) - (before.until or 0)) <= _APART_US
        ):
            groups[-1].append(found)
        else:
            groups.append([found])
    return groups


def _one(group: Sequence[Finding], facts: Facts) -> Finding:
    """Return one finding that stands for several."""
    worst = sorted(group, key=lambda f: (f.severity, -f.requests, f.subject))
    first = worst[0]
    requests, of = sum(f.requests for f in group), sum(f.of for f in group)
    noun = "services" if all(_is_service(f) for f in group) else "hosts"
    noun = "upstream hosts" if first.code == "bad_upstream_host" else noun
    shared = _shared(group, facts)
    names = listed([service_label(found.subject) for found in worst])
    whose = f"{len(group)} {noun}"
    says = _TITLES.get(first.code) or FAILURES[first.failure or ""].says
    said = says.format(label=f"each of {whose}", codes=_codes(first))
    gateways = max(found.gateways[0] for found in group), first.gateways[1]
    return replace(
        first,
        severity=min(first.severity, severity_of(requests, of)),
        subject=f"{whose} alike",
        title=f"{said[0].upper()}{said[1:]}: {names}",
        requests=requests,
        of=of,
        clients_at_least=max(found.clients_at_least for found in group),
        first_seen=min((f.first_seen for f in group if f.first_seen is not None), default=None),
        since=None if first.since is None else min(f.since for f in group if f.since is not None),
        until=None if first.until is None else max(f.until for f in group if f.until is not None),
        onset_unclear=any(found.onset_unclear for found in group),
        gateways=gateways,
        upstream_hosts=(
            sum(found.upstream_hosts[0] for found in group),
            sum(found.upstream_hosts[1] for found in group),
        ),
        where=any_of(*(f"({found.where})" for found in worst)),
        examples=tuple(example for f in worst for example in f.examples[:1])[:_EXAMPLES],
        next=f"One cause for all is likely"
        f"{f'; what they share: {shared}' if shared else ''}. {_general(first)}",
        members=tuple(worst),
        shared=shared,
    )


def _is_service(found: Finding) -> bool:
    return "|" in found.subject


def _codes(found: Finding) -> str:
    code = (found.proof or "").split(" ", 1)[0].strip(";")
    return code if code.isdigit() else "errors"


def _general(found: Finding) -> str:
    """Return what to do next for a failure of many, without the name of one."""
    if found.failure is None:
        return found.next
    return FAILURES[found.failure].next.format(endpoints="Look at the endpoints of the services")


def _shared(group: Sequence[Finding], facts: Facts) -> str | None:
    """Return what the failures of several findings have in common, in words."""
    parts = []
    subjects = [found.subject for found in group]
    rows = facts.requests.filter(
        (pl.col("failure") == group[0].failure)
        & (
            pl.col("upstream_cluster").is_in(subjects)
            | pl.col("host").is_in(subjects)
            | pl.col("upstream_host").is_in(subjects)
        )
    )
    if group[0].since is not None:
        parts.append("the moment when it began")
    everywhere = facts.requests["gateway"].drop_nulls().n_unique()
    gateways = rows["gateway"].drop_nulls().unique().to_list()
    if len(gateways) == 1 and everywhere > 1:
        parts.append(f"the gateway {gateways[0]}, of {everywhere}")
    addresses = {_PORT.sub("", host) for host in rows["upstream_host"].drop_nulls().unique()}
    if len(addresses) == 1:
        parts.append(f"the address {addresses.pop()} of a node or proxy")
    return ", ".join(parts) or None
