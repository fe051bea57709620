"""What holds of the tables whatever the objects are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoylogs.mesh.configuration import Configuration
from envoylogs.mesh.intent import GatewayFacts, Intent, intended
from envoylogs.mesh.intent.hosts import is_covered
from envoylogs.mesh.objects import MeshObject, ObjectName

_ISTIO = "networking.istio.io"
_NAMESPACES = st.sampled_from(["edge", "shop"])
_HOSTS = st.lists(
    st.sampled_from(["a.com", "b.com", "*.com", "x.a.com", "*.a.com", "*", "A.com"]),
    min_size=1,
    max_size=3,
    unique=True,
)
_SCOPES = st.sampled_from(["", "./", "*/", "shop/"])
_TIMES = st.sampled_from(["2023-01-01T00:00:00Z", "2024-01-01T00:00:00Z"])
_RELEASES = st.sampled_from([None, (1, 5), (1, 7), (1, 10), (1, 14), (1, 20)])


@st.composite
def _servers(draw: st.DrawFn) -> dict[str, Any]:
    hosts = [f"{draw(_SCOPES)}{host}" for host in draw(_HOSTS)]
    protocol, port = draw(st.sampled_from([("HTTP", 80), ("HTTPS", 443), ("TCP", 80)]))
    server: dict[str, Any] = {
        "port": {"number": port, "name": draw(st.sampled_from(["p", "q"])), "protocol": protocol},
        "hosts": hosts,
    }
    if protocol == "HTTPS":
        server["tls"] = {"mode": "SIMPLE"}
    elif draw(st.booleans()):
        server["tls"] = {"httpsRedirect": True}
    return server


@st.composite
def _rules(draw: st.DrawFn) -> dict[str, Any]:
    prefix = draw(st.sampled_from([None, "/", "/a", "/b"]))
    rule: dict[str, Any] = {"route": [{"destination": {"host": "web"}}]}
    return rule if prefix is None else {**rule, "match": [{"uri": {"prefix": prefix}}]}


@st.composite
def _objects(draw: st.DrawFn) -> list[MeshObject]:
    found: dict[ObjectName, MeshObject] = {}
    for _ in range(draw(st.integers(1, 3))):
        name = ObjectName("Gateway", draw(_NAMESPACES), draw(st.sampled_from("gh")), _ISTIO)
        servers = draw(st.lists(_servers(), min_size=1, max_size=2))
        found[name] = MeshObject(name, {"servers": servers}, created_at=draw(_TIMES))
    for _ in range(draw(st.integers(0, 4))):
        name = ObjectName("VirtualService", draw(_NAMESPACES), draw(st.sampled_from("vwx")), _ISTIO)
        gateways = draw(st.lists(st.sampled_from(["edge/g", "h", "mesh"]), max_size=2))
        rules = draw(st.lists(_rules(), max_size=3))
        spec = {"hosts": draw(_HOSTS), "gateways": gateways, "http": rules}
        found[name] = MeshObject(name, spec, created_at=draw(_TIMES))
    return [
        MeshObject(each.name, each.spec, created_at=each.created_at, order=order)
        for order, each in enumerate(found.values())
    ]


def _intent(objects: list[MeshObject], release: tuple[int, int] | None = None) -> Intent:
    return intended(Configuration(tuple(objects)), GatewayFacts(release=release))


@pytest.mark.property
@given(_objects(), _RELEASES)
def test_no_domain_stands_twice_in_a_table(
    objects: list[MeshObject], release: tuple[int, int] | None
) -> None:
    for table in _intent(objects, release).tables:
        domains = [domain for host in table.virtual_hosts for domain in host.domains]
        assert len(set(domains)) == len(domains)


@pytest.mark.property
@given(_objects(), st.randoms(use_true_random=False))
def test_the_order_of_the_files_does_not_matter_where_times_are_known(
    objects: list[MeshObject], random: Any
) -> None:
    shuffled = list(objects)
    random.shuffle(shuffled)
    one, other = _intent(objects), _intent(shuffled)
    assert (one.tables, one.listeners, one.servers) == (
        other.tables,
        other.listeners,
        other.servers,
    )
    assert set(one.bindings) == set(other.bindings)


@pytest.mark.property
@given(_objects())
def test_routes_are_of_hosts_that_both_sides_list(objects: list[MeshObject]) -> None:
    intent = _intent(objects)
    hosts_of = {each.name: each.spec["hosts"] for each in objects if "hosts" in each.spec}
    accepted = [
        host.lower() for server in intent.servers if server.table for _, host in server.hosts
    ]
    for table in intent.tables:
        for virtual_host in table.virtual_hosts:
            for route in virtual_host.routes:
                assert route.origin is not None
                listed = [host.lower() for host in hosts_of[route.origin]]
                for domain in virtual_host.domains:
                    assert any(is_covered(domain, host) for host in listed)
                    assert any(is_covered(domain, host) for host in accepted)


@pytest.mark.property
@given(_objects())
def test_every_table_is_asked_by_a_chain_and_every_chain_asks_a_table(
    objects: list[MeshObject],
) -> None:
    intent = _intent(objects)
    asked = {chain.table for each in intent.listeners for chain in each.chains} - {None}
    assert asked == {table.name for table in intent.tables}


@pytest.mark.property
@given(_objects())
def test_the_hosts_of_a_bound_object_are_in_a_table_unless_its_servers_are_left_out(
    objects: list[MeshObject],
) -> None:
    intent = _intent(objects)
    domains = {
        domain
        for table in intent.tables
        for virtual_host in table.virtual_hosts
        for domain in virtual_host.domains
    }
    out = {each.gateway for each in intent.servers if each.in_force is False or not each.table}
    for each in intent.bindings:
        if each.status == "bound" and each.gateway not in out:
            assert {host.lower() for host in each.hosts} <= domains
