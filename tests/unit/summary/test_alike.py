"""The same failure of many services is told once, and none of them is lost."""

from __future__ import annotations

from typing import Any

import pytest
from tests.handmade import (
    Record,
    connection,
    failed,
    failed_connection,
    refused,
    reset,
    served,
    source_of,
    summary_of,
    text_of,
    unrouted,
)

from envoylogs.keyed.plan import ReadPlan
from envoylogs.keyed.selection import Selection
from envoylogs.records import selected_lines
from envoylogs.summary.findings.finding import Finding, Severity

_START, _END = 300, 600


def _service(number: int, records: list[Record]) -> list[Record]:
    """Return records as those of another service."""
    name: Record = {
        "authority": f"s{number}.example.com",
        "upstream_cluster": f"outbound|80||s{number}.shop.svc.cluster.local",
    }
    return [record | name for record in records]


def _fails(start: float = _START, *, make: Any = reset, **changes: Any) -> list[Record]:
    """Return ten minutes of a service that fails from a second on."""
    return [
        make(n, **changes) if n >= start else served(n, **changes) for n in range(0, 2 * _START, 2)
    ]


def _findings(*services: list[Record]) -> tuple[Finding, ...]:
    return summary_of(
        record for number, records in enumerate(services) for record in _service(number, records)
    ).findings


def test_the_same_failure_of_many_services_is_one_finding_on_top() -> None:
    first, *rest = _findings(*[_fails()] * 40)

    assert rest == []
    assert first.code == "upstream_reset"
    assert first.failure == "connection_closed"
    assert first.title == (
        "Each of 40 services closes connections before it answers: s0.shop:80, s1.shop:80, "
        "s10.shop:80 and 37 more"
    )
    assert first.severity is Severity.CRITICAL
    assert len(first.members) == 40


def test_none_of_them_is_lost_and_their_numbers_add_up() -> None:
    (found,) = _findings(*[_fails()] * 5)

    assert sorted(member.subject for member in found.members) == [
        f"outbound|80||s{number}.shop.svc.cluster.local" for number in range(5)
    ]
    assert found.requests == sum(member.requests for member in found.members) == 5 * 150
    assert found.of == sum(member.of for member in found.members)
    assert all(member.members == () for member in found.members)


def test_its_condition_selects_the_requests_of_all() -> None:
    services = [_fails()] * 4
    (found,) = _findings(*services)
    records = [record for number, part in enumerate(services) for record in _service(number, part)]
    selection = Selection.of({}, where=found.condition)
    lines = selected_lines([source_of(text_of(records))], ReadPlan(selection=selection))

    assert sum(frame.height for frame in lines) == found.requests


@pytest.mark.parametrize("services", [1, 2])
def test_one_or_two_of_different_addresses_are_told_by_themselves(services: int) -> None:
    found = _findings(*(_fails(upstream_host=f"10.8.1.{n}:80") for n in range(services)))

    assert len(found) == services
    assert all(finding.members == () for finding in found)


def test_two_that_share_an_address_are_one() -> None:
    (found,) = _findings(*[_fails(upstream_host="192.0.2.7:8080")] * 2)

    assert len(found.members) == 2
    assert "the address 192.0.2.7 of a node or proxy" in found.next


def test_two_that_share_an_address_and_no_moment_are_two() -> None:
    assert len(_findings(*[[reset(n) for n in range(100)]] * 2)) == 2


def _becomes_slow(number: int, of_each: int = 300) -> list[Record]:
    return [
        served(n, upstream_service_time=str(900 if n >= _START + number else 11),
               upstream_host=f"10.8.1.{number}:80")
        for n in range(2 * of_each)
    ]  # fmt: skip


def test_services_that_become_slow_together_are_one_finding_no_worse_than_each() -> None:
    (found,) = _findings(*map(_becomes_slow, range(4)))

    assert found.title == (
        "Each of 4 services became slow: half of their requests take several times as long as "
        "usual: s0.shop:80, s1.shop:80, s2.shop:80 and 1 more"
    )
    assert found.severity is min(member.severity for member in found.members)
    assert {member.code for member in found.members} == {"slow_upstream"}


def test_services_that_become_slow_at_different_times_are_not() -> None:
    found = _findings(*(_becomes_slow(number, 500) for number in (0, 130, 260)))

    assert [finding.members for finding in found] == [(), (), ()]


