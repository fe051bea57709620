"""From the connection to the route: listener, filter chain, route table, virtual host, route."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from envoylogs.mesh.routes.chains import ChainChoice, ListenerMatcher
from envoylogs.mesh.routes.matcher import Routing, TableMatcher

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envoylogs.mesh.requests import Request
    from envoylogs.mesh.tables import FilterChain, Listener, RouteTable


@dataclass(frozen=True, slots=True)
class Way:
    """The way of a request through what is in the files.

    Attributes:
        listener: The one of its port; null if it is not in the files.
        choice: Of the listener's filter chains; null without a listener. Where it is open,
            the way goes on if all chains that may take a request lead to one table.
        table: The route table that the filter chain names or holds, null if that is not
            certain, or not in the files.
        routing: What becomes of the request in the table; null without one.
        not_in_files: What is needed to go on and is not in the files: ``listener of port
            8443``, ``route table http.8080``. That says nothing of what the gateway has.
        why: What the answer depends on and is not known. The way is certain if it is empty
            and ``not_in_files`` is.
    """

    listener: Listener | None = None
    choice: ChainChoice | None = None
    table: RouteTable | None = None
    routing: Routing | None = None
    not_in_files: tuple[str, ...] = ()
    why: tuple[str, ...] = ()


class ConfigurationMatcher:
    """Listeners and route tables, ready to be asked many times.

    Of several with one port or one name, the last that was read counts, for a table the
    last of the listener's own file if it has one; if they differ, ``why`` says so.

    Args:
        listeners: In the order in which they were read.
        tables: In the order in which they were read.
    """

    def __init__(self, listeners: Iterable[Listener], tables: Iterable[RouteTable]) -> None:
        self._listeners: dict[int, list[Listener]] = {}
        for listener in listeners:
            self._listeners.setdefault(listener.port, []).append(listener)
        self._tables: dict[str, list[RouteTable]] = {}
        for table in tables:
            self._tables.setdefault(table.name, []).append(table)
        self._differing_ports = {
            port
            for port, known in self._listeners.items()
            if len({_bare_listener(each) for each in known}) > 1
        }
        self._differing_tables = {
            name
            for name, known in self._tables.items()
            if len({replace(each, source="") for each in known}) > 1
        }
        self._listener_matchers: dict[int, ListenerMatcher] = {}
        self._table_matchers: dict[int, TableMatcher] = {}

    def way(self, request: Request) -> Way:
        """Return the way of a request."""
        if request.port is None:
            return Way(why=("the port that the client reached",))
        known = self._listeners.get(request.port)
        if not known:
            return self._without_listener(request, request.port)
        listener = known[-1]
        why = []
        if request.port in self._differing_ports:
            why.append(f"listener of port {request.port}, which stands in the files differently")
        choice = self._listener_matcher(listener).choose(request)
        chain = _leading_chain(choice, request)
        if chain is None:
            return Way(listener, choice, why=(*why, *choice.why))
        return self._of_chain(Way(listener, choice, why=tuple(why)), chain, request)

    def _of_chain(self, found: Way, chain: FilterChain, request: Request) -> Way:
        if chain.inline is not None:
            return self._of_table(found, chain.inline, request)
        if chain.table is None:
            return found
        source = found.listener.source if found.listener else ""
        return self._of_named(found, chain.table, source, request)

    def _of_named(self, found: Way, name: str, source: str, request: Request) -> Way:
        known = self._tables.get(name)
        if not known:
            return replace(found, not_in_files=(f"route table {name}",))
        beside = [table for table in known if table.source == source]
        if not beside and name in self._differing_tables:
            differing = f"route table {name}, which stands in the files differently"
            found = replace(found, why=(*found.why, differing))
        return self._of_table(found, (beside or known)[-1], request)

    def _of_table(self, found: Way, table: RouteTable, request: Request) -> Way:
        matcher = self._table_matchers.get(id(table))
        if matcher is None:
            matcher = self._table_matchers[id(table)] = TableMatcher(table)
        routing = matcher.route(request)
        # Not replace(): this is asked for each path, and that takes as long as the matching.
        return Way(found.listener, found.choice, table, routing, why=(*found.why, *routing.why))

    def _without_listener(self, request: Request, port: int) -> Way:
        """Return the way by the name of the table, if only tables were given.

        Istio names the table of plain HTTP by the port of the pod, and all others by
        ports of the Gateway, which a log does not hold.
        """
        name = f"http.{port}"
        missing = Way(not_in_files=(f"listener of port {port}",))
        if request.tls or request.server_name or name not in self._tables:
            return missing
        unknown = () if request.tls is False else ("whether the connection was TLS",)
        return self._of_named(Way(why=unknown), name, "", request)

    def _listener_matcher(self, listener: Listener) -> ListenerMatcher:
        matcher = self._listener_matchers.get(id(listener))
        if matcher is None:
            matcher = self._listener_matchers[id(listener)] = ListenerMatcher(listener)
        return matcher


def _leading_chain(choice: ChainChoice, request: Request) -> FilterChain | None:
    """Return the chain that leads on: the one that is certain, or any if all lead to one table.

    What has a host, a path or a method was taken by a chain for HTTP, whichever it was.
    """
    if choice.chain is not None:
        return choice.chain
    is_http = any((request.authority, request.path, request.method))
    if choice.may_be_closed and not is_http:
        return None
    led: FilterChain | None = None
    for chain in choice.possible:
        if chain.table is None and chain.inline is None:
            if not is_http:
                return None
        elif led is None:
            led = chain
        elif chain.table != led.table or chain.inline is not led.inline:
            return None
    return led


def _bare_listener(listener: Listener) -> Listener:
    """Return a listener without where it is from, to be compared."""
    chains = tuple(_bare_chain(chain) for chain in listener.chains)
    default = listener.default_chain
    return replace(
        listener,
        name="",
        address="",
        source="",
        chains=chains,
        default_chain=None if default is None else _bare_chain(default),
    )


def _bare_chain(chain: FilterChain) -> FilterChain:
    return (
        chain if chain.inline is None else replace(chain, inline=replace(chain.inline, source=""))
    )
