"""What Istio makes of Gateways and routes of the Gateway API."""

from __future__ import annotations

import pytest
from tests.intents import (
    binding,
    clusters,
    gateway,
    intent_of,
    notes,
    routes,
    server,
    table,
    way,
)

from envoylogs.mesh.tables import Action, RouteMatch

_HTTP = "{name: http, port: 80, protocol: HTTP}"


def _gateway(*listeners: str, name: str = "gw", of: str = "istio", more: str = "") -> str:
    return f"""
      apiVersion: gateway.networking.k8s.io/v1
      kind: Gateway
      metadata: {{name: {name}, namespace: edge}}
      spec: {{gatewayClassName: {of}, listeners: [{", ".join(listeners or (_HTTP,))}]{more}}}
    """


def _route(
    path: str,
    *hosts: str,
    parent: str = "{name: gw, namespace: edge}",
    rules: str = "[{backendRefs: [{name: web, port: 80}]}]",
    kind: str = "HTTPRoute",
    created: str = "2024-01-01T00:00:00Z",
) -> str:
    namespace, _, name = path.partition("/")
    return f"""
      apiVersion: gateway.networking.k8s.io/v1
      kind: {kind}
      metadata: {{name: {name}, namespace: {namespace}, creationTimestamp: "{created}"}}
      spec:
        parentRefs: [{parent}]
        {f"hostnames: [{', '.join(repr(each) for each in hosts)}]" if hosts else ""}
        rules: {rules}
    """


def _listener(
    name: str = "http", *, host: str = "", allowed: str = "{namespaces: {from: All}}"
) -> str:
    hostname = f", hostname: '{host}'" if host else ""
    return f"{{name: {name}, port: 80, protocol: HTTP{hostname}, allowedRoutes: {allowed}}}"


_OPEN = _gateway(_listener())
_WEB = {"outbound|80||web.shop.svc.cluster.local": 1}


def test_a_route_is_bound_to_the_listeners_of_its_parent() -> None:
    intent = intent_of(_OPEN, _route("shop/a", "a.com"))
    found = binding(intent, "shop/a")
    assert (found.status, found.hosts, found.reference) == ("bound", ("a.com",), "edge/gw")
    assert found.gateway is not None
    assert found.gateway.group == "gateway.networking.k8s.io"
    assert clusters(intent, "a.com") == _WEB
    (route,) = routes(intent, "a.com")
    assert (route.name, str(route.origin), route.rule) == ("shop.a.0", "HTTPRoute shop/a", (0, 0))


def test_by_default_only_routes_of_the_own_namespace_are_allowed() -> None:
    intent = intent_of(_gateway(), _route("shop/a"), _route("edge/b", parent="{name: gw}"))
    assert binding(intent, "shop/a").status == "namespace_not_allowed"
    assert binding(intent, "edge/b").status == "bound"
    assert server(intent, "edge/gw").hosts == (("edge", "*"),)


_SELECTOR = "{namespaces: {from: Selector, selector: {SELECTOR}}}"
_NAMESPACE = """
  apiVersion: v1
  kind: Namespace
  metadata: {name: shop, labels: {team: web}}
"""


@pytest.mark.parametrize(
    ("selector", "status"),
    [
        ("matchLabels: {team: web}", "bound"),
        ("matchLabels: {team: other}", "namespace_not_allowed"),
        ("matchLabels: {kubernetes.io/metadata.name: shop}", "bound"),
        ("matchExpressions: [{key: team, operator: In, values: [web, x]}]", "bound"),
        (
            "matchExpressions: [{key: team, operator: NotIn, values: [web]}]",
            "namespace_not_allowed",
        ),
        ("matchExpressions: [{key: team, operator: Exists}]", "bound"),
        ("matchExpressions: [{key: team, operator: DoesNotExist}]", "namespace_not_allowed"),
    ],
)
def test_namespaces_are_allowed_by_their_labels(selector: str, status: str) -> None:
    listener = _listener(allowed=_SELECTOR.replace("SELECTOR", selector))
    intent = intent_of(_gateway(listener), _route("shop/a"), _NAMESPACE)
    assert binding(intent, "shop/a").status == status


