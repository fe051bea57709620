"""Metrics: their totals are those of the summary, and strangers can't make them many."""

from __future__ import annotations

import json
import math
import re
from collections import Counter, defaultdict
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from benchmarks import generator, strangers
from hypothesis import given
from hypothesis import strategies as st
from tests import strategies as logs
from tests.builders import line
from tests.exposition import Metrics
from tests.handmade import (
    CLUSTER,
    HOST,
    HOSTILE_TEXTS,
    Record,
    connection,
    fewer_examples,
    rare_records,
    refused,
    refused_connection,
    reset,
    served,
    source_of,
    tally_of,
    text_of,
    unrouted,
)

from envoylogs.envoy.outcomes import CONNECTION_OUTCOMES, OUTCOME_NAMES
from envoylogs.keyed.decoding import batches
from envoylogs.keyed.plan import ReadPlan
from envoylogs.keyed.selection import Selection
from envoylogs.pipeline import tally_sources
from envoylogs.reading.fates import REASONS
from envoylogs.summary.summary import Summary, summarize
from envoylogs.tally.folding.marks import FOLDED, FOLDED_KNOWN
from envoylogs.tally.spec import TallySpec
from envoylogs.tally.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hypothesis.strategies import SearchStrategy

_ALL = 2**32 - 1
_OWN_SERIES = (
    9  # without labels, or with a version
    + (4 + 9 + 4)  # fates of lines, reasons, kinds of records
    + (23 + 3 + 2 + 2)  # outcomes of requests and connections, noise
    + (1 + 500 + 2)  # codes
    + 2 * 16  # histograms
    + 2 * (18 * 4 * 2)  # findings
    + 2 * 40  # columns that may be folded
)
"""How many series there are at most besides those of hosts and clusters."""


def _summary(data: bytes, names: int, spec: TallySpec | None = None) -> Summary:
    tally = tally_sources([source_of(data)], spec=spec or TallySpec())
    return summarize(tally, names_in_metrics=names)


def _metrics(records: Iterable[Record], names: int = 100) -> Metrics:
    return Metrics.of(summarize(tally_of(records), names_in_metrics=names))


# --- Totals -------------------------------------------------------------------------------------

_MAKERS: list[Callable[..., Record]] = [
    served,
    unrouted,
    reset,
    refused,
    connection,
    refused_connection,
]
_names_of_strangers = logs.texts | st.sampled_from((*HOSTILE_TEXTS, FOLDED, FOLDED_KNOWN))


@st.composite
def _records_of_strangers(draw: st.DrawFn) -> Record:
    """Return a record whose names anybody may have chosen."""
    make = draw(st.sampled_from(_MAKERS))
    found: Record = make(
        draw(st.none() | st.floats(0, 10_000)),
        authority=draw(st.none() | logs.hosts | _names_of_strangers),
        duration=draw(st.integers(-10, 100_000)),
        upstream_service_time=draw(st.none() | st.integers(-10, 100_000).map(str)),
        bytes_sent=draw(st.none() | logs.counts),
        requested_server_name=draw(st.none() | logs.hosts | _names_of_strangers),
    )
    if draw(st.booleans()):
        found["upstream_cluster"] = draw(st.none() | logs.clusters | _names_of_strangers)
    if draw(st.booleans()):
        found["response_code"] = draw(st.none() | st.integers(-5, 1200))
    return found


_lines = st.one_of(
    _records_of_strangers().map(line),
    logs.records.map(line),
    logs.noise_lines,
    logs.damaged_lines(),
    logs.blank_lines,
)
_specs = st.sampled_from((TallySpec(), TallySpec(max_names=3), TallySpec(max_latency_rows=4)))


def _log_of(found: list[bytes]) -> SearchStrategy[bytes]:
    return st.just(b"\n".join(found) + b"\n")


_logs = st.lists(_lines, max_size=30).flatmap(_log_of)


@pytest.mark.property
@fewer_examples(2)
@given(data=_logs, spec=_specs, names=st.integers(1, 4) | st.just(_ALL))
def test_totals_are_those_of_the_summary(data: bytes, spec: TallySpec, names: int) -> None:
    summary = _summary(data, names, spec)
    _check_totals(Metrics.of(summary), summary)


