from __future__ import annotations

from tests.handmade import (
    CLUSTER,
    HOST,
    Record,
    batch_of,
    connection,
    failed,
    refused_connection,
    reset,
    served,
    tally_of,
)

from envoylogs.tally.failures import FailureDurations
from envoylogs.tally.spec import DEFAULT_SPEC


def _counted(*records: Record) -> list[tuple[object, ...]]:
    frame = FailureDurations.of(batch_of(records), DEFAULT_SPEC).frame
    assert set(frame["digits"]) <= {64}
    return frame.drop("digits").sort("kind", "failure", "value_ms").rows()


def test_failures_are_counted_by_what_they_are_about_and_how_long_they_took() -> None:
    found = _counted(*(reset(n, duration=took) for n, took in enumerate((7, 15_000, 7))))

    request = ("request", "connection_closed", HOST, None, CLUSTER, None)
    assert found == [(*request, 7, 2), (*request, 15_000, 1)]


def test_connections_are_counted_by_server_name_and_address() -> None:
    found = _counted(
        connection(0, response_flags="UF", duration=10_000),
        refused_connection(1, duration=0),
    )

    database = ("db.example.com", "outbound|5432||db.data.svc.cluster.local", "10.8.1.2:8080")
    assert found == [
        ("connection", "connect_failed", None, *database, 10_000, 1),
        ("connection", "name_refused", None, "db.example.com", None, None, 0, 1),
    ]


def test_what_went_well_own_traffic_and_unknown_durations_are_not_counted() -> None:
    assert _counted(served(), connection(), reset(upstream_cluster="agent")) == []
    assert _counted(reset(duration=None)) == []


def test_upgraded_connections_that_a_side_closed_are_counted_beside_failures() -> None:
    details = "upstream_reset_after_response_started{connection_termination}"
    closed = {"response_code": 101, "response_flags": "UC", "response_code_details": details}

    found = _counted(served(0, duration=60_001, **closed), served(1, response_code=101))

    assert found == [("request", "upgrades_closed", HOST, None, CLUSTER, None, 60_001, 1)]


def test_the_counts_of_two_logs_add_up() -> None:
    one = [failed(0, 504, "UT", "response_timeout", duration=15_000)]
    other = [failed(1, 504, "UT", "response_timeout", duration=15_000), reset(2)]

    together = tally_of([*one, *other]).failure_durations.frame
    apart = tally_of(one).merge(tally_of(other)).failure_durations.frame

    order = ["failure", "value_ms"]
    assert apart.sort(order).equals(together.sort(order))
    assert together.filter(failure="response_timeout")["requests"].item() == 2
