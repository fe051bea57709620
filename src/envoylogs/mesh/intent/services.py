"""Names of clusters for destinations, by the Services in the files.

As ``GetDestinationCluster`` in ``pilot/pkg/networking/core/route/route.go`` of Istio has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envoylogs.mesh.intent.specs import quiet_spec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envoylogs.mesh.intent.rules import Destination
    from envoylogs.mesh.intent.specs import Spec
    from envoylogs.mesh.objects import MeshObject

UNKNOWN_SERVICE = "UnknownService"
"""The cluster for a backend that does not resolve; it never exists."""

_ALIASES = (1, 21)


@dataclass(frozen=True, slots=True)
class _Service:
    ports: tuple[int, ...]
    external_name: str


class Services:
    """Services and ServiceEntries by their full names.

    Args:
        objects: All.
        domain: What the names of Services end with.
        release: Of Istio, which sends to the name that an ``ExternalName`` stands for since
            1.21; null takes the newest rules.
    """

    __slots__ = ("_by_host",)

    def __init__(
        self,
        objects: Iterable[MeshObject],
        domain: str,
        release: tuple[int, int] | None = None,
    ) -> None:
        self._by_host: dict[str, _Service] = {}
        has_aliases = release is None or release >= _ALIASES
        for each in objects:
            spec = quiet_spec(each)
            if each.kind == "Service" and not each.name.group:
                host = f"{each.name.name}.{each.namespace}.svc.{domain}"
                alias = _external_name(spec) if has_aliases else ""
                self._by_host[host] = _Service(_ports(spec, "port"), alias)
            elif each.kind == "ServiceEntry":
                ports = _ports(spec, "number")
                for host in spec.texts("hosts"):
                    self._by_host.setdefault(host, _Service(ports, ""))

    def cluster(self, destination: Destination, gateway_port: int) -> str:
        """Return the name of the cluster of a destination.

        Without a port in the destination it is the only port of the Service, else the
        number in the Gateway: with several ports, or with a Service that is not in the files.
        """
        if not destination.host:
            return UNKNOWN_SERVICE
        service = self._by_host.get(destination.host)
        host, port = destination.host, destination.port
        if service is not None and service.external_name:
            host = service.external_name
        if port is None:
            port = gateway_port
            if service is not None and len(service.ports) == 1:
                port = service.ports[0]
        return f"outbound|{port}|{destination.subset}|{host}"


def _external_name(spec: Spec) -> str:
    return spec.text("externalName") if spec.text("type") == "ExternalName" else ""


def _ports(spec: Spec, key: str) -> tuple[int, ...]:
    numbers = (each.number(key) for each in spec.parts("ports"))
    return tuple(number for number in numbers if number is not None)
