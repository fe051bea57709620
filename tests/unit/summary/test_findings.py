"""A small log for each kind of finding, and one that nearly is one."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from benchmarks import generator
from tests.handmade import (
    CLUSTER,
    HOST,
    Record,
    connection,
    failed,
    refused,
    refused_connection,
    reset,
    served,
    source_of,
    summary_of,
    text_of,
    unrouted,
    us,
    without,
)

from envoylogs.envoy.harm import Actor
from envoylogs.pipeline import tally_sources
from envoylogs.summary.findings.catalog import FINDING_KINDS, KIND_BY_CODE
from envoylogs.summary.findings.finding import (
    Finding,
    Severity,
    ranked,
    severity_of,
    worth_telling,
)
from envoylogs.summary.summary import summarize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_OTHER = "other.example.com"
_OTHER_CLUSTER = "outbound|80||other.shop.svc.cluster.local"


def _findings(*records: Record) -> list[Finding]:
    return list(summary_of(records).findings)


def _first(*records: Record) -> Finding:
    return _findings(*records)[0]


def _alarms(*records: Record) -> list[str]:
    """Return the codes of what is worse than a piece of information."""
    return [finding.code for finding in _findings(*records) if finding.severity < Severity.INFO]


def _codes(*records: Record) -> set[str]:
    return {finding.code for finding in _findings(*records)}


def _client(number: int) -> Record:
    return {"downstream_remote_address": f"192.0.2.{number % 250}:40000"}


def _others(count: int = 200, *, every: float = 1.0) -> list[Record]:
    """Return requests of another host that go well, one a second."""
    return [
        served(n * every, authority=_OTHER, upstream_cluster=_OTHER_CLUSTER, route_name="other",
               upstream_host="10.8.9.9:80")
        for n in range(count)
    ]  # fmt: skip


def _no_details(record: Record) -> Record:
    """Return a record as Istio 1.5 writes it."""
    keys = ("response_code_details", "connection_termination_details")
    return {
        key: "-" if value is None else str(value)
        for key, value in record.items()
        if key not in keys
    }


def _blackholed(seconds: float, **changes: Any) -> Record:
    """Return a request that the blackhole of Istio 1.3 to 1.7 answered."""
    return _no_details(unrouted(seconds, response_flags="-", route_name="default", **changes))


# --- One log for each kind ----------------------------------------------------------------------


@dataclass(frozen=True)
class _Case:
    """A log and the finding that it must yield first."""

    code: str
    log: list[Record]
    subject: str
    requests: int
    of: int
    since: int | None = None
    until: int | None = None
    severity: Severity = Severity.CRITICAL
    clients: int = 1


def _good_then_bad(
    bad: Callable[..., Record], *, until: int | None = None, **changes: Any
) -> list[Record]:
    """Return requests that go well for 100 seconds and badly for 100 more."""
    return [
        *(served(n, **changes) for n in range(100)),
        *(bad(n, **changes, **_client(n)) for n in range(100, until or 200)),
        *(served(n, **changes) for n in range(until or 200, 200)),
        *_others(),
    ]


def _timed_out(seconds: float, **changes: Any) -> Record:
    return failed(seconds, 504, "UT", "response_timeout", **{"duration": 15_000} | changes)


def _overflowed(seconds: float, **changes: Any) -> Record:
    details = "upstream_reset_before_response_started{overflow}"
    return failed(seconds, 503, "UO", details, **changes)


def _without_endpoints(seconds: float, **changes: Any) -> Record:
    changed = {"upstream_host": None} | changes
    return failed(seconds, 503, "UH", "no_healthy_upstream", **changed)


def _without_cluster(seconds: float, **changes: Any) -> Record:
    changed = changes | {"upstream_cluster": None, "upstream_host": None}
    return failed(seconds, 503, "NC", "cluster_not_found", **changed)


def _broken_off(seconds: float, **changes: Any) -> Record:
    details = "upstream_reset_after_response_started{connection_termination}"
    changed = {"response_flags": "UC", "response_code_details": details} | changes
    return served(seconds, **changed)


def _answered_500(seconds: float, **changes: Any) -> Record:
    return served(seconds, **{"response_code": 500} | changes)


def _unauthorized(seconds: float, **changes: Any) -> Record:
    return failed(seconds, 403, "UAEX", "ext_authz_error", **changes)


def _gone(seconds: float, **changes: Any) -> Record:
    changed = {"duration": 5000} | changes
    return failed(seconds, 0, "DC", "downstream_remote_disconnect", **changed)


def _direct_503(seconds: float, **changes: Any) -> Record:
    return failed(seconds, 503, "-", "direct_response", **{"upstream_host": None} | changes)


def _denied(seconds: float, **changes: Any) -> Record:
    details = "rbac_access_denied_matched_policy[none]"
    return failed(seconds, 403, "-", details, **{"upstream_host": None} | changes)


def _aborted(seconds: float, **changes: Any) -> Record:
    return failed(seconds, 503, "FI", "fault_filter_abort", **{"upstream_host": None} | changes)


_PODS = ["10.8.1.2:8080", "10.8.1.3:8080", "10.8.1.4:8080", "10.8.1.5:8080"]


def _by_pod(bad: Callable[..., Record], pods: Iterable[str] = ("10.8.1.3:8080",)) -> list[Record]:
    """Return requests that go to four pods in turn and badly at some of them after 100 seconds."""
    return [
        (bad if n >= 100 and _PODS[n % 4] in set(pods) else served)(
            n, upstream_host=_PODS[n % 4], **_client(n)
        )
        for n in range(200)
    ]


def _taking(milliseconds: int, seconds: float, **changes: Any) -> Record:
    service = str(milliseconds)
    return served(seconds, duration=milliseconds + 1, upstream_service_time=service, **changes)


_SPLIT = {name: f"outbound|80|{name}|shop.shop.svc.cluster.local" for name in ("v1", "v2")}

_CASES: dict[str, _Case] = {
    "lost_host": _Case(
        "lost_host",
        [
            *(served(n) for n in range(100)),
            *(unrouted(n, **_client(n)) for n in range(100, 140)),
            *(unrouted(n, path="/new", **_client(n)) for n in range(140, 150)),
            *_others(),
        ],
        HOST, 50, 50, since=100, clients=10,
    ),
    "lost_route": _Case(
        "lost_route",
        [
            *(served(n, path="/cart") for n in range(50)),
            *(served(n, path="/") for n in range(150)),
            *(unrouted(n, path="/cart?x=1", **_client(n % 3)) for n in range(50, 150)),
        ],
        HOST, 100, 200, since=50, clients=3,
    ),
    "lost_tls_name": _Case(
        "lost_tls_name",
        [
            *(served(n, requested_server_name=HOST) for n in range(100)),
            *(refused_connection(n, requested_server_name=HOST, **_client(n))
              for n in range(100, 130)),
            *_others(),
        ],
        HOST, 30, 30, since=100, clients=10,
    ),
    "lost_tls_name of a passthrough": _Case(
        "lost_tls_name",
        [
            *(connection(n, requested_server_name="db.example.com") for n in range(50)),
            *(refused_connection(n, requested_server_name="db.example.com")
              for n in range(50, 90)),
            *_others(),
        ],
        "db.example.com", 40, 40, since=50,
    ),
    "unrouted_host by the legacy blackhole": _Case(
        "unrouted_host",
        [_blackholed(n, **_client(n)) for n in range(60)],
        HOST, 60, 60, clients=10,
    ),
    "unrouted_host with nothing routed": _Case(
        "unrouted_host",
        [
            *(unrouted(n, **_client(n)) for n in range(40)),
            *(unrouted(n, authority=_OTHER, **_client(n)) for n in range(20)),
        ],
        HOST, 60, 60, clients=16,
    ),
    "unrouted_host until its route came": _Case(
        "unrouted_host",
        [
            *(unrouted(n, **_client(n % 2)) for n in range(80)),
            *(served(n) for n in range(80, 200)),
        ],
        HOST, 80, 80, until=79, severity=Severity.MEDIUM, clients=2,
    ),
    "unrouted_path": _Case(
        "unrouted_path",
        [
            *(served(n) for n in range(200)),
            *(unrouted(n, path="/beta", **_client(n % 4)) for n in range(0, 200, 5)),
        ],
        HOST, 40, 240, severity=Severity.HIGH, clients=4,
    ),
    "tls_reuse": _Case(
        "tls_reuse",
        [
            *(served(n, requested_server_name=HOST) for n in range(100)),
            *_others(100),
            *(unrouted(n, requested_server_name=_OTHER, **_client(n % 5)) for n in range(100)),
        ],
        HOST, 100, 200, severity=Severity.CRITICAL, clients=5,
    ),
    "no_cluster": _Case(
        "no_cluster", _good_then_bad(_without_cluster), HOST, 100, 100, since=100, clients=10
    ),
    "no_endpoints": _Case(
        "no_endpoints", _good_then_bad(_without_endpoints), CLUSTER, 100, 100, since=100,
        clients=10,
    ),
    "bad_upstream_host": _Case(
        "bad_upstream_host", _by_pod(reset), "10.8.1.3:8080", 25, 50, since=101, clients=10
    ),
    "connect_failure": _Case(
        "connect_failure", _good_then_bad(refused), CLUSTER, 100, 100, since=100, clients=10
    ),
    "connect_failure that ended": _Case(
        "connect_failure", _good_then_bad(refused, until=150), CLUSTER, 50, 50, since=100,
        until=149, clients=10,
    ),
    "upstream_reset": _Case(
        "upstream_reset", _good_then_bad(reset), CLUSTER, 100, 100, since=100, clients=10
    ),
    "upstream_timeout": _Case(
        "upstream_timeout", _good_then_bad(_timed_out), CLUSTER, 100, 100, since=100, clients=10
    ),
    "overflow": _Case(
        "overflow", _good_then_bad(_overflowed), CLUSTER, 100, 100, since=100, clients=10
    ),
    "broken_response": _Case(
        "broken_response", _good_then_bad(_broken_off), CLUSTER, 100, 100, since=100, clients=10
    ),
    "upstream_errors": _Case(
        "upstream_errors", _good_then_bad(_answered_500), CLUSTER, 100, 100, since=100, clients=10
    ),
    "dependency_failed": _Case(
        "dependency_failed", _good_then_bad(_unauthorized), HOST, 100, 100, since=100,
        clients=10,
    ),
    "slow_upstream: a pod": _Case(
        "slow_upstream",
        [_taking(400 if n % 4 == 1 else 40, n, upstream_host=_PODS[n % 4]) for n in range(240)],
        "10.8.1.3:8080", 60, 240, severity=Severity.MEDIUM, clients=0,
    ),
    "slow_upstream: a part of a split": _Case(
        "slow_upstream",
        [
            _taking(300 if n % 3 == 0 else 30, n, upstream_host=None,
                    upstream_cluster=_SPLIT["v2" if n % 3 == 0 else "v1"])
            for n in range(180)
        ],
        _SPLIT["v2"], 60, 180, severity=Severity.MEDIUM, clients=0,
    ),
    "clients_give_up": _Case(
        "clients_give_up", _good_then_bad(_gone), CLUSTER, 100, 100, since=100,
        severity=Severity.HIGH, clients=10,
    ),
    "gateway_errors": _Case(
        "gateway_errors", _good_then_bad(_direct_503), HOST, 100, 100, since=100, clients=10
    ),
    "gateway_errors that ended": _Case(
        "gateway_errors", _good_then_bad(_direct_503, until=150), HOST, 50, 50, since=100,
        until=149, clients=10,
    ),
    "unattributed_errors": _Case(
        "unattributed_errors",
        without(
            _good_then_bad(_answered_500), "response_flags", "response_code_details",
            "upstream_cluster", "upstream_host", "upstream_service_time",
        ),
        HOST, 100, 100, since=100, clients=10,
    ),
    "refused_jump": _Case(
        "refused_jump", _good_then_bad(_denied), HOST, 100, 100, since=100, clients=10
    ),
    "refused_jump: all there is": _Case(
        "refused_jump", [_denied(n, **_client(n)) for n in range(100)], HOST, 100, 100,
        severity=Severity.HIGH, clients=10,
    ),
    "faults_injected": _Case(
        "faults_injected", _good_then_bad(_aborted), HOST, 100, 100, since=100,
        severity=Severity.HIGH, clients=10,
    ),
    "connections_failed": _Case(
        "connections_failed",
        [
            *(connection(n) for n in range(100)),
            *(connection(n, response_flags="UF,URX", **_client(n)) for n in range(100, 200)),
        ],
        "outbound|5432||db.data.svc.cluster.local", 100, 100, since=100, clients=10,
    ),
    "connections_refused": _Case(
        "connections_refused",
        [refused_connection(n, requested_server_name=None, **_client(n)) for n in range(40)],
        "10.8.0.6", 40, 40, clients=10,
    ),
    "refused_jump: of some paths": _Case(
        "refused_jump",
        [
            *(served(n) for n in range(400)),
            *(served(n, path="/admin", **_client(n)) for n in range(0, 200, 5)),
            *(_denied(n, path="/admin/", **_client(n)) for n in range(200, 400, 50)),
            *(served(n, path="/admin/", **_client(n)) for n in range(0, 200, 50)),
            *(_denied(n, path="/admin", **_client(n)) for n in range(200, 400, 5)),
        ],
        HOST, 44, 244, since=200, severity=Severity.HIGH, clients=10,
    ),
    "refused_jump: a small share": _Case(
        "refused_jump",
        [(_denied if n >= 500 and n % 7 == 3 else served)(n, **_client(n)) for n in range(1000)],
        HOST, 72, 500, since=500, severity=Severity.HIGH, clients=10,
    ),
    "clients_give_up: a small share after the same time": _Case(
        "clients_give_up",
        [
            _gone(n, duration=30_000 + n % 3, **_client(n)) if n >= 500 and n % 11 == 5
            else served(n, **_client(n))
            for n in range(1000)
        ],
        CLUSTER, 46, 500, since=500, severity=Severity.MEDIUM, clients=10,
    ),
    "faults_injected: delays": _Case(
        "faults_injected",
        [served(n, response_flags="DI", duration=5011) for n in range(450)],
        HOST, 450, 450, severity=Severity.HIGH, clients=0,
    ),
    "faults_injected: delays for a while": _Case(
        "faults_injected",
        [
            served(n, **({"response_flags": "DI", "duration": 2011} if 300 <= n < 400 else {}))
            for n in range(600)
        ],
        HOST, 100, 100, since=300, until=399, severity=Severity.HIGH, clients=0,
    ),
    "slow_gateway": _Case(
        "slow_gateway",
        [*(served(n, duration=2013 if n >= 200 else 13) for n in range(400)), *_others(400)],
        HOST, 200, 200, since=200, severity=Severity.HIGH, clients=0,
    ),
    "redirects_jump by the service": _Case(
        "redirects_jump",
        [served(n, response_code=302 if n >= 100 else 200) for n in range(200)],
        HOST, 100, 100, since=100, severity=Severity.MEDIUM, clients=0,
    ),
    "redirects_jump by the gateway, in circles": _Case(
        "redirects_jump",
        [
            *(served(n) for n in range(100)),
            *(served(n + part / 5, response_code=301, response_code_details="direct_response",
                     upstream_cluster=None, upstream_host=None, upstream_service_time=None)
              for n in range(100, 200) for part in range(5)),
        ],
        HOST, 500, 500, since=100, severity=Severity.HIGH, clients=0,
    ),
    "upgrades_cut": _Case(
        "upgrades_cut",
        [
            *_others(),
            *(_broken_off(n, response_code=101, duration=60_000 + n % 5)
              for n in range(0, 200, 10)),
            *(served(n, response_code=101, duration=900) for n in (5, 105)),
        ],
        HOST, 20, 22, severity=Severity.MEDIUM, clients=0,
    ),
    "traffic_stopped": _Case(
        "traffic_stopped", [*(served(n) for n in range(300)), *_others(600)],
        HOST, 300, 300, since=299, severity=Severity.MEDIUM, clients=0,
    ),
    "log_incomplete: a column": _Case(
        "log_incomplete", without([served(n) for n in range(20)], "response_flags", "duration"),
        "log", 0, 20, severity=Severity.INFO, clients=0,
    ),
}  # fmt: skip


_BY_CONFIGURATION = {"stale_gateway", "silent_host", "denied_jump"}
"""Kinds that no log has alone: see ``test_findings_of_the_configuration``."""


def test_every_kind_has_a_case() -> None:
    codes = {case.code for case in _CASES.values()}
    assert codes | _BY_CONFIGURATION == {kind.code for kind in FINDING_KINDS}
    assert not codes & _BY_CONFIGURATION


@pytest.fixture(params=_CASES)
def name(request: pytest.FixtureRequest) -> str:
    """The name of a case."""
    return str(request.param)


@pytest.fixture
def case(name: str) -> _Case:
    return _CASES[name]


@cache
def _findings_of(name: str) -> list[Finding]:
    return _findings(*_CASES[name].log)


def test_the_worst_finding_is_the_right_one(name: str, case: _Case) -> None:
    found = _findings_of(name)[0]

    assert (found.code, found.subject) == (case.code, case.subject)
    assert (found.requests, found.of) == (case.requests, case.of)
    assert found.severity is case.severity


def test_a_finding_says_since_when_and_until_when(name: str, case: _Case) -> None:
    found = _findings_of(name)[0]

    assert found.since == (None if case.since is None else us(case.since))
    assert found.until == (None if case.until is None else us(case.until))
    assert found.state == ("ongoing" if case.until is None else "ended")


def test_a_finding_can_be_followed_up(name: str, case: _Case) -> None:
    found = _findings_of(name)[0]

    assert found.clients_at_least == case.clients
    assert bool(found.examples) == (case.clients > 0)
    assert all(example.source == "gateway.log" for example in found.examples)
    assert found.title
    assert found.next
    assert found.code == "log_incomplete" or found.proof


def test_examples_stand_where_the_failures_do(name: str, case: _Case) -> None:
    for example in _findings_of(name)[0].examples:
        record = case.log[(example.line or 0) - 1]
        assert record["request_id"] == example.request_id
        assert record.get("response_flags", "-") != "-" or record["response_code"] not in {
            200,
            "200",
        }


@pytest.mark.parametrize(
    ("code", "who"),
    [
        ("lost_host", Actor.CONFIGURATION),
        ("lost_route", Actor.CONFIGURATION),
        ("lost_tls_name", Actor.CONFIGURATION),
        ("unrouted_host", Actor.CONFIGURATION),
        ("unrouted_path", Actor.CONFIGURATION),
        ("tls_reuse", Actor.CONFIGURATION),
        ("no_cluster", Actor.CONFIGURATION),
        ("no_endpoints", Actor.UPSTREAM),
        ("bad_upstream_host", Actor.UPSTREAM),
        ("connect_failure", Actor.UPSTREAM),
        ("upstream_reset", Actor.UPSTREAM),
        ("upstream_timeout", Actor.UPSTREAM),
        ("overflow", Actor.POLICY),
        ("broken_response", Actor.UPSTREAM),
        ("upstream_errors", Actor.UPSTREAM),
        ("dependency_failed", Actor.OPERATOR),
        ("slow_upstream", Actor.UPSTREAM),
        ("log_incomplete", Actor.OPERATOR),
    ],
)
def test_who_must_act(code: str, who: Actor) -> None:
    assert KIND_BY_CODE[code].who is who


def test_the_order_of_the_lines_does_not_matter(name: str, case: _Case) -> None:
    def told(findings: list[Finding]) -> list[Finding]:
        return [replace(found, examples=()) for found in findings]

    assert told(_findings(*case.log[::-1])) == told(_findings_of(name))


# --- Near misses --------------------------------------------------------------------------------


def _scan(count: int = 300) -> list[Record]:
    """Return what scanners ask for: strange hosts, addresses, no host, strange server names."""
    hosts = ["198.51.100.7", "wp.example.net", None, "[2001:db8::7]:8080", "old.example.org"]
    return [
        record
        for n in range(count)
        for record in (
            unrouted(n, authority=hosts[n % 5], path=f"/.env{n}", **_client(n)),
            refused_connection(n, requested_server_name=[None, "x.example.net"][n % 2]),
        )
    ]


def test_a_log_without_trouble_has_no_finding() -> None:
    assert _findings(*_others()) == []


def test_an_empty_log_has_no_finding() -> None:
    assert _findings() == []


def test_scanners_raise_no_alarm() -> None:
    assert _codes(*_others(), *_scan()) == set()


def test_scanners_alone_raise_no_alarm_where_they_ask_for_addresses_only() -> None:
    assert _alarms(*(unrouted(n, authority=f"198.51.100.{n}") for n in range(50))) == []


def test_scanners_that_ask_a_known_host_for_odd_paths_raise_no_alarm() -> None:
    few = [unrouted(n, path=f"/wp-{n}.php", **_client(n)) for n in range(9)]
    of_one_client = [unrouted(n, path="/wp.php") for n in range(0, 200, 5)]

    assert _codes(*(served(n) for n in range(200)), *few) == set()
    assert _alarms(*(served(n) for n in range(200)), *of_one_client) == []


def test_rare_odd_paths_of_a_busy_host_are_no_finding() -> None:
    odd = [unrouted(n * 100, path=f"/wp-{n}.php", **_client(n)) for n in range(15)]

    assert _codes(*(served(n) for n in range(1600)), *odd) == set()


@pytest.mark.parametrize("bad", [refused, reset, _timed_out, _answered_500, _without_endpoints])
def test_one_stray_failure_in_thousands_is_no_finding(bad: Callable[..., Record]) -> None:
    records = [served(n, upstream_host=_PODS[n % 4]) for n in range(3000)]
    records[1500] = bad(1500)

    assert _codes(*records) == set()


def test_the_same_share_of_errors_all_along_has_no_onset() -> None:
    found = _first(
        *((refused if n % 7 == 0 else served)(n / 10, upstream_host=None) for n in range(2000))
    )

    assert (found.code, found.since, found.until) == ("connect_failure", None, None)
    assert (found.requests, found.severity) == (286, Severity.HIGH)


def test_few_failures_all_along_are_not_made_worse_by_standing_close() -> None:
    # Three of 60 are 5 %, wherever they stand.
    bad = {20, 21, 40}
    found = _first(
        *((_without_cluster if n in bad else served)(n) for n in range(60)), *_others(60)
    )

    assert (found.code, found.since, found.until) == ("no_cluster", None, None)
    assert found.severity is Severity.MEDIUM


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        ([500, 503], "5xx"),
        ([503], "503"),
        ([999], "999"),
        ([999, 503, 600], "503, 600 and 999"),
        ([600, 601, 602, 603], "600, 601, 602 and more"),
    ],
)
def test_codes_that_http_does_not_have_are_not_called_5xx(codes: list[int], words: str) -> None:
    found = _first(*(served(n, response_code=codes[n % len(codes)]) for n in range(40)))

    assert (found.code, found.requests) == ("upstream_errors", 40)
    assert found.title == f"shop.shop:80 answers with {words}"


def test_a_pod_that_fails_with_the_others_is_not_named() -> None:
    assert _codes(*_by_pod(reset, _PODS)) == {"upstream_reset"}
    assert _codes(*_by_pod(reset, _PODS[:2])) == {"upstream_reset"}


def test_a_pod_that_fails_by_chance_is_not_named() -> None:
    # Three failures of four pods fall on one of them in one of sixteen logs.
    records = [served(n, upstream_host=_PODS[n % 4]) for n in range(100)]
    for n in (1, 41, 81):
        records[n] = reset(n, upstream_host=_PODS[1])

    assert "bad_upstream_host" not in _codes(*records)


def test_the_only_pod_of_a_service_is_not_named() -> None:
    assert _codes(*_good_then_bad(reset)) == {"upstream_reset"}


def test_the_failures_of_a_bad_pod_are_told_once() -> None:
    assert _codes(*_by_pod(reset)) == {"bad_upstream_host"}


def test_failures_of_a_bad_pod_of_another_cluster_stay() -> None:
    codes = [finding.code for finding in _findings(*_by_pod(reset), *_good_then_bad(
        reset, upstream_cluster="outbound|80||cart.shop.svc.cluster.local", authority="c.example",
    ))]  # fmt: skip

    assert sorted(codes) == ["bad_upstream_host", "upstream_reset"]


def test_a_server_name_equal_to_the_host_is_no_reuse() -> None:
    log = [
        *(served(n, requested_server_name=HOST) for n in range(100)),
        *_others(100),
        *(unrouted(n, path="/x", requested_server_name=HOST, **_client(n)) for n in range(100)),
    ]

    assert "tls_reuse" not in _codes(*log)


def test_a_server_name_in_capitals_is_no_reuse() -> None:
    name = HOST.upper()
    log = [
        *(served(n, requested_server_name=name) for n in range(100)),
        *(unrouted(n, path="/x", requested_server_name=name, **_client(n)) for n in range(100)),
    ]

    assert "tls_reuse" not in _codes(*log)


def test_an_unknown_server_name_is_no_reuse() -> None:
    log = [
        *(served(n) for n in range(100)),
        *(unrouted(n, requested_server_name="stranger.example.net") for n in range(100)),
    ]

    assert "tls_reuse" not in _codes(*log)


def test_reused_connections_are_told_of_the_name_that_most_requests_have() -> None:
    third = "third.example.com"
    log = [
        *(served(n) for n in range(100)),
        *_others(100),
        *(served(n, authority=third) for n in range(100)),
        *(unrouted(n, requested_server_name=_OTHER) for n in range(50)),
        *(unrouted(n, requested_server_name=third, downstream_local_address=f"10.8.0.{n}:8443")
          for n in range(6)),
    ]  # fmt: skip

    (found,) = (finding for finding in _findings(*log) if finding.code == "tls_reuse")
    assert (found.subject, found.requests) == (HOST, 56)
    assert _OTHER in found.title


def test_a_host_routed_and_unrouted_by_turns_is_not_lost() -> None:
    by_turns = [(unrouted if n % 3 == 0 else served)(n, **_client(n)) for n in range(200)]

    codes = _codes(*by_turns)
    assert not codes & {"lost_host", "lost_route", "unrouted_host"}
    assert codes == {"unrouted_path"}


def _paths(bad: range, *, unlike: str | None = None, count: int = 900) -> list[Record]:
    """Return requests for three paths, of which the first, or all, have no route for a while."""
    paths = ("/cart", "/pay", "/items/7")
    return [
        (unrouted if n in bad and unlike in {None, paths[n % 3]} else served)(
            n, path=paths[n % 3], **_client(n)
        )
        for n in range(count)
    ]


@pytest.mark.parametrize(("lost", "severity"), [("/cart", "HIGH"), (None, "CRITICAL")])
def test_a_route_that_was_lost_and_came_back_says_from_when_to_when(
    lost: str | None, severity: str
) -> None:
    found = _first(*_paths(range(300, 500), unlike=lost))

    assert (found.code, found.severity.name) == ("lost_route", severity)
    shown = "/cart" if lost else "/cart, /pay, /items/{id}"
    assert found.title == f"{HOST} lost the route of {shown} and got it back"
    assert (found.since, found.until) == (us(300), us(498 if lost else 499))
    assert found.next.startswith("It works now.")


def test_a_gateway_that_lacks_a_route_for_a_while_is_named() -> None:
    behind = {"downstream_local_address": "10.8.0.7:8443"}
    log = _paths(range(300, 500))
    log = [record | (behind if n % 2 else {}) for n, record in enumerate(log)]
    log = [
        served(n, path=record["path"]) if record["response_flags"] == "NR" and not n % 2 else record
        for n, record in enumerate(log)
    ]

    assert _first(*log).title.endswith(", only at gateway 10.8.0.7, 1 of 2")


def test_paths_that_lose_their_route_again_and_again_are_routed_at_times() -> None:
    log = [(unrouted if n % 100 >= 80 else served)(n, **_client(n)) for n in range(1000)]

    assert "at times and at times not" in _first(*log).title


@pytest.mark.parametrize(
    ("length", "state"),
    [(1000, Severity.INFO), (400, Severity.MEDIUM)],
    ids=["long ago", "just now"],
)
def test_a_host_that_got_its_route_long_ago_is_no_trouble(length: int, state: Severity) -> None:
    log = [
        *_others(length),
        *((unrouted if n < 200 else served)(n, **_client(n)) for n in range(100, length)),
    ]
    found = _first(*log)

    assert (found.code, found.severity) == ("unrouted_host", state)


def test_the_last_requests_of_a_drained_gateway_do_not_undo_a_loss() -> None:
    log = [
        *(served(n) for n in range(1000)),
        *(unrouted(n) for n in range(1000, 2000)),
        *(served(n + 0.5) for n in range(1000, 1020)),
    ]

    assert _first(*log).code == "lost_host"


def test_a_path_lost_for_one_method_is_lost_for_this_method() -> None:
    log = [
        *(served(n, method="POST") for n in range(100)),
        *(served(n) for n in range(200)),
        *(unrouted(n, method="POST") for n in range(100, 200)),
    ]

    found = _first(*log)
    assert (found.code, found.requests, found.since) == ("lost_route", 100, us(100))


def test_a_stranger_that_is_refused_is_no_lost_name() -> None:
    assert _codes(*_others(), *(refused_connection(n) for n in range(50))) == set()


def test_a_name_refused_before_it_was_ever_served_is_not_lost() -> None:
    log = [
        *(refused_connection(n, requested_server_name=HOST) for n in range(50)),
        *(served(n, requested_server_name=HOST) for n in range(50, 200)),
    ]

    assert "lost_tls_name" not in _codes(*log)


def test_a_lost_tls_name_is_found_in_capitals_too() -> None:
    name = "Db.Example.com"
    log = [
        *(connection(n, requested_server_name=name) for n in range(50)),
        *(refused_connection(n, requested_server_name=name) for n in range(50, 90)),
        *_others(),
    ]

    assert _first(*log).code == "lost_tls_name"


def test_the_legacy_blackhole_of_scanned_addresses_only_raises_no_alarm_beside_traffic() -> None:
    scans = [_blackholed(n, authority=f"198.51.100.{n % 20}", **_client(n)) for n in range(60)]

    assert _alarms(*map(_no_details, _others()), *scans) == []


def test_a_blackhole_that_ended_says_when() -> None:
    log = [
        *(_blackholed(n) for n in range(60)),
        *(_no_details(record) for record in _others(200)),
    ]

    found = _first(*log)
    assert (found.code, found.subject, found.until) == ("unrouted_host", HOST, us(59))
    assert (found.state, found.severity) == ("ended", Severity.CRITICAL)
    assert found.next.startswith("The gateway has routes since then. To route this name too, ")


def test_an_application_s_own_404_is_no_finding_beside_other_traffic() -> None:
    asked = [served(n, response_code=404) for n in range(0, 100, 4)]

    assert _codes(*asked, *_others(400)) == set()


def test_answers_4xx_that_are_all_there_is_are_told_and_are_no_alarm_above_medium() -> None:
    found = _first(*(served(n, response_code=404) for n in range(100)))

    assert (found.code, found.failure, found.severity) == (
        "refused_jump", "upstream_4xx", Severity.MEDIUM,
    )  # fmt: skip


def test_clients_that_leave_at_once_since_a_moment_are_told() -> None:
    found = _first(*_good_then_bad(_gone, duration=120))

    assert (found.code, found.since) == ("clients_give_up", us(100))


def test_a_few_clients_that_leave_are_no_finding() -> None:
    left = [_gone(n, **_client(n)) for n in range(0, 200, 50)]

    assert _codes(*(served(n) for n in range(200)), *left) == set()


def test_a_pod_not_much_slower_than_the_others_is_not_named() -> None:
    slower = [_taking(110 if n % 4 == 1 else 40, n, upstream_host=_PODS[n % 4]) for n in range(240)]
    quick = [_taking(40 if n % 4 == 1 else 4, n, upstream_host=_PODS[n % 4]) for n in range(240)]
    rare = [_taking(400 if n % 4 == 1 else 40, n, upstream_host=_PODS[n % 4]) for n in range(192)]

    assert _codes(*slower) == _codes(*quick) == _codes(*rare) == set()


def test_a_part_of_an_ambiguous_split_is_not_compared() -> None:
    clusters = [
        f"outbound|80||{name}.shop.svc.cluster.local" for name in ("slow", "quick", "quick")
    ]
    log = [
        _taking(30 if n % 3 else 300, n, route_name=None, upstream_host=None,
                upstream_cluster=clusters[n % 3])
        for n in range(180)
    ]  # fmt: skip

    assert _codes(*log) == set()
    assert _codes(*({**record, "route_name": "named"} for record in log)) == {"slow_upstream"}


def test_pods_of_a_log_without_clusters_are_compared() -> None:
    log = without(
        (_taking(400 if n % 4 == 1 else 40, n, upstream_host=_PODS[n % 4]) for n in range(240)),
        "upstream_cluster",
    )

    assert "slow_upstream" in _codes(*log)


@pytest.mark.parametrize("other", ["svc_5000", CLUSTER])
def test_opaque_clusters_can_be_parts_of_a_split(other: str) -> None:
    log = [
        _taking(400 if n % 4 == 1 else 40, n, upstream_host=None,
                upstream_cluster=["svc_5001", "svc_5002", other][n % 4 % 3])
        for n in range(240)
    ]  # fmt: skip

    (found,) = _findings(*log)
    assert (found.code, found.subject) == ("slow_upstream", "svc_5002")


def test_a_log_without_times_still_tells_what_fails() -> None:
    log = [*(served(None) for _ in range(10)), *(refused(None) for _ in range(90))]

    found = _first(*log)
    assert (found.code, found.since, found.until) == ("connect_failure", None, None)
    assert found.severity is Severity.CRITICAL


def test_requests_without_a_time_among_others_do_not_hide_a_failure() -> None:
    log = [
        *(served(n) for n in range(10)),
        *(refused(None) for _ in range(90)),
    ]

    found = _first(*log)
    assert (found.code, found.requests, found.of) == ("connect_failure", 90, 100)
    assert found.severity is Severity.CRITICAL


def test_without_times_nothing_is_called_lost() -> None:
    log = [*(served(None) for _ in range(50)), *(unrouted(None) for _ in range(50))]

    assert not _codes(*log) & {"lost_host", "lost_route"}


def test_damaged_lines_are_told() -> None:
    text = text_of(served(n) for n in range(95))
    for bad, told in ((b"\x00\n" * 5, True), (b"", False), (b"agent text\n" * 50, False)):
        found = summarize(tally_sources([source_of(text + bad)])).findings
        assert [finding.code for finding in found] == ["log_incomplete"] * told
        assert all(finding.severity is Severity.MEDIUM for finding in found)


def test_values_that_cannot_be_read_are_counted_and_left_to_the_accounts() -> None:
    log = [served(n, duration="soon" if n % 4 == 0 else 12) for n in range(100)]
    found = next(f for f in summary_of(log).findings if f.code == "log_incomplete")

    assert found.title.endswith("25 values of duration_ms can't be read")
    assert "soon" not in found.title + found.next


def test_sources_that_could_not_be_unpacked_are_told() -> None:
    text = text_of(served(n) for n in range(200))
    packed = gzip.compress(text)
    cut = [source_of(packed[:-1], f"{n}.gz") for n in range(4)]

    (one,) = summarize(tally_sources([source_of(text), cut[0]])).findings
    (many,) = summarize(tally_sources([*cut, source_of(packed + b"x", "4.gz")])).findings

    assert (one.code, one.severity, one.subject) == ("log_incomplete", Severity.MEDIUM, "log")
    assert "1 of 2 sources could not be read to the end (truncated_gzip)" in one.title
    assert one.next == "Get these sources again, unpack them or make them readable: 0.gz."
    assert "5 of 5 sources" in many.title
    assert "(damaged_gzip, truncated_gzip)" in many.title
    assert many.next.endswith("0.gz, 1.gz, 2.gz and 2 more.")


def test_one_damaged_line_in_hundreds_is_not_told() -> None:
    text = text_of(served(n) for n in range(200)) + b"\x00\n"

    assert summarize(tally_sources([source_of(text)])).findings == ()


def test_the_incident_of_a_generated_log_is_found() -> None:
    for era in generator.Era:
        data = b"".join(generator.lines(12_000, seed=4, era=era))
        found = {f.code: f for f in reversed(summarize(tally_sources([source_of(data)])).findings)}

        assert found["lost_host"].subject == generator.LOST_HOST
        assert found["connect_failure"].subject == generator.BROKEN_CLUSTER
        assert found["bad_upstream_host"].subject == generator.BAD_UPSTREAM_HOST
        assert all(found[code].since for code in ("lost_host", "connect_failure"))


@pytest.mark.parametrize("era", [generator.Era.V1_8, generator.Era.V1_28])
def test_a_generated_log_without_an_incident_has_nothing_critical(era: generator.Era) -> None:
    data = b"".join(generator.lines(12_000, seed=4, era=era, incident=False))

    found = summarize(tally_sources([source_of(data)])).findings

    assert [finding.code for finding in found if finding.severity is Severity.CRITICAL] == []


# --- Gateways and upstream hosts ----------------------------------------------------------------


def test_a_finding_says_on_how_many_gateways_it_shows() -> None:
    log = [
        (refused if n % 3 == 0 else served)(n, downstream_local_address=f"10.8.0.{n % 3}:8443")
        for n in range(90)
    ]

    found = _first(*log)
    assert (found.code, found.gateways) == ("connect_failure", (1, 3))


def test_refused_connections_show_on_no_more_gateways_than_there_are() -> None:
    log = [
        *(served(n, requested_server_name=HOST) for n in range(100)),
        *(refused_connection(n, requested_server_name=HOST,
                             downstream_local_address=f"10.8.0.{n % 3}:8443")
          for n in range(100, 130)),
    ]  # fmt: skip

    found = _first(*log)
    assert (found.code, found.gateways) == ("lost_tls_name", (3, 4))


def test_a_finding_says_on_how_many_upstream_hosts_it_shows() -> None:
    found = _first(*_by_pod(reset, _PODS[:2]))

    assert (found.code, found.upstream_hosts) == ("upstream_reset", (2, 4))


def test_failures_without_a_cluster_are_told_apart_from_those_of_a_cluster() -> None:
    elsewhere = {"upstream_cluster": None, "downstream_local_address": "10.8.0.9:8443"}
    log = [
        *(served(n) for n in range(100, 200)),
        *(_without_endpoints(n) for n in range(100, 150)),
        *(_without_endpoints(n, **elsewhere) for n in range(0, 200, 10)),
    ]

    found = {finding.subject: finding for finding in _findings(*log)}
    of_cluster, of_host = found[CLUSTER], found[HOST]
    assert (of_cluster.requests, of_cluster.of) == (50, 100)
    assert (of_host.requests, of_host.of) == (20, 170)
    assert (of_cluster.gateways, of_host.gateways) == ((1, 2), (1, 2))
    assert of_host.severity is Severity.HIGH


# --- What to do next ----------------------------------------------------------------------------


def _bad_pod(*addresses: str) -> str:
    """Return what to do next about the first of some pods."""
    found = _first(
        *(
            (reset if n >= 100 and n % 4 == 0 else served)(n, upstream_host=addresses[n % 4])
            for n in range(200)
        )
    )
    assert (found.code, found.subject) == ("bad_upstream_host", addresses[0])
    return found.next


def test_a_bad_pod_is_looked_for_by_its_address() -> None:
    assert "10.8.1.2" in _bad_pod(*_PODS)
    assert "10.8.1.2:8080" not in _bad_pod(*_PODS)


def test_an_ipv6_address_is_looked_for_as_kubectl_prints_it() -> None:
    command = _bad_pod(*(f"[fd00::{n}]:8080" for n in range(1, 5)))

    assert "fd00::1" in command
    assert "[" not in command


@pytest.mark.parametrize("address", ["$(id):80", "a;id:80", "`id`", "10.8.1.2 | id"])
def test_no_text_of_a_log_becomes_part_of_a_command(address: str) -> None:
    assert "id" not in _bad_pod(address, *_PODS[1:]).split()
    assert address not in _bad_pod(address, *_PODS[1:])


@pytest.mark.parametrize("host", ["$(id).example.com", "a;id", "-rf", "shop.example.com|id"])
def test_no_host_becomes_part_of_a_command_unless_it_is_plain(host: str) -> None:
    log = [
        *(served(n, authority=host) for n in range(50)),
        *(unrouted(n, authority=host) for n in range(50, 100)),
    ]

    found = _first(*log)
    assert (found.code, found.subject) == ("lost_host", host)
    assert host not in found.next


# --- Severity and order -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("requests", "of", "severity"),
    [
        (50, 100, Severity.CRITICAL),
        (49, 100, Severity.HIGH),
        (10, 100, Severity.HIGH),
        (9, 100, Severity.MEDIUM),
        (1, 100, Severity.MEDIUM),
        (9, 1000, Severity.INFO),
        (9, 9, Severity.HIGH),
        (3, 3, Severity.HIGH),
        (2, 2, Severity.MEDIUM),
        (1, 1, Severity.MEDIUM),
        (0, 0, Severity.INFO),
    ],
)
def test_severity_is_by_share_and_a_handful_is_never_critical(
    requests: int, of: int, severity: Severity
) -> None:
    assert severity_of(requests, of) is severity


@pytest.mark.parametrize(
    ("requests", "of", "told"),
    [
        (1, 5, True), (1, 6, False), (2, 200, True), (2, 201, False),
        (50, 50_000, True), (49, 49_000, False), (50, 50_001, False), (0, 0, False),
    ],
)  # fmt: skip
def test_crumbs_are_not_told(requests: int, of: int, told: bool) -> None:  # noqa: FBT001
    assert worth_telling(requests, of) is told


def _finding(code: str, severity: Severity, requests: int, subject: str = "a") -> Finding:
    return Finding(code, severity, Actor.UPSTREAM, subject, "title", requests, requests, "next")


def test_findings_stand_by_severity_then_requests_then_kind_then_subject() -> None:
    in_order = [
        _finding("log_incomplete", Severity.CRITICAL, 1),
        _finding("overflow", Severity.HIGH, 9),
        _finding("lost_host", Severity.HIGH, 5),
        _finding("overflow", Severity.HIGH, 5, "a"),
        _finding("overflow", Severity.HIGH, 5, "b"),
        _finding("lost_host", Severity.INFO, 99),
    ]

    assert ranked(in_order[::-1]) == in_order
