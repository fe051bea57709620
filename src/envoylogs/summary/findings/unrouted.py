"""Findings about paths of known hosts that have no route or had none, and hosts that never had."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from envoylogs.envoy.failures.lookup import FAILURES
from envoylogs.envoy.harm import Actor
from envoylogs.envoy.outcomes import UNROUTED
from envoylogs.envoy.traffic import looks_like_address
from envoylogs.summary.findings.conditions import paths_of, unrouted_of
from envoylogs.summary.findings.finding import (
    MOST_SUBJECTS,
    MOSTLY,
    Finding,
    OfMany,
    Severity,
    severity_of,
    worth_telling,
)
from envoylogs.summary.findings.places import EVERYWHERE, ITS_ROUTES, at_gateways
from envoylogs.summary.findings.proof import (
    first_of,
    gateways_of,
    listed,
    path_groups,
    sum_of,
    unrouted_rows,
)
from envoylogs.summary.findings.weighing import A_CROWD, is_burst, is_meant
from envoylogs.summary.judged import Parts
from envoylogs.summary.paths import grace_us
from envoylogs.tally.folding.names_apart import is_folded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from envoylogs.summary.findings.onset import Stretch
    from envoylogs.summary.findings.whole_log import WholeLog

_OFTEN = 10
"""Paths that are asked for so often are meant: scanners try many, each rarely."""

_OFTEN_SHARE, _ASKED_SHARE, _ASKERS = 0.01, 0.1, 3


class _Words(NamedTuple):
    """What a finding about paths says: ``{host}`` and ``{paths}`` stand for these."""

    title: str
    proof: str
    next: str
    of_many: OfMany


_UNROUTED_PATHS = OfMany(
    "{label} has no route for some paths, or only at times",
    "Compare the gateways (one may be behind) and what the routes match; if only scanners ask for "
    "these paths, ignore it.",
    "Other requests of each are routed.",
)
_NEVER = _Words(
    "{host} has no route for {paths}",
    "Other paths of the host are routed.",
    "If clients should find these, add them to the http matches of the VirtualService; if only "
    "scanners ask, ignore it.",
    _UNROUTED_PATHS,
)
_AT_TIMES = _Words(
    "{host} has a route for {paths} at times and at times not",
    "The same paths are routed in between.",
    "Compare the methods and the headers that the route matches; the gateways too: one may be "
    "behind, though the log does not prove it.",
    _UNROUTED_PATHS,
)
_BACK_NEXT = "It works now. What was applied just before it was lost, and what brought it back?"
_BACK = _Words(
    "{host} lost the route of {paths} and got it back",
    "The same paths were routed before and are routed since.",
    _BACK_NEXT,
    OfMany(
        "{label} lost the route of some paths and got it back",
        _BACK_NEXT,
        "The same paths of each were routed before and are routed since.",
    ),
)


def unrouted_path_findings(log: WholeLog, told_hosts: Collection[str]) -> Iterator[Finding]:
    """Yield known hosts with paths that clients ask for and that have no route, or had none.

    But for ``told_hosts``, which other findings tell of.
    """
    first_routed = pl.col("first_routed").min().over("host")
    often_asked_for = (pl.col("state") == "never") & (pl.col("unrouted") >= _OFTEN)
    # Unrouted at the same time as routed counts too: one gateway may be behind the others.
    odd = Parts(
        log.path_states.filter(
            pl.col("known")
            & (pl.col("state").is_in(["mixed", "lost"]) | often_asked_for)
            & (pl.col("last_unrouted") > first_routed + grace_us(log))
            & ~pl.col("host").is_in(list(told_hosts))
        )
    )
    hosts = odd.rows["host"].unique(maintain_order=True).head(MOST_SUBJECTS)
    is_unrouted = pl.col("outcome").is_in(UNROUTED)
    for host, stretch in log.timelines.stretches_of_hosts(hosts, is_unrouted).items():
        of_host, of_all = odd.of(host=host), log.requests_of(host)
        requests, total = sum_of(of_host, "unrouted"), sum_of(of_all)
        if requests < _OFTEN or requests < _OFTEN_SHARE * total:
            continue
        rows, witnesses = unrouted_rows(log, host)
        groups = path_groups(of_host)
        at_times = bool((of_host["state"] != "never").any())
        # A stretch is of all unrouted requests of the host, whatever their path.
        meant = at_times or is_meant(stretch, requests, witnesses.clients)
        in_time, since, until = is_burst(stretch) and meant, None, None
        if in_time:
            requests, total = stretch.requests, stretch.of
            since, until = stretch.episode.since, stretch.episode.until
        gateways = gateways_of(log, rows)
        back = at_times and in_time and _came_back(stretch, sum_of(rows), gateways)
        if back:
            groups = path_groups(of_host.filter(pl.col("routed") > 0))
        # Paths that are routed nowhere may be asked for at one gateway only.
        one_behind = at_times and not back
        at = at_gateways(of_all, is_unrouted, stretch) if one_behind else EVERYWHERE
        words = _BACK if back else _AT_TIMES if at_times else _NEVER
        said = _NEVER.title if at.names else words.title
        title = said.replace("{paths}", listed(groups)).replace("{host}", host)
        severity = severity_of(requests, total)
        asked = witnesses.clients >= _ASKERS and requests >= _ASKED_SHARE * total
        yield Finding(
            code="lost_route" if back else "unrouted_path",
            # Scanners ask known hosts for odd paths all day.
            severity=severity if at_times or in_time or asked else Severity.INFO,
            who=Actor.OPERATOR if at.names else Actor.CONFIGURATION,
            subject=host,
            title=f"{title}{at.title}",
            requests=requests,
            of=total,
            **witnesses.told(log, rows, since if in_time else first_of(of_host, "first_unrouted")),
            since=since,
            until=until,
            only_at=at.names,
            where=unrouted_of(host, *([] if in_time else [paths_of(of_host)])),
            timed=in_time,
            failure="route_missing",
            of_many=words.of_many,
            proof=words.proof,
            next=at.next(words.next, ITS_ROUTES),
        )


def _came_back(stretch: Stretch, unrouted: int, gateways: tuple[int, int]) -> bool:
    """Tell whether paths that are routed now and then lost their route once, and have it again.

    Where fewer requests than usual went well in that time they were not routed
    beside. Where some gateways have the route all along, one is behind and
    nothing was lost.
    """
    when = stretch.episode
    once = when.since is not None and when.until is not None
    of_all = stretch.requests >= MOSTLY * unrouted and gateways[0] == gateways[1]
    return once and of_all and stretch.replaced


def never_routed_hosts(log: WholeLog, told_hosts: Collection[str]) -> Iterator[Finding]:
    """Yield hosts that were never routed though many ask for them, but ``told_hosts``.

    Whoever scans tries many names and many paths, each rarely. What many clients ask for again and
    again, by the same few paths, is missing: if its domain is one that the gateway serves, or if
    the gateway accepted its name in the TLS handshake.
    """
    if log.known_hosts.is_empty():
        # Nobody can be told from strangers; that nothing was routed is told instead.
        return
    unknown = log.requests.filter(
        pl.col("noise")
        & (pl.col("outcome") == "no_route")
        & ~looks_like_address(pl.col("host"))
        & ~is_folded("host")
        & ~pl.col("host").is_in(list(told_hosts))
    )
    accepted = (pl.col("requested_server_name").str.to_lowercase() == pl.col("host")).any()
    parents = log.known_hosts.to_frame("name").select(_parent(pl.col("name")))["name"].drop_nulls()
    domains = pl.concat([log.known_hosts, parents]).unique()
    beside = _parent(pl.col("host")).is_in(domains.implode()).first()
    requests, unrouted = pl.col("requests").sum(), pl.col("unrouted")
    by_path = log.path_states.lazy().group_by("host", "path_group").agg(unrouted.sum())
    often = unrouted.filter(unrouted >= _OFTEN).sum().alias("often")
    hosts = (
        unknown.lazy()
        .group_by("host")
        .agg(requests, accepted.fill_null(value=False).alias("accepted"), beside.alias("beside"))
        .filter((pl.col("accepted") | pl.col("beside")) & (pl.col("requests") >= _OFTEN))
        .join(by_path.group_by("host").agg(often), on="host")
        .filter(pl.col("often") >= MOSTLY * pl.col("requests"))
        .sort(-pl.col("requests"), "host")
        .head(MOST_SUBJECTS)
        .select("host", "requests", "accepted")
        .collect()
    )
    rows_of = Parts(unknown)
    for host, n, is_accepted in hosts.iter_rows():
        rows, (_, witnesses) = rows_of.of(host=host), unrouted_rows(log, host)
        if witnesses.clients < A_CROWD or not worth_telling(n, log.total):
            continue
        accepts = "the gateway accepts its TLS server name"
        why = accepts if is_accepted else "hosts beside it are routed"
        yield Finding(
            code="unrouted_host",
            severity=Severity.MEDIUM,
            who=Actor.CONFIGURATION,
            subject=host,
            title=f"{host} never had a route, though many clients ask for it",
            requests=n,
            of=sum_of(rows),
            **witnesses.told(log, rows),
            where=unrouted_of(host),
            failure="route_missing",
            proof=f"NR for every request, mostly of paths that are asked for often; {why}.",
            next=FAILURES["route_missing"].next,
        )


def _parent(name: pl.Expr) -> pl.Expr:
    """Return the domain that a name is in; null for one of the top."""
    return name.str.extract(r"^[^.]+\.([^.]+\..+)$")
