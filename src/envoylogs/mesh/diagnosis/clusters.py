"""Why a request that has a route had no cluster, or a cluster without endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.mesh.diagnosis.asking import route_words
from envoylogs.mesh.diagnosis.changes import add_subset, set_port, set_resolution
from envoylogs.mesh.explanation import Diagnosis, Proof

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envoylogs.mesh.diagnosis.asking import Answer
    from envoylogs.mesh.diagnosis.refusals import Refusal
    from envoylogs.mesh.explanation import Change
    from envoylogs.mesh.objects import MeshObject, ObjectName
    from envoylogs.mesh.services import ClusterState, Services
    from envoylogs.mesh.tables import Route

_CAUSES = {
    "subset_unknown": "subset_unknown",
    "service_missing": "service_missing",
    "port_not_in_service": "service_missing",
    "resolution_none": "no_endpoints",
    "selects_no_pods": "no_endpoints",
    "subset_selects_no_pods": "no_endpoints",
}


def explained_cluster(
    refusal: Refusal, answers: list[Answer], services: Services, namespace: str | None
) -> Diagnosis:
    """Return why the cluster of a request was not there, or could not answer.

    Args:
        refusal: Of outcome ``no_cluster`` or ``no_endpoints``.
        answers: What becomes of the request by what was given.
        services: What was given of services.
        namespace: Of the gateway; null where it is not known.
    """
    wanted = "missing" if refusal.outcome == "no_cluster" else "no_endpoints"
    logged: list[tuple[str, Route | None]] = [(refusal.cluster, None)] if refusal.cluster else []
    of_routes: list[tuple[str, Route | None]] = [
        (name, route)
        for answer in answers
        for route in _routes(answer)
        for name, _ in route.action.clusters
    ]
    first: tuple[str, Route | None, ClusterState] | None = None
    for name, route in [*logged, *of_routes]:
        state = services.cluster_state(name, namespace)
        if state.status == wanted:
            taken = route or next((r for n, r in of_routes if n == name), None)
            return _of_state(name, taken, state, answers, services)
        first = first or (name, route, state)
    if first is None:
        return Diagnosis(
            "not_in_files",
            "log_only",
            "Which cluster the request was sent to is neither in the record nor in the files.",
        )
    name, route, state = first
    says = f"{name} is what the request was sent to; {state.says}" if state.says else (
        f"{name} is what the request was sent to, and the files do not say what became of it."
    )  # fmt: skip
    return Diagnosis(
        "not_in_files",
        "log_only",
        says,
        tuple(_of_route(name, route)),
        _objects(route, state),
        None,
        next((answer.now for answer in answers if answer.now), None),
    )


def _routes(answer: Answer) -> Iterator[Route]:
    for candidate in answer.routing.candidates if answer.routing else ():
        yield candidate.route


def _objects(route: Route | None, state: ClusterState) -> tuple[ObjectName, ...]:
    origin = [route.origin] if route is not None and route.origin is not None else []
    return tuple(dict.fromkeys([*origin, *state.objects]))


def _of_route(name: str, route: Route | None) -> Iterator[Proof]:
    if route is not None:
        yield Proof(str(route.origin or "route"), "match", route_words(route), f"sends to {name}")


def _of_state(
    name: str,
    route: Route | None,
    state: ClusterState,
    answers: list[Answer],
    services: Services,
) -> Diagnosis:
    objects = _objects(route, state)
    first = route.origin if route is not None else None
    if state.reason in {"subset_unknown", "resolution_none", "selects_no_pods",
                        "subset_selects_no_pods"} and state.objects:  # fmt: skip
        # What lacks it is what is changed, and not what asks for it.
        objects = tuple(dict.fromkeys([*state.objects, *objects]))
    return Diagnosis(
        _CAUSES[state.reason or "service_missing"],
        "proved",
        state.says,
        (*_of_route(name, route), *(Proof(*step) for step in state.proof)),
        objects,
        _change(name, first, state, services),
        next((answer.now for answer in answers if answer.now), None),
    )


def _change(
    name: str, route: ObjectName | None, state: ClusterState, services: Services
) -> Change | None:
    """Return what to change; null where only people know."""
    _, _, subset, host = (*name.split("|", 3), "", "", "", "")[:4]
    if state.reason == "resolution_none" and state.objects:
        return set_resolution(state.objects[0])
    if state.reason == "subset_unknown" and state.objects:
        return add_subset(state.objects[0], subset)
    if state.reason == "port_not_in_service" and route is not None:
        ports = [port for each in state.objects for port in _ports(services.find(each))]
        short = host.split(".", 1)[0]
        return set_port(route, short, ports[0]) if ports else None
    return None


def _ports(service: MeshObject | None) -> list[int]:
    ports = service.spec.get("ports") if service is not None else None
    return [
        port["port"]
        for port in (ports if isinstance(ports, list) else [])
        if isinstance(port, dict) and isinstance(port.get("port"), int)
    ]