def _check_totals(metrics: Metrics, summary: Summary) -> None:
    overview, accounts = summary.overview, summary.accounts
    requests = {
        outcome: n
        for outcome, n in overview.outcomes.items()
        if outcome not in {"no_filter_chain", "tcp_failed", "tcp"}
    }
    for name in ("requests", "authority_requests", "upstream_requests"):
        assert metrics.by(f"envoylogs_{name}_total", "outcome") == requests, name
    assert metrics.total("envoylogs_responses_total") == overview.requests
    for name in ("errors", "authority_errors"):
        assert metrics.total(f"envoylogs_{name}_total") == overview.errors, name
    assert metrics.total("envoylogs_unrouted_requests_total") == overview.unrouted
    noise = metrics.value("envoylogs_unrouted_requests_total", noise="true")
    assert noise == overview.noise["requests"]
    connections = metrics.by("envoylogs_connections_total", "outcome")
    assert connections + metrics.by("envoylogs_requests_total", "outcome") == overview.outcomes
    assert connections.total() == overview.connections
    refused_ones = metrics.of_name("envoylogs_refused_connections_total")
    assert sum(n for _, n in refused_ones) == connections["no_filter_chain"]
    noise = metrics.value("envoylogs_refused_connections_total", noise="true")
    assert noise == overview.noise["connections"]
    assert metrics.value("envoylogs_received_bytes_total") == overview.bytes_received
    assert metrics.value("envoylogs_sent_bytes_total") == overview.bytes_sent
    assert metrics.by("envoylogs_log_lines_total", "fate") == +Counter(
        record=accounts.record_lines,
        blank=accounts.blank,
        other=accounts.other,
        malformed=accounts.malformed,
    )
    reasons = metrics.by("envoylogs_malformed_log_lines_total", "reason")
    assert reasons == accounts.malformed_by_reason
    assert metrics.value("envoylogs_log_bytes_total") == accounts.bytes
    assert metrics.total("envoylogs_log_records_total") == accounts.records
    for name, time_us in (("first", overview.first), ("last", overview.last)):
        found = metrics.of_name(f"envoylogs_{name}_record_timestamp_seconds")
        expected = [] if time_us is None else [pytest.approx(time_us / 1e6, abs=1e-6)]
        assert [n for _, n in found] == expected
    _check_histograms(metrics, summary)


def _check_histograms(metrics: Metrics, summary: Summary) -> None:
    latency, upstream = summary.overview.latency_ms, summary.overview.upstream_time_ms
    for name, expected in (
        ("envoylogs_request_duration_seconds", latency),
        ("envoylogs_authority_request_duration_seconds", latency),
        ("envoylogs_upstream_time_seconds", upstream),
    ):
        count, mean = expected["count"], expected["mean"]
        assert isinstance(count, int)
        assert metrics.total(f"{name}_count") == count
        total = mean * count / 1000 if isinstance(mean, float) else 0.0
        assert metrics.total(f"{name}_sum") == pytest.approx(total, rel=1e-9, abs=1e-9)
        for labels, buckets in metrics.buckets(name).items():
            assert [bound for bound, _ in buckets] == sorted(bound for bound, _ in buckets)
            assert all(n <= up_to for (_, n), (_, up_to) in pairwise(buckets))
            assert buckets[-1] == (math.inf, metrics.value(f"{name}_count", **dict(labels)))
    of_hosts: Counter[float] = Counter()
    for buckets in metrics.buckets("envoylogs_authority_request_duration_seconds").values():
        of_hosts += Counter({bound: int(n) for bound, n in buckets})
    (of_all,) = metrics.buckets("envoylogs_request_duration_seconds").values()
    assert of_hosts == +Counter({bound: int(n) for bound, n in of_all})


def test_records_that_are_left_out_are_counted_apart() -> None:
    data = b"".join(generator.lines(400)) + text_of(rare_records())
    selection = Selection.of({"code": ["5xx"]})
    tally = tally_sources([source_of(data)], plan=ReadPlan(selection=selection))
    summary = summarize(tally, names_in_metrics=100)

    metrics = Metrics.of(summary)

    _check_totals(metrics, summary)
    assert metrics.value("envoylogs_log_records_total", kind="filtered") > 100


