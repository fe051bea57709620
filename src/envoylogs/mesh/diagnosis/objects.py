"""The objects that were given, ready to be asked who lists a host and what is bound to what."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from envoylogs.mesh.diagnosis.host_index import HostIndex
from envoylogs.mesh.explanation import Proof

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from envoylogs.mesh.configuration import Configuration
    from envoylogs.mesh.intent.values import Binding, Intent, Note, Server
    from envoylogs.mesh.objects import MeshObject, ObjectName

_HOSTS_OF = {"VirtualService": "hosts", "HTTPRoute": "hostnames", "GRPCRoute": "hostnames",
             "TLSRoute": "hostnames"}  # fmt: skip

_NOTES = 3
_HOSTS = 5
_REFERRING = {"bound", "hosts_disjoint", "no_hosts", "no_rules"}

GATEWAY_API = "gateway.networking.k8s.io"


class Objects:
    """What was given, and what Istio would make of it.

    Attributes:
        by_name: All objects.
        credentials: Names of the Secrets that are known; null if it is not known which there are.
        servers: Of all Gateways, by the hosts they accept.
        routes: VirtualServices and routes of the Gateway API, by the hosts they list, short
            names in full.
        short: VirtualServices by the hosts without a dot that they list.
        bindings: What became of each reference of a route to a gateway.
        bound: Routes that name a gateway which sees them, by gateway, in the order of the
            files; of some no host is one that it accepts.

    Args:
        configuration: What was given.
        intent: What Istio makes of it.
        mesh_domain: What names of Services end with.
    """

    def __init__(self, configuration: Configuration, intent: Intent, mesh_domain: str) -> None:
        self.by_name: Mapping[ObjectName, MeshObject] = {
            each.name: each for each in configuration.objects
        }
        self.intent = intent
        self.credentials = configuration.credentials
        self.servers: HostIndex[Server] = HostIndex(
            (host, server) for server in intent.servers for _, host in server.hosts
        )
        self.short: defaultdict[str, list[ObjectName]] = defaultdict(list)
        self.routes: HostIndex[ObjectName] = HostIndex(
            self._listed(configuration.objects, mesh_domain)
        )
        self.bindings: defaultdict[ObjectName, list[Binding]] = defaultdict(list)
        bound: defaultdict[ObjectName, dict[ObjectName, None]] = defaultdict(dict)
        for binding in intent.bindings:
            self.bindings[binding.route].append(binding)
            if binding.status in _REFERRING and binding.gateway is not None:
                bound[binding.gateway][binding.route] = None
        self._notes: defaultdict[ObjectName, list[Note]] = defaultdict(list)
        for note in intent.notes:
            self._notes[note.object].append(note)
        self._bound_to: dict[frozenset[ObjectName], frozenset[ObjectName]] = {}
        self.bound: Mapping[ObjectName, tuple[ObjectName, ...]] = {
            gateway: tuple(routes) for gateway, routes in bound.items()
        }

    @property
    def has_gateways(self) -> bool:
        """Whether any Gateway was given."""
        return any(name.kind == "Gateway" for name in self.by_name)

    @property
    def has_routes(self) -> bool:
        """Whether any VirtualService or route of the Gateway API was given."""
        return any(name.kind in _HOSTS_OF for name in self.by_name)

    def hosts_of(self, route: ObjectName) -> list[str]:
        """Return the hosts that a route object lists, as they are written."""
        found = self.by_name.get(route)
        return [] if found is None else texts(found.spec.get(_HOSTS_OF.get(route.kind, "hosts")))

    def bound_to(self, gateways: Iterable[ObjectName]) -> frozenset[ObjectName]:
        """Return which routes are bound to any of some gateways."""
        key = frozenset(gateways)
        if key not in self._bound_to:
            self._bound_to[key] = frozenset(
                route for gateway in key for route in self.bound.get(gateway, ())
            )
        return self._bound_to[key]

    def host_field(self, route: ObjectName) -> str:
        """Return which field of a route object lists its hosts."""
        return _HOSTS_OF.get(route.kind, "hosts")

    def server_place(self, server: Server) -> str:
        """Return where a server stands in its Gateway."""
        if server.gateway.group == GATEWAY_API:
            return f"listeners[{server.index}].hostname"
        return f"servers[{server.index}].hosts"

    def steps_of_notes(self, name: ObjectName, codes: Collection[str]) -> list[Proof]:
        """Return what is odd in an object, as steps of a proof."""
        return [
            Proof(str(name), note.field, note.value, note.says)
            for note in self._notes.get(name, ())
            if note.code in codes
        ][:_NOTES]

    def step_of(self, server: Server, says: str) -> Proof:
        """Return the step of a proof that is about a server of a Gateway."""
        place = f"{self.server_place(server)} (port {server.port})"
        return Proof(str(server.gateway), place, hosts_of_server(server) or "(missing)", says)

    def step_of_route(self, route: ObjectName, host: str) -> Proof:
        """Return the step of a proof that is about a route object which lists a host."""
        hosts = ", ".join(self.hosts_of(route)[:_HOSTS]) or "(missing)"
        gateways = ", ".join(binding.reference for binding in self.bindings[route]) or "nothing"
        field = f"spec.{self.host_field(route)}"
        return Proof(str(route), field, hosts, f"lists {host}, bound to {gateways}")

    def _listed(
        self, objects: tuple[MeshObject, ...], mesh_domain: str
    ) -> Iterator[tuple[str, ObjectName]]:
        for each in objects:
            field = _HOSTS_OF.get(each.kind)
            if field is None:
                continue
            hosts = texts(each.spec.get(field))
            if not hosts and each.kind != "VirtualService":
                # A route without hostnames takes those of its listeners.
                yield "*", each.name
            for host in hosts:
                if "." in host or host == "*" or each.kind != "VirtualService":
                    yield host, each.name
                else:
                    self.short[host.lower()].append(each.name)
                    yield f"{host}.{each.namespace}.svc.{mesh_domain}", each.name


def texts(value: Any) -> list[str]:  # noqa: ANN401  # whatever stands in a spec
    """Return the texts of a list; nothing for what is none."""
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def dicts(value: Any) -> list[dict[str, Any]]:  # noqa: ANN401  # whatever stands in a spec
    """Return the objects of a list; nothing for what is none."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def port_words(server: Server) -> str:
    """Return the port of a server in its Gateway, and that of the pod if it is known as another.

    ``443 (8443 of the pod)``.
    """
    others = [str(port) for port in server.pod_ports if port != server.port]
    return f"{server.port} ({', '.join(others)} of the pod)" if others else str(server.port)


def hosts_of_server(server: Server) -> str:
    """Return the hosts of a server, as they are read."""
    return ", ".join(
        host if namespace == "*" else f"{namespace}/{host}" for namespace, host in server.hosts
    )
