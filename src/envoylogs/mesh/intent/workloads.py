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

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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


class Workloads:
    """The workloads and Services of the files, seen from the gateway of a log."""

    __slots__ = ("_all", "_facts", "_services", "labels", "namespace", "own")

    def __init__(self, objects: Iterable[MeshObject], facts: GatewayFacts) -> None:
        self._facts = facts
        self._all: list[MeshObject] = []
        self._services: list[MeshObject] = []
        for each in objects:
            if each.kind in _SUFFIX_OF_PODS:
                self._all.append(each)
            elif each.kind == "Service" and not each.name.group:
                self._services.append(each)
        self.own = [each for each in self._all if self._is_own(each)]
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
        carrier = next((each for each in self.own if _carries(each, selector)), None)
        if carrier is not None:
            return Selection(selected=True, why=f"{carrier.name} carries {wanted}.")
        if self.own and self._all_pods_found():
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

    def selection_of_generated(self, name: str, namespace: str) -> Selection:
        """Return whether a Deployment that Istio made for a Gateway is the gateway of the log."""
        made = f"Istio makes Deployment {namespace}/{name} for it"
        if self.namespace is not None and self.namespace != namespace:
            why = f"{made}, and the log is of pods in namespace {self.namespace}."
            return Selection(selected=False, why=why)
        if not self._facts.pods:
            return Selection(selected=None, why=f"{made}; it is taken that the log is of its pods.")
        pattern = re.compile(re.escape(name) + _SUFFIX_OF_PODS["Deployment"])
        selected = any(pattern.fullmatch(pod) for pod in self._facts.pods)
        why = f"{made}, and the log is {'' if selected else 'not '}of its pods."
        return Selection(selected=selected, why=why)

    def services_of(self, selector: Mapping[str, str]) -> list[MeshObject]:
        """Return the Services that lead to the pods that a selector means."""
        carriers = [each for each in self.own or self._all if _carries(each, selector)]
        namespace = self.namespace
        found = []
        for each in self._services:
            of_service = quiet_spec(each).labels("selector")
            if not of_service or (namespace is not None and each.namespace != namespace):
                continue
            if carriers:
                leads = any(
                    each.namespace == carrier.namespace and _carries(carrier, of_service)
                    for carrier in carriers
                )
            else:
                # One selector within the other: pods of the narrower are pods of both.
                leads = bool(selector) and (
                    selector.items() <= of_service.items() or of_service.items() <= selector.items()
                )
            if leads:
                found.append(each)
        return found

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

    def named_service(self, name: str, namespace: str) -> list[MeshObject]:
        """Return the Service of a name, if it is in the files."""
        return [
            each
            for each in self._services
            if each.name.name == name and each.namespace == namespace
        ]

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

    def _is_own(self, each: MeshObject) -> bool:
        if self._facts.namespace not in {None, each.namespace}:
            return False
        pattern = re.compile(re.escape(each.name.name) + _SUFFIX_OF_PODS[each.kind])
        return any(pattern.fullmatch(pod) for pod in self._facts.pods)

    def _all_pods_found(self) -> bool:
        patterns = [
            re.compile(re.escape(each.name.name) + _SUFFIX_OF_PODS[each.kind]) for each in self.own
        ]
        return all(any(pattern.fullmatch(pod) for pattern in patterns) for pod in self._facts.pods)


def _carries(workload: MeshObject, selector: Mapping[str, str]) -> bool:
    return selector.items() <= workload.labels.items()


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f"{name}={value}" for name, value in labels.items()) or "no labels"


def _container_ports(workload: Spec) -> list[Spec]:
    template = workload.part("template")
    pod = (template.part("spec") if template else None) or workload
    return [port for container in pod.parts("containers") for port in container.parts("ports")]
