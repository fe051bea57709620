"""Which key of a log object holds which column, and which objects are records."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import Era, Record, in_era, record
from tests.strategies import records

from envoylogs import schema
from envoylogs.envoy.fields import ALIASES, ENVOY_ONLY, column_of, fold, is_record, precedence

_DERIVED = {
    "upstream_direction",
    "upstream_port",
    "upstream_subset",
    "upstream_service",
    "gateway",
    "outcome",
    "kind",
}


@pytest.mark.parametrize(
    ("key", "column"),
    [
        ("response_code", "response_code"),
        ("Response_code", "response_code"),
        ("RESPONSE-CODE", "response_code"),
        ("response.code", "response_code"),
        ("response code", "response_code"),
        (" response_code ", "response_code"),
        ("status", "response_code"),
        (":authority", "authority"),
        ("authority", "authority"),
        ("host", "authority"),
        (":path", "path"),
        ("x-envoy-original-path", "path"),
        ("x-envoy-origin-path", "path"),
        ("uri", "path"),
        (":method", "method"),
        ("user-agent", "user_agent"),
        ("User-Agent", "user_agent"),
        ("x-forwarded-for", "x_forwarded_for"),
        ("x-request-id", "request_id"),
        ("x-envoy-upstream-service-time", "upstream_service_time_ms"),
        ("upstream_service_time", "upstream_service_time_ms"),
        ("duration", "duration_ms"),
        ("@timestamp", "start_time"),
        ("timestamp", "start_time"),
        ("start_time", "start_time"),
        ("byte_sent", "bytes_sent"),
        ("byte_received", "bytes_received"),
        ("upstream_cluster_raw", "upstream_cluster"),
        ("pod_name", "pod"),
        ("trace_id", None),
        ("level", None),
        ("", None),
        (":", None),
        ("response_codes", None),
        ("istio_policy_status", None),
    ],
)
def test_keys_are_compared_without_what_does_not_count(key: str, column: str | None) -> None:
    assert column_of(key) == column


def test_every_column_that_is_logged_has_a_key_and_no_other_column_has() -> None:
    assert set(ALIASES) == set(schema.NORMALIZED) - _DERIVED


def test_no_key_holds_two_columns() -> None:
    keys = [key for spellings in ALIASES.values() for key in spellings]

    assert len(keys) == len(set(keys))
    assert keys == [fold(key) for key in keys]


def test_every_key_that_only_envoy_writes_is_folded_and_holds_a_column() -> None:
    for key in ENVOY_ONLY:
        assert fold(key) == key
        assert column_of(key) is not None


def test_the_default_keys_of_istio_are_known_but_for_the_status_of_mixer() -> None:
    for era in Era:
        unknown = {key for key in in_era(record(), era) if column_of(key) is None}
        assert unknown <= {"istio_policy_status"}


def test_the_path_before_a_rewrite_comes_before_the_path() -> None:
    assert precedence("x-envoy-original-path") < precedence("path")
    assert precedence("X-Envoy-Origin-Path") < precedence(":path")


def test_envoys_own_start_time_comes_before_the_time_of_a_collector() -> None:
    assert precedence("start_time") < min(map(precedence, ("@timestamp", "timestamp", "time")))


@pytest.mark.property
@given(st.sampled_from([key for keys in ALIASES.values() for key in keys]), st.data())
def test_a_known_key_is_known_in_any_spelling(key: str, data: st.DataObject) -> None:
    spelled = "".join(
        data.draw(st.sampled_from("_-. ")) if letter == "_" else data.draw(
            st.sampled_from((letter.lower(), letter.upper()))
        )
        for letter in key
    )  # fmt: skip

    assert column_of(data.draw(st.sampled_from(("", ":"))) + spelled) == column_of(key)


@pytest.mark.parametrize(
    "found",
    [
        {"response_flags": "-"},
        {"Response-Flags": "-"},
        {"upstream_cluster": None},
        {"x-envoy-upstream-service-time": None},
        {"response_code": 200, "path": "/"},
        {"Response_code": "200", ":path": "/"},
        {"response_code": 200, "time": "2026-01-02T03:04:05Z"},
        {"response_code": 0, "duration": 5},
    ],
)
def test_one_key_of_envoys_own_or_a_code_beside_a_known_key_makes_a_record(found: Record) -> None:
    assert is_record(found)


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"response_code": 200},
        {"response_code": 200, "level": "info"},
        {"level": "info", "time": "2026-01-02T03:04:05Z", "msg": "started"},
        {"status": 200, "path": "/", "method": "GET", "host": "a.example.com"},
        {"code": 200, "path": "/"},
        {"log": '{"response_flags":"-"}', "stream": "stdout", "time": "2026-01-02T03:04:05Z"},
        {"jsonPayload": {"response_flags": "-"}},
    ],
)
def test_objects_of_other_programs_are_no_records(found: Record) -> None:
    assert not is_record(found)


@pytest.mark.property
@given(records)
def test_the_records_of_every_era_are_records(found: Record) -> None:
    assert is_record(found)
