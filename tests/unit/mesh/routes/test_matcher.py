from __future__ import annotations

import time
from dataclasses import replace
from random import Random
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.routing_worlds import Asked, random_request, random_table

from envoylogs.mesh.requests import Request
from envoylogs.mesh.routes.matcher import Routing, TableMatcher
from envoylogs.mesh.tables import (
    Action,
    NamedMatch,
    Route,
    RouteMatch,
    RouteTable,
    StringMatch,
    VirtualHost,
)

_TO = Action("cluster", (("outbound|80||shop", 1),))


def _route(
    name: str,
    path: str = "/",
    *,
    version: str | None = None,
    method: str | None = None,
    condition: str | None = None,
) -> Route:
    headers = []
    if version:
        headers.append(NamedMatch("x-version", StringMatch("exact", version)))
    if method:
        headers.append(NamedMatch(":method", StringMatch("exact", method)))
    conditions = (condition,) if condition else ()
    return Route(
        name, RouteMatch("prefix", path, headers=tuple(headers), conditions=conditions), _TO
    )


def _routing(request: Request, *routes: Route) -> Routing:
    host = VirtualHost("shop", ("shop.com",), routes)
    return TableMatcher(RouteTable("http.8080", (host,))).route(request)


def _names(found: Routing) -> list[str]:
    return [each.route.name for each in found.candidates]


def test_the_first_route_that_fits_takes_the_request() -> None:
    found = _routing(
        Request("shop.com", "/books/1"), _route("a", "/a"), _route("b", "/books"), _route("c")
    )

    assert found.verdict == "routed"
    assert found.route is not None
    assert found.route.name == "b"
    assert found.candidates[0].position == 1
    assert found.why == ()


def test_no_wider_virtual_host_is_asked_where_no_route_fits() -> None:
    narrow = VirtualHost("narrow", ("shop.com",), (_route("a", "/a"),))
    wide = VirtualHost("wide", ("*",), (_route("all"),))

    found = TableMatcher(RouteTable("", (narrow, wide))).route(Request("shop.com", "/b"))

    assert found.verdict == "unrouted"
    assert found.virtual_host == narrow
    assert found.route is None


def test_a_wider_virtual_host_that_would_route_it_is_found() -> None:
    exact = VirtualHost("exact", ("x.shop.com",), (_route("a", "/a"),))
    near = VirtualHost("near", ("*.shop.com",), (_route("canary", version="v2"),))
    far = VirtualHost("far", ("*.com",), (_route("all"),))
    matcher = TableMatcher(RouteTable("", (exact, near, far)))

    found = matcher.wider(Request("x.shop.com", "/b"))

    # The nearer one has no route that takes it for certain.
    assert found is not None
    assert (found.virtual_host, _names(found)) == (far, ["all"])
    assert matcher.wider(Request("shop.com", "/b")) is None


def test_a_host_that_nobody_takes_is_unrouted() -> None:
    found = _routing(Request("other.com"), _route("all"))

    assert (found.verdict, found.virtual_host) == ("unrouted", None)


def test_what_the_log_does_not_hold_makes_a_route_one_that_may_take_it() -> None:
    found = _routing(
        Request("shop.com", "/"),
        _route("canary", version="v2"),
        _route("share", condition="runtime fraction 10 %"),
        _route("stable"),
        _route("never"),
    )

    assert found.verdict == "may"
    assert _names(found) == ["canary", "share", "stable"]
    assert found.why == ("header x-version", "runtime fraction 10 %")
    assert [each.conditions for each in found.candidates] == [
        ("header x-version",),
        ("runtime fraction 10 %",),
        (),
    ]


def test_a_certain_mismatch_beats_what_is_not_known() -> None:
    found = _routing(
        Request("shop.com", "/", "GET"),
        _route("post", version="v2", method="POST"),
        _route("elsewhere", "/else", version="v2"),
        _route("stable"),
    )

    assert found.verdict == "routed"
    assert _names(found) == ["stable"]


