"""Route tables of dumps, in the spellings of istioctl, of Envoy and of older releases."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from envoylogs.mesh.documents import read_configuration
from envoylogs.mesh.documents.nodes import camel
from envoylogs.mesh.documents.route_actions import route_action
from envoylogs.mesh.documents.route_matches import UNKNOWN_PATH, route_match
from envoylogs.mesh.documents.route_tables import object_of_config
from envoylogs.mesh.objects import ObjectName
from envoylogs.mesh.tables import Action, NamedMatch, RouteMatch, RouteTable, StringMatch

if TYPE_CHECKING:
    from pathlib import Path

_CONFIG = "/apis/networking.istio.io/v1alpha3/namespaces/shop/virtual-service/books"
_ROUTE: dict[str, Any] = {
    "name": "r",
    "match": {"path_separated_prefix": "/a", "case_sensitive": False},
    "route": {"weighted_clusters": {"clusters": [{"name": "one", "weight": 90}, {"name": "two"}]}},
    "metadata": {"filter_metadata": {"istio": {"config": _CONFIG}}},
}
_TABLE: dict[str, Any] = {
    "name": "http.8080",
    "ignore_port_in_host_matching": True,
    "vhost_header": "X-Host",
    "virtual_hosts": [
        {"name": "v", "domains": ["a.com", "*.b.com"], "routes": [_ROUTE], "require_tls": "ALL"}
    ],
}


def _camel(value: Any) -> Any:
    if isinstance(value, dict):
        return {camel(key): _camel(each) for key, each in value.items()}
    return [_camel(each) for each in value] if isinstance(value, list) else value


def _tables(path: Path, document: Any) -> tuple[RouteTable, ...]:
    path.write_text(json.dumps(document))
    return read_configuration([str(path)]).tables


def _dump(type_of: str) -> dict[str, Any]:
    return {
        "configs": [
            {
                "@type": f"type.googleapis.com/envoy.admin.{type_of}.RoutesConfigDump",
                "dynamic_route_configs": [{"version_info": "1", "route_config": _TABLE}],
            }
        ]
    }


def test_a_table_has_all_that_decides_and_where_it_stands(tmp_path: Path) -> None:
    (table,) = _tables(tmp_path / "a.json", [_camel(_TABLE)])
    (host,) = table.virtual_hosts
    (route,) = host.routes

    assert (table.name, table.ignore_port, table.vhost_header) == ("http.8080", True, "x-host")
    assert table.source == str(tmp_path / "a.json")
    assert (host.domains, host.require_tls) == (("a.com", "*.b.com"), "all")
    assert route.match == RouteMatch("path_separated_prefix", "/a", ignore_case=True)
    assert route.action == Action("weighted", clusters=(("one", 90), ("two", 0)))
    assert route.origin == ObjectName("VirtualService", "shop", "books", "networking.istio.io")


@pytest.mark.parametrize(
    "document",
    [
        _TABLE,
        _dump("v2alpha"),
        _dump("v3"),
        _camel(_dump("v3")),
        {"static_route_configs": [{"route_config": _TABLE}]},
        [{"route_config": _TABLE}],
        _dump("v3")["configs"],
    ],
)
def test_one_table_is_the_same_in_every_wrapper_and_spelling(tmp_path: Path, document: Any) -> None:
    path = tmp_path / "a.json"

    assert _tables(path, document) == _tables(path, [_camel(_TABLE)])


def test_a_table_in_yaml_is_the_same_as_in_json(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    as_json = _tables(path, _TABLE)
    path.write_text(
        "name: http.8080\nignore_port_in_host_matching: true\nvhost_header: X-Host\n"
        "virtual_hosts:\n- name: v\n  require_tls: ALL\n  domains: [a.com, '*.b.com']\n"
        f"  routes: [{json.dumps(_ROUTE)}]\n"
    )

    assert read_configuration([str(path)]).tables == as_json


def test_equal_parts_of_tables_are_one_object(tmp_path: Path) -> None:
    hosts = [{"name": str(n), "domains": [f"{n}.com"], "routes": [_ROUTE]} for n in range(2)]
    (table,) = _tables(tmp_path / "a.json", {**_TABLE, "virtual_hosts": hosts})
    one, two = table.virtual_hosts

    assert one.routes[0] is two.routes[0]


def test_a_table_without_virtual_hosts_is_a_table(tmp_path: Path) -> None:
    (table,) = _tables(tmp_path / "a.json", [{"name": "http.80", "validateClusters": False}])

    assert (table.name, table.virtual_hosts) == ("http.80", ())


def test_a_matcher_tree_is_noted(tmp_path: Path) -> None:
    host = {"name": "v", "domains": ["*"], "matcher": {"matcher_list": {}}}
    (table,) = _tables(tmp_path / "a.json", {"name": "x", "virtual_hosts": [host]})

    assert table.virtual_hosts[0].has_matcher


def test_scoped_routes_are_named_as_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"configs": [{"dynamic_scoped_route_configs": [{"name": "s"}]}]}))

    (warning,) = read_configuration([str(path)]).warnings

    assert "scoped routes are not read" in warning


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"prefix": "/a"}, RouteMatch("prefix", "/a")),
        ({"path": "/a"}, RouteMatch("exact", "/a")),
        ({"path": "/a", "case_sensitive": False}, RouteMatch("exact", "/a", ignore_case=True)),
        ({"path_separated_prefix": "/a"}, RouteMatch("path_separated_prefix", "/a")),
        ({"safe_regex": {"google_re2": {}, "regex": "/a.*"}}, RouteMatch("regex", "/a.*")),
        ({"regex": "/a.*"}, RouteMatch("regex", "/a.*")),
        ({"connect_matcher": {}}, RouteMatch("connect", "")),
        (
            {"path_match_policy": {"name": "x", "typed_config": {"path_template": "/a/{b}"}}},
            RouteMatch("uri_template", "/a/{b}"),
        ),
        ({}, RouteMatch("prefix", "", conditions=(UNKNOWN_PATH,))),
    ],
)
def test_paths_are_compared_as_the_route_says(given: Any, expected: RouteMatch) -> None:
    assert route_match(given) == expected
    assert route_match(_camel(given)) == expected


@pytest.mark.parametrize(
    ("given", "match", "invert"),
    [
        ({}, StringMatch("present"), False),
        ({"invert_match": True}, StringMatch("present"), True),
        ({"present_match": True}, StringMatch("present"), False),
        ({"present_match": False}, StringMatch("present"), True),
        ({"present_match": False, "invert_match": True}, StringMatch("present"), False),
        ({"exact_match": "a"}, StringMatch("exact", "a"), False),
        ({"exact_match": ""}, StringMatch("present"), False),
        ({"string_match": {"exact": ""}}, StringMatch("exact", ""), False),
        ({"prefix_match": "a"}, StringMatch("prefix", "a"), False),
        ({"suffix_match": "a"}, StringMatch("suffix", "a"), False),
        ({"contains_match": "a"}, StringMatch("contains", "a"), False),
        ({"regex_match": "a+"}, StringMatch("regex", "a+"), False),
        ({"safe_regex_match": {"regex": "a+"}}, StringMatch("regex", "a+"), False),
        ({"range_match": {"start": "-10", "end": "0"}}, StringMatch("range", "-10,0"), False),
        ({"value": "a"}, StringMatch("exact", "a"), False),
        ({"value": "a", "regex": True}, StringMatch("regex", "a"), False),
        (
            {"string_match": {"prefix": "a", "ignore_case": True}, "invert_match": True},
            StringMatch("prefix", "a", ignore_case=True),
            True,
        ),
        ({"string_match": {"safe_regex": {"regex": "a"}}}, StringMatch("regex", "a"), False),
    ],
)
def test_headers_are_compared_in_all_spellings(
    given: dict[str, Any], match: StringMatch, *, invert: bool
) -> None:
    for header in ({"name": "X-A", **given}, _camel({"name": "X-A", **given})):
        found = route_match({"prefix": "/", "headers": [header]})

        assert found.headers == (NamedMatch("x-a", match, invert=invert),)


@pytest.mark.parametrize("given", [{"string_match": {"custom": {}}}, {"new_match": {"a": 1}}])
def test_a_matcher_that_is_not_known_becomes_a_condition(given: dict[str, Any]) -> None:
    found = route_match({"prefix": "/", "headers": [{"name": "x", **given}]})

    assert found.headers == ()
    assert found.conditions == ("header x by a matcher that is not known",)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, NamedMatch("q", StringMatch("present"))),
        ({"present_match": True}, NamedMatch("q", StringMatch("present"))),
        ({"string_match": {"exact": "1"}}, NamedMatch("q", StringMatch("exact", "1"))),
        ({"value": "1"}, NamedMatch("q", StringMatch("exact", "1"))),
        ({"value": "1+", "regex": True}, NamedMatch("q", StringMatch("regex", "1+"))),
    ],
)
def test_query_parameters_are_compared_in_all_spellings(given: Any, expected: NamedMatch) -> None:
    found = route_match({"prefix": "/", "query_parameters": [{"name": "q", **given}]})

    assert found.query == (expected,)


def _metadata(*path: str, **more: Any) -> dict[str, Any]:
    return {"filter": "f", "path": [{"key": key} for key in path], **more}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"grpc": {}}, "gRPC requests only"),
        (
            {"runtime_fraction": {"default_value": {"numerator": 10}, "runtime_key": "k"}},
            "runtime fraction 10 % (k)",
        ),
        (
            {"runtime_fraction": {"default_value": {"numerator": 5, "denominator": "MILLION"}}},
            "runtime fraction 0.0005 %",
        ),
        ({"tls_context": {"presented": True}}, "client certificate presented"),
        ({"tls_context": {"validated": False}}, "client certificate not validated"),
        ({"dynamic_metadata": [_metadata("payload", "group")]}, "claim group of the JWT"),
        (
            {"dynamic_metadata": [_metadata("request.auth.claims", "a", "b", invert=True)]},
            "not claim a.b of the JWT",
        ),
        ({"dynamic_metadata": [_metadata("x", "y")]}, "metadata f x.y"),
        ({"filter_state": [{"key": "k"}]}, "filter state k"),
        ({"cookies": [{"name": "c"}]}, "cookie c"),
    ],
)
def test_what_no_log_holds_is_said_in_words(given: Any, words: str) -> None:
    assert route_match({"prefix": "/", **given}).conditions == (words,)
    assert route_match({"prefix": "/", **_camel(given)}).conditions == (words,)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"route": {"cluster": "c"}}, Action("cluster", clusters=(("c", 1),))),
        ({"route": {"cluster_header": "X-To"}}, Action("cluster_header", header="x-to")),
        ({"route": {"inline_cluster_specifier_plugin": {}}}, Action("unknown")),
        ({"direct_response": {"status": 404}}, Action("direct_response", status=404)),
        ({"redirect": {}}, Action("redirect", status=301)),
        (
            {"redirect": {"https_redirect": True, "response_code": "PERMANENT_REDIRECT"}},
            Action("redirect", status=308, location="https://"),
        ),
        (
            {"redirect": {"host_redirect": "a", "port_redirect": 81, "path_redirect": "/b"}},
            Action("redirect", status=301, location="a:81/b"),
        ),
        ({"redirect": {"response_code": 1}}, Action("redirect", status=302)),
        ({"non_forwarding_action": {}}, Action("none")),
        ({"filter_action": {}}, Action("unknown")),
    ],
)
def test_actions_say_what_becomes_of_a_request(given: Any, expected: Action) -> None:
    assert route_action(given) == expected
    assert route_action(_camel(given)) == expected


def test_a_fault_is_said_in_words() -> None:
    fault = {
        "abort": {
            "http_status": 503,
            "percentage": {"numerator": 1, "denominator": "TEN_THOUSAND"},
        },
        "delay": {"fixed_delay": "5s", "percentage": {"numerator": 50}},
    }

    for settings in (fault, {"@type": "FilterConfig", "config": fault}):
        given = {
            "route": {"cluster": "c"},
            "typed_per_filter_config": {"envoy.filters.http.fault": settings},
        }
        assert route_action(given).fault == "abort 503 for 0.01 % and delay 5s for 50 %"


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (_CONFIG, ObjectName("VirtualService", "shop", "books", "networking.istio.io")),
        (
            "/apis/networking/v1alpha3/namespaces/a/virtual-service/b",
            ObjectName("VirtualService", "a", "b", "networking.istio.io"),
        ),
        (
            "/apis/networking.istio.io/v1alpha3/namespaces/a/virtual-service/"
            "r~1~istio-autogenerated-k8s-gateway",
            ObjectName("HTTPRoute", "a", "r", "gateway.networking.k8s.io"),
        ),
        (
            "/apis/networking.istio.io/v1alpha3/namespaces/a/virtual-service/"
            "r-0-istio-autogenerated-k8s-gateway",
            ObjectName("HTTPRoute", "a", "r", "gateway.networking.k8s.io"),
        ),
        (
            "/apis/networking.istio.io/v1alpha3/namespaces/a/virtual-service/"
            "r~tls~0~istio-autogenerated-k8s-gateway",
            ObjectName("TLSRoute", "a", "r", "gateway.networking.k8s.io"),
        ),
        (
            "/apis/gateway.networking.k8s.io/v1/namespaces/a/http-route/r",
            ObjectName("HTTPRoute", "a", "r", "gateway.networking.k8s.io"),
        ),
        ("something else", None),
        ("", None),
    ],
)
def test_the_object_of_a_route_is_the_one_that_somebody_wrote(
    config: str, expected: ObjectName | None
) -> None:
    assert object_of_config(config) == expected


def _origin(path: Path, *objects: dict[str, Any]) -> str:
    config = _CONFIG.replace("books", "r~0~istio-autogenerated-k8s-gateway")
    route = {**_ROUTE, "metadata": {"filter_metadata": {"istio": {"config": config}}}}
    host = {"name": "v", "domains": ["*"], "routes": [route]}
    path.write_text(json.dumps([{"name": "http.80", "virtual_hosts": [host]}, *objects]))
    (table,) = read_configuration([str(path)]).tables
    return str(table.virtual_hosts[0].routes[0].origin)


def test_a_route_is_of_the_kind_that_is_among_the_objects(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    grpc, http = (
        {
            "kind": kind,
            "apiVersion": "gateway.networking.k8s.io/v1",
            "metadata": {"name": "r", "namespace": "shop"},
            "spec": {"parentRefs": [{"name": "gw"}]},
        }
        for kind in ("GRPCRoute", "HTTPRoute")
    )

    assert _origin(path) == "HTTPRoute shop/r"
    assert _origin(path, grpc) == "GRPCRoute shop/r"
    assert _origin(path, grpc, http) == "HTTPRoute shop/r"
