"""Which pods are the gateway's, by the files, and which Services lead to them.

As ``mergeGateways`` in ``pilot/pkg/model/push_context.go`` and ``resolvePorts`` in
``pilot/pkg/model/gateway.go`` of Istio have it: a Gateway is for the pods that carry all
labels of its selector, and its port is a port of a Service of theirs, or the pod's own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envoylogs.mesh.intent.specs import quiet_spec
from envoylogs.mesh.workloads import Workloads

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from envoylogs.mesh.intent.specs import Spec
    from envoylogs.mesh.intent.values import GatewayFacts
    from envoylogs.mesh.objects import MeshObject

_SUFFIX_OF_PODS = {
    "Pod": "",
    "Deployment": r"-[a-z0-9]+-[a-z0-9]{5}",
    "ReplicaSet": r"-[a-z0-9]{5}",
    "DaemonSet": r"-[a-z0-9]{5}",
    "StatefulSet": r"-[0-9]+",
}
"""How the names of a workload's pods go on after its own."""

_STOCK_PORTS = {80: 8080, 443: 8443}
"""What the Service of Istio's own installation makes of a port, since Istio 1.6."""

_NOT_TRANSLATED = "experimental.istio.io/disable-gateway-port-translation"


@dataclass(frozen=True, slots=True)
class Selection:
    """Whether a Gateway is for the gateway of the log.

    Attributes:
        selected: Null where the files do not tell; it is taken as selected then.
        why: One sentence.
    """

    selected: bool | None
    why: str


