"""What people had in their clusters when a gateway puzzled them, and what it did with requests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.intents import binding, clusters, intent_of_file, notes, table, way

from envoylogs.mesh.documents import read_configuration
from envoylogs.mesh.intent import GatewayFacts, Intent, intended
from envoylogs.mesh.tables import RouteTable

_SHARED = Path(__file__).parents[5] / "shared"
_FOLDER = _SHARED / "judges" / "incidents"

pytestmark = pytest.mark.skipif(
    not _FOLDER.is_dir(), reason="the incidents do not lie beside this checkout"
)


def _intent(name: str, *ports: int, **facts: Any) -> Intent:
    return intent_of_file(_FOLDER / name / "config.yaml", ports=frozenset(ports), **facts)


def _verdict(intent: Intent, host: str, path: str = "/", **request: Any) -> str | None:
    routing = way(intent, host, path, **request).routing
    return routing.verdict if routing is not None else None


def _bare(each: RouteTable) -> list[tuple[Any, ...]]:
    """Return a table without what a dump does not hold, and with domains of Envoy's own order."""
    return [
        (
            host.name,
            host.domains,
            tuple((route.match, route.action.clusters, route.origin) for route in host.routes),
        )
        for host in each.virtual_hosts
    ]


def test_a_virtualservice_without_gateways_leaves_the_host_without_routes() -> None:
    intent = _intent("01-virtualservice-without-gateways", 8443)
    host = "artifacts.example.com"
    assert _verdict(intent, host, port=8443, server_name=host) == "unrouted"
    found = binding(intent, "edge/artifacts")
    assert (found.status, str(found.suggestion)) == ("mesh_only", "Gateway edge/secure")
    assert table(intent).name == "https.443.https.secure.edge"
    assert table(intent).virtual_hosts[0].name == "blackhole:443"


def test_a_node_port_in_the_host_matters_on_old_releases_only() -> None:
    name, host = "02-host-with-node-port", "books.example.com:31380"
    old, new = (_intent(name, 80, release=release) for release in ((1, 5), (1, 15)))
    assert _verdict(old, host, "/productpage") == "unrouted"
    assert _verdict(new, host, "/productpage") == "routed"
    assert _verdict(old, "books.example.com", "/productpage") == "routed"


def test_the_table_of_an_old_release_is_that_of_the_dump() -> None:
    folder = _FOLDER / "02-host-with-node-port"
    dump = read_configuration([str(folder / "routes.json")]).tables
    ours = table(_intent(folder.name, 80, release=(1, 5)))
    assert [each.name for each in dump] == [ours.name]
    assert _bare(dump[0]) == _bare(ours)


def test_a_gateway_of_that_name_in_another_namespace_is_suggested() -> None:
    intent = _intent("03-gateway-in-another-namespace", 8080)
    found = binding(intent, "demo/hello")
    assert found.status == "gateway_elsewhere"
    assert str(found.suggestion) == "Gateway istio-system/public"
    assert "deleted" not in found.why
    assert _verdict(intent, "hello.example.com", "/hello", port=8080) == "unrouted"


@pytest.mark.parametrize(
    ("path", "verdict"),
    [("/favicon.ico", "unrouted"), ("/productpage/", "unrouted"), ("/productpage?u=1", "routed")],
)
def test_a_path_that_is_not_listed_has_no_route(path: str, verdict: str) -> None:
    intent = _intent("04-path-not-listed", 8080)
    assert _verdict(intent, "lb-1.elb.example.com", path, port=8080) == verdict


def test_an_exact_host_hides_the_routes_of_the_wildcard() -> None:
    intent = _intent("05-exact-host-hides-wildcard", 8080)
    assert _verdict(intent, "shop.example.com", "/hostname", port=8080) == "unrouted"
    assert _verdict(intent, "other.example.com", "/hostname", port=8080) == "routed"


def test_the_table_of_the_server_name_lacks_the_host_of_another_server() -> None:
    intent = _intent("06-http2-connection-reuse", 8443)
    app, jane = "app.example.com", "jane.app.example.com"
    assert _verdict(intent, jane, port=8443, server_name=app) == "unrouted"
    assert clusters(intent, jane, port=8443, server_name=jane) == {
        "outbound|80||app.jane.svc.cluster.local": 1
    }
    assert {note.value for note in notes(intent, "shared_credential")} == {"app-wildcard"}


def test_the_route_to_an_external_service_is_made() -> None:
    intent = _intent("07-serviceentry-without-resolution", 8080)
    assert clusters(intent, "api.example.com", port=8080) == {"outbound|80||partner.example.net": 1}


def test_the_port_of_the_destination_is_taken_as_it_is_written() -> None:
    intent = _intent("08-destination-port-not-in-service", 8080)
    api = clusters(intent, "app.example.com", "/api/orders", port=8080)
    assert api == {"outbound|5000||api.app.svc.cluster.local": 1}
    rest = clusters(intent, "app.example.com", "/api", port=8080)
    assert rest == {"outbound|80||web.app.svc.cluster.local": 1}


def test_the_listener_of_the_bare_domain_lacks_what_is_below_it() -> None:
    intent = _intent("09-gateway-api-apex-and-wildcard", 443)
    apex, api = "example.com", "api.example.com"
    assert _verdict(intent, api, "/v1/me", port=443, server_name=apex) == "unrouted"
    assert _verdict(intent, api, "/v1/me", port=443, server_name=api) == "routed"
    routing = way(intent, apex, port=443, server_name=apex).routing
    assert routing is not None
    assert routing.route is not None
    assert routing.route.name == "web.home.0"
    assert binding(intent, "web/api").status == "bound"


_ARTICLE = _SHARED / "domain" / "article"


def _article(virtual_service: str) -> Intent:
    files = [str(_ARTICLE / "gateway.yaml"), str(_ARTICLE / virtual_service)]
    facts = GatewayFacts(ports=frozenset({80}), release=(1, 5))
    return intended(read_configuration(files), facts)


@pytest.mark.parametrize(
    ("virtual_service", "dump"),
    [
        ("virtualservice.yaml", "routes-httpbin.json"),
        ("virtualservice-without-host.yaml", "routes-blackhole.json"),
    ],
)
def test_the_tables_of_the_article_are_those_it_shows(virtual_service: str, dump: str) -> None:
    if not _ARTICLE.is_dir():
        pytest.skip("the article does not lie beside this checkout")
    shown = read_configuration([str(_ARTICLE / dump)]).tables
    ours = table(_article(virtual_service))
    (of_gateway,) = [each for each in shown if each.name == ours.name]
    assert _bare(of_gateway) == _bare(ours)
