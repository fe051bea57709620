"""Why a connection was refused, or landed in the table of another host."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from envoylogs.mesh.diagnosis.changes import add_host_to_server, one_server
from envoylogs.mesh.diagnosis.credentials import explained_credential
from envoylogs.mesh.diagnosis.objects import GATEWAY_API
from envoylogs.mesh.diagnosis.passthrough import explained_passthrough
from envoylogs.mesh.explanation import Diagnosis, Now, Proof

if TYPE_CHECKING:
    from envoylogs.mesh.diagnosis.asking import Given
    from envoylogs.mesh.diagnosis.objects import Objects
    from envoylogs.mesh.diagnosis.refusals import Refusal
    from envoylogs.mesh.explanation import Change
    from envoylogs.mesh.intent.values import Server

_SHOWN = 5
_OF_OTHERS = {"selects_other_pods", "other_class"}
"""Reasons by which a server is one of other pods."""


def explained_reuse(refusal: Refusal, given: Given, objects: Objects | None) -> Diagnosis | None:
    """Return what is said of a host on a connection of another one; null if that is no cause.

    It is one if the table of the server name lacks the host, and that of its own name has it.
    """
    host, name = refusal.host, refusal.request.server_name
    if host is None or not name or name == host:
        return None
    there = given.answer(refusal.request)
    alone = given.answer(replace(refusal.request, server_name=host))
    servers = _tls_servers(objects, (name, host), refusal.request.port) if objects else []
    if there.virtual_host is not None or there.routing is None:
        return None
    is_another = alone.way.table is not there.way.table and alone.way.table is not None
    accepts = bool(objects and _tls_servers(objects, (host,), refusal.request.port))
    if not is_another or (alone.virtual_host is None and not accepts):
        return None
    table = there.way.table.name if there.way.table else ""
    own = alone.way.table.name if alone.way.table else ""
    origin = there.way.choice and there.way.choice.chain and there.way.choice.chain.origin
    gateways = list(dict.fromkeys(server.gateway for server in servers))
    if not gateways and origin:
        gateways = [origin]
    routed = alone.virtual_host is not None
    says = (
        f"The connection was opened for {name} and used again for {host}: the table of {name} does "
        f"not know {host}, "
    ) + (
        "which is routed on a connection of its own."
        if routed
        else "and that of its own name has no route for it either."
    )
    taker = alone.virtual_host.name if alone.virtual_host else "(none)"
    proof = [
        Proof("record", "requested_server_name", name, f"differs from the host {host}"),
        Proof(table or "route table", "virtual hosts", f"of {name}", f"none takes {host}"),
        Proof(own or "route table", "virtual host", taker, f"of {host}"),
    ]
    if objects:
        proof += [
            objects.step_of(server, f"certificate {', '.join(server.credentials) or 'not named'}")
            for server in servers[:_SHOWN]
        ]
    return Diagnosis(
        "tls_name_reused",
        "proved" if there.verdict == "unrouted" and not there.way.why else "likely",
        says,
        tuple(proof),
        tuple(gateways),
        _one_server(servers, objects) if objects else None,
        Now(
            routed=False,
            why=f"on a connection for {name}"
            + (f"; on one of its own {host} is routed" if routed else ""),
        ),
    )


def _tls_servers(objects: Objects, names: tuple[str, ...], port: int | None) -> list[Server]:
    """Return the TLS servers that accept two names on a port, each once."""
    found = [
        server
        for name in names
        for server in objects.servers.covering(name)
        if server.tls_mode is not None and (port is None or port in server.pod_ports)
    ]
    return list({(server.gateway, server.index): server for server in found}.values())


def _one_server(servers: list[Server], objects: Objects) -> Change | None:
    """Return the change that makes one server of several; null if that can't be."""
    first = servers[0].gateway if servers else None
    target = None if first is None else objects.by_name.get(first)
    if first is None or target is None or first.group == GATEWAY_API:
        return None
    same = [server.index for server in servers if server.gateway == first]
    others = [server for server in servers if server.gateway != first]
    hosts = [host for server in others for _, host in server.hosts]
    change = one_server(target, same, hosts)
    if not others:
        return change
    named = ", ".join(dict.fromkeys(str(server.gateway) for server in others))
    return replace(
        change,
        says=f"{change.says}; with the hosts of {named}, whose VirtualServices are then to name "
        f"{first}",
    )


