from __future__ import annotations

import math
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.handmade import (
    HOST,
    Record,
    connection,
    failed,
    fewer_examples,
    refused,
    served,
    summary_of,
    unrouted,
    us,
)

from envoylogs.summary.splits import wilson_interval


def _wilson(count: int, total: int) -> tuple[float, float]:
    low, high = wilson_interval(pl.col("count"), pl.col("total"))
    frame = pl.DataFrame({"count": [count], "total": [total]})
    return frame.select(low.alias("low"), high.alias("high")).row(0)


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [
        # By hand: (p + z2/2n -+ z sqrt(p(1-p)/n + z2/4n2)) / (1 + z2/n) with z = 1.959964.
        (1, 2, 0.094531, 0.905469),
        (5, 10, 0.236593, 0.763407),
        (1, 10, 0.017876, 0.404150),
        (10, 100, 0.055229, 0.174366),
        (90, 100, 0.825634, 0.944771),
        (9, 10, 0.595850, 0.982124),
        # With no success, and with nothing else: z2 / (n + z2) is what remains.
        (0, 10, 0.0, 0.277533),
        (10, 10, 0.722467, 1.0),
        (0, 1, 0.0, 0.793450),
        (1, 1, 0.206550, 1.0),
        (500_000, 1_000_000, 0.499020, 0.500980),
    ],
)
def test_known_intervals(count: int, total: int, low: float, high: float) -> None:
    assert _wilson(count, total) == pytest.approx((low, high), abs=1e-6)


@st.composite
def _trials(draw: st.DrawFn) -> tuple[int, int]:
    total = draw(st.integers(1, 10**9))
    return draw(st.integers(0, total)), total


@pytest.mark.property
@given(trials=_trials())
def test_an_interval_holds_its_share_and_stays_between_zero_and_one(
    trials: tuple[int, int],
) -> None:
    count, total = trials
    low, high = _wilson(count, total)

    assert 0.0 <= low <= count / total <= high <= 1.0
    assert (low == 0.0) == (count == 0)
    assert (high == 1.0) == (count == total)


@pytest.mark.property
@given(trials=_trials())
def test_an_interval_and_that_of_the_rest_mirror_each_other(trials: tuple[int, int]) -> None:
    count, total = trials
    low, high = _wilson(count, total)

    assert _wilson(total - count, total) == pytest.approx((1 - high, 1 - low))


@pytest.mark.property
@given(trials=_trials())
def test_more_trials_of_the_same_share_narrow_an_interval(trials: tuple[int, int]) -> None:
    count, total = trials
    low, high = _wilson(count, total)
    narrow_low, narrow_high = _wilson(count * 4, total * 4)

    assert narrow_high - narrow_low < high - low


def _cluster(subset: str = "", service: str = "shop.shop", port: int = 80) -> str:
    return f"outbound|{port}|{subset}|{service}.svc.cluster.local"


def _splits(*records: Record) -> list[dict[str, Any]]:
    return summary_of(records).table("splits").to_dicts()


_V1, _V2 = _cluster("v1"), _cluster("v2")


def test_parts_are_the_clusters_of_a_route_the_largest_first() -> None:
    (split,) = _splits(
        *(served(n, upstream_cluster=_V2, duration=40 + n) for n in range(3)),
        *(served(n, upstream_cluster=_V1) for n in range(9)),
    )

    assert (split["route_name"], split["authority"], split["requests"]) == ("pages", HOST, 12)
    first, second = split["parts"]
    assert (first["upstream_cluster"], first["service"], first["subset"]) == (
        _V1,
        "shop.shop.svc.cluster.local",
        "v1",
    )
    assert (first["requests"], first["share"]) == (9, 0.75)
    assert (second["requests"], second["share"]) == (3, 0.25)
    assert (second["share_low"], second["share_high"]) == pytest.approx(_wilson(3, 12))
    assert (second["latency_ms"]["count"], second["latency_ms"]["p50"]) == (3, 41)
    assert second["upstream_time_ms"]["max"] == 11


def test_failures_of_a_part_count_in_its_share() -> None:
    (split,) = _splits(
        served(0, upstream_cluster=_V1),
        refused(1, upstream_cluster=_V2, upstream_host=None),
        refused(2, upstream_cluster=_V2),
        served(3, upstream_cluster=_V2),
    )

    v2, v1 = split["parts"]
    assert (v2["share"], v2["errors"], v2["error_share"]) == (0.75, 2, 2 / 3)
    assert v2["latency_ms"]["count"] == 1
    assert (v1["share"], v1["errors"], v1["error_share"]) == (0.25, 0, 0.0)


def test_a_part_that_never_answered_has_an_empty_latency() -> None:
    (split,) = _splits(refused(0))

    (part,) = split["parts"]
    assert part["latency_ms"] == part["upstream_time_ms"]
    assert (part["latency_ms"]["count"], part["latency_ms"]["p50"]) == (0, None)


