"""How to read ``response_code_details``, by prefix.

From Envoy's ``docs/root/configuration/http/http_conn_man/response_code_details.rst``
and ``envoy/stream_info/stream_info.h``; those of filters (marked so) from their
sources and from real records. Text in ``{}``, ``()`` or ``[]`` is a parameter
and spaces are written ``_``. Envoy documents the values as unstable, so an
unknown one is legal. Logged from Istio 1.9 on.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import NamedTuple


class Detail(NamedTuple):
    """How to read the details that match one pattern.

    Attributes:
        match: A whole value, or one with ``*`` for the rest.
        group: What ``outcomes`` knows it as; null if it decides nothing.
        failure: The way to fail that it shows, one of ``failures``; null if it shows none, or
            if flags, code and outcome say more.
        reading: What happened, in a sentence.
    """

    match: str
    group: str | None
    failure: str | None
    reading: str


def _details(group: str | None, *rows: tuple[str, str | None, str]) -> tuple[Detail, ...]:
    return tuple(Detail(match, group, failure, reading) for match, failure, reading in rows)


_BEFORE = "upstream_reset_before_response_started"

# What ``upstream_transport_failure_reason`` holds, and what the details have of it: the errors of
# BoringSSL, or that of the system by its number or, in newer releases, in words.
_REASONS = (
    ("TLS_error", "connect_tls",
     "The TLS handshake with the upstream failed; the reason follows."),
    ("connect_error:_111", "connect_refused", "The upstream refused the connection (111)."),
    ("Connection_refused", "connect_refused", "The upstream refused the connection."),
    ("connect_error:_110", "connect_timeout", "The connection was not open in time (110)."),
    ("Connection_timed_out", "connect_timeout", "The connection was not open in time."),
    ("connect_error:_113", "connect_unreachable",
     "There is no route to the upstream's address (113)."),
    ("No_route_to_host", "connect_unreachable", "There is no route to the upstream's address."),
    ("connect_error:_101", "connect_unreachable",
     "The network of the upstream's address can't be reached (101)."),
    ("Network_is_unreachable", "connect_unreachable",
     "The network of the upstream's address can't be reached."),
)  # fmt: skip

RESPONSE_CODE_DETAILS: tuple[Detail, ...] = (
    *_details(
        "via_upstream",
        (
            "via_upstream", None,
            "The upstream set this code; it may be another proxy, a sidecar say.",
        ),
    ),
    *_details(
        "fault",
        ("fault_filter_*", "fault_injected", "A fault rule answered (fault filter)."),
    ),
    *_details(
        "no_route",
        ("route_not_found", "route_missing",
         "No virtual host or no route of it matches the request."),
        ("route_configuration_not_found", "route_table_missing",
         "The listener has no route table at all."),
    ),
    *_details(
        "no_cluster",
        ("cluster_not_found", "cluster_missing",
         "The route names a cluster that does not exist."),
    ),
    *_details(
        "dependency",
        ("ext_authz_error", "authorization_down",
         "The external authorization service failed (ext_authz filter)."),
        ("rate_limiter_error", "rate_limit_service_down",
         "The rate-limit service failed (ratelimit filter)."),
        ("ext_proc_error*", "ext_proc_down",
         "The external processing service failed (ext_proc filter)."),
        ("wasm_fail_stream", "plugin_failed", "A Wasm plug-in failed (wasm filter)."),
        ("jwt_authn_access_denied{Jwks_remote_fetch_is_failed*", "jwks_unreachable",
         "The keys that check tokens could not be fetched (jwt_authn filter)."),
    ),
    *_details(
        "rate_limited",
        ("local_rate_limited", "over_local_rate_limit",
         "Over a local rate limit (local_ratelimit filter)."),
        ("*_rate_limited", "over_rate_limit", "Over a rate limit (ratelimit filters)."),
    ),
    *_details(
        "denied",
        ("rbac_access_denied*", "policy_denied",
         "An AuthorizationPolicy denied it; the bracket names the policy."),
        ("jwt_authn_access_denied{Jwks_doesn't_have_key*", "unknown_token_key",
         "The token is signed with a key that is not among the known ones."),
        ("jwt_authn_access_denied{Jwt_is_missing*", "token_missing",
         "The request has no token, and one is asked for."),
        ("jwt_authn_access_denied{Jwt_is_expired*", "token_expired", "The token has expired."),
        ("jwt_authn_*", "token_refused",
         "RequestAuthentication refused the token; the brace says why."),
        ("ext_authz_denied", "authorization_denied",
         "External authorization denied it (ext_authz filter)."),
        ("csrf_*", "origin_refused",
         "The origin of the request is not allowed (csrf filter)."),
    ),
    *_details(
        "client_error",
        ("low_version", "old_http", "HTTP/1.0 or older, which is not accepted."),
        ("missing_host_header", "broken_by_client", "The request has no Host."),
        ("missing_path_rejected", "broken_by_client", "The request has no path."),
        ("invalid_path", "broken_by_client", "The path is invalid."),
        ("absolute_path_rejected", "broken_by_client",
         "An absolute path where none is accepted."),
        ("path_normalization_failed", "broken_by_client", "The path can't be normalized."),
        ("upgrade_failed", "upgrade_refused", "The requested upgrade is not supported."),
        ("early_connect_data", "broken_by_client", "Data before the answer to CONNECT."),
        ("request_headers_failed_strict_check*", "client_headers",
         "An x-envoy-* header is invalid."),
        ("rejecting_because_detection_failed", "broken_by_client",
         "The original address can't be detected."),
        ("websocket_handshake_unsuccessful", "broken_by_client",
         "The WebSocket handshake failed."),
        ("request_header_timeout", "client_too_slow",
         "The client took too long to send its headers."),
        ("downstream_header_timeout", "client_too_slow",
         "The client took too long to send its headers."),
        ("request_overall_timeout", "client_too_slow",
         "The request was not complete in time."),
        ("request_payload_too_large", "body_too_large",
         "The body is larger than the gateway buffers."),
    ),
    *_details(
        "overflow",
        ("overload", "gateway_overloaded", "The gateway's overload manager refused it."),
        ("maintenance_mode", "maintenance_mode", "The cluster is in maintenance mode."),
        ("reached_concurrency_limit", "concurrency_limit",
         "Over the adaptive concurrency limit (filter)."),
        ("drop_overload", "load_dropped", "Dropped by the control plane's drop_overload."),
        ("unconditional_drop_overload", "load_dropped", "Dropped by drop_overload at 100 %."),
        (_BEFORE + "{overflow*", "pool_full", "A connection pool was full."),
    ),
    *_details(
        "no_endpoints",
        ("no_healthy_upstream", "no_endpoints", "The cluster has no healthy endpoint."),
    ),
    *_details(
        "reset_after",
        ("upstream_reset_after_response_started{protocol_error*", "broken_http",
         "The answer broke off because the upstream broke HTTP."),
        ("upstream_reset_after_response_started*", "broken_off",
         "The answer broke off; the brace says why."),
    ),
    *_details(
        "connect_failure",
        *(
            (f"{_BEFORE}{{*connection_failure*{reason}*", failure, reading)
            for reason, failure, reading in _REASONS
        ),
        (
            _BEFORE + "{remote_connection_failure*", "connect_refused",
            "The upstream refused the connection.",
        ),
        (
            _BEFORE + "{connection_failure*", "connect_failed",
            "No connection to the upstream; the transport's reason follows.",
        ),
        (
            _BEFORE + "{local_connection_failure*", "connect_failed",
            "The gateway could not open the connection.",
        ),
        (
            _BEFORE + "{connection_timeout*", "connect_timeout",
            "The connection was not open in time.",
        ),
    ),
    *_details(
        "timeout",
        ("response_timeout", "response_timeout", "The route's time-out passed."),
        ("upstream_response_timeout", "response_timeout", "The route's time-out passed."),
        ("upstream_per_try_timeout", "response_timeout", "The time-out of one try passed."),
        ("upstream_per_try_idle_timeout", "response_timeout",
         "One try was idle for too long."),
        ("max_duration_timeout", "duration_limit", "The stream's maximum duration passed."),
        ("stream_idle_timeout", "idle_limit", "The stream was idle for too long."),
        ("duration_timeout", "duration_limit", "The connection's maximum duration passed."),
        ("upstream_max_stream_duration_reached", "duration_limit",
         "The upstream stream's maximum duration passed."),
    ),
    *_details(
        "reset_before",
        (_BEFORE + "{protocol_error*", "broken_http", "The upstream broke HTTP."),
        (_BEFORE + "{connection_termination*", "connection_closed",
         "The upstream closed the connection before it answered."),
        (_BEFORE + "{*refused_stream*", "stream_refused", "The upstream takes no more streams."),
        (_BEFORE + "{*http2.remote_refuse*", "stream_refused",
         "The upstream takes no more streams."),
        (_BEFORE + "{remote_reset*", "stream_reset",
         "The upstream reset the stream before it answered."),
        (_BEFORE + "{local_reset*", "local_reset",
         "The gateway reset the stream before an answer."),
        ("upstream_reset_*", None, "The upstream broke off; the brace says why."),
    ),
    *_details(
        "client_gone",
        ("downstream_remote_disconnect", "client_left", "The client disconnected."),
    ),
    *_details(
        "direct_response",
        ("direct_response", None,
         "The route itself answers: a redirect, a fixed response, or an error."),
        ("cors_response", None, "The gateway answered a CORS preflight (cors filter)."),
        ("health_check_*", None, "The gateway answered a health check (filter)."),
        ("internal_redirect", None, "Replaced by an internal redirect."),
        ("admin_filter_response", None, "The admin interface answered."),
    ),
    *_details(
        None,
        ("downstream_local_disconnect*", "closed_by_gateway",
         "The gateway closed the client's connection."),
        ("filter_chain_not_found", "name_refused",
         "No filter chain for this SNI, protocol or port."),
        ("response_payload_too_large", "answer_too_large",
         "The answer is larger than the gateway buffers."),
        ("request_payload_exceeded_retry_buffer_limit", "retry_buffer_full",
         "The body is too large to be retried."),
        ("http1.headers_too_large", "headers_too_large",
         "The headers of the request are too large."),
        ("http2.too_many_headers", "headers_too_large",
         "The request has too many headers."),
        ("http1.*", None, "The HTTP/1 codec found a protocol error."),
        ("http2.*", None, "The HTTP/2 codec found a protocol error."),
        ("http3.*", None, "The HTTP/3 codec found a protocol error."),
        ("lua_response", "filter_answered", "A Lua filter answered."),
        ("ext_proc_*", "filter_answered", "The external processing filter ended the request."),
    ),
)  # fmt: skip
"""Patterns in the order in which they are tried."""


@lru_cache(maxsize=4096)
def reading_of(details: str) -> Detail | None:
    """Return how to read one value of ``response_code_details``, or None if it is unknown."""
    return next((row for row in RESPONSE_CODE_DETAILS if _fits(details, row.match)), None)


def _fits(details: str, match: str) -> bool:
    """Tell whether a value is as a pattern says, in which an asterisk stands for anything."""
    begin, asterisk, _ = match.partition("*")
    if not asterisk:
        return details == match
    # Few patterns begin like a value, and only those are compiled.
    return details.startswith(begin) and _pattern(match).fullmatch(details) is not None


@cache
def _pattern(match: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, match.split("*"))), re.DOTALL)


@lru_cache(maxsize=4096)
def reading_of_reason(reason: str) -> Detail | None:
    """Return how to read a value of ``upstream_transport_failure_reason``; None if it is unknown.

    It is read as the details, in whose brace newer releases repeat it.
    """
    said = reason.replace(" ", "_")
    for brace in (said, f"connection_failure,{said}"):
        found = reading_of(f"{_BEFORE}{{{brace}}}")
        if found is not None and found.group == "connect_failure":
            return found
    return None