def explained_connection(refusal: Refusal, given: Given, objects: Objects | None) -> Diagnosis:
    """Return why no filter chain took a connection."""
    request, name = refusal.request, refusal.request.server_name
    way = given.answer(request).way
    shown = name or "a connection without a server name"
    where = f"port {request.port}" if request.port is not None else "the port"
    if way.choice is not None and way.choice.verdict == "chain":
        servers = _tls_servers(objects, (name or "",), request.port) if objects else []
        lacking = explained_credential(shown, servers, objects) if objects else None
        if lacking is not None:
            return lacking
        origin = way.choice.chain.origin if way.choice.chain else None
        chain = way.choice.chain.name if way.choice.chain else ""
        return Diagnosis(
            "routed_now",
            "likely",
            f"The configuration given accepts {shown} on {where}: it is younger than the log, or "
            "the gateway has not taken it.",
            (Proof(str(origin or where), "filter chain", chain or "(no name)", f"takes {shown}"),),
            (origin,) if origin else (),
            None,
            Now(routed=True, why=f"filter chain {chain or 'without a name'}"),
        )
    if objects is None or not objects.has_gateways:
        return _by_listener(shown, where, given, refusal)
    return _by_servers(refusal, shown, where, objects)


def _by_listener(shown: str, where: str, given: Given, refusal: Refusal) -> Diagnosis:
    way = given.answer(refusal.request).way
    if way.listener is None or way.choice is None:
        return Diagnosis(
            "not_in_files",
            "log_only",
            f"No listener of {where} is among the files. Give istioctl proxy-config listeners "
            "deploy/istio-ingressgateway -n istio-system -o json.",
        )
    names = [name for chain in way.listener.chains for name in chain.server_names]
    listed = ", ".join(names[:_SHOWN]) or "(none)"
    is_open = way.choice.verdict == "may"
    return Diagnosis(
        "no_tls_server_for_name",
        "likely" if is_open else "proved",
        f"No filter chain of {where} takes {shown}.",
        (Proof(way.listener.name or where, "server names", listed, f"none is {shown}"),),
        now=Now(routed="may" if is_open else False, why=", ".join(way.choice.why)),
    )


def _by_servers(refusal: Refusal, shown: str, where: str, objects: Objects) -> Diagnosis:
    name, port = refusal.request.server_name, refusal.request.port
    servers = [each for each in objects.intent.servers if each.tls_mode is not None]
    of_port = [each for each in servers if port is None or port in each.pod_ports]
    accepting = objects.servers.covering(name) if name else []
    elsewhere = [each for each in accepting if each.tls_mode is not None and each not in of_port]
    wildcard = objects.servers.listing_wildcard_of(name) if name else []
    plain = [each for each in accepting if each.tls_mode is None]
    now = Now(routed=False, why=f"no TLS server of {where} takes {shown}")
    proof = [objects.step_of(each, f"does not take {shown}") for each in of_port[:_SHOWN]]
    out = [each for each in accepting if each in of_port and not each.is_taken]
    if out:
        return Diagnosis(
            "gateway_selects_other_pods" if out[0].reason in _OF_OTHERS else "shadowed",
            "proved" if out[0].in_force is False else "likely",
            f"{out[0].gateway} takes {shown}, and is not in force: {out[0].why}",
            (objects.step_of(out[0], out[0].why),), (out[0].gateway,), None, now,
        )  # fmt: skip
    taking = [each for each in accepting if each in of_port and each.tls_mode is not None]
    passed = explained_passthrough(name, taking, objects) if name else None
    if passed is not None:
        return passed
    if elsewhere:
        proof = [objects.step_of(each, f"takes {shown}") for each in elsewhere[:_SHOWN]]
        ports = ", ".join(sorted({str(p) for each in elsewhere for p in each.pod_ports}))
        return Diagnosis(
            "port_not_served", "proved",
            f"{elsewhere[0].gateway} takes {shown} on port {ports} of the pod, and the connection "
            f"came to {where}.", tuple(proof), (elsewhere[0].gateway,), None, now,
        )  # fmt: skip
    target = next(iter((*wildcard, *of_port)), None)
    found = objects.by_name.get(target.gateway) if target else None
    change = None
    if found is not None and target is not None and name and found.name.group != GATEWAY_API:
        change = add_host_to_server(found, target.index, name)
    because = ""
    if wildcard:
        because = f": *.{name} does not cover {name} itself"
    elif plain:
        because = f": {plain[0].gateway} serves it as plain HTTP only"
    return Diagnosis(
        "wildcard_does_not_cover" if wildcard else "no_tls_server_for_name",
        "proved",
        f"No TLS server of {where} takes {shown}{because}.",
        tuple(proof),
        (target.gateway,) if target else (),
        change,
        now,
    )
