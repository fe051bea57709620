"""What can be known of a cluster, and what the one who declares its host says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envoylogs.mesh.objects import MeshObject, ObjectName

Status: TypeAlias = Literal["exists", "missing", "no_endpoints", "unknown"]
Reason: TypeAlias = Literal[
    "subset_unknown",
    "service_missing",
    "port_not_in_service",
    "resolution_none",
    "endpoints_missing",
    "selects_no_pods",
    "subset_selects_no_pods",
]
Fact: TypeAlias = tuple[str, str, str, str]
"""An object, a field of it, its value, and what that says."""

_EXPORT_TO = "networking.istio.io/exportTo"


@dataclass(frozen=True, slots=True)
class ClusterState:
    """What is known of a cluster.

    Attributes:
        status: ``missing`` if the gateway has no such cluster (503 NC), ``no_endpoints`` if it
            has one with nothing in it (503 UH), ``unknown`` if the files can't decide.
        reason: Why it is missing or empty, or may be where the files can't decide; null for
            the others.
        objects: That say so, the one to change first.
        says: One sentence.
        proof: What it rests on.
    """

    status: Status
    reason: Reason | None
    objects: tuple[ObjectName, ...]
    says: str
    proof: tuple[Fact, ...] = ()


def listed(names: Iterable[ObjectName]) -> str:
    """Return names of objects as a part of a sentence."""
    return " and ".join(map(str, names))


def not_exported(host: str, declared: list[MeshObject], gateway: str | None) -> ClusterState | None:
    """Return the state of a cluster that is hidden from a gateway; null if it is not.

    Args:
        host: Of the cluster.
        declared: Who declares the host.
        gateway: The namespace of the gateway; null if it is not known.
    """
    if gateway is None or any(_is_visible(each, gateway) for each in declared):
        return None
    names = tuple(each.name for each in declared)
    proof = tuple(
        (
            str(each.name),
            "spec.exportTo" if each.kind == "ServiceEntry" else f"annotation {_EXPORT_TO}",
            ", ".join(_exports(each)),
            f"namespace {gateway} of the gateway is not among them",
        )
        for each in declared
    )
    says = f"{listed(names)} is not exported to namespace {gateway}, so its gateway has no {host}."
    return ClusterState("missing", "service_missing", names, says, proof)


def without_port(port: int, declared: list[MeshObject]) -> ClusterState | None:
    """Return the state of a cluster for a port that nobody declares; null if somebody does.

    Args:
        port: Of the cluster.
        declared: Who declares its host.
    """
    if any(port in _numbers(each) for each in declared):
        return None
    names = tuple(each.name for each in declared)
    targets = [
        (each, number)
        for each in declared
        for number, target in _numbers(each).items()
        if target == port and number != port
    ]
    proof = tuple(
        (str(each.name), "spec.ports", _spelled(each), f"there is no port {port}")
        for each in declared
    )
    says = f"{listed(names)} has no port {port}."
    if targets:
        owner, number = targets[0]
        says = f"{owner.name} has no port {port}: that is the targetPort of its port {number}."
        note = f"{port} is the port of its pods, and routes name that of the Service: {number}"
        proof = (*proof, (str(owner.name), "spec.ports[].targetPort", str(port), note))
    return ClusterState("missing", "port_not_in_service", names, says, proof)


def without_resolution(owner: MeshObject) -> ClusterState | None:
    """Return the state of the cluster of a ServiceEntry that resolves nothing; null for others.

    A sidecar sends such requests where the application wanted to go. What a client of a gateway
    wanted was the gateway.
    """
    spec = owner.spec
    resolution = spec.get("resolution", "NONE")
    elsewhere = spec.get("endpoints") or spec.get("workloadSelector")
    if owner.kind != "ServiceEntry" or elsewhere:
        return None
    if resolution.upper() == "STATIC":
        fact = (str(owner.name), "spec.endpoints", "(missing)", "STATIC takes its addresses there")
        says = f"{owner.name} is STATIC and lists no endpoints, so its cluster has none."
        return ClusterState("no_endpoints", "endpoints_missing", (owner.name,), says, (fact,))
    if resolution.upper() != "NONE":
        return None
    proof = (
        str(owner.name),
        "spec.resolution",
        resolution if "resolution" in spec else "not set, so NONE",
        "the address that the client dialed is kept, and at a gateway that is the gateway's own",
    )
    says = f"{owner.name} resolves no name, so at a gateway its cluster has no endpoint."
    return ClusterState("no_endpoints", "resolution_none", (owner.name,), says, (proof,))


def is_alias(owner: MeshObject) -> bool:
    """Tell whether a Service only is another name for a host."""
    return owner.spec.get("type") == "ExternalName" and bool(owner.spec.get("externalName"))


def selector_of(owner: MeshObject) -> dict[str, str]:
    """Return the labels by which a Service or a ServiceEntry selects pods; empty for none."""
    if owner.kind == "Service":
        return dict(owner.spec.get("selector", {}))
    return dict(owner.spec.get("workloadSelector", {}).get("labels", {}))


def _numbers(owner: MeshObject) -> dict[int, Any]:
    """Return the ports of which Istio makes clusters, with what they lead to."""
    key = "port" if owner.kind == "Service" else "number"
    return {
        each[key]: each.get("targetPort", each[key])
        for each in owner.spec.get("ports", ())
        if key in each and each.get("protocol", "TCP").upper() != "UDP"
    }


def _spelled(owner: MeshObject) -> str:
    return ", ".join(map(str, _numbers(owner))) or "none"


def _exports(owner: MeshObject) -> list[str]:
    if owner.kind == "ServiceEntry":
        return list(owner.spec.get("exportTo", ()))
    return [each.strip() for each in owner.annotations.get(_EXPORT_TO, "").split(",") if each]


def _is_visible(owner: MeshObject, namespace: str) -> bool:
    exports = _exports(owner)
    if not exports or "*" in exports:
        return True
    return namespace in exports or ("." in exports and owner.namespace == namespace)
