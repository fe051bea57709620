from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.handmade import (
    CLUSTER,
    batch_of,
    connection,
    refused,
    refused_connection,
    reset,
    served,
    unrouted,
    us,
)

from envoylogs.envoy.paths import MAX_TEXT, path_group
from envoylogs.tally.paths import PathCounts
from envoylogs.tally.spec import DEFAULT_SPEC

_UUID = "5b1c7d7e-1f0a-4A55-9a35-0f8f3f6c1a01"


def _group(path: str | None, segments: int = 4) -> str | None:
    found = pl.DataFrame({"path": [path]}, schema={"path": pl.String()}).select(
        path_group(pl.col("path"), segments)
    )
    group = found["path_group"].item()
    assert group is None or isinstance(group, str)
    return group


@pytest.mark.parametrize(
    ("path", "group"),
    [
        ("/", "/"),
        ("/orders", "/orders"),
        ("/orders/", "/orders/"),
        ("*", "*"),
        ("orders", "orders"),
        # ids
        ("/orders/7", "/orders/{id}"),
        ("/orders/7/", "/orders/{id}/"),
        ("/7", "/{id}"),
        ("/orders/7/items/12", "/orders/{id}/items/{id}"),
        ("/orders/7/8/9", "/orders/{id}/{id}/{id}"),
        ("/v2/orders", "/v2/orders"),
        ("/orders/7a", "/orders/7a"),
        ("/orders/-7", "/orders/-7"),
        ("/orders/7.5", "/orders/7.5"),
        # UUIDs and hashes
        (f"/users/{_UUID}", "/users/{uuid}"),
        (f"/users/{_UUID}/{_UUID}/3", "/users/{uuid}/{uuid}/{id}"),
        (f"/users/{_UUID}x", f"/users/{_UUID}x"),
        ("/blobs/0123456789abcdef", "/blobs/{hash}"),
        ("/blobs/0123456789ABCDEF0123456789abcdef/part", "/blobs/{hash}/part"),
        ("/blobs/0123456789abcde", "/blobs/0123456789abcde"),
        ("/blobs/0123456789012345", "/blobs/{id}"),
        ("/blobs/0123456789abcdeg", "/blobs/0123456789abcdeg"),
        # query and fragment
        ("/orders?id=7", "/orders"),
        ("/orders/7?x=/8/9", "/orders/{id}"),
        ("/orders#top", "/orders"),
        ("/orders#a?b", "/orders"),
        ("/orders?a#b", "/orders"),
        ("?a=b", "/"),
        ("#top", "/"),
        ("/?a=b", "/"),
        # deep paths
        ("/a/b/c/d", "/a/b/c/d"),
        ("/a/b/c/d/e", "/a/b/c/d/*"),
        ("/a/b/c/d/e/f/g/h", "/a/b/c/d/*"),
        ("/a/1/c/2/e", "/a/{id}/c/{id}/*"),
        # double slashes are segments of their own
        ("//", "//"),
        ("//a//b", "//a//b"),
        ("/1//2", "/{id}//{id}"),
        ("//libs/js/iframe.js", "//libs/js/iframe.js"),
    ],
)
def test_path_group(path: str, group: str) -> None:
    assert _group(path) == group


def test_no_path_has_no_group() -> None:
    assert _group(None) is None


@pytest.mark.parametrize(
    ("segments", "group"), [(1, "/a/*"), (2, "/a/{id}/*"), (3, "/a/{id}/c"), (9, "/a/{id}/c")]
)
def test_as_many_segments_as_asked_for_tell_groups_apart(segments: int, group: str) -> None:
    assert _group("/a/5/c", segments) == group


def test_a_long_path_is_cut() -> None:
    assert _group("/" + "z" * 9000) == "/" + "z" * (MAX_TEXT - 1)


def test_a_query_goes_even_if_it_holds_a_line_break() -> None:
    assert _group("/orders?a\nb") == "/orders"


def test_a_deep_path_ends_even_if_it_holds_a_line_break() -> None:
    assert _group("/a/b/c/d/e\nf/g") == "/a/b/c/d/*"


_SEGMENT = st.one_of(
    st.just(""),
    st.integers(0, 10**20).map(str),
    st.uuids().map(str),
    st.text(alphabet="abcdef0123456789", min_size=16, max_size=40),
    st.text(alphabet="xyz-._~{}*%é", min_size=1, max_size=9),
)


