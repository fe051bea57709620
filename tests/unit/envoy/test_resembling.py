"""Which column a key that is not known looks like."""

from __future__ import annotations

import pytest

from envoylogs import schema
from envoylogs.envoy.fields import ALIASES
from envoylogs.envoy.resembling import _LIKE, column_resembling


@pytest.mark.parametrize(
    ("key", "column"),
    [
        ("rc", "response_code"),
        ("httpStatus", "response_code"),
        ("reponseCode", "response_code"),
        ("responseFlag", "response_flags"),
        ("verb", "method"),
        ("request_command", "method"),
        ("request.verb", "method"),
        ("server_name", "authority"),
        ("response_duration", "duration_ms"),
        ("latencyMs", "duration_ms"),
        ("took_ms", "duration_ms"),
        ("event_date", "start_time"),
        ("upstream_info", "upstream_cluster"),
        ("backend", "upstream_host"),
        ("network.destination.ip", "upstream_host"),
        ("network.destination.cluster", "upstream_cluster"),
        ("network.client.ip", "downstream_remote_address"),
        ("upstreamLocalAdress", "upstream_local_address"),
        ("route", "route_name"),
        ("resource", "path"),
    ],
)
def test_a_key_looks_like_the_column_whose_words_it_ends_in(key: str, column: str) -> None:
    assert column_resembling(key) == column


@pytest.mark.parametrize(
    "key",
    [
        "istio_policy_status", "grpc_status", "grpc_status_number", "request_duration",
        "request_tx_duration", "response_tx_duration", "upstream_request_attempt_count",
        "x_forwarded_proto", "x-forwarded-host", "trace_id", "uber_trace_id", "level", "msg",
        "downstream_tls_version", "downstream_peer_uri_san", "mesh_id", "user_id", "", "-",
        "status" * 100,
    ],
)  # fmt: skip
def test_keys_that_are_about_something_else_look_like_nothing(key: str) -> None:
    assert column_resembling(key) is None


def test_only_columns_that_a_log_holds_are_looked_like() -> None:
    columns = [column for column, _ in _LIKE]

    assert set(columns) <= set(ALIASES) <= set(schema.NORMALIZED)
    assert len(columns) == len(set(columns))
