"""Hosts that were never routed are noise, unless many clients ask for them like for one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.handmade import served, summary_of, unrouted

from envoylogs.envoy.harm import Actor
from envoylogs.render.words import noise_of
from envoylogs.summary.findings.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.handmade import Record

_MISSING = "checkout.example.com"


def _log(
    asked: int = 300,
    clients: int = 40,
    path: Callable[[int], str] = lambda n: ("/", "/cart", f"/orders/{n}")[n % 3],
    **changes: Any,
) -> list[Record]:
    """Return an hour of two hosts that are served, and of one that has no route."""
    known = [
        served(n, authority=("shop.example.com", "api.example.com")[n % 2]) for n in range(3600)
    ]
    missing = [
        unrouted(
            3600 * n / asked,
            **{"authority": _MISSING, "path": path(n)}
            | {"downstream_remote_address": f"198.51.100.{n % clients}:1"}
            | changes,
        )
        for n in range(asked)
    ]
    return known + missing


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"requested_server_name": _MISSING},
        {"authority": "checkout.shop.io", "requested_server_name": "Checkout.Shop.io"},
        {"authority": "shop.example.com.checkout.example.com:8443",
         "requested_server_name": "shop.example.com.checkout.example.com"},
    ],
)  # fmt: skip
def test_a_host_that_many_clients_ask_for_and_was_never_routed_has_a_finding(
    changes: dict[str, Any],
) -> None:
    summary = summary_of(_log(**changes))
    (found,) = summary.findings
    host = changes.get("authority", _MISSING).partition(":")[0]

    assert (found.code, found.severity, found.who) == (
        "unrouted_host", Severity.MEDIUM, Actor.CONFIGURATION,
    )  # fmt: skip
    assert found.subject == host
    assert found.title == f"{host} never had a route, though many clients ask for it"
    assert (found.requests, found.of) == (300, 300)
    assert found.failure == "route_missing"
    assert found.where is not None
    # It stays out of the share of errors, and is no stranger's noise.
    assert summary.overview.noise["requests"] == 300
    assert noise_of(summary) is None


@pytest.mark.parametrize(
    "how",
    [
        {"clients": 5},
        {"asked": 9},
        {"asked": 25},  # of 3,625
        {"path": lambda n: f"/try{n}.php"},
        {"path": lambda n: "/" if n % 2 else f"/try{n}.php"},
        {"authority": "198.51.100.7"},
        {"authority": "198.51.100.7:8443", "requested_server_name": "198.51.100.7"},
        {"authority": "checkout.example.net"},
        {"authority": "checkout.example.net", "requested_server_name": "shop.example.net"},
        {"authority": "com"},
        {"authority": None},
    ],
)
def test_what_strangers_ask_for_stays_noise(how: dict[str, Any]) -> None:
    summary = summary_of(_log(**how))

    assert [found for found in summary.findings if found.severity < Severity.INFO] == []
    assert summary.overview.noise["requests"] > 0


def test_names_that_are_tried_by_many_strangers_stay_noise() -> None:
    records = [
        record | {"authority": f"name{n}.example.com"}
        if record["authority"] == _MISSING
        else record
        for n, record in enumerate(_log())
    ]

    assert summary_of(records).findings == ()


def test_what_is_asked_for_over_the_connection_of_another_host_is_told_as_that() -> None:
    found = summary_of(_log(requested_server_name="shop.example.com")).findings

    assert [finding.code for finding in found] == ["tls_reuse"]


def test_where_nothing_was_routed_that_is_told_and_not_each_host() -> None:
    records = [record for record in _log(requested_server_name=_MISSING)
               if record["authority"] == _MISSING]  # fmt: skip
    (found,) = summary_of(records).findings

    assert (found.code, found.severity) == ("unrouted_host", Severity.CRITICAL)
    assert "routed nothing at all" in found.title


def test_several_such_hosts_are_told_of_each() -> None:
    records = _log() + [
        record for record in _log(authority="pay.example.com")
        if record["authority"] == "pay.example.com"
    ]  # fmt: skip
    summary = summary_of([*records, unrouted(1, authority="198.51.100.7")])

    assert {found.subject for found in summary.findings} == {_MISSING, "pay.example.com"}
    words = noise_of(summary)
    assert words is not None
    assert words.startswith("Noise: 1 more request for hosts")
