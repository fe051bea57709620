"""Domains, redirects and what answers where nothing is bound, by release of Istio."""

from __future__ import annotations

import pytest
from tests.intents import clusters, gateway, intent_of, notes, table, virtual_service, way

_BOTH = (virtual_service("shop/a", "a.com", "*.b.com"), virtual_service("shop/b", "*"))


@pytest.mark.parametrize(
    ("release", "exact", "wildcard", "everything"),
    [
        ((1, 5), ("a.com", "a.com:80"), ("*.b.com", "*.b.com:80"), ("*", "*:80")),
        ((1, 7), ("a.com", "a.com:*"), ("*.b.com", "*.b.com:*"), ("*",)),
        ((1, 14), ("a.com", "a.com:*"), ("*.b.com", "*.b.com:80"), ("*",)),
        ((1, 15), ("a.com",), ("*.b.com",), ("*",)),
        (None, ("a.com",), ("*.b.com",), ("*",)),
    ],
)
def test_the_domains_of_a_host_depend_on_the_release(
    release: tuple[int, int] | None,
    exact: tuple[str, ...],
    wildcard: tuple[str, ...],
    everything: tuple[str, ...],
) -> None:
    made = table(intent_of(gateway("edge/gw"), *_BOTH, release=release))
    domains = [domain for host in made.virtual_hosts for domain in host.domains]
    assert sorted(domains) == sorted((*exact, *wildcard, *everything))
    assert made.ignore_port == (release is None or release >= (1, 15))


def test_without_the_release_it_is_said_that_older_ones_differ() -> None:
    (note,) = notes(intent_of(gateway("edge/gw")), "release_unknown")
    assert note.certainty == "open"
    assert not notes(intent_of(gateway("edge/gw"), release=(1, 20)), "release_unknown")


def test_hosts_with_the_same_routes_share_a_virtual_host() -> None:
    new, old = (
        table(intent_of(gateway("edge/gw"), *_BOTH, release=release)).virtual_hosts
        for release in ((1, 11), (1, 10))
    )
    assert [each.name for each in new] == ["*:80", "a.com:80"]
    assert [each.name for each in old] == ["*.b.com:80", "*:80", "a.com:80"]


def test_where_nothing_is_bound_old_releases_answer_with_404() -> None:
    for release, routes in (((1, 7), 1), ((1, 8), 0)):
        (host,) = table(intent_of(gateway("edge/gw"), release=release)).virtual_hosts
        assert (host.name, host.domains, len(host.routes)) == ("blackhole:80", ("*",), routes)
        for route in host.routes:
            assert (route.name, route.action.status) == ("default", 404)


def test_tables_of_old_releases_are_named_by_the_port_of_the_gateway() -> None:
    for release, name in (((1, 10), "http.80"), ((1, 11), "http.8080")):
        intent = intent_of(gateway("edge/gw"), ports=frozenset({8080}), release=release)
        assert table(intent).name == name
        assert intent.listeners[0].port == 8080
        assert intent.listeners[0].chains[0].table == name


_REDIRECTS = gateway("edge/gw", "*.a.com", "shop/b.com", tls="{httpsRedirect: true}")


def test_plain_requests_are_redirected_with_and_without_routes() -> None:
    intent = intent_of(_REDIRECTS, virtual_service("shop/x", "x.a.com"))
    assert {each.name: each.require_tls for each in table(intent).virtual_hosts} == {
        "*.a.com:80": "all",
        "x.a.com:80": "all",
    }
    routing = way(intent, "y.a.com", headers={"x-forwarded-proto": "http"}).routing
    assert routing is not None
    assert routing.redirect_to_https
    through = way(intent, "y.a.com", headers={"x-forwarded-proto": "https"}).routing
    assert through is not None
    assert through.verdict == "unrouted"


def test_a_server_that_does_not_redirect_leaves_its_hosts_alone() -> None:
    intent = intent_of(
        _REDIRECTS,
        gateway("edge/plain", "c.com"),
        virtual_service("shop/c", "c.com", gateways="[edge/plain]"),
    )
    hosts = {each.name: each.require_tls for each in table(intent).virtual_hosts}
    assert hosts["c.com:80"] == "none"


def test_hosts_are_compared_without_case() -> None:
    intent = intent_of(gateway("edge/gw"), virtual_service("shop/a", "A.com"))
    assert [each.name for each in table(intent).virtual_hosts] == ["a.com:80"]
    assert clusters(intent, "a.com") is not None


def test_two_ports_of_gateways_on_one_port_of_the_pod_share_a_table() -> None:
    service = """
      apiVersion: v1
      kind: Service
      metadata: {name: ingress, namespace: edge}
      spec:
        selector: {istio: ingressgateway}
        ports: [{port: 80, targetPort: 8080}, {port: 81, targetPort: 8080}]
    """
    intent = intent_of(
        service,
        gateway("edge/one", "a.com"),
        gateway("edge/two", "b.com", port=81),
        virtual_service("shop/a", "a.com", "b.com", gateways="[edge/one, edge/two]"),
    )
    assert [each.name for each in table(intent).virtual_hosts] == ["a.com:80", "b.com:81"]


def test_an_address_of_version_six_is_put_in_brackets() -> None:
    intent = intent_of(gateway("edge/gw"), virtual_service("shop/a", "2001:db8::1"))
    assert table(intent).virtual_hosts[0].name == "[2001:db8::1]:80"
