"""The metrics: stable names, types and labels, and what each means.

Names follow the conventions of Prometheus: base units, ``_total`` for what only
grows. A name is never given another meaning.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class MetricType(StrEnum):
    """Types of metrics, as the exposition format names them."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        name: With prefix and unit; samples of a histogram add ``_bucket``, ``_sum`` and ``_count``.
        type: See ``MetricType``.
        labels: Names, in the order in which they are written; ``le`` of buckets is not among them.
        meaning: What it says, in a sentence or two.
    """

    name: str
    type: MetricType
    labels: tuple[str, ...]
    meaning: str


_COUNTER, _GAUGE, _HISTOGRAM = MetricType.COUNTER, MetricType.GAUGE, MetricType.HISTOGRAM
_AUTHORITY = ("authority", "authority_kind")
_CLUSTER = ("upstream_cluster", "upstream_cluster_kind", "upstream_service", "upstream_subset")
_FINDING = ("code", "severity", "who", "state")

METRICS: tuple[Metric, ...] = (
    Metric(
        "envoylogs_build_info", _GAUGE, ("version",),
        "Always 1; the version of envoylogs that wrote this.",
    ),
    Metric(
        "envoylogs_input_complete", _GAUGE, (),
        "1 if all of the input was read; 0 after an interrupt, and if an archive is damaged.",
    ),
    Metric("envoylogs_log_bytes_total", _COUNTER, (), "Bytes of log that were read, unpacked."),
    Metric(
        "envoylogs_log_lines_total", _COUNTER, ("fate",),
        "Lines of log by fate: record, blank, other (of other programs) or malformed.",
    ),
    Metric(
        "envoylogs_malformed_log_lines_total", _COUNTER, ("reason",),
        "Malformed lines by reason.",
    ),
    Metric(
        "envoylogs_unreadable_log_values_total", _COUNTER, ("column",),
        "Values of records that can't be read as the type of their column, by column.",
    ),
    Metric(
        "envoylogs_undated_log_records_total", _COUNTER, (),
        "Records without a time that can be read.",
    ),
    Metric(
        "envoylogs_log_records_total", _COUNTER, ("kind",),
        "Access records by kind: request, connection, own (the gateway's own traffic), "
        "filtered (left out by a selection or by their role), or seen_before (of a request that "
        "was counted, with --distinct-requests).",
    ),
    Metric(
        "envoylogs_first_record_timestamp_seconds", _GAUGE, (),
        "Start of the earliest record, in seconds since 1970. Missing without times.",
    ),
    Metric(
        "envoylogs_last_record_timestamp_seconds", _GAUGE, (),
        "Start of the latest record, in seconds since 1970. Missing without times.",
    ),
    Metric("envoylogs_requests_total", _COUNTER, ("outcome",), "Requests by outcome."),
    Metric(
        "envoylogs_responses_total", _COUNTER, ("response_code",),
        "Requests by response code: 0 (no response), 100 to 599, other, or missing.",
    ),
    Metric(
        "envoylogs_errors_total", _COUNTER, (),
        "Requests that are errors. Unrouted requests are not among them.",
    ),
    Metric(
        "envoylogs_unrouted_requests_total", _COUNTER, ("noise",),
        "Requests that the gateway had no route for; noise is true if their host is not known.",
    ),
    Metric(
        "envoylogs_received_bytes_total", _COUNTER, (),
        "Bytes of request bodies that the gateway received from clients.",
    ),
    Metric(
        "envoylogs_sent_bytes_total", _COUNTER, (),
        "Bytes of response bodies that the gateway sent to clients.",
    ),
    Metric(
        "envoylogs_connections_total", _COUNTER, ("outcome",),
        "TCP connections, and TLS connections that were refused, by outcome. They are no requests.",
    ),
    Metric(
        "envoylogs_refused_connections_total", _COUNTER, ("noise",),
        "Connections of outcome no_filter_chain; noise is true if their TLS server name is not "
        "known.",
    ),
    Metric(
        "envoylogs_request_duration_seconds", _HISTOGRAM, (),
        "Durations of requests that the upstream answered, from the start to the last byte.",
    ),
    Metric(
        "envoylogs_upstream_time_seconds", _HISTOGRAM, (),
        "Times until the answer of the upstream began, of requests that it answered.",
    ),
    Metric(
        "envoylogs_authority_requests_total", _COUNTER, (*_AUTHORITY, "outcome"),
        "Requests by host and outcome. Only known hosts are named, those with most requests.",
    ),
    Metric(
        "envoylogs_authority_errors_total", _COUNTER, _AUTHORITY,
        "Requests that are errors, by host.",
    ),
    Metric(
        "envoylogs_authority_request_duration_seconds", _HISTOGRAM, _AUTHORITY,
        "Durations of requests that the upstream answered, by host.",
    ),
    Metric(
        "envoylogs_upstream_requests_total", _COUNTER, (*_CLUSTER, "outcome"),
        "Requests by the cluster that was chosen for them, and outcome. Only clusters that exist "
        "are named, those with most requests.",
    ),
    Metric(
        "envoylogs_findings", _GAUGE, _FINDING,
        "Findings of this code, severity, actor and state. Missing if there is none.",
    ),
    Metric(
        "envoylogs_finding_requests", _GAUGE, _FINDING,
        "Requests that these findings count, connections where they are about these. Missing if "
        "there is no finding.",
    ),
    Metric(
        "envoylogs_folded_records_total", _COUNTER, ("column",),
        "Records whose name in this column was folded to keep memory bounded. Missing if none was.",
    ),
    Metric(
        "envoylogs_folded_names", _GAUGE, ("column",),
        "How many names of this column were folded, at least. Missing if none was.",
    ),
    Metric(
        "envoylogs_duration_error_ratio", _GAUGE, (),
        "How far a duration may be from the logged one, as a share of it; 0 while all are exact.",
    ),
)  # fmt: skip
"""All metrics, in the order in which they are written."""
