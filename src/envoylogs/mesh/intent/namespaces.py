"""Namespaces that a selector of the Gateway API means, as far as the files hold their labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from envoylogs.mesh.intent.specs import Spec
    from envoylogs.mesh.objects import MeshObject

_OF_NAME = "kubernetes.io/metadata.name"


@dataclass(frozen=True, slots=True)
class Namespaces:
    """The namespaces of the files.

    Attributes:
        labels: Of those whose objects are in the files, by name.
        unlabeled: Names of those that other objects are in, without an object of their own.
    """

    labels: Mapping[str, Mapping[str, str]]
    unlabeled: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The namespaces that a selector means.

    Attributes:
        known: By their labels.
        unknown: Those whose labels are not in the files, and would decide.
    """

    known: tuple[str, ...]
    unknown: tuple[str, ...]


def namespaces_of(objects: Iterable[MeshObject]) -> Namespaces:
    """Return the namespaces of all objects."""
    labels: dict[str, Mapping[str, str]] = {}
    used: dict[str, None] = {}
    for each in objects:
        if each.kind == "Namespace":
            labels[each.name.name] = {_OF_NAME: each.name.name, **each.labels}
        elif each.namespace:
            used[each.namespace] = None
    return Namespaces(labels, tuple(name for name in used if name not in labels))


def selected_namespaces(selector: Spec, namespaces: Namespaces) -> Chosen:
    """Return the namespaces that a label selector means."""
    wanted = selector.labels("matchLabels")
    expressions = selector.parts("matchExpressions")
    keys = {*wanted, *(each.text("key") for each in expressions)}
    known = [
        name for name, labels in namespaces.labels.items() if _fits(labels, wanted, expressions)
    ]
    if keys <= {_OF_NAME}:
        # Kubernetes sets this label by itself, so that the name is enough.
        known += [
            name for name in namespaces.unlabeled if _fits({_OF_NAME: name}, wanted, expressions)
        ]
        return Chosen(tuple(known), ())
    return Chosen(tuple(known), namespaces.unlabeled)


def _fits(labels: Mapping[str, str], wanted: Mapping[str, str], expressions: list[Spec]) -> bool:
    return wanted.items() <= labels.items() and all(_holds(labels, each) for each in expressions)


def _holds(labels: Mapping[str, str], expression: Spec) -> bool:
    value = labels.get(expression.text("key"))
    values = expression.texts("values")
    operator = expression.text("operator")
    if operator == "In":
        return value is not None and value in values
    if operator == "NotIn":
        return value is None or value not in values
    if operator == "Exists":
        return value is not None
    return operator == "DoesNotExist" and value is None
