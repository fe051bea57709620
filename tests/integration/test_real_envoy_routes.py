"""A real Envoy judges the matcher: the route that it logs is the one that is found."""

from __future__ import annotations

import json
import socket
import ssl
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.judging_envoy import extension, judging_envoy, listener
from tests.route_configurations import envoy_table
from tests.routing_worlds import Asked, random_listener, random_request, random_table

from envoylogs.mesh.documents import read_configuration
from envoylogs.mesh.requests import Request
from envoylogs.mesh.routes.chains import choose_chain
from envoylogs.mesh.routes.matcher import Candidate, Routing, TableMatcher
from envoylogs.mesh.tables import Action, FilterChain, Listener, Route, RouteTable

_SEED = 20_26
_TABLES = 80
_REQUESTS_PER_TABLE = 40
_LISTENERS = 30

_LOGGED = ("user-agent", "x-forwarded-for", "x-request-id")
"""Headers that Istio's logs hold."""

_STILL_OPEN = ("runtime fraction", "how this release of Envoy")
"""What is not known even where all headers are."""

_NONE, _TO_HTTPS = "no route", "redirect to HTTPS"

_LOG = {
    "case": "%REQ(X-CASE)%",
    "route_name": "%ROUTE_NAME%",
    "method": "%REQ(:METHOD)%",
    "path": "%REQ(:PATH)%",
    "authority": "%REQ(:AUTHORITY)%",
    "response_code": "%RESPONSE_CODE%",
    "response_code_details": "%RESPONSE_CODE_DETAILS%",
    ":scheme": "%REQ(:SCHEME)%",
    "x-forwarded-proto": "%REQ(X-FORWARDED-PROTO)%",
    "x-envoy-internal": "%REQ(X-ENVOY-INTERNAL)%",
    "user-agent": "%REQ(USER-AGENT)%",
    "x-forwarded-for": "%REQ(X-FORWARDED-FOR)%",
    "x-request-id": "%REQ(X-REQUEST-ID)%",
}

