"""The table of outcomes in the product's description, line by line and then exhaustively."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, Final, NamedTuple

import polars as pl
import pytest
from hypothesis import given
from tests.builders import (
    GATEWAY_ANSWERED,
    NO_ROUTE,
    Era,
    Record,
    connection,
    frame_of,
    in_era,
    outcome_of,
    record,
)
from tests.strategies import records

from envoylogs.envoy.details import RESPONSE_CODE_DETAILS
from envoylogs.envoy.flags import RESPONSE_FLAGS
from envoylogs.envoy.outcome_rules import LOGGED_KEYS, is_connection, with_outcome
from envoylogs.envoy.outcomes import (
    CONNECTION_OUTCOMES,
    OUTCOME_NAMES,
    OUTCOMES,
    UNROUTED,
    UPSTREAM_ANSWERED,
    is_error,
    is_routed,
)
from envoylogs.schema import NORMALIZED

_BAD_REQUEST_DETAILS = (
    "low_version",
    "missing_host_header",
    "missing_path_rejected",
    "invalid_path",
    "absolute_path_rejected",
    "path_normalization_failed",
    "upgrade_failed",
    "early_connect_data",
    "request_headers_failed_strict_check{x-envoy-max-retries}",
    "rejecting_because_detection_failed",
    "websocket_handshake_unsuccessful",
)
_TIMEOUT_DETAILS = (
    "response_timeout",
    "upstream_response_timeout",
    "upstream_per_try_timeout",
    "upstream_per_try_idle_timeout",
    "max_duration_timeout",
    "stream_idle_timeout",
    "duration_timeout",
    "upstream_max_stream_duration_reached",
)


def _answer(code: int | None, flags: str = "-", details: str | None = None, **more: Any) -> Record:
    """Return the record of a request that the gateway answered by itself."""
    answer = {"response_code": code, "response_flags": flags, "response_code_details": details}
    return record(**{**GATEWAY_ANSWERED, **answer, **more})


def _upstream(code: int | None, flags: str = "-", **more: Any) -> Record:
    """Return the record of a request that the upstream answered."""
    return record(**{"response_code": code, "response_flags": flags, **more})


def _without_details(code: int, flags: str = "-", **more: Any) -> Record:
    """Return the record of a request as Istio 1.8 logs it."""
    return in_era(record(response_code=code, response_flags=flags, **more), Era.V1_8)


@pytest.mark.parametrize(
    ("flags", "details", "cluster", "expected"),
    [
        ("NR", "filter_chain_not_found", None, "no_filter_chain"),
        ("NR", None, None, "no_filter_chain"),
        *((flag, None, "outbound|3306||db.shop", "tcp_failed") for flag in
          ("UF", "UH", "UO", "NC", "UT", "URX", "DF", "UF,URX")),
        ("UH", None, "BlackHoleCluster", "tcp_failed"),
        ("-", None, "BlackHoleCluster", "tcp_failed"),
        ("-", None, "PassthroughCluster", "tcp"),
        ("-", None, "outbound|3306||db.shop", "tcp"),
        ("-", None, None, "tcp"),
        ("DC", None, "outbound|3306||db.shop", "tcp"),
        ("DT", None, "outbound|3306||db.shop", "tcp"),
        # NR comes first.
        ("UF,NR", None, "BlackHoleCluster", "no_filter_chain"),
    ],
)  # fmt: skip
def test_connection_outcome(
    flags: str, details: str | None, cluster: str | None, expected: str
) -> None:
    logged = connection(
        response_flags=flags, response_code_details=details, upstream_cluster=cluster
    )

    assert outcome_of(logged) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        # TCP proxy chooses the cluster before it connects.
        ({"upstream_cluster": None, "upstream_host": None}, "tcp_failed"),
        ({"upstream_cluster": "-", "upstream_host": "-", "response_flags": "UAEX"}, "tcp_failed"),
        ({"upstream_cluster": None, "upstream_host": "192.0.2.33:3306"}, "tcp"),
        ({"upstream_host": None}, "tcp"),
        # The client's own doing.
        ({"upstream_cluster": None, "upstream_host": None, "response_flags": "DC"}, "tcp"),
        ({"upstream_cluster": None, "upstream_host": None, "response_flags": "DPE"}, "tcp"),
        # What was never logged is no evidence.
        ({"upstream_cluster": ..., "upstream_host": None}, "tcp"),
        ({"upstream_cluster": None, "upstream_host": ...}, "tcp"),
        # Nothing came from the upstream before it closed.
        ({"response_flags": "UC", "bytes_sent": 0}, "tcp_failed"),
        ({"response_flags": "UR", "bytes_sent": "0"}, "tcp_failed"),
        ({"response_flags": "UC", "bytes_sent": 1}, "tcp"),
        ({"response_flags": "UC", "bytes_sent": ...}, "tcp"),
        ({"response_flags": "-", "bytes_sent": 0}, "tcp"),
    ],
)
def test_a_connection_that_was_not_passed_on_or_in_vain_has_failed(
    changes: dict[str, object], expected: str
) -> None:
    assert outcome_of(connection(**changes)) == expected


@pytest.mark.parametrize("logged", [0, "0", None, "-", ..., 0.0])
def test_a_record_without_http_values_and_code_is_a_connection(logged: object) -> None:
    assert outcome_of(connection(response_code=logged)) == "tcp"


@pytest.mark.parametrize("key", ["method", "path", "authority", "protocol"])
def test_one_http_value_makes_a_record_a_request(key: str) -> None:
    value = {"method": "GET", "path": "/", "authority": "a.example.com", "protocol": "HTTP/1.1"}

    assert outcome_of(connection(**{key: value[key], "response_flags": "DC"})) == "client_gone"


def test_a_code_alone_makes_a_record_a_request() -> None:
    malformed_request = connection(response_code=400, response_flags="DPE", upstream_cluster=None)

    assert outcome_of(malformed_request) == "client_error"


@pytest.mark.parametrize(
    ("logged", "expected"),
    [
        (_answer(500, "FI", "fault_filter_abort"), "fault_injected"),
        (_answer(500, "FI"), "fault_injected"),
        (_answer(503, "-", "fault_filter_overflow"), "fault_injected"),
        (_answer(404, "FI", "fault_filter_abort"), "fault_injected"),
        (_answer(200, "DI,FI", "fault_filter_abort"), "fault_injected"),
        (record(**NO_ROUTE), "no_route"),
        (_answer(404, "NR"), "no_route"),
        (_answer(404, "-", "route_not_found"), "no_route"),
        (_answer(404, "NR", "route_configuration_not_found"), "no_route"),
        (_answer(404, "-", "route_configuration_not_found"), "no_route"),
        (_answer(503, "NC", "cluster_not_found"), "no_cluster"),
        (_answer(503, "NR", "cluster_not_found"), "no_cluster"),
        (_answer(503, "NR"), "no_cluster"),
        (_answer(500, "NC", "cluster_not_found"), "no_cluster"),
        (_answer(404, "NC"), "no_cluster"),
        (_answer(503, "-", "cluster_not_found"), "no_cluster"),
        (_answer(500, "RLSE", "rate_limiter_error"), "dependency_failed"),
        (_answer(500, "RLSE"), "dependency_failed"),
        (_answer(500, "NFCF"), "dependency_failed"),
        (_answer(403, "UAEX", "ext_authz_error"), "dependency_failed"),
        (_answer(503, "UAEX"), "dependency_failed"),
        (_answer(401, "-", "jwt_authn_access_denied{Jwks_remote_fetch_is_failed}"),
         "dependency_failed"),
        (_answer(503, "-", "rate_limiter_error"), "dependency_failed"),
        (_answer(500, "-", "ext_proc_error_gRPC_error_14"), "dependency_failed"),
        (_answer(500, "-", "ext_proc_error"), "dependency_failed"),
        (_answer(503, "-", "wasm_fail_stream"), "dependency_failed"),
        (_answer(429, "RL", "request_rate_limited"), "rate_limited"),
        (_answer(429, "RL"), "rate_limited"),
        (_answer(429, "-", "local_rate_limited"), "rate_limited"),
        (_answer(429, "-", "request_rate_limited"), "rate_limited"),
        (_answer(200, "RL", "request_rate_limited"), "rate_limited"),
        (_answer(401, "UAEX", "ext_authz_denied"), "denied"),
        (_answer(403, "UAEX"), "denied"),
        (_answer(403, "-", "ext_authz_denied"), "denied"),
        (_answer(403, "-", "rbac_access_denied_matched_policy[none]"), "denied"),
        (_answer(403, "-", "rbac_access_denied_matched_policy[ns[a]-policy[b]-rule[0]]"), "denied"),
        (_answer(403, "-", "rbac_access_denied"), "denied"),
        (_answer(401, "-", "jwt_authn_access_denied{Jwt_is_missing}"), "denied"),
        (_answer(403, "-", "jwt_authn_access_denied{Audiences_in_Jwt_are_not_allowed}"), "denied"),
        (_answer(403, "-", "csrf_origin_mismatch"), "denied"),
        (_answer(400, "DPE", "http1.codec_error", method=None, path=None), "client_error"),
        (_answer(400, "DPE"), "client_error"),
        (_answer(400, "IH", "request_headers_failed_strict_check{x}"), "client_error"),
        (_answer(400, "IH"), "client_error"),
        *((_answer(400, "-", details), "client_error") for details in _BAD_REQUEST_DETAILS),
        (_answer(408, "-", "request_header_timeout"), "client_error"),
        (_answer(408, "-", "downstream_header_timeout"), "client_error"),
        (_answer(408, "-", "request_overall_timeout"), "client_error"),
        (_answer(413, "-", "request_payload_too_large"), "client_error"),
        *((_answer(503, flag), "overflow") for flag in ("UO", "OM", "DO", "UDO")),
        (_answer(503, "-", "overload"), "overflow"),
        (_answer(503, "-", "maintenance_mode"), "overflow"),
        (_answer(503, "UO", "maintenance_mode"), "overflow"),
        (_answer(503, "-", "reached_concurrency_limit"), "overflow"),
        (_answer(503, "DO", "drop_overload"), "overflow"),
        (_answer(503, "UDO", "unconditional_drop_overload"), "overflow"),
        (_answer(503, "UO", "upstream_reset_before_response_started{overflow}"), "overflow"),
        (_answer(503, "UH", "no_healthy_upstream"), "no_endpoints"),
        (_answer(503, "UH"), "no_endpoints"),
        (_answer(503, "-", "no_healthy_upstream"), "no_endpoints"),
        *((_upstream(200, flag), "broken_response") for flag in
          ("UC", "UR", "UPE", "LR", "UT", "SI", "UMSDR", "DT")),
        (_upstream(100, "SI"), "broken_response"),
        (_upstream(399, "UR"), "broken_response"),
        (_upstream(200, "UC", response_code_details=
                   "upstream_reset_after_response_started{connection_termination}"),
         "broken_response"),
        (_answer(503, "UC", "upstream_reset_after_response_started{connection_termination}"),
         "broken_response"),
        (_answer(503, "UF", "upstream_reset_before_response_started{connection_failure}"),
         "connect_failure"),
        (_answer(503, "UF"), "connect_failure"),
        (_answer(503, "UF,URX"), "connect_failure"),
        (_answer(503, "DF"), "connect_failure"),
        (_answer(504, "UT", "response_timeout"), "upstream_timeout"),
        *((_answer(504, flag), "upstream_timeout") for flag in ("UT", "UMSDR", "SI", "DT")),
        *((_answer(504, "-", details), "upstream_timeout") for details in _TIMEOUT_DETAILS),
        (_answer(408, "SI", "stream_idle_timeout"), "upstream_timeout"),
        *((_answer(503, flag), "upstream_reset") for flag in ("UC", "UR", "UPE", "LR")),
        (_answer(503, "-", "upstream_reset_before_response_started{remote_reset}"),
         "upstream_reset"),
        (_answer(502, "UPE", "upstream_reset_before_response_started{protocol_error}"),
         "upstream_reset"),
        (_answer(0, "DC", "downstream_remote_disconnect"), "client_gone"),
        (_answer(0, "DC"), "client_gone"),
        (_answer(0, "DR"), "client_gone"),
        (_answer(0, "-", "downstream_remote_disconnect"), "client_gone"),
        (_upstream(200, "DC"), "client_gone"),
        (_upstream(500), "upstream_5xx"),
        (_upstream(503, "URX"), "upstream_5xx"),
        (_upstream(599), "upstream_5xx"),
        # None of HTTP's: clients should take it for a 5xx (RFC 9110, section 15).
        (_upstream(600), "upstream_5xx"),
        (_upstream(999), "upstream_5xx"),
        (_upstream(400), "upstream_4xx"),
        (_upstream(404), "upstream_4xx"),
        (_upstream(499), "upstream_4xx"),
        (_upstream(200), "served"),
        (_upstream(101), "served"),
        (_upstream(399), "served"),
        (_upstream(200, upstream_cluster="PassthroughCluster"), "passthrough"),
        (_upstream(200, route_name="allow_any"), "passthrough"),
        (_upstream(404, upstream_cluster="PassthroughCluster"), "upstream_4xx"),
        (_upstream(503, route_name="allow_any"), "upstream_5xx"),
        (_answer(502, "-", "direct_response", route_name="block_all", upstream_cluster=None),
         "blocked"),
        (_answer(502, route_name="block_all", upstream_cluster=None), "blocked"),
        (_answer(503, upstream_cluster="BlackHoleCluster"), "blocked"),
        (_answer(301, "-", "direct_response", upstream_cluster=None), "direct_response"),
        (_answer(404, "-", "direct_response", upstream_cluster=None), "direct_response"),
        (_answer(500, "-", "direct_response", route_name="httproute/a/b/rule/0"),
         "direct_response"),
        (_answer(200, "-", "cors_response"), "direct_response"),
        (_answer(200, "-", "health_check_ok"), "direct_response"),
        (_answer(503, "-", "health_check_failed"), "direct_response"),
        (_answer(302, "-", "internal_redirect"), "direct_response"),
        (_answer(200, "-", "admin_filter_response"), "direct_response"),
        (_answer(200, "RFCF"), "direct_response"),
        (_answer(200, "RFCF", "response_from_cache_filter"), "direct_response"),
        (_answer(301, upstream_cluster=None), "direct_response"),
        (_answer(413, "-", "response_payload_too_large"), "gateway_other"),
        (_answer(503, "LH"), "gateway_other"),
        (_answer(403, "-", "lua_response"), "gateway_other"),
        (_answer(418, "-", "something_new_{x}"), "gateway_other"),
        (_answer(503, "XYZ"), "gateway_other"),
        (_answer(403), "gateway_other"),
        (_upstream(0), "gateway_other"),
        (_answer(404, "-", "", route_name="reviews"), "gateway_other"),
    ],
)  # fmt: skip
def test_request_outcome(logged: Record, expected: str) -> None:
    assert outcome_of(logged) == expected


@pytest.mark.parametrize(
    ("why", "expected"),
    [
        ("overflow", "overflow"),
        ("connection_failure", "connect_failure"),
        ("connection_failure,TLS_error:_268435703:SSL_routines:OPENSSL_internal:WRONG_VERSION",
         "connect_failure"),
        ("remote_connection_failure,delayed_connect_error:_111", "connect_failure"),
        ("local_connection_failure", "connect_failure"),
        ("connection_timeout", "connect_failure"),
        ("connection_termination", "upstream_reset"),
        ("remote_reset", "upstream_reset"),
        ("local_reset", "upstream_reset"),
        ("protocol_error", "upstream_reset"),
        ("http2.remote_refuse", "upstream_reset"),
    ],
)  # fmt: skip
def test_the_reason_of_a_reset_decides_where_no_flag_does(why: str, expected: str) -> None:
    details = f"upstream_reset_before_response_started{{{why}}}"

    assert outcome_of(_answer(503, "-", details)) == expected


def test_an_answer_that_broke_off_without_a_flag_is_a_reset() -> None:
    details = "upstream_reset_after_response_started{remote_reset}"

    assert outcome_of(_upstream(200, response_code_details=details)) == "upstream_reset"


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("FI", "NC", "fault_injected"),
        ("NC", "NR", "no_cluster"),
        ("NR", "RLSE", "no_route"),
        ("RLSE", "RL", "dependency_failed"),
        ("RL", "UAEX", "rate_limited"),
        ("UAEX", "DPE", "denied"),
        ("IH", "UO", "client_error"),
        ("UO", "UH", "overflow"),
        ("UH", "UF", "no_endpoints"),
        ("UF", "UT", "connect_failure"),
        ("UT", "UC", "upstream_timeout"),
        ("UC", "DC", "upstream_reset"),
        ("DC", "RFCF", "client_gone"),
    ],
)
def test_the_line_further_up_wins(first: str, second: str, expected: str) -> None:
    assert outcome_of(_answer(403, f"{first},{second}")) == expected
    assert outcome_of(_answer(403, f"{second},{first}")) == expected


def test_a_missing_cluster_has_the_flag_of_a_missing_route_before_envoy_1_18() -> None:
    assert outcome_of(_answer(503, "NR", "cluster_not_found")) == "no_cluster"
    assert outcome_of(_answer(503, "NR")) == "no_cluster"
    assert outcome_of(_answer(404, "NR")) == "no_route"
    assert outcome_of(_answer(503, "NR", "route_not_found")) == "no_route"


def test_a_full_pool_of_retries_is_not_what_ended_the_request() -> None:
    reset = "upstream_reset_before_response_started{connection_failure}"

    assert outcome_of(_upstream(503, "UO")) == "upstream_5xx"
    assert outcome_of(_upstream(200, "UO")) == "served"
    assert outcome_of(_answer(503, "UF,UO", reset)) == "connect_failure"
    assert outcome_of(_answer(504, "UT,UO", "response_timeout")) == "upstream_timeout"
    assert outcome_of(_answer(503, "UO")) == "overflow"


def test_a_time_out_in_the_details_breaks_off_an_answer_that_had_begun() -> None:
    began = {"upstream_service_time": "3", "response_code_details": "stream_idle_timeout"}

    assert outcome_of(record(response_code=200, response_flags="-", **began)) == "broken_response"


def test_a_failed_authorization_service_is_no_denial_though_the_flag_is_the_same() -> None:
    assert outcome_of(_answer(403, "UAEX", "ext_authz_error")) == "dependency_failed"
    assert outcome_of(_answer(403, "UAEX", "ext_authz_denied")) == "denied"


@pytest.mark.parametrize(("code", "expected"), [
    (500, "dependency_failed"), (503, "dependency_failed"), (401, "denied"), (403, "denied"),
    (499, "denied"), (None, "denied"),
])  # fmt: skip
def test_without_details_the_code_tells_a_failed_authorization_service_from_its_denials(
    code: int | None, expected: str
) -> None:
    assert outcome_of(_answer(code, "UAEX")) == expected


def test_a_token_whose_keys_could_not_be_fetched_was_not_refused_for_what_it_is() -> None:
    unreachable = "jwt_authn_access_denied{Jwks_remote_fetch_is_failed}"
    unknown_key = "jwt_authn_access_denied{Jwks_doesn't_have_key_to_match_kid_or_alg_from_Jwt}"

    assert outcome_of(_answer(401, "-", unreachable)) == "dependency_failed"
    assert outcome_of(_answer(401, "-", unknown_key)) == "denied"


@pytest.mark.parametrize("beside", ["URX", "DI", "DI,URX"])
def test_harmless_flags_leave_the_answer_of_the_upstream_alone(beside: str) -> None:
    assert outcome_of(_upstream(200, beside)) == "served"
    assert outcome_of(_upstream(503, beside)) == "upstream_5xx"
    assert outcome_of(_without_details(200, beside)) == "served"
    assert outcome_of(_without_details(503, beside)) == "upstream_5xx"


@pytest.mark.parametrize(
    ("flags", "details", "expected"),
    [
        ("NR", "route_not_found", "no_route"),
        ("UF", "upstream_reset_before_response_started{connection_failure}", "connect_failure"),
        ("UF,URX", "upstream_reset_before_response_started{connection_failure}", "connect_failure"),
        ("UH", "no_healthy_upstream", "no_endpoints"),
        ("UR", "upstream_reset_before_response_started{remote_reset}", "upstream_reset"),
        ("UC", "upstream_reset_before_response_started{connection_termination}", "upstream_reset"),
        ("UT", "response_timeout", "upstream_timeout"),
        ("NC", "cluster_not_found", "no_cluster"),
        ("UO", "upstream_reset_before_response_started{overflow}", "overflow"),
    ],
)
def test_a_grpc_request_that_the_gateway_answers_logs_200_and_is_not_served(
    flags: str, details: str, expected: str
) -> None:
    answered = _answer(200, flags, details)
    retried_elsewhere = _answer(200, flags, details, upstream_host="192.0.2.33:8080")

    assert outcome_of(answered) == expected
    assert outcome_of(retried_elsewhere) == expected
    assert outcome_of(in_era(answered, Era.V1_8)) == expected


def test_a_grpc_answer_that_the_upstream_broke_off_is_a_broken_response() -> None:
    assert outcome_of(_upstream(200, "UR")) == "broken_response"
    assert outcome_of(_without_details(200, "UR")) == "broken_response"


@pytest.mark.parametrize(("code", "expected"), [
    (200, "served"), (404, "upstream_4xx"), (503, "upstream_5xx"),
])  # fmt: skip
def test_a_host_or_a_service_time_is_an_answer_of_the_upstream_before_details_were_logged(
    code: int, expected: str
) -> None:
    assert outcome_of(_without_details(code)) == expected
    assert outcome_of(_without_details(code, upstream_host=None)) == expected
    assert outcome_of(_without_details(code, upstream_service_time=None)) == expected


def test_without_details_a_flag_beside_a_host_says_that_the_gateway_answered() -> None:
    assert outcome_of(_without_details(503, "UC", upstream_service_time=None)) == "upstream_reset"
    assert outcome_of(_without_details(504, "UT", upstream_service_time=None)) == "upstream_timeout"
    assert outcome_of(_without_details(503, "LH", upstream_service_time=None)) == "gateway_other"


@pytest.mark.parametrize(
    ("flags", "details"),
    [
        *((flag, None) for flag in ("DC", "DR", "UC", "UR", "UC,URX")),
        ("UC", "upstream_reset_after_response_started{connection_termination}"),
        ("DC", "downstream_remote_disconnect"),
        ("-", "downstream_remote_disconnect"),
        ("DC", "via_upstream"),
        ("UR", "via_upstream"),
        ("-", "via_upstream"),
    ],
)
def test_an_upgraded_connection_is_served_whoever_ends_it(flags: str, details: str | None) -> None:
    assert outcome_of(_upstream(101, flags, response_code_details=details)) == "served"


def test_an_upgraded_connection_to_an_unknown_address_is_passed_through() -> None:
    assert outcome_of(_upstream(101, upstream_cluster="PassthroughCluster")) == "passthrough"


@pytest.mark.parametrize(
    ("flags", "details", "expected"),
    [
        ("NR", "route_not_found", "no_route"),
        ("UF", None, "connect_failure"),
        ("UC", "upstream_reset_before_response_started{connection_termination}", "upstream_reset"),
        ("UT", "response_timeout", "upstream_timeout"),
    ],
)
def test_an_upgrade_that_the_upstream_never_answered_is_not_served(
    flags: str, details: str | None, expected: str
) -> None:
    assert outcome_of(_answer(101, flags, details)) == expected


_ALL_404: Final = {
    "response_code": 404,
    "response_flags": "-",
    "response_code_details": None,
    "upstream_cluster": None,
}


def _unanswered_404(**more: Any) -> Record:
    return record(**{**GATEWAY_ANSWERED, **_ALL_404, **more})


def test_the_404_of_a_port_without_any_virtual_service_is_the_blackhole_from_1_3_to_1_7() -> None:
    logged = _unanswered_404(route_name="default")

    assert outcome_of(in_era(logged, Era.V1_3)) == "blackhole"
    assert outcome_of(logged) == "blackhole"
    assert outcome_of({**logged, "response_code_details": "direct_response"}) == "blackhole"


def test_the_404_of_a_port_without_any_virtual_service_is_the_blackhole_in_1_1_and_1_2() -> None:
    assert outcome_of(in_era(_unanswered_404(), Era.V1_1)) == "blackhole"


@pytest.mark.parametrize("era", [Era.V1_3, Era.V1_8, Era.V1_9, Era.DRESSED_TEXT])
def test_a_404_without_route_name_is_no_blackhole_where_the_key_was_logged(era: Era) -> None:
    assert outcome_of(in_era(_unanswered_404(), era)) == "gateway_other"


def test_the_blackhole_is_told_for_each_record_in_a_log_of_two_eras() -> None:
    old = in_era(_unanswered_404(), Era.V1_1)
    new = in_era(_unanswered_404(), Era.V1_9)

    outcomes = frame_of(old, new, old)["outcome"].to_list()

    assert outcomes == ["blackhole", "gateway_other", "blackhole"]


@pytest.mark.parametrize(
    "change",
    [
        {"response_code": 200},
        {"response_code": 403},
        {"response_flags": "LH"},
        {"upstream_cluster": "outbound|80||cart.shop.svc.cluster.local"},
        {"upstream_host": "192.0.2.33:8080"},
        {"upstream_service_time": "3"},
        {"response_flags": ...},
        {"upstream_cluster": ...},
        {"upstream_host": ...},
    ],
)
@pytest.mark.parametrize("route", ["default", ...])
def test_the_blackhole_needs_every_sign_of_it(change: dict[str, object], route: object) -> None:
    signs: dict[str, object] = {"route_name": route, "response_code_details": ...}
    logged = _unanswered_404(**{**signs, **change})

    assert outcome_of(logged) != "blackhole"
    assert outcome_of(_unanswered_404(**signs)) == "blackhole"


def test_default_is_also_the_name_of_routes_that_work() -> None:
    assert outcome_of(_upstream(200, route_name="default")) == "served"
    assert outcome_of(_upstream(404, route_name="default")) == "upstream_4xx"
    assert outcome_of(_answer(404, "NR", "route_not_found", route_name="default")) == "no_route"


def test_the_applications_own_404_is_never_unrouted() -> None:
    for logged in (
        _upstream(404),
        _upstream(404, route_name="default", upstream_cluster=None),
        _without_details(404, route_name="default"),
        in_era(_upstream(404, route_name="default"), Era.V1_3),
        in_era(_upstream(404), Era.V1_1),
    ):
        assert outcome_of(logged) == "upstream_4xx"


@pytest.mark.parametrize(
    "logged",
    [
        {"response_code": 200, "path": "/"},
        {"response_code": 404, "path": "/", "authority": "a.example.com"},
        {"response_code": 404, "path": "/", "route_name": "default"},
        {"response_code": 404, "path": "/", "route_name": "default", "response_flags": "-"},
        {"response_code": 503, "path": "/", "upstream_host": "192.0.2.33:8080"},
        {"response_code": 200, "path": "/", "response_flags": "-"},
        {"response_code": 503, "path": "/", "response_flags": "-"},
        {"response_code": 301, "path": "/", "upstream_host": None},
        {"response_code": 403, "path": "/", "upstream_cluster": None, "upstream_host": None},
        {"response_code": "-", "path": "/", "response_flags": "-", "upstream_host": "-"},
    ],
)
def test_a_column_that_was_never_logged_is_no_evidence(logged: Record) -> None:
    assert outcome_of(logged) == "unknown"


@pytest.mark.parametrize(
    ("logged", "expected"),
    [
        ({"response_code": 404, "path": "/", "response_flags": "NR"}, "no_route"),
        ({"response_code": 404, "response_code_details": "route_not_found"}, "no_route"),
        ({"response_code": 200, "response_code_details": "via_upstream"}, "served"),
        ({"response_code": 503, "path": "/", "upstream_service_time": "3"}, "upstream_5xx"),
        ({"response_code": 200, "path": "/", "upstream_host": "192.0.2.33:8080"}, "served"),
        ({"response_code": 404, "path": "/", "upstream_host": "192.0.2.33:8080"}, "upstream_4xx"),
        ({"response_code": 503, "response_flags": "UC", "path": "/"}, "upstream_reset"),
        ({"response_code": 301, "response_flags": "-", "upstream_host": "-", "path": "/"},
         "direct_response"),
        ({"response_code": 403, "response_flags": "-", "upstream_host": "-", "path": "/"},
         "gateway_other"),
    ],
)  # fmt: skip
def test_what_was_logged_is_evidence_however_little_it_is(logged: Record, expected: str) -> None:
    assert outcome_of(logged) == expected


@pytest.mark.parametrize(
    ("logged", "error"),
    [
        (_answer(500, "-", "lua_response"), True),
        (_answer(403, "-", "lua_response"), False),
        (_upstream(200, "UR"), True),
        (_upstream(500), True),
        (_upstream(404), False),
        (record(**NO_ROUTE), False),
        (_unanswered_404(route_name="default"), False),
        (_answer(503, "FI", "fault_filter_abort"), False),
        (_answer(503, "UAEX", "ext_authz_denied"), True),
        (_answer(403, "UAEX", "ext_authz_denied"), False),
        (_answer(503, "UAEX"), True),
        (_answer(500, "DPE"), True),
        (_answer(504, "DC"), True),
        (record(**{**NO_ROUTE, "response_code": 500}), True),
        ({"response_code": 503, "path": "/"}, True),
        ({"response_code": 404, "path": "/"}, False),
        ({"response_code": "-", "path": "/"}, False),
        (_answer(503, "UAEX", "ext_authz_error"), True),
        (_answer(429, "RL"), False),
        (_answer(0, "DC"), False),
        (_answer(503, "NC"), True),
        (_answer(503, "UH"), True),
        (_answer(503, "UF"), True),
        (_answer(504, "UT"), True),
        (_answer(503, "UC"), True),
        (_answer(503, "UO"), True),
        (_answer(502, "-", "direct_response", route_name="block_all"), True),
        (_answer(500, "-", "direct_response"), True),
        (_answer(404, "-", "direct_response"), False),
        (_upstream(101), False),
        (connection(response_flags="UF"), False),
        (connection(response_flags="NR", upstream_cluster=None), False),
    ],
)
def test_what_counts_as_an_error(logged: Record, *, error: bool) -> None:
    assert frame_of(logged).select(is_error()).item() is error


@pytest.mark.parametrize(
    ("logged", "routed"),
    [
        (_upstream(200), True),
        (_upstream(404, upstream_cluster=None), True),
        (_answer(503, "UH", upstream_cluster=None), True),
        (_answer(503, "NC", upstream_cluster=None), True),
        (_answer(301, "-", "direct_response"), True),
        # A redirect of a wildcard host answers strangers too.
        (_answer(301, "-", "direct_response", upstream_cluster=None), False),
        (_answer(403, "-", "rbac_access_denied_matched_policy[none]"), True),
        (_answer(403, "-", "rbac_access_denied_matched_policy[none]", upstream_cluster=None),
         False),
        (_answer(0, "DC"), True),
        (_answer(0, "DC", upstream_cluster=None), False),
        (record(**NO_ROUTE), False),
        (record(**{**NO_ROUTE, "upstream_cluster": "outbound|80||a.b"}), False),
        (_unanswered_404(route_name="default"), False),
        (_answer(502, route_name="block_all", upstream_cluster=None), False),
        (_answer(503, upstream_cluster="BlackHoleCluster"), False),
        (connection(), False),
        (connection(response_flags="UF"), False),
    ],
)  # fmt: skip
def test_what_counts_as_routed(logged: Record, *, routed: bool) -> None:
    assert frame_of(logged).select(is_routed()).item() is routed


def test_every_outcome_has_a_name_of_its_own_and_words_for_people() -> None:
    assert len(set(OUTCOME_NAMES)) == len(OUTCOMES)
    for outcome in OUTCOMES:
        assert outcome.must_act
        assert outcome.meaning.endswith(".")


def test_the_groups_of_outcomes_name_outcomes() -> None:
    assert {*CONNECTION_OUTCOMES, *UNROUTED, *UPSTREAM_ANSWERED} <= {*OUTCOME_NAMES}
    assert OUTCOME_NAMES[:3] == CONNECTION_OUTCOMES


def test_the_errors_are_those_of_the_definition() -> None:
    assert {outcome.name for outcome in OUTCOMES if outcome.error} == {
        "broken_response", "upstream_5xx", "no_cluster", "no_endpoints", "connect_failure",
        "upstream_reset", "upstream_timeout", "overflow", "dependency_failed",
    }  # fmt: skip


@pytest.mark.property
@given(records)
def test_every_record_of_any_era_has_one_outcome(logged: Record) -> None:
    read = frame_of(logged)

    outcome = read["outcome"].item()
    assert outcome in OUTCOME_NAMES
    assert (outcome in CONNECTION_OUTCOMES) == read.select(is_connection()).item()


# The exhaustive walk: every combination as one frame, and the table told again in plain Python.

_FLAG_NAMES: Final = [flag.short for flag in RESPONSE_FLAGS]
_ONE_FLAG: Final = [None, *_FLAG_NAMES]
_PAIRS: Final = sorted(
    {
        ",".join(sorted((flag, harmless), key=_FLAG_NAMES.index))
        for flag in _FLAG_NAMES
        for harmless in ("URX", "DI")
        if flag != harmless
    }
)
_ALL_DETAILS: Final = [
    None,
    *(detail.match.replace("*", "{x}") for detail in RESPONSE_CODE_DETAILS),
    "never_heard_of",
]
_CODES: Final = [
    None, 0, 100, 101, 200, 204, 301, 304, 400, 401, 403, 404, 408, 413, 429, 499, 500, 502, 503,
    504, 999,
]  # fmt: skip
_TURNING_CODES: Final = [None, 0, 99, 100, 101, 200, 399, 400, 404, 499, 500, 599, 600, 999]
_CLUSTER: Final = "outbound|80||cart.shop.svc.cluster.local"
_HOST: Final = "192.0.2.33:8080"


_AXES: Final[dict[str, list[Any]]] = {
    "response_flags": _ONE_FLAG,
    "response_code_details": _ALL_DETAILS,
    "response_code": _CODES,
    "upstream_cluster": [None, _CLUSTER],
    "upstream_host": [None, _HOST],
    "upstream_service_time_ms": [None, 3],
    "route_name": [None, "default"],
    "path": ["/"],
    "bytes_sent": [3],
}


def _walk(**axes: list[Any]) -> pl.DataFrame:
    """Return every combination of values as normalized records of which every key was logged."""
    combinations = pl.LazyFrame({"line": 1})
    for name, values in {**_AXES, **axes}.items():
        axis = pl.LazyFrame({name: pl.Series(values, dtype=NORMALIZED[name])})
        combinations = combinations.join(axis, how="cross")
    http = (pl.lit(None, pl.String).alias(name) for name in ("method", "authority", "protocol"))
    logged = (pl.lit(value=True).alias(name) for name in LOGGED_KEYS)
    return with_outcome(combinations.with_columns(*http, *logged).collect())


class _Request(NamedTuple):
    """What the table looks at, of a request of which every key was logged."""

    response_flags: str | None
    details: str | None
    code: int | None
    cluster: str | None
    host: str | None
    service_time: int | None
    route: str | None

    def fits(self, flags: str, *details: str) -> bool:
        """Tell whether one of these flags is set or the details are one of these."""
        return _fits(self.response_flags or "", self.details or "", flags, details)

    @property
    def harmless(self) -> bool:
        return not self.response_flags or set(self.response_flags.split(",")) <= {"DI", "URX"}

    @property
    def seen(self) -> bool:
        return self.host is not None or self.service_time is not None

    @property
    def answered(self) -> bool:
        """Whether the upstream answered."""
        unexplained = self.details is None and self.harmless
        return self.details == "via_upstream" or (unexplained and self.seen)

    def between(self, low: int, high: int) -> bool:
        return self.code is not None and low <= self.code <= high


@cache
def _fits(logged_flags: str, logged_details: str, flags: str, details: tuple[str, ...]) -> bool:
    return not set(logged_flags.split(",")).isdisjoint(flags.split()) or any(
        fnmatchcase(logged_details, pattern) for pattern in details
    )


_RESET = "upstream_reset_before_response_started{"
_CONNECT_DETAILS = (
    _RESET + "connection_failure*", _RESET + "remote_connection_failure*",
    _RESET + "local_connection_failure*", _RESET + "connection_timeout*",
    *(_RESET + f"*connection_failure*{reason}*" for reason in (
        "TLS_error", "connect_error:_111", "Connection_refused", "connect_error:_110",
        "Connection_timed_out", "connect_error:_113", "No_route_to_host", "connect_error:_101",
        "Network_is_unreachable",
    )),
)  # fmt: skip

# The table of the product's description, with refinements. A missing cluster has the flag of a
# missing route before Envoy 1.18, and without details only the code tells a failed authorization
# service from its denials. Where no flag says it, the reasons
# of a reset tell an overflow and a failed connection from other resets. The end of an upgraded
# connection (101) is no failure, though Envoy logs it as a reset or a disconnect.
_TABLE: Final[tuple[tuple[str, Callable[[_Request], bool]], ...]] = (
    ("fault_injected", lambda r: r.fits("FI", "fault_filter_*")),
    ("no_cluster", lambda r: r.fits("NC", "cluster_not_found") or (
        r.fits("NR") and r.details is None and r.code == 503)),
    ("no_route", lambda r: r.fits("NR", "route_not_found", "route_configuration_not_found")),
    ("dependency_failed", lambda r: r.fits(
        "RLSE NFCF", "ext_authz_error", "rate_limiter_error", "ext_proc_error*",
        "wasm_fail_stream", "jwt_authn_access_denied{Jwks_remote_fetch_is_failed*") or (
        r.fits("UAEX") and r.details is None and r.between(500, 999))),
    ("rate_limited", lambda r: r.fits("RL", "*_rate_limited")),
    ("denied", lambda r: r.fits(
        "UAEX", "rbac_access_denied*", "jwt_authn_*", "ext_authz_denied", "csrf_*")),
    ("client_error", lambda r: r.fits(
        "DPE IH", "low_version", "missing_host_header", "missing_path_rejected", "invalid_path",
        "absolute_path_rejected", "path_normalization_failed", "upgrade_failed",
        "early_connect_data", "request_headers_failed_strict_check*",
        "rejecting_because_detection_failed", "websocket_handshake_unsuccessful",
        "request_header_timeout", "downstream_header_timeout", "request_overall_timeout",
        "request_payload_too_large")),
    ("overflow", lambda r: r.fits(
        "OM DO UDO", "overload", "maintenance_mode", "reached_concurrency_limit",
        "drop_overload", "unconditional_drop_overload", _RESET + "overflow*") or (
        r.fits("UO") and not r.fits(
            "", "via_upstream", *_CONNECT_DETAILS, *_TIMEOUT_DETAILS))),
    ("no_endpoints", lambda r: r.fits("UH", "no_healthy_upstream")),
    ("served", lambda r: r.code == 101 and (
        r.fits("", "via_upstream", "upstream_reset_after_*", "downstream_remote_disconnect")
        or (r.details is None and r.fits("DC DR UC UR")))),
    ("broken_response", lambda r: r.fits("UC UR UPE LR UT SI UMSDR DT", *_TIMEOUT_DETAILS) and (
        r.fits("", "upstream_reset_after_*")
        or (r.between(100, 399) and (r.details == "via_upstream" or r.service_time is not None)))),
    ("connect_failure", lambda r: r.fits("UF DF", *_CONNECT_DETAILS)),
    ("upstream_timeout", lambda r: r.fits("UT UMSDR SI DT", *_TIMEOUT_DETAILS)),
    ("upstream_reset", lambda r: r.fits("UC UR UPE LR", "upstream_reset_*")),
    ("client_gone", lambda r: r.fits("DC DR", "downstream_remote_disconnect")),
    ("upstream_5xx", lambda r: r.answered and r.between(500, 999)),
    ("upstream_4xx", lambda r: r.answered and r.between(400, 499)),
    ("passthrough", lambda r: r.answered and r.between(1, 399) and (
        r.cluster == "PassthroughCluster" or r.route == "allow_any")),
    ("served", lambda r: r.answered and r.between(1, 399)),
    ("blackhole", lambda r: r.code == 404 and r.route == "default" and r.harmless
        and r.cluster is None and not r.seen),
    ("blocked", lambda r: r.route == "block_all" or r.cluster == "BlackHoleCluster"),
    ("direct_response", lambda r: r.fits(
        "RFCF", "direct_response", "cors_response", "health_check_*", "internal_redirect",
        "admin_filter_response") or (
        r.details is None and r.between(100, 399) and not r.seen)),
    ("gateway_other", lambda r: r.code is not None),
    ("unknown", lambda _: True),
)  # fmt: skip


def _told(request: _Request) -> str:
    """Return the first line of the table that fits."""
    return next(outcome for outcome, fits in _TABLE if fits(request))


def _disagreements(walked: pl.DataFrame) -> list[tuple[_Request, str, str]]:
    """Return the combinations whose outcome is not the one that the table tells."""
    return [
        (request, outcome, expected)
        for *values, _, _, outcome in walked.select(*_AXES, "outcome").iter_rows()
        if outcome != (expected := _told(request := _Request(*values)))
    ]


def test_every_combination_has_exactly_one_outcome_and_clear_signs() -> None:
    flags = [*_ONE_FLAG, *_PAIRS]
    walked = _walk(response_flags=flags)

    assert walked.height == len(flags) * len(_ALL_DETAILS) * len(_CODES) * 2**4
    assert walked["outcome"].null_count() == 0
    assert set(walked["outcome"].unique()) <= set(OUTCOME_NAMES) - set(CONNECTION_OUTCOMES)
    signs = walked.select(is_error().alias("error"), is_routed().alias("routed"))
    assert signs.null_count().row(0) == (0, 0)
    assert not (walked["outcome"].is_in(UNROUTED) & signs["routed"]).any()


def test_every_combination_has_the_outcome_that_the_table_tells() -> None:
    assert _disagreements(_walk(response_code=_TURNING_CODES)) == []


def test_clusters_and_routes_with_a_meaning_have_the_outcome_that_the_table_tells() -> None:
    walked = _walk(
        response_code_details=[None, "via_upstream", "direct_response", "never_heard_of"],
        response_code=[None, 0, 200, 404, 502],
        upstream_cluster=[None, _CLUSTER, "PassthroughCluster", "BlackHoleCluster"],
        route_name=[None, "default", "reviews", "block_all", "allow_any"],
    )

    assert _disagreements(walked) == []


@pytest.mark.parametrize("harmless", ["URX", "DI"])
def test_delays_and_retries_change_the_outcome_of_no_combination(harmless: str) -> None:
    axes: dict[str, list[Any]] = {
        "response_code": _TURNING_CODES,
        "route_name": ["default", "block_all"],
    }
    beside: list[Any] = [",".join(filter(None, (flag, harmless))) for flag in _ONE_FLAG]

    alone = _walk(response_flags=_ONE_FLAG, **axes).drop("response_flags")
    with_harmless = _walk(response_flags=beside, **axes).drop("response_flags")

    assert with_harmless.equals(alone)


def test_every_combination_of_a_connection_is_one_of_the_three() -> None:
    walked = _walk(
        path=[None],
        response_flags=[*_ONE_FLAG, *_PAIRS],
        response_code=[None, 0],
        upstream_cluster=[None, _CLUSTER, "PassthroughCluster", "BlackHoleCluster"],
        bytes_sent=[None, 0, 3],
    )

    signs = ("response_flags", "upstream_cluster", "upstream_host", "bytes_sent")
    found = walked.select(*signs, "outcome").unique()
    assert found.height == len([*_ONE_FLAG, *_PAIRS]) * 4 * 2 * 3
    for flags, cluster, host, sent, outcome in found.iter_rows():
        tokens = set((flags or "").split(","))
        failed = tokens & {"UF", "UH", "UO", "NC", "UT", "URX", "DF"}
        unsent = cluster is None and host is None and not tokens & {"DC", "DR", "DPE", "IH"}
        in_vain = bool(tokens & {"UC", "UR"}) and sent == 0
        if "NR" in tokens:
            assert outcome == "no_filter_chain"
        elif failed or cluster == "BlackHoleCluster" or unsent or in_vain:
            assert outcome == "tcp_failed"
        else:
            assert outcome == "tcp"


@pytest.mark.parametrize(
    ("key", "never"),
    [
        ("logged_response_flags", {"blackhole", "direct_response", "gateway_other"}),
        ("logged_upstream_host", {"blackhole", "direct_response"}),
        ("logged_upstream_cluster", {"blackhole"}),
        ("logged_upstream_service_time", set()),
        ("logged_response_code_details", set()),
        ("logged_route_name", set()),
    ],
)
def test_no_outcome_rests_on_the_absence_of_a_value_whose_key_was_never_logged(
    key: str, never: set[str]
) -> None:
    axes: dict[str, list[Any]] = {"response_code_details": [None], LOGGED_KEYS[key]: [None]}
    walked = _walk(**axes).drop("outcome")
    told_less = with_outcome(walked.with_columns(pl.lit(value=False).alias(key)))
    unflagged = told_less.filter(pl.col("response_flags").is_null())

    assert told_less["outcome"].null_count() == 0
    assert unflagged.height > 0
    assert not never & set(unflagged["outcome"])
