"""Services that became slow are told, and what only looks like it is not."""

from __future__ import annotations

import math
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from tests.handmade import (
    CLUSTER,
    Record,
    failed,
    served,
    source_of,
    summary_of,
    text_of,
    us,
)

from envoylogs.envoy.harm import Actor
from envoylogs.keyed.plan import ReadPlan
from envoylogs.keyed.selection import Selection
from envoylogs.pipeline import tally_sources
from envoylogs.summary.findings.finding import Severity
from envoylogs.summary.summary import summarize

if TYPE_CHECKING:
    from collections.abc import Callable

    from envoylogs.summary.findings.finding import Finding

_PODS = [f"10.8.1.{n}:8080" for n in range(2, 6)]
_LENGTH_S = 1200


def _taking(milliseconds: float, seconds: float, **changes: Any) -> Record:
    """Return a request that takes about so long: half to twice as long is usual."""
    took = max(round(milliseconds * Random(seconds).lognormvariate(0, 0.4)), 1)
    pod = {"upstream_host": _PODS[int(seconds) % 4]}
    times = {"duration": took + 1, "upstream_service_time": str(took)}
    return served(seconds, **(times | pod | changes))


def _log(milliseconds: Callable[[int], float], length_s: int = _LENGTH_S) -> list[Record]:
    """Return a request a second that takes what a function of the second says."""
    return [_taking(milliseconds(n), n) for n in range(length_s)]


def _slow(log: list[Record]) -> list[Finding]:
    return [found for found in summary_of(log).findings if found.code == "slow_upstream"]


def test_a_service_that_became_slow_is_told_with_the_moment() -> None:
    (found,) = _slow(_log(lambda n: 2500 if n >= 600 else 40))

    assert (found.subject, found.who, found.severity) == (CLUSTER, Actor.UPSTREAM, Severity.HIGH)
    assert (found.since, found.until, found.state) == (us(600), None, "ongoing")
    assert (found.requests, found.of) == (600, 600)
    assert found.failure is None
    assert found.title == (
        "shop.shop:80 became slow: half of its requests take 2,000 ms or more, usually less than "
        "50 ms"
    )


def test_a_service_that_was_slow_for_a_while_is_told_with_the_end() -> None:
    (found,) = _slow(_log(lambda n: 800 if 6000 <= n < 6300 else 50, 7200))

    assert (found.since, found.until, found.state) == (us(6000), us(6299), "ended")
    assert 290 <= found.requests <= found.of == 300


def test_a_log_that_begins_slow_tells_when_it_ended() -> None:
    (found,) = _slow(_log(lambda n: 800 if n < 600 else 50))

    assert (found.since, found.until, found.first_seen) == (None, us(599), us(0))


def test_a_log_that_is_slow_for_most_of_its_time_tells_since_when() -> None:
    (found,) = _slow(_log(lambda n: 800 if n >= 100 else 50))

    assert found.since == us(100)


def test_less_than_ten_times_as_long_is_medium() -> None:
    (found,) = _slow(_log(lambda n: 300 if n >= 600 else 50))

    assert found.severity is Severity.MEDIUM


