"""Why a route object and a Gateway that both list a host do not see each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.mesh.diagnosis.changes import add_host_to_server, export_to
from envoylogs.mesh.diagnosis.kube_changes import allow_namespace
from envoylogs.mesh.diagnosis.objects import GATEWAY_API, texts
from envoylogs.mesh.explanation import Diagnosis, Now, Proof

if TYPE_CHECKING:
    from envoylogs.mesh.diagnosis.asking import Answer
    from envoylogs.mesh.diagnosis.objects import Objects
    from envoylogs.mesh.explanation import Change
    from envoylogs.mesh.intent.values import Binding, Server

_SHOWN = 5


def explained_scope(host: str, server: Server, binding: Binding, objects: Objects) -> Diagnosis:
    """Return what is said where a scope keeps a route object from the Gateway that it names."""
    route, gateway = binding.route, server.gateway
    if binding.status == "not_exported":
        kept = f"exportTo of {route}"
    elif gateway.group == GATEWAY_API:
        kept = f"allowedRoutes of {gateway}"
    else:
        kept = f"the namespace before the host in {gateway}"
    hosts = ", ".join(objects.hosts_of(route)[:_SHOWN]) or "(missing)"
    reference = "spec.gateways" if route.kind == "VirtualService" else "spec.parentRefs"
    return Diagnosis(
        "gateway_host_scope",
        "proved",
        f"{route} and {gateway} both list {host}, and {kept} keeps them apart. {binding.why}",
        (
            objects.step_of(server, f"lists {host}"),
            Proof(str(route), f"spec.{objects.host_field(route)}", hosts, f"lists {host}"),
            Proof(str(route), reference, binding.reference, binding.why),
        ),
        (route, gateway),
        _change(host, server, binding, objects),
        Now(routed=False, why="nothing that lists the host is bound to the Gateway"),
    )


def explained_open_export(host: str, answer: Answer, objects: Objects) -> Diagnosis | None:
    """Return what is said of a host whose routes may not be exported to the gateway.

    Null if no route that would take it has such a scope. Where the gateway's pods are is not
    known; that it turned the host away speaks for another namespace.
    """
    for route in answer.origins:
        step = next(iter(objects.steps_of_notes(route, {"exported_to"})), None)
        if step is None or answer.now is None:
            continue
        target = objects.by_name[route]
        exported = ", ".join(texts(target.spec.get("exportTo")))
        return Diagnosis(
            "gateway_host_scope",
            "likely",
            f"{route} would route {host}, and is exported to {exported} only: in which namespace "
            "the gateway's pods are is not in the files, and it turned the host away.",
            (step,),
            (route,),
            None,
            Now(
                routed="may",
                virtual_host=answer.now.virtual_host,
                route=answer.now.route,
                cluster=answer.now.cluster,
                why="the namespace of the gateway's pods",
            ),
        )
    return None


def _change(host: str, server: Server, binding: Binding, objects: Objects) -> Change | None:
    """Return the change that lets both see each other; null where only people know."""
    route = objects.by_name.get(binding.route)
    gateway = objects.by_name.get(server.gateway)
    if route is None or gateway is None:
        return None
    if binding.status == "not_exported":
        namespace = objects.intent.namespace
        return None if namespace is None else export_to(route, namespace)
    if binding.status != "namespace_not_allowed":
        return None
    if server.gateway.group == GATEWAY_API:
        return allow_namespace(gateway, server.index, route.namespace)
    return add_host_to_server(gateway, server.index, f"{route.namespace}/{host}")
