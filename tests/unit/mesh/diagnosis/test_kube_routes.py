"""Routes of the Gateway API: what is said of them, and changed in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.diagnoses import diagnosis

from envoylogs.mesh.intent import GatewayFacts

if TYPE_CHECKING:
    from envoylogs.mesh.explanation import Diagnosis

_RULE = "{matches: [{method: {service: p.S, method: Get}}], backendRefs: [{name: g, port: 9000}]}"
_RULE_WITH = {"backendRefs": [{"name": "g", "port": 9000}]}


def _gateway(gateway_class: str = "istio") -> str:
    return f"""
      apiVersion: gateway.networking.k8s.io/v1
      kind: Gateway
      metadata: {{name: edge, namespace: infra}}
      spec:
        gatewayClassName: {gateway_class}
        listeners:
        - {{name: http, port: 80, protocol: HTTP, allowedRoutes: {{namespaces: {{from: All}}}}}}
    """


def _route(kind: str, rule: str) -> str:
    return f"""
      apiVersion: gateway.networking.k8s.io/v1
      kind: {kind}
      metadata: {{name: web, namespace: shop}}
      spec:
        parentRefs: [{{name: edge, namespace: infra}}]
        hostnames: [shop.example.com]
        rules: [{rule}]
    """


def _diagnosis(*documents: str, **record: Any) -> Diagnosis:
    facts = GatewayFacts(ports=frozenset({80}))
    return diagnosis(*documents, port=80, facts=facts, **record)


def test_a_method_of_grpc_is_added_as_a_method() -> None:
    given = (_gateway(), _route("GRPCRoute", _RULE))
    found = _diagnosis(*given, path="/p.S/Set", method="POST")
    assert found.cause == "path_not_matched"
    assert found.change is not None
    (rule,) = yaml.safe_load(found.change.yaml)["spec"]["rules"]
    assert rule["matches"] == [{"method": {"service": "p.S", "method": "Set"}}]
    changed = _route("GRPCRoute", yaml.safe_dump(_RULE_WITH | rule, default_flow_style=True))
    assert _diagnosis(_gateway(), changed, path="/p.S/Set").cause == "routed_now"


def test_a_path_that_is_no_method_of_grpc_is_added_to_no_grpc_route() -> None:
    found = _diagnosis(_gateway(), _route("GRPCRoute", _RULE), path="/favicon.ico")
    assert found.cause == "path_not_matched"
    assert found.change is None


def test_a_gateway_of_another_class_is_none_of_this_gateway() -> None:
    route = _route("HTTPRoute", "{backendRefs: [{name: web, port: 80}]}")
    found = _diagnosis(_gateway("nginx"), route)
    assert (found.cause, found.certainty) == ("gateway_selects_other_pods", "likely")
    assert "is of class nginx" in found.says
    of_istio = """
      apiVersion: gateway.networking.k8s.io/v1
      kind: GatewayClass
      metadata: {name: nginx}
      spec: {controllerName: istio.io/gateway-controller}
    """
    assert _diagnosis(of_istio, _gateway("nginx"), route).cause == "routed_now"


def test_a_host_that_a_gateway_of_istio_accepts_too_is_explained_by_that() -> None:
    other = _gateway("nginx").replace("name: edge", "name: other")
    found = _diagnosis(_gateway(), other)
    assert found.cause == "gateway_without_virtualservice"
    assert "Gateway infra/edge" in found.says


_BACKEND = "{backendRefs: [{name: web, namespace: backend, port: 80}]}"


@pytest.mark.parametrize(
    ("outcome", "cluster", "cause"),
    [
        ("direct_response", None, "direct_by_configuration"),
        ("no_cluster", "UnknownService", "service_missing"),
    ],
)
@pytest.mark.parametrize("kind", ["HTTPRoute", "GRPCRoute"])
def test_a_backend_of_another_namespace_lacks_its_grant(
    kind: str, outcome: str, cluster: str | None, cause: str
) -> None:
    given = (_gateway(), _route(kind, _BACKEND))
    record = {"outcome": outcome, "code": 500, "cluster": cluster, "path": "/p.S/Get"}
    found = _diagnosis(*given, **record)
    assert (found.cause, found.certainty) == (cause, "likely")
    assert "ReferenceGrant in namespace backend" in found.says
    assert found.change is not None
    assert str(found.change.object) == "ReferenceGrant backend/from-shop"
    granted = _diagnosis(*given, found.change.yaml, **record)
    assert "ReferenceGrant" not in granted.says


def test_an_answer_of_another_code_is_not_for_want_of_a_grant() -> None:
    found = _diagnosis(
        _gateway(), _route("HTTPRoute", _BACKEND), outcome="direct_response", code=403
    )
    assert "ReferenceGrant" not in found.says


def test_a_backend_of_its_own_namespace_needs_no_grant() -> None:
    own = "{backendRefs: [{name: web, namespace: shop, port: 80}]}"
    found = _diagnosis(_gateway(), _route("HTTPRoute", own), outcome="direct_response", code=500)
    assert "ReferenceGrant" not in found.says


def _listening(hostname: str, more: str = "") -> str:
    return _gateway().replace("port: 80,", f'port: 80, hostname: "{hostname}"{more},')


def test_a_listener_for_a_domain_is_added_like_that_of_its_wildcard() -> None:
    route = _route("HTTPRoute", "{backendRefs: [{name: web, port: 80}]}")
    route = route.replace("[shop.example.com]", "[example.com]")
    given = _listening("*.example.com")
    found = _diagnosis(given, route, host="example.com")
    assert found.cause == "wildcard_does_not_cover"
    assert found.change is not None
    (added,) = yaml.safe_load(found.change.yaml)["spec"]["listeners"]
    whole = yaml.safe_load(given)
    assert added["name"] not in {each["name"] for each in whole["spec"]["listeners"]}
    whole["spec"]["listeners"].append(added)
    assert _diagnosis(yaml.safe_dump(whole), route, host="example.com").cause == "routed_now"


def test_a_listener_that_has_not_the_host_is_named_in_place_of_one_that_has() -> None:
    given = """
      apiVersion: gateway.networking.k8s.io/v1
      kind: Gateway
      metadata: {name: edge, namespace: shop}
      spec:
        gatewayClassName: istio
        listeners:
        - {name: shop, port: 80, protocol: HTTP, hostname: shop.example.com}
        - {name: blog, port: 80, protocol: HTTP, hostname: blog.example.com}
    """
    route = _route("HTTPRoute", "{backendRefs: [{name: web, port: 80}]}")
    route = route.replace("namespace: infra}", "namespace: shop, sectionName: blog}")
    found = _diagnosis(given, route)
    assert (found.cause, found.certainty) == ("gateway_reference_wrong", "proved")
    assert "names shop/edge/blog, and another listener of Gateway shop/edge" in found.says
    assert "which is not" not in found.says
    assert found.change is not None
    changed = yaml.safe_load(route)
    changed["spec"] |= yaml.safe_load(found.change.yaml)["spec"]
    assert _diagnosis(given, yaml.safe_dump(changed)).cause == "routed_now"