def test_a_namespace_whose_labels_are_not_in_the_files_is_taken_as_allowed() -> None:
    listener = _listener(allowed=_SELECTOR.replace("SELECTOR", "matchLabels: {team: web}"))
    intent = intent_of(_gateway(listener), _route("shop/a"))
    assert binding(intent, "shop/a").status == "bound"
    assert [note.certainty for note in notes(intent, "namespaces_not_in_files")] == ["open"]


def test_the_name_of_a_namespace_is_known_without_its_object() -> None:
    selector = "matchLabels: {kubernetes.io/metadata.name: other}"
    listener = _listener(allowed=_SELECTOR.replace("SELECTOR", selector))
    intent = intent_of(_gateway(listener), _route("shop/a"))
    assert binding(intent, "shop/a").status == "namespace_not_allowed"
    assert server(intent, "edge/gw").hosts == (("~", "*"),)


def test_a_route_of_a_kind_that_is_not_allowed_is_not_bound() -> None:
    listener = _listener(allowed="{namespaces: {from: All}, kinds: [{kind: GRPCRoute}]}")
    intent = intent_of(_gateway(listener), _route("shop/a"))
    assert binding(intent, "shop/a").status == "kind_not_allowed"


def test_hosts_that_no_listener_has_are_not_bound() -> None:
    intent = intent_of(_gateway(_listener(host="*.a.com")), _route("shop/a", "b.com"))
    assert binding(intent, "shop/a").status == "hosts_disjoint"


def test_only_the_named_listener_is_asked() -> None:
    both = _gateway(_listener("one", host="*.a.com"), _listener("two", host="*.b.com"))
    named = "{name: gw, namespace: edge, sectionName: two}"
    found = binding(intent_of(both, _route("shop/a", "x.a.com", "x.b.com", parent=named)), "shop/a")
    assert (found.hosts, found.reference) == (("x.b.com",), "edge/gw/two")
    missing = _route("shop/a", parent="{name: gw, namespace: edge, sectionName: three}")
    assert binding(intent_of(both, missing), "shop/a").status == "section_not_found"
    port = _route("shop/a", parent="{name: gw, namespace: edge, port: 81}")
    assert binding(intent_of(both, port), "shop/a").status == "section_not_found"


def test_a_parent_that_is_not_in_the_files_may_be_elsewhere() -> None:
    intent = intent_of(_OPEN, _route("shop/a", parent="{name: gw}"))
    found = binding(intent, "shop/a")
    assert (found.status, str(found.suggestion)) == ("gateway_elsewhere", "Gateway edge/gw")
    unknown = binding(intent_of(_OPEN, _route("shop/a", parent="{name: no}")), "shop/a")
    assert unknown.status == "gateway_not_in_files"


def test_a_service_as_parent_is_for_the_mesh() -> None:
    intent = intent_of(_OPEN, _route("shop/a", parent="{kind: Service, group: '', name: web}"))
    assert binding(intent, "shop/a").status == "mesh_only"


def test_a_narrower_listener_takes_the_host_from_a_wider_one() -> None:
    both = _gateway(_listener("wide"), _listener("narrow", host="*.a.com"))
    intent = intent_of(both, _route("shop/a", "x.a.com", "x.b.com"))
    assert clusters(intent, "x.a.com") == _WEB
    wide = _route("shop/a", "x.a.com", parent="{name: gw, namespace: edge, sectionName: wide}")
    assert clusters(intent_of(both, wide), "x.a.com") is None


_ORDERED = """[
  {backendRefs: [{name: rest, port: 80}]},
  {matches: [{path: {type: RegularExpression, value: '/r.*'}}], backendRefs: [{name: r, port: 80}]},
  {matches: [{path: {value: /a}}], backendRefs: [{name: a, port: 80}]},
  {matches: [{path: {value: /a}, headers: [{name: X, value: y}]}],
   backendRefs: [{name: h, port: 80}]},
  {matches: [{path: {value: /a}, method: GET}], backendRefs: [{name: m, port: 80}]},
  {matches: [{path: {value: /a}, queryParams: [{name: q, value: y}]}],
   backendRefs: [{name: q, port: 80}]},
  {matches: [{path: {value: /a/longer}}, {path: {type: Exact, value: /e}}],
   backendRefs: [{name: b, port: 80}]}
]"""