def test_the_metrics_of_nothing_are_zeros() -> None:
    metrics = Metrics.of(summarize(Tally.empty(), names_in_metrics=100))

    values = {name: n for (name, _), n in metrics.samples.items()}
    assert {name for name, n in values.items() if n} == {
        "envoylogs_build_info",
        "envoylogs_input_complete",
    }
    assert metrics.values_of("envoylogs_requests_total", "outcome") == (
        set(OUTCOME_NAMES) - set(CONNECTION_OUTCOMES)
    )
    assert metrics.values_of("envoylogs_connections_total", "outcome") == set(CONNECTION_OUTCOMES)
    assert metrics.values_of("envoylogs_malformed_log_lines_total", "reason") == set(REASONS)
    kinds = metrics.values_of("envoylogs_authority_errors_total", "authority_kind")
    assert kinds == {"other_known", "unknown", "missing"}


def test_what_was_not_read_to_its_end_is_not_complete() -> None:
    summary = summarize(Tally.empty(), complete=False, names_in_metrics=100)

    assert Metrics.of(summary).value("envoylogs_input_complete") == 0


def test_a_summary_has_no_metrics_unless_they_are_asked_for() -> None:
    assert summarize(Tally.empty()).metrics is None


# --- Against plain loops ------------------------------------------------------------------------

_ANSWERED = {"upstream_5xx", "upstream_4xx", "passthrough", "served", "broken_response"}
_SENT = _ANSWERED | {"no_endpoints", "connect_failure", "upstream_timeout", "upstream_reset",
                     "overflow"}  # fmt: skip
_ROUTED = _SENT | {"fault_injected", "no_cluster"}
_NOWHERE = {"blackhole", "no_route", "blocked"}
_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

Labels = tuple[str, ...]


@cache
def _generated() -> tuple[Summary, list[Record]]:
    """Return a log of more hosts and clusters than are named, and its requests as rows."""
    data = b"".join(generator.lines(3000, seed=9, hosts=40))
    rows = [
        row
        for batch in batches([source_of(data)])
        if batch.frame is not None
        for row in batch.frame.to_dicts()
    ]
    return _summary(data, _NAMED), [row for row in rows if row["kind"] == "request"]


_NAMED = 4


def _host(row: Record) -> str | None:
    authority = row["authority"]
    return None if authority is None else re.sub(r":\d+$", "", authority)


def _most_frequent(names: Iterable[str | None], among: set[str]) -> set[str]:
    counted = Counter(name for name in names if name in among)
    return set(sorted(counted, key=lambda name: (-counted[name], str(name)))[:_NAMED])


def _authority_of(rows: list[Record]) -> Callable[[Record], Labels]:
    def routed(row: Record) -> bool:
        sent = row["upstream_cluster"] not in {None, "BlackHoleCluster"}
        return row["outcome"] in _ROUTED or (sent and row["outcome"] not in _NOWHERE)

    known = {host for row in rows if routed(row) and (host := _host(row)) is not None}
    named = _most_frequent(map(_host, rows), known)

    def labels(row: Record) -> Labels:
        host = _host(row)
        if host in named:
            return str(host), "known"
        if host is None:
            return "", "missing"
        return "", "other_known" if host in known else "unknown"

    return labels


def _cluster_of(rows: list[Record]) -> Callable[[Record], Labels]:
    existing = {row["upstream_cluster"] for row in rows if row["outcome"] in _SENT} - {None}
    named = _most_frequent((row["upstream_cluster"] for row in rows), existing)

    def labels(row: Record) -> Labels:
        cluster = row["upstream_cluster"]
        if cluster in named:
            _, _, subset, service = cluster.split("|")
            return cluster, "known", service, subset
        return "", "missing" if cluster is None else "other", "", ""

    return labels


