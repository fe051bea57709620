"""The routes that are bound to each Gateway, found by the hosts of its servers.

As ``VirtualServicesForGateway`` in ``pilot/pkg/model/push_context.go`` of Istio orders them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.mesh.intent.ages import age_key
from envoylogs.mesh.intent.hosts import HostIndex
from envoylogs.mesh.intent.translation import translated
from envoylogs.mesh.intent.virtual_services import EVERYONE, is_exported

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from envoylogs.mesh.intent.declared import DeclaredServer
    from envoylogs.mesh.intent.rules import RouteSet
    from envoylogs.mesh.intent.services import Services
    from envoylogs.mesh.intent.translation import GatewayPods
    from envoylogs.mesh.objects import ObjectName
    from envoylogs.mesh.tables import Route


class BoundRoutes:
    """The routes by Gateway, oldest first, and what they become."""

    def __init__(
        self, route_sets: Iterable[RouteSet], services: Services, pods: GatewayPods
    ) -> None:
        self._services = services
        self._pods = pods
        exported = (
            each
            for each in route_sets
            if is_exported(each.exported_to, pods.namespace) is not False
        )
        self._routes = sorted(exported, key=self._order)
        self._of_objects = {
            each.source.name: index
            for index, each in enumerate(self._routes)
            if not each.is_of_gateway_api
        }
        self._by_key: dict[str, dict[str, list[int]]] = {}
        for index, each in enumerate(self._routes):
            for key in each.keys:
                by_host = self._by_key.setdefault(key, {})
                for host in each.hosts:
                    by_host.setdefault(host, []).append(index)
        self._indices = {key: HostIndex(by_host) for key, by_host in self._by_key.items()}
        self._sent: dict[tuple[int, str, int], tuple[Route, ...]] = {}

    def for_server(self, server: DeclaredServer) -> Iterator[tuple[int, RouteSet, tuple[str, ...]]]:
        """Yield the routes of a server, oldest first, with the hosts that both sides have.

        Yields:
            The number of the routes for ``sent``, the routes, and the hosts.
        """
        by_host = self._by_key.get(server.key)
        if by_host is None:
            return
        near = self._indices[server.key].overlapping(host for _, host in server.hosts)
        candidates = sorted({index for host in near for index in by_host[host]})
        indices: dict[str, HostIndex] = {}
        for index in candidates:
            each = self._routes[index]
            namespace = each.source.namespace
            if namespace not in indices:
                indices[namespace] = HostIndex(server.hosts_for(namespace))
            common = indices[namespace].intersection(each.hosts)
            if common:
                yield index, each, common

    def sent(self, index: int, key: str, port: int) -> tuple[Route, ...]:
        """Return what some routes become at a Gateway, for a number of its ports."""
        place = (index, key, port)
        if place not in self._sent:
            routes = self._routes[index]
            self._sent[place] = translated(routes, key, port, self._services, self._pods)
        return self._sent[place]

    def sends(self, name: ObjectName, key: str, port: int) -> bool:
        """Return whether a VirtualService has a route for a port of a Gateway."""
        index = self._of_objects.get(name)
        return index is not None and bool(self.sent(index, key, port))

    def _order(self, each: RouteSet) -> tuple[int, str, tuple[str, str], int]:
        """Return what routes are sorted by: those for one namespace first, then by age."""
        own = each.source.namespace == self._pods.namespace
        if EVERYONE not in each.exported_to:
            rank = 0 if own else 1
        else:
            rank = 2 if own and each.is_of_gateway_api else 3
        return (rank, *age_key(each.source))
