"""Why a server that accepts a host is not in force at the gateway of the log."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from envoylogs.mesh.diagnosis.changes import leave_hosts, name_gateway, select_pods
from envoylogs.mesh.diagnosis.objects import GATEWAY_API
from envoylogs.mesh.explanation import Diagnosis, Now, Proof

if TYPE_CHECKING:
    from envoylogs.mesh.diagnosis.objects import Objects
    from envoylogs.mesh.explanation import Change
    from envoylogs.mesh.intent.values import Server

_UNROUTED = Now(routed=False, why="no virtual host takes the host")
_OUT_OF_FORCE = {
    "selects_other_pods": "gateway_selects_other_pods",
    "other_class": "gateway_selects_other_pods",
    "invalid": "no_gateway_for_host",
    "no_servers": "no_gateway_for_host",
}
_WORKLOADS = {"Pod", "Deployment", "ReplicaSet", "DaemonSet", "StatefulSet"}


def explained_excluded(host: str, servers: list[Server], objects: Objects) -> Diagnosis | None:
    """Return what is said where the host's routes are bound to a server that another excludes.

    Null if there is none. The server that is in force accepts the host, and has no routes for it.
    """
    for server in servers:
        if server.reason != "tls_host_taken" or server.excluded_by is None:
            continue
        taken = [route for route in objects.routes.covering(host)
                 if route in objects.bound.get(server.gateway, ())]  # fmt: skip
        if not taken:
            continue
        target = objects.by_name[taken[0]]
        found = explained_out_of_force(host, server, objects)
        says = f"{found.says} {taken[0]}, which has the host's routes, is bound to it."
        change = None
        if target.kind == "VirtualService":
            change = name_gateway(target, server.excluded_by)
        step = objects.step_of_route(taken[0], host)
        named = (*found.objects, taken[0])
        return replace(found, says=says, proof=(*found.proof, step), objects=named, change=change)
    return None


def explained_out_of_force(host: str, server: Server, objects: Objects) -> Diagnosis:
    """Return what is said where the only server that accepts the host is not in force."""
    cause = _OUT_OF_FORCE.get(server.reason or "", "shadowed")
    named = [server.gateway] + ([server.excluded_by] if server.excluded_by else [])
    is_known = server.in_force is False
    state = "is not in force" if is_known else "may not be in force"
    step = objects.step_of(server, server.why)
    if server.reason == "other_class":
        gateway = objects.by_name.get(server.gateway)
        of_class = str(gateway.spec.get("gatewayClassName")) if gateway is not None else ""
        step = Proof(str(server.gateway), "spec.gatewayClassName", of_class, server.why)
    return Diagnosis(
        cause,
        "proved" if is_known else "likely",
        f"{server.gateway} accepts {host}, and {state} at this gateway. {server.why}",
        (step,),
        tuple(named),
        _selecting(server, objects) or _without_taken(server, objects),
        _UNROUTED,
    )  # fmt: skip


def _without_taken(server: Server, objects: Objects) -> Change | None:
    """Return the change that leaves a host to the older Gateway that has it; null for others."""
    target = objects.by_name.get(server.gateway)
    if server.reason != "tls_host_taken" or target is None or target.name.group == GATEWAY_API:
        return None
    taken = {
        host
        for other in objects.intent.servers
        if other.gateway == server.excluded_by and other.port == server.port
        for _, host in other.hosts
    }
    return leave_hosts(target, server.index, taken)


def _selecting(server: Server, objects: Objects) -> Change | None:
    """Return the change that makes a Gateway one of the log's pods.

    Null if there are other pods that it is for, or what they are labeled with is not known.
    """
    gateway, labels = objects.by_name.get(server.gateway), objects.intent.pod_labels
    selector = gateway.spec.get("selector") if gateway is not None else None
    if server.reason != "selects_other_pods" or gateway is None or not labels:
        return None
    if not isinstance(selector, dict) or not set(selector) <= set(labels):
        return None
    if any(each.kind in _WORKLOADS and selector.items() <= each.labels.items()
           for each in objects.by_name.values()):  # fmt: skip
        return None
    return select_pods(gateway, {key: labels[key] for key in selector})


def with_conflict(found: Diagnosis, server: Server) -> Diagnosis:
    """Add what is said where another server excludes the one that the record is of."""
    if server.reason != "protocol_conflict" or server.excluded_by is None:
        return found
    why = f"{server.why} A record that was read as HTTP shows that this one is in force."
    step = Proof(str(server.gateway), f"port {server.port}", server.protocol, why)
    objects = tuple(dict.fromkeys([*found.objects, server.gateway, server.excluded_by]))
    says = f"{found.says} {server.excluded_by} claims port {server.port} too."
    return replace(found, says=says, proof=(*found.proof, step), objects=objects)
