"""How values of `response_code_details` are read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoylogs.envoy.details import RESPONSE_CODE_DETAILS, Detail, reading_of

_RESET = "upstream_reset_before_response_started"


def _group(details: str) -> str | None:
    detail = reading_of(details)
    assert detail is not None, f"{details} is not known"
    return detail.group


@pytest.mark.parametrize(
    ("details", "group"),
    [
        ("via_upstream", "via_upstream"),
        ("route_not_found", "no_route"),
        ("route_configuration_not_found", "no_route"),
        ("cluster_not_found", "no_cluster"),
        ("direct_response", "direct_response"),
        ("no_healthy_upstream", "no_endpoints"),
        ("fault_filter_abort", "fault"),
        ("fault_filter_overflow", "fault"),
        ("local_rate_limited", "rate_limited"),
        ("request_rate_limited", "rate_limited"),
        ("rate_limiter_error", "dependency"),
        ("ext_authz_denied", "denied"),
        ("ext_authz_error", "dependency"),
        ("ext_proc_error_gRPC_error_14{detail}", "dependency"),
        ("rbac_access_denied_matched_policy[none]", "denied"),
        ("rbac_access_denied_matched_policy[ns[shop]-policy[only-admins]-rule[0]]", "denied"),
        ("jwt_authn_access_denied{Jwks_doesn't_have_key_to_match_kid_or_alg_from_Jwt}", "denied"),
        ("jwt_authn_access_denied{Jwks_remote_fetch_is_failed}", "dependency"),
        ("jwt_authn_access_denied{Jwt_is_expired}", "denied"),
        ("request_headers_failed_strict_check{x-envoy-retry-on}", "client_error"),
        (f"{_RESET}{{overflow}}", "overflow"),
        (f"{_RESET}{{connection_failure}}", "connect_failure"),
        (f"{_RESET}{{remote_connection_failure,delayed_connect_error:_111}}", "connect_failure"),
        (f"{_RESET}{{local_connection_failure}}", "connect_failure"),
        (f"{_RESET}{{connection_timeout}}", "connect_failure"),
        (f"{_RESET}{{connection_termination}}", "reset_before"),
        (f"{_RESET}{{http2.remote_refuse}}", "reset_before"),
        ("upstream_reset_after_response_started{remote_reset}", "reset_after"),
        ("upstream_response_timeout", "timeout"),
        ("response_timeout", "timeout"),
        ("request_header_timeout", "client_error"),
        ("downstream_remote_disconnect", "client_gone"),
        ("downstream_local_disconnect(connection_idle_timeout)", None),
        ("http1.codec_error", None),
        ("http2.remote_reset", None),
        ("filter_chain_not_found", None),
        ("ext_proc_immediate_response", None),
    ],
)
def test_details_are_read_whatever_their_parameter_says(details: str, group: str | None) -> None:
    assert _group(details) == group


@pytest.mark.parametrize(
    "details",
    [
        "",
        "-",
        "VIA_UPSTREAM",
        "via_upstream_",
        "xvia_upstream",
        "route_not_found{x}",
        "rate_limited",
    ],
)
def test_details_that_envoy_does_not_document_are_unknown(details: str) -> None:
    assert reading_of(details) is None


@pytest.mark.parametrize("detail", RESPONSE_CODE_DETAILS, ids=lambda detail: detail.match)
def test_no_pattern_hides_behind_one_before_it(detail: Detail) -> None:
    assert reading_of(detail.match.replace("*", "{x}")) is detail


def test_every_pattern_stands_once_and_says_what_happened() -> None:
    assert len({detail.match for detail in RESPONSE_CODE_DETAILS}) == len(RESPONSE_CODE_DETAILS)
    for detail in RESPONSE_CODE_DETAILS:
        assert detail.reading.endswith((".", ")."))


@pytest.mark.property
@given(st.sampled_from(RESPONSE_CODE_DETAILS), st.text(max_size=20))
def test_the_parameter_of_a_prefix_never_changes_its_reading_to_unknown(
    detail: Detail, parameter: str
) -> None:
    details = detail.match.replace("*", parameter)

    found = reading_of(details)

    assert found is not None
    if "*" not in detail.match:
        assert found is detail