Record = dict[str, Any]
Judged = list[tuple[RouteTable, Asked, Record]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the Envoy of the tables runs."""
    return tmp_path_factory.mktemp("routes")


@pytest.fixture(scope="module")
def judged(folder: Path) -> Judged:
    """Tables, requests that were sent, and what Envoy logged of them."""
    random = Random(_SEED)
    tables = [random_table(random, f"table-{number}") for number in range(_TABLES)]
    listeners = [listener(table.name, [_http_chain(random, table)]) for table in tables]
    cases: dict[str, tuple[RouteTable, Asked]] = {}
    with judging_envoy(folder, listeners, [_cluster("dead"), _cluster("dead-too")]) as ports:
        for table in tables:
            for _ in range(_REQUESTS_PER_TABLE):
                asked = random_request(random)
                case = str(len(cases))
                cases[case] = table, asked
                _send(ports[table.name], asked, case)
    records = map(json.loads, (folder / "access.log").read_text().splitlines())
    return [(*cases[each["case"]], each) for each in records if each["case"]]


def _http_chain(random: Random, table: RouteTable) -> dict[str, Any]:
    # What changes a host or a path before a route is asked changes the log too.
    manager = extension(
        "envoy.filters.network.http_connection_manager",
        "filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix=table.name,
        route_config=envoy_table(table),
        http_filters=[extension("envoy.filters.http.router", "filters.http.router.v3.Router")],
        access_log=[
            extension(
                "envoy.access_loggers.file",
                "access_loggers.file.v3.FileAccessLog",
                path="access.log",
                log_format={"json_format": _LOG},
            )
        ],
        upgrade_configs=[{"upgrade_type": "CONNECT"}, {"upgrade_type": "connect-udp"}],
        internal_address_config={"cidr_ranges": [{"address_prefix": "10.0.0.0", "prefix_len": 8}]},
        use_remote_address=random.random() < 0.5,
        xff_num_trusted_hops=random.choice((0, 1)),
        normalize_path=random.random() < 0.3,
        merge_slashes=random.random() < 0.3,
        strip_trailing_host_dot=random.random() < 0.1,
        strip_any_host_port=random.random() < 0.1,
    )
    return {"filters": [manager]}


def _cluster(name: str) -> dict[str, Any]:
    address = {"socket_address": {"address": "127.0.0.1", "port_value": 1}}
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
    assignment = {"cluster_name": name, "endpoints": endpoints}
    return {"name": name, "type": "STATIC", "load_assignment": assignment}


def _send(port: int, asked: Asked, case: str) -> None:
    headers = {"host": asked.host, "x-case": case, **asked.headers}
    lines = [f"{asked.method} {asked.target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        connection.recv(1024)


def _outcome(record: Record) -> str | None:
    """Return the route that Envoy took; null if it asked for none, as of a bad request."""
    details = record["response_code_details"]
    # Of a path that begins with no slash, as of "OPTIONS *", no route is ever asked.
    if details in {"route_not_found", "absolute_path_rejected"}:
        return _NONE
    if details == "invalid_path" and record["path"] == "*":
        # Both of no path and to be upgraded to UDP: refused as the latter, with a route.
        return None
    if record["route_name"]:
        return str(record["route_name"])
    # All routes have names here, but not the redirect of a virtual host.
    return _TO_HTTPS if details == "direct_response" else None


def _as_logged(record: Record) -> Request:
    headers = {name: record[name] for name in _LOGGED if record[name] is not None}
    absent = frozenset(_LOGGED) - headers.keys()
    return Request(
        record["authority"], record["path"], record["method"], headers=headers, absent=absent
    )


def _with_all_headers(table: RouteTable, asked: Asked, record: Record) -> Request:
    held = {
        name: value
        for name, value in record.items()
        if value is not None
        and name in {*_LOGGED, ":scheme", "x-forwarded-proto", "x-envoy-internal"}
    }
    # White space around a value is no part of it in HTTP.
    sent = {name: value.strip() for name, value in asked.headers.items()}
    headers = {**sent, **held}
    named = {
        condition.name
        for virtual_host in table.virtual_hosts
        for route in virtual_host.routes
        for condition in route.match.headers
    }
    pseudo = {":method", ":authority", ":path", "host"}
    absent = frozenset(
        {*named, "upgrade", "x-envoy-internal", table.vhost_header} - headers.keys() - pseudo
    )
    return Request(
        record["authority"], record["path"], record["method"], headers=headers, absent=absent
    )


def _possible(found: Routing) -> set[str]:
    """Return all that may become of a request."""
    possible = {candidate.route.name for candidate in found.candidates}
    if found.redirect_to_https is not False:
        possible.add(_TO_HTTPS)
    if found.redirect_to_https or not any(not each.conditions for each in found.candidates):
        possible.add(_NONE)
    return possible


def _told(found: Routing) -> str:
    if found.redirect_to_https:
        return _TO_HTTPS
    return found.route.name if found.route else _NONE


def _shown(table: RouteTable, asked: Asked, record: Record, found: Routing) -> str:
    host = found.virtual_host
    lines = [
        f"sent: {asked}",
        f"logged: {record}",
        f"found: {found.verdict} {[each.route.name for each in found.candidates]} {found.why}",
        f"domains: {[each.domains for each in table.virtual_hosts]}"
        f" ignore_port={table.ignore_port} vhost_header={table.vhost_header}"
        f" ignore_path_parameters={table.ignore_path_parameters}",
        *(f"{each.name}: {each.match}" for each in (host.routes if host else ())),
    ]
    return "\n".join(lines)


def test_the_log_alone_names_the_route_or_all_that_may_be_it(judged: Judged) -> None:
    seen = Counter[str]()
    for table, asked, record in judged:
        outcome = _outcome(record)
        if outcome is None:
            continue
        found = TableMatcher(table).route(_as_logged(record))
        seen[found.verdict] += 1
        if found.verdict == "may":
            unbounded = found.virtual_host is None
            assert unbounded or outcome in _possible(found), _shown(table, asked, record, found)
        else:
            assert _told(found) == outcome, _shown(table, asked, record, found)

    assert seen.total() >= 2_000
    assert min(seen.values()) >= 200


def _held_less(request: Request) -> list[Request]:
    """Return a request as logs hold it that lack something."""
    return [
        replace(request, path=(request.path or "").partition("?")[0], query_known=False),
        replace(request, path=None),
        replace(request, method=None),
        replace(request, authority=None),
        replace(request, headers={}, absent=frozenset()),
    ]


def test_a_log_that_holds_less_is_never_sure_of_what_is_not_so(judged: Judged) -> None:
    certain = 0
    for table, asked, record in judged:
        outcome = _outcome(record)
        # A CONNECT has no path that could be missing.
        if outcome is None or record["method"] == "CONNECT":
            continue
        matcher = TableMatcher(table)
        for less in _held_less(_as_logged(record)):
            found = matcher.route(less)
            shown = f"held: {less}\n{_shown(table, asked, record, found)}"
            if found.verdict != "may":
                assert _told(found) == outcome, shown
                certain += 1
            elif found.virtual_host is not None:
                assert outcome in _possible(found), shown

    assert certain >= 2_000


def test_all_headers_handed_over_leave_only_shares_open(judged: Judged) -> None:
    certain = 0
    for table, asked, record in judged:
        outcome = _outcome(record)
        if outcome is None:
            continue
        found = TableMatcher(table).route(_with_all_headers(table, asked, record))
        assert all(each.startswith(_STILL_OPEN) for each in found.why), _shown(
            table, asked, record, found
        )
        if found.verdict == "may":
            assert outcome in _of_shares(found.candidates), _shown(table, asked, record, found)
        else:
            assert _told(found) == outcome, _shown(table, asked, record, found)
            certain += 1

    assert certain >= 2_000


def _of_shares(candidates: tuple[Candidate, ...]) -> set[str]:
    """Return what may take a request where a share of 0 is never, and one of 100 always."""
    possible = set()
    for each in candidates:
        if each.conditions != ("runtime fraction 0 %",):
            possible.add(each.route.name)
        if each.conditions in {(), ("runtime fraction 100 %",)}:
            return possible
    return {*possible, _NONE}


def test_the_dump_holds_the_tables_as_they_were_drawn(folder: Path, judged: Judged) -> None:
    drawn = {table.name: table for table, _, _ in judged}

    dumped = read_configuration([str(folder / "config_dump.json")]).tables

    assert len(drawn) >= 60
    assert {each.name: _matched(each) for each in dumped if each.name in drawn} == {
        name: _matched(table) for name, table in drawn.items()
    }


def _matched(table: RouteTable) -> RouteTable:
    """Return a table without what its routes do, and where it was read."""
    hosts = tuple(
        replace(
            host, routes=tuple(Route(route.name, route.match, Action()) for route in host.routes)
        )
        for host in table.virtual_hosts
    )
    return replace(table, virtual_hosts=hosts, source="")


def test_the_filter_chain_is_the_one_that_answers(tmp_path: Path) -> None:
    random = Random(_SEED)
    drawn = [random_listener(random, f"listener-{number}") for number in range(_LISTENERS)]
    names = (None, "a.com", "www.a.com", "x.api.a.com", "api.a.com", "b.org", "c.org", "y.com")
    seen = Counter[str]()
    with judging_envoy(tmp_path, [_tcp_listener(each) for each in drawn], []) as ports:
        for each in drawn:
            port = ports[each.name]
            for name in names:
                answer = _answer(port, _client_hello(name))
                seen[_judge(each, Request(server_name=name, tls=True), answer)] += 1
            answer = _answer(port, b"GET / HTTP/1.1\r\n\r\n")
            seen[_judge(each, Request(tls=False), answer)] += 1
            _judge(each, Request(), answer)

    assert min(seen[each] for each in ("chain", "no_filter_chain", "may")) >= 20


def _judge(drawn: Listener, request: Request, answer: str) -> str:
    found = choose_chain(request, drawn)
    shown = f"{request}\nanswered by {answer!r}, found {found}\n" + "\n".join(
        map(str, drawn.chains)
    )
    if found.verdict == "may":
        named = {chain.name for chain in found.possible} | ({""} if found.may_be_closed else set())
        assert answer in named, shown
    else:
        assert answer == (found.chain.name if found.chain else ""), shown
    return found.verdict


def _tcp_listener(drawn: Listener) -> dict[str, Any]:
    inspector = extension(
        "envoy.filters.listener.tls_inspector", "filters.listener.tls_inspector.v3.TlsInspector"
    )
    settings: dict[str, Any] = {"listener_filters": [inspector]}
    if drawn.default_chain:
        settings["default_filter_chain"] = _tcp_chain(drawn.default_chain)
    return listener(drawn.name, [_tcp_chain(each) for each in drawn.chains], **settings)


def _tcp_chain(chain: FilterChain) -> dict[str, Any]:
    """Return a chain that answers with its name, and looks at nothing."""
    match: dict[str, Any] = {
        "server_names": list(chain.server_names),
        "application_protocols": list(chain.application_protocols),
        "transport_protocol": chain.transport_protocol,
    }
    for condition in chain.conditions:
        address, _, length = condition.removeprefix("source ").partition("/")
        match["source_prefix_ranges"] = [{"address_prefix": address, "prefix_len": int(length)}]
    answer = extension(
        "envoy.filters.network.direct_response",
        "filters.network.direct_response.v3.Config",
        response={"inline_string": chain.name},
    )
    return {"name": chain.name, "filter_chain_match": match, "filters": [answer]}


def _client_hello(name: str | None) -> bytes:
    """Return the first bytes of a TLS connection that asks for a server name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    sent = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return sent.read()


def _answer(port: int, sent: bytes) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(sent)
        try:
            return connection.recv(1024).decode()
        except ConnectionResetError:
            return ""
