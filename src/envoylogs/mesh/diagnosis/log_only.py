"""What the log alone says of why a request was turned away: candidates, and what decides.

An unknown host, a missing VirtualService and a path without a route write the
same line from Istio 1.8 on, so nothing here is proved.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envoylogs.envoy.failures.lookup import FAILURES
from envoylogs.mesh.explanation import Candidate, Diagnosis, Proof

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envoylogs.mesh.diagnosis.refusals import Refusal, Routed, Seen

_PORT = re.compile(r":\d+$")
_OBJECTS = "kubectl get gateways.networking.istio.io,virtualservices -A -o yaml"
_SERVICES = "kubectl get services,destinationrules,serviceentries -A -o yaml"
_WHO = "kubectl get virtualservices,gateways.networking.istio.io -A -o yaml --show-managed-fields"


_PARTS_OF_CLUSTER = 4
_ROUTED_THEMSELVES = {"no_cluster", "no_endpoints"}
_CORS = "The corsPolicy of its route answered a preflight of a browser."


def _dump(seen: Seen, what: str) -> str:
    """Return the command that prints routes, listeners or clusters of the gateway."""
    return f"istioctl proxy-config {what} {seen.gateway} -o json"


def explained_by_log(refusal: Refusal, seen: Seen) -> Diagnosis:
    """Return what the log says of a refusal: the likeliest cause, and all candidates."""
    candidates = tuple(_candidates(refusal, seen))
    proof = tuple(_shown(refusal, seen))
    if not candidates:
        return _by_failure(refusal, proof)
    first = candidates[0]
    return Diagnosis(
        first.cause,
        "log_only",
        first.says if len(candidates) == 1 else f"The likeliest: {first.says}",
        proof,
        candidates=candidates,
        by_path=first.cause in {"path_not_matched", "condition_not_met"},
    )


_POLICY = re.compile(
    r"ns\[(?P<namespace>[^\]]*)\]-policy\[(?P<name>[^\]]*)\]-rule\[(?P<rule>\d+)\]"
)
"""What Istio has Envoy say of the AuthorizationPolicy that denied a request."""


def _by_failure(refusal: Refusal, proof: tuple[Proof, ...]) -> Diagnosis:
    """Return what flag and details say of a request that no route turned away."""
    failure = FAILURES.get(refusal.failure or "")
    label = refusal.host or refusal.cluster or "the gateway"
    codes = "" if refusal.code is None else str(refusal.code)
    says = f"The gateway answered by itself: {refusal.outcome}."
    if failure is not None:
        says = f"{failure.says.format(label=label, codes=codes)}."
    policy = _POLICY.search(refusal.details or "")
    if policy is not None:
        name = f"AuthorizationPolicy {policy['namespace']}/{policy['name']}"
        says = f"{says} {name} did it, by its rule {policy['rule']}."
    return Diagnosis("refused_by_policy", "log_only", says, proof)


def _candidates(refusal: Refusal, seen: Seen) -> Iterator[Candidate]:
    """Yield what may be the cause, the likeliest first."""
    if refusal.outcome == "no_filter_chain":
        yield from _of_connection(refusal, seen)
    elif refusal.outcome in {"no_route", "blackhole"}:
        yield from _of_unrouted(refusal, seen)
    elif refusal.outcome == "no_cluster":
        yield from _of_cluster(refusal, seen)
    elif refusal.outcome == "no_endpoints":
        cluster = refusal.cluster or "the cluster"
        yield Candidate(
            "no_endpoints",
            f"{cluster} has no endpoint that could answer.",
            f"istioctl proxy-config endpoints {seen.gateway} --cluster '{refusal.cluster or ''}'",
        )
    elif refusal.outcome in {"direct_response", "fault_injected", "blocked"}:
        yield Candidate(
            "direct_by_configuration",
            _CORS
            if refusal.details == "cors_response"
            else f"The gateway answered {refusal.code or 'so'} because it was told to"
            f"{f', by route {refusal.route_name}' if refusal.route_name else ''}.",
            _dump(seen, "routes"),
        )


def _of_cluster(refusal: Refusal, seen: Seen) -> Iterator[Candidate]:
    """Yield why a cluster may be missing: one without a subset lacks none."""
    parts = (refusal.cluster or "").split("|")
    subset = parts[2] if len(parts) == _PARTS_OF_CLUSTER else None
    if subset != "":
        named = f"subset {subset}" if subset else "a subset"
        yield Candidate(
            "subset_unknown",
            f"The route names {named} that no DestinationRule defines.",
            _SERVICES,
        )
    yield Candidate(
        "service_missing",
        "The route names a service or a port that the gateway has no cluster for.",
        _dump(seen, "clusters"),
    )


def _of_connection(refusal: Refusal, seen: Seen) -> Iterator[Candidate]:
    name, port = refusal.request.server_name, refusal.request.port
    where = f" on port {port}" if port else ""
    if name is None:
        yield Candidate(
            "no_tls_server_for_name",
            f"No filter chain{where} takes a connection without a TLS server name: plain text to "
            "a TLS port, or a client that sends no name.",
            _dump(seen, "listeners"),
        )
        return
    if name in seen.hosts or name in seen.server_names:
        yield Candidate(
            "no_tls_server_for_name",
            f"{name} was accepted elsewhere in this log: its server went away, or is on another "
            f"port than the one that was asked{where}.",
            _dump(seen, "listeners"),
        )
        return
    yield Candidate(
        "no_tls_server_for_name", f"No TLS server{where} accepts {name}.", _dump(seen, "listeners")
    )


def _of_unrouted(refusal: Refusal, seen: Seen) -> Iterator[Candidate]:
    host, name = refusal.host, refusal.request.server_name
    if refusal.outcome == "blackhole":
        where = f" {refusal.request.port}" if refusal.request.port else ""
        yield Candidate(
            "gateway_without_virtualservice",
            f"The blackhole answered: no VirtualService at all is bound to port{where} of this "
            "gateway.",
            _dump(seen, "routes"),
        )
        yield Candidate(
            "virtualservice_not_bound",
            "A VirtualService lists the host and names no Gateway.",
            _OBJECTS,
        )
        return
    if host is None:
        yield Candidate("no_gateway_for_host", "The request named no host.", _dump(seen, "routes"))
        return
    known = seen.hosts.get(host)
    if known and name and name != host:
        yield Candidate(
            "tls_name_reused",
            f"The connection was opened for {name}, and its table does not know {host}, which is "
            "routed on other connections.",
            _dump(seen, "listeners"),
        )
    asked = refusal.request.authority or ""
    if known and _PORT.search(asked) and asked != host:
        yield Candidate(
            "port_in_host",
            f"The host came with a port, {asked}, and {host} is routed without: Istio before 1.15 "
            "compares the port.",
            _dump(seen, "routes"),
        )
    path = seen.paths.get((host, refusal.path_group or ""))
    if path is not None:
        yield Candidate(
            "host_not_in_virtualservice",
            f"The same path of {host} was routed{_until(path, refusal)}: its route was taken away.",
            _WHO,
        )
    elif known:
        yield Candidate(
            "path_not_matched",
            f"Other paths of {host} are routed, and no route takes this one.",
            _dump(seen, "routes"),
        )
        yield Candidate(
            "condition_not_met",
            "A route takes the path, and asks for a method or a header too.",
            _dump(seen, "routes"),
        )
    if not known:
        yield from _of_stranger(host, seen)


def _of_stranger(host: str, seen: Seen) -> Iterator[Candidate]:
    """Yield what may be the cause where a host was never routed in this log."""
    _, _, parent = host.partition(".")
    if host in seen.domains:
        yield Candidate(
            "wildcard_does_not_cover",
            f"Hosts below {host} are routed: a wildcard *.{host} does not cover {host} itself.",
            _OBJECTS,
        )
    yield Candidate("no_gateway_for_host", f"No Gateway of this gateway lists {host}.", _OBJECTS)
    yield Candidate(
        "host_not_in_virtualservice",
        f"A Gateway accepts {host}"
        f"{f', as it does others of {parent}' if parent in seen.domains else ''}, and no "
        "VirtualService that is bound to it lists it.",
        _OBJECTS,
    )
    yield Candidate(
        "virtualservice_not_bound",
        f"A VirtualService lists {host}, and names no Gateway or another one.",
        _OBJECTS,
    )


def _shown(refusal: Refusal, seen: Seen) -> Iterator[Proof]:
    """Yield what the record and the rest of the log show."""
    record = "record"
    if refusal.details:
        yield Proof(record, "response_code_details", refusal.details, "why, as Envoy says it")
    elif refusal.outcome == "blackhole":
        yield Proof(
            record, "route_name", refusal.route_name or "(missing)",
            "404 without flag, cluster and host: the blackhole of Istio 1.1 to 1.7",
        )  # fmt: skip
    known = seen.hosts.get(refusal.host or "")
    until = "" if known is None else _until(known, refusal)
    # A request without a cluster was routed too: that of itself says nothing.
    if known is not None and (until or refusal.outcome not in _ROUTED_THEMSELVES):
        yield Proof("log", "authority", refusal.host or "", f"was routed in this log{until}")


def _until(routed: Routed, refusal: Refusal) -> str:
    """Return until when something was routed, if that was over before these requests."""
    last_us, first_us = routed.last_us, refusal.first_us
    is_over = last_us is not None and first_us is not None and last_us < first_us
    return f" until {routed.until}" if is_over else ""
