"""Harm that no single record shows is told, and what only looks like it is not."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from tests.handmade import (
    HOST,
    Record,
    failed,
    refused_connection,
    served,
    source_of,
    summary_of,
    text_of,
    unrouted,
    us,
)

from envoylogs.envoy.harm import Actor
from envoylogs.keyed.plan import ReadPlan
from envoylogs.keyed.selection import Selection
from envoylogs.pipeline import tally_sources
from envoylogs.summary.findings.finding import Severity
from envoylogs.summary.summary import summarize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from envoylogs.summary.findings.finding import Finding

_OTHER = {"authority": "other.example.com",
          "upstream_cluster": "outbound|80||other.shop.svc.cluster.local"}  # fmt: skip


def _by(client: int) -> Record:
    address = f"192.0.2.{client % 200}"
    return {"downstream_remote_address": f"{address}:40000", "x_forwarded_for": address}


def _ok(seconds: float, **changes: Any) -> Record:
    return served(seconds, **_by(int(seconds)) | changes)


def _other(seconds: float, **changes: Any) -> Record:
    return _ok(seconds, **_OTHER | changes)


def _denied(seconds: float, **changes: Any) -> Record:
    details = "rbac_access_denied_matched_policy[none]"
    by = _by(int(seconds))
    return failed(
        seconds, 403, "-", details, **{"upstream_host": None, "duration": 0} | by | changes
    )


def _left(seconds: float, after_ms: int, **changes: Any) -> Record:
    by = _by(int(seconds)) | {"duration": after_ms}
    return failed(seconds, 0, "DC", "downstream_remote_disconnect", **by | changes)


def _told(log: Iterable[Record], code: str) -> list[Finding]:
    """Return the findings above info of a code."""
    findings = summary_of(log).findings
    return [found for found in findings if found.code == code and found.severity < Severity.INFO]


def _selected(log: Iterable[Record], found: Finding) -> int:
    selection = Selection.of({}, where=found.condition)
    source = source_of(text_of(log))
    return summarize(tally_sources([source], plan=ReadPlan(selection=selection))).overview.requests


# --- Refusals of some paths ---------------------------------------------------------------------


def _shop(count: int = 1800) -> list[Record]:
    return [_ok(n, path="/shop") for n in range(count)]


def test_a_path_that_is_refused_since_a_moment_is_named_with_it() -> None:
    log = [*_shop(), *((_denied if n >= 900 else _ok)(n, path="/admin/users")
                       for n in range(0, 1800, 5))]  # fmt: skip

    (found,) = _told(log, "refused_jump")

    assert (found.subject, found.failure, found.since) == (HOST, "policy_denied", us(900))
    assert (found.requests, found.of) == (180, 1080)
    assert found.title == f"/admin/users of {HOST}: an AuthorizationPolicy denies access"
    assert found.proof is not None
    assert "180 requests of these paths were served before, none since" in found.proof
    assert _selected(log, found) == 180


def test_a_path_with_a_share_too_small_for_its_host_is_named() -> None:
    log = [*_shop(3600), *((_denied if n >= 1800 else _ok)(n, path="/admin")
                           for n in range(0, 3600, 60))]  # fmt: skip

    (found,) = _told(log, "refused_jump")

    assert (found.requests, found.of, found.since) == (30, 1830, us(1800))
    assert found.severity is Severity.MEDIUM


def test_paths_of_many_hosts_that_are_refused_since_one_moment_are_told_once() -> None:
    hosts = [f"shop{number}.example.com" for number in range(3)]
    log = [record for host in hosts for n in range(1800)
           for record in (_ok(n, authority=host, path="/shop"),
                          (_denied if n >= 900 else _ok)(n, authority=host, path="/admin"))
           if record["path"] == "/shop" or not n % 5]  # fmt: skip

    (found,) = _told(log, "refused_jump")

    assert sorted(member.subject for member in found.members) == hosts
    assert found.title.startswith(
        "Some paths of each of 3 hosts: an AuthorizationPolicy denies access: "
    )
    assert (found.requests, _selected(log, found)) == (540, 540)


def test_a_host_that_is_refused_everywhere_is_told_as_a_host() -> None:
    log = [(_denied if n >= 900 else _ok)(n, path=f"/p{n % 4}") for n in range(1800)]

    (found,) = _told(log, "refused_jump")

    assert found.title == f"{HOST}: an AuthorizationPolicy denies access"
    assert (found.requests, found.of) == (900, 900)


def _refusals_at_random(share: float) -> list[Record]:
    chance = Random(7)
    return [(_denied if chance.random() < share else _ok)(n, path=f"/p{chance.randrange(300)}")
            for n in range(3000)]  # fmt: skip


@pytest.mark.parametrize(
    "log",
    [
        pytest.param(_refusals_at_random(0.1), id="a tenth of all paths, all the time"),
        pytest.param(
            [*_shop(), *(_denied(n, path="/admin") for n in range(0, 1800, 5))],
            id="a path that never was served",
        ),
        pytest.param(
            [*_shop(), *(_ok(n, path="/admin") for n in range(0, 1800, 20)),
             *(_denied(n, path="/admin") for n in range(901, 1800, 20))],
            id="a path that others are still served on",
        ),
        pytest.param(
            [*_shop(), *(_ok(n, path="/admin") for n in range(0, 900, 90)),
             *(_denied(n, path="/admin") for n in range(900, 1800, 60))],
            id="fifteen refusals",
        ),
        pytest.param(
            [*_shop(), *((_denied if n >= 900 else _ok)(n, path="/x", **_by(250))
                         for n in range(0, 1800, 30)),
             *(_denied(n, path="/never", **_by(n // 9)) for n in range(0, 1800, 300))],
            id="a path that one client asks for",
        ),
    ],
)  # fmt: skip
def test_refusals_that_are_usual_are_not_told_of_paths(log: list[Record]) -> None:
    assert _told(log, "refused_jump") == []


# --- Small shares -------------------------------------------------------------------------------


def test_a_small_share_of_refusals_that_were_none_before_is_told() -> None:
    log = [(_denied if n >= 900 and n % 5 == 0 else _ok)(n, path=f"/{n % 7}") for n in range(1800)]

    (found,) = _told(log, "refused_jump")

    assert (found.subject, found.since, found.requests, found.of) == (HOST, us(900), 180, 900)


def test_a_small_share_of_clients_that_all_leave_after_the_same_time_is_told() -> None:
    log = [_left(n, 30_000 + n % 3) if n >= 900 and n % 11 == 0 else _ok(n) for n in range(1800)]

    (found,) = _told(log, "clients_give_up")

    assert found.since == us(902)
    assert found.requests / found.of == pytest.approx(1 / 11, abs=0.002)
    assert found.proof is not None
    assert "all ended after 30.0 s" in found.proof


@pytest.mark.parametrize(
    "log",
    [
        pytest.param(
            [_denied(n) if n % 5 == 0 else _ok(n) for n in range(1800)],
            id="a fifth is refused all the time",
        ),
        pytest.param(
            [*map(_ok, range(1800)), *(_denied(n + 0.5, **_by(250)) for n in range(900, 1800, 5))],
            id="a client more, who is refused",
        ),
        pytest.param(
            [*map(_ok, range(1800)), *(_denied(n + 0.5) for n in range(900, 1800, 5))],
            id="requests more, beside as many as ever",
        ),
        pytest.param(
            [_denied(n) if 900 <= n < 990 and n % 6 == 0 else _ok(n) for n in range(1800)],
            id="fifteen refusals",
        ),
    ],
)
def test_a_share_of_refusals_that_is_usual_or_a_visit_is_not_told(log: list[Record]) -> None:
    assert _told(log, "refused_jump") == []


def test_clients_that_leave_after_the_same_time_all_along_are_not_told() -> None:
    log = [_left(n, 30_000) if n % 14 == 0 else _ok(n) for n in range(1800)]

    assert _told(log, "clients_give_up") == []


# --- Delays -------------------------------------------------------------------------------------


def _delayed(seconds: float, by_ms: int, **changes: Any) -> Record:
    return _ok(seconds, **{"response_flags": "DI", "duration": 12 + by_ms} | changes)


def test_delays_of_a_fault_rule_are_told_with_who_made_them() -> None:
    log = [*(_delayed(n, 5000) if n >= 600 else _ok(n) for n in range(1200)),
           *(_other(n) for n in range(1200))]  # fmt: skip
    summary = summary_of(log)

    (found,) = summary.findings

    assert (found.code, found.failure, found.subject) == ("faults_injected", "delay_injected", HOST)
    assert found.who is Actor.CONFIGURATION
    assert "fault.delay of the VirtualService" in found.next
    assert (found.since, found.requests, found.of) == (us(600), 600, 600)
    assert _selected(log, found) == 600
    # They were served: neither errors nor aborted.
    assert (summary.overview.errors, summary.overview.injected) == (0, 0)


def test_a_delay_is_blamed_on_nobody_else_whatever_was_logged() -> None:
    log = [_delayed(n, 5000 * (n >= 600), upstream_service_time=None) for n in range(1200)]

    assert {found.code for found in summary_of(log).findings} == {"faults_injected"}


@pytest.mark.parametrize("by_ms", [0, 60])
def test_a_delay_that_nobody_feels_is_not_told(by_ms: int) -> None:
    assert summary_of(_delayed(n, by_ms) for n in range(300)).findings == ()


def test_a_slow_service_behind_a_short_delay_is_no_long_delay() -> None:
    log = [_delayed(n, 5, duration=3005, upstream_service_time="3000") for n in range(300)]

    assert _told(log, "faults_injected") == []


# --- The gateway's own time ---------------------------------------------------------------------


def _held(seconds: float, ms: int, **changes: Any) -> Record:
    return _ok(seconds, **{"duration": 12 + ms} | changes)


def test_a_host_that_the_gateway_holds_up_is_not_blamed_on_its_service() -> None:
    log = [*(_held(n, 2000 * (n >= 900)) for n in range(1800)), *(_other(n) for n in range(1800))]

    (found,) = summary_of(log).findings

    assert (found.code, found.subject, found.who) == ("slow_gateway", HOST, Actor.OPERATOR)
    assert (found.since, found.requests, found.of) == (us(900), 900, 900)
    assert _selected(log, found) == 900


def test_all_hosts_of_a_gateway_at_once_are_told_once_and_no_louder() -> None:
    hosts = [f"{word}.example.com" for word in ("a", "b", "c", "d")]
    log = [_held(n, 2000 * (n >= 600), authority=host) for n in range(1200) for host in hosts]

    (found,) = summary_of(log).findings

    assert found.code == "slow_gateway"
    assert found.severity is Severity.HIGH
    assert [member.subject for member in found.members] == hosts


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"bytes_sent": 2_000_000}, id="slow downloads"),
        pytest.param({"bytes_received": 2_000_000}, id="slow uploads"),
        pytest.param({"response_code": 101}, id="upgraded connections"),
        pytest.param({"bytes_sent": None}, id="sizes that were not logged"),
    ],
)
def test_what_need_not_be_the_gateway_is_not_blamed_on_it(changes: Record) -> None:
    log = [_held(n, 2000 * (n >= 900), **changes) for n in range(1800)]

    assert _told(log, "slow_gateway") == []


def test_a_slow_service_is_not_blamed_on_the_gateway() -> None:
    log = [_ok(n, duration=took + 1, upstream_service_time=str(took))
           for n in range(1800) for took in [2000 if n >= 900 else 11]]  # fmt: skip

    assert [found.code for found in summary_of(log).findings] == ["slow_upstream"]


# --- Traffic that stops -------------------------------------------------------------------------


def _until(last: int, length: int = 3600, every: float = 1) -> list[Record]:
    """Return two hosts, of which one is asked for until some time."""
    count = int(last / every)
    return [*(_ok(n * every) for n in range(count)), *(_other(n) for n in range(length))]


def test_a_host_that_nobody_asks_for_any_more_is_told_with_the_last_request() -> None:
    (found,) = summary_of(_until(1800)).findings

    assert (found.code, found.subject, found.who) == ("traffic_stopped", HOST, Actor.UNKNOWN)
    assert (found.since, found.state, found.severity) == (us(1799), "ongoing", Severity.MEDIUM)
    assert found.proof is not None
    assert "none in the last 1,800.0 s" in found.proof


def test_many_hosts_that_stop_at_once_are_told_once_and_no_louder() -> None:
    names = ["a.example.com", "b.example.com", "c.example.com"]
    log = [*(_ok(n, authority=name) for name in names for n in range(1800)),
           *(_other(n) for n in range(3600))]  # fmt: skip

    (found,) = summary_of(log).findings

    assert (found.severity, len(found.members)) == (Severity.MEDIUM, 3)


def _ebbing() -> list[Record]:
    """Return requests of which each waits three percent longer than the one before."""
    times, step = [0.0], 1.0
    while times[-1] + step < 1800:
        times.append(times[-1] + step)
        step *= 1.03
    return [*map(_ok, times), *(_ok(n / 10) for n in range(900)), *map(_other, range(2400))]


@pytest.mark.parametrize(
    "log",
    [
        pytest.param(_until(3500), id="a minute and a half"),
        pytest.param(_until(1800, every=20), id="ninety requests"),
        pytest.param(
            [*(_ok(n + part / 50) for n in range(0, 1800, 300) for part in range(50)),
             *map(_other, range(3600))],
            id="batches",
        ),
        pytest.param(
            [*map(_ok, range(1800)), *map(_other, range(1800))], id="the end of the log"
        ),
        pytest.param(
            [*map(_ok, range(1800)), *(_other(n) for n in range(1800)),
             *(_other(n) for n in range(1800, 3600, 90))],
            id="others are hardly asked for either",
        ),
        pytest.param(
            [_ok(3000 + n / 2) for n in range(600)] + [_other(n) for n in range(7200)],
            id="ten minutes of two hours",
        ),
        pytest.param(
            [*map(_ok, range(1800)),
             *(_other(n, downstream_local_address="10.8.0.7:8443") for n in range(3600))],
            id="the log of another gateway goes on",
        ),
        pytest.param(
            [*(_ok(n, **({"response_code": 500} if n > 1300 and n % 2 else {}))
               for n in range(1800)), *map(_other, range(3600))],
            id="a host that failed until then",
        ),
        pytest.param(_ebbing(), id="traffic that ebbs away"),
        pytest.param(
            [*(_ok(0) for _ in range(200)), *map(_other, range(3600))],
            id="requests that all came at once",
        ),
        pytest.param(
            [*map(_ok, range(1800)), *map(unrouted, range(1800, 3600)),
             *map(_other, range(3600))],
            id="a host that lost its route",
        ),
        pytest.param(
            [*(_ok(n, requested_server_name=HOST) for n in range(1800)),
             *(refused_connection(n, requested_server_name=HOST, **_by(n))
               for n in range(1800, 3600)),
             *map(_other, range(3600))],
            id="a TLS name that is refused",
        ),
    ],
)  # fmt: skip
def test_what_is_quiet_for_another_reason_did_not_stop(log: list[Record]) -> None:
    assert _told(log, "traffic_stopped") == []


def test_nothing_is_said_to_have_stopped_in_a_part_of_a_log() -> None:
    log = [*(_ok(n, response_code=500) for n in range(1800)), *map(_ok, range(1800, 3600)),
           *(_other(n, response_code=500) for n in range(3600))]  # fmt: skip
    selection = Selection.of({}, where="response_code = 500")
    source = source_of(text_of(log))

    found = summarize(tally_sources([source], plan=ReadPlan(selection=selection))).findings

    assert "traffic_stopped" not in {finding.code for finding in found}


# --- Upgraded connections -----------------------------------------------------------------------


def _socket(seconds: float, ms: int, flags: str = "UC", **changes: Any) -> Record:
    return _ok(seconds, **{"response_code": 101, "response_flags": flags, "duration": ms} | changes)


@pytest.mark.parametrize(
    ("flags", "who"),
    [("UC", Actor.UPSTREAM), ("UR", Actor.UPSTREAM), ("DC", Actor.CLIENT), ("DR", Actor.CLIENT)],
)
def test_sockets_that_all_end_after_the_same_time_are_told_with_the_side_and_the_limit(
    flags: str, who: Actor
) -> None:
    log = [*(_socket(10 * n, 60_000 + n % 5, flags) for n in range(60)), *map(_ok, range(600))]

    (found,) = summary_of(log).findings

    assert (found.code, found.subject, found.who) == ("upgrades_cut", HOST, who)
    assert (found.requests, found.of) == (60, 60)
    assert found.proof is not None
    assert "all ended after 60.0 s" in found.proof
    assert found.next.startswith("The limit is 60.0 s.")
    assert _selected(log, found) == 60


@pytest.mark.parametrize(
    "ending",
    [
        pytest.param(lambda n: _socket(n, 1000 * (n % 97)), id="different times"),
        pytest.param(lambda n: _socket(n, 20), id="at once"),
        pytest.param(lambda n: _socket(n, 60_000, "-"), id="in order"),
        pytest.param(lambda n: _socket(n, 60_000, "UC" if n % 2 else "-"), id="only a half"),
        pytest.param(lambda n: _socket(n, 60_000) if n < 11 else _ok(n), id="eleven"),
        pytest.param(lambda n: _ok(n, duration=60_000), id="no upgrade"),
    ],
)
def test_sockets_that_end_as_sockets_do_are_not_told(ending: Callable[[int], Record]) -> None:
    assert _told(map(ending, range(300)), "upgrades_cut") == []


# --- Redirects ----------------------------------------------------------------------------------

_BY_GATEWAY: Record = {"response_code_details": "direct_response", "upstream_cluster": None,
                       "upstream_host": None, "upstream_service_time": None}  # fmt: skip


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("made", "who"), [({}, Actor.UPSTREAM), (_BY_GATEWAY, Actor.CONFIGURATION)]
)
def test_a_host_that_redirects_everything_since_a_moment_is_told(
    code: int, made: Record, who: Actor
) -> None:
    log = [_ok(n, path=f"/{n % 7}", **({"response_code": code} | made if n >= 300 else {}))
           for n in range(600)]  # fmt: skip

    (found,) = summary_of(log).findings

    assert (found.code, found.subject, found.who) == ("redirects_jump", HOST, who)
    assert (found.since, found.requests, found.of) == (us(300), 300, 300)
    assert found.severity is Severity.MEDIUM
    assert _selected(log, found) == 300


def test_clients_that_go_round_make_it_high() -> None:
    round_and_round = [_ok(n + part / 8, response_code=302)
                       for n in range(300, 600) for part in range(8)]  # fmt: skip

    (found,) = summary_of([*map(_ok, range(300)), *round_and_round]).findings

    assert found.severity is Severity.HIGH
    assert found.proof is not None
    assert "8 times as many requests as before" in found.proof


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(lambda n: 302 if n % 10 == 0 else 200, id="a tenth, all the time"),
        pytest.param(lambda _: 302, id="all of them, all the time"),
        pytest.param(lambda n: 302 if n >= 300 and n % 5 else 200, id="four fifths"),
        pytest.param(lambda n: 302 if n >= 560 else 200, id="forty"),
        pytest.param(lambda n: 304 if n >= 300 else 200, id="what did not change"),
    ],
)
def test_redirects_that_are_usual_are_not_told(code: Callable[[int], int]) -> None:
    log = [_ok(n, response_code=code(n)) for n in range(600)]

    assert _told(log, "redirects_jump") == []
