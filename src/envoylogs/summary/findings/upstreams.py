"""Findings about services behind the gateway: they fail, reset, time out, are missing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from envoylogs.envoy.clusters import service_label
from envoylogs.summary.findings.conditions import (
    all_of,
    any_of,
    equals,
    is_one_of,
    is_request,
)
from envoylogs.summary.findings.finding import Finding, severity_of, worth_telling
from envoylogs.summary.findings.onset import episode, severity_of_episode
from envoylogs.summary.findings.proof import (
    buckets_of,
    first_of,
    gateways_of,
    witnesses_of,
)
from envoylogs.tally.folded import is_folded

if TYPE_CHECKING:
    from envoylogs.summary.facts import Facts

__all__ = ["upstream_findings"]

_CODES = {
    "no_cluster": "no_cluster",
    "no_endpoints": "no_endpoints",
    "connect_failure": "connect_failure",
    "upstream_reset": "upstream_reset",
    "upstream_timeout": "upstream_timeout",
    "overflow": "overflow",
    "broken_response": "broken_response",
    "upstream_5xx": "upstream_errors",
    "dependency_failed": "dependency_failed",
}
_OF_ONE_HOST = ("connect_failure", "upstream_reset", "upstream_timeout", "upstream_5xx",
                "broken_response")  # fmt: skip

_SENTENCES = {
    "no_cluster": "{label}: the route names a cluster that does not exist",
    "no_endpoints": "{label} has no healthy endpoint",
    "connect_failure": "No connection to {label}",
    "upstream_reset": "{label} closes connections before it answers",
    "upstream_timeout": "{label} does not answer in time",
    "overflow": "{label}: a circuit breaker or connection pool is full",
    "broken_response": "Answers of {label} break off",
    "upstream_errors": "{label} answers with {codes}",
    "dependency_failed": "A service that the gateway needs fails for {label}",
}
_NEXT = {
    "no_cluster": "Compare the destination (host, port, subset) of the VirtualService with the "
    "Service and the DestinationRule's subsets.",
    "no_endpoints": "{endpoints}; compare the subset's labels with the pods, and look for outlier "
    "ejection.",
    "connect_failure": "{endpoints}; check that the pods listen on that port and that the mTLS "
    "modes of both sides agree.",
    "upstream_reset": "Look for restarts and crashes of its pods; its keep-alive time-out must be "
    "longer than the gateway's.",
    "upstream_timeout": "Look at its own latency first, then at timeout and retries of the route.",
    "overflow": "Compare connectionPool in its DestinationRule with its traffic and latency.",
    "broken_response": "Look for crashes, restarts and time-outs of its pods while they answer.",
    "upstream_errors": "Read the application's own log from then on; was there a release?",
    "dependency_failed": "response_code_details names the filter; check that service's health.",
}

_MOST_SUBJECTS = 50
_LAST_OF_HTTP, _CODES_NAMED = 599, 3
_CONCENTRATED, _AGAINST_OTHERS, _BY_CHANCE = 0.8, 5, 0.01


class _Subject(NamedTuple):
    """A service and one way in which it fails; ``apart`` are hosts with findings of their own."""

    outcome: str
    cluster: str | None
    host: str | None
    apart: tuple[str, ...] = ()


class _BadHost(NamedTuple):
    """An upstream host that fails far more often than its siblings."""

    cluster: str
    address: str
    failed: int
    requests: int
    siblings: int


def upstream_findings(facts: Facts) -> list[Finding]:
    """Return what is wrong with the services behind the gateway."""
    bad_hosts = _bad_hosts(facts)
    findings = [_of_bad_host(facts, bad) for bad in bad_hosts]
    # The failures of a bad host are told once.
    told = {(bad.cluster, bad.address) for bad in bad_hosts}
    explained = pl.any_horizontal(
        pl.lit(value=False),
        *(
            (pl.col("upstream_cluster") == cluster) & (pl.col("upstream_host") == address)
            for cluster, address in told
        ),
    ) & pl.col("outcome").is_in(_OF_ONE_HOST)
    failed = facts.requests.filter(
        pl.col("outcome").is_in(_CODES) & ~explained.fill_null(value=False)
    )
    by_subject = (
        failed.with_columns(
            pl.when(pl.col("upstream_cluster").is_null()).then("host").alias("of_host")
        )
        .group_by("outcome", "upstream_cluster", "of_host")
        .agg(pl.col("requests").sum())
        .sort("requests", "outcome", "upstream_cluster", "of_host",
              descending=[True, False, False, False], nulls_last=True)
    )  # fmt: skip
    for outcome, cluster, host, requests in by_subject.head(_MOST_SUBJECTS).rows():
        subject = _Subject(outcome, cluster, host)
        total = int(facts.requests.filter(_belongs(subject))["requests"].sum())
        if worth_telling(requests, total):
            apart = [bad.address for bad in bad_hosts if bad.cluster == cluster]
            subject = subject._replace(apart=tuple(apart) if outcome in _OF_ONE_HOST else ())
            findings.append(_of_subject(facts, subject, failed, requests, total))
    return findings


def _belongs(subject: _Subject) -> pl.Expr:
    """Tell the requests of a subject, whatever became of them."""
    if subject.cluster is not None:
        return (pl.col("upstream_cluster") == subject.cluster).fill_null(value=False)
    return pl.col("host").eq_missing(pl.lit(subject.host, pl.String))


def _of_subject(
    facts: Facts, subject: _Subject, failed: pl.DataFrame, requests: int, total: int
) -> Finding:
    code = _CODES[subject.outcome]
    name = subject.cluster or subject.host or "-"
    label = service_label(name)
    belongs, fails = _belongs(subject), pl.col("outcome") == subject.outcome
    if subject.cluster is None:
        # Those of its clusters are findings of their own.
        fails &= pl.col("upstream_cluster").is_null()
    rows = failed.filter(belongs & fails)
    when = episode(buckets_of(facts, belongs, fails))
    hosts = facts.requests.filter(belongs)["upstream_host"].drop_nulls().n_unique()
    witnesses = witnesses_of(facts, belongs & fails)
    return Finding(
        code=code,
        severity=severity_of_episode(when, requests, total),
        subject=name,
        title=_SENTENCES[code].format(label=label, codes=_codes(rows)),
        requests=requests,
        of=total,
        clients_at_least=witnesses.clients,
        first_seen=first_of(rows),
        since=when.since,
        until=when.until,
        onset_unclear=when.onset_unclear,
        gateways=gateways_of(facts, rows),
        upstream_hosts=(rows["upstream_host"].drop_nulls().n_unique(), hosts),
        where=_where(subject),
        proof=_proof(rows),
        examples=witnesses.examples,
        next=_NEXT[code].format(endpoints=_endpoints_command(name)),
    )


def _where(subject: _Subject) -> str:
    conditions = [
        is_request,
        equals("outcome", subject.outcome),
        equals("upstream_cluster", subject.cluster),
    ]
    if subject.cluster is None:
        conditions.append(equals("host", subject.host))
    if subject.apart:
        apart = is_one_of("upstream_host", subject.apart)
        conditions.append(any_of("upstream_host IS NULL", f"NOT ({apart})"))
    return all_of(*conditions)


def _codes(rows: pl.DataFrame) -> str:
    """Return what codes of errors some rows have: 5xx, those that HTTP does not have, or both."""
    found = rows["response_code"].unique().sort()
    unheard_of = found.filter(found > _LAST_OF_HTTP)
    named = ", ".join(map(str, unheard_of.head(_CODES_NAMED)))
    more = " and more" if len(unheard_of) > _CODES_NAMED else ""
    if unheard_of.is_empty():
        return "5xx"
    return f"{'' if len(unheard_of) == len(found) else '5xx and '}{named}{more}"


def _proof(rows: pl.DataFrame) -> str:
    """Return the most frequent code, flags and details of some rows, as logged."""
    columns = ("response_code", "response_flags", "response_code_details")
    counted = rows.group_by(columns).agg(pl.col("requests").sum())
    best = counted.sort("requests", *columns, descending=[True, False, False, False]).row(0)
    return " ".join(str(value) for value in best[:3] if value is not None)


def _endpoints_command(cluster: str) -> str:
    """Return the command that lists the endpoints of a Kubernetes service."""
    host = cluster.rsplit("|", maxsplit=1)[-1]
    name, _, rest = host.partition(".")
    namespace = rest.split(".svc.")[0] if ".svc." in rest else ""
    if not namespace or not host.replace(".", "").replace("-", "").isalnum():
        return "Look at the endpoints of the service"
    return f"kubectl -n {namespace} get endpointslices -l kubernetes.io/service-name={name}"


def _bad_hosts(facts: Facts) -> list[_BadHost]:
    """Return hosts that have most failures of their cluster and fail far more than the others."""
    requests = pl.col("requests")
    hosts = (
        facts.requests.filter(
            pl.col("upstream_host").is_not_null() & pl.col("upstream_cluster").is_not_null()
        )
        .group_by("upstream_cluster", "upstream_host")
        .agg(
            requests.sum(),
            requests.filter(pl.col("outcome").is_in(_OF_ONE_HOST)).sum().alias("failed"),
        )
        .with_columns(
            requests.sum().over("upstream_cluster").alias("of_cluster"),
            pl.col("failed").sum().over("upstream_cluster").alias("failed_of_cluster"),
            pl.len().over("upstream_cluster").alias("siblings"),
        )
    )
    others = pl.col("of_cluster") - requests
    rate = pl.col("failed") / requests
    rate_of_others = (pl.col("failed_of_cluster") - pl.col("failed")) / others
    found = hosts.filter(
        (pl.col("siblings") > 1)
        & ~is_folded("upstream_host")  # all others together are nobody
        & (others > 0)
        & (pl.col("failed") >= _CONCENTRATED * pl.col("failed_of_cluster"))
        & (rate >= _AGAINST_OTHERS * rate_of_others)
        # Failures fall on one host by chance, the more easily the fewer hosts there are.
        & ((requests / pl.col("of_cluster")).pow(pl.col("failed")) < _BY_CHANCE)
    ).sort("failed", "upstream_cluster", "upstream_host", descending=[True, False, False])
    return [
        _BadHost(*row)
        for row in found.select(
            "upstream_cluster", "upstream_host", "failed", "requests", "siblings"
        ).rows()
        if worth_telling(row[2], row[3])
    ]


def _of_bad_host(facts: Facts, bad: _BadHost) -> Finding:
    belongs = (pl.col("upstream_cluster") == bad.cluster).fill_null(value=False)
    fails = pl.col("outcome").is_in(_OF_ONE_HOST)
    here = pl.col("upstream_host") == bad.address
    rows = facts.requests.filter(belongs & here & fails)
    when = episode(buckets_of(facts, belongs, fails))
    # Time buckets know clusters, not hosts: the time is that of the cluster's failures, which are
    # mostly this host's, and the share is this host's own.
    witnesses = witnesses_of(facts, belongs & fails & here)
    return Finding(
        code="bad_upstream_host",
        severity=severity_of(bad.failed, bad.requests, ended=when.until is not None),
        subject=bad.address,
        title=f"{bad.address}, one of {bad.siblings} hosts of {service_label(bad.cluster)}, "
        "fails while the others do not",
        requests=bad.failed,
        of=bad.requests,
        clients_at_least=witnesses.clients,
        first_seen=first_of(rows),
        since=when.since,
        until=when.until,
        onset_unclear=when.onset_unclear,
        gateways=gateways_of(facts, rows),
        upstream_hosts=(1, bad.siblings),
        where=all_of(
            is_request,
            is_one_of("outcome", _OF_ONE_HOST),
            equals("upstream_cluster", bad.cluster),
            equals("upstream_host", bad.address),
        ),
        proof=_proof(rows),
        examples=witnesses.examples,
        next=f"Find the pod{_pods_command(bad.address)}, read its log, and delete it if it does "
        "not recover.",
    )


_ADDRESS = re.compile(r"\[?([0-9A-Fa-f:.]+?)\]?(?::\d+)?")


def _pods_command(upstream_host: str) -> str:
    """Return the command that finds a pod by its address; none for what is no address."""
    address = _ADDRESS.fullmatch(upstream_host)
    return f" (kubectl get pods -A -o wide | grep -F {address[1]})" if address else ""
