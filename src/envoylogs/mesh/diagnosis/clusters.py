"""Why a request that has a route had no cluster, or a cluster without endpoints."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from envoylogs.mesh.diagnosis.asking import route_words
from envoylogs.mesh.diagnosis.changes import (
    add_subset,
    define_subset,
    export_to,
    set_port,
    set_resolution,
)
from envoylogs.mesh.diagnosis.meant_services import meant_services
from envoylogs.mesh.diagnosis.routed import steps_of_route
from envoylogs.mesh.explanation import Diagnosis, Now, Proof

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
    "endpoints_missing": "no_endpoints",
    "selects_no_pods": "no_endpoints",
    "subset_selects_no_pods": "no_endpoints",
}


_OF_OWNERS = {"subset_unknown", "resolution_none", "endpoints_missing", "selects_no_pods",
              "subset_selects_no_pods"}  # fmt: skip
"""Reasons that are those of the object that declares the host, or its subsets."""

_BY_PODS = {"selects_no_pods", "subset_selects_no_pods"}
"""Reasons that rest on pods, of which others may not be in the files."""


class _Sent(NamedTuple):
    """Where a request is sent.

    Attributes:
        cluster: By its name.
        route: That sends it there; null where only the record says so.
        state: What is known of the cluster.
    """

    cluster: str
    route: Route | None
    state: ClusterState


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
    of_routes = _by_cluster(answers)
    logged = None if refusal.cluster is None else refusal.cluster.removesuffix(";")
    names = list(of_routes)
    if logged is not None and (logged in of_routes or not of_routes):
        # Else it is sent elsewhere by what was given, and what became of that cluster is over.
        names = list(dict.fromkeys([logged, *names]))
    sent = [
        _Sent(name, of_routes.get(name), services.cluster_state(name, namespace)) for name in names
    ]
    if not sent:
        return Diagnosis(
            "not_in_files",
            "log_only",
            "Which cluster the request was sent to is neither in the record nor in the files.",
        )
    at_fault = next((each for each in sent if each.state.status == wanted), None)
    if at_fault is not None:
        change = _change(at_fault, services, namespace)
        return _of_state(at_fault, answers, change)
    first = sent[0]
    if first.state.status == "exists" and (wanted == "missing" or first.cluster != logged):
        return _of_existing(first, refusal, answers)
    likely = _likely(first, answers, services) if wanted == "missing" else None
    if likely is not None:
        return likely
    says = f"{first.cluster} is what the request was sent to"
    is_open = first.state.status == "unknown"
    return Diagnosis(
        "not_in_files",
        "log_only",
        f"{says}. {first.state.says}",
        tuple(_of_route(first)),
        _objects(first),
        None,
        _now(answers, routed="may", why=first.state.says) if is_open else _now(answers),
    )


def _likely(sent: _Sent, answers: list[Answer], services: Services) -> Diagnosis | None:
    """Return why a cluster is likely to be missing that the files can't decide; null for none."""
    state = sent.state
    if state.status != "unknown":
        return None
    meant = meant_services(sent.cluster, sent.route, services)
    change: Change | None = None
    if meant is not None:
        cause, says, proof, change = "service_missing", meant.says, meant.proof, meant.change
        named = tuple(each.name for each in meant.services)
    elif state.reason == "subset_unknown":
        cause, named = "subset_unknown", state.objects
        says = f"{sent.cluster} is what the request was sent to, and is not there. {state.says}"
        proof = tuple(Proof(str(name), "subsets", "(missing)", state.says) for name in named)
        owner = services.find(named[0]) if named else None
        _, _, subset, host = sent.cluster.split("|", 3)
        if owner is not None and owner.kind == "Service":
            change = define_subset(owner, host, subset)
    else:
        return None
    return Diagnosis(
        cause,
        "likely",
        says,
        (*_of_route(sent), *proof),
        tuple(dict.fromkeys([*_objects(sent), *named])),
        change,
        _now(answers, routed="may", why=state.says),
    )


def missing_cluster(
    answer: Answer, services: Services, namespace: str | None
) -> ClusterState | None:
    """Return the state of the cluster that an answer sends to if no request can get through.

    Null if one of its clusters may be there.
    """
    states = [services.cluster_state(name, namespace) for name in _by_cluster([answer])]
    if not states or any(state.status in {"exists", "unknown"} for state in states):
        return None
    return states[0]


