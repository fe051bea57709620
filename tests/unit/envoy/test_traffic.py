"""Kinds of traffic, and the names in it."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import NO_ROUTE, Record, connection, frame_of, normalized, record
from tests.strategies import records

from envoylogs.envoy.traffic import KINDS, cleaned_authority, host_of, looks_like_address


def _kind(found: Record) -> str:
    return str(normalized(found)["kind"])


def _of_one(expression: pl.Expr, value: str | None) -> object:
    return pl.DataFrame({"value": pl.Series([value], dtype=pl.String)}).select(expression).item()


def _cleaned(authority: str | None) -> object:
    return _of_one(cleaned_authority(pl.col("value")), authority)


def _host(authority: str | None) -> object:
    return _of_one(host_of(pl.col("value")), authority)


@pytest.mark.parametrize(
    "found",
    [
        record(upstream_cluster="agent"),
        record(upstream_cluster="prometheus_stats"),
        record(upstream_cluster="agent;"),
        record(downstream_local_address="192.0.2.10:15021"),
        record(downstream_local_address="192.0.2.10:15090"),
        record(downstream_local_address="[2001:db8::1]:15021"),
        connection(downstream_local_address="192.0.2.10:15090"),
        record(**{**NO_ROUTE, "downstream_local_address": "192.0.2.10:15021"}),
    ],
)
def test_health_checks_and_scrapes_are_the_gateways_own(found: Record) -> None:
    assert _kind(found) == "own"


@pytest.mark.parametrize(
    "found",
    [
        record(),
        record(upstream_cluster=None, downstream_local_address=None),
        record(upstream_cluster=..., downstream_local_address=...),
        record(downstream_local_address="192.0.2.10:115021"),
        record(downstream_local_address="192.0.2.10:150210"),
        record(upstream_host="192.0.2.10:15021"),
        record(upstream_cluster="agents"),
        record(upstream_cluster="outbound|80||agent.shop.svc.cluster.local"),
        record(path="/healthz/ready", user_agent="kube-probe/1.29"),
    ],
)
def test_what_clients_ask_for_is_a_request_however_it_looks(found: Record) -> None:
    assert _kind(found) == "request"


def test_a_record_without_http_values_is_a_connection() -> None:
    assert _kind(connection()) == "connection"
    assert _kind(connection(response_flags="NR", upstream_cluster=None)) == "connection"


@pytest.mark.property
@given(st.lists(records, min_size=1, max_size=5))
def test_every_record_has_one_kind(found: list[Record]) -> None:
    kinds = frame_of(*found)["kind"]

    assert kinds.null_count() == 0
    assert set(kinds) <= set(KINDS)


@pytest.mark.parametrize(
    ("logged", "cleaned"),
    [
        ("shop.example.com", "shop.example.com"),
        ("Shop.Example.COM", "shop.example.com"),
        ("shop.example.com:80", "shop.example.com"),
        ("shop.example.com:443", "shop.example.com"),
        ("SHOP.example.com:443", "shop.example.com"),
        ("shop.example.com:8443", "shop.example.com:8443"),
        ("shop.example.com:8080", "shop.example.com:8080"),
        ("shop.example.com:1443", "shop.example.com:1443"),
        ("192.0.2.7:80", "192.0.2.7"),
        ("[2001:DB8::1]:443", "[2001:db8::1]"),
        ("[2001:db8::80]", "[2001:db8::80]"),
        ("[::1]", "[::1]"),
        ("ÄPFEL.example", "äpfel.example"),
        (None, None),
    ],
)
def test_an_authority_is_told_apart_by_what_matters_in_it(
    logged: str | None, cleaned: str | None
) -> None:
    assert _cleaned(logged) == cleaned


@pytest.mark.parametrize(
    ("authority", "host"),
    [
        ("shop.example.com", "shop.example.com"),
        ("shop.example.com:8443", "shop.example.com"),
        ("192.0.2.7:8080", "192.0.2.7"),
        ("[::1]:8080", "[::1]"),
        ("[::1]", "[::1]"),
        ("[2001:db8::443]", "[2001:db8::443]"),
        ("2001:db8::443", "2001:db8::443"),
        ("::1", "::1"),
        ("", ""),
        ("shop.example.com:http", "shop.example.com:http"),
        ("cart-shadow:8000", "cart-shadow"),
        (None, None),
    ],
)
def test_the_host_is_the_authority_without_its_port(
    authority: str | None, host: str | None
) -> None:
    assert _host(authority) == host


@pytest.mark.property
@given(
    host=st.sampled_from(("a.example.com", "192.0.2.7", "[2001:db8::1]")),
    port=st.integers(1, 65535),
)
def test_the_host_does_not_depend_on_the_port(host: str, port: int) -> None:
    assert _host(f"{host}:{port}") == host
    assert _host(str(_cleaned(f"{host}:{port}"))) == host


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("192.0.2.7", True),
        ("43.203.97.57", True),
        ("[2001:db8::1]", True),
        ("[::1]", True),
        ("::1", True),
        ("[::ffff:192.0.2.1]", True),
        ("shop.example.com", False),
        ("192.0.2.7.example.com", False),
        ("a.192.0.2.7", False),
        ("1.2.3", False),
        ("cafe", False),
        ("", False),
        (None, None),
    ],
)
def test_addresses_are_told_from_names(host: str | None, *, expected: bool | None) -> None:
    assert _of_one(looks_like_address(pl.col("value")), host) is expected
