"""ReferenceGrants: which routes may send to backends of other namespaces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envoylogs.mesh.intent.specs import quiet_spec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envoylogs.mesh.objects import MeshObject


@dataclass(frozen=True, slots=True)
class Grants:
    """What is granted by the files.

    Attributes:
        allowed: Kind and namespace of the route, kind of the backend, its name (empty for
            all) and its namespace.
    """

    allowed: frozenset[tuple[str, str, str, str, str]]

    def allow(self, route: MeshObject, kind: str, name: str, namespace: str) -> bool:
        """Return whether a route may send to a backend of another namespace."""
        source = (route.kind, route.namespace, kind)
        return not self.allowed.isdisjoint({(*source, name, namespace), (*source, "", namespace)})


def grants_of(objects: Iterable[MeshObject]) -> Grants:
    """Return what the ReferenceGrants among the objects allow."""
    allowed = set()
    for each in objects:
        if each.kind != "ReferenceGrant":
            continue
        spec = quiet_spec(each)
        for source in spec.parts("from"):
            for target in spec.parts("to"):
                allowed.add(
                    (
                        source.text("kind"),
                        source.text("namespace"),
                        target.text("kind"),
                        target.text("name"),
                        each.namespace,
                    )
                )
    return Grants(frozenset(allowed))
