"""What became of each ``gateways`` entry of the VirtualServices."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from envoylogs.mesh.intent.hosts import HostIndex, gateway_key, listed
from envoylogs.mesh.intent.kube_gateways import GENERATED
from envoylogs.mesh.intent.rules import MESH
from envoylogs.mesh.intent.specs import spec_of
from envoylogs.mesh.intent.values import Binding, Note
from envoylogs.mesh.intent.virtual_services import is_exported

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from envoylogs.mesh.intent.bound import BoundRoutes
    from envoylogs.mesh.intent.declared import DeclaredServer
    from envoylogs.mesh.intent.rules import RouteSet
    from envoylogs.mesh.intent.values import BindingStatus
    from envoylogs.mesh.objects import MeshObject, ObjectName

_LEAST_LIKENESS = 0.8
_MOST_COMPARED = 50


class VirtualServiceBindings:
    """Binds VirtualServices to the Gateways of the files."""

    def __init__(
        self,
        servers: Sequence[DeclaredServer],
        route_sets: Iterable[RouteSet],
        bound: BoundRoutes,
        gateway_namespace: str | None,
        notes: list[Note],
    ) -> None:
        self._servers: dict[str, list[DeclaredServer]] = {}
        for each in servers:
            self._servers.setdefault(each.key, []).append(each)
        self._names = {key: each[0].source.name for key, each in self._servers.items()}
        self._by_host: dict[str, set[ObjectName]] = {}
        for each in servers:
            for _, host in each.hosts:
                self._by_host.setdefault(host, set()).add(each.source.name)
        self._by_name: dict[str, list[str]] = {}
        self._in_namespace: dict[str, list[str]] = {}
        for key in self._names:
            namespace, _, name = key.partition("/")
            self._by_name.setdefault(name, []).append(key)
            self._in_namespace.setdefault(namespace, []).append(name)
        self._of_gateway_api = {
            name.path: name for key, name in self._names.items() if key != name.path
        }
        self._routes = {each.source.name: each for each in route_sets}
        self._bound = bound
        self._namespace = gateway_namespace
        self._notes = notes
        self._indices: dict[tuple[str, str | None], HostIndex] = {}

    def bindings(self, each: MeshObject) -> list[Binding]:
        """Return what became of each reference of a VirtualService, in its order."""
        spec = spec_of(each, [])
        references = spec.texts("gateways")
        if not references or set(references) == {MESH}:
            return [self._mesh_only(each, given=bool(references))]
        found = []
        for place, reference in enumerate(references):
            if reference == MESH:
                why = f"{each.name} is for the sidecars too."
                found.append(Binding(each.name, MESH, None, "mesh_only", (), why))
                continue
            key = gateway_key(reference, each.namespace)
            if GENERATED in key:
                self._note_generated(each, place, reference)
            found.append(self._binding(each, reference, key))
        return found

    def _mesh_only(self, each: MeshObject, *, given: bool) -> Binding:
        routes = self._routes.get(each.name)
        says = "names only mesh" if given else "has no gateways"
        says += ", so that it is for the sidecars, and bound to no gateway."
        why = f"{each.name} {says}"
        if routes is None:
            return Binding(each.name, MESH, None, "no_hosts", (), f"{each.name} has no hosts.")
        near = self._gateway_for(routes)
        note = spec_of(each, self._notes)
        note.note("virtualservice_for_mesh_only", "gateways", f"It {says}")
        return Binding(each.name, MESH, None, "mesh_only", (), why, near)

    def _gateway_for(self, routes: RouteSet) -> ObjectName | None:
        """Return a Gateway that accepts a host of some routes by name, if only one does."""
        accepting = {name for host in routes.hosts for name in self._by_host.get(host, ())}
        return accepting.pop() if len(accepting) == 1 else None

    def _binding(self, each: MeshObject, reference: str, key: str) -> Binding:
        gateway = self._names.get(key)
        if gateway is None:
            return self._missing(each, reference, key)
        routes = self._routes.get(each.name)
        if routes is None:
            why = f"{each.name} has no hosts."
            return Binding(each.name, reference, gateway, "no_hosts", (), why)
        exported = is_exported(routes.exported_to, self._namespace)
        common = self._index(key, each.namespace).intersection(routes.hosts)
        why = ""
        if exported is None:
            to = listed(sorted(routes.exported_to))
            says = f"is exported to {to}, and where the gateway's pods are is not known."
            why = f"{each.name} {says}"
            spec_of(each, self._notes).note("exported_to", "exportTo", f"It {says}", certain=False)
        status: BindingStatus = "bound"
        if exported is False:
            status, why = "not_exported", self._why_not_exported(routes)
        elif not common:
            status, why = self._why_disjoint(routes, key)
        elif not self._sends(routes, key):
            status, why = "no_rules", f"{each.name} has no rule that {gateway} can use."
        served = common if status == "bound" else ()
        return Binding(each.name, reference, gateway, status, served, why)

    def _why_not_exported(self, routes: RouteSet) -> str:
        to = listed(sorted(routes.exported_to))
        where = f"namespace {self._namespace}" if self._namespace else "some namespace"
        return f"{routes.source.name} is exported to {to}, and the gateway's pods are in {where}."

    def _why_disjoint(self, routes: RouteSet, key: str) -> tuple[BindingStatus, str]:
        gateway, name = self._names[key], routes.source.name
        accepted = listed(host for server in self._servers[key] for _, host in server.hosts)
        if self._index(key, None).intersection(routes.hosts):
            owners = {owner for server in self._servers[key] for owner, _ in server.hosts}
            only = listed(sorted(owners - {"*", "~"}))
            whose = f"of namespace {only} alone" if only else "of no namespace"
            why = f"{gateway} takes {accepted} {whose}, and {name} is in {name.namespace}."
            return "namespace_not_allowed", why
        why = f"{name} is for {listed(routes.hosts)}, and {gateway} accepts "
        return "hosts_disjoint", f"{why}{accepted or 'no host'}."

    def _missing(self, each: MeshObject, reference: str, key: str) -> Binding:
        namespace, _, name = key.partition("/")
        why = f"{each.name} names Gateway {key}, which is not among the files"
        if GENERATED in key:
            why += "; the name is one that Istio generates for a Gateway of the Gateway API."
            return Binding(each.name, reference, None, "generated_gateway", (), why)
        elsewhere = self._by_name.get(name, [])
        if elsewhere:
            found = self._names[elsewhere[0]]
            return Binding(
                each.name, reference, None, "gateway_elsewhere", (), f"{why}; {found} is.", found
            )
        of_gateway_api = self._of_gateway_api.get(key)
        if of_gateway_api is not None:
            why += f"; {of_gateway_api} of the Gateway API is, which takes HTTPRoutes"
        near = difflib.get_close_matches(
            name, self._near_names(namespace), n=1, cutoff=_LEAST_LIKENESS
        )
        likely = self._names[f"{namespace}/{near[0]}"] if near else of_gateway_api
        return Binding(each.name, reference, None, "gateway_not_in_files", (), f"{why}.", likely)

    def _near_names(self, namespace: str) -> list[str]:
        """Return the Gateways of a namespace, if they are few enough to be compared."""
        names = self._in_namespace.get(namespace, [])
        return names if len(names) <= _MOST_COMPARED else []

    def _index(self, key: str, namespace: str | None) -> HostIndex:
        place = (key, namespace)
        if place not in self._indices:
            self._indices[place] = HostIndex(
                host
                for server in self._servers[key]
                for host in (
                    server.hosts_for(namespace)
                    if namespace is not None
                    else (host for _, host in server.hosts)
                )
            )
        return self._indices[place]

    def _sends(self, routes: RouteSet, key: str) -> bool:
        """Return whether one of the servers can use one of the rules."""
        return any(self._uses(server, routes) for server in self._servers[key])

    def _uses(self, server: DeclaredServer, routes: RouteSet) -> bool:
        if server.is_plain_http or server.terminates_https:
            return self._bound.sends(routes.source.name, server.key, server.port)
        return bool(routes.tls if server.passes_tls_on else routes.tcp)

    def _note_generated(self, each: MeshObject, place: int, reference: str) -> None:
        says = f"{reference} is a name that Istio generates and may change; bind an HTTPRoute to "
        says += "the Gateway itself."
        self._notes.append(
            Note("generated_gateway_name", each.name, f"gateways[{place}]", reference, says)
        )
