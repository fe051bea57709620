"""What the columns of a record say, in words: for the documentation and ``envoylogs columns``."""

from __future__ import annotations

import re

_MISSING_INTEGER = "missing, not a whole number, or beyond what Envoy can mean"

MEANINGS: dict[str, tuple[str, str, str]] = {
    "start_time": (
        "UTC, microseconds", "When the request or connection began.", "missing, or not a time",
    ),
    "authority": (
        "lower case, without `:80` and `:443`", "The host that the client asked for.", "",
    ),
    "method": (
        "", "The HTTP method.",
        "missing, or begins with `2`: Istio 1.1.0 to 1.1.2 log the time here",
    ),
    "path": ("", "The path with its query, before a rewrite where that was logged.", ""),
    "protocol": ("", "`HTTP/1.1`, `HTTP/2` and so on.", ""),
    "response_code": ("", "The code of the answer; 0 is no response.", _MISSING_INTEGER),
    "response_flags": ("joined by `,`", "Envoy's response flags.", "no flag, or missing"),
    "response_code_details": (
        "", "Who set the code, and why.", "missing; Istio logs it from 1.9 on",
    ),
    "route_name": (
        "", "The name of the route that matched.",
        "an unnamed route, no route, or missing; Istio logs it from 1.3 on",
    ),
    "upstream_cluster": (
        "without a trailing `;`", "The cluster that the route chose.", "no cluster, or missing",
    ),
    "upstream_direction": (
        "", "`outbound`, `inbound` or `inbound-vip`.", "the cluster has another form of name",
    ),
    "upstream_port": ("", "The service port in the cluster's name.", "none in the name"),
    "upstream_subset": (
        "", "The subset in the name of a cluster.", "no subset, or an inbound cluster of a sidecar",
    ),
    "upstream_service": ("", "The host in the cluster's name.", "none in the name"),
    "upstream_host": (
        "address:port", "The endpoint of the last attempt.", "none was chosen, or missing",
    ),
    "duration_ms": (
        "ms", "From the start to the last byte of the answer.", _MISSING_INTEGER,
    ),
    "upstream_service_time_ms": (
        "ms", "Until the upstream's answer began; a header of that answer.",
        "the upstream did not answer, or missing",
    ),
    "bytes_received": ("bytes", "Size of the request's body.", _MISSING_INTEGER),
    "bytes_sent": ("bytes", "Size of the answer's body.", _MISSING_INTEGER),
    "requested_server_name": ("", "The TLS server name (SNI).", "no TLS, no name, or missing"),
    "user_agent": ("", "The header of that name.", ""),
    "x_forwarded_for": ("", "The header of that name.", ""),
    "downstream_remote_address": (
        "address:port", "The client, as far as the gateway trusts `x-forwarded-for`.", "",
    ),
    "downstream_local_address": (
        "address:port", "Where the gateway accepted the connection.", "",
    ),
    "request_id": ("", "The header `x-request-id`.", ""),
    "connection_termination_details": (
        "", "Why the proxy ended the connection.", "missing; Istio logs it from 1.9 on",
    ),
    "upstream_transport_failure_reason": (
        "", "Why the connection to the upstream failed, TLS errors say.", "",
    ),
    "upstream_local_address": (
        "address:port", "The gateway's own end of the connection to the upstream.", "",
    ),
    "pod": (
        "", "The pod that wrote the record, where the line's envelope says it or a custom format "
        "logs it.", "not known",
    ),
    "namespace": ("", "Its namespace.", "not known"),
    "container": ("", "Its container.", "not known"),
    "gateway": (
        "", "`pod`, else the address of `downstream_local_address`.", "neither was logged",
    ),
    "role": (
        "", "The role of the proxy that wrote it: `gateway`, `egress`, `sidecar` or "
        "`waypoint`; see [roles](selection.md#roles).", "never",
    ),
    "outcome": ("", "What became of it: see [outcomes](outcomes.md).", "never"),
    "failure": (
        "", "In which way it failed or was turned away: see [failures](failures.md).",
        "nothing was harmed",
    ),
    "kind": ("", "`request`, `connection` or `own` (the gateway's own traffic).", "never"),
    "host": (
        "lower case, without a port",
        "The host of a request, the TLS server name of a connection.", "missing",
    ),
    "client": (
        "address", "The client's address, without its port, as `--client` takes it.", "missing",
    ),
    "path_group": (
        "", "The path as tables group it: without its query, `{id}`, `{uuid}` or `{hash}` for such "
        "a segment, `*` for the fifth and later ones.", "the path is missing",
    ),
    "is_error": (
        "", "Whether it is a request that the summary counts among the errors.", "never",
    ),
    "is_unrouted": (
        "", "Whether it is a request that the gateway had no route for, of hosts that are noise "
        "too.", "never",
    ),
    "is_refused": (
        "", "Whether it is a request that the gateway refused: denied, limited, bad, below code "
        "500.", "never",
    ),
    "source": ("", "The name of the file, as it was given.", "never"),
    "line": ("from 1", "The number of its first line.", "never"),
}  # fmt: skip
"""Of each column the unit or form, what it says, and what null means beside a missing key.

Texts are Markdown, with links to pages of the documentation.
"""

TYPES = {"String": "text", "Int64": "integer", "Datetime": "time", "Boolean": "true or false"}
"""What the types of columns are called, by their names in Polars."""

_LINK = re.compile(r"\[[^]]*\]\(([\w.]+)[^)]*\)")


def in_plain_words(name: str) -> str:
    """Return what a column says, with its unit or form, without marks of Markdown."""
    unit, meaning, _ = MEANINGS[name]
    text = f"{meaning} ({unit})" if unit else meaning
    return _LINK.sub(r"docs/\1", text).replace("`", "")
