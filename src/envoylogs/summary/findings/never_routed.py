"""Hosts that were never routed and look meant: nobody but strangers asks for the others.

Whoever scans tries many names and many paths, each rarely. What many clients ask for again and
again, by the same few paths, is missing: if its domain is one that the gateway serves, or if the
gateway accepted its name in the TLS handshake.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.failures.lookup import FAILURES
from envoylogs.envoy.harm import Actor
from envoylogs.envoy.traffic import looks_like_address
from envoylogs.summary.findings.conditions import unrouted_of
from envoylogs.summary.findings.finding import (
    MOST_SUBJECTS,
    MOSTLY,
    Finding,
    Severity,
    worth_telling,
)
from envoylogs.summary.findings.proof import first_of, gateways_of, sum_of, unrouted_rows
from envoylogs.summary.findings.weighing import A_CROWD
from envoylogs.summary.parts import Parts
from envoylogs.tally.folding.names_apart import is_folded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from envoylogs.summary.findings.whole_log import WholeLog

__all__ = ["OFTEN", "never_routed_hosts"]

OFTEN = 10
"""Paths that are asked for so often are meant: scanners try many, each rarely."""


def never_routed_hosts(log: WholeLog, told_hosts: Collection[str]) -> Iterator[Finding]:
    """Yield hosts that were never routed though many clients ask for them.

    Args:
        log: Of which.
        told_hosts: Hosts that other findings tell of.
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
    beside = _parent(pl.col("host")).is_in(_domains(log.known_hosts).implode()).first()
    requests = pl.col("requests").sum()
    hosts = (
        unknown.lazy()
        .group_by("host")
        .agg(requests, accepted.fill_null(value=False).alias("accepted"), beside.alias("beside"))
        .filter((pl.col("accepted") | pl.col("beside")) & (pl.col("requests") >= OFTEN))
        .join(_asked_often(log.path_states.lazy()), on="host")
        .filter(pl.col("often") >= MOSTLY * pl.col("requests"))
        .sort("requests", "host", descending=[True, False])
        .head(MOST_SUBJECTS)
        .select("host", "requests", "accepted")
        .collect()
    )
    rows_of = Parts(unknown)
    for host, n, is_accepted in hosts.iter_rows():
        _, witnesses = unrouted_rows(log, host)
        if witnesses.clients < A_CROWD or not worth_telling(n, log.total):
            continue
        rows = rows_of.of(host=host)
        why = (
            "the gateway accepts its TLS server name"
            if is_accepted
            else "hosts beside it are routed"
        )
        yield Finding(
            code="unrouted_host",
            severity=Severity.MEDIUM,
            who=Actor.CONFIGURATION,
            subject=host,
            title=f"{host} never had a route, though many clients ask for it",
            requests=n,
            of=sum_of(rows),
            **witnesses.told,
            first_seen=first_of(rows),
            gateways=gateways_of(log, rows),
            where=unrouted_of(host),
            failure="route_missing",
            proof=f"NR for every request, mostly of paths that are asked for often; {why}.",
            next=FAILURES["route_missing"].next,
        )


def _asked_often(paths: pl.LazyFrame) -> pl.LazyFrame:
    """Return by host how many unrouted requests are of paths that are asked for often."""
    unrouted = pl.col("unrouted")
    by_path = paths.group_by("host", "path_group").agg(unrouted.sum())
    return by_path.group_by("host").agg(unrouted.filter(unrouted >= OFTEN).sum().alias("often"))


def _parent(name: pl.Expr) -> pl.Expr:
    """Return the domain that a name is in; null for one of the top."""
    return name.str.extract(r"^[^.]+\.([^.]+\..+)$")


def _domains(known_hosts: pl.Series) -> pl.Series:
    """Return the known hosts and the domains that they are in."""
    known = known_hosts.to_frame("name")
    parents = known.select(_parent(pl.col("name")))["name"].drop_nulls()
    return pl.concat([known["name"], parents]).unique()
