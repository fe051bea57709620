"""Upstream hosts that fail far more often than the others of their cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from envoylogs.envoy.clusters import service_label
from envoylogs.envoy.failures.of_services import HBONE_NEXT, is_hbone
from envoylogs.envoy.harm import Actor
from envoylogs.summary.findings.conditions import (
    all_of,
    equals,
    is_one_of,
    is_request,
    pods_command,
)
from envoylogs.summary.findings.finding import Finding, OfMany, Severity, severity_of, worth_telling
from envoylogs.summary.findings.places import at_gateways
from envoylogs.summary.findings.proof import (
    first_of,
    last_of,
    most_frequent,
    proof_of,
    witnesses_among,
)
from envoylogs.tally.folding.names_apart import is_folded

if TYPE_CHECKING:
    from envoylogs.summary.findings.weighing import Weighing
    from envoylogs.summary.findings.whole_log import WholeLog

OF_ONE_HOST = ("connect_failure", "upstream_reset", "upstream_timeout", "upstream_5xx",
               "broken_response")  # fmt: skip
"""Outcomes that one host of a cluster may have by itself."""

_CONCENTRATED, _AGAINST_OTHERS, _BY_CHANCE = 0.8, 5, 0.01


class BadHost(NamedTuple):
    """An upstream host that fails far more often than its siblings."""

    cluster: str
    address: str
    failed: int
    requests: int
    siblings: int


def bad_hosts(log: WholeLog) -> list[BadHost]:
    """Return hosts that have most failures of their cluster and fail far more than the others."""
    requests = pl.col("requests")
    hosts = (
        log.requests.lazy()
        .filter(pl.col("upstream_host").is_not_null() & pl.col("upstream_cluster").is_not_null())
        .group_by("upstream_cluster", "upstream_host")
        .agg(
            requests.sum(),
            requests.filter(pl.col("outcome").is_in(OF_ONE_HOST)).sum().alias("failed"),
            pl.col("first").filter(pl.col("outcome").is_in(OF_ONE_HOST)).min().alias("failing"),
            pl.col("last").max(),
        )
        .with_columns(
            requests.sum().over("upstream_cluster").alias("of_cluster"),
            pl.col("failed").sum().over("upstream_cluster").alias("failed_of_cluster"),
            pl.len().over("upstream_cluster").alias("siblings"),
        )
        .collect()
    )
    others = pl.col("of_cluster") - requests
    rate = pl.col("failed") / requests
    rate_of_others = (pl.col("failed_of_cluster") - pl.col("failed")) / others
    found = (
        hosts.lazy()
        .filter(
            (pl.col("siblings") > 1)
            & ~is_folded("upstream_host")  # all others together are nobody
            & (others > 0)
            & (pl.col("failed") >= _CONCENTRATED * pl.col("failed_of_cluster"))
            & (rate >= _AGAINST_OTHERS * rate_of_others)
            # Failures fall on one host by chance, the more easily the fewer hosts there are.
            & ((requests / pl.col("of_cluster")).pow(pl.col("failed")) < _BY_CHANCE)
        )
        .sort(-pl.col("failed"), "upstream_cluster", "upstream_host")
        .select("upstream_cluster", "upstream_host", "failed", "requests", "siblings")
        .collect()
    )
    return [
        bad
        for bad in map(BadHost._make, found.iter_rows())
        if worth_telling(bad.failed, bad.requests) and _has_siblings_then(hosts, bad)
    ]


def _has_siblings_then(hosts: pl.DataFrame, bad: BadHost) -> bool:
    """Tell whether other hosts of a cluster still got requests when one failed.

    After a rollout the only host that is left fails alone, and so does the service.
    """
    here = pl.col("upstream_host") == bad.address
    of_cluster = hosts.filter(pl.col("upstream_cluster") == bad.cluster)
    failing = first_of(of_cluster.filter(here), "failing")
    last_of_others = last_of(of_cluster.filter(~here))
    return failing is None or last_of_others is None or last_of_others >= failing


def of_bad_host(log: WholeLog, bad: BadHost, weighing: Weighing, kept: pl.DataFrame) -> Finding:
    """Return the finding about one of them, with the kept examples of its failures."""
    fails = pl.col("outcome").is_in(OF_ONE_HOST)
    here = pl.col("upstream_host") == bad.address
    all_of_cluster = log.requests.filter(pl.col("upstream_cluster") == bad.cluster)
    rows = all_of_cluster.filter(here & fails)
    # Time buckets know clusters, not hosts: the time is that of the cluster's failures, which are
    # mostly this host's, and the share is this host's own.
    of_cluster = log.timelines.of(kind="request", upstream_cluster=bad.cluster)
    stretch = log.timelines.stretch(of_cluster, fails)
    when, at = stretch.episode, at_gateways(all_of_cluster, here & fails, stretch)
    first, last = first_of(rows), last_of(rows)
    witnesses = witnesses_among(kept)
    severity = severity_of(bad.failed, bad.requests)
    return Finding(
        code="bad_upstream_host",
        severity=severity if weighing.is_sure(bad.failed, bad.requests) else Severity.INFO,
        who=Actor.UPSTREAM,
        subject=bad.address,
        title=f"{bad.address}, one of {bad.siblings} hosts of {service_label(bad.cluster)}, "
        f"fails while the others do not{at.title}",
        requests=bad.failed,
        of=bad.requests,
        **witnesses.told(log, rows, first),
        since=None if when.since is None or first is None else max(when.since, first),
        until=None if when.until is None or last is None else min(when.until, last),
        onset_unclear=when.onset_unclear,
        only_at=at.names,
        upstream_hosts=(1, bad.siblings),
        where=all_of(
            is_request,
            is_one_of("outcome", OF_ONE_HOST),
            equals("upstream_cluster", bad.cluster),
            equals("upstream_host", bad.address),
        ),
        failure=next(iter(most_frequent(rows, "failure")), None),
        of_many=OfMany(
            "{label} fails while the others of its service do not",
            "Find the pods by their addresses: do they run on one node, or of one release?",
            noun="upstream hosts",
        ),
        proof=proof_of(rows, kept),
        next=HBONE_NEXT
        if pl.select(is_hbone(pl.lit(bad.address))).item()
        else at.next(
            f"Find the pod{pods_command(bad.address)}, read its log, and delete it if it does "
            "not recover."
        ),
    )
