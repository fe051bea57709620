"""A real Envoy judges which filter chain takes a connection, and the whole way of a request."""

from __future__ import annotations

import json
import os
import socket
import ssl
import sys
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
import trustme
from tests.judging_envoy import extension, judging_envoy, listener
from tests.route_judge import (
    as_logged,
    certain_outcome,
    dead_clusters,
    http_chain,
    outcome_of,
    possible_outcomes,
    written,
)
from tests.routing_worlds import Asked, random_listener, random_table

from envoylogs.mesh.documents import read_configuration
from envoylogs.mesh.requests import Request
from envoylogs.mesh.routes.chains import ListenerMatcher
from envoylogs.mesh.routes.through import ConfigurationMatcher
from envoylogs.mesh.tables import FilterChain, Listener

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs 127.0.0.2, which Linux has")

_ADDRESS = f"127.{os.getpid() % 250 + 1}.1.1"
"""A loopback address of this process: ports that are fixed must be free."""

_FIRST_PORT = 20_000

_SEED = 20_26
_LISTENERS = 60
_NAMES = ("a.com", "www.a.com", "x.api.a.com", "api.a.com", "b.com", "b.org")


def test_the_filter_chain_is_the_one_that_answers(tmp_path: Path) -> None:
    random = Random(_SEED)
    drawn = [random_listener(random, f"listener-{number}") for number in range(_LISTENERS)]
    names = (None, *_NAMES, "c.org", "y.com")
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
    found = ListenerMatcher(drawn).choose(request)
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
    settings: dict[str, Any] = {"listener_filters": [_inspector()]}
    if drawn.default_chain:
        settings["default_filter_chain"] = _tcp_chain(drawn.default_chain)
    return listener(drawn.name, [_tcp_chain(each) for each in drawn.chains], **settings)


def _inspector() -> dict[str, Any]:
    return extension(
        "envoy.filters.listener.tls_inspector", "filters.listener.tls_inspector.v3.TlsInspector"
    )


def _tcp_chain(chain: FilterChain) -> dict[str, Any]:
    """Return a chain that answers with its name, and looks at nothing."""
    match: dict[str, Any] = {
        "server_names": list(chain.server_names),
        "application_protocols": list(chain.application_protocols),
        "transport_protocol": chain.transport_protocol,
    }
    for condition in chain.conditions:
        kind, _, value = condition.rpartition(" ")
        match |= _envoy_condition(kind, value)
    answer = extension(
        "envoy.filters.network.direct_response",
        "filters.network.direct_response.v3.Config",
        response={"inline_string": chain.name},
    )
    return {"name": chain.name, "filter_chain_match": match, "filters": [answer]}


def _envoy_condition(kind: str, value: str) -> dict[str, Any]:
    if kind == "source type":
        return {"source_type": value}
    if kind == "source port":
        return {"source_ports": [int(value)]}
    address, _, length = value.partition("/")
    key = {
        "destination": "prefix_ranges",
        "source": "source_prefix_ranges",
        "direct source": "direct_source_prefix_ranges",
    }[kind]
    return {key: [{"address_prefix": address, "prefix_len": int(length)}]}


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


def test_the_dump_leads_each_request_to_the_route_that_took_it(tmp_path: Path) -> None:
    """Connections are used for other hosts too, as HTTP/2 does it."""
    random = Random(_SEED)
    authority = trustme.CA()
    certificate = authority.issue_cert(*_NAMES, "nobody.org")
    certificate.private_key_pem.write_to_path(tmp_path / "tls.key")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "tls.pem")
    drawn = {
        _FIRST_PORT + number: _https_listener(random, _FIRST_PORT + number) for number in range(12)
    }
    client = ssl.create_default_context()
    authority.configure_trust(client)
    closed: list[Request] = []
    with judging_envoy(tmp_path, list(drawn.values()), dead_clusters()):
        for port in drawn:
            for name in (*_NAMES, "nobody.org"):
                for _ in range(5):
                    asked = Asked("GET", random.choice(("/", "/a", "/a/b", "/ab")), _host(random))
                    if not _sent(client, port, name, asked):
                        closed.append(Request(port=port, server_name=name, tls=True))
    dump = read_configuration([str(tmp_path / "config_dump.json")])
    matcher = ConfigurationMatcher(dump.listeners, dump.tables)

    for request in closed:
        way = matcher.way(request)
        assert way.choice is not None
        assert way.choice.verdict == "no_filter_chain", request
    seen = Counter[str]()
    for record in map(json.loads, (tmp_path / "access.log").read_text().splitlines()):
        way, outcome = matcher.way(as_logged(record)), outcome_of(record)
        shown = f"{record}\n{way.choice}\n{way.routing}"
        assert way.choice is not None, shown
        assert way.choice.chain is not None, shown
        assert way.choice.chain.name == record["chain"], shown
        assert way.routing is not None, shown
        seen[way.routing.verdict] += 1
        if way.routing.verdict == "may":
            assert outcome in possible_outcomes(way.routing), shown
        else:
            assert certain_outcome(way.routing) == outcome, shown
    assert len(closed) >= 20
    assert min(seen[each] for each in ("routed", "unrouted", "may")) >= 20


def _host(random: Random) -> str:
    return random.choice((*_NAMES, "A.com", "a.com:80", "localhost"))


def _https_listener(random: Random, port: int) -> dict[str, Any]:
    identity = {
        "certificate_chain": {"filename": "tls.pem"},
        "private_key": {"filename": "tls.key"},
    }
    socket_of_tls = extension(
        "envoy.transport_sockets.tls",
        "transport_sockets.tls.v3.DownstreamTlsContext",
        common_tls_context={"tls_certificates": [identity]},
    )
    names = random.sample(("a.com", "*.a.com", "*.com", "www.a.com", "*.api.a.com", "b.org"), k=3)
    matches: list[dict[str, Any]] = [{"server_names": [name]} for name in names]
    if random.random() < 0.4:
        matches.append({"transport_protocol": "tls"})
    chains = [
        http_chain(
            random,
            random_table(random, f"table-{port}-{number}"),
            name=f"chain-{port}-{number}",
            filter_chain_match=match,
            transport_socket=socket_of_tls,
        )
        for number, match in enumerate(matches)
    ]
    return {
        **listener(f"listener-{port}", chains, listener_filters=[_inspector()]),
        "address": {"socket_address": {"address": _ADDRESS, "port_value": port}},
        "enable_reuse_port": False,
    }


def _sent(client: ssl.SSLContext, port: int, name: str, asked: Asked) -> bool:
    """Send a request; return whether there was an answer."""
    with socket.create_connection((_ADDRESS, port), timeout=5) as plain:
        # Else each request waits some 40 ms for the acknowledgment of the handshake.
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with client.wrap_socket(plain, server_hostname=name) as connection:
                connection.sendall(written(asked, "1"))
                return bool(connection.recv(1024))
        except (ssl.SSLError, ConnectionResetError):
            return False