def test_what_durations_prove_of_each_is_said_of_all() -> None:
    services = [
        [
            record
            | {
                "upstream_cluster": "PassthroughCluster",
                "upstream_host": f"203.0.113.{number}:443",
                "authority": f"s{number}.example.com",
            }
            for record in (
                served(n) if n < _START else failed(n, 503, "UF,URX", "-", duration=10_000 + n % 3)
                for n in range(0, 600, 2)
            )
        ]
        for number in range(4)
    ]
    (found,) = summary_of(record for records in services for record in records).findings

    assert found.title.startswith("No connection to each of 4 hosts: nothing answers in time: ")
    assert found.proof == "503 UF,URX; all ended after 10.0 s"
    assert "NetworkPolicy" in found.next


def test_connections_that_share_a_server_name_say_so() -> None:
    records = [
        make(n, upstream_cluster="PassthroughCluster", upstream_host=f"203.0.113.{number}:443",
             requested_server_name="api.bank.example")
        for number in range(3)
        for n in range(0, 600, 2)
        for make in [connection if n < _START else failed_connection]
    ]  # fmt: skip
    (found,) = summary_of(records).findings

    assert "the TLS server name api.bank.example" in (found.shared or "")
    assert "3 addresses" in found.title


def test_codes_that_differ_are_not_said_of_all() -> None:
    found = _findings(*(_fails(make=answered, response_code=code) for code in (500, 502, 503)))

    assert [f.title.split(":")[0] for f in found] == ["Each of 3 services answers with errors"]
    assert "(s0.shop:80)" in (found[0].proof or "")


def test_different_ways_to_fail_are_not_alike() -> None:
    found = _findings(*[_fails()] * 3, *[_fails(make=refused)] * 3)

    assert sorted(finding.failure or "" for finding in found) == [
        "connect_refused", "connection_closed",
    ]  # fmt: skip
    assert [len(finding.members) for finding in found] == [3, 3]


def test_those_that_begin_at_another_time_are_not_alike() -> None:
    found = _findings(*[_fails(300)] * 3, *[_fails(100)] * 3)

    assert [len(finding.members) for finding in found] == [3, 3]
    assert len({finding.since for finding in found}) == 2


def test_those_that_follow_within_two_minutes_are() -> None:
    (found,) = _findings(_fails(300), _fails(310), _fails(420))

    assert len(found.members) == 3
    assert found.since == min(member.since for member in found.members if member.since)


def test_those_that_have_ended_are_not_those_that_go_on() -> None:
    def ended() -> list[Record]:
        return [reset(n) if 200 <= n < 400 else served(n) for n in range(0, 600, 2)]

    found = _findings(*[ended()] * 3, *[_fails(200)] * 3)

    assert sorted(finding.state for finding in found) == ["ended", "ongoing"]
    assert [len(finding.members) for finding in found] == [3, 3]


def test_what_they_share_is_said() -> None:
    elsewhere = [served(n, downstream_local_address="10.8.0.7:8443") for n in range(50)]
    (found,) = _findings(*[_fails(upstream_host="192.0.2.7:8080")] * 4, elsewhere)

    assert found.shared == (
        "the moment when it began, the gateway 10.8.0.6, of 2, the address 192.0.2.7 of a node "
        "or proxy"
    )
    assert found.shared in found.next


def test_what_they_do_not_share_is_not_said() -> None:
    services = [_fails(upstream_host=f"192.0.2.{number}:8080") for number in range(4)]
    (found,) = _findings(*services)

    assert found.shared == "the moment when it began"


def test_what_fails_all_along_shares_nothing_that_shows() -> None:
    services = [
        [reset(n, upstream_host=f"192.0.2.{number}:8080") for n in range(100)]
        for number in range(4)
    ]
    (found,) = _findings(*services)

    assert found.shared is None
    assert found.next.startswith("One cause for all is likely. ")


def test_what_to_do_next_names_no_single_service() -> None:
    (found,) = _findings(*[_fails(make=failed_at_once)] * 3)

    assert "s0" not in found.next
    assert "kubectl" not in found.next


def test_hosts_that_lose_their_routes_together_are_told_once() -> None:
    records = [
        make(n, authority=f"s{number}.example.com")
        for number in range(40)
        for n in range(0, 600, 10)
        for make in [served if n < _START else unrouted]
    ]
    (found,) = summary_of(records).findings

    assert found.code == "lost_host"
    assert found.proof == "Requests of each were routed before, none since."
    assert "this host" not in found.next
    assert found.title.startswith("Each of 40 hosts lost its route: none of their requests is ")
    assert len({member.subject for member in found.members}) == 40
    assert (found.requests, found.of) == (40 * 30, 40 * 30)


def answered(seconds: float, **changes: Any) -> Record:
    """Return a request that a service answered with an error."""
    return failed(seconds, 500, "-", "via_upstream", **changes)


def failed_at_once(seconds: float, **changes: Any) -> Record:
    """Return a request of a service without an endpoint."""
    return failed(seconds, 503, "UH", "no_healthy_upstream", **{"upstream_host": None} | changes)
