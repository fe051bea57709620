"""Clients that leave a service that keeps them waiting are not to blame; others are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.handmade import Record, failed, served, summary_of

from envoylogs.envoy.harm import Actor

if TYPE_CHECKING:
    from envoylogs.summary.findings.finding import Finding


def _left(n: float, waited_ms: int, **changes: Any) -> Record:
    changes = {"duration": waited_ms, "bytes_sent": 0} | changes
    return failed(n, 0, "DC", "downstream_remote_disconnect", **changes)


def _took(n: float, milliseconds: int) -> Record:
    return served(n, duration=milliseconds, upstream_service_time=str(milliseconds))


def _gives_up(records: list[Record]) -> Finding:
    (found,) = (f for f in summary_of(records).findings if f.code == "clients_give_up")
    return found


@pytest.mark.parametrize("others_ms", [11, 4_000], ids=["some hang", "all are slow"])
def test_a_service_that_clients_waited_for_is_to_blame(others_ms: int) -> None:
    before = [_took(n, 11) for n in range(300)]
    during = [_left(n, 5_000) if n % 3 else _took(n, others_ms) for n in range(300, 600)]
    found = _gives_up([*before, *during])

    assert found.who is Actor.UPSTREAM
    assert found.title == "shop.shop:80 keeps clients waiting until they leave"
    assert (found.proof or "").endswith(
        "all ended after 5.0 s; half of its answers usually take less than 20 ms"
    )
    assert found.next.startswith("It became slow or hangs")


def test_how_long_they_waited_is_said_if_it_differs() -> None:
    during = [_left(n, 2_000 + 10 * (n - 300)) for n in range(300, 600)]
    found = _gives_up([*(_took(n, 11) for n in range(300)), *during])

    assert "; half of them waited 3.5 s, half of its answers" in (found.proof or "")


@pytest.mark.parametrize(
    ("usual_ms", "waited_ms", "changes"),
    [(11, 30, {}), (2_500, 5_000, {}), (11, 5_000, {"response_code": 200})],
    ids=["at once", "a service that is slow", "in the middle of answers"],
)
def test_else_clients_are_to_blame(usual_ms: int, waited_ms: int, changes: Record) -> None:
    before = [_took(n, usual_ms) for n in range(300)]
    during = [_left(n, waited_ms, **changes) for n in range(300, 600)]
    found = _gives_up([*before, *during])

    assert found.who is Actor.CLIENT


def test_clients_that_leave_all_along_say_nothing_of_the_service() -> None:
    records = [_left(n, 5_000) if n % 3 else _took(n, 11) for n in range(600)]

    assert _gives_up(records).who is Actor.CLIENT
