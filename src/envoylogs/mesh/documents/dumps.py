"""Dumps of a proxy: what ``istioctl proxy-config ... -o json`` and ``/config_dump`` print.

Parts are told by what they hold, as ``istioctl`` prints them bare and Envoy in sections that
name their type.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from envoylogs.mesh.documents.listeners import cluster, listener
from envoylogs.mesh.documents.nodes import camel, entries, is_object, members, text_in, whole
from envoylogs.mesh.documents.route_tables import RouteTables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from envoylogs.mesh.documents.nodes import Node
    from envoylogs.mesh.tables import Cluster, Listener, RouteTable

_ROUTES = ("static_route_configs", "dynamic_route_configs")
# Those that are active stood in a list of their own before Envoy 1.12.
_LISTENERS = ("static_listeners", "dynamic_listeners", "dynamic_active_listeners")
_CLUSTERS = ("static_clusters", "dynamic_active_clusters")
_SECRETS = ("static_secrets", "dynamic_active_secrets")
_SCOPED = ("inline_scoped_route_configs", "dynamic_scoped_route_configs")

_OF_A_TABLE = (
    "virtual_hosts",
    "vhds",
    "validate_clusters",
    "internal_only_headers",
    "max_direct_response_body_size_bytes",
)
_OF_A_LISTENER = (
    "filter_chains",
    "default_filter_chain",
    "listener_filters",
    "api_listener",
    "traffic_direction",
)
_OF_A_CLUSTER = (
    "type",
    "cluster_type",
    "eds_cluster_config",
    "load_assignment",
    "connect_timeout",
    "lb_policy",
)
_PASSED_OVER = ("bootstrap", "ecds_filters", "static_endpoint_configs", "dynamic_endpoint_configs")

_NO_SECRETS = frozenset({"default", "ROOTCA"})
"""What the proxy's own identity is called among its secrets."""

_NODE_PARTS = 4
"""Kind, address, ``pod.namespace`` and domain: ``role.ServiceNode`` of Istio's pilot-agent."""

_SCHEMES = ("kubernetes-gateway://", "kubernetes://")


