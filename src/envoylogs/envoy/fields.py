"""Which key of a log object holds which column.

Istio's default keys are Envoy's operator names in lower case; the set by
release is in ``pilot/pkg/model/telemetry_logging.go`` (Istio 1.15 and later)
and ``pilot/pkg/networking/core/v1alpha3`` before. The other spellings are
those of Envoy Gateway's default format and of custom formats found in the
wild. Keys are compared folded: case, a leading ``:`` and the difference
between ``-``, ``.``, space and ``_`` do not count. ``field_keys`` looks them up.
"""

from __future__ import annotations

from functools import lru_cache

__all__ = ["ALIASES", "ENVOY_ONLY", "WRAPPERS", "fold"]

ALIASES: dict[str, tuple[str, ...]] = {
    "start_time": ("start_time", "@timestamp", "timestamp", "time", "ts"),
    "authority": ("authority", "host", "vhost"),
    "method": ("method", "request_method"),
    # Istio logs REQ(X-ENVOY-ORIGINAL-PATH?:PATH): the path before a rewrite comes first.
    "path": ("x_envoy_original_path", "x_envoy_origin_path", "path", "uri", "url", "request_uri",
             "req_path"),
    "protocol": ("protocol",),
    "response_code": ("response_code", "status_code", "status", "code"),
    "response_flags": ("response_flags", "flags"),
    "response_code_details": ("response_code_details",),
    "route_name": ("route_name",),
    "upstream_cluster": ("upstream_cluster", "upstream_cluster_raw", "cluster"),
    "upstream_host": ("upstream_host", "upstream_service", "upstream"),
    "duration_ms": ("duration", "duration_ms"),
    "upstream_service_time_ms": ("upstream_service_time", "x_envoy_upstream_service_time"),
    "bytes_received": ("bytes_received", "byte_received"),
    "bytes_sent": ("bytes_sent", "byte_sent"),
    "requested_server_name": ("requested_server_name", "requested_server"),
    "user_agent": ("user_agent",),
    "x_forwarded_for": ("x_forwarded_for", "forwarded_for"),
    "downstream_remote_address": ("downstream_remote_address", "downstream_remote"),
    "downstream_local_address": ("downstream_local_address", "downstream_local"),
    "request_id": ("request_id", "x_request_id"),
    "connection_termination_details": ("connection_termination_details",),
    "upstream_transport_failure_reason": (
        "upstream_transport_failure_reason", "upstream_failure_reason",
    ),
    "upstream_local_address": ("upstream_local_address", "upstream_local"),
    "pod": ("pod_name", "pod", "hostname"),
}  # fmt: skip
"""Folded keys of each column that a log holds, the first one present wins."""

ENVOY_ONLY = frozenset(
    {
        "connection_termination_details",
        "downstream_local_address",
        "downstream_remote_address",
        "requested_server_name",
        "response_code_details",
        "response_flags",
        "upstream_cluster",
        "upstream_host",
        "upstream_local_address",
        "upstream_service_time",
        "upstream_transport_failure_reason",
        "x_envoy_origin_path",
        "x_envoy_original_path",
        "x_envoy_upstream_service_time",
    }
)
"""Folded keys that no other program's log is known to write."""

_ASKED = frozenset(
    {"authority", "method", "path", "protocol", "request_id", "user_agent", "x_forwarded_for"}
)
_ANSWERED = frozenset(
    {"response_code", "response_code_details", "response_flags", "upstream_service_time_ms"}
)
_REQUEST = _ASKED | {"bytes_received", "requested_server_name"}
_RESPONSE = _ANSWERED | {"bytes_sent"}
_ANY = frozenset(ALIASES)

WRAPPERS: dict[str, frozenset[str]] = {
    "access_log": _ANY,
    "envoy": _ANY,
    "http": _ANY,
    "request": _REQUEST,
    "req": _REQUEST,
    "response": _RESPONSE,
    "resp": _RESPONSE,
    "headers": _ASKED | _ANSWERED,
    "request_headers": _ASKED,
    "response_headers": _ANSWERED,
    "downstream": frozenset(
        {"protocol", "requested_server_name", "user_agent", "x_forwarded_for",
         "downstream_local_address", "downstream_remote_address"}
    ),
    "upstream": frozenset(
        {"upstream_cluster", "upstream_host", "upstream_local_address",
         "upstream_service_time_ms", "upstream_transport_failure_reason"}
    ),
    "url": frozenset({"path"}),
}  # fmt: skip
"""Words that a path of keys may begin with and that say nothing themselves, and the columns
before whose keys they stand. ``request.duration``, say, is another span than the duration. Words of
collectors (``log``, ``message``, ``kubernetes``, ``attributes``) are none: what they hold is an
envelope's."""

_FOLDING = str.maketrans({"-": "_", ".": "_", " ": "_", "\x1f": "_"})


@lru_cache(maxsize=512)
def fold(key: str) -> str:
    """Return a key without the differences that do not count."""
    return key.strip().removeprefix(":").lower().translate(_FOLDING)
