"""Which of the workloads that were given a selector takes."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from envoylogs.mesh.objects import MeshObject

WORKLOADS = frozenset(
    {"Pod", "Deployment", "DaemonSet", "StatefulSet", "ReplicaSet", "WorkloadEntry"}
)
"""Kinds of pods, of what makes pods, and of virtual machines."""

_ADDED_LATER = (
    "pod-template-hash",
    "controller-revision-hash",
    "pod-template-generation",
    "statefulset.kubernetes.io/",
    "apps.kubernetes.io/",
    "topology.",
    "service.istio.io/",
    "security.istio.io/",
    "istio.io/",
)
"""What labels begin with that controllers and Istio add to pods: no template has them."""


class Workloads:
    """Pods, what makes pods, and virtual machines, by namespace."""

    def __init__(self, objects: Iterable[MeshObject]) -> None:
        self._by_namespace: dict[str, list[MeshObject]] = defaultdict(list)
        for each in objects:
            if each.kind in WORKLOADS:
                self._by_namespace[each.namespace].append(each)

    def are_known(self, namespace: str) -> bool:
        """Tell whether any workload of a namespace was given."""
        return namespace in self._by_namespace

    def fitting(self, namespace: str, labels: Mapping[str, str]) -> list[MeshObject]:
        """Return the workloads of a namespace that have labels, as far as files can say it.

        A workload that is scaled to nothing is among them: see ``runs_nothing``.

        Args:
            namespace: In which they are.
            labels: All of them must be theirs, but those that are only added to a running pod.
        """
        asked = {
            key: value for key, value in labels.items() if not key.startswith(_ADDED_LATER)
        }.items()
        return [
            each
            for each in self._by_namespace.get(namespace, ())
            if asked <= labels_of(each).items()
        ]


def labels_of(workload: MeshObject) -> dict[str, str]:
    """Return the labels of a workload's pods; a WorkloadEntry has them in two places."""
    return {**workload.labels, **workload.spec.get("labels", {})}


def runs_nothing(workload: MeshObject) -> bool:
    """Tell whether a workload is scaled to no pod."""
    return workload.spec.get("replicas") == 0
