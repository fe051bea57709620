"""What the rules of a VirtualService become at a gateway."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.intents import (
    clusters,
    gateway,
    intent_of,
    notes,
    routes,
    table,
    virtual_host,
    virtual_service,
)

from envoylogs.mesh.intent import Intent
from envoylogs.mesh.intent.delegates import merged_rules
from envoylogs.mesh.intent.rules import Match, Rule
from envoylogs.mesh.objects import ObjectName
from envoylogs.mesh.tables import Action, NamedMatch, Route, RouteMatch, StringMatch

_ROUTE = "route: [{destination: {host: web, port: {number: 80}}}]"
_WEB = "outbound|80||web.shop.svc.cluster.local"


def _intent(http: str, *more: str, **facts: object) -> Intent:
    return intent_of(gateway("edge/gw"), virtual_service("shop/a", "*", http=http), *more, **facts)


def _routes(http: str, *more: str, **facts: object) -> tuple[Route, ...]:
    return routes(_intent(http, *more, **facts))


def _match(match: str) -> RouteMatch:
    (route,) = _routes(f"[{{match: [{match}], {_ROUTE}}}]")
    return route.match


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("{exact: /a}", RouteMatch("exact", "/a")),
        ("{prefix: /a}", RouteMatch("prefix", "/a")),
        ("{regex: '/a.*'}", RouteMatch("regex", "/a.*")),
        ("{prefix: /a}, ignoreUriCase: true", RouteMatch("prefix", "/a", ignore_case=True)),
        ("{regex: /a}, ignoreUriCase: true", RouteMatch("regex", "/a")),
    ],
)
def test_a_path_is_compared_as_the_rule_says(uri: str, expected: RouteMatch) -> None:
    assert _match(f"{{uri: {uri}}}") == expected


def test_headers_are_sorted_and_what_is_of_http_itself_comes_last() -> None:
    match = _match(
        "{method: {exact: GET}, authority: {prefix: a}, scheme: {exact: https},"
        " headers: {x-b: {regex: 'b+'}, X-A: {exact: a}}, withoutHeaders: {x-c: {exact: c}}}"
    )
    assert match.headers == (
        NamedMatch("x-a", StringMatch("exact", "a")),
        NamedMatch("x-b", StringMatch("regex", "b+")),
        NamedMatch("x-c", StringMatch("exact", "c"), invert=True, missing_as_empty=True),
        NamedMatch(":method", StringMatch("exact", "GET")),
        NamedMatch(":authority", StringMatch("prefix", "a")),
        NamedMatch(":scheme", StringMatch("exact", "https")),
    )


@pytest.mark.parametrize("value", ["{}", "{regex: '*'}"])
def test_a_header_without_a_value_must_be_there(value: str) -> None:
    match = _match(f"{{headers: {{a: {value}}}, withoutHeaders: {{b: {value}}}}}")
    present = StringMatch("present")
    assert match.headers == (NamedMatch("a", present), NamedMatch("b", present, invert=True))


def test_parameters_of_the_query_are_compared() -> None:
    match = _match("{queryParams: {a: {exact: b}, c: {}}}")
    assert match.query == (
        NamedMatch("a", StringMatch("exact", "b")),
        NamedMatch("c", StringMatch("present")),
    )


@pytest.mark.parametrize("header", ["@request.auth.claims.a.b", "'@request.auth.claims[a][b]'"])
def test_a_claim_is_a_condition_and_no_header(header: str) -> None:
    match = _match(f"{{headers: {{'{header.strip(chr(39))}': {{exact: x}}}}}}")
    assert match.headers == ()
    assert match.conditions == ("claim a.b of the JWT is x",)


def test_nothing_is_sent_after_a_route_that_takes_everything() -> None:
    for first in ("", "match: [{uri: {prefix: /}}],", "match: [{uri: {regex: '.*'}}],"):
        intent = _intent(f"[{{{first} {_ROUTE}}}, {{name: late, {_ROUTE}}}]")
        assert len(routes(intent)) == 1
        (note,) = notes(intent, "rule_never_sent")
        assert (str(note.object), note.field) == ("VirtualService shop/a", "http[1]")


def test_a_condition_that_no_log_holds_makes_a_prefix_no_catch_all() -> None:
    first = "match: [{uri: {prefix: /}, headers: {'@request.auth.claims.a': {exact: x}}}]"
    assert len(_routes(f"[{{{first}, {_ROUTE}}}, {{{_ROUTE}}}]")) == 2


def test_a_match_that_stands_twice_is_noted() -> None:
    rule = f"{{match: [{{uri: {{prefix: /a}}}}], {_ROUTE}}}"
    (note,) = notes(_intent(f"[{rule}, {rule}]"), "match_never_asked")
    assert note.field == "http[1].match[0]"


def test_routes_are_named_by_rule_and_match() -> None:
    made = _routes(
        "[{name: r, match: [{uri: {prefix: /a}}, {name: m, uri: {prefix: /b}}],"
        f" {_ROUTE}}},"
        f" {{{_ROUTE}}}]"
    )
    assert [(each.name, each.rule) for each in made] == [
        ("r", (0, 0)),
        ("r.m", (0, 1)),
        ("", (1, 0)),
    ]
    assert {str(each.origin) for each in made} == {"VirtualService shop/a"}


def test_the_port_of_a_match_is_that_of_the_gateway() -> None:
    made = _routes(
        f"[{{match: [{{port: 80}}], {_ROUTE}}}, {{match: [{{port: 8080}}], {_ROUTE}}}]",
        ports=frozenset({8080}),
    )
    assert [each.rule for each in made] == [(0, 0)]


def test_a_match_for_gateways_asks_nothing_else_of_the_pod() -> None:
    match = "{gateways: [edge/gw], sourceLabels: {a: b}}, {gateways: [mesh, gw]}"
    (route,) = _routes(f"[{{match: [{match}], {_ROUTE}}}]")
    assert (route.rule, route.match.conditions) == ((0, 0), ())


_POD = """
  apiVersion: v1
  kind: Pod
  metadata: {name: ingress-1, namespace: edge, labels: {istio: ingressgateway}}
  spec: {containers: [{name: istio-proxy}]}
