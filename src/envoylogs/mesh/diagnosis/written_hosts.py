"""Why a host that is written in another way has no route: with a port, or a dot at its end."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from envoylogs.mesh.explanation import Diagnosis, Now, Proof

if TYPE_CHECKING:
    from envoylogs.mesh.diagnosis.asking import Answer
    from envoylogs.mesh.diagnosis.refusals import Refusal, Seen
    from envoylogs.mesh.intent import GatewayFacts

_PORT = re.compile(r"^(\[.*\]|[^:]*):(\d+)$")
_SHOWN = 5
_CHANGE = "Send clients to port 80 or 443, or upgrade Istio: from 1.15 on the port is ignored."


def without_port(refusal: Refusal) -> Refusal | None:
    """Return the same for the host without its port; null if it has none."""
    parts = _PORT.match(refusal.request.authority or "")
    if parts is None:
        return None
    return replace(refusal, request=replace(refusal.request, authority=parts[1]))


def explained_by_port(refusal: Refusal, bare: Answer, seen: Seen) -> Diagnosis | None:
    """Return what is said where only the port in the host is in the way; null if it is not.

    Args:
        refusal: For a host with a port.
        bare: What becomes of the same without it.
        seen: What else the log shows.
    """
    host, table = bare.virtual_host, bare.way.table
    if host is None:
        return None
    authority = refusal.request.authority or ""
    name = refusal.host or ""
    field = f"virtual host {host.name}, domains"
    compared = f"none is {authority}, and the port is not ignored"
    named = table.name if table and table.name else "route table"
    proof = [Proof(named, field, ", ".join(host.domains[:_SHOWN]), compared)]
    if name in seen.hosts:
        proof.append(Proof("log", "authority", name, "was routed in this log without a port"))
    return Diagnosis(
        "port_in_host",
        "proved",
        f"{authority} came with a port that the table compares and does not know; {name} without "
        f"it is routed. {_CHANGE}",
        tuple(proof),
        bare.origins,
        None,
        Now(routed=False, why=f"the port in {authority}; without it the host is routed"),
    )


def explained_by_release(
    refusal: Refusal, answer: Answer, seen: Seen, facts: GatewayFacts
) -> Diagnosis | None:
    """Return what is said where a port in the host matters by the release of Istio.

    Null if the host came without one, or nothing says that the release is an old one: the host
    was not routed without its port in this log, nor are its records of old releases.
    """
    authority, name = refusal.request.authority or "", refusal.host or ""
    is_routed, release = name in seen.hosts, facts.release
    if _PORT.match(authority) is None or not (is_routed or release):
        return None
    proof = [Proof("record", "authority", authority, "has a port in the host")]
    if is_routed:
        proof.append(Proof("log", "authority", name, "was routed without a port"))
    if release is not None:
        shape = f"records of this shape are of Istio up to {release[0]}.{release[1]}"
        proof.append(Proof("log", "columns", "", f"{shape}, which compares the port"))
    return Diagnosis(
        "port_in_host",
        "proved" if is_routed and release else "likely",
        f"{authority} came with a port: {name} without it is routed, and Istio before 1.15 "
        f"compares the port. {_CHANGE}",
        tuple(proof),
        answer.origins,
        None,
        replace(answer.now, routed="may", why="the release of Istio") if answer.now else None,
    )


def without_dot(refusal: Refusal) -> Refusal | None:
    """Return the same for the host without the dot at its end; null if it has none."""
    host, port = refusal.host or "", refusal.request.authority or ""
    if not host.endswith(".") or host == ".":
        return None
    bare = host[:-1] + port[len(host) :]
    return replace(refusal, request=replace(refusal.request, authority=bare))


def explained_by_dot(refusal: Refusal, bare: Answer) -> Diagnosis | None:
    """Return what is said where only the dot at the end is in the way; null if it is not."""
    host, name = bare.virtual_host, refusal.host or ""
    if host is None:
        return None
    table = bare.way.table
    named = table.name if table and table.name else "route table"
    domains = ", ".join(host.domains[:_SHOWN])
    return Diagnosis(
        "trailing_dot_in_host",
        "proved",
        f"{name} ends with a dot, which Istio does not take off; {name[:-1]} is routed.",
        (Proof(named, f"virtual host {host.name}, domains", domains, f"none is {name}"),),
        bare.origins,
        None,
        Now(routed=False, why=f"the dot at the end of {name}; without it the host is routed"),
    )


def without_host(*, certain: bool) -> Diagnosis:
    """Return what is said of a request that named no host, as of HTTP/1.0.

    Args:
        certain: Whether the table of its port is known.
    """
    return Diagnosis(
        "no_gateway_for_host",
        "proved" if certain else "likely",
        "The request named no host, and no virtual host is for all hosts.",
        now=Now(routed=False, why="no virtual host is for all hosts"),
    )
