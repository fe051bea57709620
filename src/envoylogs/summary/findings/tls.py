"""Findings about TLS: connections reused for another host, server names that are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.outcomes import UNROUTED
from envoylogs.summary.findings.conditions import all_of, equals, is_one_of, unrouted_of
from envoylogs.summary.findings.finding import Finding, severity_of
from envoylogs.summary.findings.proof import first_of, gateways_of, is_host, sum_of, witnesses_of
from envoylogs.summary.paths import grace_us

if TYPE_CHECKING:
    from envoylogs.summary.facts import Facts

__all__ = ["tls_findings"]

_MOST_SUBJECTS = 20
_UNROUTED = pl.col("outcome").is_in(UNROUTED)


def tls_findings(facts: Facts, paths: pl.DataFrame) -> list[Finding]:
    """Return what is wrong with TLS connections to the gateway.

    Args:
        facts: Of the log.
        paths: See ``paths.path_states``.
    """
    return [*_tls_reuse(facts, paths), *_lost_tls_names(facts)]


def _tls_reuse(facts: Facts, paths: pl.DataFrame) -> list[Finding]:
    """Return known hosts that clients asked for over the connection of another one."""
    name = pl.col("requested_server_name").str.to_lowercase()
    lost = paths.filter("host_lost")["host"].unique()
    reused = facts.requests.filter(
        pl.col("unrouted")
        & pl.col("known")
        & ~pl.col("host").is_in(lost.implode())
        & name.is_not_null()
        & (name != pl.col("host"))
        & name.is_in(facts.known_hosts.implode())
    )
    findings = []
    by_name = reused.group_by("host", name.alias("server_name")).agg(pl.col("requests").sum())
    most_first = by_name.sort("requests", "server_name", descending=[True, False])
    by_host = most_first.group_by("host", maintain_order=True).agg(
        pl.col("requests").sum(), pl.col("server_name").first()
    )
    for host, requests, server_name in (
        by_host.sort("requests", "host", descending=[True, False]).head(_MOST_SUBJECTS).rows()
    ):
        rows = reused.filter(is_host(host))
        witnesses = witnesses_of(facts, is_host(host) & _UNROUTED)
        total = sum_of(facts.requests.filter(is_host(host)))
        findings.append(
            Finding(
                code="tls_reuse",
                severity=severity_of(requests, total),
                subject=host,
                title=f"{host} is asked for over connections opened for {server_name}",
                requests=requests,
                of=total,
                clients_at_least=witnesses.clients,
                first_seen=first_of(rows),
                gateways=gateways_of(facts, rows),
                where=unrouted_of(
                    host,
                    is_one_of(
                        "requested_server_name", rows["requested_server_name"].unique().sort()
                    ),
                ),
                proof=f"requested_server_name is {server_name}, the authority is {host}.",
                examples=witnesses.examples,
                next="Two Gateways share one certificate, so HTTP/2 clients reuse connections. "
                "Put both hosts in one Gateway server, or give each its own certificate.",
            )
        )
    return findings


def _lost_tls_names(facts: Facts) -> list[Finding]:
    """Return TLS server names that were accepted earlier and are refused since."""
    refused = facts.connections.filter((pl.col("outcome") == "no_filter_chain") & pl.col("known"))
    findings = []
    server_name = pl.col("requested_server_name")
    for name in refused["requested_server_name"].unique().sort().head(_MOST_SUBJECTS):
        rows = refused.filter(server_name == name)
        accepted = pl.concat(
            [
                facts.requests.filter((server_name == name) | is_host(name.lower())),
                facts.connections.filter(
                    (server_name == name) & (pl.col("outcome") != "no_filter_chain")
                ),
            ],
            how="diagonal",
        )
        since, last, before = rows["first"].min(), accepted["last"].max(), accepted["first"].min()
        if not isinstance(since, int) or not isinstance(before, int) or not before < since:
            continue
        lost = isinstance(last, int) and last <= since + grace_us(facts)
        witnesses = witnesses_of(
            facts, (pl.col("server_name") == name) & (pl.col("outcome") == "no_filter_chain")
        )
        requests = sum_of(rows)
        total = requests if lost else requests + sum_of(accepted)
        findings.append(
            Finding(
                code="lost_tls_name",
                severity=severity_of(requests, total),
                subject=name,
                title=f"TLS connections for {name} are refused: no filter chain accepts the name"
                + ("" if lost else " on some of them"),
                requests=requests,
                of=total,
                clients_at_least=witnesses.clients,
                first_seen=since,
                since=since,
                gateways=gateways_of(facts, rows),
                where=all_of(
                    equals("outcome", "no_filter_chain"), equals("requested_server_name", name)
                ),
                proof="NR without HTTP fields; the same name was served before.",
                examples=witnesses.examples,
                next="Check that a Gateway server with TLS still lists this host and that its "
                "credentialName exists: kubectl get gateway -A; kubectl get secret -n istio-system",
            )
        )
    return findings