class GatewayWorkloads:
    """The workloads and Services of the files, seen from the gateway of a log."""

    __slots__ = (
        "_all",
        "_all_pods_found",
        "_by_labels",
        "_by_path",
        "_facts",
        "_of_selector",
        "_services",
        "labels",
        "namespace",
        "own",
    )

    def __init__(self, objects: Iterable[MeshObject], facts: GatewayFacts) -> None:
        self._facts = facts
        self._all: list[MeshObject] = []
        self._services: list[tuple[MeshObject, Mapping[str, str]]] = []
        for each in objects:
            if each.kind in _SUFFIX_OF_PODS:
                self._all.append(each)
            elif each.kind == "Service" and not each.name.group:
                self._services.append((each, quiet_spec(each).labels("selector")))
        self._by_path = {each.name.path: each for each, _ in self._services}
        self._of_selector: dict[frozenset[tuple[str, str]], list[MeshObject]] = {}
        pods_of_own = {each.name: self._pods_of(each) for each in self._all}
        self.own = [each for each in self._all if pods_of_own[each.name]]
        self._by_labels = Workloads(self.own)
        self._all_pods_found = facts.pods <= frozenset().union(*pods_of_own.values())
        # What rules may ask of the pod is told only where all its pods are alike.
        alike = {tuple(sorted(each.labels.items())) for each in self.own}
        self.labels: Mapping[str, str] | None = self.own[0].labels if len(alike) == 1 else None
        namespaces = {each.namespace for each in self.own}
        self.namespace = facts.namespace or (namespaces.pop() if len(namespaces) == 1 else None)

    def selection(self, selector: Mapping[str, str]) -> Selection:
        """Return whether a Gateway with a selector is for the gateway of the log."""
        wanted = ",".join(f"{name}={value}" for name, value in selector.items())
        if not selector:
            return Selection(selected=True, why="It has no selector, so it is for all gateways.")
        for namespace in dict.fromkeys(each.namespace for each in self.own):
            carriers = self._by_labels.fitting(namespace, selector)
            if carriers:
                return Selection(selected=True, why=f"{carriers[0].name} carries {wanted}.")
        if self.own and self._all_pods_found:
            return Selection(
                selected=False,
                why=f"Its selector {wanted} is for other pods: {self.own[0].name} of the log "
                f"has {_labels(self.own[0].labels)}.",
            )
        return Selection(
            selected=None,
            why=f"The gateway's pods are not in the files, so that it is taken that they carry "
            f"{wanted}.",
        )

    def selection_of_generated(self, names: Sequence[str], namespace: str) -> Selection:
        """Return whether a Deployment that Istio made for a Gateway is the gateway of the log.

        Args:
            names: Of which the Deployment has one; the first is that of new releases.
            namespace: Of the Gateway and its Deployment.
        """
        made = f"Istio makes Deployment {namespace}/{names[0]} for it"
        if self.namespace is not None and self.namespace != namespace:
            why = f"{made}, and the log is of pods in namespace {self.namespace}."
            return Selection(selected=False, why=why)
        if not self._facts.pods:
            return Selection(selected=None, why=f"{made}; it is taken that the log is of its pods.")
        selected = any(_matching(name, "Deployment", self._facts.pods) for name in names)
        why = f"{made}, and the log is {'' if selected else 'not '}of its pods."
        return Selection(selected=selected, why=why)

    def services_of(self, selector: Mapping[str, str]) -> list[MeshObject]:
        """Return the Services that lead to the pods that a selector means."""
        key = frozenset(selector.items())
        if key not in self._of_selector:
            carriers = [each for each in self.own or self._all if _carries(each, selector)]
            self._of_selector[key] = [
                each
                for each, of_service in self._services
                if of_service
                and self.namespace in {None, each.namespace}
                and _leads(each, of_service, carriers, selector)
            ]
        return self._of_selector[key]

    def pod_ports(self, number: int, services: Iterable[MeshObject]) -> tuple[int, ...]:
        """Return what the pods listen on for the port of a Gateway.

        The first Service with that port translates it; where Services of several gateways
        do, and the log shows one of their ports, that. Without a Service it is the
        number itself, or that of Istio's own installation if the log shows it.
        """
        translated: dict[int, None] = {}
        for service in services:
            if _NOT_TRANSLATED in service.labels:
                continue
            for port, target in self.ports(service):
                if port == number:
                    translated[target or self._logged_port(number)] = None
        seen = [port for port in translated if port in self._facts.ports]
        return tuple(seen or translated)[:1] or (self._logged_port(number),)

    def ports(self, service: MeshObject) -> list[tuple[int, int | None]]:
        """Return the ports of a Service, each with the port of the pod.

        The latter is null for a name that no pod in the files has.
        """
        found = []
        for port in quiet_spec(service).parts("ports"):
            number = port.number("port")
            if number is not None:
                found.append((number, self._target(service, port.fields.get("targetPort", number))))
        return found

    def have_port(self, number: int, services: Iterable[MeshObject]) -> bool:
        """Return whether one of some Services has a port."""
        return any(port == number for service in services for port, _ in self.ports(service))

    def named_services(self, names: Iterable[str], namespace: str) -> list[MeshObject]:
        """Return those Services of some names that are in the files."""
        found = (self._by_path.get(f"{namespace}/{name}") for name in names)
        return [each for each in found if each is not None]

    def _logged_port(self, number: int) -> int:
        stock = _STOCK_PORTS.get(number, number)
        ports = self._facts.ports
        return stock if stock in ports and number not in ports else number

    def _target(self, service: MeshObject, target: object) -> int | None:
        """Return the number of a target port; null for a name that no pod in the files has."""
        if isinstance(target, int):
            return target
        text = str(target)
        if text.isascii() and text.isdecimal():
            return int(text)
        selector = quiet_spec(service).labels("selector")
        for each in self._all:
            if each.namespace == service.namespace and _carries(each, selector):
                for port in _container_ports(quiet_spec(each)):
                    if port.text("name") == text:
                        return port.number("containerPort")
        return None

    def _pods_of(self, each: MeshObject) -> frozenset[str]:
        """Return the pods of the log that a workload has."""
        if self._facts.namespace not in {None, each.namespace}:
            return frozenset()
        return _matching(each.name.name, each.kind, self._facts.pods)


def _matching(name: str, kind: str, pods: frozenset[str]) -> frozenset[str]:
    pattern = re.compile(re.escape(name) + _SUFFIX_OF_PODS[kind])
    return frozenset(pod for pod in pods if pod.startswith(name) and pattern.fullmatch(pod))


def _leads(
    service: MeshObject,
    of_service: Mapping[str, str],
    carriers: list[MeshObject],
    selector: Mapping[str, str],
) -> bool:
    """Return whether a Service leads to the pods that a Gateway's selector means."""
    if carriers:
        return any(
            service.namespace == each.namespace and _carries(each, of_service) for each in carriers
        )
    # One selector within the other: pods of the narrower are pods of both.
    wanted, offered = selector.items(), of_service.items()
    return bool(selector) and (wanted <= offered or offered <= wanted)


def _carries(workload: MeshObject, selector: Mapping[str, str]) -> bool:
    return selector.items() <= workload.labels.items()


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f"{name}={value}" for name, value in labels.items()) or "no labels"


def _container_ports(workload: Spec) -> list[Spec]:
    template = workload.part("template")
    pod = (template.part("spec") if template else None) or workload
    return [port for container in pod.parts("containers") for port in container.parts("ports")]
