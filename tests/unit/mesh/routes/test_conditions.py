from __future__ import annotations

import pytest

from envoylogs.mesh.requests import Request
from envoylogs.mesh.routes.conditions import header_fits, query_fits
from envoylogs.mesh.tables import NamedMatch, StringKind, StringMatch


def _with_version(value: str | None) -> Request:
    """Return a request of which the log holds ``x-version``; null for one that was not sent."""
    if value is None:
        return Request("a.com", absent=frozenset({"x-version"}))
    return Request("a.com", headers={"x-version": value})


def _version(
    kind: StringKind,
    value: str = "",
    *,
    invert: bool = False,
    ignore_case: bool = False,
    missing_as_empty: bool = False,
) -> NamedMatch:
    return NamedMatch("x-version", StringMatch(kind, value, ignore_case), invert, missing_as_empty)


@pytest.mark.parametrize(
    ("kind", "wanted", "value", "fits"),
    [
        ("exact", "v1", "v1", True),
        ("exact", "v1", "V1", False),
        ("exact", "", "", True),
        ("prefix", "v", "v1", True),
        ("prefix", "v", "1v", False),
        ("suffix", "1", "v1", True),
        ("suffix", "1", "1v", False),
        ("contains", "2", "v2.1", True),
        ("contains", "2", "v1", False),
        ("regex", "v[0-9]", "v1", True),
        ("regex", "v[0-9]", "v10", False),
        ("present", "", "", True),
        ("range", "1,10", "1", True),
        ("range", "1,10", "10", False),
        ("range", "1,10", " +5 ", True),
        ("range", "-5,0", "-5", True),
        ("range", "1,10", "5.0", False),
        ("range", "1,10", "v", False),
        ("range", "1,10", "", False),
        ("range", "0,9223372036854775807", "99999999999999999999", False),
    ],
)
def test_a_header_is_compared_as_the_route_says(
    kind: StringKind, wanted: str, value: str, *, fits: bool
) -> None:
    assert header_fits(_version(kind, wanted), _with_version(value)) is fits
    assert header_fits(_version(kind, wanted, invert=True), _with_version(value)) is not fits


@pytest.mark.parametrize("kind", ["exact", "prefix", "suffix", "contains"])
def test_case_is_nothing_where_it_is_said(kind: StringKind) -> None:
    assert header_fits(_version(kind, "vA", ignore_case=True), _with_version("Va")) is True
    assert header_fits(_version(kind, "vA"), _with_version("Va")) is False


def test_a_pattern_keeps_its_case() -> None:
    assert header_fits(_version("regex", "a", ignore_case=True), _with_version("A")) is False


def test_a_condition_on_the_value_of_a_missing_header_never_holds() -> None:
    missing = _with_version(None)

    assert header_fits(_version("exact", "v1"), missing) is False
    assert header_fits(_version("exact", "v1", invert=True), missing) is False
    assert header_fits(_version("present"), missing) is False
    assert header_fits(_version("present", invert=True), missing) is True


def test_a_missing_header_may_count_as_empty() -> None:
    missing = _with_version(None)

    assert header_fits(_version("exact", "", missing_as_empty=True), missing) is True
    assert header_fits(_version("exact", "v", missing_as_empty=True), missing) is False
    assert header_fits(_version("exact", "v", invert=True, missing_as_empty=True), missing) is True
    # So that it is always there.
    assert header_fits(_version("present", missing_as_empty=True), missing) is True
    assert header_fits(_version("present", invert=True, missing_as_empty=True), missing) is False


def test_a_header_that_the_log_does_not_hold_is_named() -> None:
    assert header_fits(_version("exact", "v1"), Request("a.com")) == "header x-version"
    absent = header_fits(_version("present", invert=True), Request("a.com"))
    assert absent == "whether header x-version is missing"


def test_what_any_value_fulfils_need_not_be_known() -> None:
    unknown = Request("a.com")

    assert header_fits(_version("present", missing_as_empty=True), unknown) is True
    assert header_fits(_version("regex", ".*", missing_as_empty=True), unknown) is True
    assert (
        header_fits(_version("regex", ".*", invert=True, missing_as_empty=True), unknown) is False
    )
    # It must be there at least.
    assert header_fits(_version("regex", ".*"), unknown) == "header x-version"