"""


def test_labels_of_the_source_are_those_of_the_gateway_itself() -> None:
    rules = (
        f"[{{match: [{{sourceLabels: {{istio: ingressgateway}}}}], {_ROUTE}}},"
        f" {{match: [{{sourceLabels: {{app: shop}}}}], {_ROUTE}}}]"
    )
    known = _routes(rules, _POD, pods=frozenset({"ingress-1"}))
    assert [(each.rule, each.match.conditions) for each in known] == [((0, 0), ())]
    unknown = _routes(rules)
    assert [len(each.match.conditions) for each in unknown] == [1, 1]


def test_the_namespace_of_the_source_is_that_of_the_gateway() -> None:
    rule = f"[{{match: [{{sourceNamespace: edge}}], {_ROUTE}}}]"
    assert _routes(rule, namespace="edge")[0].match.conditions == ()
    (route,) = _routes(rule)
    assert route.match.conditions == ("pods of the gateway in namespace edge",)
    intent = _intent(rule, namespace="other")
    assert table(intent).virtual_hosts[0].name == "blackhole:80"


_SERVICE = """
  apiVersion: v1
  kind: Service
  metadata: {name: web, namespace: shop}
  spec: {ports: [{port: 9080}]}
"""


@pytest.mark.parametrize(
    ("destination", "services", "cluster"),
    [
        ("{host: web}", (), "outbound|80||web.shop.svc.cluster.local"),
        ("{host: web}", (_SERVICE,), "outbound|9080||web.shop.svc.cluster.local"),
        (
            "{host: web}",
            (_SERVICE.replace("[{port: 9080}]", "[{port: 1, name: a}, {port: 2, name: b}]"),),
            "outbound|80||web.shop.svc.cluster.local",
        ),
        (
            "{host: web, subset: v2, port: {number: 5}}",
            (),
            "outbound|5|v2|web.shop.svc.cluster.local",
        ),
        ("{host: web.other.svc.cluster.local}", (), "outbound|80||web.other.svc.cluster.local"),
    ],
)
def test_the_cluster_is_named_by_what_is_known_of_the_service(
    destination: str, services: tuple[str, ...], cluster: str
) -> None:
    (route,) = _routes(f"[{{route: [{{destination: {destination}}}]}}]", *services)
    assert route.action == Action("cluster", clusters=((cluster, 1),))


def test_a_service_that_is_a_name_elsewhere_stands_for_that_name() -> None:
    service = _SERVICE.replace(
        "{ports: [{port: 9080}]}", "{type: ExternalName, externalName: x.com}"
    )
    (route,) = _routes("[{route: [{destination: {host: web}}]}]", service)
    assert route.action.clusters == (("outbound|80||x.com", 1),)


def test_old_releases_do_not_look_behind_such_a_service() -> None:
    spec = "{type: ExternalName, externalName: x.com, ports: [{port: 80}]}"
    service = _SERVICE.replace("{ports: [{port: 9080}]}", spec)
    (route,) = _routes("[{route: [{destination: {host: web}}]}]", service, release=(1, 20))
    assert route.action.clusters == (("outbound|80||web.shop.svc.cluster.local", 1),)


def test_to_old_releases_a_missing_header_is_none_that_must_not_be() -> None:
    rule = f"[{{match: [{{withoutHeaders: {{a: {{exact: x}}}}}}], {_ROUTE}}}]"
    for release, as_empty in (((1, 21), False), ((1, 22), True)):
        (route,) = _routes(rule, release=release)
        (header,) = route.match.headers
        assert (header.invert, header.missing_as_empty) == (True, as_empty)


def test_the_only_port_of_a_serviceentry_is_taken() -> None:
    entry = """
      apiVersion: networking.istio.io/v1
      kind: ServiceEntry
      metadata: {name: x, namespace: shop}
      spec: {hosts: [x.com], ports: [{number: 8443, name: tls, protocol: TLS}]}
    """
    (route,) = _routes("[{route: [{destination: {host: x.com}}]}]", entry)
    assert route.action.clusters == (("outbound|8443||x.com", 1),)


def test_another_mesh_domain_is_in_all_names() -> None:
    intent = intent_of(
        gateway("edge/gw"), virtual_service("shop/a", "web"), mesh_domain="mesh.internal"
    )
    (route,) = routes(intent, "web.shop.svc.mesh.internal")
    assert route.action.clusters == (("outbound|80||web.shop.svc.mesh.internal", 1),)


def test_destinations_of_weight_zero_get_nothing() -> None:
    route = (
        "[{route: [{destination: {host: a}, weight: 90}, {destination: {host: b}, weight: 10},"
        " {destination: {host: c}, weight: 0}]}]"
    )
    (made,) = _routes(route)
    assert made.action.kind == "weighted"
    assert [weight for _, weight in made.action.clusters] == [90, 10]


@pytest.mark.parametrize(
    ("answer", "action"),
    [
        ("redirect: {}", Action("redirect", status=301)),
        (
            "redirect: {uri: /new, authority: a.com, scheme: https, redirectCode: 308}",
            Action("redirect", status=308, location="https://a.com/new"),
        ),
        ("redirect: {redirectCode: 418}", Action("unknown")),
        ("directResponse: {status: 503}", Action("direct_response", status=503)),
        (
            f"fault: {{abort: {{httpStatus: 503, percentage: {{value: 10}}}}}}, {_ROUTE}",
            Action("cluster", ((_WEB, 1),), fault="abort 503 for 10 %"),
        ),
        (
            "fault: {delay: {fixedDelay: 5s, percent: 50}, abort: {httpStatus: 500}},"
            f" {_ROUTE}",
            Action("cluster", ((_WEB, 1),), fault="delay 5s for 50 %"),
        ),
    ],
)
def test_a_rule_may_answer_by_itself_or_inject_a_fault(answer: str, action: Action) -> None:
    (route,) = _routes(f"[{{{answer}}}]")
    assert route.action == action


def _delegate(http: str, more: str = "") -> str:
    return virtual_service("apis/part", gateways=None, http=http, more=more)


_LEAF = ObjectName("VirtualService", "apis", "part", "networking.istio.io")
_ROOT = "[{name: root, match: [{uri: {prefix: /api}}], delegate: {name: part, namespace: apis}}]"


def test_a_delegate_has_the_rules_within_the_conditions_of_the_root() -> None:
    made = _routes(
        _ROOT,
        _delegate(
            "[{name: inner, match: [{uri: {prefix: /api/v1}}], route: [{destination: {host: v1}}]},"
            " {match: [{uri: {prefix: /other}}], route: [{destination: {host: other}}]},"
            " {route: [{destination: {host: rest}}]}]"
        ),
    )
    assert [(each.name, each.match.path, each.rule) for each in made] == [
        ("root-inner", "/api/v1", (0, 0)),
        ("root", "/api", (2, 0)),
    ]
    assert [each.action.clusters[0][0] for each in made] == [
        "outbound|80||v1.apis.svc.cluster.local",
        "outbound|80||rest.apis.svc.cluster.local",
    ]
    assert {str(each.origin) for each in made} == {"VirtualService shop/a"}
    assert {each.written_in for each in made} == {_LEAF}


def test_a_delegate_that_is_not_in_the_files_stays_open() -> None:
    intent = _intent(f"[{_ROOT[1:-1]}, {{match: [{{uri: {{prefix: /b}}}}], {_ROUTE}}}]")
    assert [each.match.path for each in routes(intent)] == ["/b"]
    (note,) = notes(intent, "delegate_not_in_files")
    assert (note.field, note.certainty) == ("http[0].delegate", "open")


def test_a_delegate_that_is_not_exported_is_left_out() -> None:
    intent = _intent(_ROOT, _delegate(f"[{{{_ROUTE}}}]", "exportTo: ['.']"))
    assert table(intent).virtual_hosts[0].name == "blackhole:80"
    assert len(notes(intent, "delegate_not_exported")) == 1


def test_a_delegate_with_hosts_and_one_that_delegates_to_itself_are_none() -> None:
    with_hosts = virtual_service("apis/part", "x.com", http=f"[{{{_ROUTE}}}]")
    assert len(notes(_intent(_ROOT, with_hosts), "delegate_not_in_files")) == 1
    of_itself = _delegate("[{delegate: {name: part, namespace: apis}}]")
    assert [each.action.kind for each in _routes(_ROOT, of_itself)] == ["unknown"]


_STRINGS = st.one_of(
    st.none(),
    st.builds(
        StringMatch, st.sampled_from(["exact", "prefix"]), st.sampled_from(["/a", "/a/b", "/b"])
    ),
)
_MATCHES = st.lists(st.builds(Match, uri=_STRINGS, method=_STRINGS), max_size=3).map(
    lambda matches: tuple(replace(each, number=place) for place, each in enumerate(matches))
)


def _takes(match: Match, path: str, method: str) -> bool:
    return all(
        wanted is None
        or (value == wanted.value if wanted.kind == "exact" else value.startswith(wanted.value))
        for wanted, value in ((match.uri, path), (match.method, method))
    )


@pytest.mark.property
@given(_MATCHES, _MATCHES, st.sampled_from(["/a", "/a/b/c", "/b"]), st.sampled_from(["/a", "/b"]))
def test_what_a_delegate_takes_the_root_takes_too(
    root: tuple[Match, ...], leaf: tuple[Match, ...], path: str, method: str
) -> None:
    for merged in merged_rules(Rule(0, matches=root), _LEAF, [Rule(0, matches=leaf)]):
        taken = not merged.matches or any(_takes(each, path, method) for each in merged.matches)
        if taken:
            assert not root or any(_takes(each, path, method) for each in root)
            assert not leaf or any(_takes(each, path, method) for each in leaf)


_FIRST = virtual_service(
    "shop/first",
    "a.com",
    http="[{match: [{uri: {prefix: /one}}], route: [{destination: {host: one}}]},"
    " {route: [{destination: {host: first}}]}]",
    created="2023-01-01T00:00:00Z",
)
_SECOND = virtual_service(
    "shop/second",
    "a.com",
    http="[{match: [{uri: {prefix: /two}}], route: [{destination: {host: two}}]},"
    " {route: [{destination: {host: second}}]}]",
    created="2024-01-01T00:00:00Z",
)


@pytest.mark.parametrize("order", [(_FIRST, _SECOND), (_SECOND, _FIRST)])
def test_several_virtualservices_of_a_host_are_merged_by_age(order: tuple[str, str]) -> None:
    intent = intent_of(gateway("edge/gw"), *order)
    hosts = [next(iter(each.action.clusters))[0] for each in routes(intent, "a.com")]
    assert [host.split("|")[3].partition(".")[0] for host in hosts] == [
        "one",
        "two",
        "first",
        "second",
    ]
    (note,) = notes(intent, "same_host_same_catch_all")
    assert (str(note.object), note.certainty) == ("VirtualService shop/second", "proved")


def test_without_times_which_catch_all_is_asked_is_open() -> None:
    intent = intent_of(
        gateway("edge/gw"), virtual_service("shop/a", "a.com"), virtual_service("shop/b", "a.com")
    )
    assert [note.certainty for note in notes(intent, "same_host_same_catch_all")] == ["open"]


def test_an_exact_host_has_none_of_the_routes_of_the_wildcard() -> None:
    intent = intent_of(
        gateway("edge/gw"), virtual_service("shop/a", "a.com"), virtual_service("shop/b", "*.com")
    )
    assert [str(each.origin) for each in routes(intent, "a.com")] == ["VirtualService shop/a"]


def test_a_wildcard_serves_the_exact_host_that_the_gateway_lists() -> None:
    intent = intent_of(
        gateway("edge/gw", "a.com", "*"),
        virtual_service("shop/a", "a.com"),
        virtual_service(
            "shop/b", "*.com", http=f"[{{match: [{{uri: {{prefix: /b}}}}], {_ROUTE}}}]"
        ),
    )
    origins = [str(each.origin) for each in virtual_host(intent, "a.com").routes]
    assert origins == ["VirtualService shop/b", "VirtualService shop/a"]
    assert clusters(intent, "x.com", "/b") == {_WEB: 1}
