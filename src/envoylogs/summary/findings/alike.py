"""The same harm of many services, told once.

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
from envoylogs.summary.findings.conditions import any_of
from envoylogs.summary.findings.finding import Finding, Severity, severity_of
from envoylogs.summary.findings.places import AtGateways
from envoylogs.summary.findings.proof import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from envoylogs.summary.judged import Judged

_FEWEST, _FEWEST_OF_ONE_PLACE = 3, 2
"""So many are told once; two are chance, unless one gateway or one address has both."""

_APART_US = 120_000_000
"""What begins within two minutes of the one before begins together."""

_EXAMPLES = 3
_PORT = re.compile(r":\d+$")


def told_once(findings: Iterable[Finding], judged: Judged) -> list[Finding]:
    """Return findings, in any order, with those of one failure and one onset put together."""
    by_kind: dict[tuple[object, ...], list[Finding]] = {}
    rest: list[Finding] = []
    for found in findings:
        if found.of_many is None or found.severity is Severity.INFO:
            rest.append(found)
            continue
        kind = (found.code, found.failure, found.who, found.since is None, found.state)
        by_kind.setdefault(kind, []).append(found)
    for alike in by_kind.values():
        for group in _together(alike):
            rest += _once(group, judged)
    return rest


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


def _once(group: list[Finding], judged: Judged) -> list[Finding]:
    """Return one finding in the place of several, if these are enough."""
    if len(group) < _FEWEST_OF_ONE_PLACE:
        return group
    shared, of_one_place = _shared(group, judged)
    of_one_place &= group[0].since is not None
    if len(group) < (_FEWEST_OF_ONE_PLACE if of_one_place else _FEWEST):
        return group
    worst = sorted(group, key=lambda f: (f.severity, -f.requests, f.subject))
    return [_one(worst, shared, _alone(worst, judged))]


def _one(worst: list[Finding], shared: str | None, alone: Finding | None) -> Finding:
    """Return one finding that stands for several, of which the worst comes first."""
    says = [found.of_many for found in worst if found.of_many]
    everywhere = worst[0].gateways[1]
    at = AtGateways(alone.only_at if alone else (), everywhere, same_hosts=True)
    first, words = worst[0], says[0]
    requests, of = sum(f.requests for f in worst), sum(f.of for f in worst)
    nouns, codes = {of_many.noun for of_many in says}, {of_many.codes for of_many in says}
    whose = f"{len(worst)} {words.noun if len(nouns) == 1 else 'hosts'}"
    said = words.title.replace("{codes}", words.codes if len(codes) == 1 else "errors")
    said = said.replace("{label}", f"each of {whose}")
    labels = [service_label(found.subject) for found in worst]
    proof = words.proof or first.proof
    if words.proof is None and len({found.proof for found in worst}) > 1:
        proof = f"{proof} ({labels[0]})"
    in_common = f"; what they share: {shared}" if shared else ""
    return replace(
        first,
        # Of many that fail more may fail than of each; slow is slow.
        severity=min(first.severity, severity_of(requests, of))
        if words.by_share
        else first.severity,
        subject=f"{whose} alike",
        title=f"{said[0].upper()}{said[1:]}{at.title}: {listed(labels)}",
        who=(alone or next((found for found in worst if not found.only_at), first)).who,
        requests=requests,
        of=of,
        clients_at_least=max(found.clients_at_least for found in worst),
        first_seen=min((f.first_seen for f in worst if f.first_seen is not None), default=None),
        since=None if first.since is None else min(f.since for f in worst if f.since is not None),
        until=None if first.until is None else max(f.until for f in worst if f.until is not None),
        onset_unclear=any(found.onset_unclear for found in worst),
        gateways=(max(found.gateways[0] for found in worst), everywhere),
        only_at=at.names,
        upstream_hosts=(
            sum(found.upstream_hosts[0] for found in worst),
            sum(found.upstream_hosts[1] for found in worst),
        ),
        where=any_of(*(f"({found.where})" for found in worst)),
        proof=proof,
        examples=tuple(example for f in worst for example in f.examples[:1])[:_EXAMPLES],
        next=f"One cause for all is likely{in_common}. {at.next(words.next)}",
        members=tuple(worst),
        shared=shared,
    )


def _alone(group: Sequence[Finding], judged: Judged) -> Finding | None:
    """Return the finding whose gateways alone show all of a group, if one names any."""
    named = next((found for found in group if found.only_at), None)
    if named is None:
        return None
    elsewhere = _rows(group, judged)["gateway"].drop_nulls()
    return named if elsewhere.is_in(list(named.only_at)).all() else None


def _shared(group: Sequence[Finding], judged: Judged) -> tuple[str | None, bool]:
    """Return what the failures of several findings have in common, in words; null if nothing shows.

    Beside it whether one gateway of several, one address or one server name has all of them.
    """
    rows, places = _rows(group, judged), []
    gateways = rows["gateway"].drop_nulls().unique().to_list()
    if len(gateways) == 1 and judged.gateways > 1:
        places.append(f"the gateway {gateways[0]}, of {judged.gateways}")
    addresses = {_PORT.sub("", host) for host in rows["upstream_host"].drop_nulls().unique()}
    if len(addresses) == 1:
        places.append(f"the address {addresses.pop()} of a node or proxy")
    names = rows.filter(pl.col("kind") == "connection")["requested_server_name"].unique().to_list()
    if len(names) == 1 and names[0] is not None:
        places.append(f"the TLS server name {names[0]}")
    began = ["the moment when it began"] if group[0].since is not None else []
    return ", ".join([*began, *places]) or None, bool(places)


def _rows(group: Sequence[Finding], judged: Judged) -> pl.DataFrame:
    subjects = [found.subject for found in group]
    columns = ("upstream_cluster", "host", "upstream_host", "requested_server_name")
    return judged.everything.filter(
        pl.col("failure").eq_missing(pl.lit(group[0].failure, pl.String))
        & pl.any_horizontal(pl.col(*columns).is_in(subjects))
    )
