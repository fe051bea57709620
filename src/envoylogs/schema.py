"""Names, types and units of the normalized columns; no logic.

A missing value (``-``, ``""``, ``null`` or an absent key in the log) is null
in every column. Expressions elsewhere name these columns literally, as Polars
users do; a test holds each name used there against this page.
"""

from __future__ import annotations

import polars as pl

NORMALIZED: dict[str, pl.DataType] = {
    "start_time": pl.Datetime("us", "UTC"),
    "authority": pl.String(),
    "method": pl.String(),
    "path": pl.String(),
    "protocol": pl.String(),
    "response_code": pl.Int64(),
    "response_flags": pl.String(),
    "response_code_details": pl.String(),
    "route_name": pl.String(),
    "upstream_cluster": pl.String(),
    "upstream_direction": pl.String(),
    "upstream_port": pl.Int64(),
    "upstream_subset": pl.String(),
    "upstream_service": pl.String(),
    "upstream_host": pl.String(),
    "duration_ms": pl.Int64(),
    "upstream_service_time_ms": pl.Int64(),
    "bytes_received": pl.Int64(),
    "bytes_sent": pl.Int64(),
    "requested_server_name": pl.String(),
    "user_agent": pl.String(),
    "x_forwarded_for": pl.String(),
    "downstream_remote_address": pl.String(),
    "downstream_local_address": pl.String(),
    "request_id": pl.String(),
    "connection_termination_details": pl.String(),
    "upstream_transport_failure_reason": pl.String(),
    "upstream_local_address": pl.String(),
    "pod": pl.String(),
    "namespace": pl.String(),
    "container": pl.String(),
    "gateway": pl.String(),
    "role": pl.String(),
    "outcome": pl.String(),
    "failure": pl.String(),
    "kind": pl.String(),
}
"""The columns of one normalized record, in their order of display."""

NEVER_LOGGED = frozenset(
    {"upstream_direction", "upstream_port", "upstream_subset", "upstream_service", "gateway",
     "role", "outcome", "failure", "kind"}
)  # fmt: skip
"""Columns that are made of others."""

DERIVED: dict[str, pl.DataType] = {
    "host": pl.String(),
    "client": pl.String(),
    "path_group": pl.String(),
    "is_error": pl.Boolean(),
    "is_unrouted": pl.Boolean(),
    "is_refused": pl.Boolean(),
}
"""Columns that are made of these where one is asked for; ``envoy.traffic`` makes them."""

COUNTABLE = {
    name: dtype
    for name, dtype in (NORMALIZED | DERIVED).items()
    if name not in {"bytes_received", "bytes_sent"} and dtype != pl.Boolean()
}
"""Columns that requests can be counted by; bytes, errors and so on are summed in every table."""

POSITION: dict[str, pl.DataType] = {"source": pl.String(), "line": pl.Int64()}
"""Where a record stands: the name of its source and the number of its first line, from 1."""

OF_RECORDS = (
    "start_time", "path", "upstream_host", "duration_ms", "upstream_service_time_ms",
    "bytes_received", "bytes_sent", "user_agent", "x_forwarded_for", "downstream_remote_address",
    "request_id", "upstream_local_address",
)  # fmt: skip
"""Columns that each record has values of its own for; all others repeat, and together are a key.

A log has some thousand keys, whatever its length: what they mean is worked out once for each.
"""

OF_EXAMPLES = frozenset(
    {"downstream_remote_address", "request_id", "upstream_local_address", "x_forwarded_for"}
)
"""Columns of ``TALLIED`` that a tally asks of few records, those that become examples."""

UNKNOWN_KEYS = "unknown_keys"
"""What of a JSON record no column holds, as a JSON object in text; made only on request."""

STRINGS = tuple(name for name, dtype in NORMALIZED.items() if dtype == pl.String())

_YEAR_MS = 366 * 86_400_000
_LARGEST = 2**53

INTEGERS = {
    "response_code": (0, 999),
    "upstream_port": (0, 65_535),
    "duration_ms": (-_YEAR_MS, _YEAR_MS),
    "upstream_service_time_ms": (-_YEAR_MS, _YEAR_MS),
    "bytes_received": (0, _LARGEST),
    "bytes_sent": (0, _LARGEST),
}
"""Columns of whole numbers, each with the least and the most that Envoy can mean.

Codes have three digits on the wire. A clock that was set back makes a time negative, and nothing
takes a year. JSON numbers are exact up to 2^53.
"""

GROUP_KEYS = ("authority", "route_name", "response_code", "upstream_cluster")
"""What requests are grouped by unless asked otherwise."""

TALLIED = frozenset(NORMALIZED) - {
    "container",
    "namespace",
    "role",
    "upstream_direction",
    "upstream_local_address",
    "upstream_port",
    "upstream_service",
    "upstream_subset",
    "user_agent",
}
"""What a tally observes; a reader that is asked for these reads no others."""

OF_COUNTED_RECORDS = ("outcome", "kind")
"""What records must have to be counted: they rest on keys that no column holds."""
