"""The known keys of log objects."""

from __future__ import annotations

import pytest

from envoylogs import schema
from envoylogs.envoy.fields import (
    ABBREVIATIONS,
    ALIASES,
    EITHER,
    ENVOY_ONLY,
    FLAT_ONLY,
    OF_A_PROXY,
    SECONDS_IF_DECIMAL,
    fold,
    is_address,
    words_of,
)

_DERIVED = {
    "upstream_direction",
    "upstream_port",
    "upstream_subset",
    "upstream_service",
    "namespace",
    "container",
    "gateway",
    "role",
    "outcome",
    "failure",
    "kind",
}


def test_every_column_that_is_logged_has_a_key_and_no_other_column_has() -> None:
    assert set(ALIASES) == set(schema.NORMALIZED) - _DERIVED


def test_no_key_holds_two_columns() -> None:
    keys = [key for spellings in ALIASES.values() for key in spellings]

    assert len(keys) == len(set(map(fold, keys)))


def test_what_is_said_of_keys_is_said_of_known_ones() -> None:
    known = {key for spellings in ALIASES.values() for key in spellings}

    for keys in (ENVOY_ONLY, OF_A_PROXY, FLAT_ONLY, SECONDS_IF_DECIMAL, EITHER):
        assert set(keys) <= known
    assert not known & ABBREVIATIONS.keys()


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("response_code", ["response", "code"]),
        ("responseCode", ["response", "code"]),
        ("HTTPMethod", ["http", "method"]),
        ("requestID", ["request", "id"]),
        (":authority", ["authority"]),
        ("x-request-id", ["x", "request", "id"]),
        ("http.request\x1fmethod", ["http", "request", "method"]),
        ("  a b ", ["a", "b"]),
        ("--", []),
    ],
)
def test_words_are_told_by_separators_and_capitals(key: str, words: list[str]) -> None:
    assert words_of(key) == words


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("192.0.2.9:8080", True),
        ("192.0.2.9", True),
        ("[2001:db8::1]:8080", True),
        ("[2001:db8::1]", True),
        ("envoy://connect_originate/192.0.2.9:15008", True),
        ("/var/run/app.sock", True),
        ("orders-8080_shop", False),
        ("outbound|80||orders.shop.svc.cluster.local", False),
        ("PassthroughCluster", False),
        ("-", False),
    ],
)
def test_an_address_is_told_from_a_cluster(value: str, *, expected: bool) -> None:
    assert is_address(value) is expected
