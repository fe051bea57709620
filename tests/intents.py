"""What Istio would make of objects that are written in a test."""

from __future__ import annotations

import io
from pathlib import Path
from textwrap import dedent
from typing import Any

from envoylogs.mesh.configuration import Configuration
from envoylogs.mesh.documents import read_configuration
from envoylogs.mesh.intent import Binding, GatewayFacts, Intent, Note, Server, intended
from envoylogs.mesh.requests import Request
from envoylogs.mesh.routes.through import ConfigurationMatcher, Way
from envoylogs.mesh.tables import Route, RouteTable, VirtualHost


def configuration(*documents: str) -> Configuration:
    """Return objects that are written in YAML, in their order."""
    text = "\n---\n".join(dedent(each) for each in documents)
    return read_configuration(["-"], io.BytesIO(text.encode()))


def intent_of(*documents: str, **facts: Any) -> Intent:
    """Return what Istio makes of objects, for a gateway of which ``facts`` are known."""
    return intended(configuration(*documents), GatewayFacts(**facts))


def intent_of_file(path: Path, **facts: Any) -> Intent:
    """Return what Istio makes of the objects of a file."""
    return intended(read_configuration([str(path)]), GatewayFacts(**facts))


def way(
    intent: Intent,
    host: str,
    path: str = "/",
    *,
    port: int = 80,
    server_name: str | None = None,
    **request: Any,
) -> Way:
    """Return the way of a request, in plain HTTP unless a server name is given."""
    asked = Request(
        authority=host,
        path=path,
        port=port,
        server_name=server_name,
        tls=server_name is not None,
        **request,
    )
    return ConfigurationMatcher(intent.listeners, intent.tables).way(asked)


def clusters(intent: Intent, host: str, path: str = "/", **request: Any) -> dict[str, int] | None:
    """Return where a request goes, null if no route takes it for certain."""
    routing = way(intent, host, path, **request).routing
    route = routing.route if routing is not None else None
    return dict(route.action.clusters) if route is not None else None


def server(intent: Intent, gateway: str, index: int = 0) -> Server:
    """Return a server by the path of its Gateway."""
    return next(
        each for each in intent.servers if each.gateway.path == gateway and each.index == index
    )


def binding(intent: Intent, route: str) -> Binding:
    """Return the only binding of a route object that is not for the mesh too."""
    (found,) = [each for each in intent.bindings if each.route.path == route]
    return found


def notes(intent: Intent, code: str) -> list[Note]:
    """Return the notes of a kind."""
    return [each for each in intent.notes if each.code == code]


def table(intent: Intent) -> RouteTable:
    """Return the only route table."""
    (found,) = intent.tables
    return found


def virtual_host(intent: Intent, domain: str) -> VirtualHost:
    """Return the virtual host of the only table that has a domain."""
    return next(each for each in table(intent).virtual_hosts if domain in each.domains)


def routes(intent: Intent, domain: str = "*") -> tuple[Route, ...]:
    """Return the routes of a domain of the only table."""
    return virtual_host(intent, domain).routes


def gateway(  # noqa: PLR0913 - what a test is about is named in it
    path: str,
    *hosts: str,
    port: int = 80,
    protocol: str = "HTTP",
    tls: str = "",
    selector: str = "{istio: ingressgateway}",
    created: str = "",
) -> str:
    """Return a Gateway of Istio with one server, in YAML; ``tls`` and ``selector`` are in it."""
    namespace, _, name = path.partition("/")
    return f"""
      apiVersion: networking.istio.io/v1
      kind: Gateway
      metadata: {{name: {name}, namespace: {namespace}{_created(created)}}}
      spec:
        selector: {selector}
        servers:
        - port: {{number: {port}, name: {protocol.lower()}, protocol: {protocol}}}
          hosts: [{_texts(hosts or ("*",))}]
          {f"tls: {tls}" if tls else ""}
    """


def virtual_service(
    path: str,
    *hosts: str,
    gateways: str | None = "[edge/gw]",
    http: str = "[{route: [{destination: {host: web, port: {number: 80}}}]}]",
    created: str = "",
    more: str = "",
) -> str:
    """Return a VirtualService, in YAML; what is not of its metadata and hosts is in it."""
    namespace, _, name = path.partition("/")
    return f"""
      apiVersion: networking.istio.io/v1
      kind: VirtualService
      metadata: {{name: {name}, namespace: {namespace}{_created(created)}}}
      spec:
        hosts: [{_texts(hosts)}]
        {f"gateways: {gateways}" if gateways else ""}
        {f"http: {http}" if http else ""}
        {more}
    """


def _created(at: str) -> str:
    return f", creationTimestamp: '{at}'" if at else ""


def _texts(values: tuple[str, ...]) -> str:
    return ", ".join(f'"{each}"' for each in values)
