"""Which of two objects is older: what Istio decides conflicts by.

As ``sortConfigByCreationTime`` in ``pilot/pkg/model/config.go`` has it: by
``creationTimestamp``, and for objects of one second by name, then by namespace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envoylogs.mesh.objects import MeshObject

_AFTER_ALL_TIMES = "~"


def age_key(each: MeshObject) -> tuple[str, tuple[str, str], int]:
    """Return what objects are sorted by, the oldest first.

    Objects whose time is not in the files come last, in the order of the files: that is a
    guess, so whoever draws a conclusion asks ``age_known`` too.
    """
    if each.created_at is None:
        return _AFTER_ALL_TIMES, ("", ""), each.order
    return each.created_at, (each.name.name, each.name.namespace), each.order


def age_known(one: MeshObject, other: MeshObject) -> bool:
    """Return whether the files tell which of two objects is older, or they are one."""
    return one.name == other.name or (one.created_at is not None and other.created_at is not None)
