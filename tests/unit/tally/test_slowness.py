from __future__ import annotations

import itertools
from collections import Counter

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.handmade import CLUSTER, HOST, Record, batch_of, fewer_examples, refused, served, us

from envoylogs.tally.slowness import (
    CLASSES_MS,
    DELAY,
    GATEWAY_TIME,
    SMALL_BYTES,
    UPSTREAM_TIME,
    SlownessCounts,
)
from envoylogs.tally.spec import DEFAULT_SPEC, TallySpec


def _counts(*records: Record, buckets: int = 300) -> list[tuple[object, ...]]:
    """Return the rows of upstream times, without measure and authority."""
    frame = SlownessCounts.of(batch_of(records), TallySpec(timeline_buckets=buckets)).frame
    of_upstream = frame.filter(measure=UPSTREAM_TIME).drop("measure", "authority")
    return of_upstream.sort("upstream_cluster", "start", "from_ms", nulls_last=True).rows()


def _besides(*records: Record) -> list[tuple[object, ...]]:
    """Return measure, authority and class of what is by host, with the number of requests."""
    frame = SlownessCounts.of(batch_of(records), DEFAULT_SPEC).frame
    columns = ("measure", "authority", "from_ms", "requests")
    of_hosts = frame.filter(pl.col("measure") != UPSTREAM_TIME).select(columns)
    return of_hosts.sort(columns, nulls_last=True).rows()


def _taking(taken: str | None, seconds: float = 0, **changes: object) -> Record:
    return served(seconds, upstream_service_time=taken, **changes)


def test_classes_begin_at_nothing_and_are_at_most_twice_as_long_as_the_one_before() -> None:
    assert CLASSES_MS[0] == 0
    assert all(a < b <= 2 * max(a, 10) for a, b in itertools.pairwise(CLASSES_MS))


def test_requests_are_counted_by_bucket_cluster_and_class() -> None:
    found = _counts(
        _taking("19", 0), _taking("0", 0.5), _taking("20", 0.7, response_code=500),
        _taking("700000", 1), _taking("7", 0, upstream_cluster="b"),
    )  # fmt: skip

    assert found == [
        (1, us(0), "b", 0, 1, 0, us(0), us(0)),
        (1, us(0), CLUSTER, 0, 2, 0, us(0), us(0.5)),
        (1, us(0), CLUSTER, 20, 1, 1, us(0.7), us(0.7)),
        (1, us(1), CLUSTER, 60_000, 1, 0, us(1), us(1)),
    ]


def test_the_duration_stands_in_for_a_missing_upstream_time() -> None:
    ((*_, from_ms, _, _, _, _),) = _counts(_taking(None, duration=450))

    assert from_ms == 300


def test_what_no_upstream_answered_in_a_known_time_is_not_counted() -> None:
    found = _counts(
        refused(0, duration=900), _taking("900", response_code=101), _taking(None, duration=None),
        _taking("900", upstream_cluster=None),
    )  # fmt: skip

    assert found == []


def test_negative_times_are_of_the_first_class() -> None:
    ((*_, from_ms, _, _, _, _),) = _counts(_taking(None, duration=-5))

    assert from_ms == 0


def test_the_gateways_time_is_what_the_duration_is_longer() -> None:
    found = _besides(
        _taking("11", duration=12), _taking("900", duration=901), _taking("11", duration=2011),
        _taking("900", duration=5),
    )  # fmt: skip

    assert found == [(GATEWAY_TIME, HOST, 0, 3), (GATEWAY_TIME, HOST, 2000, 1)]


@pytest.mark.parametrize(
    "changes",
    [
        {"bytes_sent": SMALL_BYTES + 1},
        {"bytes_received": SMALL_BYTES + 1},
        {"bytes_sent": None},
        {"upstream_service_time": None},
    ],
)
def test_a_gateways_time_that_can_not_be_told_has_no_class(changes: Record) -> None:
    assert _besides(served(duration=3000, **changes)) == [(GATEWAY_TIME, HOST, None, 1)]


def test_a_delay_is_neither_the_gateways_time_nor_that_of_the_service() -> None:
    delayed: Record = {"response_flags": "DI,URX", "duration": 5011, "bytes_sent": 10**7}

    assert _besides(_taking("11", 0, **delayed)) == [(DELAY, HOST, 5000, 1)]
    assert _besides(_taking(None, 0, **delayed)) == [(DELAY, HOST, 5000, 1)]
    assert [row[3] for row in _counts(_taking("11", 0, **delayed))] == [0]
    assert _counts(_taking(None, 0, **delayed)) == []


def test_what_has_no_host_no_answer_or_was_upgraded_is_not_counted_by_host() -> None:
    assert _besides(served(authority=None), refused(), served(response_code=101)) == []


def test_buckets_get_wider_until_they_fit() -> None:
    found = _counts(*(_taking("5", n) for n in range(20)), buckets=4)

    assert [row[:2] for row in found] == [(5, us(n)) for n in (0, 5, 10, 15)]


@fewer_examples(4)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(-9, 99_999)), min_size=1, max_size=30))
def test_any_times_are_counted_like_a_loop_does(times: list[tuple[int, int]]) -> None:
    batch = batch_of(_taking(None, n, duration=taken) for n, taken in times)
    frame = SlownessCounts.of(batch, DEFAULT_SPEC).frame.filter(measure=UPSTREAM_TIME)

    expected = Counter(
        (us(n), max(edge for edge in CLASSES_MS if edge <= max(taken, 0))) for n, taken in times
    )
    assert {
        (start, ms): n for start, ms, n in frame.select("start", "from_ms", "requests").rows()
    } == expected
