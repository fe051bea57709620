"""Why a connection that a Gateway passes through was refused: nothing says where it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.mesh.diagnosis.changes import add_sni_host
from envoylogs.mesh.diagnosis.objects import GATEWAY_API, dicts, texts
from envoylogs.mesh.explanation import Diagnosis, Now, Proof

if TYPE_CHECKING:
    from envoylogs.mesh.diagnosis.objects import Objects
    from envoylogs.mesh.intent.values import Server
    from envoylogs.mesh.objects import MeshObject, ObjectName

_SHOWN = 5
_PASSING = {"PASSTHROUGH", "AUTO_PASSTHROUGH"}


def explained_passthrough(name: str, servers: list[Server], objects: Objects) -> Diagnosis | None:
    """Return why nothing takes a name that servers accept to pass it on; null if none does.

    Args:
        name: Of the TLS handshake.
        servers: TLS servers that are in force, of the port that was asked, and accept the name.
        objects: What was given.
    """
    passing = [server for server in servers if server.tls_mode in _PASSING]
    if not passing:
        return None
    server = passing[0]
    bound = sorted(objects.bound_to(each.gateway for each in passing))
    listing = [route for route in objects.routes.covering(name) if route in bound]
    route = next(iter((*listing, *bound)), None)
    accepts = objects.step_of(server, f"accepts {name}, and passes its TLS on")
    now = Now(routed=False, why=f"no tls route is for {name}")
    if route is None:
        return Diagnosis(
            "gateway_without_virtualservice",
            "proved" if objects.has_routes else "likely",
            f"{server.gateway} accepts {name} to pass it on, and nothing that is bound to it says "
            "where to.",
            (accepts,),
            (server.gateway,),
            None,
            now,
        )
    step, lacks = _step_of(route, name, objects)
    target = objects.by_name.get(route)
    change = None
    if target is not None and target.name.group != GATEWAY_API and name not in _sni_hosts(target):
        change = add_sni_host(target, name)
    return Diagnosis(
        "host_not_in_virtualservice",
        "proved",
        f"{server.gateway} accepts {name} to pass it on, and {route}, which is bound to it, "
        f"{lacks}.",
        (accepts, step),
        (route, server.gateway),
        change,
        now,
    )


def _step_of(route: ObjectName, name: str, objects: Objects) -> tuple[Proof, str]:
    """Return what a route object lacks, as a step and in words."""
    target = objects.by_name.get(route)
    if target is None or route.kind != "VirtualService":
        hosts = ", ".join(objects.hosts_of(route)[:_SHOWN]) or "(missing)"
        field = f"spec.{objects.host_field(route)}"
        return Proof(str(route), field, hosts, f"none is {name}"), f"has no route for {name}"
    hosts_of_tls = _sni_hosts(target)
    if not hosts_of_tls:
        says = "has no tls rules: http rules are for what the gateway decrypts"
        return Proof(str(route), "spec.tls", "(missing)", says), says
    listed = ", ".join(hosts_of_tls[:_SHOWN])
    lacks = f"has no tls rule whose sniHosts cover {name}"
    return Proof(str(route), "spec.tls[].match[].sniHosts", listed, f"none is {name}"), lacks


def _sni_hosts(target: MeshObject) -> list[str]:
    return [
        host
        for rule in dicts(target.spec.get("tls"))
        for match in dicts(rule.get("match"))
        for host in texts(match.get("sniHosts"))
    ]
