"""What becomes of the Gateways that VirtualServices name."""

from __future__ import annotations

import pytest
from tests.intents import (
    binding,
    clusters,
    gateway,
    intent_of,
    notes,
    table,
    virtual_host,
    virtual_service,
)

_GATEWAY = gateway("edge/gw", "*.shop.com", "./own.com")


def test_a_bound_virtualservice_has_the_hosts_of_both_sides() -> None:
    hosts = ("a.shop.com", "b.other.com", "*.x.shop.com")
    found = binding(intent_of(_GATEWAY, virtual_service("shop/a", *hosts)), "shop/a")
    assert (found.status, found.hosts) == ("bound", ("a.shop.com", "*.x.shop.com"))
    assert str(found.gateway) == "Gateway edge/gw"


def test_a_host_without_a_dot_is_not_what_the_gateway_has() -> None:
    intent = intent_of(gateway("edge/gw", "web"), virtual_service("shop/a", "web"))
    assert binding(intent, "shop/a").status == "hosts_disjoint"
    everything = intent_of(gateway("edge/gw", "*"), virtual_service("shop/a", "web"))
    assert binding(everything, "shop/a").hosts == ("web.shop.svc.cluster.local",)
    assert clusters(everything, "web") is None


def test_a_host_for_another_namespace_is_not_allowed() -> None:
    found = binding(intent_of(_GATEWAY, virtual_service("shop/a", "own.com")), "shop/a")
    assert found.status == "namespace_not_allowed"
    allowed = virtual_service("edge/a", "own.com", gateways="[gw]")
    assert binding(intent_of(_GATEWAY, allowed), "edge/a").status == "bound"


@pytest.mark.parametrize("gateways", [None, "[mesh]"])
def test_without_gateways_a_virtualservice_is_for_the_sidecars(gateways: str | None) -> None:
    intent = intent_of(
        gateway("edge/gw", "a.com"), virtual_service("shop/a", "a.com", gateways=gateways)
    )
    found = binding(intent, "shop/a")
    assert (found.status, found.reference, found.gateway) == ("mesh_only", "mesh", None)
    assert str(found.suggestion) == "Gateway edge/gw"
    assert len(notes(intent, "virtualservice_for_mesh_only")) == 1


def test_mesh_beside_a_gateway_is_no_oddity() -> None:
    intent = intent_of(
        _GATEWAY, virtual_service("shop/a", "a.shop.com", gateways="[edge/gw, mesh]")
    )
    assert [each.status for each in intent.bindings] == ["bound", "mesh_only"]
    assert not notes(intent, "virtualservice_for_mesh_only")


def test_a_gateway_that_is_not_in_the_files_is_not_called_missing() -> None:
    intent = intent_of(_GATEWAY, virtual_service("shop/a", "a.shop.com", gateways="[edge/other]"))
    found = binding(intent, "shop/a")
    assert (found.status, found.gateway, found.suggestion) == ("gateway_not_in_files", None, None)
    assert "not among the files" in found.why


def test_a_name_that_is_nearly_that_of_a_gateway_is_suggested() -> None:
    intent = intent_of(
        gateway("shop/web-gateway"), virtual_service("shop/a", "*", gateways="[web-gatway]")
    )
    assert str(binding(intent, "shop/a").suggestion) == "Gateway shop/web-gateway"


def test_a_short_name_means_the_own_namespace() -> None:
    intent = intent_of(_GATEWAY, virtual_service("shop/a", "a.shop.com", gateways="[gw]"))
    found = binding(intent, "shop/a")
    assert (found.status, str(found.suggestion)) == ("gateway_elsewhere", "Gateway edge/gw")
    assert table(intent).virtual_hosts[0].name == "blackhole:80"


@pytest.mark.parametrize("name", ["edge/gw", "gw.edge", "gw.edge.svc.cluster.local"])
def test_a_gateway_of_another_namespace_is_named_in_old_and_new_ways(name: str) -> None:
    route = virtual_service("shop/a", "a.shop.com", gateways=f"[{name}]")
    assert binding(intent_of(_GATEWAY, route), "shop/a").status == "bound"


