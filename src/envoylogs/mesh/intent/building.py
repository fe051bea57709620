"""From objects to listeners and route tables, step by step as Istio goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.mesh.intent.bindings import VirtualServiceBindings
from envoylogs.mesh.intent.bound import BoundRoutes
from envoylogs.mesh.intent.grants import grants_of
from envoylogs.mesh.intent.istio_gateways import declared_by_istio, istio_gateways
from envoylogs.mesh.intent.kube_gateways import declared_by_listeners, istio_classes, kube_gateways
from envoylogs.mesh.intent.kube_routes import ROUTE_KINDS, KubeRoutes
from envoylogs.mesh.intent.listeners import gateway_listeners
from envoylogs.mesh.intent.merging import merged_servers
from envoylogs.mesh.intent.namespaces import namespaces_of
from envoylogs.mesh.intent.oddities import (
    claims_without_authentication,
    conflicts,
    rules_never_asked,
    several_gateways,
    shared_credentials,
    unknown_release,
)
from envoylogs.mesh.intent.route_tables import route_tables
from envoylogs.mesh.intent.services import Services
from envoylogs.mesh.intent.translation import GatewayPods
from envoylogs.mesh.intent.values import Binding, GatewayFacts, Intent, Note, Server
from envoylogs.mesh.intent.virtual_services import virtual_service_route_sets
from envoylogs.mesh.intent.workloads import GatewayWorkloads

if TYPE_CHECKING:
    from envoylogs.mesh.configuration import Configuration
    from envoylogs.mesh.intent.declared import DeclaredServer
    from envoylogs.mesh.intent.merging import MergedServer
    from envoylogs.mesh.objects import MeshObject


def intended(configuration: Configuration, facts: GatewayFacts) -> Intent:
    """Return what Istio would send to the gateway of a log.

    What the files do not hold is not taken as missing: where it would decide, ``in_force``
    of a server is null and the certainty of a note is ``open``. No object makes it fail:
    what is of a wrong type is noted and counts as not given.

    Args:
        configuration: Its objects, of each name one; dumps are not looked at.
        facts: What the log tells of the gateway.
    """
    objects = configuration.objects
    notes: list[Note] = []
    workloads = GatewayWorkloads(objects, facts)
    declared, listeners_of_routes = _declared(objects, workloads, notes)
    servers = merged_servers(declared, facts.release)

    virtual_services = virtual_service_route_sets(objects, facts.mesh_domain, notes)
    routes = KubeRoutes(listeners_of_routes, facts.mesh_domain, grants_of(objects), notes)
    for each in objects:
        if each.kind in ROUTE_KINDS:
            routes.add(each)

    services = Services(objects, facts.mesh_domain, facts.release)
    pods = GatewayPods(workloads.labels, workloads.namespace, facts.release)
    bound = BoundRoutes([*virtual_services, *routes.route_sets()], services, pods)
    tables = route_tables(servers, bound, facts.release, notes)
    listeners = gateway_listeners(servers, bound, services, notes)

    of_virtual_services = VirtualServiceBindings(
        declared, virtual_services, bound, workloads.namespace, notes
    )
    bindings: list[Binding] = []
    for each in objects:
        if each.kind == "VirtualService":
            bindings += of_virtual_services.bindings(each)
    bindings += routes.bindings

    notes += conflicts(servers)
    notes += several_gateways(servers)
    notes += shared_credentials(declared)
    notes += rules_never_asked(virtual_services)
    notes += claims_without_authentication(virtual_services, objects, workloads.labels)
    if facts.release is None:
        notes += unknown_release(servers)
    order = {each.name: place for place, each in enumerate(objects)}
    notes.sort(key=lambda note: order[note.object])
    return Intent(
        listeners=tuple(listeners),
        tables=tuple(tables),
        servers=tuple(_server(each) for each in servers),
        bindings=tuple(bindings),
        notes=tuple(dict.fromkeys(notes)),
        namespace=workloads.namespace,
        pod_labels=workloads.labels,
    )


def _declared(
    objects: tuple[MeshObject, ...], workloads: GatewayWorkloads, notes: list[Note]
) -> tuple[list[DeclaredServer], list[DeclaredServer]]:
    """Return all servers, and those of the Gateway API alone."""
    by_istio = [
        server
        for gateway in istio_gateways(objects)
        for server in declared_by_istio(gateway, workloads, notes)
    ]
    namespaces, classes = namespaces_of(objects), istio_classes(objects)
    by_listeners = [
        server
        for gateway in kube_gateways(objects)
        for server in declared_by_listeners(gateway, workloads, namespaces, classes, notes)
    ]
    return by_istio + by_listeners, by_listeners


def _server(each: MergedServer) -> Server:
    declared = each.declared
    return Server(
        gateway=declared.source.name,
        index=declared.index,
        name=declared.name,
        port=declared.port,
        pod_ports=declared.pod_ports,
        protocol=declared.protocol,
        hosts=declared.hosts,
        tls_mode=declared.tls_mode,
        credentials=declared.credentials,
        https_redirect=declared.https_redirect,
        table=each.table,
        in_force=each.in_force,
        why=each.why,
        excluded_by=each.excluded_by,
        reason=each.reason,
    )