def test_routes_are_asked_by_how_much_they_ask_for() -> None:
    intent = intent_of(_OPEN, _route("shop/a", rules=_ORDERED))
    made = routes(intent)
    # What comes after the prefix of everything is not sent, and a regular expression does.
    assert [each.rule for each in made] == [(6, 1), (6, 0), (4, 0), (3, 0), (5, 0), (2, 0), (0, 0)]


def test_a_prefix_of_a_path_ends_at_a_slash() -> None:
    match = "{path: {type: PathPrefix, value: /a/}}"
    rules = f"[{{matches: [{match}], backendRefs: [{{name: web, port: 80}}]}}]"
    intent = intent_of(_OPEN, _route("shop/a", rules=rules))
    assert routes(intent)[0].match == RouteMatch("path_separated_prefix", "/a")
    assert clusters(intent, "x", "/a/b") == _WEB
    assert clusters(intent, "x", "/ab") is None


def test_routes_of_one_host_are_merged_by_age_and_then_sorted() -> None:
    rules = "[{matches: [{path: {value: /a}}], backendRefs: [{name: NAME, port: 80}]}]"
    older, newer = (
        _route(f"shop/{name}", rules=rules.replace("NAME", name), created=f"{year}-01-01T00:00:00Z")
        for name, year in (("older", 2023), ("newer", 2024))
    )
    longer = _route("shop/grpc", kind="GRPCRoute", rules=_METHOD)
    made = routes(intent_of(_OPEN, newer, older, longer))
    assert [str(each.origin) for each in made] == [
        "GRPCRoute shop/grpc",
        "HTTPRoute shop/older",
        "HTTPRoute shop/newer",
    ]


_METHOD = "[{matches: [{method: {service: s.S, method: M}}], backendRefs: [{name: web, port: 80}]}]"


@pytest.mark.parametrize(
    ("method", "match"),
    [
        ("{service: s.S, method: M}", RouteMatch("exact", "/s.S/M")),
        ("{service: s.S}", RouteMatch("path_separated_prefix", "/s.S")),
        ("{method: M}", RouteMatch("regex", "/[^/]+/M")),
        ("{type: RegularExpression, service: s, method: M}", RouteMatch("regex", "/s/M")),
        ("{type: RegularExpression, service: s}", RouteMatch("regex", "/s/.+")),
    ],
)
def test_methods_of_grpc_are_paths(method: str, match: RouteMatch) -> None:
    rules = f"[{{matches: [{{method: {method}}}], backendRefs: [{{name: web, port: 80}}]}}]"
    (route,) = routes(intent_of(_OPEN, _route("shop/a", kind="GRPCRoute", rules=rules)))
    assert route.match == match


@pytest.mark.parametrize(
    ("rule", "action"),
    [
        ("{}", Action("direct_response", status=500)),
        ("{backendRefs: [{name: a, port: 80, weight: 0}]}", Action("direct_response", status=500)),
        (
            "{backendRefs: [{name: a, port: 80, weight: 3}, {name: b, port: 81}]}",
            Action(
                "weighted",
                (
                    ("outbound|80||a.shop.svc.cluster.local", 3),
                    ("outbound|81||b.shop.svc.cluster.local", 1),
                ),
            ),
        ),
        (
            "{filters: [{type: RequestRedirect,"
            " requestRedirect: {scheme: https, hostname: a.com}}]}",
            Action("redirect", status=302, location="https://a.com"),
        ),
        ("{backendRefs: [{name: p, kind: InferencePool, group: x}]}", Action("unknown")),
    ],
)
def test_a_rule_sends_answers_or_is_not_told_by_the_files(rule: str, action: Action) -> None:
    (route,) = routes(intent_of(_OPEN, _route("shop/a", rules=f"[{rule}]")))
    assert route.action == action


@pytest.mark.parametrize(
    "rule",
    [
        "{filters: [{type: ExtensionRef}], backendRefs: [{name: a, port: 80}]}",
        "{backendRefs: [{name: a}]}",
        "{backendRefs: [{name: a.shop.svc, port: 80}]}",
    ],
)
def test_a_rule_that_istio_refuses_takes_the_whole_route_with_it(rule: str) -> None:
    rules = f"[{{backendRefs: [{{name: web, port: 80}}]}}, {rule}]"
    intent = intent_of(_OPEN, _route("shop/a", rules=rules))
    assert binding(intent, "shop/a").status == "invalid"
    assert table(intent).virtual_hosts[0].name == "blackhole:80"