def _found(name: str, *labels: str) -> dict[Labels, float]:
    metrics = Metrics.of(_generated()[0])
    return {tuple(of.get(label, "") for label in labels): n for of, n in metrics.of_name(name)}


def _counted(rows: Iterable[Record], label: Callable[[Record], Any]) -> dict[Any, int]:
    return dict(Counter(map(label, rows)))


def test_requests_by_authority() -> None:
    _, rows = _generated()
    authority = _authority_of(rows)
    expected = _counted(rows, lambda row: (*authority(row), row["outcome"]))
    assert {kind for _, kind, _ in expected} >= {"known", "other_known", "unknown"}

    labels = ("authority", "authority_kind", "outcome")
    assert _found("envoylogs_authority_requests_total", *labels) == expected


def test_requests_by_cluster() -> None:
    _, rows = _generated()
    cluster = _cluster_of(rows)
    expected = _counted(rows, lambda row: (*cluster(row), row["outcome"]))
    assert {kind for _, kind, *_ in expected} == {"known", "other", "missing"}

    labels = ("upstream_cluster", "upstream_cluster_kind", "upstream_service", "upstream_subset")
    assert _found("envoylogs_upstream_requests_total", *labels, "outcome") == expected


def test_responses_by_code() -> None:
    _, rows = _generated()

    found = _found("envoylogs_responses_total", "response_code")

    assert found == _counted(rows, lambda row: (str(row["response_code"]),))
    assert len(found) > 5


@pytest.mark.parametrize(
    ("name", "column", "by_host"),
    [
        ("envoylogs_request_duration_seconds", "duration_ms", False),
        ("envoylogs_upstream_time_seconds", "upstream_service_time_ms", False),
        ("envoylogs_authority_request_duration_seconds", "duration_ms", True),
    ],
)
def test_durations(name: str, column: str, by_host: bool) -> None:  # noqa: FBT001
    summary, rows = _generated()
    authority = _authority_of(rows)
    durations: dict[Any, list[int]] = defaultdict(list)
    for row in rows:
        value = row[column]
        if row["outcome"] in _ANSWERED and row["response_code"] != 101 and value is not None:
            durations[authority(row) if by_host else ("", "")].append(value)
    metrics = Metrics.of(summary)

    found = metrics.buckets(name)

    assert len(found) == len(durations) > (2 if by_host else 0)
    for labels, values in durations.items():
        of_labels = dict(zip(("authority", "authority_kind"), labels, strict=True))
        key = {label: value for label, value in of_labels.items() if value}
        assert found[frozenset(key.items())] == [
            *((bound, sum(value <= bound * 1000 for value in values)) for bound in _BOUNDS),
            (math.inf, len(values)),
        ]
        assert metrics.value(f"{name}_count", **key) == len(values)
        assert metrics.value(f"{name}_sum", **key) == pytest.approx(sum(values) / 1000)


def test_a_duration_at_a_bound_is_within_it() -> None:
    metrics = _metrics([served(duration=5), served(duration=6)])

    (buckets,) = metrics.buckets("envoylogs_request_duration_seconds").values()
    assert buckets[:2] == [(0.005, 1), (0.01, 2)]
    assert metrics.value("envoylogs_request_duration_seconds_sum") == 0.011


def test_the_longest_durations_are_summed_and_longer_ones_are_none() -> None:
    year_ms = 366 * 86_400_000
    metrics = _metrics([*[served(duration=year_ms)] * 5, served(duration=year_ms + 1)])

    assert metrics.value("envoylogs_request_duration_seconds_sum") == 5 * year_ms / 1000


@pytest.mark.parametrize(
    ("code", "label"),
    [(0, "0"), (99, "other"), (100, "100"), (599, "599"), (600, "other"), (999, "other"),
     (1000, "missing"), (-1, "missing"), (None, "missing")],
)  # fmt: skip
def test_only_codes_that_there_are_have_a_series(code: int | None, label: str) -> None:
    metrics = _metrics([served(response_code=code)])

    assert metrics.by("envoylogs_responses_total", "response_code") == {label: 1}