def test_a_pattern_that_re2_refuses_leaves_it_open() -> None:
    found = header_fits(_version("regex", "(?!a).*"), _with_version("b"))

    assert found == "whether pattern (?!a).* fits"


def test_method_and_host_are_headers_too() -> None:
    request = Request("a.com:80", "/a?x=1", "POST")

    assert header_fits(NamedMatch(":method", StringMatch("exact", "POST")), request) is True
    assert header_fits(NamedMatch(":authority", StringMatch("exact", "a.com:80")), request) is True
    assert header_fits(NamedMatch("host", StringMatch("prefix", "a.com")), request) is True
    assert header_fits(NamedMatch(":path", StringMatch("exact", "/a?x=1")), request) is True
    assert header_fits(NamedMatch(":scheme", StringMatch("exact", "http")), request) == (
        "header :scheme"
    )


def test_a_method_that_was_not_logged_is_named() -> None:
    condition = NamedMatch(":method", StringMatch("exact", "GET"))

    assert header_fits(condition, Request("a.com", "/", None)) == "method"


@pytest.mark.parametrize(
    ("kind", "wanted", "fits"),
    [
        ("present", "", True),
        ("prefix", "/a", True),
        ("prefix", "/a/b?x", "query"),
        ("prefix", "/c", False),
        ("exact", "/a/b?x=1", "query"),
        ("exact", "/c?x=1", False),
        ("contains", "x=1", "query"),
    ],
)
def test_the_path_header_needs_the_query_only_where_that_decides(
    kind: StringKind, wanted: str, *, fits: bool | str
) -> None:
    request = Request("a.com", "/a/b", query_known=False)

    assert header_fits(NamedMatch(":path", StringMatch(kind, wanted)), request) == fits


def test_the_case_of_the_path_header_is_nothing_where_it_is_said() -> None:
    request = Request("a.com", "/A/b", query_known=False)
    below = NamedMatch(":path", StringMatch("prefix", "/a/", ignore_case=True))
    beside = NamedMatch(":path", StringMatch("exact", "/C?x=1", ignore_case=True))

    assert header_fits(below, request) is True
    assert header_fits(beside, request) is False
    assert header_fits(below, Request("a.com", None)) == "path"


def _parameter(kind: StringKind, value: str = "", *, invert: bool = False) -> NamedMatch:
    return NamedMatch("x", StringMatch(kind, value), invert)


@pytest.mark.parametrize(
    ("condition", "path", "fits"),
    [
        (_parameter("exact", "1"), "/a?x=1", True),
        (_parameter("exact", "1"), "/a?y=2&x=1", True),
        (_parameter("exact", "1"), "/a?x=2&x=1", False),
        (_parameter("exact", "1"), "/a?x=%31", False),
        (_parameter("exact", "1"), "/a?X=1", False),
        (_parameter("exact", "1"), "/a", False),
        (_parameter("exact", ""), "/a?x", True),
        (_parameter("exact", "1=2"), "/a?x=1=2", True),
        (_parameter("exact", "1;y"), "/a?x=1;y", True),
        (_parameter("present"), "/a?x", True),
        (_parameter("present"), "/a?y=x", False),
        (_parameter("regex", "[0-9]+"), "/a?x=12", True),
        (_parameter("regex", "[0-9]+"), "/a?x=12a", False),
    ],
)
def test_the_first_parameter_of_a_name_is_compared_as_it_was_sent(
    condition: NamedMatch, path: str, *, fits: bool
) -> None:
    assert query_fits(condition, Request("a.com", path)) is fits


def test_releases_differ_in_what_a_parameter_that_must_not_be_there_is() -> None:
    for path in ("/a", "/a?x=1"):
        found = query_fits(_parameter("present", invert=True), Request("a.com", path))
        assert found == "how this release of Envoy reads present_match: false"


def test_a_query_that_the_log_does_not_hold_is_named() -> None:
    request = Request("a.com", "/a", query_known=False)

    assert query_fits(_parameter("exact", "1"), request) == "query parameter x"


def test_a_connect_has_neither_path_nor_query() -> None:
    connect = Request("a.com:443", None, "CONNECT")

    assert header_fits(NamedMatch(":path", StringMatch("present")), connect) is False
    assert query_fits(_parameter("present"), connect) is False
    assert query_fits(_parameter("exact", "1"), connect) is False