_ELSEWHERE = "[{backendRefs: [{name: web, namespace: data, port: 80}]}]"


def test_a_backend_of_another_namespace_needs_a_grant_that_may_be_elsewhere() -> None:
    grant = """
      apiVersion: gateway.networking.k8s.io/v1beta1
      kind: ReferenceGrant
      metadata: {name: g, namespace: data}
      spec:
        from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: shop}]
        to: [{group: "", kind: Service}]
    """
    without = intent_of(_OPEN, _route("shop/a", rules=_ELSEWHERE))
    (note,) = notes(without, "backend_of_other_namespace")
    assert note.certainty == "open"
    assert clusters(without, "x") == {"outbound|80||web.data.svc.cluster.local": 1}
    granted = intent_of(_OPEN, _route("shop/a", rules=_ELSEWHERE), grant)
    assert not notes(granted, "backend_of_other_namespace")


def test_a_class_that_is_not_istios_makes_no_tables() -> None:
    intent = intent_of(_gateway(of="nginx"), _route("edge/a", parent="{name: gw}"))
    found = server(intent, "edge/gw")
    assert (found.in_force, found.reason) == (None, "other_class")
    assert intent.tables == ()
    own = """
      apiVersion: gateway.networking.k8s.io/v1
      kind: GatewayClass
      metadata: {name: nginx}
      spec: {controllerName: istio.io/gateway-controller}
    """
    assert server(intent_of(_gateway(of="nginx"), own), "edge/gw").reason is None


def test_the_pods_of_a_gateway_are_those_of_the_deployment_that_istio_makes() -> None:
    for pod, selected in (
        ("gw-istio-6c9d5b7f4-x2x4z", True),
        ("gw-6c9d5b7f4-x2x4z", True),
        ("other-6c9d5b7f4-x2x4z", False),
    ):
        found = server(intent_of(_OPEN, pods=frozenset({pod})), "edge/gw")
        assert found.in_force is selected
    assert server(intent_of(_OPEN), "edge/gw").in_force is None
    assert server(intent_of(_OPEN, namespace="other"), "edge/gw").in_force is False


def test_the_service_that_istio_makes_translates_ports() -> None:
    service = """
      apiVersion: v1
      kind: Service
      metadata: {name: gw-istio, namespace: edge}
      spec: {ports: [{port: 80, targetPort: 8080}]}
    """
    assert server(intent_of(_OPEN, service), "edge/gw").pod_ports == (8080,)
    by_hand = _gateway(
        more=", addresses: [{type: Hostname, value: ingress.edge.svc.cluster.local}]"
    )
    named = service.replace("gw-istio", "ingress")
    assert server(intent_of(by_hand, named), "edge/gw").pod_ports == (8080,)


def test_a_listener_for_https_has_a_table_of_its_generated_name() -> None:
    listener = (
        "{name: https, port: 443, protocol: HTTPS, hostname: a.com,"
        " tls: {certificateRefs: [{name: cert}]}}"
    )
    intent = intent_of(_gateway(listener))
    found = server(intent, "edge/gw")
    assert table(intent).name == ("https.443.default.gw~istio-autogenerated-k8s-gateway~https.edge")
    assert (found.name, found.tls_mode, found.credentials) == ("https", "SIMPLE", ("edge/cert",))


def test_a_tlsroute_passes_connections_on() -> None:
    listener = (
        "{name: tls, port: 443, protocol: TLS, hostname: '*.a.com', tls: {mode: Passthrough},"
        " allowedRoutes: {namespaces: {from: All}}}"
    )
    rules = "[{backendRefs: [{name: web, port: 443}]}]"
    route = _route("shop/a", "x.a.com", "x.b.com", kind="TLSRoute", rules=rules)
    intent = intent_of(_gateway(listener), route)
    (chain,) = intent.listeners[0].chains
    assert chain.server_names == ("x.a.com",)
    assert chain.clusters == (("outbound|443||web.shop.svc.cluster.local", 1),)
    assert binding(intent, "shop/a").hosts == ("x.a.com",)


