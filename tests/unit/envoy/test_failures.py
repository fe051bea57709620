"""Which way to fail a record shows, and what kind of harm it tells of."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import GATEWAY_ANSWERED, Era, connection, frame_of, in_era, record

from envoylogs.envoy.details import RESPONSE_CODE_DETAILS, Detail, reading_of
from envoylogs.envoy.failures.lookup import (
    FAILURE_OF_OUTCOME,
    FAILURES,
    OF_SERVICES,
    failure_of,
    upgrade_end,
    with_failure,
)
from envoylogs.envoy.failures.of_requests import FAILURES_OF_MANY, FAILURES_OF_REQUESTS
from envoylogs.envoy.failures.of_services import FAILURES_OF_SERVICES
from envoylogs.envoy.failures.of_the_gateway import FAILURES_OF_THE_GATEWAY
from envoylogs.envoy.flags import RESPONSE_FLAGS, ResponseFlag
from envoylogs.envoy.harm import Actor, Failure, Harm
from envoylogs.envoy.outcomes import (
    CONNECTION_OUTCOMES,
    OUTCOME_NAMES,
    OUTCOMES,
    harm_of,
    harm_of_record,
    is_error,
    is_refused,
)

if TYPE_CHECKING:
    from tests.builders import Record

_RESET = "upstream_reset_before_response_started"
_OF_RECORDS = (*FAILURES_OF_SERVICES, *FAILURES_OF_THE_GATEWAY, *FAILURES_OF_REQUESTS)
_ROWS = (*_OF_RECORDS, *FAILURES_OF_MANY)
_CODES = (None, -1, 0, 99, 100, 101, 200, 399, 400, 404, 499, 500, 503, 599, 600, 999)
_SHOWN = [None, *(detail.match.replace("*", "{x}") for detail in RESPONSE_CODE_DETAILS)]


def _gateways(code: int | None, flags: str = "-", details: str | None = None) -> Record:
    """Return the record of a request that the gateway answered by itself."""
    answer = {"response_code": code, "response_flags": flags, "response_code_details": details}
    return record(**{**GATEWAY_ANSWERED, **answer})


_RBAC = "rbac_access_denied_matched_policy[none]"
_UNSENT = {"upstream_cluster": None, "upstream_host": None}
_TLS = "SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED"
_REASONS = [
    (f"TLS error: 268435581:{_TLS}", "connect_tls"),
    (f"TLS_error:|268435581:{_TLS}:TLS_error_end", "connect_tls"),
    ("TLS_error:_33554536:system_library:OPENSSL_internal:Connection_reset_by_peer", "connect_tls"),
    ("delayed connect error: 111", "connect_refused"),
    ("delayed_connect_error:_Connection_refused|remote_address:192.0.2.1:80", "connect_refused"),
    ("remote_connection_failure", "connect_refused"),
    ("delayed_connect_error:_110", "connect_timeout"),
    ("delayed connect error: Connection timed out", "connect_timeout"),
    ("connection_timeout", "connect_timeout"),
    ("delayed_connect_error:_113", "connect_unreachable"),
    ("immediate connect error: Network is unreachable", "connect_unreachable"),
    ("delayed connect error: Invalid argument", "connect_failed"),
    ("", "connect_failed"),
]
"""What the transport says, by release, and the failure that it is."""

_BLOCKED = {**_gateways(502), "route_name": "block_all"}


def _failure(logged: Record) -> str | None:
    found = with_failure(frame_of(logged).drop("failure"))["failure"].item()
    assert found is None or isinstance(found, str)
    return found


def test_every_failure_stands_once() -> None:
    assert len({failure.name for failure in _ROWS}) == len(_ROWS)
    assert list(FAILURES) == [failure.name for failure in _ROWS]


@pytest.mark.parametrize("failure", _ROWS, ids=lambda failure: failure.name)
def test_every_failure_says_whom_it_blames_and_what_to_do_next(failure: Failure) -> None:
    title = failure.says.format(label="cart.shop:80", codes="503")
    next_step = failure.next.format(endpoints="Look at the endpoints")

    assert failure.actor is not Actor.NOBODY
    assert failure.blames
    assert not failure.blames.endswith(".")
    assert "cart.shop:80" in title
    assert not title.endswith((".", "?", ":"))
    assert next_step.rstrip(")").endswith((".", "?", "-A", "istio-system"))
    assert not {*"{}"} & {*title, *next_step}


def test_failures_of_services_are_told_of_the_cluster() -> None:
    assert set(OF_SERVICES) == {failure.name for failure in FAILURES_OF_SERVICES}


@pytest.mark.parametrize("flag", RESPONSE_FLAGS, ids=lambda flag: flag.short)
def test_a_flag_refers_to_a_failure_that_exists(flag: ResponseFlag) -> None:
    assert flag.failure is None or flag.failure in FAILURES


@pytest.mark.parametrize("detail", RESPONSE_CODE_DETAILS, ids=lambda detail: detail.match)
def test_a_detail_refers_to_a_failure_that_exists(detail: Detail) -> None:
    assert detail.failure is None or detail.failure in FAILURES


@pytest.mark.parametrize("outcome", OUTCOME_NAMES)
def test_an_outcome_refers_to_a_failure_that_exists_and_a_harmless_one_to_none(
    outcome: str,
) -> None:
    found = FAILURE_OF_OUTCOME.get(outcome)

    assert found is None or found in FAILURES
    if outcome in {"served", "passthrough", "tcp"}:
        assert found is None
    elif outcome not in {"direct_response", "gateway_other"}:  # the code tells of which
        assert found is not None


@pytest.mark.parametrize("flag", RESPONSE_FLAGS, ids=lambda flag: flag.short)
def test_a_flag_alone_shows_the_failure_that_it_refers_to(flag: ResponseFlag) -> None:
    if flag.failure in {failure.name for failure in _OF_RECORDS}:
        code = 404 if flag.short == "NR" else 403 if flag.short == "UAEX" else 503
        assert _failure(_gateways(code, flag.short)) == flag.failure


def test_a_delay_alone_is_no_failure_of_a_request_that_was_served() -> None:
    assert _failure(record(response_flags="DI")) is None
    assert _failure(_gateways(504, "UT,DI")) == "response_timeout"


@pytest.mark.parametrize(
    ("code", "flags", "details", "expected"),
    [
        (101, "UC", "upstream_reset_after_response_started{x}", "upgrades_closed"),
        (101, "UR", "upstream_reset_after_response_started{x}", "upgrades_closed"),
        (101, "DC", "downstream_remote_disconnect", "upgrades_left"),
        (101, "-", "via_upstream", None),
        (101, "SI", "stream_idle_timeout", None),
        (200, "-", "via_upstream", None),
        (200, "DC", "downstream_remote_disconnect", None),
    ],
)
def test_the_side_that_closed_an_upgraded_connection_is_told(
    code: int, flags: str, details: str, expected: str | None
) -> None:
    logged = record(response_code=code, response_flags=flags, response_code_details=details)

    assert frame_of(logged).select(upgrade_end()).item() == expected


@pytest.mark.parametrize("detail", RESPONSE_CODE_DETAILS, ids=lambda detail: detail.match)
def test_details_alone_show_the_failure_that_they_refer_to(detail: Detail) -> None:
    if detail.failure is not None:
        details = detail.match.replace("*", "{x}")
        assert _failure(_gateways(503, "-", details)) == detail.failure


def test_every_failure_that_a_record_shows_is_reached_by_some_and_no_other() -> None:
    flags = [None, *(flag.short for flag in RESPONSE_FLAGS)]
    requests = [
        _gateways(code, flag or "-", details)
        for flag, details, code in product(flags, _SHOWN, (0, 200, 403, 503))
    ]
    answered = [record(response_code=code, response_flags=flag or "-")
                for flag, code in product(flags, (200, 404, 503))]  # fmt: skip
    little = [_BLOCKED, {"response_code": 503, "path": "/"}]
    connections = [
        connection(response_flags=flag, upstream_cluster=cluster)
        for flag, cluster in product(("NR", "URX"), ("outbound|3306||db.shop", "BlackHoleCluster"))
    ]
    connections.append(connection(upstream_cluster=None, upstream_host=None))

    found = frame_of(*requests, *answered, *little, *connections)["failure"]

    assert set(found.drop_nulls()) == {failure.name for failure in _OF_RECORDS}


@pytest.mark.parametrize(
    ("logged", "expected"),
    [
        # Details come first: they name the very reason.
        (_gateways(503, "UF", f"{_RESET}{{connection_timeout}}"), "connect_timeout"),
        (_gateways(503, "UF", f"{_RESET}{{remote_connection_failure,delayed_connect_error:_111}}"),
         "connect_refused"),
        (_gateways(503, "UF", f"{_RESET}{{remote_connection_failure,delayed_connect_error:_110}}"),
         "connect_timeout"),
        (_gateways(503, "UF,URX", f"{_RESET}{{connection_failure,TLS_error:_268435703:SSL_routines:"
                                  "OPENSSL_internal:WRONG_VERSION_NUMBER}"), "connect_tls"),
        (_gateways(503, "UF", f"{_RESET}{{connection_failure}}"), "connect_failed"),
        (_gateways(503, "UC", f"{_RESET}{{connection_termination}}"), "connection_closed"),
        (_gateways(503, "UR", f"{_RESET}{{remote_reset}}"), "stream_reset"),
        (_gateways(503, "UR", f"{_RESET}{{remote_refused_stream_reset}}"), "stream_refused"),
        (_gateways(503, "UR", f"{_RESET}{{http2.remote_refuse}}"), "stream_refused"),
        (_gateways(502, "UPE", f"{_RESET}{{protocol_error}}"), "broken_http"),
        (_gateways(503, "UO", f"{_RESET}{{overflow}}"), "pool_full"),
        (_gateways(503, "UO", "maintenance_mode"), "maintenance_mode"),
        (_gateways(504, "UMSDR", "upstream_max_stream_duration_reached"), "duration_limit"),
        (_gateways(504, "UT", "max_duration_timeout"), "duration_limit"),
        (_gateways(408, "SI", "stream_idle_timeout"), "idle_limit"),
        (_gateways(408, "-", "request_overall_timeout"), "client_too_slow"),
        (_gateways(401, "-", "jwt_authn_access_denied{Jwks_remote_fetch_is_failed}"),
         "jwks_unreachable"),
        (_gateways(401, "-", "jwt_authn_access_denied{Jwt_is_expired}"), "token_expired"),
        (_gateways(401, "-", "jwt_authn_access_denied{Issuer_is_not_configured}"), "token_refused"),
        (_gateways(403, "-", "rbac_access_denied_matched_policy[none]"), "policy_denied"),
        (_gateways(403, "UAEX", "ext_authz_error"), "authorization_down"),
        (_gateways(503, "UAEX", "ext_authz_denied"), "authorization_denied"),
        (_gateways(500, "-", "ext_proc_error_gRPC_error_14{x}"), "ext_proc_down"),
        (_gateways(429, "-", "local_rate_limited"), "over_local_rate_limit"),
        (_gateways(429, "RL", "request_rate_limited"), "over_rate_limit"),
        (_gateways(413, "-", "request_payload_too_large"), "body_too_large"),
        (_gateways(404, "NR", "route_configuration_not_found"), "route_table_missing"),
        (_gateways(503, "NR", "cluster_not_found"), "cluster_missing"),
        # Flags follow.
        (_gateways(503, "NR"), "cluster_missing"),
        (_gateways(404, "NR"), "route_missing"),
        (_gateways(503, "UF,URX"), "connect_failed"),
        (_gateways(503, "URX,UF"), "connect_failed"),
        (_gateways(503, "DI,UH"), "no_endpoints"),
        (_gateways(503, "UF", "never_heard_of"), "connect_failed"),
        (_gateways(503, "UAEX"), "authorization_down"),
        (_gateways(403, "UAEX"), "authorization_denied"),
        (_gateways(0, "DC"), "client_left"),
        (_gateways(503, "LH"), "unhealthy_self"),
        # A gRPC request that the gateway answers itself is logged with code 200.
        (_gateways(200, "UF,URX", f"{_RESET}{{remote_connection_failure}}"), "connect_refused"),
        # Then the outcome and the code.
        (record(response_code=503), "upstream_5xx"),
        (record(response_code=404), "upstream_4xx"),
        (_gateways(503, "-", "direct_response"), "direct_error"),
        (_gateways(404, "-", "direct_response"), "direct_refusal"),
        (_gateways(301, "-", "direct_response"), None),
        (_gateways(403), "refused"),
        (_gateways(503), "gateway_error"),
        (_gateways(503, "XYZ"), "gateway_error"),
        (_gateways(403, "-", "lua_response"), "filter_answered"),
        ({"response_code": 503, "path": "/"}, "unattributed"),
        ({"response_code": 404, "path": "/"}, "unattributed"),
        ({"response_code": "-", "path": "/"}, None),
        (_BLOCKED, "unknown_destination"),
        # An answer that began and was then broken off is that, whatever broke it off.
        (record(response_code=200, response_flags="UC"), "broken_off"),
        (record(response_code=200, response_flags="UR"), "broken_off"),
        (record(response_code=200, response_flags="UC", response_code_details=
                "upstream_reset_after_response_started{connection_termination}"), "broken_off"),
        (record(response_code=200, response_flags="UMSDR"), "duration_limit"),
        (record(response_code=200, response_flags="UPE", response_code_details=
                "upstream_reset_after_response_started{protocol_error}"), "broken_http"),
        # No harm.
        (record(), None),
        (record(response_code=101, response_flags="UC"), None),
        (record(response_flags="DI"), None),
        (connection(), None),
        (connection(response_flags="NR", upstream_cluster=None), "name_refused"),
        (connection(response_flags="UF"), "connect_failed"),
        (connection(response_flags="UF,URX"), "connect_failed"),
        (connection(response_flags="URX"), "connection_failed"),
        (connection(response_flags="UH", upstream_cluster="BlackHoleCluster"), "unknown_hop"),
        (connection(response_flags="UC", bytes_sent=0), "connection_closed"),
        (connection(response_flags="UR", bytes_sent=0), "connection_closed"),
        (connection(**_UNSENT), "not_passed_on"),
        (connection(**_UNSENT, response_flags="UAEX"), "authorization_denied"),
        (connection(**_UNSENT, connection_termination_details=_RBAC), "policy_denied"),
        (connection(**_UNSENT, connection_termination_details="none_that_is_known"),
         "not_passed_on"),
        # Of a request they are about the connection that it came by.
        (_gateways(503, "UF") | {"connection_termination_details": _RBAC}, "connect_failed"),
    ],
)  # fmt: skip
def test_the_most_telling_of_details_flags_code_and_outcome_says_how_it_failed(
    logged: Record, expected: str | None
) -> None:
    assert _failure(logged) == expected


@pytest.mark.parametrize(("reason", "expected"), _REASONS)
def test_the_reason_of_the_transport_says_why_there_is_no_connection(
    reason: str, expected: str
) -> None:
    told = {"upstream_transport_failure_reason": reason}

    assert _failure(connection(response_flags="UF,URX", **told)) == expected
    assert _failure(in_era(_gateways(503, "UF,URX") | told, Era.V1_3)) == expected
    assert _failure(_gateways(503, "UF", f"{_RESET}{{connection_failure}}") | told) == expected


def test_the_reason_of_the_transport_changes_nothing_else() -> None:
    told = {"upstream_transport_failure_reason": _REASONS[0][0]}

    assert _failure(_gateways(503, "UF", f"{_RESET}{{connection_timeout}}") | told) == (
        "connect_timeout"
    )
    assert _failure(_gateways(503, "UC") | told) == "connection_closed"
    assert _failure(record() | told) is None


_OUTCOMES = st.sampled_from(OUTCOME_NAMES)
_LOGGED_CODES = st.sampled_from(_CODES)
_FLAGS = st.one_of(
    st.none(),
    st.just("XYZ"),
    st.lists(st.sampled_from([flag.short for flag in RESPONSE_FLAGS]), min_size=1, max_size=3).map(
        ",".join
    ),
)
_DETAILS = st.one_of(st.sampled_from(_SHOWN), st.text(max_size=10))
_TERMINATIONS = st.sampled_from([None, _RBAC, "x"])
_TRANSPORT = st.sampled_from([None, *(reason for reason, _ in _REASONS)])
_CLUSTERS = st.sampled_from([None, "outbound|80||cart.shop.svc.cluster.local", "BlackHoleCluster"])


@pytest.mark.property
@given(row=st.tuples(_OUTCOMES, _LOGGED_CODES, _FLAGS, _DETAILS, _TERMINATIONS, _TRANSPORT))
def test_whatever_does_harm_has_a_way_to_fail_and_nothing_else_has(
    row: tuple[str, int | None, str | None, str | None, str | None, str | None],
) -> None:
    found = failure_of(*row)

    assert (found is None) == (harm_of(*row[:2]) is None)
    assert found is None or found in FAILURES


@pytest.mark.property
@given(
    rows=st.lists(
        st.tuples(_OUTCOMES, _LOGGED_CODES, _FLAGS, _DETAILS, _TERMINATIONS, _TRANSPORT, _CLUSTERS)
    )
)
def test_the_column_is_what_is_found_row_by_row_in_the_order_of_the_rows(
    rows: list[tuple[Any, ...]],
) -> None:
    columns = {
        "outcome": pl.String(),
        "response_code": pl.Int64(),
        "response_flags": pl.String(),
        "response_code_details": pl.String(),
        "connection_termination_details": pl.String(),
        "upstream_transport_failure_reason": pl.String(),
        "upstream_cluster": pl.String(),
    }
    logged = pl.DataFrame(rows, schema=columns, orient="row")

    found = with_failure(logged)

    assert found.drop("failure").equals(logged)
    assert found["failure"].to_list() == [
        "unknown_hop"
        if outcome == "tcp_failed" and cluster == "BlackHoleCluster"
        else failure_of(outcome, *told)
        for outcome, *told, cluster in rows
    ]


@pytest.mark.property
@given(detail=st.sampled_from(RESPONSE_CODE_DETAILS), parameter=st.text(max_size=10),
       flags=_FLAGS)  # fmt: skip
def test_details_that_name_a_failure_win_over_flags(
    detail: Detail, parameter: str, flags: str | None
) -> None:
    details = detail.match.replace("*", parameter)
    read = reading_of(details)

    assert read is not None
    if read.failure is not None:
        assert failure_of("gateway_other", 503, flags, details) == read.failure


def test_what_kind_of_harm_a_record_tells_of_is_the_same_for_one_and_for_many() -> None:
    every = list(product(OUTCOME_NAMES, _CODES))
    columns = {"outcome": pl.String(), "response_code": pl.Int64()}
    frame = pl.DataFrame(every, schema=columns, orient="row")

    signs = frame.select(harm=harm_of_record(), error=is_error(), refused=is_refused())

    expected = [harm_of(outcome, code) for outcome, code in every]
    assert signs["harm"].to_list() == [None if harm is None else str(harm) for harm in expected]
    assert signs["error"].to_list() == [harm is Harm.ERROR for harm in expected]
    assert signs["refused"].to_list() == [harm is Harm.REFUSED for harm in expected]


@pytest.mark.parametrize("code", [code for code in _CODES if code is not None and code >= 500])
@pytest.mark.parametrize("outcome", OUTCOME_NAMES)
def test_every_request_with_a_code_from_500_on_is_an_error_but_for_injected_faults(
    outcome: str, code: int
) -> None:
    harm = harm_of(outcome, code)

    if outcome == "fault_injected":
        assert harm is Harm.INJECTED
    elif outcome not in {*CONNECTION_OUTCOMES, "served", "passthrough"}:  # these have no such code
        assert harm is Harm.ERROR


@pytest.mark.parametrize(
    ("outcome", "code", "harm"),
    [
        ("no_filter_chain", 0, Harm.TURNED_AWAY),
        ("tcp_failed", 0, Harm.FAILED),
        ("tcp", 0, None),
        ("fault_injected", 200, Harm.INJECTED),
        ("no_route", 404, Harm.UNROUTED),
        ("no_route", 200, Harm.UNROUTED),
        ("no_cluster", 404, Harm.ERROR),
        ("dependency_failed", 401, Harm.ERROR),
        ("connect_failure", 200, Harm.ERROR),
        ("denied", 403, Harm.REFUSED),
        ("rate_limited", 429, Harm.REFUSED),
        ("rate_limited", 200, Harm.REFUSED),
        ("client_error", 400, Harm.REFUSED),
        ("blocked", 404, Harm.REFUSED),
        ("blocked", 502, Harm.ERROR),
        ("upstream_4xx", 404, Harm.ANSWERED_4XX),
        ("client_gone", 0, Harm.GONE),
        ("client_gone", 200, Harm.GONE),
        ("direct_response", 301, None),
        ("direct_response", 404, Harm.REFUSED),
        ("gateway_other", 403, Harm.REFUSED),
        ("gateway_other", 0, Harm.REFUSED),
        ("gateway_other", 200, None),
        ("unknown", 0, None),
        ("unknown", None, None),
        ("unknown", 200, None),
        ("unknown", 404, Harm.REFUSED),
        ("served", 200, None),
        ("passthrough", 200, None),
    ],
)
def test_what_kind_of_harm_a_record_tells_of(
    outcome: str, code: int | None, harm: Harm | None
) -> None:
    assert harm_of(outcome, code) is harm


def test_the_errors_whatever_the_code_are_those_of_the_outcomes() -> None:
    of_outcomes = {outcome.name for outcome in OUTCOMES if outcome.error}

    assert {name for name in OUTCOME_NAMES if harm_of(name, None) is Harm.ERROR} == of_outcomes
