"""Which key of a log object holds which column.

Istio's default keys are Envoy's operator names in lower case; the set by
release is in ``pilot/pkg/model/telemetry_logging.go`` (Istio 1.15 and later)
and ``pilot/pkg/networking/core/v1alpha3`` before. Those of others:

- Envoy Gateway: ``internal/xds/translator/accesslog.go``.
- Contour: ``apis/projectcontour/v1alpha1/accesslog.go``, which also logs any
  operator under its own name.
- Emissary: ``python/ambassador/envoy/v3/v3listener.py``, Istio's keys.
- Gloo: ``docs/content/guides/security/access_logging/_index.md``, Istio's keys
  in camelCase; keys of its users are in kgateway-dev/kgateway#3314.
- nginx: the variables of ``ngx_http_core_module``, ``ngx_http_upstream_module``
  and ``ngx_http_log_module``, as formats of Envoy imitate them
  (envoyproxy/envoy#33640).
- OpenTelemetry: the semantic conventions for HTTP spans, those before 1.23
  (``http.method``, ``http.flavor``, ``http.target``) and since
  (``http.request.method``, ``url.path``); ``http.status_flags`` stands beside
  them in formats of Istio. Elastic Common Schema has ``http.request.body.bytes``,
  ``url.original``, ``url.domain``, ``client.ip`` and ``source.ip``.

Keys are compared folded: case, a leading ``:`` and what separates words do not
count. ``field_keys`` looks them up.
"""

from __future__ import annotations

import re
from functools import lru_cache

ALIASES: dict[str, tuple[str, ...]] = {
    "start_time": ("start_time", "@timestamp", "timestamp", "time", "ts", "time_iso8601",
                   "time_local"),
    "authority": ("authority", "host", "vhost", "server_address", "url_domain"),
    "method": ("method", "request_line", "request"),
    # Istio logs REQ(X-ENVOY-ORIGINAL-PATH?:PATH): the path before a rewrite comes first.
    "path": ("x_envoy_original_path", "x_envoy_origin_path", "original_path", "path", "uri", "url",
             "http_target", "url_original"),
    "protocol": ("protocol", "server_protocol", "network_protocol_version", "http_flavor",
                 "http_version"),
    "response_code": ("response_code", "status_code", "status", "code"),
    "response_flags": ("response_flags", "flags", "status_flags"),
    "response_code_details": ("response_code_details",),
    "route_name": ("route_name",),
    "upstream_cluster": ("upstream_cluster", "upstream_cluster_raw", "upstream_cluster_name",
                         "cluster_name", "cluster"),
    "upstream_host": ("upstream_host", "upstream_service", "upstream_addr", "upstream_address",
                      "upstream_remote_address", "upstream", "upstream_name"),
    "duration_ms": ("duration", "duration_ms", "request_time"),
    "upstream_service_time_ms": ("upstream_service_time", "x_envoy_upstream_service_time",
                                 "upstream_response_time"),
    "bytes_received": ("bytes_received", "byte_received", "request_length", "request_size",
                       "request_body_size", "request_body_bytes"),
    "bytes_sent": ("bytes_sent", "byte_sent", "body_bytes_sent", "response_length",
                   "response_size", "response_body_size", "response_body_bytes"),
    "requested_server_name": ("requested_server_name", "requested_server", "ssl_server_name",
                              "tls_server_name", "tls_client_server_name", "sni"),
    "user_agent": ("user_agent", "user_agent_original"),
    "x_forwarded_for": ("x_forwarded_for", "forwarded_for", "xff"),
    "downstream_remote_address": (
        "downstream_remote_address", "downstream_remote_address_without_port",
        "downstream_remote", "remote_addr", "remote_address", "client_address", "client_ip",
        "source_address", "source_ip",
    ),
    "downstream_local_address": (
        "downstream_local_address", "downstream_local_address_without_port", "downstream_local",
    ),
    "request_id": ("request_id", "x_request_id"),
    "connection_termination_details": ("connection_termination_details",),
    "upstream_transport_failure_reason": (
        "upstream_transport_failure_reason", "upstream_failure_reason",
    ),
    "upstream_local_address": ("upstream_local_address", "upstream_local"),
    "pod": ("pod_name", "pod", "k8s_pod_name", "hostname"),
}  # fmt: skip
"""Keys of each column that a log holds, the first one present wins; ``_`` stands between words."""

ENVOY_ONLY = frozenset(
    {
        "connection_termination_details",
        "downstream_local_address",
        "downstream_local_address_without_port",
        "downstream_remote_address",
        "downstream_remote_address_without_port",
        "requested_server_name",
        "response_code_details",
        "response_flags",
        "status_flags",
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
"""Keys that no other program's log is known to write."""

OF_A_PROXY = frozenset(
    {"authority", "protocol", "bytes_received", "route_name", "upstream", "upstream_name",
     "x_forwarded_for"}
)  # fmt: skip
"""Keys that a proxy logs and an application hardly does."""

OF_LOG_LINES: tuple[frozenset[str], frozenset[str]] = (
    frozenset({"level", "lvl", "severity", "log_level", "level_name"}),
    frozenset({"msg", "message"}),
)
"""Keys of the lines of an application: one of each stands in nearly all of them."""

ABBREVIATIONS = {"req": "request", "resp": "response", "res": "response"}
"""Words that are short for others."""

EITHER: dict[str, tuple[str, ...]] = {
    "upstream": ("upstream_host", "upstream_cluster"),
    "upstream_name": ("upstream_host", "upstream_cluster"),
}
"""Keys under which some formats log an address and others a cluster. Which one it is, the value
tells: ``is_address``."""

FLAT_ONLY = frozenset({"request", "request_time"})
"""Keys that mean this only as nginx spells them: not nested, not short and behind no other word.
``request.time`` may be a span of another length, or a time of day."""

SECONDS_IF_DECIMAL = frozenset({"request_time", "upstream_response_time"})
"""Keys whose values are seconds where they have decimals, as nginx writes them (``0.014``), and
milliseconds where they have none, as Envoy does."""

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
    "http": _ANY - {"start_time", "pod"},
    "request": _REQUEST,
    "response": _RESPONSE,
    "headers": _ASKED | _ANSWERED,
    "header": _ASKED | _ANSWERED,
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
"""Words that a key may begin with and that say nothing themselves, and the columns before whose
keys they stand. ``request.duration``, say, is another span than the duration. Words of collectors
(``log``, ``message``, ``kubernetes``, ``attributes``) are none: what they hold is an envelope's."""

_SEPARATORS = str.maketrans("", "", "-_. \x1f")
_BETWEEN_WORDS = re.compile(r"[-_. :\x1f]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_ADDRESS = re.compile(r"[^\s|]*:\d+|[0-9.]+|\[[0-9a-fA-F:.]+\]|(?:envoy|unix)://.*|/.*")


@lru_cache(maxsize=512)
def fold(key: str) -> str:
    """Return a key without the differences that do not count."""
    return key.strip().removeprefix(":").lower().translate(_SEPARATORS)


def words_of(key: str) -> list[str]:
    """Return the words of a key in lower case, as separators or capitals tell them."""
    return [word.lower() for word in _BETWEEN_WORDS.split(key) if word]


def is_address(value: str) -> bool:
    """Tell an address, with a port or without, from the name of a cluster."""
    return _ADDRESS.fullmatch(value) is not None
