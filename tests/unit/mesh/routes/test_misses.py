from __future__ import annotations

import time

import pytest

from envoylogs.mesh.requests import Request
from envoylogs.mesh.routes.misses import Miss, nearest, takes_path, why_not
from envoylogs.mesh.tables import (
    Action,
    NamedMatch,
    PathKind,
    Route,
    RouteMatch,
    StringMatch,
    VirtualHost,
)

_TO = Action("cluster", (("outbound|80||shop", 1),))


def _route(kind: PathKind, path: str, *headers: NamedMatch, ignore_case: bool = False) -> Route:
    return Route(path, RouteMatch(kind, path, ignore_case, headers), _TO)


def _method(value: str) -> NamedMatch:
    return NamedMatch(":method", StringMatch("exact", value))


@pytest.mark.parametrize(
    ("kind", "wanted", "path", "says"),
    [
        (
            "exact", "/books", "/books/",
            "the exact path /books does not cover /books/, which has a slash at its end",
        ),
        (
            "exact", "/books/", "/books?page=1",
            "the exact path /books/ does not cover /books, which has no slash at its end",
        ),
        (
            "exact", "/books", "/books/1",
            "the exact path /books covers nothing longer, as /books/1 is",
        ),
        ("exact", "/books", "/films", "/films is not /books"),
        (
            "exact", "/Books", "/books",
            "upper and lower case are told apart: /books is not /Books",
        ),
        (
            "exact", "/books?page=1", "/books?page=1",
            "only the path is compared, without its query, so nothing is ever /books?page=1",
        ),
        (
            "prefix", "/books/", "/books",
            "the prefix /books/ does not cover /books, which has no slash at its end",
        ),
        (
            "prefix", "/Books", "/books/1",
            "upper and lower case are told apart: /books/1 is not /Books",
        ),
        ("prefix", "/books", "/films", "/films is not under /books"),
        (
            "path_separated_prefix", "/book", "/books",
            "the prefix /book ends with its last segment, which /books continues",
        ),
        (
            "regex", "/books/[0-9]+", "/books/1/a",
            "the pattern /books/[0-9]+ must cover all of /books/1/a, and does not",
        ),
        ("regex", "/books/[0-9]+", "/films", "the pattern /books/[0-9]+ does not fit /films"),
        ("uri_template", "/books/*", "/books", "the template /books/* does not fit /books"),
        ("prefix", "/", "*", "no route takes *, which begins with no slash"),
    ],
)  # fmt: skip
def test_why_a_path_is_not_taken_is_said(kind: PathKind, wanted: str, path: str, says: str) -> None:
    assert why_not(Request("a.com", path), _route(kind, wanted)) == (Miss("path", says),)


def test_the_path_comes_first_and_what_is_not_known_last() -> None:
    route = Route(
        "",
        RouteMatch(
            "exact",
            "/books",
            headers=(
                NamedMatch("x-version", StringMatch("exact", "v2")),
                _method("POST"),
                NamedMatch("user-agent", StringMatch("prefix", "curl"), invert=True),
                NamedMatch(":authority", StringMatch("exact", "b.com")),
            ),
            query=(NamedMatch("page", StringMatch("range", "1,9")),),
            conditions=("gRPC requests only",),
        ),
        _TO,
    )
    request = Request("a.com", "/", "GET", headers={"user-agent": "curl/8"})

    assert why_not(request, route) == (
        Miss("path", "/ is not /books"),
        Miss("method", "the method must be POST"),
        Miss("header", "the header user-agent must not begin with curl"),
        Miss("authority", "the host must be b.com"),
        Miss("query", "the query parameter page must be 1 or more and less than 9"),
        Miss("condition", "the log does not hold what it asks for: header x-version"),
        Miss("condition", "the log does not hold what it asks for: gRPC requests only"),
    )


def test_a_route_that_takes_it_misses_nothing() -> None:
    assert why_not(Request("a.com", "/books"), _route("prefix", "/")) == ()