@pytest.mark.property
@given(parts=st.lists(_SEGMENT, min_size=1, max_size=8), query=st.sampled_from(["", "?a=/1", "#x"]))
def test_a_path_group_is_what_its_segments_say(parts: list[str], query: str) -> None:
    def marked(part: str) -> str:
        if part.isdigit():
            return "{id}"
        if len(part) == 36 and [len(run) for run in part.split("-")] == [8, 4, 4, 4, 12]:
            return "{uuid}"
        if len(part) >= 16 and set(part) <= set("abcdef0123456789"):
            return "{hash}"
        return part

    expected = [marked(part) for part in parts]
    if len(expected) > 4:
        expected = [*expected[:4], "*"]

    assert _group("/" + "/".join(parts) + query) == "/" + "/".join(expected)


def _denied(seconds: float, **changes: Any) -> dict[str, Any]:
    denied = dict.fromkeys(
        ("upstream_cluster", "upstream_host", "upstream_service_time", "route_name")
    ) | {
        "response_code": 403,
        "response_code_details": "rbac_access_denied_matched_policy[none]",
    }
    return served(seconds, **denied | changes)


def _rows(*records: dict[str, Any]) -> list[dict[str, Any]]:
    frame = PathCounts.of(batch_of(records), DEFAULT_SPEC).frame
    return frame.sort("authority", "path_group", nulls_last=True).to_dicts()


def test_routed_and_unrouted_requests_of_a_path_are_counted_with_their_times() -> None:
    (row,) = _rows(
        served(5, path="/orders/1"),
        unrouted(9, path="/orders/2?x=1"),
        served(2, path="/orders/3"),
        unrouted(4, path="/orders/4", response_code=200),
        reset(3, path="/orders/5"),
    )

    assert row == {
        "authority": "shop.example.com",
        "method": "GET",
        "path_group": "/orders/{id}",
        "refusal": None,
        "routed": 3,
        "unrouted": 2,
        "unrouted_404": 1,
        "failed": 1,
        "served": 2,
        "refused": 0,
        "first_routed": us(2),
        "first_unrouted": us(4),
        "first_served": us(2),
        "first_refused": None,
        "last_routed": us(5),
        "last_unrouted": us(9),
        "last_served": us(5),
        "last_refused": None,
    }


def test_refused_requests_of_a_path_are_counted_by_the_way_to_fail() -> None:
    rows = _rows(
        _denied(3), _denied(1), _denied(2, upstream_cluster=CLUSTER), served(0),
        _denied(4, response_code_details="jwt_authn_access_denied{Jwt_is_expired}"),
        served(5, response_code=404),
    )  # fmt: skip

    by_refusal = {row["refusal"]: row for row in rows}
    assert {refusal: row["refused"] for refusal, row in by_refusal.items()} == {
        None: 0, "policy_denied": 3, "token_expired": 1,
    }  # fmt: skip
    denied = by_refusal["policy_denied"]
    assert (denied["first_refused"], denied["last_refused"]) == (us(1), us(3))
    assert (denied["routed"], denied["served"]) == (0, 0)
    # The one with a cluster was routed, and that of the application's 404 too.
    assert (by_refusal[None]["routed"], by_refusal[None]["served"]) == (3, 1)


def test_a_path_never_routed_has_no_routed_time() -> None:
    (row,) = _rows(unrouted(1))

    assert (row["routed"], row["first_routed"], row["last_routed"]) == (0, None, None)


def test_requests_that_say_nothing_of_the_route_and_connections_are_left_out() -> None:
    left = _denied(0, response_code=0, response_flags="DC", response_code_details=None)

    assert _rows(left, connection(), refused_connection(), served(upstream_cluster="agent")) == []


def test_a_missing_host_or_path_is_a_key_too() -> None:
    rows = _rows(
        unrouted(0, authority=None), unrouted(1, path=None), refused(2, authority=None, path=None)
    )

    assert [(row["authority"], row["path_group"], row["unrouted"]) for row in rows] == [
        ("shop.example.com", None, 1),
        (None, "/", 1),
        (None, None, 0),
    ]
