"""Findings about TLS: connections reused for another host, server names that are refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.failures.lookup import FAILURES
from envoylogs.envoy.harm import Actor
from envoylogs.envoy.outcomes import UNROUTED
from envoylogs.summary.findings.conditions import all_of, equals, is_as_in, unrouted_of
from envoylogs.summary.findings.finding import MOST_SUBJECTS, Finding, OfMany, Severity, severity_of
from envoylogs.summary.findings.proof import (
    first_of,
    last_of,
    listed,
    most_frequent,
    proof_of,
    sum_of,
    unrouted_rows,
    witnesses_among,
)
from envoylogs.summary.findings.weighing import is_burst
from envoylogs.summary.judged import Parts
from envoylogs.summary.paths import grace_us

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envoylogs.summary.findings.whole_log import WholeLog

_MEANT, _ASKERS = 10, 3
_IS_REFUSED = pl.col("outcome") == "no_filter_chain"

_REUSE_NEXT = (
    "HTTP/2 clients reuse the connection of another host with the same certificate and land in "
    "its route table. Put all hosts of one certificate into one server of one Gateway, or give "
    "each host a certificate of its own."
)


def tls_findings(log: WholeLog) -> list[Finding]:
    """Return what is wrong with TLS connections to the gateway."""
    return [
        *_tls_reuse(log),
        *_lost_tls_names(log),
        *_refused_without_name(log),
        *_nothing_accepted(log),
    ]


def _tls_reuse(log: WholeLog) -> Iterator[Finding]:
    """Yield hosts that clients asked for over the connection of another, known one.

    Strangers send any host over any name, so one that was never routed must be of
    the same domain as the name: it takes one certificate for both.
    """
    if log.requests["requested_server_name"].null_count() == log.requests.height:
        return
    lost = log.path_states.filter("host_lost")["host"].unique()
    domain = {c: pl.col(c).str.extract(r"([^.]+\.[^.]+)$") for c in ("host", "server_name")}
    same_domain = domain["host"] == domain["server_name"]
    reused = _unlike_names(
        log.requests.filter(~pl.col("host").is_in(lost.implode(), nulls_equal=True))
    ).filter(
        pl.col("server_name").is_in(log.known_hosts.implode()) & (pl.col("known") | same_domain)
    )
    rows_of = Parts(reused)
    by_name = reused.lazy().group_by("host", "server_name").agg(pl.col("requests").sum())
    most_first = by_name.sort(-pl.col("requests"), "server_name")
    by_host = most_first.group_by("host", maintain_order=True).agg(
        pl.col("requests").sum(), pl.col("server_name").first()
    )
    ordered = by_host.sort(-pl.col("requests"), "host").head(MOST_SUBJECTS)
    for host, requests, server_name in ordered.collect().iter_rows():
        rows = rows_of.of(host=host)
        _, witnesses = unrouted_rows(log, host)
        total = sum_of(log.requests_of(host))
        severity = severity_of(requests, total)
        if not rows["known"].any():
            meant = requests >= _MEANT and witnesses.clients >= _ASKERS
            severity = max(severity, Severity.MEDIUM if meant else Severity.INFO)
        yield Finding(
            code="tls_reuse",
            severity=severity,
            who=Actor.CONFIGURATION,
            subject=host,
            title=f"{host} is asked for over connections opened for {server_name}",
            requests=requests,
            of=total,
            **witnesses.told(log, rows),
            where=unrouted_of(host, is_as_in(rows, "requested_server_name")),
            proof=f"requested_server_name is {server_name}, the authority is {host}.",
            failure="route_missing",
            next=_REUSE_NEXT,
        )


def _unlike_names(requests: pl.DataFrame) -> pl.DataFrame:
    """Return the unrouted of some requests whose TLS server name is not their host.

    They are rows of ``Judged.requests``, with ``server_name``.
    """
    name = pl.col("requested_server_name").str.to_lowercase()
    return requests.filter(
        pl.col("outcome").is_in(UNROUTED) & (name != pl.col("host"))
    ).with_columns(name.alias("server_name"))


def with_reuse_hint(log: WholeLog, found: Finding) -> Finding:
    """Return a finding about requests without a route, with the hint where it is in place.

    It is a suspicion and no proof: that the route table of the server name lacks
    the host is not in the log.
    """
    unlike = _unlike_names(log.requests.filter(pl.col("host") == found.subject))
    requests = int(unlike["requests"].sum())
    if 2 * requests < found.requests or not requests:
        return found
    name = most_frequent(unlike, "server_name")[0]
    proof = f"TLS server name {name}, authority {found.subject}"
    return replace(
        found,
        proof=f"{found.proof} {proof}." if found.proof else proof,
        next=f"Connections may be reused: they were opened for {name}. {_REUSE_NEXT} Otherwise: "
        f"{found.next[:1].lower()}{found.next[1:]}",
    )


def _lost_tls_names(log: WholeLog) -> Iterator[Finding]:
    """Yield TLS server names that were accepted earlier and are refused since."""
    refused = Parts(log.connections.filter(_IS_REFUSED & pl.col("known")))
    if refused.rows.is_empty():
        return
    others = Parts(log.everything.filter(~_IS_REFUSED))
    kept = Parts(log.evidence.filter(_IS_REFUSED))
    for name in refused.rows["requested_server_name"].unique().sort().head(MOST_SUBJECTS):
        rows, of_host = refused.of(requested_server_name=name), others.of(host=name.lower())
        other_name = of_host["requested_server_name"].ne_missing(name)
        accepted = others.of(requested_server_name=name).vstack(of_host.filter(other_name))
        since, last, before = first_of(rows), last_of(accepted), first_of(accepted)
        if since is None or before is None or before >= since:
            continue
        requests, until = sum_of(rows), None
        total = requests
        if last is None or last > since + grace_us(log):
            total += sum_of(accepted)
            of_name = log.timelines.of(server_name=name).vstack(log.timelines.of(host=name.lower()))
            stretch = log.timelines.stretch(of_name, pl.col("failure") == "name_refused")
            if stretch.episode.since is not None:
                since, until = stretch.episode.since, stretch.episode.until
                requests, total = stretch.requests, stretch.of
        yield Finding(
            code="lost_tls_name",
            severity=severity_of(requests, total),
            who=Actor.CONFIGURATION,
            subject=name,
            title=f"TLS connections for {name} are refused: no filter chain accepts the name"
            + ("" if requests == total else " on some of them"),
            requests=requests,
            of=total,
            since=since,
            until=until,
            timed=True,
            where=_refused(name),
            proof="NR without HTTP fields; the same name was served before.",
            **witnesses_among(kept.of(server_name=name)).told(log, rows, since),
            failure="name_refused",
            of_many=OfMany(
                "TLS connections for {label} are refused",
                FAILURES["name_refused"].next,
                noun="server names",
            ),
            next=FAILURES["name_refused"].next,
        )


def _refused(*conditions: str | None) -> str:
    """Return that a connection was refused, of a server name or of none."""
    return all_of(
        equals("outcome", "no_filter_chain"),
        *(equals("requested_server_name", name) for name in conditions),
    )


_NO_NAME = (
    "None of these has a TLS server name. A load balancer before the gateway may end TLS itself "
    "and send plain text to the TLS port: let it pass TCP through, or give the gateway a plain "
    "HTTP server. Or clients send no name: then a Gateway server with host * is needed."
)


def _refused_without_name(log: WholeLog) -> Iterator[Finding]:
    """Yield ports that took connections without a server name earlier and refuse them since."""
    nameless = (
        (pl.col("kind") == "connection")
        & (pl.col("failure") == "name_refused")
        & pl.col("server_name").is_null()
    )
    for port in log.timelines.rows.filter(nameless)["port"].unique().sort(nulls_last=True):
        # Whoever names no server is among all that came to the port.
        stretch = log.timelines.stretch(log.timelines.of(port=port), nameless)
        if stretch.episode.since is None or not (is_burst(stretch) and stretch.replaced):
            continue
        rows = log.connections.filter(_IS_REFUSED & pl.col("requested_server_name").is_null())
        kept = log.evidence.filter(_IS_REFUSED & pl.col("server_name").is_null())
        whose = "" if port is None else f" to :{port}"
        at_port = [] if port is None else [f"downstream_local_address LIKE '%:{port}'"]
        yield Finding(
            code="connections_refused",
            severity=severity_of(stretch.requests, stretch.of),
            who=Actor.CONFIGURATION,
            subject="connections without a TLS server name",
            title=f"Connections without a TLS server name{whose} are refused: no filter chain "
            "accepts them",
            **(stretch.told(None) | witnesses_among(kept).told(log, rows)),
            where=all_of(_refused(None), *at_port),
            proof="NR without HTTP fields; the port took connections before.",
            failure="name_refused",
            next=_NO_NAME,
        )


def _nothing_accepted(log: WholeLog) -> Iterator[Finding]:
    """Yield refused connections where nothing else is in the log: that is no stranger's fault."""
    refused = log.connections.filter(_IS_REFUSED)
    if refused.is_empty() or not log.only_refused:
        return
    names = [name for name in most_frequent(refused, "requested_server_name") if name is not None]
    listeners = refused["gateway"].drop_nulls().unique().sort().to_list()
    witnesses = witnesses_among(log.evidence.filter(_IS_REFUSED))
    to = f" to {listed([f':{port}' for port in witnesses.ports])}" if witnesses.ports else ""
    requests = sum_of(refused)
    who = f"for {listed(names)}" if names else "and none had a TLS server name"
    yield Finding(
        code="connections_refused",
        severity=severity_of(requests, requests),
        who=Actor.CONFIGURATION,
        subject=names[0] if names else (listeners[0] if len(listeners) == 1 else "gateway"),
        title=f"All connections{to} are refused{'' if names else ','} {who}: "
        "nothing was ever accepted in this log",
        requests=requests,
        of=requests,
        **witnesses.told(log, refused),
        where=_refused(),
        proof=proof_of(refused),
        failure="name_refused",
        next=FAILURES["name_refused"].next if names else _NO_NAME,
    )