def test_a_header_that_must_be_there_is_said() -> None:
    request = Request("a.com", absent=frozenset({"x-user"}))
    condition = NamedMatch("x-user", StringMatch("present"))

    assert why_not(request, _route("prefix", "/", condition)) == (
        Miss("header", "the header x-user must be there"),
    )


def test_only_connect_is_taken_by_a_route_for_it() -> None:
    request = Request("a.com", absent=frozenset({"upgrade"}))

    assert why_not(request, _route("connect", "")) == (Miss("method", "only CONNECT is taken"),)


def test_path_parameters_are_compared_as_the_table_says() -> None:
    request = Request("a.com", "/books;v=1")

    assert why_not(request, _route("exact", "/books"), ignore_path_parameters=True) == ()
    assert why_not(request, _route("exact", "/books")) != ()


def _nearest(request: Request, *routes: Route) -> str | None:
    found = nearest(request, VirtualHost("shop", ("*",), routes))
    return found.name if found else None


def test_a_route_of_another_method_is_nearer_than_one_of_another_path() -> None:
    routes = (_route("exact", "/books/"), _route("exact", "/books", _method("POST")))

    assert _nearest(Request("a.com", "/books"), *routes) == "/books"


def test_a_slash_or_the_case_is_nearer_than_another_path() -> None:
    routes = (_route("exact", "/books/1"), _route("exact", "/Books"), _route("exact", "/films"))

    assert _nearest(Request("a.com", "/books"), *routes) == "/Books"
    assert _nearest(Request("a.com", "/films/"), *routes) == "/films"
    assert _nearest(Request("a.com", "/FILMS/"), *routes) == "/films"


def test_a_path_above_or_below_is_nearer_than_one_beside() -> None:
    routes = (_route("exact", "/shop/films"), _route("exact", "/shop"))

    assert _nearest(Request("a.com", "/shop/books"), *routes) == "/shop"


def test_a_path_beside_is_the_last_that_is_near() -> None:
    assert _nearest(Request("a.com", "/a/b"), _route("exact", "/a/c")) == "/a/c"
    assert _nearest(Request("a.com", "/a/b"), _route("exact", "/c/b")) is None
    assert _nearest(Request("a.com", "/a/b")) is None


def test_of_equally_near_ones_the_first_is_named() -> None:
    routes = (_route("exact", "/a/x"), _route("exact", "/a/y"))

    assert _nearest(Request("a.com", "/a/z"), *routes) == "/a/x"


def test_a_pattern_is_near_where_the_case_or_a_slash_makes_it_fit() -> None:
    assert _nearest(Request("a.com", "/Books/1"), _route("regex", "/books/[0-9]+")) is not None
    assert _nearest(Request("a.com", "/books/1/"), _route("regex", "/books/[0-9]+")) is not None
    assert _nearest(Request("a.com", "/books/a"), _route("regex", "/books/[0-9]+")) is None


def test_a_route_that_takes_the_path_is_found_whatever_else_it_asks_for() -> None:
    post, rest = _route("prefix", "/books", _method("POST")), _route("prefix", "/")
    host = VirtualHost("shop", ("*",), (_route("exact", "/films"), post, rest))

    assert takes_path(Request("a.com", "/books/1", "GET"), host) == post
    assert takes_path(Request("a.com", "/", "GET"), host) == rest
    assert takes_path(Request("a.com", "*", "OPTIONS"), host) is None


def test_thousands_of_routes_are_looked_at_once() -> None:
    routes = [_route("exact", f"/shop/{number}/list") for number in range(5_000)]
    routes += [_route("regex", f"/shop/{number}/[a-z]+") for number in range(1_000)]
    started = time.perf_counter()

    assert _nearest(Request("a.com", "/shop/4999/list/"), *routes) == "/shop/4999/list"
    assert time.perf_counter() - started < 5