def test_the_duration_stands_in_for_an_upstream_time_that_was_not_logged() -> None:
    log = [
        record | {"upstream_service_time": None} for record in _log(lambda n: 40 + n // 600 * 760)
    ]

    (found,) = _slow(log)
    assert found.since == us(600)


@pytest.mark.parametrize("base_ms", [3, 12, 50, 400, 3000])
def test_the_condition_selects_the_requests_and_none_else(base_ms: int) -> None:
    log = [
        *_log(lambda n: base_ms * 12 + 400 if 500 <= n < 900 else base_ms),
        *(_taking(9000, n, response_code=101) for n in range(500, 900, 9)),
        *(_taking(9000, n, upstream_cluster="outbound|80||b.shop.svc.cluster.local")
          for n in range(500, 900, 9)),
        *(failed(n, 503, "UF", "upstream_reset_before_response_started{connection_failure}",
                 duration=9000) for n in range(500, 900, 50)),
    ]  # fmt: skip

    (found,) = _slow(log)
    selection = Selection.of({}, where=found.condition)
    source = source_of(text_of(log))
    selected = summarize(tally_sources([source], plan=ReadPlan(selection=selection)))
    assert selected.overview.requests == found.requests
    assert (selected.overview.first, selected.overview.last) == (found.since, found.until)


def _rhythm(n: int) -> float:
    return 60 * (1 + 0.5 * math.sin(n / _LENGTH_S * 2 * math.pi))


@pytest.mark.parametrize(
    "milliseconds",
    [
        pytest.param(lambda _: 50, id="nothing"),
        pytest.param(lambda _: 5000, id="slow from the first to the last"),
        pytest.param(lambda n: 5000 if n % 50 == 7 else 50, id="a slow request now and then"),
        pytest.param(lambda n: 5000 if 600 <= n < 640 else 50, id="forty slow requests"),
        pytest.param(lambda n: 100 if n >= 600 else 50, id="twice as long"),
        pytest.param(lambda n: 60 if n >= 600 else 4, id="nobody feels it"),
        pytest.param(_rhythm, id="the rhythm of a day"),
    ],
)
def test_what_is_usual_is_not_told(milliseconds: Callable[[int], float]) -> None:
    assert _slow(_log(milliseconds)) == []


def test_one_slow_pod_stays_the_finding_of_that_pod() -> None:
    log = [_taking(900 if n % 2 and n >= 100 else 50, n, upstream_host=_PODS[n % 2])
           for n in range(_LENGTH_S)]  # fmt: skip

    assert [found.subject for found in _slow(log)] == [_PODS[1]]


def test_pods_that_are_slow_together_are_not_named_because_one_had_more_requests_then() -> None:
    log = [_taking(900 if n >= 600 else 50, n, upstream_host=_PODS[n % 3 if n < 600 else n % 7 % 3])
           for n in range(_LENGTH_S)]  # fmt: skip

    assert [found.subject for found in _slow(log)] == [CLUSTER]


def test_a_release_that_is_slow_is_one_finding_and_not_one_a_pod() -> None:
    new = [f"10.8.9.{n}:8080" for n in range(2, 6)]
    log = [
        record | ({"upstream_host": new[n % 4]} if n >= 600 else {})
        for n, record in enumerate(_log(lambda n: 900 if n >= 600 else 50))
    ]

    assert [(found.subject, found.since) for found in _slow(log)] == [(CLUSTER, us(600))]


def test_a_part_of_a_split_that_became_slow_is_told_once() -> None:
    parts = [CLUSTER.replace("||", f"|{subset}|") for subset in ("v1", "v2")]
    log = [
        _taking(900 if n % 2 and n >= 400 else 50, n, upstream_cluster=parts[n % 2])
        for n in range(_LENGTH_S)
    ]

    assert [(found.subject, found.since) for found in _slow(log)] == [(parts[1], us(401))]


def test_other_requests_beside_as_many_quick_ones_as_ever_are_not_a_slow_service() -> None:
    batch = [_taking(5000, n + part / 4) for n in range(600, 700) for part in (1, 2, 3)]

    assert _slow([*_log(lambda _: 50), *batch]) == []


def test_a_service_that_answers_slowly_with_errors_is_told_as_failing_alone() -> None:
    log = [
        record | ({"response_code": 500} if n >= 600 else {})
        for n, record in enumerate(_log(lambda n: 900 if n >= 600 else 50))
    ]

    assert [found.code for found in summary_of(log).findings] == ["upstream_errors"]


def test_a_service_that_times_out_more_than_it_answers_is_told_as_that() -> None:
    log = [
        failed(n, 504, "UT", "response_timeout", duration=15_000) if n >= 600 and n % 3 else record
        for n, record in enumerate(_log(lambda n: 9000 if n >= 600 else 50))
    ]

    assert _slow(log) == []


def test_clusters_that_stand_for_any_service_are_not_compared_with_themselves() -> None:
    log = [
        record | {"upstream_cluster": "PassthroughCluster"}
        for record in _log(lambda n: 900 if n >= 600 else 50)
    ]

    assert _slow(log) == []


def test_requests_without_a_time_are_left_out() -> None:
    log = _log(lambda n: 800 if n >= 600 else 50)
    untimed = [_taking(9000, n) | {"start_time": None} for n in range(200)]

    (found,) = _slow([*log, *untimed])
    assert (found.since, found.of) == (us(600), 600)
