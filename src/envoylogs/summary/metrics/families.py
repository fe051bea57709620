"""The samples of every metric."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from envoylogs import __version__, schema
from envoylogs.envoy.outcomes import CONNECTION_OUTCOMES, OUTCOME_NAMES
from envoylogs.reading.fates import REASONS
from envoylogs.summary.metrics.catalog import METRICS, Metric
from envoylogs.summary.metrics.names import AUTHORITY_KINDS, authority_labels, cluster_labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from envoylogs.summary.accounts import Accounts
    from envoylogs.summary.findings.finding import Finding
    from envoylogs.summary.folds import Folds
    from envoylogs.summary.judged import Judged
    from envoylogs.summary.overview import Overview
    from envoylogs.summary.summary import Summary

_BOUNDS_MS = (5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000)
"""The upper bounds of the buckets: those that clients of Prometheus have, and two time-outs."""
_BOUNDS = (*(f"{bound / 1000:g}" for bound in _BOUNDS_MS), "+Inf")

# Columns of the log whose values are no text; those made from a cluster's name are not logged.
_READ_AS_TYPE = ("start_time", *(name for name in schema.INTEGERS if name != "upstream_port"))

Counts = list[tuple[tuple[str, ...], float]]
"""Values of labels, and the number."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One number.

    Attributes:
        name: Of the metric; in a histogram with its suffix.
        labels: Pairs of name and value, in the order of the metric's labels; ``le`` last.
        value: In the unit of the name.
    """

    name: str
    labels: tuple[tuple[str, str], ...]
    value: float


@dataclass(frozen=True, slots=True)
class Family:
    """A metric with its samples.

    Attributes:
        metric: What it is.
        samples: By the values of the labels in ascending order; the samples of
            one histogram together, its buckets by their bound. Empty if there
            is nothing to say.
    """

    metric: Metric
    samples: tuple[Sample, ...]


def metric_families(summary: Summary, names: int) -> tuple[Family, ...]:
    """Return all metrics of a log, in the order of ``catalog.METRICS``.

    So many hosts are values of labels at most, and so many clusters.

    Counters only grow while records are added to a tally. Those that have an
    empty ``authority`` or ``upstream_cluster``, and those that are noise, may
    fall too: when a host becomes known, or gets to be one of those that are
    named. What is in a small vocabulary is there from the start, as 0.
    """
    judged, overview = summary.judged, summary.overview
    host = authority_labels(judged, names)
    latency = judged.tally.latency_by_group.frame
    durations = latency.filter(pl.col("measure") == "latency_ms")
    upstream_times = latency.filter(pl.col("measure") == "upstream_time_ms")
    counts = {
        **_of_the_log(summary.accounts, overview, complete=summary.complete),
        **_of_all_requests(judged, overview),
        "envoylogs_authority_requests_total": _requests_by(judged, [*host, pl.col("outcome")]),
        "envoylogs_authority_errors_total": _errors_by_authority(judged, host),
        "envoylogs_upstream_requests_total": _requests_by(
            judged, [*cluster_labels(judged, names), pl.col("outcome")]
        ),
        **_of_findings(summary.findings),
        **_of_folds(summary.folds),
    }
    of_durations: dict[str, tuple[pl.DataFrame, Sequence[pl.Expr]]] = {
        "envoylogs_request_duration_seconds": (durations, ()),
        "envoylogs_upstream_time_seconds": (upstream_times, ()),
        "envoylogs_authority_request_duration_seconds": (durations, host),
    }
    return tuple(
        Family(metric, _of_durations(metric, *of_durations[metric.name]))
        if metric.name in of_durations
        else Family(metric, _of_counts(metric, counts[metric.name]))
        for metric in METRICS
    )


def _of_the_log(accounts: Accounts, overview: Overview, *, complete: bool) -> dict[str, Counts]:
    fates = {"record": accounts.record_lines} | {
        fate: getattr(accounts, fate) for fate in ("blank", "other", "malformed")
    }
    kinds = {
        "request": overview.requests,
        "connection": overview.connections,
        "own": overview.own_traffic,
        "filtered": accounts.filtered,
        "seen_before": accounts.seen_before,
    }
    first, last = (
        [] if time_us is None else _alone(time_us / 1_000_000)
        for time_us in (overview.first, overview.last)
    )
    return {
        "envoylogs_build_info": [((__version__,), 1)],
        "envoylogs_input_complete": _alone(int(complete)),
        "envoylogs_log_bytes_total": _alone(accounts.bytes),
        "envoylogs_log_lines_total": _by_one(fates),
        "envoylogs_malformed_log_lines_total": _by_one(
            dict.fromkeys(REASONS, 0) | accounts.malformed_by_reason
        ),
        "envoylogs_unreadable_log_values_total": _by_one(
            dict.fromkeys(_READ_AS_TYPE, 0) | accounts.unreadable
        ),
        "envoylogs_undated_log_records_total": _alone(accounts.untimed),
        "envoylogs_log_records_total": _by_one(kinds),
        "envoylogs_first_record_timestamp_seconds": first,
        "envoylogs_last_record_timestamp_seconds": last,
    }


def _of_all_requests(judged: Judged, overview: Overview) -> dict[str, Counts]:
    outcomes = dict.fromkeys(OUTCOME_NAMES, 0) | overview.outcomes
    connections = {name: outcomes.pop(name) for name in CONNECTION_OUTCOMES}
    noise, refused = overview.noise, connections["no_filter_chain"]
    return {
        "envoylogs_requests_total": _by_one(outcomes),
        "envoylogs_responses_total": _requests_by(judged, [_code()]),
        "envoylogs_errors_total": _alone(overview.errors),
        "envoylogs_unrouted_requests_total": _with_noise(overview.unrouted, noise["requests"]),
        "envoylogs_received_bytes_total": _alone(overview.bytes_received),
        "envoylogs_sent_bytes_total": _alone(overview.bytes_sent),
        "envoylogs_connections_total": _by_one(connections),
        "envoylogs_refused_connections_total": _with_noise(refused, noise["connections"]),
    }


def _code() -> pl.Expr:
    """Return the response code as a label, of a limited number of values whatever a log says."""
    code = pl.col("response_code")
    return (
        pl.when(code.is_null())
        .then(pl.lit("missing"))
        .when((code == 0) | code.is_between(100, 599))
        .then(code.cast(pl.String))
        .otherwise(pl.lit("other"))
        .alias("response_code")
    )


def _requests_by(judged: Judged, labels: list[pl.Expr]) -> Counts:
    counted = judged.requests.group_by(labels).agg(pl.col("requests").sum())
    return [(row[:-1], row[-1]) for row in counted.iter_rows()]


def _errors_by_authority(judged: Judged, host: list[pl.Expr]) -> Counts:
    """Return errors by host, 0 for hosts that have requests and no error."""
    errors = pl.col("requests").filter("error").sum()
    found = judged.requests.group_by(host).agg(errors)
    counted = {row[:-1]: row[-1] for row in found.iter_rows()}
    rest = {("", kind): 0 for kind in AUTHORITY_KINDS[1:]}
    return list((rest | counted).items())


def _of_findings(findings: Iterable[Finding]) -> dict[str, Counts]:
    """Return findings, and the requests that they count, by what is no text from the log."""
    n: Counter[tuple[str, ...]] = Counter()
    requests: Counter[tuple[str, ...]] = Counter()
    for found in findings:
        labels = (found.code, found.severity.name.lower(), str(found.who), found.state)
        n[labels] += 1
        requests[labels] += found.requests
    return {
        "envoylogs_findings": list(n.items()),
        "envoylogs_finding_requests": list(requests.items()),
    }


def _of_folds(folds: Folds) -> dict[str, Counts]:
    columns = folds.columns
    return {
        "envoylogs_folded_records_total": _by_one({c: of.requests for c, of in columns.items()}),
        "envoylogs_folded_names": _by_one({c: of.names_at_least for c, of in columns.items()}),
        "envoylogs_duration_error_ratio": _alone(folds.latency_relative_error),
    }


def _alone(value: float) -> Counts:
    return [((), value)]


def _by_one(values: Mapping[str, float]) -> Counts:
    return [((label,), value) for label, value in values.items()]


def _with_noise(all_of_them: int, noise: int) -> Counts:
    return _by_one({"false": all_of_them - noise, "true": noise})


def _of_counts(metric: Metric, counts: Counts) -> tuple[Sample, ...]:
    return tuple(
        Sample(metric.name, tuple(zip(metric.labels, labels, strict=True)), value)
        for labels, value in sorted(counts)
    )


def _of_durations(
    metric: Metric, counts: pl.DataFrame, keys: Sequence[pl.Expr] = ()
) -> tuple[Sample, ...]:
    """Return the histogram of each group, by its keys (texts without nulls) in ascending order.

    A duration in a class counts as the middle of it. Without keys there is one histogram, also of
    nothing.
    """
    value, requests = pl.col("value_ms"), pl.col("requests")
    names, samples = [key.meta.output_name() for key in keys], list[Sample]()
    measures = [
        *(requests.filter(value <= bound).sum().alias(f"up_to_{bound}") for bound in _BOUNDS_MS),
        requests.sum().alias("all"),
        # Whoever writes a log may write durations whose sum has no room in 64 bits.
        (value.cast(pl.Int128) * requests).sum().alias("total_ms"),
    ]
    found = counts.group_by(keys).agg(measures).sort(names) if keys else counts.select(measures)
    for row in found.iter_rows():
        labels = tuple(zip(metric.labels, row[: len(names)], strict=True))
        *up_to, total_ms = row[len(names) :]
        samples += (
            Sample(f"{metric.name}_bucket", (*labels, ("le", bound)), n)
            for bound, n in zip(_BOUNDS, up_to, strict=True)
        )
        samples.append(Sample(f"{metric.name}_sum", labels, total_ms / 1000))
        samples.append(Sample(f"{metric.name}_count", labels, up_to[-1]))
    return tuple(samples)
