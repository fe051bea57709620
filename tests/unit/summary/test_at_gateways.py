"""A gateway that fails alone is named and blamed, if it is no chance that the others do not."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest
from tests.handmade import CLUSTER, connection, failed, refused, reset, served, summary_of, unrouted

from envoylogs.envoy.harm import Actor
from envoylogs.summary.findings.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.handmade import Record

    from envoylogs.summary.findings.finding import Finding

_PODS = ("gw-a", "gw-b", "gw-c")
_HOSTS = ("10.8.1.2:8080", "10.8.1.3:8080")


def _tcp(seconds: float, **changes: object) -> Record:
    return connection(seconds, response_flags="UF,URX", **changes)


def _lost(seconds: float, **changes: object) -> Record:
    return unrouted(seconds, **{**changes, "upstream_host": None})


def _no_endpoint(seconds: float, **changes: object) -> Record:
    return failed(seconds, 503, "UH", "no_healthy_upstream", **{**changes, "upstream_host": None})


def _limited(seconds: float, **changes: object) -> Record:
    return failed(seconds, 503, "UO", "", **changes)


def _error(seconds: float, **changes: object) -> Record:
    return served(seconds, response_code=500, **changes)


def _records(  # noqa: PLR0913
    bad: Callable[..., Record],
    at: tuple[str, ...] = ("gw-c",),
    *,
    since: int = 0,
    until: int = 600,
    good: Callable[..., Record] = served,
    others_until: int = 600,
) -> Iterator[Record]:
    """Yield a request a second, of which those at some gateways go wrong for some time."""
    chance = Random(7)
    for n in range(600):
        pod = chance.choice(_PODS)
        if pod not in at and n >= others_until:
            continue
        make = bad if pod in at and since <= n < until else good
        changes = {
            "pod_name": pod,
            "upstream_host": chance.choice(_HOSTS),
            "x_forwarded_for": f"192.0.2.{n % 9}",
            "downstream_remote_address": f"192.0.2.{n % 9}:1",
        }
        yield make(n, **changes)


def _found(*args: object, **how: object) -> Finding:
    findings = summary_of(_records(*args, **how)).findings  # type: ignore[arg-type]
    (found,) = [finding for finding in findings if finding.severity < Severity.INFO]
    return found


@pytest.mark.parametrize("bad", [refused, reset, _no_endpoint, _lost])
@pytest.mark.parametrize("since", [0, 300])
def test_a_gateway_that_fails_alone_is_named_and_must_be_looked_at(
    bad: Callable[..., Record], since: int
) -> None:
    found = _found(bad, since=since)

    assert found.only_at == ("gw-c",)
    assert found.title.endswith(", only at gateway gw-c, 1 of 3")
    assert found.who is Actor.OPERATOR
    assert "grep -F gw-c" in found.next


def test_connections_have_gateways_too() -> None:
    found = _found(_tcp, good=connection)

    assert (found.code, found.only_at, found.who) == (
        "connections_failed", ("gw-c",), Actor.OPERATOR,
    )  # fmt: skip


def test_several_gateways_of_more_are_named() -> None:
    found = _found(refused, ("gw-a", "gw-c"))

    assert set(found.only_at) == {"gw-a", "gw-c"}
    assert "only at gateways" in found.title
    assert ", 2 of 3" in found.title


def test_no_gateway_stands_out_where_all_fail() -> None:
    found = _found(refused, _PODS)

    assert found.only_at == ()
    assert "only at" not in found.title
    assert found.who is Actor.UPSTREAM


@pytest.mark.parametrize(
    "how",
    [
        # The others were not asked any more, or the outage was too short for them to meet it.
        {"since": 300, "others_until": 300},
        {"since": 300, "until": 315},
    ],
)
def test_chance_blames_no_gateway(how: dict[str, int]) -> None:
    findings = summary_of(_records(refused, **how)).findings  # type: ignore[arg-type]

    assert findings
    assert all(found.only_at == () and found.who is Actor.UPSTREAM for found in findings)


@pytest.mark.parametrize(("bad", "who"), [(_error, Actor.UPSTREAM), (_limited, Actor.POLICY)])
def test_what_may_differ_by_who_asks_where_names_the_gateway_and_does_not_blame_it(
    bad: Callable[..., Record], who: Actor
) -> None:
    found = _found(bad)

    assert found.only_at == ("gw-c",)
    assert found.who is who
    assert "stale" not in found.next


def test_hosts_that_only_this_gateway_asks_may_be_to_blame() -> None:
    records = [
        record | ({"upstream_host": "10.9.9.9:8080"} if record["pod_name"] == "gw-c" else {})
        for record in _records(reset)
    ]
    (found,) = summary_of(records).findings

    assert found.code == "bad_upstream_host"
    assert found.only_at == ("gw-c",)
    assert found.who is Actor.UPSTREAM
    assert found.next.startswith("Only gw-c asks these hosts")


def test_services_that_fail_alike_at_one_gateway_name_it_once() -> None:
    records = [
        record | {"upstream_cluster": CLUSTER.replace("shop.", f"shop{number}.", 1)}
        for number in range(4)
        for record in _records(refused, since=300)
    ]
    (found,) = summary_of(records).findings

    assert len(found.members) == 4
    assert found.only_at == ("gw-c",)
    assert found.title.startswith(
        "No connection to each of 4 services: it is refused, only at gateway gw-c, 1 of 3: "
    )
    assert found.who is Actor.OPERATOR
    assert "grep -F gw-c" in found.next


def test_paths_that_are_routed_nowhere_are_no_fault_of_the_gateway_that_is_asked() -> None:
    records = [
        record | ({"path": "/old"} if record["response_code"] == 404 else {})
        for record in _records(_lost)
    ]
    (found,) = summary_of(records).findings

    assert (found.code, found.only_at, found.who) == ("unrouted_path", (), Actor.CONFIGURATION)
