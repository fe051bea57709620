"""Why a route of the Gateway API answered 500: nothing grants its backend in another namespace.

Istio sends such a request to the cluster ``UnknownService``, which is never there
(``buildDestination`` in ``pilot/pkg/config/kube/gateway/conversion.go``), with 500 in place
of 503; old releases answered directly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from envoylogs.mesh.diagnosis.asking import route_words
from envoylogs.mesh.diagnosis.objects import GATEWAY_API, dicts
from envoylogs.mesh.diagnosis.yaml_parts import scalar
from envoylogs.mesh.explanation import Change, Diagnosis, Now, Proof
from envoylogs.mesh.intent.grants import grants_of
from envoylogs.mesh.intent.services import UNKNOWN_SERVICE
from envoylogs.mesh.objects import ObjectName

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from envoylogs.mesh.diagnosis.asking import Answer
    from envoylogs.mesh.diagnosis.refusals import Refusal
    from envoylogs.mesh.objects import MeshObject
    from envoylogs.mesh.tables import Route

_KINDS = {"HTTPRoute", "GRPCRoute"}
_NOT_GRANTED = 500
_CAUSES = {"direct_response": "direct_by_configuration", "no_cluster": "service_missing"}
"""What it is called, by the outcome: old releases answered, and new ones lack the cluster."""


class _Backend(NamedTuple):
    """A backend of another namespace than its route's.

    Attributes:
        place: Where it stands in the spec of the route.
        kind: Of the backend.
        namespace: Likewise.
        name: Likewise.
    """

    place: str
    kind: str
    namespace: str
    name: str


def explained_grant(
    refusal: Refusal, answers: Sequence[Answer], by_name: Mapping[ObjectName, MeshObject]
) -> Diagnosis | None:
    """Return what is said of a backend that no ReferenceGrant allows; null if that is no cause.

    It is likely only: the grant may be in a file that was not given.
    """
    cause = _CAUSES.get(refusal.outcome)
    is_so = refusal.code == _NOT_GRANTED or refusal.cluster == UNKNOWN_SERVICE
    if cause is None or not is_so:
        return None
    grants = grants_of(by_name.values())
    for answer in answers:
        for candidate in answer.routing.candidates if answer.routing else ():
            route = candidate.route
            origin = by_name.get(route.owner) if route.owner is not None else None
            if origin is None or origin.kind not in _KINDS:
                continue
            for backend in _elsewhere(origin, route):
                if not grants.allow(origin, backend.kind, backend.name, backend.namespace):
                    return _not_granted(cause, answer, route, origin, backend)
    return None


def _elsewhere(origin: MeshObject, route: Route) -> Iterator[_Backend]:
    """Yield the backends of other namespaces that the rule of a route has, or that any has."""
    for number, rule in enumerate(dicts(origin.spec.get("rules"))):
        if route.rule is not None and route.rule[0] != number:
            continue
        for place, backend in enumerate(dicts(rule.get("backendRefs"))):
            namespace = backend.get("namespace")
            if isinstance(namespace, str) and namespace != origin.namespace:
                kind, name = backend.get("kind") or "Service", backend.get("name")
                where = f"rules[{number}].backendRefs[{place}].namespace"
                yield _Backend(where, str(kind), namespace, str(name))


def _not_granted(
    cause: str, answer: Answer, route: Route, origin: MeshObject, backend: _Backend
) -> Diagnosis:
    what = f"{backend.kind} {backend.namespace}/{backend.name}"
    host = answer.virtual_host
    why = f"no ReferenceGrant in namespace {backend.namespace} among the files allows it"
    return Diagnosis(
        cause,
        "likely",
        f"{origin.name} sends to {what}, in another namespace, and {why}: Istio answers such "
        "requests with 500.",
        (
            Proof(str(origin.name), "match", route_words(route), f"sends to {what}"),
            Proof(str(origin.name), backend.place, backend.namespace, why),
        ),
        (origin.name,),
        _grant(origin, backend),
        Now(
            routed="may",
            virtual_host=None if host is None else host.name,
            route=route_words(route),
            why=f"a ReferenceGrant in namespace {backend.namespace}",
        ),
        by_path=True,
    )


def _grant(origin: MeshObject, backend: _Backend) -> Change:
    """Return the ReferenceGrant that lets routes of a namespace send to a backend."""
    name = ObjectName("ReferenceGrant", backend.namespace, f"from-{origin.namespace}", GATEWAY_API)
    group = '""' if backend.kind == "Service" else "multicluster.x-k8s.io"
    lines = [
        f"apiVersion: {GATEWAY_API}/v1beta1",
        "kind: ReferenceGrant",
        "metadata:",
        f"  name: {scalar(name.name)}",
        f"  namespace: {scalar(name.namespace)}",
        "spec:",
        "  from:",
        f"  - group: {GATEWAY_API}",
        f"    kind: {origin.kind}",
        f"    namespace: {scalar(origin.namespace)}",
        "  to:",
        f"  - group: {group}",
        f"    kind: {scalar(backend.kind)}",
        f"    name: {scalar(backend.name)}",
    ]
    says = f"create it, if routes of {origin.namespace} may send to {backend.name}"
    return Change(name, "\n".join(lines) + "\n", says)