def test_a_certain_mismatch_counts_wherever_it_stands() -> None:
    method = NamedMatch(":method", StringMatch("exact", "POST"))
    version = NamedMatch("x-version", StringMatch("exact", "v2"))
    page = NamedMatch("page", StringMatch("exact", "1"))
    matches = (
        RouteMatch(headers=(method, version)),
        RouteMatch(headers=(version, method)),
        RouteMatch(headers=(version,), query=(page,), conditions=("gRPC requests only",)),
        RouteMatch(headers=(method,), conditions=("gRPC requests only",)),
    )

    for match in matches:
        assert _routing(Request("shop.com"), Route("", match, _TO)).candidates == ()


def test_a_hostile_table_and_request_take_no_time() -> None:
    path = "/" + "a" * 1_000_000
    hostile = ("/(a+)+b", "/(a|a)*b", "/(.*)*(.*)*b", "/(?=a)b", "/([a-z]{1,500}){1,2}b")
    routes = [Route("", RouteMatch("regex", each), _TO) for each in hostile]
    routes += [Route("", RouteMatch("uri_template", "/{a}/{b=**}"), _TO)]
    routes += [
        Route("", RouteMatch("path_separated_prefix", "/A", ignore_case=True), _TO),
        Route("", RouteMatch("prefix", "/b"), _TO),
    ]
    started = time.perf_counter()

    found = _routing(Request("shop.com", f"{path}?{'&' * 100_000}"), *routes)

    assert time.perf_counter() - started < 5
    assert found.verdict == "may"
    assert "whether pattern /(?=a)b fits" in found.why


def test_a_certain_route_hides_what_comes_after_it() -> None:
    found = _routing(Request("shop.com"), _route("stable"), _route("canary", version="v2"))

    assert (found.verdict, _names(found)) == ("routed", ["stable"])


def test_nothing_certain_may_leave_it_unrouted() -> None:
    found = _routing(Request("shop.com"), _route("canary", version="v2"))

    assert (found.verdict, _names(found)) == ("may", ["canary"])


def test_a_logged_header_decides() -> None:
    routes = (_route("canary", version="v2"), _route("stable"))

    on_v2 = _routing(Request("shop.com", headers={"x-version": "v2"}), *routes)
    without = _routing(Request("shop.com", absent=frozenset({"x-version"})), *routes)

    assert (on_v2.verdict, _names(on_v2)) == ("routed", ["canary"])
    assert (without.verdict, _names(without)) == ("routed", ["stable"])


def test_a_host_that_was_not_logged_is_named() -> None:
    found = _routing(Request(None), _route("all"))

    assert (found.verdict, found.why) == ("may", ("authority",))


def test_another_header_may_stand_for_the_host() -> None:
    host = VirtualHost("shop", ("shop.com",), (_route("all"),))
    matcher = TableMatcher(RouteTable("", (host,), vhost_header="X-Host"))

    unknown = matcher.route(Request("shop.com"))
    known = matcher.route(Request("other.com", headers={"x-host": "shop.com"}))
    missing = matcher.route(Request("shop.com", absent=frozenset({"x-host"})))

    assert (unknown.verdict, unknown.why) == ("may", ("header x-host",))
    assert known.verdict == "routed"
    assert missing.verdict == "unrouted"


def test_a_tree_in_place_of_routes_leaves_it_open() -> None:
    host = VirtualHost("shop", ("*",), has_matcher=True)

    found = TableMatcher(RouteTable("", (host,))).route(Request("shop.com"))

    assert (found.verdict, found.why) == ("may", ("matcher tree of virtual host shop",))


_Tls = Literal["none", "external_only", "all"]


def _redirected(require_tls: _Tls, headers: dict[str, str]) -> bool | None:
    host = VirtualHost("shop", ("*",), (_route("all"),), require_tls=require_tls)
    request = Request("shop.com", headers=headers)
    return TableMatcher(RouteTable("", (host,))).route(request).redirect_to_https


