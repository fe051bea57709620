"""Why no virtual host takes a host: which Gateway, VirtualService or binding is in the way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from envoylogs.mesh.diagnosis.bindings import explained_bindings
from envoylogs.mesh.diagnosis.changes import add_host_to_server
from envoylogs.mesh.diagnosis.host_index import spelling_hint
from envoylogs.mesh.diagnosis.kube_changes import add_listener
from envoylogs.mesh.diagnosis.objects import GATEWAY_API, port_words
from envoylogs.mesh.diagnosis.out_of_force import (
    explained_excluded,
    explained_out_of_force,
    with_conflict,
)
from envoylogs.mesh.explanation import Diagnosis, Now, Proof

if TYPE_CHECKING:
    from envoylogs.mesh.diagnosis.objects import Objects
    from envoylogs.mesh.diagnosis.refusals import Refusal
    from envoylogs.mesh.explanation import Certainty, Change
    from envoylogs.mesh.intent.values import Server
    from envoylogs.mesh.objects import ObjectName

_SHOWN = 5


def explained_host(refusal: Refusal, objects: Objects) -> Diagnosis:
    """Return why the objects make no virtual host for a host."""
    host = refusal.host or ""
    accepting = objects.servers.covering(host)
    of_port = [server for server in accepting if _is_of_port(server, refusal.request.port)]
    in_force = [server for server in of_port if server.is_taken]
    # A record with a host was read as HTTP: a server of connections had no part in it.
    in_force = [server for server in in_force if server.table is not None] or in_force
    dropped = explained_excluded(host, of_port, objects)
    if dropped is not None:
        return dropped
    if in_force:
        found = explained_bindings(host, in_force, objects)
        return _with_redirect(with_conflict(found, in_force[0]), in_force[0])
    if of_port:
        return explained_out_of_force(host, of_port[0], objects)
    elsewhere = [server for server in accepting if server.is_taken]
    if elsewhere:
        return _on_another_port(refusal, host, elsewhere, objects)
    if accepting:
        return explained_out_of_force(host, accepting[0], objects)
    return _no_gateway(refusal, host, objects)


def certainty_of(objects: Objects) -> Certainty:
    """Return how sure it is what no object does: both sides must be among what was given."""
    return "proved" if objects.has_gateways and objects.has_routes else "likely"


def _is_of_port(server: Server, port: int | None) -> bool:
    return port is None or not server.pod_ports or port in server.pod_ports


def _with_redirect(found: Diagnosis, server: Server) -> Diagnosis:
    """Add what is said where plain requests are redirected, and the others have no route."""
    if not server.https_redirect:
        return found
    says = "redirects plain requests; one that came by HTTPS to a proxy before it needs a route"
    step = Proof(str(server.gateway), f"servers[{server.index}].tls.httpsRedirect", "true", says)
    return replace(found, proof=(*found.proof, step))


def _on_another_port(
    refusal: Refusal, host: str, accepting: list[Server], objects: Objects
) -> Diagnosis:
    server, port = accepting[0], refusal.request.port
    says = (
        f"{server.gateway} accepts {host} on port {port_words(server)}, and the request "
        f"came to port {port} of the pod, where no server accepts it."
    )
    # A record shows a listener; where none is in the files, some server is not.
    has_listener = any(port in each.pod_ports for each in objects.intent.servers)
    if not has_listener:
        says = f"{says} The record shows that something listens there: it is not among the files."
    return Diagnosis(
        "port_not_served",
        certainty_of(objects) if has_listener else "likely",
        says,
        tuple(
            objects.step_of(each, f"accepts it on port {port_words(each)}")
            for each in accepting[:_SHOWN]
        ),
        tuple(dict.fromkeys(each.gateway for each in accepting)),
        None,
        Now(routed=False, why=f"no server of port {port} accepts it"),
    )


def _no_gateway(refusal: Refusal, host: str, objects: Objects) -> Diagnosis:
    """Return what is said where no server of any Gateway accepts the host."""
    if not objects.has_gateways:
        return _without_gateways(host, objects)
    routes = objects.routes.covering(host, with_any=False)
    if not routes and len(objects.routes.any) <= _SHOWN:
        routes = [
            route
            for route in objects.routes.any
            if any(binding.status != "mesh_only" for binding in objects.bindings[route])
        ]
    short = objects.short.get(host, [])
    wildcard = objects.servers.listing_wildcard_of(host)
    server = wildcard[0] if wildcard else _meant(refusal, host, [*routes, *short], objects)
    proof = [] if server is None else [objects.step_of(server, _says_of(server, host, wildcard))]
    proof += [objects.step_of_route(route, host) for route in routes[:_SHOWN]]
    proof += [_lists_short(route, host, objects) for route in short[:_SHOWN]]
    also = ""
    if routes:
        also = f"; {routes[0]} lists it"
    elif short:
        also = (
            f", and adding it to one alone would not route it: {short[0]} lists the short name, "
            f"which means {host}.{short[0].namespace}.svc and the mesh domain"
        )
    if wildcard:
        says = f"{wildcard[0].gateway} accepts *.{host}, which does not cover {host} itself{also}."
    else:
        says = f"No Gateway accepts {host}{also}.{spelling_hint(objects.servers, host)}"
    if server is not None and not server.hosts:
        says = f"{says} {server.gateway} has no servers: it opens no port and accepts no host."
    named = ([server.gateway] if server else []) + list(routes) + short
    absent = [
        binding
        for route in (*routes, *short)
        for binding in objects.bindings[route]
        if binding.status in {"gateway_not_in_files", "generated_gateway"}
    ]
    if absent:
        # One that is not in the files may accept the host.
        says = f"{says} {absent[0].why}"
        named = [absent[0].route, *named]
    return Diagnosis(
        "wildcard_does_not_cover" if wildcard else "no_gateway_for_host",
        "likely" if absent else certainty_of(objects),
        says,
        tuple(proof),
        tuple(dict.fromkeys(named))[:_SHOWN],
        _accept(server, host, objects, alone=bool(routes)) if wildcard or routes or short else None,
        Now(routed=False, why="no Gateway accepts the host"),
    )


def _without_gateways(host: str, objects: Objects) -> Diagnosis:
    """Return what is said where no Gateway was given: what its routes name, and what to give."""
    routes = objects.routes.covering(host)[:_SHOWN]
    bindings = [binding for route in routes for binding in objects.bindings[route]]
    odd = next((each for each in bindings if each.status != "gateway_not_in_files"), None)
    lead = f"{odd.why} " if odd else ""
    return Diagnosis(
        "not_in_files",
        "log_only",
        f"{lead}No Gateway is among the files, so whether one accepts {host} can't be said. "
        "Give kubectl get gateways.networking.istio.io,virtualservices -A -o yaml.",
        tuple(objects.step_of_route(route, host) for route in routes),
        tuple(routes),
    )


def _meant(
    refusal: Refusal, host: str, routes: list[ObjectName], objects: Objects
) -> Server | None:
    """Return the server that should accept a host: of what its routes name, else a near one."""
    named = {
        binding.gateway or binding.suggestion
        for route in routes
        for binding in objects.bindings[route]
    }
    of_routes = [server for server in objects.intent.servers if server.gateway in named]
    near = objects.servers.near(host) if not of_routes else []
    port = refusal.request.port
    on_port = [server for server in (*of_routes, *near) if _is_of_port(server, port)]
    found = [*on_port, *of_routes, *near]
    if not found and len({server.gateway for server in objects.intent.servers}) == 1:
        found = list(objects.intent.servers)
    return found[0] if found else None


def _accept(server: Server | None, host: str, objects: Objects, *, alone: bool) -> Change | None:
    target = objects.by_name.get(server.gateway) if server else None
    if server is None or target is None or not server.hosts:
        return None
    change: Change | None = (
        add_listener(target, server.index, host)
        if target.name.group == GATEWAY_API
        else add_host_to_server(target, server.index, host)
    )
    if alone or change is None:
        return change
    return replace(change, says=f"{change.says}; and list the full host in a VirtualService")


def _says_of(server: Server, host: str, wildcard: list[Server]) -> str:
    if not server.hosts:
        return "has no servers: it opens no port and accepts no host"
    if wildcard and server is wildcard[0]:
        return f"covers what is below {host}, and not {host} itself"
    return f"does not accept {host}"


def _lists_short(route: ObjectName, host: str, objects: Objects) -> Proof:
    hosts = ", ".join(objects.hosts_of(route)[:_SHOWN])
    return Proof(
        str(route), "spec.hosts", hosts,
        f"a host without a dot: {host} means {host}.{route.namespace}.svc in the mesh domain",
    )  # fmt: skip
