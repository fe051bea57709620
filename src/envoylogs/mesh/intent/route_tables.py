"""The route tables of a gateway.

As ``buildGatewayHTTPRouteConfig`` in ``pilot/pkg/networking/core/gateway.go`` of Istio has it.
What differs by release was read at the tags 1.4 to 1.30.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from envoylogs.mesh.intent.ages import age_known
from envoylogs.mesh.intent.declared import ANY_NAMESPACE
from envoylogs.mesh.intent.hosts import is_wildcard
from envoylogs.mesh.intent.translation import is_catch_all
from envoylogs.mesh.intent.values import Note
from envoylogs.mesh.tables import Action, Route, RouteMatch, RouteTable, VirtualHost

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envoylogs.mesh.intent.bound import BoundRoutes
    from envoylogs.mesh.intent.declared import DeclaredServer
    from envoylogs.mesh.intent.merging import MergedServer
    from envoylogs.mesh.objects import MeshObject, ObjectName

_IGNORES_PORTS = (1, 15)
_PORT_WILDCARDS = (1, 6)
_NO_TWO_WILDCARDS = (1, 8)
_EMPTY_BLACKHOLE = (1, 8)
_COLLAPSES = (1, 11)

Release = tuple[int, int] | None


@dataclass(slots=True)
class _Host:
    """What one host is sent to, while it is put together."""

    port: int
    require_tls: Literal["none", "all"] = "none"
    parts: dict[tuple[str, int], tuple[Route, ...]] = field(default_factory=dict)
    catch_alls: list[MeshObject] = field(default_factory=list)


def route_tables(
    servers: Iterable[MergedServer], bound: BoundRoutes, release: Release, notes: list[Note]
) -> list[RouteTable]:
    """Return the tables of the servers that are taken to be in force, by name.

    Args:
        servers: In the order in which Istio takes them.
        bound: The routes of each Gateway.
        release: Null takes the newest rules.
        notes: Where several objects that take everything of a host are noted.
    """
    by_table: dict[str, list[MergedServer]] = {}
    for each in servers:
        if each.table is not None and each.is_taken:
            by_table.setdefault(each.table, []).append(each)
    hosts = {name: _hosts(of_table, bound) for name, of_table in by_table.items()}
    notes += _catch_alls(hosts.values())
    return [
        _table(name, by_table[name], of_table, release) for name, of_table in sorted(hosts.items())
    ]


def _hosts(servers: list[MergedServer], bound: BoundRoutes) -> dict[str, _Host]:
    """Return what each host of a table is sent to."""
    hosts: dict[str, _Host] = {}
    built: dict[tuple[str, int], tuple[Route, ...]] = {}
    for each in servers:
        server = each.declared
        served = _serve(hosts, built, server, bound)
        if server.https_redirect:
            # A host of one namespace is sent with it, and no request has such a host.
            own = [host for owner, host in server.hosts if owner == ANY_NAMESPACE]
            for host in (*served, *own):
                place = hosts.setdefault(host.lower(), _Host(server.port))
                place.require_tls = "all"
    return hosts


def _table(
    name: str, servers: list[MergedServer], hosts: dict[str, _Host], release: Release
) -> RouteTable:
    virtual_hosts = _virtual_hosts(hosts, release) if hosts else [_blackhole(servers, release)]
    ignores_ports = release is None or release >= _IGNORES_PORTS
    return RouteTable(name=name, virtual_hosts=tuple(virtual_hosts), ignore_port=ignores_ports)


def _serve(
    hosts: dict[str, _Host],
    built: dict[tuple[str, int], tuple[Route, ...]],
    server: DeclaredServer,
    bound: BoundRoutes,
) -> list[str]:
    """Add the routes of a server to its hosts, and return these."""
    served: list[str] = []
    for index, routes, common in bound.for_server(server):
        part = (server.key, index)
        # Istio makes them once for a table, with the port of the first server that has any.
        sent = built.get(part) or bound.sent(index, server.key, server.port)
        if not sent:
            continue
        built[part] = sent
        served += common
        for host in common:
            place = hosts.setdefault(host.lower(), _Host(server.port))
            if part in place.parts:
                continue
            place.parts[part] = sent
            if is_catch_all(sent[-1].match):
                place.catch_alls.append(routes.source)
    return served


def _virtual_hosts(hosts: dict[str, _Host], release: Release) -> list[VirtualHost]:
    """Return the virtual hosts by name; hosts with the same routes share one since Istio 1.11."""
    together: dict[tuple[object, ...], list[str]] = {}
    collapses = release is None or release >= _COLLAPSES
    for host in sorted(hosts, key=_specific):
        place = hosts[host]
        alone = () if collapses else (host,)
        together.setdefault((place.require_tls, *place.parts, *alone), []).append(host)
    found = []
    for names in together.values():
        place = hosts[names[0]]
        routes = [route for part in place.parts.values() for route in part]
        routes.sort(key=lambda each: is_catch_all(each.match))
        found.append(
            VirtualHost(
                name=_with_port(names[0], place.port),
                domains=tuple(
                    domain for name in names for domain in _domains(name, place.port, release)
                ),
                routes=tuple(routes),
                require_tls=place.require_tls,
            )
        )
    return sorted(found, key=lambda each: each.name)


def _domains(host: str, port: int, release: Release) -> tuple[str, ...]:
    """Return the domains of a host: what Istio did before it had Envoy ignore the port."""
    if release is None or release >= _IGNORES_PORTS:
        return (host,)
    if host == "*":
        return (host, f"*:{port}") if release < _PORT_WILDCARDS else (host,)
    if release < _PORT_WILDCARDS:
        return host, f"{host}:{port}"
    if is_wildcard(host) and release >= _NO_TWO_WILDCARDS:
        return host, f"{host}:{port}"
    return host, f"{host}:*"


def _blackhole(servers: list[MergedServer], release: Release) -> VirtualHost:
    routes: tuple[Route, ...] = ()
    if release is not None and release < _EMPTY_BLACKHOLE:
        answer = Action("direct_response", status=404)
        routes = (Route("default", RouteMatch("prefix", "/"), answer),)
    return VirtualHost(_with_port("blackhole", servers[0].declared.port), ("*",), routes)


def _with_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _specific(host: str) -> tuple[bool, int, str]:
    """Return what hosts are sorted by: names before wildcards, and longer ones first."""
    return is_wildcard(host), -len(host), host


def _catch_alls(tables: Iterable[dict[str, _Host]]) -> list[Note]:
    """Return each object, once, of which the route that takes everything is never asked."""
    noted: dict[tuple[ObjectName, ObjectName], Note] = {}
    for host, place in (each for hosts in tables for each in hosts.items()):
        for each in place.catch_alls[1:]:
            first = place.catch_alls[0]
            if each.name == first.name or (first.name, each.name) in noted:
                continue
            certain = age_known(first, each)
            order = "is older" if certain else "is taken to be older"
            noted[first.name, each.name] = Note(
                "same_host_same_catch_all",
                each.name,
                "hosts",
                host,
                f"It takes every request of {host}, and so does {first.name}, which {order}, so "
                "that this route for everything is never asked.",
                "proved" if certain else "open",
            )
    return list(noted.values())
