"""Objects of Kubernetes, Istio and the Gateway API, made of parsed documents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from envoylogs.mesh.documents.kinds import KINDS, RENAMED_GROUPS, TEXTS, Kind
from envoylogs.mesh.documents.nodes import (
    list_in,
    member,
    members,
    object_in,
    text_in,
    whole,
)
from envoylogs.mesh.documents.shapes import shaped
from envoylogs.mesh.objects import DEFAULT_NAMESPACE, MeshObject, ObjectName

if TYPE_CHECKING:
    from collections.abc import Callable

    from envoylogs.mesh.documents.nodes import Node


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object stands.

    Attributes:
        source: The file.
        line: On which it begins, counted from 1; null in JSON.
        number: Which entry of its list it is, counted from 1; null in YAML and for no entry.
    """

    source: str
    line: int | None = None
    number: int | None = None

    def __str__(self) -> str:
        if self.line is not None:
            return f"{self.source}:{self.line}"
        return self.source if self.number is None else f"{self.source}, entry {self.number}"


_GATEWAY_API = "gateway.networking.k8s.io"
_OF_SIDECARS = frozenset({"proxy.istio.io", "sidecar.istio.io", "inject.istio.io"})
"""What the settings of a proxy are annotated with: nothing of routing, and possibly secrets."""

_LONGEST_NAME = 253
_CONTAINER_FIELDS = ("name", "ports")


def kind_of(node: Node, list_kind: str | None) -> tuple[str, str]:
    """Return the group and the kind of an object; empty where it does not say them.

    Args:
        node: The object.
        list_kind: Of the list that it is an item of, such as ``ServiceList``; null for none.
            Items of typed lists leave kind and group to the list.
    """
    parts = members(node)
    kind, version = (whole(parts.get(key)) for key in ("kind", "apiVersion"))
    if not isinstance(kind, str) and list_kind:
        kind = list_kind.removesuffix("List")
    group = version.rpartition("/")[0] if isinstance(version, str) else ""
    if not isinstance(version, str):
        groups = [known for known, named in KINDS if named == kind]
        group = groups[0] if len(groups) == 1 else ""
    kind = kind if isinstance(kind, str) else ""
    if not _is_shown(kind + group):
        return "", ""
    return RENAMED_GROUPS.get((group, kind), group), kind


def mesh_object(
    node: Node, named: tuple[str, str], place: Place, order: int, warn: Callable[[str], None]
) -> MeshObject | None:
    """Return an object; null if it has no name.

    Args:
        node: The object, of which only what is kept is decoded: never what a Secret holds.
        named: The group and the kind, of ``KINDS``.
        place: Where it stands.
        order: How many objects were read before.
        warn: Told in sentences what could not be used.
    """
    group, kind_name = named
    kind = KINDS[named]
    parts = members(node)
    metadata = whole(parts.get("metadata"))
    name = member(metadata, "name")
    if isinstance(name, int | float) and not isinstance(name, bool):
        name = str(name)
    if not isinstance(name, str) or not name or not _is_shown(name):
        warn(f"{place}: a {kind_name} has no metadata.name, and was passed over.")
        return None
    namespace = text_in(metadata, "namespace")
    if not kind.is_namespaced:
        namespace = ""
    elif not namespace or not _is_shown(namespace):
        namespace = DEFAULT_NAMESPACE
    object_name = ObjectName(kind_name, namespace, name, group)

    def warn_of(what: str) -> None:
        warn(f"{place}: {object_name}: {what}.")

    spec = _spec(parts, kind, named, warn_of)
    labels = object_in(metadata, "labels")
    if kind.is_templated:
        labels = _template_labels(parts)
    manager, changed_at = _changed(metadata)
    return MeshObject(
        name=object_name,
        spec=spec,
        labels=shaped(labels, TEXTS, "labels", warn_of) or {},
        annotations={
            key: value
            for key, value in object_in(metadata, "annotations").items()
            if isinstance(value, str) and _is_read(key)
        },
        created_at=text_in(metadata, "creation_timestamp") or None,
        changed_by=manager,
        changed_at=changed_at,
        source=place.source,
        order=order,
        address=_address(parts) if kind_name == "Pod" else None,
    )


def _address(parts: dict[str, Node]) -> str | None:
    """Return the address of a pod; one that has ended has given it back."""
    status = whole(parts.get("status"))
    has_ended = text_in(status, "phase") in {"Succeeded", "Failed"}
    return None if has_ended else text_in(status, "podIP") or None


def _is_read(annotation: str) -> bool:
    """Tell whether Istio or the Gateway API reads an annotation for its routing."""
    domain = annotation.partition("/")[0]
    of_istio = domain == "istio.io" or domain.endswith(".istio.io")
    return (of_istio and domain not in _OF_SIDECARS) or domain == _GATEWAY_API


def _is_shown(name: str) -> bool:
    """Tell whether a name can stand in a message; those of Kubernetes are short and printable."""
    return len(name) <= _LONGEST_NAME and name.isprintable()


def _spec(
    parts: dict[str, Node], kind: Kind, named: tuple[str, str], warn: Callable[[str], None]
) -> dict[str, Any]:
    if named == ("", "Secret"):
        secret_type = whole(parts.get("type"))
        return {"type": secret_type} if isinstance(secret_type, str) else {}
    given = whole(parts.get("spec"))
    spec = {} if given is None else shaped(given, kind.shape, "spec", warn) or {}
    if kind.needed is not None and not spec.get(kind.needed[0]):
        warn(f"it has no spec.{kind.needed[0]}, so {kind.needed[1]}")
    if kind.is_templated:
        of_pods = object_in(object_in(spec, "template"), "spec")
        spec = {key: value for key, value in spec.items() if key == "replicas"} | of_pods
    if kind.kept is not None:
        spec = {key: value for key, value in spec.items() if key in kind.kept}
    if "containers" in spec:
        # Their environment may hold what is secret.
        spec["containers"] = [
            {key: each[key] for key in _CONTAINER_FIELDS if key in each}
            for each in spec["containers"]
        ]
    if "jwtRules" in spec:
        spec["jwtRules"] = [
            {key: value for key, value in rule.items() if key != "jwks"}
            for rule in spec["jwtRules"]
        ]
    return spec


def _template_labels(parts: dict[str, Node]) -> dict[str, Any]:
    template = object_in(whole(parts.get("spec")), "template")
    return object_in(object_in(template, "metadata"), "labels")


def _changed(metadata: object) -> tuple[str | None, str | None]:
    """Return who has changed an object last, and when; the status of an object does not count."""
    changes = [
        (text_in(each, "time"), text_in(each, "manager"))
        for each in list_in(metadata, "managed_fields")
        if text_in(each, "subresource") != "status"
    ]
    at, manager = max(changes, default=("", ""))
    return manager or None, at or None