def test_findings_are_counted_without_a_name_from_the_log() -> None:
    hosts = [f"h{number}.example.com" for number in range(3)]
    records = [make(at, authority=host) for host in hosts
               for make, start in ((served, 0), (unrouted, 100))
               for at in range(start, start + 20)]  # fmt: skip
    summary = summarize(tally_of(records), names_in_metrics=100)
    assert {finding.code for finding in summary.findings} == {"lost_host"}
    labels = {"code": "lost_host", "severity": "critical", "who": "gateway configuration",
              "state": "ongoing"}  # fmt: skip

    metrics = Metrics.of(summary)

    assert metrics.of_name("envoylogs_findings") == [(labels, 1)]
    assert metrics.of_name("envoylogs_finding_requests") == [(labels, 60)]


# --- Names --------------------------------------------------------------------------------------


def test_hosts_are_named_without_their_port_and_in_lower_case() -> None:
    authorities = ["Shop.example.com", "shop.example.com:8443", "[2001:db8::1]:8443"]

    metrics = _metrics(served(authority=authority) for authority in authorities)

    assert metrics.by("envoylogs_authority_requests_total", "authority") == {
        "shop.example.com": 2,
        "[2001:db8::1]": 1,
    }


def test_the_hosts_with_most_requests_are_named_and_among_equals_the_first() -> None:
    hosts = ["b", "b", "b", "d", "a", "c"]

    metrics = _metrics((served(authority=host) for host in hosts), names=2)

    found = metrics.by("envoylogs_authority_requests_total", "authority")
    assert found == {"b": 3, "a": 1, "": 2}
    assert metrics.by("envoylogs_authority_requests_total", "authority_kind") == {
        "known": 4,
        "other_known": 2,
    }


@pytest.mark.parametrize("kind", ["other_known", "unknown", "missing", "", "-", FOLDED])
def test_no_host_can_pass_for_those_that_are_not_named(kind: str) -> None:
    metrics = _metrics([served(authority=kind), unrouted(authority="scan.example.net")])

    rest = metrics.of_name("envoylogs_authority_requests_total")
    for labels, _ in rest:
        assert ("authority" in labels) == (labels["authority_kind"] == "known")
    assert metrics.value(
        "envoylogs_authority_requests_total", authority_kind="unknown", outcome="no_route"
    ) == 1  # fmt: skip


_UNFIT = ("a\x00b", "a\x1b[31m", "a\rb", "a\u2028b", "a\u202eb", "a\x85b", "é.example.com",
          "\ufeffa", "a" * 254)  # fmt: skip


@pytest.mark.parametrize("host", _UNFIT)
def test_what_no_host_is_called_is_not_named_although_it_is_routed(host: str) -> None:
    metrics = _metrics([served(authority=host, upstream_cluster=host * 3), served()])

    assert metrics.values_of("envoylogs_authority_requests_total", "authority") == {HOST}
    assert metrics.by("envoylogs_authority_requests_total", "authority_kind") == {
        "known": 1,
        "other_known": 1,
    }
    assert metrics.values_of("envoylogs_upstream_requests_total", "upstream_cluster") == {CLUSTER}
    assert metrics.by("envoylogs_upstream_requests_total", "upstream_cluster_kind") == {
        "known": 1,
        "other": 1,
    }


@pytest.mark.parametrize("host", ["a" * 253, 'a"b', "a\\b", '"},x{y="', "a b", "'", "#", "=1+1"])
def test_odd_names_of_known_hosts_and_clusters_are_written_as_they_are(host: str) -> None:
    metrics = _metrics([served(authority=host, upstream_cluster=host)])

    assert metrics.values_of("envoylogs_authority_requests_total", "authority") == {host}
    assert metrics.values_of("envoylogs_upstream_requests_total", "upstream_cluster") == {host}


def test_a_cluster_that_does_not_exist_is_not_named() -> None:
    missing: Record = {
        "upstream_cluster": "outbound|80||nobody.example.org",
        "response_code": 503,
        "response_flags": "NC",
        "response_code_details": "cluster_not_found",
        "upstream_host": None,
        "upstream_service_time": None,
    }

    metrics = _metrics([served(), *[served(**missing)] * 5])

    assert metrics.by("envoylogs_upstream_requests_total", "upstream_cluster") == {
        CLUSTER: 1,
        "": 5,
    }
    kinds = metrics.by("envoylogs_upstream_requests_total", "upstream_cluster_kind")
    assert kinds == {"known": 1, "other": 5}


