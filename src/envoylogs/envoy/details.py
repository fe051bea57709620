"""How to read ``response_code_details``, by prefix.

From Envoy's ``docs/root/configuration/http/http_conn_man/response_code_details.rst``
and ``envoy/stream_info/stream_info.h``; those of filters (marked so) from their
sources and from real records. Text in ``{}``, ``()`` or ``[]`` is a parameter
and spaces are written ``_``. Envoy documents the values as unstable, so an
unknown one is legal. Logged from Istio 1.9 on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

__all__ = ["RESPONSE_CODE_DETAILS", "Detail", "reading_of"]


@dataclass(frozen=True, slots=True)
class Detail:
    """How to read the details that match one pattern.

    Attributes:
        match: A whole value, ``prefix*`` or ``*suffix``.
        group: What ``outcomes`` knows it as; null if it decides nothing.
        reading: What happened, in a sentence.
    """

    match: str
    group: str | None
    reading: str


def _details(group: str | None, *rows: tuple[str, str]) -> tuple[Detail, ...]:
    return tuple(Detail(match, group, reading) for match, reading in rows)


RESPONSE_CODE_DETAILS: tuple[Detail, ...] = (
    *_details(
        "via_upstream",
        ("via_upstream", "The upstream set this code; it may be another proxy, a sidecar say."),
    ),
    *_details(
        "fault",
        ("fault_filter_*", "A fault rule answered (fault filter)."),
    ),
    *_details(
        "no_route",
        ("route_not_found", "No virtual host or no route of it matches the request."),
        ("route_configuration_not_found", "The listener has no route table at all."),
    ),
    *_details(
        "no_cluster",
        ("cluster_not_found", "The route names a cluster that does not exist."),
    ),
    *_details(
        "dependency",
        ("ext_authz_error", "The external authorization service failed (ext_authz filter)."),
        ("rate_limiter_error", "The rate-limit service failed (ratelimit filter)."),
        ("ext_proc_error*", "The external processing service failed (ext_proc filter)."),
        ("wasm_fail_stream", "A Wasm plug-in failed (wasm filter)."),
    ),
    *_details(
        "rate_limited",
        ("*_rate_limited", "Over a local or global rate limit (ratelimit filters)."),
    ),
    *_details(
        "denied",
        ("rbac_access_denied*", "An AuthorizationPolicy denied it; the bracket names the policy."),
        ("jwt_authn_*", "RequestAuthentication refused the token; the brace says why."),
        ("ext_authz_denied", "External authorization denied it (ext_authz filter)."),
        ("csrf_*", "The origin of the request is not allowed (csrf filter)."),
    ),
    *_details(
        "client_error",
        ("low_version", "HTTP/1.0 or older, which is not accepted."),
        ("missing_host_header", "The request has no Host."),
        ("missing_path_rejected", "The request has no path."),
        ("invalid_path", "The path is invalid."),
        ("absolute_path_rejected", "An absolute path where none is accepted."),
        ("path_normalization_failed", "The path can't be normalized."),
        ("upgrade_failed", "The requested upgrade is not supported."),
        ("early_connect_data", "Data before the answer to CONNECT."),
        ("request_headers_failed_strict_check*", "An x-envoy-* header is invalid."),
        ("rejecting_because_detection_failed", "The original address can't be detected."),
        ("websocket_handshake_unsuccessful", "The WebSocket handshake failed."),
        ("request_header_timeout", "The client took too long to send its headers."),
        ("downstream_header_timeout", "The client took too long to send its headers."),
        ("request_payload_too_large", "The body is larger than the gateway buffers."),
    ),
    *_details(
        "overflow",
        ("overload", "The gateway's overload manager refused it."),
        ("maintenance_mode", "The cluster is in maintenance mode."),
        ("reached_concurrency_limit", "Over the adaptive concurrency limit (filter)."),
        ("drop_overload", "Dropped by the control plane's drop_overload."),
        ("unconditional_drop_overload", "Dropped by drop_overload at 100 %."),
        ("upstream_reset_before_response_started{overflow*", "A connection pool was full."),
    ),
    *_details(
        "no_endpoints",
        ("no_healthy_upstream", "The cluster has no healthy endpoint."),
    ),
    *_details(
        "reset_after",
        ("upstream_reset_after_response_started*", "The answer broke off; the brace says why."),
    ),
    *_details(
        "connect_failure",
        (
            "upstream_reset_before_response_started{connection_failure*",
            "No connection to the upstream; the transport's reason follows.",
        ),
        (
            "upstream_reset_before_response_started{remote_connection_failure*",
            "The upstream refused the connection (delayed_connect_error: 111 or "
            "Connection_refused; 113 no route to host; 110 timed out).",
        ),
        (
            "upstream_reset_before_response_started{local_connection_failure*",
            "The gateway could not open the connection.",
        ),
        (
            "upstream_reset_before_response_started{connection_timeout*",
            "The connection was not open in time.",
        ),
    ),
    *_details(
        "timeout",
        ("response_timeout", "The route's time-out passed."),
        ("upstream_response_timeout", "The route's time-out passed."),
        ("upstream_per_try_timeout", "The time-out of one try passed."),
        ("upstream_per_try_idle_timeout", "One try was idle for too long."),
        ("max_duration_timeout", "The stream's maximum duration passed."),
        ("request_overall_timeout", "The request was not complete in time."),
        ("stream_idle_timeout", "The stream was idle for too long."),
        ("duration_timeout", "The connection's maximum duration passed."),
        ("upstream_max_stream_duration_reached", "The upstream stream's maximum duration passed."),
    ),
    *_details(
        "reset_before",
        ("upstream_reset_*", "The upstream broke off; the brace says why."),
    ),
    *_details(
        "client_gone",
        ("downstream_remote_disconnect", "The client disconnected."),
    ),
    *_details(
        "direct_response",
        ("direct_response", "The route itself answers: a redirect or a fixed response."),
        ("cors_response", "The gateway answered a CORS preflight (cors filter)."),
        ("health_check_*", "The gateway answered a health check (filter)."),
        ("internal_redirect", "Replaced by an internal redirect."),
        ("admin_filter_response", "The admin interface answered."),
    ),
    *_details(
        None,
        ("downstream_local_disconnect*", "The gateway closed the client's connection."),
        ("filter_chain_not_found", "No filter chain for this SNI, protocol or port."),
        ("response_payload_too_large", "The answer is larger than the gateway buffers."),
        ("request_payload_exceeded_retry_buffer_limit", "The body is too large to be retried."),
        ("http1.*", "The HTTP/1 codec found a protocol error."),
        ("http2.*", "The HTTP/2 codec found a protocol error."),
        ("http3.*", "The HTTP/3 codec found a protocol error."),
        ("lua_response", "A Lua filter answered."),
        ("ext_proc_*", "The external processing filter ended the request."),
    ),
)
"""Patterns in the order in which they are tried."""


@lru_cache(maxsize=4096)
def reading_of(details: str) -> Detail | None:
    """Return how to read one value of ``response_code_details``, or None if it is unknown."""
    for detail in RESPONSE_CODE_DETAILS:
        text = detail.match.strip("*")
        if detail.match.startswith("*"):
            fits = details.endswith(text)
        elif detail.match.endswith("*"):
            fits = details.startswith(text)
        else:
            fits = details == text
        if fits:
            return detail
    return None
