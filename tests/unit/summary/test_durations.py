"""What the durations of failures prove."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.handmade import CLUSTER, Record, connection, failed, reset, served, summary_of, tally_of

from envoylogs.envoy.failures.lookup import FAILURES
from envoylogs.summary.findings.subjects import believed_hosts
from envoylogs.summary.findings.wording import Durations, durations_by_subject, seconds
from envoylogs.summary.judged import Judged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envoylogs.summary.findings.finding import Finding


def _durations(took_ms: Sequence[int]) -> Durations:
    ordered = sorted(took_ms)
    return Durations(
        records=len(ordered),
        median_ms=ordered[(len(ordered) - 1) // 2],
        p90_ms=ordered[-(-9 * len(ordered) // 10) - 1],
        max_ms=ordered[-1],
        mean_ms=sum(ordered) / len(ordered),
    )


@pytest.mark.parametrize(
    ("took_ms", "limit_ms"),
    [
        ([15_000] * 3, 15_000),
        ([120_001, 120_003, 120_000, 120_007], 120_001),
        ([10_000, 10_150, 10_010], 10_010),
        ([500] * 20, 500),
        ([15_000] * 95 + [20_000] * 5, 15_000),
        ([15_000] * 2, None),  # chance
        ([499] * 20, None),  # as fast as an answer
        ([0] * 20, None),
        ([15_000, 16_000, 17_000], None),
        ([15_000] * 80 + [30_000] * 20, None),
        ([1_000] * 20 + [15_000] * 80, None),
        (list(range(500, 3500, 100)), None),
    ],
)
def test_failures_that_all_took_the_same_time_speak_for_a_limit(
    took_ms: list[int], limit_ms: int | None
) -> None:
    assert _durations(took_ms).limit_ms == limit_ms


def test_what_durations_prove_is_said_in_words() -> None:
    closed, refused = FAILURES["connection_closed"], FAILURES["connect_refused"]

    assert _durations([15_000] * 9).proof(closed) == "all ended after 15.0 s"
    assert _durations([15_000] * 95 + [20_000] * 5).proof(closed) == (
        "nearly all ended after 15.0 s"
    )
    assert "never asked" in (_durations([0, 0, 1]).proof(refused) or "")
    assert _durations([0, 0, 1]).proof(closed) is None  # it was asked: its connection was open
    assert _durations([3, 900, 4000]).proof(closed) is None


def test_a_limit_is_named_in_what_to_do_next() -> None:
    assert "a limit of 120.0 s in between" in (_durations([120_000] * 9).next() or "")
    assert _durations([3, 900, 4000]).next() is None


@pytest.mark.parametrize(
    ("milliseconds", "shown"), [(15_000, "15.0 s"), (550, "0.6 s"), (1_200_000, "1,200.0 s")]
)
def test_durations_are_shown_in_seconds(milliseconds: int, shown: str) -> None:
    assert seconds(milliseconds) == shown


def test_durations_are_those_of_each_way_to_fail_of_each_subject() -> None:
    records = [
        *(reset(n, duration=15_000) for n in range(3)),
        failed(5, 504, "UT", "response_timeout", duration=7_000),
        *(connection(n, response_flags="UF", duration=10_000) for n in range(4)),
        served(9, duration=3),
    ]
    judged = Judged(tally_of(records))

    found = durations_by_subject(judged, believed_hosts(judged))

    database = "outbound|5432||db.data.svc.cluster.local"
    assert {key: (took.records, took.median_ms) for key, took in found.items()} == {
        ("connection_closed", "request", "cluster", CLUSTER): (3, 15_000),
        ("response_timeout", "request", "cluster", CLUSTER): (1, 7_000),
        ("connect_failed", "connection", "cluster", database): (4, 10_000),
    }


def test_without_failures_there_are_no_durations() -> None:
    judged = Judged(tally_of([served(0)]))

    assert durations_by_subject(judged, believed_hosts(judged)) == {}


def _finding(*records: Record) -> Finding:
    return summary_of([*(served(n) for n in range(300)), *records]).findings[0]


def test_a_finding_names_the_limit_that_ended_its_failures() -> None:
    found = _finding(*(reset(n, duration=15_000) for n in range(300, 600)))

    assert (found.proof or "").endswith("; all ended after 15.0 s")
    assert found.next.startswith("Look for a limit of 15.0 s in between")


def test_connections_that_fail_after_the_same_time_without_details_were_not_answered() -> None:
    records = [failed(n, 503, "UF", "-", duration=10_000) for n in range(300, 600)]
    found = _finding(*records)

    assert found.failure == "connect_failed"
    assert found.title == "No connection to shop.shop:80: nothing answers in time"
    at_once = _finding(*(record | {"duration": 0} for record in records))
    assert at_once.title == "No connection to shop.shop:80"
    assert "never asked" in (at_once.proof or "")


def test_a_time_out_of_the_gateway_says_what_it_is_set_to() -> None:
    records = [failed(n, 504, "UT", "response_timeout", duration=7_000) for n in range(300, 600)]

    assert _finding(*records).next.startswith("The limit is 7.0 s. ")
    mixed = [record | {"duration": 40 * n} for n, record in enumerate(records)]
    assert not _finding(*mixed).next.startswith("The limit")


def test_some_that_are_far_shorter_make_no_limit() -> None:
    alike = _durations([3_600_000] * 50)

    assert alike.limit_ms == 3_600_000
    assert alike._replace(mean_ms=3_400_000).limit_ms is None