def _by_cluster(answers: list[Answer]) -> dict[str, Route]:
    """Return the clusters that routes send a request to, each with the first of them."""
    found: dict[str, Route] = {}
    for answer in answers:
        for candidate in answer.routing.candidates if answer.routing else ():
            for name, _ in candidate.route.action.clusters:
                found.setdefault(name.removesuffix(";"), candidate.route)
    return found


def _of_existing(first: _Sent, refusal: Refusal, answers: list[Answer]) -> Diagnosis:
    """Return what is said where the cluster that a request is sent to now is there."""
    taken = next((answer for answer in answers if answer.verdict == "routed"), None)
    before = refusal.cluster
    is_other = before is not None and before.removesuffix(";") != first.cluster
    return Diagnosis(
        "routed_now",
        "likely",
        f"By what was given the request is sent to {first.cluster}, which is there: "
        f"{first.state.says} It is younger than the records, or the gateway had not taken it"
        f"{f'; they were sent to {before}' if is_other else ''}.",
        steps_of_route(taken) if taken else (),
        tuple(dict.fromkeys([*(taken.origins if taken else ()), *first.state.objects])),
        None,
        taken.now if taken else None,
    )


def _now(
    answers: list[Answer], *, routed: bool | Literal["may"] | None = None, why: str = ""
) -> Now | None:
    """Return what becomes of a request, with what its cluster makes of it; null for nothing."""
    now = next((answer.now for answer in answers if answer.now), None)
    if now is None or routed is None:
        return now
    return replace(now, routed=routed, why=why.removesuffix("."))


def _objects(sent: _Sent) -> tuple[ObjectName, ...]:
    origin = sent.route.owner if sent.route is not None else None
    return tuple(dict.fromkeys([*([origin] if origin else []), *sent.state.objects]))


def _of_route(sent: _Sent) -> Iterator[Proof]:
    route = sent.route
    if route is not None:
        does = f"sends to {sent.cluster}"
        yield Proof(str(route.owner or "route"), "match", route_words(route), does)


def _of_state(sent: _Sent, answers: list[Answer], change: Change | None) -> Diagnosis:
    state, objects = sent.state, _objects(sent)
    if _is_hidden(state) or state.reason in _OF_OWNERS:
        # What lacks it is what is changed, and not what asks for it.
        objects = tuple(dict.fromkeys([*state.objects, *objects]))
    return Diagnosis(
        _CAUSES[state.reason or "service_missing"],
        "likely" if state.reason in _BY_PODS else "proved",
        state.says,
        (*_of_route(sent), *(Proof(*step) for step in state.proof)),
        objects,
        change,
        _now(answers, routed=False, why=state.says),
    )


def _change(sent: _Sent, services: Services, namespace: str | None) -> Change | None:
    """Return what to change; null where only people know."""
    state = sent.state
    _, _, subset, host = (*sent.cluster.split("|", 3), "", "", "", "")[:4]
    route = sent.route.owner if sent.route is not None else None
    if state.reason == "resolution_none" and state.objects:
        return set_resolution(state.objects[0])
    if state.reason == "subset_unknown" and state.objects:
        rule = services.find(state.objects[0])
        return None if rule is None else add_subset(rule, subset)
    owner = services.find(state.objects[0]) if state.objects else None
    if _is_hidden(state) and owner is not None and namespace is not None:
        return export_to(owner, namespace)
    if state.reason == "port_not_in_service" and route is not None:
        ports = [port for each in state.objects for port in _ports(services.find(each))]
        short = host.split(".", 1)[0]
        return set_port(route, short, ports[0]) if ports else None
    return None


def _is_hidden(state: ClusterState) -> bool:
    """Tell whether a cluster is missing because its owner is not exported to the gateway."""
    return any("exportTo" in field for _, field, _, _ in state.proof)


def _ports(service: MeshObject | None) -> list[int]:
    ports = service.spec.get("ports") if service is not None else None
    return [
        port["port"]
        for port in (ports if isinstance(ports, list) else [])
        if isinstance(port, dict) and isinstance(port.get("port"), int)
    ]