def test_what_is_not_exported_to_the_namespace_of_the_gateway_is_not_seen() -> None:
    route = virtual_service("shop/a", "a.shop.com", more="exportTo: ['.']")
    hidden = intent_of(_GATEWAY, route, namespace="edge")
    assert binding(hidden, "shop/a").status == "not_exported"
    assert table(hidden).virtual_hosts[0].name == "blackhole:80"
    assert binding(intent_of(_GATEWAY, route, namespace="shop"), "shop/a").status == "bound"


def test_without_the_namespace_of_the_gateway_exporting_stays_open() -> None:
    route = virtual_service("shop/a", "a.shop.com", more="exportTo: [edge, other]")
    intent = intent_of(_GATEWAY, route)
    found = binding(intent, "shop/a")
    assert found.status == "bound"
    assert "not known" in found.why
    assert [note.certainty for note in notes(intent, "exported_to")] == ["open"]


def test_what_is_exported_to_no_one_is_seen_by_no_gateway() -> None:
    route = virtual_service("shop/a", "a.shop.com", more="exportTo: ['~']")
    assert binding(intent_of(_GATEWAY, route), "shop/a").status == "not_exported"


def test_a_virtualservice_without_hosts_is_bound_to_nothing() -> None:
    intent = intent_of(_GATEWAY, virtual_service("shop/a"))
    assert binding(intent, "shop/a").status == "no_hosts"
    assert len(notes(intent, "virtualservice_without_hosts")) == 1


def test_rules_for_other_gateways_and_ports_leave_none() -> None:
    match = "[{match: [{gateways: [mesh]}, {port: 8443}], route: [{destination: {host: a}}]}]"
    route = virtual_service("shop/a", "a.shop.com", gateways="[edge/gw]", http=match)
    intent = intent_of(_GATEWAY, route)
    assert binding(intent, "shop/a").status == "no_rules"
    assert table(intent).virtual_hosts[0].name == "blackhole:80"


def test_the_name_of_a_generated_gateway_is_odd() -> None:
    name = "edge/gw~istio-autogenerated-k8s-gateway~http"
    intent = intent_of(virtual_service("shop/a", "a.com", gateways=f"[{name}]"))
    assert binding(intent, "shop/a").status == "generated_gateway"
    (note,) = notes(intent, "generated_gateway_name")
    assert (note.field, note.value) == ("gateways[0]", name)


def test_routes_for_the_own_namespace_come_before_those_for_all() -> None:
    rule = "[{match: [{uri: {prefix: /a}}], route: [{destination: {host: NAME}}]}]"
    public = virtual_service("edge/public", "*", http=rule.replace("NAME", "public"))
    private = virtual_service(
        "edge/own", "*", http=rule.replace("NAME", "own"), more="exportTo: ['.']"
    )
    intent = intent_of(gateway("edge/gw"), public, private, namespace="edge")
    origins = [str(each.origin) for each in virtual_host(intent, "*").routes]
    assert origins == ["VirtualService edge/own", "VirtualService edge/public"]


def test_rules_of_a_kind_that_the_server_can_not_use_are_none() -> None:
    passed_on = gateway(
        "edge/gw", "*.shop.com", port=443, protocol="TLS", tls="{mode: PASSTHROUGH}"
    )
    found = binding(intent_of(passed_on, virtual_service("shop/a", "a.shop.com")), "shop/a")
    assert found.status == "no_rules"
    rule = "tls: [{match: [{sniHosts: [a.shop.com]}], route: [{destination: {host: a}}]}]"
    only_tls = virtual_service("shop/a", "a.shop.com", http="", more=rule)
    assert binding(intent_of(_GATEWAY, only_tls), "shop/a").status == "no_rules"
    assert binding(intent_of(passed_on, only_tls), "shop/a").status == "bound"


def test_a_gateway_of_the_gateway_api_takes_no_virtualservice_by_its_name() -> None:
    other = """
      apiVersion: gateway.networking.k8s.io/v1
      kind: Gateway
      metadata: {name: gw, namespace: edge}
      spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
    """
    found = binding(intent_of(other, virtual_service("shop/a", "a.com")), "shop/a")
    assert (found.status, str(found.suggestion)) == ("gateway_not_in_files", "Gateway edge/gw")
    assert "HTTPRoutes" in found.why