@dataclass(slots=True)
class Dumps:
    """What dumps hold; it grows with each part.

    Attributes:
        warn: Told in sentences what could not be used.
        tables: Route tables, in the order in which they stand.
        listeners: Listeners likewise.
        clusters: Clusters likewise; null until a dump of them was there.
        secrets: Names of secrets that a proxy had; null until a dump of them was there.
        pods: Whose a file is that holds a whole dump, by its name.
    """

    warn: Callable[[str], None]
    tables: list[RouteTable] = field(default_factory=list)
    listeners: list[Listener] = field(default_factory=list)
    clusters: list[Cluster] | None = None
    secrets: list[str] | None = None
    pods: dict[str, str] = field(default_factory=dict)
    _tables: RouteTables = field(default_factory=RouteTables)

    def add(self, node: Node, source: str) -> bool:
        """Add a dump or a part of one; tell whether it was one.

        Args:
            node: An object.
            source: The file that it stands in.
        """
        parts = members(node)
        if (configs := _member(parts, "configs")) is not None:
            return sum([self.add(each, source) for each in entries(configs)]) > 0
        return (
            self._add_sections(parts, source)
            or self._add_bare(node, parts, source)
            or _has(parts, _PASSED_OVER)
            or "envoy.admin." in text_in(_types(parts), "@type")
        )

    def _add_sections(self, parts: dict[str, Node], source: str) -> bool:
        kind = text_in(_types(parts), "@type")
        if _has(parts, _CLUSTERS) or kind.endswith(".ClustersConfigDump"):
            self.clusters = self.clusters or []
        if _has(parts, _SECRETS) or kind.endswith(".SecretsConfigDump"):
            self.secrets = self.secrets or []
        if _has(parts, _SCOPED):
            self.warn(f"{source}: scoped routes are not read; other parts of the dump are.")
        for each in _in_sections(parts, _ROUTES):
            self._add_table(_member(each, "route_config"), source)
        for each in _in_sections(parts, _LISTENERS):
            state = _member(each, "active_state")
            held = each if state is None else members(state)
            self._add_listener(_member(held, "listener"), source)
        for each in _in_sections(parts, _CLUSTERS):
            self._add_cluster(_member(each, "cluster"), source)
        if (pod := _pod(_member(parts, "bootstrap"))) is not None:
            self.pods[source] = pod
        for each in _in_sections(parts, _SECRETS):
            self._add_secret(whole(each.get("name")))
        return _has(parts, (*_ROUTES, *_LISTENERS, *_CLUSTERS, *_SECRETS, *_SCOPED))

    def _add_bare(self, node: Node, parts: dict[str, Node], source: str) -> bool:
        for name, add in (
            ("route_config", self._add_table),
            ("listener", self._add_listener),
            ("cluster", self._add_cluster),
        ):
            inner = _member(parts, name)
            if is_object(inner):
                return add(inner, source)
        if _has(parts, _OF_A_TABLE):
            return self._add_table(node, source)
        if _has(parts, _OF_A_LISTENER):
            return self._add_listener(node, source)
        if _has(parts, ("name",)) and _has(parts, _OF_A_CLUSTER):
            return self._add_cluster(node, source)
        return False

    def _add_table(self, node: Node, source: str) -> bool:
        return self._converted(
            node,
            source,
            "route table",
            lambda: self.tables.append(self._tables.table(node, source)),
        )

    def _add_listener(self, node: Node, source: str) -> bool:
        return self._converted(
            node,
            source,
            "listener",
            lambda: self.listeners.append(listener(whole(node), source, self._tables)),
        )

    def _add_cluster(self, node: Node, source: str) -> bool:
        def convert() -> None:
            # Of a cluster, which may hold a certificate, two members are decoded.
            wanted = {
                key: whole(value)
                for key, value in members(node).items()
                if key in {"name", "type", "cluster_type", "clusterType"}
            }
            found = cluster(wanted, source)
            if self.clusters is None:
                self.clusters = []
            self.clusters.append(found)

        return self._converted(node, source, "cluster", convert)

    def _add_secret(self, name: object) -> None:
        if isinstance(name, str) and name not in _NO_SECRETS and self.secrets is not None:
            for scheme in _SCHEMES:
                name = name.removeprefix(scheme)
            self.secrets.append(name)

    def _converted(self, node: Node, source: str, what: str, convert: Callable[[], None]) -> bool:
        """Convert a part, or say that it can't be done; tell whether there is one."""
        if not is_object(node):
            return False
        try:
            convert()
        except (ValueError, RecursionError, msgspec.DecodeError):
            name = self._name_of(node)
            self.warn(f"{source}: {what} {name} can't be decoded, and was passed over.")
        return True

    @staticmethod
    def _name_of(node: Node) -> str:
        try:
            name = whole(members(node).get("name"))
        except (ValueError, RecursionError, msgspec.DecodeError):
            name = None
        return name if isinstance(name, str) and name.isprintable() else "without a name"


def _pod(bootstrap: Node) -> str | None:
    """Return whose a dump is: Istio's agent makes a node's identity of kind, address and pod."""
    identity = whole(_member(members(_member(members(bootstrap), "node")), "id"))
    parts = identity.split("~") if isinstance(identity, str) else []
    return parts[2].rpartition(".")[0] or None if len(parts) == _NODE_PARTS else None


def _types(parts: dict[str, Node]) -> dict[str, Any]:
    return {"@type": whole(parts["@type"])} if "@type" in parts else {}


def _member(parts: dict[str, Node], name: str) -> Node:
    value = parts.get(name)
    return parts.get(camel(name)) if value is None else value


def _has(parts: dict[str, Node], names: tuple[str, ...]) -> bool:
    return any(name in parts or camel(name) in parts for name in names)


def _in_sections(parts: dict[str, Node], names: tuple[str, ...]) -> Iterator[dict[str, Node]]:
    for name in names:
        for each in entries(_member(parts, name)):
            yield members(each)
