"""Routes of the Gateway API: what is said of them, and changed in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from envoylogs.mesh.intent import GatewayFacts
from tests.diagnoses import diagnosis

if TYPE_CHECKING:
    from envoylogs.mesh.explanation import Diagnosis

_RULE = "{matches: [{method: {service: p.S, method: Get}}], backendRefs: [{name: g, port: 9000}]}"


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


def _diagnosis(*documents: str, **record: object) -> Diagnosis:
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


_RULE_WITH = {"backendRefs": [{"name": "g", "port": 9000}]}
