"""Which key of a log object holds which column.

Istio's default keys are Envoy's operator names in lower case; the set by
release is in ``pilot/pkg/model/telemetry_logging.go`` (Istio 1.15 and later)
and ``pilot/pkg/networking/core/v1alpha3`` before. The other spellings are
those of Envoy Gateway's default format and of custom formats found in the
wild. Keys are compared folded: case, a leading ``:`` and the difference
between ``-``, ``.``, space and ``_`` do not count.
"""

from __future__ import annotations

from functools import lru_cache

__all__ = ["ALIASES", "ENVOY_ONLY", "column_of", "fold", "is_record", "precedence"]

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

_COLUMN_BY_KEY = {key: column for column, keys in ALIASES.items() for key in keys}
_PRECEDENCE = {key: place for keys in ALIASES.values() for place, key in enumerate(keys)}
_FOLDING = str.maketrans({"-": "_", ".": "_", " ": "_"})


@lru_cache(maxsize=4096)
def fold(key: str) -> str:
    """Return a key without the differences that do not count."""
    return key.strip().removeprefix(":").lower().translate(_FOLDING)


def column_of(key: str) -> str | None:
    """Return the normalized column that a key of a log object holds, or None."""
    return _COLUMN_BY_KEY.get(fold(key))


def precedence(key: str) -> int:
    """Return the place of a key among those of its column; the smallest is read first."""
    return _PRECEDENCE[fold(key)]


def is_record(keys: dict[str, object]) -> bool:
    """Tell whether an object with these keys is an access record.

    It is one if it has a key that only Envoy writes, or ``response_code``
    and another known key.
    """
    if not ENVOY_ONLY.isdisjoint(keys):
        return True
    folded = {fold(key) for key in keys}
    if not ENVOY_ONLY.isdisjoint(folded):
        return True
    return "response_code" in folded and sum(key in _COLUMN_BY_KEY for key in folded) > 1
