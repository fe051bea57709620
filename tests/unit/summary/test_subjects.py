"""Whom a failure is told of, and which records the finding then is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.handmade import (
    CLUSTER,
    HOST,
    Record,
    connection,
    failed,
    refused,
    reset,
    served,
    source_of,
    summary_of,
    text_of,
)

from envoylogs.keyed.plan import ReadPlan
from envoylogs.keyed.selection import Selection
from envoylogs.records import selected_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from envoylogs.summary.findings.finding import Finding

_OTHER = "other.example.com"


def _findings(records: Iterable[Record]) -> list[Finding]:
    """Return the findings of a log, after the condition of each was held against its lines."""
    data = text_of(records)
    findings = [*summary_of(records).findings]
    for found in findings:
        assert found.condition is not None
        selection = Selection.of({}, where=found.condition)
        lines = selected_lines([source_of(data)], ReadPlan(selection=selection))
        assert sum(frame.height for frame in lines) == found.requests, found.condition
    return findings


def _since(second: int, make: Callable[..., Record], **changes: object) -> list[Record]:
    """Return ten minutes of a request a second that are made otherwise from a second on."""
    return [
        (make if n >= second else served)(
            n, downstream_remote_address=f"192.0.2.{n % 9}:1", **changes
        )
        for n in range(600)
    ]


def _denied(seconds: float = 0.0, **changes: object) -> Record:
    return failed(seconds, 403, "-", "rbac_access_denied_matched_policy[none]", **changes)


def _gateways_503(seconds: float = 0.0, **changes: object) -> Record:
    return failed(seconds, 503, "-", "direct_response", **changes)


def test_what_a_service_does_is_told_of_its_cluster_over_all_hosts() -> None:
    (found,) = _findings([*_since(300, reset), *_since(300, reset, authority=_OTHER)])

    assert (found.subject, found.requests, found.of) == (CLUSTER, 600, 600)


@pytest.mark.parametrize("make", [_denied, _gateways_503])
def test_what_the_gateway_does_is_told_of_the_host_that_was_asked_for(
    make: Callable[..., Record],
) -> None:
    (found,) = _findings([*_since(300, make), *_since(600, make, authority=_OTHER)])

    assert (found.subject, found.requests, found.of) == (HOST, 300, 300)


@pytest.mark.parametrize("cluster", [None, "PassthroughCluster", "UnknownService"])
def test_a_service_without_a_name_is_told_of_the_host(cluster: str | None) -> None:
    records = _since(300, reset, authority=_OTHER, upstream_cluster=cluster)
    found = _findings([*_since(600, reset), *records])

    assert [(f.subject, f.requests, f.of) for f in found] == [(_OTHER, 300, 300)]


def test_two_ways_to_fail_of_one_subject_are_two_findings() -> None:
    found = _findings([*_since(300, reset), *_since(300, refused)])

    assert {f.failure for f in found} == {"connection_closed", "connect_refused"}
    assert {(f.subject, f.requests) for f in found} == {(CLUSTER, 300)}


@pytest.mark.parametrize(
    ("changes", "subject"),
    [
        ({}, "outbound|5432||db.data.svc.cluster.local"),
        ({"upstream_cluster": "PassthroughCluster"}, "10.8.1.2:8080"),
        ({"upstream_cluster": None}, "10.8.1.2:8080"),
        ({"upstream_cluster": None, "upstream_host": None}, "db.example.com"),
    ],
)
def test_a_connection_is_told_of_the_closest_that_is_known(
    changes: dict[str, object], subject: str
) -> None:
    records = [
        connection(n, response_flags="UF", **changes) if n >= 300 else connection(n)
        for n in range(600)
    ]
    (found,) = _findings(records)

    assert (found.subject, found.requests, found.of) == (subject, 300, 300)
    assert found.code == "connections_failed"


def _strangers(count: int, clients: int) -> list[Record]:
    """Return errors of the gateway for a host that was never routed."""
    nowhere: Record = {"upstream_cluster": None, "upstream_host": None, "route_name": None}
    return [
        _gateways_503(n, authority="stray.example.org", **nowhere)
        | {"downstream_remote_address": f"203.0.113.{n % clients}:1"}
        for n in range(count)
    ]


def test_errors_of_hosts_that_were_never_routed_are_told_together() -> None:
    (found,) = _findings([*_since(600, reset), *_strangers(60, clients=2)])

    assert found.subject == "hosts that this gateway never routed"
    assert (found.requests, found.of) == (60, 60)


def test_a_host_that_many_clients_ask_for_looks_meant() -> None:
    (found,) = _findings([*_since(600, reset), *_strangers(60, clients=3)])

    assert found.subject == "stray.example.org"


def test_where_nothing_was_routed_all_hosts_are_told_by_name() -> None:
    (found,) = _findings(_strangers(60, clients=1))

    assert found.subject == "stray.example.org"


def test_refusals_of_hosts_that_were_never_routed_are_not_told() -> None:
    refusals = [record | {"response_code": 403} for record in _strangers(60, clients=2)]

    assert _findings([*_since(600, reset), *refusals]) == []
