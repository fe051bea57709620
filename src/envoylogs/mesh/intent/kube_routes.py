"""Routes of the Gateway API: which listeners they are bound to, and what they send there.

As ``extractParentReferenceInfo`` and ``referenceAllowed`` in
``pilot/pkg/config/kube/gateway/conversion.go`` and ``HTTPRouteCollection`` in
``route_collections.go`` beside it have it: one object for each listener and host, which
all routes of that host are merged into.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.mesh.intent.declared import GATEWAY_API
from envoylogs.mesh.intent.hosts import HostIndex, is_covered, is_wildcard, listed
from envoylogs.mesh.intent.kube_rules import (
    RefusedRouteError,
    http_rules_of_route,
    precedence,
    tls_rules_of_route,
)
from envoylogs.mesh.intent.rules import RouteSet
from envoylogs.mesh.intent.specs import spec_of
from envoylogs.mesh.intent.values import Binding
from envoylogs.mesh.objects import ObjectName

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envoylogs.mesh.intent.declared import DeclaredServer
    from envoylogs.mesh.intent.grants import Grants
    from envoylogs.mesh.intent.rules import Rule
    from envoylogs.mesh.intent.specs import Spec
    from envoylogs.mesh.intent.values import BindingStatus, Note
    from envoylogs.mesh.objects import MeshObject

ROUTE_KINDS = frozenset({"HTTPRoute", "GRPCRoute", "TLSRoute"})


class KubeRoutes:
    """The routes of the Gateway API among the objects.

    Attributes:
        bindings: One for each parent reference.
    """

    def __init__(
        self,
        listeners: Iterable[DeclaredServer],
        domain: str,
        grants: Grants,
        notes: list[Note],
    ) -> None:
        self._domain = domain
        self._grants = grants
        self._notes = notes
        self._listeners: dict[ObjectName, list[DeclaredServer]] = {}
        self._names: dict[str, list[ObjectName]] = {}
        for each in listeners:
            name = each.source.name
            if name not in self._listeners:
                self._names.setdefault(name.name, []).append(name)
            self._listeners.setdefault(name, []).append(each)
        self._rules: dict[tuple[str, str], list[tuple[MeshObject, list[Rule]]]] = {}
        self._tls: list[RouteSet] = []
        self.bindings: list[Binding] = []

    def add(self, route: MeshObject) -> None:
        """Bind a route to the listeners that its parent references mean."""
        spec = spec_of(route, self._notes)
        hosts = spec.texts("hostnames") or ("*",)
        refused = ""
        rules: list[Rule] = []
        try:
            if route.kind != "TLSRoute":
                rules = http_rules_of_route(route, self._domain, self._grants, self._notes)
            else:
                tls_rules_of_route(route, hosts, self._domain, self._grants)
        except RefusedRouteError as error:
            refused = str(error)
        for parent in spec.parts("parentRefs"):
            binding, listeners = self._bound(route, parent, hosts)
            if binding.status == "bound" and refused:
                why = f"Istio makes nothing of {route.name}: {refused}."
                binding = Binding(
                    route.name, binding.reference, binding.gateway, "invalid", (), why
                )
            self.bindings.append(binding)
            if binding.status != "bound":
                continue
            for listener, served in listeners:
                self._serve(route, listener, served, rules)

    def route_sets(self) -> list[RouteSet]:
        """Return what the routes send, merged by listener and host."""
        merged = []
        for (key, host), parts in self._rules.items():
            # By age, and for those of one second by namespace, then by name.
            parts.sort(key=lambda each: _age(each[0]))
            rules = [(rule, route.name) for route, rules in parts for rule in rules]
            rules.sort(key=lambda each: precedence(each[0]))
            merged.append(
                RouteSet(
                    source=parts[0][0],
                    hosts=(host,),
                    keys=(key,),
                    rules=tuple(rules),
                    is_of_gateway_api=True,
                )
            )
        return merged + self._tls

    def _serve(
        self, route: MeshObject, listener: DeclaredServer, hosts: list[str], rules: list[Rule]
    ) -> None:
        if route.kind != "TLSRoute":
            for host in hosts:
                self._rules.setdefault((listener.key, host), []).append((route, rules))
            return
        names = HostIndex(listener.hosts_for(route.namespace)).intersection(hosts)
        tls = tls_rules_of_route(route, names, self._domain, self._grants)
        self._tls.append(RouteSet(route, names, (listener.key,), tls=tls, is_of_gateway_api=True))

    def _bound(
        self, route: MeshObject, parent: Spec, hosts: tuple[str, ...]
    ) -> tuple[Binding, list[tuple[DeclaredServer, list[str]]]]:
        namespace = parent.text("namespace") or route.namespace
        section, port = parent.text("sectionName"), parent.number("port")
        reference = f"{namespace}/{parent.text('name')}"
        reference += f"/{section}" if section else ""
        reference += f":{port}" if port else ""
        kind = parent.text("kind") or "Gateway"
        name = ObjectName("Gateway", namespace, parent.text("name"), GATEWAY_API)

        def refused(
            status: BindingStatus, why: str, suggestion: ObjectName | None = None
        ) -> tuple[Binding, list[tuple[DeclaredServer, list[str]]]]:
            gateway = name if name in self._listeners else None
            return Binding(route.name, reference, gateway, status, (), why, suggestion), []

        if kind in {"Service", "ServiceEntry"}:
            return refused("mesh_only", f"{route.name} is for the mesh: it names a {kind}.")
        listeners = self._listeners.get(name) if kind == "Gateway" else None
        if listeners is None:
            elsewhere = next(iter(self._names.get(name.name, [])), None)
            why = f"{route.name} names {kind} {reference}, which is not among the files"
            if elsewhere is not None:
                return refused("gateway_elsewhere", f"{why}; {elsewhere} is.", elsewhere)
            return refused("gateway_not_in_files", f"{why}.")
        meant = [
            each
            for each in listeners
            if section in {"", each.name} and port in {None, 0, each.port}
        ]
        if not meant:
            return refused("section_not_found", f"{name} has no listener for {reference}.")
        return self._allowed(route, name, meant, hosts, reference)

    def _allowed(
        self,
        route: MeshObject,
        name: ObjectName,
        listeners: list[DeclaredServer],
        hosts: tuple[str, ...],
        reference: str,
    ) -> tuple[Binding, list[tuple[DeclaredServer, list[str]]]]:
        served: list[tuple[DeclaredServer, list[str]]] = []
        common: dict[str, None] = {}
        status: BindingStatus = "hosts_disjoint"
        for each in listeners:
            everyone = HostIndex(host for _, host in each.hosts)
            if not everyone.intersection(hosts):
                continue
            index = HostIndex(each.hosts_for(route.namespace))
            if not index.intersection(hosts):
                status = "namespace_not_allowed"
            elif route.kind not in each.kinds:
                status = "kind_not_allowed"
            else:
                own = [host for host in hosts if self._is_for(host, each)]
                common.update(dict.fromkeys(index.intersection(own)))
                served.append((each, own))
        if served:
            bound = Binding(route.name, reference, name, "bound", tuple(common))
            return bound, served
        shown = listed(f"{each.name} ({_host(each)})" for each in listeners)
        why = {
            "hosts_disjoint": f"None of {listed(hosts)} is a host of listeners {shown}.",
            "namespace_not_allowed": f"Listeners {shown} of {name} take no routes of namespace "
            f"{route.namespace}.",
            "kind_not_allowed": f"Listeners {shown} of {name} take no {route.kind}.",
        }[status]
        return Binding(route.name, reference, name, status, (), why), []

    def _is_for(self, host: str, listener: DeclaredServer) -> bool:
        """Return whether no narrower listener takes a host (``hostnameAllowedByIsolation``)."""
        own = _host(listener)
        if not is_wildcard(own):
            return True
        if not (is_covered(host, own) or is_covered(own, host)):
            return False
        return not any(
            len(_host(other)) >= len(own) and is_covered(host, _host(other))
            for other in self._listeners[listener.source.name]
            if other.port == listener.port
            and other.protocol == listener.protocol
            and _host(other) != own
        )


def _host(listener: DeclaredServer) -> str:
    return listener.hosts[0][1] if listener.hosts else ""


def _age(route: MeshObject) -> tuple[str, tuple[str, str], int]:
    if route.created_at is None:
        return "~", ("", ""), route.order
    return route.created_at, (route.namespace, route.name.name), route.order