@pytest.mark.parametrize(
    ("require_tls", "headers", "redirected"),
    [
        ("none", {}, False),
        ("all", {}, None),
        ("all", {"x-forwarded-proto": "http"}, True),
        ("all", {"x-forwarded-proto": "https"}, False),
        ("all", {"x-forwarded-proto": "ws"}, True),
        ("external_only", {"x-forwarded-proto": "https"}, False),
        ("external_only", {"x-forwarded-proto": "http"}, None),
        ("external_only", {"x-forwarded-proto": "http", "x-envoy-internal": "true"}, False),
        ("external_only", {"x-forwarded-proto": "http", "x-envoy-internal": "no"}, True),
    ],
)
def test_the_redirect_to_https_is_decided_by_the_forwarded_scheme(
    require_tls: _Tls, headers: dict[str, str], *, redirected: bool | None
) -> None:
    assert _redirected(require_tls, headers) is redirected


def test_a_redirect_comes_before_any_route() -> None:
    host = VirtualHost("shop", ("*",), (_route("all"),), require_tls="all")
    matcher = TableMatcher(RouteTable("", (host,)))

    plain = matcher.route(Request("shop.com", headers={"x-forwarded-proto": "http"}))
    open_ = matcher.route(Request("shop.com", tls=True))

    assert (plain.verdict, plain.candidates) == ("routed", ())
    assert (open_.verdict, _names(open_)) == ("may", ["all"])
    assert open_.why == ("header x-forwarded-proto",)


def test_https_to_a_host_with_no_route_is_unrouted_in_spite_of_the_redirect() -> None:
    host = VirtualHost("shop", ("*",), (), require_tls="all")
    request = Request("shop.com", headers={"x-forwarded-proto": "https"})

    assert TableMatcher(RouteTable("", (host,))).route(request).verdict == "unrouted"


def test_options_of_everything_is_refused_before_any_route() -> None:
    assert _routing(Request("shop.com", "*", "OPTIONS"), _route("all", "")).verdict == "unrouted"


def _request(asked: Asked) -> Request:
    headers = {name: each for name, each in asked.headers.items() if name == "user-agent"}
    return Request(asked.host, asked.target, asked.method, headers=headers)


@pytest.mark.property
@given(seed=st.integers(0, 1 << 32))
def test_the_order_of_virtual_hosts_is_nothing(seed: int) -> None:
    random = Random(seed)
    table, request = random_table(random, "t"), _request(random_request(random))
    hosts = random.sample(table.virtual_hosts, k=len(table.virtual_hosts))
    other = RouteTable(
        table.name,
        tuple(hosts),
        table.ignore_port,
        table.vhost_header,
        table.ignore_path_parameters,
    )

    assert TableMatcher(table).route(request) == TableMatcher(other).route(request)


@pytest.mark.property
@given(seed=st.integers(0, 1 << 32))
def test_a_route_after_the_one_that_takes_it_changes_nothing(seed: int) -> None:
    random = Random(seed)
    table, request = random_table(random, "t"), _request(random_request(random))
    more = Route("more", RouteMatch("prefix", ""), _TO)
    hosts = tuple(
        VirtualHost(each.name, each.domains, (*each.routes, more), each.require_tls)
        for each in table.virtual_hosts
    )
    longer = RouteTable(
        table.name, hosts, table.ignore_port, table.vhost_header, table.ignore_path_parameters
    )

    before, after = TableMatcher(table).route(request), TableMatcher(longer).route(request)

    if before.verdict == "routed":
        assert after.candidates == before.candidates
        assert after.verdict == "routed"
    assert after.candidates[: len(before.candidates)] == before.candidates


@pytest.mark.property
@given(seed=st.integers(0, 1 << 32))
def test_more_of_a_request_never_contradicts_what_was_certain(seed: int) -> None:
    random = Random(seed)
    table, asked = random_table(random, "t"), random_request(random)
    less = TableMatcher(table).route(_request(asked))
    all_held = Request(asked.host, asked.target, asked.method, headers=asked.headers)
    more = TableMatcher(table).route(all_held)

    if less.verdict != "may":
        # Which virtual host it is may be known only now, where no route is asked at all.
        assert replace(more, virtual_host=less.virtual_host) == less
        assert less.virtual_host in {None, more.virtual_host}
    elif less.virtual_host is not None:
        assert {each.position for each in more.candidates} <= {
            each.position for each in less.candidates
        }