def test_requests_never_sent_are_no_part_of_a_split() -> None:
    denied = {"response_code": 403, "response_code_details": "ext_authz_denied",
              "response_flags": "UAEX", "upstream_host": None,
              "upstream_service_time": None}  # fmt: skip

    (split,) = _splits(
        served(0),
        served(1, **denied),
        served(2, **denied),
        served(3, **denied, upstream_cluster=None),
        unrouted(4, route_name="pages"),
    )

    assert (split["requests"], split["not_sent"], split["unattributed"]) == (1, 2, 2)
    assert [part["share"] for part in split["parts"]] == [1.0]


def test_a_route_for_which_no_cluster_was_chosen_has_no_split() -> None:
    assert _splits(unrouted(0), connection(1), served(2, upstream_cluster="agent")) == []


def test_a_named_route_is_attributed_by_its_name() -> None:
    (split,) = _splits(
        served(0, upstream_cluster=_cluster(service="a.x")),
        served(1, upstream_cluster=_cluster(service="b.x")),
    )

    assert (split["named"], split["attribution"]) == (True, "route")


@pytest.mark.parametrize("name", [None, "default"])
def test_an_unnamed_route_with_one_service_is_attributed_by_its_host(name: str | None) -> None:
    (split,) = _splits(
        served(0, route_name=name, upstream_cluster=_V1),
        served(1, route_name=name, upstream_cluster=_V2),
    )

    assert (split["route_name"], split["named"], split["attribution"]) == (name, False, "host")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (_cluster(service="a.x"), _cluster(service="b.x")),
        ("svc_5000", "svc_5001"),
        ("svc_5000", _V1),
    ],
)
def test_an_unnamed_route_with_several_services_is_ambiguous(one: str, other: str) -> None:
    (split,) = _splits(
        served(0, route_name=None, upstream_cluster=one),
        served(1, route_name=None, upstream_cluster=other),
    )

    assert (split["named"], split["attribution"]) == (False, "ambiguous")


def test_an_opaque_cluster_is_a_part_without_a_service() -> None:
    (split,) = _splits(served(0, upstream_cluster="svc_5000"))

    (part,) = split["parts"]
    assert (part["upstream_cluster"], part["service"], part["subset"]) == ("svc_5000", None, None)


@pytest.mark.parametrize("authority", ["shop.example.com-shadow", "shop.example.com-shadow:8080"])
def test_mirrored_requests_are_a_split_of_their_own(authority: str) -> None:
    (mirror,) = _splits(served(0, authority=authority))
    (plain,) = _splits(served(0, authority="shadow.example.com"))

    assert (mirror["authority"], mirror["mirror"]) == ("shop.example.com-shadow", True)
    assert plain["mirror"] is False


def test_ports_of_the_authority_do_not_tell_splits_apart() -> None:
    (split,) = _splits(
        served(0, authority="shop.example.com:8443", upstream_cluster=_V1, duration=5),
        served(1, authority="SHOP.example.com", upstream_cluster=_V1, duration=9),
        served(2, authority="shop.example.com:443", upstream_cluster=_V2),
    )

    assert (split["authority"], split["requests"]) == (HOST, 3)
    assert (split["parts"][0]["latency_ms"]["count"], split["parts"][0]["latency_ms"]["max"]) == (
        2,
        9,
    )


def test_requests_without_an_authority_are_a_split_too() -> None:
    (split,) = _splits(served(0, authority=None), unrouted(1, authority=None, route_name="pages"))

    assert (split["authority"], split["mirror"], split["unattributed"]) == (None, False, 1)


def test_buckets_show_the_split_over_time() -> None:
    (split,) = _splits(
        served(0, upstream_cluster=_V1),
        served(0.5, upstream_cluster=_V2),
        served(1, upstream_cluster=_V1),
        served(None, upstream_cluster=_V1),
        failed(1, 403, "UAEX", "ext_authz_denied", upstream_cluster=_V1),
    )

    assert split["buckets"] == [
        {"start": us(0), "upstream_cluster": _V1, "requests": 1, "share": 0.5},
        {"start": us(0), "upstream_cluster": _V2, "requests": 1, "share": 0.5},
        {"start": us(1), "upstream_cluster": _V1, "requests": 1, "share": 1.0},
    ]


def test_a_log_without_times_has_no_buckets() -> None:
    (split,) = _splits(served(None))

    assert split["buckets"] == []


def test_the_largest_split_comes_first() -> None:
    found = _splits(
        served(0, route_name="b"),
        served(1, route_name="a"),
        *(served(n, route_name="c") for n in range(2)),
        served(4, route_name=None),
    )

    assert [split["route_name"] for split in found] == ["c", "a", "b", None]


@pytest.mark.property
@fewer_examples(8)
@given(
    sent=st.lists(st.tuples(st.sampled_from(["v1", "v2", "v3"]), st.booleans()), min_size=1),
)
def test_shares_of_a_split_add_up(sent: list[tuple[str, bool]]) -> None:
    (split,) = _splits(
        *(
            (refused if fails else served)(0, upstream_cluster=_cluster(subset))
            for subset, fails in sent
        )
    )

    assert math.isclose(sum(part["share"] for part in split["parts"]), 1)
    assert split["requests"] == sum(part["requests"] for part in split["parts"]) == len(sent)
    for part in split["parts"]:
        of_part = [fails for subset, fails in sent if subset == part["subset"]]
        assert (part["requests"], part["errors"]) == (len(of_part), sum(of_part))
