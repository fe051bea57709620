"""Hosts that are served on another port, or kept from the namespace of their routes."""

from __future__ import annotations

from tests.diagnoses import diagnosis, said
from tests.intents import gateway, virtual_service

_ROUTE = virtual_service("shop/web", "shop.example.com")
_TLS = gateway(
    "edge/gw", "shop.example.com", port=443, protocol="HTTPS",
    tls="{mode: SIMPLE, credentialName: shop-cert}",
)  # fmt: skip
_SERVICE = """
  apiVersion: v1
  kind: Service
  metadata: {name: ingress, namespace: edge}
  spec:
    selector: {istio: ingressgateway}
    ports: [{port: 443, targetPort: 8443}]
"""


def test_the_port_of_a_gateway_is_not_called_that_of_the_pod() -> None:
    found = diagnosis(_TLS, _ROUTE)
    assert found.cause == "port_not_served"
    assert "accepts shop.example.com on port 443, and" in found.says
    assert "443 of the pod" not in said(found)


def test_the_port_of_the_pod_is_told_where_a_service_translates_it() -> None:
    found = diagnosis(_TLS, _ROUTE, _SERVICE)
    assert "on port 443 (8443 of the pod), and" in found.says


def test_a_connection_to_another_port_is_told_likewise() -> None:
    found = diagnosis(
        _TLS, _ROUTE, outcome="no_filter_chain", is_connection=True, authority=None,
        server_name="shop.example.com", tls=True, port=9443,
    )  # fmt: skip
    assert found.cause == "port_not_served"
    assert "on port 443, and the connection came to port 9443 of the pod" in found.says


def test_a_host_of_another_namespace_says_of_which() -> None:
    found = diagnosis(gateway("edge/gw", "./shop.example.com"), _ROUTE)
    assert found.cause == "gateway_host_scope"
    assert "takes shop.example.com of namespace edge alone" in found.says
    assert "VirtualService shop/web is in shop" in found.says
    assert found.change is not None
    assert "- shop/shop.example.com" in found.change.yaml


def test_a_server_with_an_address_of_its_own_may_not_be_the_one_that_was_asked() -> None:
    shop = virtual_service("shop/web", "shop.example.com")
    usual = gateway("edge/gw", "*.example.com")
    bound = usual.replace("hosts:", "bind: 127.0.0.1\n          hosts:", 1)
    found = [diagnosis(each, shop) for each in (usual, bound)]
    assert [each.certainty for each in found] == ["proved", "likely"]
    assert "127.0.0.1: takes only what came to this address" in said(found[1])
