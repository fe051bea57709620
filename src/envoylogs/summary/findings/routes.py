"""Findings about routes: lost, gained late, or never there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.failures.lookup import FAILURES
from envoylogs.envoy.harm import Actor
from envoylogs.envoy.outcomes import UNROUTED
from envoylogs.envoy.traffic import looks_like_address
from envoylogs.summary.findings.conditions import (
    all_of,
    equals,
    is_none_of,
    is_plain,
    is_request,
    paths_of,
    unrouted_of,
)
from envoylogs.summary.findings.finding import (
    MOST_SUBJECTS,
    MOSTLY,
    Finding,
    OfMany,
    Severity,
    severity_of,
)
from envoylogs.summary.findings.proof import (
    first_of,
    last_of,
    listed,
    most_frequent,
    path_groups,
    sum_of,
    unrouted_rows,
    witnesses_among,
)
from envoylogs.summary.findings.timelines import between
from envoylogs.summary.findings.tls import with_reuse_hint
from envoylogs.summary.findings.unrouted import never_routed_hosts, unrouted_path_findings
from envoylogs.summary.findings.weighing import is_burst
from envoylogs.summary.in_words import counted
from envoylogs.summary.judged import Parts
from envoylogs.summary.paths import grace_us
from envoylogs.tally.folding.names_apart import is_folded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from envoylogs.summary.findings.whole_log import WholeLog

_UNROUTED = pl.col("outcome").is_in(UNROUTED)


def route_findings(log: WholeLog, reused: Collection[str]) -> list[Finding]:
    """Return what is wrong with the routes of the gateway.

    The requests without a route of ``reused`` hosts are told as those of reused connections.
    """
    found = [
        *(lost := list(_lost(log))),
        *_gained(log),
        *unrouted_path_findings(log, {*reused, *(finding.subject for finding in lost)}),
        *never_routed_hosts(log, reused),
        *_nothing_bound(log),
    ]
    return [with_reuse_hint(log, finding) for finding in found]


def _lost(log: WholeLog) -> Iterator[Finding]:
    """Yield hosts that lost all their routes, or some."""
    lost = Parts(log.path_states.filter(pl.col("known") & (pl.col("state") == "lost")))
    all_paths = Parts(log.path_states)
    hosts = lost.rows["host"].unique(maintain_order=True).head(MOST_SUBJECTS)
    for host, stretch in log.timelines.stretches_of_hosts(hosts, _UNROUTED).items():
        lost_here = lost.of(host=host)
        since = first_of(lost_here, "first_unrouted")
        if since is None:
            continue
        rows, witnesses = unrouted_rows(log, host)
        whole_host, requests = bool(lost_here["host_lost"].any()), sum_of(lost_here, "unrouted")
        of_requests = log.timelines.requests_of(host)
        if not whole_host and requests < MOSTLY * stretch.requests and is_burst(stretch):
            # More is unrouted than what was lost for good: that is told of all of it.
            continue
        total = requests if whole_host else sum_of(between(of_requests, since, None))
        before = sum_of(all_paths.of(host=host), "routed")
        were = f"{counted(before, 'request')} of this host {'was' if before == 1 else 'were'}"
        gone = "none" if whole_host else "none of these paths"
        yield Finding(
            code="lost_host" if whole_host else "lost_route",
            severity=severity_of(requests, total),
            who=Actor.CONFIGURATION,
            subject=host,
            title=f"{host} lost its route: none of its requests is routed any more"
            if whole_host
            else f"{host} lost the route of {listed(path_groups(lost_here))}",
            requests=requests,
            of=total,
            **witnesses.told(log, rows, since),
            since=since,
            where=unrouted_of(host, paths_of(lost_here)),
            proof=f"{were} routed before, {gone} since.",
            failure="route_missing",
            of_many=_LOST_HOSTS if whole_host else _LOST_ROUTES,
            next=f"What was applied just before? kubectl get virtualservice -A | grep {host}; "
            f"kubectl get httproute -A | grep {host} (if both print nothing, none names the "
            "host any more)"
            if is_plain(host)
            else "What was applied just before?",
        )


_APPLIED = (
    "What was applied just before, to the Gateway, to its VirtualServices or HTTPRoutes, or to "
    "their namespace?"
)
_LOST_HOSTS = OfMany(
    "{label} lost its route: none of their requests is routed any more",
    _APPLIED,
    "Requests of each were routed before, none since.",
)
_LOST_ROUTES = OfMany(
    "{label} lost the route of some paths",
    _APPLIED,
    "Requests for these paths of each were routed before, none since.",
)


_WORKS_NOW = "Nothing, if the change was meant: it works now."
_LONG_AGO_US, _TIMES_LONGER = 600_000_000, 4


def _long_ago(log: WholeLog, unrouted: pl.DataFrame, until: int) -> bool:
    """Tell whether routes came long ago: a host that was new then is no trouble any more."""
    first = first_of(unrouted, "first_unrouted")
    if first is None or log.last is None:
        return False
    return log.last - until >= max(_LONG_AGO_US, _TIMES_LONGER * (until - first))


def _gained(log: WholeLog) -> Iterator[Finding]:
    """Yield hosts whose requests had no route until one came."""
    first_routed = pl.col("first_routed").min().over("host")
    all_before = pl.col("last_unrouted").max().over("host") <= first_routed + grace_us(log)
    begun_before = pl.col("first_unrouted").min().over("host") < first_routed
    known = log.path_states.filter("known")
    parts = Parts(known.filter(all_before & begun_before & (pl.col("unrouted") > 0)))
    for host in parts.rows["host"].unique(maintain_order=True).head(MOST_SUBJECTS):
        of_host = parts.of(host=host)
        until = last_of(of_host, "last_unrouted")
        if until is None:
            continue
        (rows, witnesses), requests = unrouted_rows(log, host), sum_of(of_host, "unrouted")
        # Strangers try paths of their own on a host that nobody else has asked for yet.
        same_paths = bool((of_host["state"] == "gained").any())
        yield Finding(
            code="unrouted_host",
            severity=Severity.MEDIUM
            if same_paths and not _long_ago(log, of_host, until)
            else Severity.INFO,
            who=Actor.CONFIGURATION,
            subject=host,
            title=f"{host} had no route until one came",
            requests=requests,
            of=max(requests, sum_of(between(log.timelines.requests_of(host), None, until))),
            **witnesses.told(log, rows, first_of(of_host, "first_unrouted")),
            until=until,
            where=unrouted_of(host, paths_of(of_host)),
            proof="Its requests got 404 first and are routed since.",
            next=_WORKS_NOW,
        )


def _nothing_bound(log: WholeLog) -> Iterator[Finding]:
    """Yield ports of a gateway that have no route for anybody.

    Two things prove that it is not the clients' fault: the legacy blackhole
    answers only where no VirtualService is bound to the port; and a log in
    which nothing at all was routed.
    """
    unknown = log.requests.filter("noise")
    nothing_routed = not (log.requests["routed"].any() or log.known_hosts.len())
    not_known = [is_none_of("host", log.known_hosts)] if log.known_hosts.len() else []
    for outcome, is_blackhole in (("blackhole", True), ("no_route", False)):
        rows = unknown.filter((pl.col("outcome") == "blackhole") == is_blackhole)
        if rows.is_empty() or not (is_blackhole or nothing_routed):
            continue
        named = rows.filter(
            pl.col("host").is_not_null() & ~is_folded("host") & ~looks_like_address(pl.col("host"))
        )
        hosts = [host or "-" for host in most_frequent(named if named.height else rows, "host")]
        requests = sum_of(rows)
        kept = log.evidence.filter(pl.col("outcome") == outcome if is_blackhole else _UNROUTED)
        names, them = ("this name", "it") if len(hosts) == 1 else ("these names", "them")
        ended = last_of(rows) if not nothing_routed and _routed_after(log, rows) else None
        yield Finding(
            code="unrouted_host",
            severity=severity_of(requests, requests)
            if named.height or (nothing_routed and is_blackhole)
            else Severity.INFO,
            who=Actor.CONFIGURATION,
            subject=hosts[0],
            title=f"No route for {listed(hosts)}: "
            + (
                "the gateway's port had no VirtualService, so its blackhole answered 404"
                if is_blackhole
                else "the gateway routed nothing at all in this log"
            ),
            requests=requests,
            of=log.total,
            **witnesses_among(kept).told(log, rows),
            until=ended,
            where=all_of(is_request, equals("outcome", outcome), *not_known),
            proof="404 with route_name default, no flag, no cluster: virtual host blackhole, "
            "Istio 1.1 to 1.7."
            if is_blackhole
            else "NR for every request.",
            failure="route_missing",
            next=FAILURES["route_missing"].next
            if ended is None
            else f"The gateway has routes since then. To route {names} too, a VirtualService "
            f"that names the Gateway must list {them} in spec.hosts, and the Gateway accept "
            f"{them}.",
        )


def _routed_after(log: WholeLog, rows: pl.DataFrame) -> bool:
    """Tell whether the gateways of some rows routed requests after the last of these."""
    last, gateways = last_of(rows), rows["gateway"].unique()
    routed = log.requests.filter(
        pl.col("routed") & pl.col("gateway").is_in(gateways.implode(), nulls_equal=True)
    )
    return last is not None and bool((routed["last"] > last).any())
