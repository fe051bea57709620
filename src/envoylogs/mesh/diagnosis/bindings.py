"""Why a host that a Gateway accepts has no routes: what is bound to it, and what is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from envoylogs.mesh.diagnosis.changes import add_host, correct_host, name_gateway
from envoylogs.mesh.diagnosis.host_index import spelling_hint
from envoylogs.mesh.diagnosis.kube_changes import refer_to_gateway
from envoylogs.mesh.diagnosis.letter_case import (
    differs_in_letters,
    explained_letter_case,
)
from envoylogs.mesh.diagnosis.objects import GATEWAY_API, texts
from envoylogs.mesh.diagnosis.rules import explained_rules
from envoylogs.mesh.diagnosis.scopes import explained_scope
from envoylogs.mesh.explanation import Diagnosis, Now, Proof
from envoylogs.mesh.intent.values import Binding

if TYPE_CHECKING:
    from envoylogs.mesh.diagnosis.objects import Objects
    from envoylogs.mesh.explanation import Change
    from envoylogs.mesh.intent.values import Server
    from envoylogs.mesh.objects import MeshObject, ObjectName

_SHOWN = 5


class _Meaning(NamedTuple):
    """What a binding that failed means.

    Attributes:
        cause: Its code.
        rank: The smaller, the sooner it is told.
    """

    cause: str
    rank: int


_MEANS = {
    "not_exported": _Meaning("gateway_host_scope", 0),
    "namespace_not_allowed": _Meaning("gateway_host_scope", 0),
    "kind_not_allowed": _Meaning("gateway_host_scope", 0),
    "gateway_elsewhere": _Meaning("gateway_reference_wrong", 1),
    "section_not_found": _Meaning("gateway_reference_wrong", 1),
    "hosts_disjoint": _Meaning("gateway_reference_wrong", 2),
    "generated_gateway": _Meaning("gateway_reference_wrong", 2),
    "gateway_not_in_files": _Meaning("gateway_reference_wrong", 3),
    "mesh_only": _Meaning("virtualservice_not_bound", 4),
}


def explained_bindings(host: str, accepting: list[Server], objects: Objects) -> Diagnosis:
    """Return why a host has no routes though Gateways accept it.

    Args:
        host: Which.
        accepting: Servers in force of the port that was asked, one at least.
        objects: What was given.
    """
    routes = objects.routes.covering(host)
    gateways = {server.gateway for server in accepting}
    failed = [
        (binding, _MEANS[binding.status])
        for route in routes
        for binding in objects.bindings[route]
        if binding.status in _MEANS and _is_about(binding, gateways)
        # That an object is for the sidecars too keeps it from no gateway.
        if binding.status != "mesh_only" or len(objects.bindings[route]) == 1
    ]
    if failed:
        binding, meaning = min(failed, key=lambda found: found[1].rank)
        if meaning.cause == "gateway_host_scope":
            return explained_scope(host, accepting[0], binding, objects)
        same = [each for each in accepting if each.gateway == binding.gateway]
        if same and differs_in_letters(binding, objects):
            return explained_letter_case(host, same[0], binding, objects)
        return _not_bound(host, accepting[0], binding, meaning.cause, objects)
    bound_with = [route for route in routes if not gateways.isdisjoint(_gateways(route, objects))]
    if bound_with:
        return explained_rules(host, accepting[0], bound_with[0], objects)
    loose = next((route for route in routes if not objects.bindings[route]), None)
    if loose is not None and loose in objects.by_name:
        nothing = Binding(loose, "(missing)", None, "mesh_only", why="It is attached to nothing.")
        return _not_bound(host, accepting[0], nothing, "virtualservice_not_bound", objects)
    return _not_listed(host, accepting, objects)


def _is_about(binding: Binding, gateways: set[ObjectName]) -> bool:
    """Tell whether a binding could have been to a Gateway that accepts the host."""
    if binding.status in {"hosts_disjoint", "gateway_not_in_files", "mesh_only"}:
        return True
    return bool(gateways & {binding.gateway, binding.suggestion}) or binding.gateway is None


def _gateways(route: ObjectName, objects: Objects) -> set[ObjectName]:
    return {
        binding.gateway
        for binding in objects.bindings[route]
        if binding.gateway is not None and binding.status in {"bound", "no_rules"}
    }


def _not_bound(
    host: str, server: Server, binding: Binding, cause: str, objects: Objects
) -> Diagnosis:
    """Return what is said of a route object that lists the host and does not reach the Gateway."""
    route, field = binding.route, objects.host_field(binding.route)
    reference = "spec.gateways" if route.kind == "VirtualService" else "spec.parentRefs"
    target = objects.by_name.get(route)
    shown = binding.reference
    if (
        target is not None
        and reference == "spec.gateways"
        and not texts(target.spec.get("gateways"))
    ):
        shown = "(missing)"
    hosts = ", ".join(objects.hosts_of(route)[:_SHOWN]) or "(missing)"
    proof = (
        objects.step_of(server, f"accepts {host}"),
        Proof(str(route), f"spec.{field}", hosts, f"lists {host}"),
        Proof(str(route), reference, shown, binding.why),
    )
    gateway = server.gateway
    of_other_api = route.kind == "VirtualService" and gateway.group == GATEWAY_API
    if cause == "gateway_reference_wrong" and of_other_api:
        what = (
            f"names {binding.reference}: {gateway}, which accepts it, is of the Gateway API and "
            "takes HTTPRoutes"
        )
    elif binding.status == "section_not_found":
        what = f"names listener {binding.reference}, which {gateway} has not"
    elif binding.gateway == gateway:
        what = f"names {binding.reference}, and another listener of {gateway} accepts it"
    elif cause == "gateway_reference_wrong":
        what = f"names {binding.reference}, which is not {gateway}, the one that accepts it"
    elif route.kind != "VirtualService":
        what = f"names no Gateway in parentRefs; {gateway} accepts the host"
    else:
        named = "no gateway" if shown == "(missing)" else "mesh alone"
        what = f"names {named}, so it is for the sidecars only; {gateway} accepts the host"
    is_open = binding.status == "gateway_not_in_files"
    return Diagnosis(
        cause,
        "likely" if is_open else "proved",
        f"{route} lists {host} and {what}.",
        proof,
        (route, gateway),
        None if of_other_api else _bind(binding, gateway, objects),
        Now(routed=False, why="nothing that lists the host is bound to the Gateway"),
    )


def _bind(binding: Binding, gateway: ObjectName, objects: Objects) -> Change | None:
    """Return the change that binds a route object to a Gateway; null if it is another one."""
    target = objects.by_name.get(binding.route)
    if target is None:
        return None
    meant = binding.suggestion or gateway
    if target.name.kind != "VirtualService":
        return refer_to_gateway(target, meant)
    wrong = None if binding.status in {"mesh_only", "hosts_disjoint"} else binding.reference
    return name_gateway(target, meant, wrong)


def _not_listed(host: str, accepting: list[Server], objects: Objects) -> Diagnosis:
    """Return what is said where nothing lists the host that the Gateway accepts."""
    bound = objects.bound_to(server.gateway for server in accepting)
    server = next((each for each in accepting if objects.bound.get(each.gateway)), accepting[0])
    accepts, gateway = objects.step_of(server, f"accepts {host}"), server.gateway
    if not bound:
        return _nothing_bound(host, server, objects)
    wildcard = [route for route in objects.routes.listing_wildcard_of(host) if route in bound]
    short = [route for route in objects.short.get(host, ()) if route in bound]
    route = next(iter((*wildcard, *short)), None) or _nearest(host, bound, objects)
    if route is None:
        return Diagnosis(
            "host_not_in_virtualservice",
            "proved",
            f"{gateway} accepts {host}, and none of the {len(bound)} routes that are bound to it "
            f"lists it.{spelling_hint(objects.routes, host)}",
            (accepts,),
            (gateway,),
            None,
            Now(routed=False, why="no route object that is bound lists the host"),
        )
    field = objects.host_field(route)
    hosts = ", ".join(objects.hosts_of(route)[:_SHOWN])
    lacks = f"does not list {host}"
    cause, extra = "host_not_in_virtualservice", ""
    if wildcard:
        cause, lacks = "wildcard_does_not_cover", f"covers what is below {host}, not {host} itself"
        extra = f": *.{host} does not cover {host} itself"
    elif short:
        lacks = f"{host} has no dot, so it means {host}.{route.namespace}.svc in the mesh domain"
        extra = f": {lacks}"
    says = (
        f"{gateway} accepts {host}, and {route}, which is bound to it, does not list it{extra}."
        if len(bound) == 1 or extra
        else f"{gateway} accepts {host}, and none of the {len(bound)} routes that are bound to it "
        f"lists it; the nearest is {route}."
    )
    says += spelling_hint(objects.routes, host)
    target = objects.by_name.get(route)
    return Diagnosis(
        cause,
        "proved",
        says,
        (
            accepts,
            Proof(str(route), "spec.gateways" if route.kind == "VirtualService" else
                  "spec.parentRefs", _references(route, objects), f"bound to {gateway}"),
            Proof(str(route), f"spec.{field}", hosts or "(missing)", lacks),
        ),
        (route, gateway),
        None if target is None or short else _list_host(target, host, field, objects),
        Now(routed=False, why=f"{route} does not list {host}"),
    )  # fmt: skip


def _list_host(target: MeshObject, host: str, field: str, objects: Objects) -> Change:
    """Return the change that lists a host, in place of one that is misspelled if there is."""
    misspelled = objects.routes.misspelled(host)
    if misspelled is not None and misspelled[1] == target.name:
        return correct_host(target, misspelled[0], host, field)
    return add_host(target, host, field)


def _references(route: ObjectName, objects: Objects) -> str:
    return ", ".join(dict.fromkeys(each.reference for each in objects.bindings[route]))


def _nearest(host: str, bound: frozenset[ObjectName], objects: Objects) -> ObjectName | None:
    """Return which of the bound routes lists a host nearest to this one; null for none."""
    if len(bound) == 1:
        return next(iter(bound))
    misspelled = objects.routes.misspelled(host)
    if misspelled is not None and misspelled[1] in bound:
        return misspelled[1]
    return next((route for route in objects.routes.near(host) if route in bound), None)


def _nothing_bound(host: str, server: Server, objects: Objects) -> Diagnosis:
    gateway, port = server.gateway, server.port
    given = (
        "none of the routes given names it" if objects.has_routes else "no route is among the files"
    )
    return Diagnosis(
        "gateway_without_virtualservice",
        "proved" if objects.has_routes else "likely",
        f"{gateway} accepts {host} on port {port}, and nothing is bound to it: {given}, so its "
        f"table has blackhole:{port} alone.",
        (
            objects.step_of(server, f"accepts {host}"),
            Proof(str(gateway), "bound VirtualServices and routes", "(none)", given),
        ),
        (gateway,),
        None,
        Now(routed=False, virtual_host=f"blackhole:{port}", why="nothing is bound to the Gateway"),
    )
