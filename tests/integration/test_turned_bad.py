"""A real Envoy as judge of verdicts: hosts that were served, and from one moment on are not.

Each ends in a way of its own (``lab/stories/turned_bad_scenarios.py``). What
Envoy logs of it is held fast here, and that a finding names the host or its
service, since when, and who must act.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from envoylogs.envoy.harm import Actor
from envoylogs.keyed.decoding import batches
from envoylogs.pipeline import tally_sources
from envoylogs.sources.locate import locate
from envoylogs.summary.findings.finding import Finding, Severity
from envoylogs.summary.summary import Summary, summarize

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs 127.0.0.2, which Linux has")

_NETWORK = f"127.{os.getpid() % 250 + 1}.0"
"""Loopback addresses of this process, so that two test runs do not meet."""

_BEFORE, _AFTER = "upstream_reset_before_response_started", "upstream_reset_after_response_started"
_JWT, _RBAC = "jwt_authn_access_denied", "rbac_access_denied_matched_policy"
_GATEWAY = {Actor.CONFIGURATION, Actor.POLICY, Actor.OPERATOR}
_REFUSES = {Actor.POLICY, Actor.CLIENT}
_LIMITS = {Actor.POLICY}
_ANY_LIMIT = {Actor.POLICY, Actor.UPSTREAM}
_DEPENDS = {Actor.OPERATOR}
_BEHIND = {Actor.UPSTREAM}
_TIMED_OUT = {"upstream_timeout", "broken_response"}


@dataclass(frozen=True, slots=True)
class Told:
    """What is expected of a scenario.

    Attributes:
        name: The first part of its host and of its service.
        logged: Code, flags and the beginning of the details, as Envoy 1.40 logs them.
        outcome: What became of its requests.
        codes: One finding of these tells of it.
        who: One of these must act.
        change: Which change of the story makes it bad.
    """

    name: str
    logged: tuple[int, str, str]
    outcome: str
    codes: set[str]
    who: set[Actor]
    change: int = 0

    @property
    def host_or_service(self) -> str:
        """A pattern of either name."""
        return rf"(?<![\w.-]){re.escape(self.name)}\.(?:example\.com|shop)\b"


_ERRORS, _REFUSED, _DEPENDENCY = {"gateway_errors"}, {"refused_jump"}, {"dependency_failed"}
_TOLD = (
    Told("direct-503", (503, "-", "direct_response"), "direct_response", _ERRORS, _GATEWAY),
    Told("direct-500", (500, "-", "direct_response"), "direct_response", _ERRORS, _GATEWAY),
    Told("script", (503, "-", "lua_response"), "gateway_other", _ERRORS, _GATEWAY),
    Told("token-missing", (401, "-", f"{_JWT}{{Jwt_is_missing}}"), "denied", _REFUSED, _REFUSES),
    Told(
        "key-unknown",
        (401, "-", f"{_JWT}{{Jwks_doesn't_have_key_to_match_kid_or_alg_from_Jwt}}"),
        "denied", _REFUSED, _REFUSES,
    ),
    Told(
        "rbac-deny",
        (403, "-", f"{_RBAC}[ns[shop]-policy[closed]-rule[0]]"), "denied", _REFUSED, _REFUSES,
    ),
    Told("rbac-nobody", (403, "-", f"{_RBAC}[none]"), "denied", _REFUSED, _REFUSES),
    Told("grpc-denied", (200, "-", f"{_RBAC}[closed]"), "denied", _REFUSED, _REFUSES),
    Told("authz-no", (403, "UAEX", "ext_authz_denied"), "denied", _REFUSED, _REFUSES),
    Told("origin", (403, "-", "csrf_origin_mismatch"), "denied", _REFUSED, _REFUSES),
    Told("limit-local", (429, "RL", "local_rate_limited"), "rate_limited", _REFUSED, _REFUSES),
    Told("limit-global", (429, "RL", "request_rate_limited"), "rate_limited", _REFUSED, _REFUSES),
    Told(
        "keys-gone", (401, "-", f"{_JWT}{{Jwks_remote_fetch_is_failed}}"),
        "dependency_failed", _DEPENDENCY, _DEPENDS,
    ),
    Told(
        "authz-gone", (503, "UAEX", "ext_authz_error"), "dependency_failed", _DEPENDENCY, _DEPENDS
    ),
    Told(
        "authz-gone-grpc",
        (403, "UAEX", "ext_authz_error"), "dependency_failed", _DEPENDENCY, _DEPENDS,
    ),
    Told(
        "authz-stuck", (403, "UAEX", "ext_authz_error"), "dependency_failed", _DEPENDENCY, _DEPENDS
    ),
    Told(
        "limiter-gone",
        (500, "RLSE", "rate_limiter_error"), "dependency_failed", _DEPENDENCY, _DEPENDS,
    ),
    Told(
        "processor-gone",
        (500, "-", "ext_proc_error_gRPC_error_14{"), "dependency_failed", _DEPENDENCY, _DEPENDS,
    ),
    Told("route-timeout", (504, "UT", "response_timeout"), "upstream_timeout", _TIMED_OUT, _BEHIND),
    Told(
        "try-timeout",
        (504, "URX,UT", "upstream_per_try_timeout"), "upstream_timeout", _TIMED_OUT, _BEHIND,
    ),
    Told(
        "try-idle",
        (504, "UT", "upstream_per_try_idle_timeout"), "upstream_timeout", _TIMED_OUT, _BEHIND,
    ),
    Told("grpc-timeout", (200, "UT", "response_timeout"), "upstream_timeout", _TIMED_OUT, _BEHIND),
    Told("idle", (504, "SI", "stream_idle_timeout"), "upstream_timeout", _TIMED_OUT, _ANY_LIMIT),
    # A limit of route or proxy sets no flag.
    Told(
        "route-duration",
        (504, "-", "max_duration_timeout"), "upstream_timeout", _TIMED_OUT, _LIMITS,
    ),
    Told(
        "proxy-duration",
        (504, "-", "max_duration_timeout"), "upstream_timeout", _TIMED_OUT, _LIMITS,
    ),
    Told(
        "cluster-duration",
        (504, "UMSDR", "upstream_max_stream_duration_reached"),
        "upstream_timeout", _TIMED_OUT, _LIMITS,
    ),
    Told(
        "begun-timeout", (200, "UT", "response_timeout"), "broken_response", _TIMED_OUT, _ANY_LIMIT
    ),
    Told(
        "begun-idle", (200, "SI", "stream_idle_timeout"), "broken_response", _TIMED_OUT, _ANY_LIMIT
    ),
    Told(
        "begun-duration",
        (200, "-", "max_duration_timeout"), "broken_response", _TIMED_OUT, _LIMITS,
    ),
    Told(
        "begun-proxy-duration",
        (200, "-", "max_duration_timeout"), "broken_response", _TIMED_OUT, _LIMITS,
    ),
    Told(
        "begun-cluster-duration",
        (200, "UMSDR", "upstream_max_stream_duration_reached"),
        "broken_response", _TIMED_OUT, _LIMITS,
    ),
    Told(
        "left", (0, "DC", "downstream_remote_disconnect"), "client_gone",
        {"clients_give_up", "slow_upstream"}, {Actor.CLIENT, Actor.UPSTREAM},
    ),
    *(
        Told(
            name, (502, "UPE", f"{_BEFORE}{{protocol_error}}"), "upstream_reset",
            {"upstream_reset", "broken_response"}, {*_BEHIND, Actor.CONFIGURATION},
        )
        for name in ("garbage", "two-lengths", "takes-http1", "takes-http2")
    ),
    # A body shorter than its length is as much against HTTP as a chunk without one.
    *(
        Told(
            name, (200, "UPE", f"{_AFTER}{{protocol_error}}"),
            "broken_response", {"broken_response"}, _BEHIND,
        )
        for name in ("begun-chunk", "truncated")
    ),
    Told(
        "reset",
        (503, "UC", f"{_BEFORE}{{connection_termination}}"),
        "upstream_reset", {"upstream_reset"}, _BEHIND,
    ),
    Told("failing", (503, "-", "via_upstream"), "upstream_5xx", {"upstream_errors"}, _BEHIND),
    # The upstream answered; what was full is the circuit breaker of retries.
    Told("retries-full", (503, "UO", "via_upstream"), "upstream_5xx", {"upstream_errors"}, _BEHIND),
    Told(
        "silent",
        (503, "UF", f"{_BEFORE}{{connection_timeout}}"),
        "connect_failure", {"connect_failure"}, _BEHIND,
    ),
    Told(
        "dead",
        (503, "UF", f"{_BEFORE}{{remote_connection_failure|delayed_connect_error:"),
        "connect_failure", {"connect_failure"}, _BEHIND,
    ),
    Told(
        "plain",
        (503, "UF", f"{_BEFORE}{{remote_connection_failure|TLS_error:"),
        "connect_failure", {"connect_failure"}, {*_BEHIND, Actor.CONFIGURATION},
    ),
    Told(
        "pool-full", (503, "UO", f"{_BEFORE}{{overflow}}"), "overflow", {"overflow"}, _ANY_LIMIT
    ),
    Told(
        "body-large", (413, "-", "request_payload_too_large"), "client_error",
        {*_ERRORS, *_REFUSED}, {*_GATEWAY, Actor.CLIENT},
    ),
    Told(
        "answer-large",
        (500, "-", "response_payload_too_large"), "gateway_other", _ERRORS, _GATEWAY,
    ),
    Told(
        "retry-large", (507, "-", "request_payload_exceeded_retry_buffer_limit"),
        "gateway_other", _ERRORS, _GATEWAY,
    ),
    Told(
        "upload-slow", (408, "-", "request_overall_timeout"), "client_error",
        {*_ERRORS, *_REFUSED}, {*_GATEWAY, Actor.CLIENT},
    ),
    Told("crowded", (503, "-", "overload"), "overflow", {"overflow"}, _GATEWAY, change=1),
)  # fmt: skip

_MOVED = {
    "takes-http1", "takes-http2", "silent", "dead", "plain", "pool-full",
    "cluster-duration", "begun-cluster-duration",
}  # fmt: skip
"""Their routes lead to another part of the service, of which nothing was seen before."""


def _for(told: Iterable[Told]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("told", [pytest.param(each, id=each.name) for each in told])


_BUCKET_US = 1_000_000
_AMONG_THE_WELL = 2
"""A finding may leave out so many of the second in which its host turned bad."""

_EACH = _for(_TOLD)
_SERVED_BY_THE_SAME = _for(told for told in _TOLD if told.name not in _MOVED)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from lab.run import run_story

    path = tmp_path_factory.mktemp("turned-bad")
    run_story("turned-bad", path, network=_NETWORK)
    return path


@pytest.fixture(scope="module")
def changes(folder: Path) -> list[int]:
    """When all but a few turned bad, and when the gateway was overloaded: microseconds."""
    found = json.loads((folder / "manifest.json").read_text())["changes"]
    return [round(datetime.fromisoformat(change["at"]).timestamp() * 1e6) for change in found]


@pytest.fixture(scope="module")
def changed(changes: list[int]) -> int:
    return changes[0]


@pytest.fixture(scope="module")
def summary(folder: Path) -> Summary:
    return _summary(folder)


@pytest.fixture(scope="module")
def records(folder: Path) -> pl.DataFrame:
    found = batches(locate([str(folder / "*.json.log")]))
    frame = pl.concat([batch.frame for batch in found if batch.frame is not None])
    return frame.with_columns(
        pl.col("start_time").dt.epoch("us").alias("at"),
        pl.col("downstream_local_address").str.split(":").list.last().alias("port"),
    )


def _summary(folder: Path) -> Summary:
    return summarize(tally_sources(locate([str(folder / "*.json.log")])))


def _bad(records: pl.DataFrame, told: Told, changes: list[int]) -> pl.DataFrame:
    """Return the records of a host that ended as it must since it turned bad.

    On a busy machine a few end otherwise: the upstream is late before it has begun to answer.
    """
    code, flags, details = told.logged
    return records.filter(
        pl.col("authority") == f"{told.name}.example.com",
        pl.col("at") >= changes[told.change],
        pl.col("response_code") == code,
        pl.col("response_flags").fill_null("-") == flags,
        pl.col("response_code_details").str.starts_with(details),
    )


def _telling(summary: Summary, codes: set[str], name: str) -> Finding:
    """Return the worst finding of one of some codes that has a name, a pattern, anywhere."""
    naming = [finding for finding in summary.findings if re.search(name, str(finding))]
    found = [finding for finding in naming if finding.code in codes]
    assert found, [finding.code for finding in naming]
    return found[0]


def _began(finding: Finding) -> int:
    """When a finding began, also where it was never well: a service that is new."""
    began = finding.since or finding.first_seen
    assert began is not None
    return began


def _first(bad: pl.DataFrame) -> int:
    first: int = min(bad["at"].to_list())
    return first


def test_all_scenarios_of_the_story_are_looked_at() -> None:
    from lab.stories.turned_bad_scenarios import SCENARIOS

    assert {told.name for told in _TOLD} == {"crowded", *(each.name for each in SCENARIOS)}


@_EACH
def test_each_host_is_served_first(records: pl.DataFrame, told: Told, changes: list[int]) -> None:
    host = pl.col("authority") == f"{told.name}.example.com"
    before = records.filter(host, pl.col("at") < changes[told.change])

    assert before.height >= 15
    assert set(before["outcome"]) == {"served"}


@_EACH
def test_envoy_logs_each_end_as_it_is_known_here(
    records: pl.DataFrame, told: Told, changes: list[int]
) -> None:
    host = pl.col("authority") == f"{told.name}.example.com"
    after = records.filter(host, pl.col("at") >= changes[told.change])
    seen = after.select("response_code", "response_flags", "response_code_details")

    assert _bad(records, told, changes).height >= 20, seen.rows()


@_EACH
def test_each_end_has_its_outcome(records: pl.DataFrame, told: Told, changes: list[int]) -> None:
    assert set(_bad(records, told, changes)["outcome"]) == {told.outcome}


@_EACH
def test_each_host_that_turned_bad_is_named(
    summary: Summary, records: pl.DataFrame, told: Told, changes: list[int]
) -> None:
    finding = _telling(summary, told.codes, told.host_or_service)

    assert finding.severity <= Severity.HIGH
    assert finding.requests >= _bad(records, told, changes).height - _AMONG_THE_WELL


@_EACH
def test_each_finding_begins_when_its_host_turned_bad_right_to_the_second(
    summary: Summary, records: pl.DataFrame, told: Told, changes: list[int]
) -> None:
    finding = _telling(summary, told.codes, told.host_or_service)

    # Earlier than that of the host where it tells of several.
    first = _first(_bad(records, told, changes))
    assert changes[told.change] <= _began(finding) <= first + _BUCKET_US


@_SERVED_BY_THE_SAME
def test_each_finding_counts_from_then_on_and_not_what_was_well_before(
    summary: Summary, told: Told
) -> None:
    finding = _telling(summary, told.codes, told.host_or_service)

    assert finding.since is not None
    assert finding.requests == finding.of


@_EACH
def test_each_finding_says_who_must_act(summary: Summary, told: Told) -> None:
    assert _telling(summary, told.codes, told.host_or_service).who in told.who


@pytest.mark.parametrize(
    ("port", "service"), [("9000", r"tcp-refused\.shop"), ("9001", r"tcp-silent\.shop")]
)
def test_tcp_connections_that_fail_are_named_with_when_and_who(
    summary: Summary, records: pl.DataFrame, changed: int, port: str, service: str
) -> None:
    bad = records.filter(pl.col("port") == port, pl.col("at") >= changed)
    assert set(bad.select("outcome", "response_flags").rows()) == {("tcp_failed", "UF,URX")}

    finding = _telling(summary, {"connections_failed"}, service)

    assert finding.severity <= Severity.HIGH
    assert finding.requests >= bad.height - _AMONG_THE_WELL
    assert changed <= _began(finding) <= _first(bad) + _BUCKET_US
    assert finding.who in {Actor.UPSTREAM, Actor.CONFIGURATION}


def test_why_a_tcp_connection_was_refused_is_logged_and_of_a_silent_one_only_how_long_it_took(
    records: pl.DataFrame, changed: int
) -> None:
    bad = records.filter(pl.col("at") >= changed)
    refused, silent = (bad.filter(pl.col("port") == port) for port in ("9000", "9001"))

    assert set(refused["upstream_transport_failure_reason"]) == {
        "delayed_connect_error:_Connection_refused"
    }
    assert silent["upstream_transport_failure_reason"].is_null().all()
    # When one attempt is over, Envoy fails all that wait for the same address, so only those that
    # came to an idle pool took the whole half second.
    assert 490 <= max(silent["duration_ms"].to_list()) < 2000


def test_a_server_name_that_is_refused_is_named_with_when_and_who(
    summary: Summary, records: pl.DataFrame, changed: int
) -> None:
    named = pl.col("requested_server_name") == "named.example.com"
    bad = records.filter(named, pl.col("at") >= changed)
    assert set(bad["outcome"]) == {"no_filter_chain"}

    finding = _telling(summary, {"lost_tls_name", "connections_refused"}, r"named\.example\.com")

    assert finding.severity <= Severity.HIGH
    assert changed <= _began(finding) <= _first(bad) + _BUCKET_US
    assert finding.who is Actor.CONFIGURATION


def test_connections_without_a_server_name_that_were_accepted_before_are_told(
    summary: Summary, records: pl.DataFrame, changed: int
) -> None:
    nameless = pl.col("requested_server_name").is_null() & (pl.col("port") == "8443")
    bad = records.filter(nameless, pl.col("at") >= changed)
    assert set(bad["response_code_details"]) == {"filter_chain_not_found"}

    finding = _telling(summary, {"connections_refused"}, ":8443")

    assert finding.requests >= bad.height - _AMONG_THE_WELL >= 20
    assert changed <= _began(finding) <= _first(bad) + _BUCKET_US
    assert finding.who in {Actor.CLIENT, Actor.CONFIGURATION}


def test_nothing_is_said_of_who_is_well(summary: Summary) -> None:
    names = ("steady.example.com", "steady.shop", "secure.example.com")
    said = [f for f in summary.findings if any(name in f"{f.subject} {f.title}" for name in names)]

    assert said == []


def test_a_gateway_that_accepts_no_connection_at_all_is_told(tmp_path: Path) -> None:
    from lab.run import run_story

    run_story("nothing-accepted", tmp_path, network=_NETWORK)

    found = _summary(tmp_path)

    assert found.overview.connections == 30
    finding = _telling(found, {"connections_refused"}, ":8443")
    assert finding is found.findings[0]
    assert finding.severity <= Severity.HIGH
    assert finding.requests == 30
    assert finding.who in {Actor.CLIENT, Actor.CONFIGURATION}
