"""The listeners of a gateway, with what becomes of each connection.

As ``buildGatewayListeners`` and ``createGatewayTCPFilterChainOpts`` in
``pilot/pkg/networking/core/gateway.go`` of Istio have it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from envoylogs.mesh.intent.hosts import listed
from envoylogs.mesh.intent.translation import destination_clusters
from envoylogs.mesh.intent.values import Note
from envoylogs.mesh.tables import FilterChain, Listener

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envoylogs.mesh.intent.bound import BoundRoutes
    from envoylogs.mesh.intent.declared import DeclaredServer
    from envoylogs.mesh.intent.merging import MergedServer
    from envoylogs.mesh.intent.rules import ConnectionMatch, ConnectionRule, RouteSet
    from envoylogs.mesh.intent.services import Services

_ANY_ADDRESS = "0.0.0.0"  # noqa: S104 - what Envoy is told, nothing is bound here


def gateway_listeners(
    servers: Iterable[MergedServer], bound: BoundRoutes, services: Services, notes: list[Note]
) -> list[Listener]:
    """Return the listeners of the servers that are taken to be in force, by port.

    A server that passes connections on and for which no route is bound makes no chain; it
    is noted.
    """
    by_place: dict[tuple[int, str], list[FilterChain]] = {}
    seen_names: dict[tuple[int, str], set[str]] = {}
    for each in servers:
        if not each.is_taken or not each.declared.pod_ports:
            continue
        place = (each.declared.pod_ports[0], each.declared.bind or _ANY_ADDRESS)
        chains = by_place.setdefault(place, [])
        if each.table is not None:
            _add_http(chains, each)
            continue
        if each.reason == "protocol_conflict" and each.in_force is None:
            # The log is of requests, so that of two servers the one for them is taken.
            continue
        passed_on = _Connections(each, bound, services, seen_names.setdefault(place, set()))
        made = passed_on.chains()
        if not made:
            _note_nothing_bound(each.declared, notes)
        chains += made
    return [
        Listener(
            name=f"{address}_{port}",
            address=address,
            port=port,
            chains=tuple(_without_certainty_of_twins(port, chains, notes)),
        )
        for (port, address), chains in sorted(by_place.items())
        if chains
    ]


def _add_http(chains: list[FilterChain], each: MergedServer) -> None:
    server = each.declared
    if server.is_plain_http:
        # All plain servers of a port share one chain.
        if not any(chain.table == each.table for chain in chains):
            chains.append(FilterChain(table=each.table, origin=server.source.name))
        return
    doubt = (each.why,) if each.reason is not None else ()
    chains.append(
        FilterChain(
            server_names=_server_names(host for _, host in server.hosts),
            table=each.table,
            terminates_tls=True,
            conditions=doubt,
            origin=server.source.name,
        )
    )


def _without_certainty_of_twins(
    port: int, chains: list[FilterChain], notes: list[Note]
) -> list[FilterChain]:
    """Return the chains of a listener, those for the same connections with that doubt.

    Istio compares hosts with the namespace they are for, so that ``a/*`` and ``b/*`` are
    two chains for every name. Envoy refuses a listener that has such, and keeps the one before.
    """
    first_of: dict[str, int] = {}
    refused: set[int] = set()
    for place, chain in enumerate(chains):
        if chain.conditions:
            continue
        for name in chain.server_names or ("",):
            first = first_of.setdefault(name, place)
            if first == place or chain.origin is None:
                continue
            if not {first, place} <= refused:
                shown = name or "every name"
                says = f"{chains[first].origin} and {chain.origin} both take {shown} on "
                says += f"port {port}: Envoy refuses a listener that has both, and keeps the last "
                says += "one without."
                notes.append(Note("listener_refused", chain.origin, "servers", shown, says, "open"))
            refused |= {first, place}
    doubt = (f"which chains Envoy kept for port {port}, as it refuses two for one name",)
    return [
        replace(chain, conditions=doubt) if place in refused else chain
        for place, chain in enumerate(chains)
    ]


class _Connections:
    """The chains of a server that passes connections on."""

    def __init__(
        self, each: MergedServer, bound: BoundRoutes, services: Services, seen_names: set[str]
    ) -> None:
        self._server = each.declared
        self._bound = bound
        self._services = services
        self._seen_names = seen_names

    def chains(self) -> list[FilterChain]:
        """Return one chain for TCP, one for each match for TLS that is passed on."""
        if self._server.passes_tls_on:
            return [
                chain
                for _, routes, _ in self._bound.for_server(self._server)
                for rule in routes.tls
                for match in rule.matches
                for chain in self._of_tls(routes, rule, match)
            ]
        for _, routes, _ in self._bound.for_server(self._server):
            for rule in routes.tcp:
                fits = not rule.matches or any(self._fits(match) for match in rule.matches)
                if fits and rule.destinations:
                    return [self._of_tcp(routes, rule)]
            if routes.is_of_gateway_api:
                for rule in routes.tls:
                    return [self._of_tcp(routes, rule)]
        return []

    def _of_tls(
        self, routes: RouteSet, rule: ConnectionRule, match: ConnectionMatch
    ) -> list[FilterChain]:
        names = set(match.server_names)
        # A name that a chain of this port has makes Istio leave out the whole match.
        if not rule.destinations or not self._fits(match) or names & self._seen_names:
            return []
        self._seen_names |= names
        return [
            FilterChain(
                server_names=_server_names(names),
                clusters=self._clusters(rule),
                origin=routes.source.name,
            )
        ]

    def _of_tcp(self, routes: RouteSet, rule: ConnectionRule) -> FilterChain:
        is_tls = self._server.has_tls
        hosts = (host for _, host in self._server.hosts)
        return FilterChain(
            server_names=_server_names(hosts) if is_tls else (),
            clusters=self._clusters(rule),
            terminates_tls=is_tls,
            origin=routes.source.name,
        )

    def _clusters(self, rule: ConnectionRule) -> tuple[tuple[str, int], ...]:
        return destination_clusters(rule.destinations, self._services, self._server.port)

    def _fits(self, match: ConnectionMatch) -> bool:
        return match.port in {None, 0, self._server.port} and (
            not match.gateways or self._server.key in match.gateways
        )


def _server_names(hosts: Iterable[str]) -> tuple[str, ...]:
    names = set(hosts)
    return () if "*" in names else tuple(sorted(names))


def _note_nothing_bound(server: DeclaredServer, notes: list[Note]) -> None:
    hosts = listed(host for _, host in server.hosts)
    notes.append(
        Note(
            "connections_without_route",
            server.source.name,
            server.place,
            f"{server.protocol} {server.port}",
            f"No route in the files is bound to it that passes on connections for {hosts}: they "
            "are refused, unless there is one that is not in the files.",
            "open",
        )
    )
