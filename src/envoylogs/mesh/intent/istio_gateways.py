"""Servers of Istio's own Gateways."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.mesh.intent.declared import DeclaredServer, allowed_hosts
from envoylogs.mesh.intent.specs import spec_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envoylogs.mesh.intent.specs import Spec
    from envoylogs.mesh.intent.values import Note, ServerReason
    from envoylogs.mesh.intent.workloads import GatewayWorkloads
    from envoylogs.mesh.objects import MeshObject

ISTIO_NETWORKING = "networking.istio.io"


def istio_gateways(objects: Iterable[MeshObject]) -> list[MeshObject]:
    """Return Istio's own Gateways, without those of the Gateway API."""
    return [
        each for each in objects if each.kind == "Gateway" and each.name.group == ISTIO_NETWORKING
    ]


def declared_by_istio(
    gateway: MeshObject, workloads: GatewayWorkloads, notes: list[Note]
) -> list[DeclaredServer]:
    """Return the servers of a Gateway; one without port for a Gateway that has none."""
    spec = spec_of(gateway, notes)
    selector = spec.labels("selector")
    selection = workloads.selection(selector)
    services = workloads.services_of(selector)
    declared = []
    for index, server in enumerate(spec.parts("servers")):
        port = server.part("port")
        number = (port.number("number") if port else None) or 0
        tls = server.part("tls")
        redirect = tls.flag("httpsRedirect") if tls else False
        protocol = (port.text("protocol") if port else "").upper()
        mode = _tls_mode(tls, protocol, redirect=redirect)
        reason, why = _invalid(gateway, index, number, protocol, mode)
        pod_ports = workloads.pod_ports(number, services) if number else ()
        if number and services:
            known = [port for service in services for port in workloads.ports(service)]
            _note_port(server, number, services, known)
        declared.append(
            DeclaredServer(
                source=gateway,
                key=gateway.name.path,
                index=index,
                name=port.text("name") if port else "",
                port_name=port.text("name") if port else "",
                port=number,
                pod_ports=pod_ports,
                bind=server.text("bind"),
                protocol=protocol,
                hosts=allowed_hosts(server.texts("hosts"), gateway.namespace),
                has_tls=tls is not None,
                tls_mode=mode,
                credentials=_credentials(tls),
                https_redirect=redirect,
                selector=selector,
                selection=selection,
                reason=reason,
                why=why,
            )
        )
    if not declared:
        says = "It has no servers: it opens no port and accepts no host."
        spec.note("gateway_without_servers", "servers", says)
        declared.append(DeclaredServer.nothing(gateway, selector, selection, says))
    return declared


def _tls_mode(tls: Spec | None, protocol: str, *, redirect: bool) -> str | None:
    if tls is None or (redirect and not tls.has("mode") and protocol != "HTTPS"):
        return None
    # Passing on is the first mode of the enumeration, so that it is what none means.
    return tls.text("mode").upper() or "PASSTHROUGH"


def _credentials(tls: Spec | None) -> tuple[str, ...]:
    if tls is None:
        return ()
    several = tls.texts("credentialNames")
    one = tls.text("credentialName")
    return several or ((one,) if one else ())


def _invalid(
    gateway: MeshObject, index: int, number: int, protocol: str, mode: str | None
) -> tuple[ServerReason | None, str]:
    if not number:
        return "invalid", f"Server {index} of {gateway.name} has no port."
    if not protocol:
        return "invalid", f"Server {index} of {gateway.name} has no protocol."
    if protocol in {"HTTPS", "TLS"} and mode is None:
        says = f"Server {index} of {gateway.name} is for {protocol} and has no tls."
        return "invalid", says
    return None, ""


def _note_port(
    server: Spec,
    number: int,
    services: list[MeshObject],
    known: list[tuple[int, int | None]],
) -> None:
    """Note a port that no client of the Services reaches, unless they have names for ports."""
    port = server.part("port")
    if port is None or any(target is None or number in (each, target) for each, target in known):
        return
    names = ", ".join(str(each.name) for each in services)
    port.note(
        "port_not_in_service",
        "number",
        f"{number} is neither a port nor a target port of {names}, so that no client of it "
        "reaches this server.",
    )
