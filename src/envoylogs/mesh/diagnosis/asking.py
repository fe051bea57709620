"""Which way a request takes through what was given: a proxy's dump, or Istio's objects."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from envoylogs.mesh.explanation import Now
from envoylogs.mesh.routes.matcher import TableMatcher
from envoylogs.mesh.routes.through import ConfigurationMatcher

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envoylogs.mesh.explanation import Certainty
    from envoylogs.mesh.objects import ObjectName
    from envoylogs.mesh.requests import Request
    from envoylogs.mesh.routes.matcher import Routing
    from envoylogs.mesh.routes.through import Way
    from envoylogs.mesh.tables import Action, Listener, Route, RouteTable, VirtualHost

_NOT_FOUND = 404
_PORT_OF_HOST = re.compile(r":\d+$")
_PORT = "the port that was asked"
_SERVER_NAME = "the TLS server name"
"""What a log may not hold."""
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """What becomes of a request by one of the two.

    Attributes:
        way: As Envoy's matching has it.
        is_dump: Whether a dump says it, which is what the gateway has.
    """

    way: Way
    is_dump: bool

    @property
    def routing(self) -> Routing | None:
        """What becomes of it in its table; null where no table is known."""
        return self.way.routing

    @property
    def virtual_host(self) -> VirtualHost | None:
        """The one that takes the host and has routes, null for none; the blackhole is none."""
        found = None if self.routing is None else self.routing.virtual_host
        if found is None or is_blackhole(found) or not (found.routes or found.has_matcher):
            return None
        return found

    @property
    def redirect_is_open(self) -> bool:
        """Whether it depends on the scheme that proxies name whether it is redirected to HTTPS."""
        return self.routing is not None and self.routing.redirect_to_https is None

    @property
    def verdict(self) -> str | None:
        """``routed``, ``unrouted`` or ``may``; null where no table is known."""
        routing = self.routing
        if routing is None:
            return None
        if routing.virtual_host is not None and is_blackhole(routing.virtual_host):
            return "unrouted"
        if routing.verdict == "routed" and self.way.why:
            return "may"
        return routing.verdict

    @property
    def origins(self) -> tuple[ObjectName, ...]:
        """The objects of the routes that take it, else of the virtual host; a few.

        A delegate stands before what delegates to it.
        """
        routes = [each.route for each in self.routing.candidates] if self.routing else []
        host = self.virtual_host
        if host is not None and not any(route.owner for route in routes):
            routes = list(host.routes)
        found = [name for route in routes for name in (route.owner, route.origin) if name]
        return tuple(dict.fromkeys(found))[:_SHOWN]

    @property
    def certainty(self) -> Certainty:
        """How sure it is that a request is not routed: what is not known may decide."""
        return "likely" if self.way.why else "proved"

    @property
    def now(self) -> Now | None:
        """The same as it is told; null where no table is known."""
        routing, verdict = self.routing, self.verdict
        if routing is None or verdict is None:
            return None
        host = None if routing.virtual_host is None else routing.virtual_host.name
        if verdict == "unrouted":
            return Now(routed=False, virtual_host=host)
        if routing.redirect_to_https and not routing.candidates:
            return Now(routed=True, virtual_host=host, why="redirected to HTTPS (require_tls)")
        route = routing.candidates[0].route if routing.candidates else None
        return Now(
            routed=True if verdict == "routed" else "may",
            virtual_host=host,
            route=None if route is None else route_words(route),
            cluster=None if route is None else action_words(route.action),
            why=", ".join(self.way.why or routing.why) if verdict == "may" else "",
        )


class Given:
    """Listeners and tables, of a dump or made from objects.

    Args:
        listeners: In the order in which they were read.
        tables: Likewise.
        is_dump: Whether they are what a gateway has.
    """

    def __init__(
        self, listeners: Sequence[Listener], tables: Sequence[RouteTable], *, is_dump: bool
    ) -> None:
        self._matcher = ConfigurationMatcher(listeners, tables)
        self._is_dump = is_dump
        names = (table.name for table in tables)
        of_tables = (name.removeprefix("http.") for name in names if name.startswith("http."))
        self._ports = {listener.port for listener in listeners} | {
            int(port) for port in of_tables if port.isdecimal()
        }
        self.is_empty = not (listeners or tables)
        self._tables: dict[int, TableMatcher] = {}

    def answer(self, request: Request) -> Answer:
        """Return what becomes of a request, by any of the ports if it is not known which."""
        ports = sorted(self._ports) if request.port is None else []
        found = [Answer(self._way(replace(request, port=port)), self._is_dump) for port in ports]
        if len(found) > 1:
            return _of_ports(found)
        return found[0] if found else Answer(self._way(request), self._is_dump)

    def _way(self, request: Request) -> Way:
        if request.tls is not None or request.server_name is not None:
            return self._matcher.way(request)
        # A handshake that names no server, or plain text: which of both the listener takes.
        plain = self._matcher.way(replace(request, tls=False))
        choice = plain.choice
        if choice is None or choice.verdict != "no_filter_chain":
            return plain
        nameless = self._matcher.way(replace(request, tls=True))
        refused = nameless.choice is None or nameless.choice.verdict == "no_filter_chain"
        if request.authority is None or not refused:
            return nameless
        # A request came through a chain, so that its name was not logged: most have the host's.
        name = _PORT_OF_HOST.sub("", request.authority)
        named = self._matcher.way(replace(request, tls=True, server_name=name))
        return replace(named, why=(*named.why, _SERVER_NAME))

    def beside(self, answer: Answer, request: Request) -> Routing | None:
        """Return what a wider virtual host of the table would do with a request, if it were asked.

        Null where none has a route for it.
        """
        table = answer.way.table
        if table is None:
            return None
        if id(table) not in self._tables:
            self._tables[id(table)] = TableMatcher(table)
        routing = self._tables[id(table)].wider(request)
        if routing is None or routing.virtual_host is None or is_blackhole(routing.virtual_host):
            return None
        return routing


def _of_ports(found: Sequence[Answer]) -> Answer:
    """Return which answer of several ports stands for all: one that routes, if there is one."""
    known = [answer for answer in found if answer.routing is not None]
    routed = [answer for answer in known if answer.verdict != "unrouted"]
    if routed and len(routed) < len(found):
        way = routed[0].way
        return replace(routed[0], way=replace(way, why=(*way.why, _PORT)))
    of_host = [answer for answer in known if answer.virtual_host is not None]
    return next(iter((*routed, *of_host, *known)), found[0])


def is_blackhole(host: VirtualHost) -> bool:
    """Tell the virtual host that Istio makes for a port without any VirtualService."""
    if not host.name.startswith("blackhole:"):
        return False
    return all(
        route.action.kind == "direct_response" and route.action.status == _NOT_FOUND
        for route in host.routes
    )


def route_words(route: Route) -> str:
    """Return a route by its name, and by what it matches."""
    match = route.match
    path = f"{match.path_kind} {match.path}"
    return f"{route.name} ({path})" if route.name else path


def does_words(action: Action) -> str:
    """Return what a route does, as the end of a sentence about it."""
    words = action_words(action)
    if words is None:
        return "does nothing that is known"
    return words if action.kind in {"redirect", "direct_response"} else f"sends to {words}"


def action_words(action: Action) -> str | None:
    """Return where a route sends, or what it answers; null for what is not known."""
    if action.kind == "cluster" and action.clusters:
        return action.clusters[0][0]
    if action.kind == "weighted":
        return ", ".join(f"{name} ({weight})" for name, weight in action.clusters)
    if action.kind == "cluster_header":
        return f"the cluster that header {action.header} names"
    if action.kind == "redirect":
        return f"redirects with {action.status or 301} to {action.location or 'elsewhere'}"
    if action.kind == "direct_response":
        return f"answers {action.status} by itself"
    return None