@pytest.mark.parametrize(
    "listener",
    [
        "{name: a, protocol: HTTP}",
        "{name: a, port: 80, protocol: UDP}",
        "{name: a, port: 443, protocol: HTTPS}",
        "{name: a, port: 443, protocol: HTTPS,"
        " tls: {certificateRefs: [{kind: ConfigMap, name: c}]}}",
    ],
)
def test_a_listener_that_istio_refuses_is_not_in_force(listener: str) -> None:
    found = server(intent_of(_gateway(listener)), "edge/gw")
    assert (found.in_force, found.reason) == (False, "invalid")


def test_gateways_of_both_apis_do_not_take_each_others_routes() -> None:
    intent = intent_of(_OPEN, gateway("edge/gw", "istio.com", port=81), _route("shop/a", "a.com"))
    assert [each.name for each in intent.tables] == ["http.80", "http.81"]
    assert way(intent, "a.com", port=81).routing is not None
    assert clusters(intent, "a.com", port=81) is None


def test_a_port_that_the_service_of_the_gateway_lacks_makes_no_listener() -> None:
    service = """
      apiVersion: v1
      kind: Service
      metadata: {name: gw-istio, namespace: edge}
      spec: {ports: [{port: 8080}]}
    """
    found = server(intent_of(_OPEN, service), "edge/gw")
    assert (found.in_force, found.reason, found.pod_ports) == (False, "invalid", ())
    assert "Service edge/gw-istio" in found.why


def test_pods_that_istio_makes_listen_on_the_port_of_the_listener() -> None:
    intent = intent_of(_OPEN, gateway("edge/old"), ports=frozenset({8080}))
    assert server(intent, "edge/gw").pod_ports == (80,)
    assert [each.pod_ports for each in intent.servers] == [(80,), (8080,)]


def test_a_tlsroute_of_a_listener_that_ends_tls_passes_bytes_on() -> None:
    listener = (
        "{name: tls, port: 443, protocol: TLS, hostname: x.a.com, tls: {certificateRefs:"
        " [{name: cert}]}, allowedRoutes: {namespaces: {from: All}}}"
    )
    rules = "[{backendRefs: [{name: web, port: 443}]}]"
    route = _route("shop/a", "x.a.com", kind="TLSRoute", rules=rules)
    (chain,) = intent_of(_gateway(listener), route).listeners[0].chains
    assert (chain.server_names, chain.terminates_tls) == (("x.a.com",), True)
    assert chain.clusters == (("outbound|443||web.shop.svc.cluster.local", 1),)


def test_a_gateway_by_address_is_taken_as_the_gateway_of_the_log() -> None:
    by_hand = _gateway(more=", addresses: [{type: Hostname, value: ingress}]")
    found = server(intent_of(by_hand, ports=frozenset({8080})), "edge/gw")
    assert (found.in_force, found.pod_ports) == (None, (8080,))
    assert "Service is not in the files" in found.why


def test_a_selector_that_is_missing_allows_all_namespaces() -> None:
    listener = _listener(allowed="{namespaces: {from: Selector}}")
    intent = intent_of(_gateway(listener), _route("shop/a"))
    assert binding(intent, "shop/a").status == "bound"


def test_a_backend_may_be_a_host() -> None:
    rules = "[{backendRefs: [{kind: Hostname, group: networking.istio.io, name: x.com, port: 80}]}]"
    intent = intent_of(_OPEN, _route("shop/a", rules=rules))
    assert clusters(intent, "a") == {"outbound|80||x.com": 1}


@pytest.mark.parametrize(
    ("kind", "match"),
    [("HTTPRoute", "{path: {type: Glob, value: /a}}"), ("GRPCRoute", "{method: {type: Exact}}")],
)
def test_a_match_that_istio_does_not_know_takes_the_whole_route_with_it(
    kind: str, match: str
) -> None:
    rules = f"[{{matches: [{match}], backendRefs: [{{name: web, port: 80}}]}}]"
    intent = intent_of(_OPEN, _route("shop/a", kind=kind, rules=rules))
    assert binding(intent, "shop/a").status == "invalid"
