from __future__ import annotations

from envoylogs.mesh.requests import Request
from envoylogs.mesh.routes.through import ConfigurationMatcher
from envoylogs.mesh.tables import (
    Action,
    FilterChain,
    Listener,
    Route,
    RouteMatch,
    RouteTable,
    VirtualHost,
)


def _table(name: str, *domains: str, source: str = "routes.json", route: str = "all") -> RouteTable:
    to = Action("cluster", (("outbound|80||shop", 1),))
    host = VirtualHost("shop", domains, (Route(route, RouteMatch(), to),))
    return RouteTable(name, (host,), source=source)


def _listener(port: int, *chains: FilterChain, source: str = "listeners.json") -> Listener:
    return Listener(f"0.0.0.0_{port}", "0.0.0.0", port, chains, source=source)  # noqa: S104


_PLAIN = _listener(8080, FilterChain(table="http.8080"))
_SECURE = _listener(
    8443,
    FilterChain(server_names=("shop.com",), table="https.443.shop", terminates_tls=True),
    FilterChain(server_names=("api.com",), table="https.443.api", terminates_tls=True),
)


def test_the_way_goes_from_the_port_to_the_route() -> None:
    table = _table("http.8080", "shop.com")

    way = ConfigurationMatcher([_SECURE, _PLAIN], [table]).way(
        Request("shop.com", port=8080, tls=False)
    )

    assert (way.listener, way.table) == (_PLAIN, table)
    assert way.routing is not None
    assert way.routing.verdict == "routed"
    assert (way.not_in_files, way.why) == ((), ())


def test_the_server_name_decides_which_table_is_asked() -> None:
    tables = [_table("https.443.shop", "shop.com"), _table("https.443.api", "api.com")]
    reused = Request("api.com", port=8443, server_name="shop.com", tls=True)

    way = ConfigurationMatcher([_SECURE], tables).way(reused)

    # The connection of another name was used again.
    assert way.table == tables[0]
    assert way.routing is not None
    assert way.routing.verdict == "unrouted"


def test_a_table_that_is_not_in_the_files_is_named() -> None:
    way = ConfigurationMatcher([_PLAIN], []).way(Request("shop.com", port=8080, tls=False))

    assert way.not_in_files == ("route table http.8080",)
    assert way.routing is None


def test_a_listener_that_is_not_in_the_files_is_named() -> None:
    way = ConfigurationMatcher([_PLAIN], [_table("http.8080", "*")]).way(
        Request("shop.com", port=9999)
    )

    assert way.not_in_files == ("listener of port 9999",)


def test_tables_alone_are_found_by_the_port_of_plain_http() -> None:
    tables = [_table("http.8080", "*")]

    plain = ConfigurationMatcher([], tables).way(Request("shop.com", port=8080, tls=False))
    unknown = ConfigurationMatcher([], tables).way(Request("shop.com", port=8080))
    secure = ConfigurationMatcher([], tables).way(Request("shop.com", port=8080, tls=True))

    assert (plain.table, plain.why) == (tables[0], ())
    assert (unknown.table, unknown.why) == (tables[0], ("whether the connection was TLS",))
    assert (secure.table, secure.not_in_files) == (None, ("listener of port 8080",))


def test_a_port_that_was_not_logged_is_named() -> None:
    assert ConfigurationMatcher([_PLAIN], []).way(Request("shop.com")).why == (
        "the port that the client reached",
    )


def test_a_table_may_stand_in_the_listener() -> None:
    inline = _table("", "shop.com")
    listener = _listener(15021, FilterChain(inline=inline))

    way = ConfigurationMatcher([listener], []).way(Request("shop.com", port=15021, tls=False))

    assert way.table == inline


def test_a_chain_of_tcp_has_no_table() -> None:
    listener = _listener(9000, FilterChain(clusters=(("outbound|9000||db", 1),)))

    way = ConfigurationMatcher([listener], []).way(Request(None, None, None, port=9000, tls=False))

    assert way.choice is not None
    assert way.choice.verdict == "chain"
    assert (way.table, way.routing, way.not_in_files) == (None, None, ())


def test_an_open_choice_of_chains_ends_the_way() -> None:
    tables = [_table("https.443.shop", "shop.com")]

    way = ConfigurationMatcher([_SECURE], tables).way(Request("shop.com", port=8443))

    assert way.choice is not None
    assert way.choice.verdict == "may"
    assert way.routing is None
    assert way.why == ("the server name of the TLS handshake, if any",)


def test_an_open_choice_of_chains_to_one_table_goes_on() -> None:
    listener = _listener(
        8080,
        FilterChain(application_protocols=("h2",), table="http.8080"),
        FilterChain(application_protocols=("http/1.1",), table="http.8080"),
        FilterChain(clusters=(("outbound|9000||db", 1),)),
    )
    tables = [_table("http.8080", "*")]

    request = ConfigurationMatcher([listener], tables).way(Request("shop.com", port=8080, tls=True))
    nothing = Request(None, None, None, port=8080, tls=True)
    connection = ConfigurationMatcher([listener], tables).way(nothing)

    assert (request.table, request.why) == (tables[0], ())
    # Not the chain of TCP: it was a request.
    assert connection.table is None
    assert connection.why == ("the protocols that the TLS handshake offers (ALPN)",)


def test_a_connection_that_no_chain_takes_has_no_table() -> None:
    way = ConfigurationMatcher([_SECURE], []).way(
        Request(port=8443, server_name="other.com", tls=True)
    )

    assert way.choice is not None
    assert way.choice.verdict == "no_filter_chain"
    assert way.not_in_files == ()


def test_the_table_beside_the_listener_comes_first() -> None:
    listener = _listener(8080, FilterChain(table="http.8080"), source="b.json")
    tables = [
        _table("http.8080", "*", source="a.json", route="old"),
        _table("http.8080", "*", source="b.json", route="own"),
        _table("http.8080", "*", source="c.json", route="new"),
    ]

    way = ConfigurationMatcher([listener], tables).way(Request("shop.com", port=8080, tls=False))

    assert (way.table, way.why) == (tables[1], ())


def test_tables_of_one_name_that_differ_leave_it_open() -> None:
    request = Request("shop.com", port=8080, tls=False)
    equal = [_table("http.8080", "*", source=each) for each in ("a.json", "b.json")]
    differing = [*equal, _table("http.8080", "shop.com", source="c.json")]

    assert ConfigurationMatcher([_PLAIN], equal).way(request).why == ()
    way = ConfigurationMatcher([_PLAIN], differing).way(request)
    assert way.table == differing[-1]
    assert way.why == ("route table http.8080, which stands in the files differently",)


def test_listeners_of_one_port_that_differ_leave_it_open() -> None:
    other = _listener(8080, FilterChain(table="http.80"))
    request = Request("shop.com", port=8080, tls=False)
    tables = [_table("http.8080", "*"), _table("http.80", "*")]

    same = ConfigurationMatcher([_PLAIN, _listener(8080, *_PLAIN.chains, source="b")], tables).way(
        request
    )
    way = ConfigurationMatcher([_PLAIN, other], tables).way(request)

    assert same.why == ()
    assert (way.listener, way.table) == (other, tables[1])
    assert way.why == ("listener of port 8080, which stands in the files differently",)