# --- Bounds -------------------------------------------------------------------------------------


@pytest.mark.property
@fewer_examples(4)
@given(data=_logs, names=st.integers(1, 3))
def test_series_are_bounded(data: bytes, names: int) -> None:
    _check_bounds(Metrics.of(_summary(data, names)), names)


def _check_bounds(metrics: Metrics, names: int) -> None:
    hosts = metrics.values_of("envoylogs_authority_requests_total", "authority")
    clusters = metrics.values_of("envoylogs_upstream_requests_total", "upstream_cluster")
    assert max(len(hosts), len(clusters)) <= names
    for name in ("errors_total", "request_duration_seconds_count"):
        assert metrics.values_of(f"envoylogs_authority_{name}", "authority") <= hosts
    a_host, a_cluster = 23 + 1 + 16, 23
    most = _OWN_SERIES + (names + 3) * a_host + (names + 2) * a_cluster
    assert len(metrics.samples) <= most


def test_any_number_of_known_and_unknown_hosts_and_clusters_is_as_many_series() -> None:
    def records(n: int) -> Iterable[Record]:
        for number in range(n):
            name = f"{number}.example.net"
            yield served(authority=f"shop-{name}", upstream_cluster=f"outbound|80||{name}")
            yield unrouted(authority=f"scan-{name}")
            yield refused_connection(requested_server_name=f"tls-{name}")

    few, many = _metrics(records(20), names=7), _metrics(records(400), names=7)

    series = [Counter(name for name, _ in found.samples) for found in (few, many)]
    assert series[0] == series[1]
    _check_bounds(many, 7)


def test_folded_names_are_of_those_that_are_not_named_and_totals_stay() -> None:
    data = b"".join(strangers.lines(1500))
    summary = _summary(data, 100, TallySpec(max_names=100, max_latency_rows=200))
    assert {"authority", "upstream_cluster"} <= set(summary.folds.columns)
    assert 0 < summary.folds.latency_relative_error < 1

    metrics = Metrics.of(summary)

    _check_totals(metrics, summary)
    hosts = metrics.values_of("envoylogs_authority_requests_total", "authority")
    assert hosts
    assert hosts <= set(strangers.KNOWN_HOSTS)
    for column, folded in summary.folds.columns.items():
        assert metrics.value("envoylogs_folded_records_total", column=column) == folded.requests
        assert metrics.value("envoylogs_folded_names", column=column) == folded.names_at_least
    error = metrics.value("envoylogs_duration_error_ratio")
    assert error == summary.folds.latency_relative_error


# --- Growth -------------------------------------------------------------------------------------


@pytest.mark.property
@fewer_examples(4)
@given(first=_logs, more=_logs)
def test_counters_only_grow_but_for_those_of_names_that_may_become_known(
    first: bytes, more: bytes
) -> None:
    tally, added = (tally_sources([source_of(data)]) for data in (first, more))
    before = Metrics.of(summarize(tally, names_in_metrics=_ALL))
    after = Metrics.of(summarize(tally.merge(added), names_in_metrics=_ALL))

    for (name, labels), n in before.samples.items():
        of = dict(labels)
        unnamed = of.get("authority_kind", "known") != "known" or (
            of.get("upstream_cluster_kind", "known") != "known"
        )
        # A sum of durations that a log says to be below zero falls.
        grows = name.endswith(("_total", "_count", "_bucket"))
        if grows and not unnamed and of.get("noise") != "true":
            assert after.value(name, **of) >= n, (name, of)


def test_the_order_of_a_log_changes_nothing() -> None:
    records = list(rare_records())
    data, other = text_of(records), text_of(reversed(records))

    assert Metrics.of(_summary(data, 5)).samples == Metrics.of(_summary(other, 5)).samples
    assert json.loads(data.splitlines()[0]) != json.loads(other.splitlines()[0])
