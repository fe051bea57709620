"""Every table against plain loops over the parsed objects of generated logs."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from benchmarks import generator
from hypothesis import given
from hypothesis import strategies as st
from tests.handmade import fewer_examples, source_of

from envoylogs.keyed.decoding import batches
from envoylogs.pipeline import tally_sources
from envoylogs.summary.breakdown import COLUMNS
from envoylogs.summary.splits import NOT_SENT
from envoylogs.summary.summary import Summary, summarize
from envoylogs.tally.traffic import CODE_CLASSES

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    import polars as pl

_LINES = 3000
_LADDER = (1, 5, 15, 60, 300, 900, 3600, 21600, 86400)


def _mixed() -> bytes:
    """Return a log to which gateways of all releases wrote by turns."""
    eras = [
        generator.lines(_LINES // 5, seed=seed, era=era, rate_per_second=0.7, shuffled=seed % 2 > 0)
        for seed, era in enumerate(generator.Era)
    ]
    return b"".join(itertools.chain.from_iterable(zip(*eras, strict=True)))


def _generated(era: generator.Era, **options: Any) -> Callable[[], bytes]:
    return lambda: b"".join(generator.lines(_LINES, era=era, **options))


_LOGS: dict[str, Callable[[], bytes]] = {
    "1.1": _generated(generator.Era.V1_1, seed=11, rate_per_second=5),
    "1.5": _generated(generator.Era.V1_5, seed=12),
    "1.5 shuffled": _generated(generator.Era.V1_5, seed=13, shuffled=True, hosts=300),
    "1.8": _generated(generator.Era.V1_8, seed=14, rate_per_second=0.05),
    "1.22": _generated(generator.Era.V1_22, seed=15, hosts=9),
    "1.28": _generated(generator.Era.V1_28, seed=16, rate_per_second=0.002),
    "1.28 shuffled": _generated(generator.Era.V1_28, seed=17, shuffled=True),
    "mixed": _mixed,
}


# --- What the log says, by hand -----------------------------------------------------------------

_ERRORS = {"broken_response", "upstream_5xx", "no_cluster", "no_endpoints", "connect_failure",
           "upstream_reset", "upstream_timeout", "overflow", "dependency_failed"}  # fmt: skip
_UNROUTED = {"blackhole", "no_route"}
_ANSWERED = {"upstream_5xx", "upstream_4xx", "passthrough", "served", "broken_response"}
_ALWAYS_ROUTED = _ANSWERED | {"fault_injected", "no_cluster", "no_endpoints", "connect_failure",
                              "upstream_timeout", "upstream_reset", "overflow"}  # fmt: skip
_BY_GATEWAY = {"no_filter_chain", "blackhole", "no_route", "no_cluster", "no_endpoints", "overflow",
               "dependency_failed", "denied", "rate_limited", "client_error", "blocked",
               "fault_injected", "direct_response", "gateway_other"}  # fmt: skip


@dataclass(frozen=True)
class _Seen:
    """One parsed record."""

    object: dict[str, Any]
    outcome: str

    def text(self, key: str) -> str | None:
        value = self.object.get(key)
        return None if value in (None, "-", "") else str(value)

    def number(self, key: str) -> int | None:
        value = self.text(key)
        return None if value is None else int(float(value))

    @cached_property
    def columns(self) -> dict[str, Any]:
        """The columns that there is a table by."""
        return {
            "authority": self.authority,
            "route_name": self.text("route_name"),
            "response_code": self.code,
            "upstream_cluster": self.text("upstream_cluster"),
            "outcome": self.outcome,
            "response_flags": self.text("response_flags"),
            "response_code_details": self.text("response_code_details"),
            "gateway": _without_port(self.text("downstream_local_address")),
            "upstream_host": self.text("upstream_host"),
        }

    @cached_property
    def authority(self) -> str | None:
        value = self.text("authority")
        return None if value is None else re.sub(r":(?:80|443)$", "", value.lower())

    @property
    def host(self) -> str | None:
        return _without_port(self.authority)

    @property
    def server_name(self) -> str | None:
        return self.text("requested_server_name")

    @property
    def code(self) -> int | None:
        return self.number("response_code")

    @property
    def cluster(self) -> str | None:
        return self.text("upstream_cluster")

    @cached_property
    def kind(self) -> str:
        local = self.text("downstream_local_address") or ""
        if self.cluster in {"agent", "prometheus_stats"} or local.endswith((":15021", ":15090")):
            return "own"
        http = [self.text(key) for key in ("method", "path", "authority", "protocol")]
        return "request" if any(http) or self.code else "connection"

    @property
    def error(self) -> bool:
        return self.outcome in _ERRORS or (
            self.outcome == "gateway_other" and (self.code or 0) >= 500
        )

    @property
    def unrouted(self) -> bool:
        return self.outcome in _UNROUTED

    @property
    def routed(self) -> bool:
        return self.outcome in _ALWAYS_ROUTED or (
            self.cluster not in {None, "BlackHoleCluster"}
            and self.outcome not in {*_UNROUTED, "blocked"}
        )

    @cached_property
    def start(self) -> int:
        """Microseconds since 1970."""
        moment = datetime.fromisoformat(self.object["start_time"])
        return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)

    @property
    def measured(self) -> dict[str, int]:
        """Times of a request that the upstream answered, by measure."""
        if self.outcome not in _ANSWERED or self.code == 101:
            return {}
        duration, service = self.number("duration"), self.number("upstream_service_time")
        found = {"latency_ms": duration, "upstream_time_ms": service}
        if duration is not None and service is not None:
            found["gateway_ms"] = duration - service
        return {name: value for name, value in found.items() if value is not None}


def _without_port(name: str | None) -> str | None:
    return None if name is None else re.sub(r":\d+$", "", name)


def _latency(values: Iterable[int]) -> dict[str, Any]:
    """Return the percentiles of values by nearest rank."""
    ordered = sorted(values)
    n = len(ordered)
    ranks = {"p50": 500, "p90": 900, "p95": 950, "p99": 990, "p999": 999}
    return {
        "count": n,
        "exact": True,
        **{name: ordered[math.ceil(n * q / 1000) - 1] if n else None for name, q in ranks.items()},
        "max": ordered[-1] if n else None,
        "mean": sum(ordered) / n if n else None,
    }


def _code_class(code: int | None) -> str:
    if code == 0:
        return "0"
    return f"{code // 100}xx" if code is not None and 100 <= code <= 599 else "other"


def _by_requests(rows: Iterable[dict[str, Any]], *keys: str) -> list[dict[str, Any]]:
    """Return rows by requests descending, then by key with null last."""

    def order(row: dict[str, Any]) -> tuple[Any, ...]:
        return (-row["requests"], *((row[key] is None, row[key] or 0) for key in keys))

    return sorted(rows, key=order)


@dataclass(frozen=True)
class _Log:
    """A generated log, what the tool says of it, and its parsed records."""

    summary: Summary
    seen: list[_Seen]

    @cached_property
    def requests(self) -> list[_Seen]:
        return [seen for seen in self.seen if seen.kind == "request"]

    @cached_property
    def connections(self) -> list[_Seen]:
        return [seen for seen in self.seen if seen.kind == "connection"]

    @cached_property
    def known_hosts(self) -> set[str | None]:
        return {seen.host for seen in self.requests if seen.routed} - {None}

    @cached_property
    def known_names(self) -> set[str | None]:
        accepted = [seen for seen in self.connections if seen.outcome != "no_filter_chain"]
        routed = [seen for seen in self.requests if seen.routed]
        return self.known_hosts | {seen.server_name for seen in (*accepted, *routed)} - {None}

    @cached_property
    def noise(self) -> list[_Seen]:
        return [
            seen for seen in self.requests if seen.unrouted and seen.host not in self.known_hosts
        ]


@cache
def _log(name: str) -> _Log:
    data = _LOGS[name]()
    outcomes = [
        outcome
        for batch in batches([source_of(data)])
        if batch.frame is not None
        for outcome in batch.frame["outcome"]
    ]
    objects = [json.loads(line) for line in data.splitlines()]
    seen = [_Seen(found, outcome) for found, outcome in zip(objects, outcomes, strict=True)]
    return _Log(summarize(tally_sources([source_of(data)])), seen)


@pytest.fixture(params=_LOGS)
def log(request: pytest.FixtureRequest) -> _Log:
    return _log(request.param)


def _grouped(seen: Iterable[_Seen], key: Callable[[_Seen], Hashable]) -> dict[Any, list[_Seen]]:
    found: dict[Any, list[_Seen]] = defaultdict(list)
    for record in seen:
        found[key(record)].append(record)
    return found


def _row(keys: dict[str, Any], group: list[_Seen], total: int) -> dict[str, Any]:
    """Return a row of a table; connections have no share, for they stand apart."""
    requests = [seen for seen in group if seen.kind == "request"]
    codes = Counter(_code_class(seen.code) for seen in group)
    return {
        **keys,
        "requests": len(group),
        "share": pytest.approx(len(group) / total, rel=1e-12) if requests else None,
        "codes": {name: codes[name] for name in CODE_CLASSES},
        "blackhole": sum(seen.outcome == "blackhole" for seen in group),
        "unrouted": sum(seen.unrouted for seen in group),
        "errors": sum(seen.error for seen in requests),
        "bytes_sent": sum(seen.number("bytes_sent") or 0 for seen in group),
        "bytes_received": sum(seen.number("bytes_received") or 0 for seen in group),
        "latency_ms": _latency(
            seen.measured["latency_ms"] for seen in requests if "latency_ms" in seen.measured
        ),
    }


def _assert_same(found: pl.DataFrame, expected: list[dict[str, Any]]) -> None:
    """Compare a table with rows, with a short message about the first row that differs."""
    assert found.columns == list(expected[0])
    for row, other in zip(found.to_dicts(), expected, strict=True):
        assert row == other


# --- The tables ---------------------------------------------------------------------------------


def test_the_logs_hold_what_the_tables_are_about() -> None:
    outcomes = {seen.outcome for name in _LOGS for seen in _log(name).seen}

    assert len(outcomes) >= 18
    assert {"blackhole", "no_route", "no_filter_chain", "tcp", "fault_injected"} <= outcomes
    assert {_log(name).summary.bucket_seconds for name in _LOGS} >= {1, 5, 300, 6 * 3600}


@pytest.mark.parametrize("column", COLUMNS)
def test_table_by(log: _Log, column: str) -> None:
    counted = log.requests + (log.connections if column == "outcome" else [])
    groups = _grouped(counted, lambda seen: seen.columns[column])
    expected = [_row({column: key}, group, len(log.requests)) for key, group in groups.items()]

    _assert_same(log.summary.table(column), _by_requests(expected, column))


def test_groups(log: _Log) -> None:
    keys = ("authority", "route_name", "response_code", "upstream_cluster")
    groups = _grouped(log.requests, lambda seen: tuple(seen.columns[key] for key in keys))
    expected = [
        _row(dict(zip(keys, values, strict=True)), group, len(log.requests))
        for values, group in groups.items()
    ]

    _assert_same(log.summary.table("groups"), _by_requests(expected, *keys))


def test_totals(log: _Log) -> None:
    found, requests = log.summary.overview, log.requests
    starts = [seen.start for seen in log.seen]
    errors = sum(seen.error for seen in requests)

    assert (found.requests, found.connections) == (len(requests), len(log.connections))
    assert found.own_traffic == len(log.seen) - len(requests) - len(log.connections)
    assert (found.first, found.last) == (min(starts), max(starts))
    assert found.bytes_received == sum(seen.number("bytes_received") or 0 for seen in requests)
    assert found.bytes_sent == sum(seen.number("bytes_sent") or 0 for seen in requests)
    assert found.blackhole == sum(seen.outcome == "blackhole" for seen in requests)
    assert found.unrouted == sum(seen.unrouted for seen in requests)
    assert found.errors == errors
    assert found.error_share == errors / (len(requests) - len(log.noise))


def test_outcomes_add_up_to_requests_and_connections(log: _Log) -> None:
    found = log.summary.overview
    counted = Counter(seen.outcome for seen in log.requests + log.connections)

    assert list(found.outcomes.items()) == sorted(
        counted.items(), key=lambda item: (-item[1], item)
    )
    assert sum(found.outcomes.values()) == found.requests + found.connections


def test_noise(log: _Log) -> None:
    refused = [
        seen
        for seen in log.connections
        if seen.outcome == "no_filter_chain" and seen.server_name not in log.known_names
    ]

    noise = log.summary.overview.noise
    assert noise["requests"] == len(log.noise)
    assert noise["hosts"] == len({seen.host for seen in log.noise} - {None})
    assert noise["connections"] == len(refused)
    assert noise["server_names"] == len({seen.server_name for seen in refused} - {None})


def test_the_404_ledger_adds_up(log: _Log) -> None:
    not_found = [seen for seen in log.requests if seen.code == 404]
    ledger = log.summary.overview.not_found_ledger

    def count(condition: Callable[[_Seen], bool]) -> int:
        return sum(condition(seen) for seen in not_found)

    known = count(lambda seen: seen.unrouted and seen.host in log.known_hosts)
    noise = count(lambda seen: seen.unrouted and seen.host not in log.known_hosts)
    application = count(lambda seen: seen.outcome == "upstream_4xx")
    configured = count(lambda seen: seen.outcome == "direct_response")
    fault = count(lambda seen: seen.outcome == "fault_injected")
    assert ledger["all"] == len(not_found) > 0
    assert ledger["lost"] + ledger["never_routed"] == known
    assert (ledger["noise"], ledger["application"]) == (noise, application)
    assert (ledger["configured"], ledger["fault"]) == (configured, fault)
    assert ledger["other"] == len(not_found) - known - noise - application - configured - fault
    assert sum(n for part, n in ledger.items() if part != "all") == ledger["all"]


def test_the_lost_part_of_the_ledger_is_the_host_that_lost_its_route(log: _Log) -> None:
    lost = sum(
        seen.host == generator.LOST_HOST and seen.outcome == "no_route" for seen in log.requests
    )

    # A stray request for an unknown path before the change is not among them.
    ledger = log.summary.overview.not_found_ledger
    assert lost - 5 <= ledger["lost"] <= lost + 5
    assert lost > 10


@pytest.mark.parametrize("measure", ["latency_ms", "upstream_time_ms", "gateway_ms"])
def test_percentiles_of_the_whole_log(log: _Log, measure: str) -> None:
    values = [seen.measured[measure] for seen in log.requests if measure in seen.measured]

    assert getattr(log.summary.overview, measure) == _latency(values)
    assert len(values) > 1000


def test_timeline(log: _Log) -> None:
    def starts(width: int) -> set[int]:
        return {seen.start // (width * 1_000_000) for seen in log.seen}

    width = next(width for width in _LADDER if len(starts(width)) <= 300)
    groups = _grouped(log.requests, lambda seen: seen.start // (width * 1_000_000))

    assert log.summary.bucket_seconds == width
    found = log.summary.table("timeline")
    assert found.select("start", "requests", "errors", "unrouted").rows() == [
        (
            start * width * 1_000_000,
            len(group),
            sum(seen.error for seen in group),
            sum(seen.unrouted for seen in group),
        )
        for start, group in sorted(groups.items())
    ]


def test_the_timeline_is_split_by_who_must_act(log: _Log) -> None:
    by_actor = log.summary.table("timeline")["by_actor"].struct.unnest()
    outcomes = Counter(seen.outcome for seen in log.requests)

    requests = log.summary.table("timeline")["requests"]
    assert by_actor.sum_horizontal().to_list() == requests.to_list()
    assert by_actor["upstream"].sum() == sum(
        outcomes[name]
        for name in ("no_endpoints", "broken_response", "connect_failure", "upstream_timeout",
                     "upstream_reset", "upstream_5xx")
    )  # fmt: skip
    assert by_actor["gateway configuration"].sum() == (
        outcomes["no_route"] + outcomes["blackhole"] + outcomes["no_cluster"]
    )


def _wilson(count: int, total: int) -> tuple[Any, Any]:
    z2 = 1.959963984540054**2
    share = count / total
    center = (share + z2 / 2 / total) / (1 + z2 / total)
    half = math.sqrt(z2 * (share * (1 - share) / total + z2 / 4 / total**2)) / (1 + z2 / total)
    return pytest.approx(center - half), pytest.approx(center + half)


def _part(cluster: str, group: list[_Seen], total: int) -> dict[str, Any]:
    _, _, subset, service = cluster.split("|")
    low, high = _wilson(len(group), total)
    errors = sum(seen.error for seen in group)
    return {
        "upstream_cluster": cluster,
        "service": service,
        "subset": subset or None,
        "requests": len(group),
        "share": len(group) / total,
        "share_low": low,
        "share_high": 1.0 if len(group) == total else high,
        "errors": errors,
        "error_share": errors / len(group),
        **{
            measure: _latency(seen.measured[measure] for seen in group if measure in seen.measured)
            for measure in ("latency_ms", "upstream_time_ms")
        },
    }


def test_splits(log: _Log) -> None:
    expected = []
    for (route, host), group in _grouped(
        log.requests, lambda seen: (seen.text("route_name"), seen.host)
    ).items():
        sent = [seen for seen in group if seen.cluster and seen.outcome not in NOT_SENT]
        if not sent:
            continue
        parts = [
            _part(cluster, of_part, len(sent))
            for cluster, of_part in _grouped(sent, lambda seen: seen.cluster).items()
        ]
        named = route not in {None, "default"}
        several = len({part["service"] for part in parts}) > 1
        expected.append(
            {
                "route_name": route,
                "authority": host,
                "named": named,
                "attribution": "route" if named else "ambiguous" if several else "host",
                "mirror": False,
                "requests": len(sent),
                "not_sent": sum(
                    seen.cluster is not None and seen.outcome in NOT_SENT for seen in group
                ),
                "unattributed": sum(seen.cluster is None for seen in group),
                "parts": _by_requests(parts, "upstream_cluster"),
            }
        )

    _assert_same(
        log.summary.table("splits").drop("buckets"),
        _by_requests(expected, "route_name", "authority"),
    )


def test_buckets_of_splits(log: _Log) -> None:
    width = (log.summary.bucket_seconds or 0) * 1_000_000
    sent = [seen for seen in log.requests if seen.cluster and seen.outcome not in NOT_SENT]
    groups = _grouped(sent, lambda seen: (seen.text("route_name"), seen.host))

    for row in log.summary.table("splits").iter_rows(named=True):
        group = groups.pop((row["route_name"], row["authority"]))
        by_start = Counter(seen.start // width * width for seen in group)
        counted = Counter((seen.start // width * width, seen.cluster) for seen in group)
        assert row["buckets"] == [
            {"start": start, "upstream_cluster": cluster, "requests": n,
             "share": n / by_start[start]}
            for (start, cluster), n in sorted(counted.items(), key=str)
        ]  # fmt: skip
    assert groups == {}


def test_rejections(log: _Log) -> None:
    routed: dict[str | None, list[int]] = defaultdict(list)
    for seen in log.requests:
        if seen.routed:
            routed[seen.host].append(seen.start)

    def key(seen: _Seen) -> tuple[Any, ...]:
        connection = seen.kind == "connection"
        return (
            seen.outcome,
            "server_name" if connection else "authority",
            seen.server_name if connection else seen.host,
            seen.text("route_name"),
            seen.text("response_flags"),
            seen.text("response_code_details"),
        )

    columns = ("outcome", "host_kind", "host", "route_name", "response_flags",
               "response_code_details")  # fmt: skip
    rejected = [seen for seen in log.requests + log.connections if seen.outcome in _BY_GATEWAY]
    expected = []
    for values, group in _grouped(rejected, key).items():
        _, kind, host, *_ = values
        starts = [seen.start for seen in group]
        known = log.known_names if kind == "server_name" else log.known_hosts
        expected.append(
            {
                **dict(zip(columns, values, strict=True)),
                "known": host in known,
                "requests": len(group),
                "first": min(starts),
                "last": max(starts),
                "routed_before": bool(routed[host]) and min(routed[host]) < max(starts),
                "last_routed": max(routed[host], default=None),
            }
        )

    found = log.summary.table("rejections")
    _assert_same(found.drop("paths", "methods", "clients", "server_names"),
                 _by_requests(expected, *columns))  # fmt: skip


def test_examples_of_rejections_are_of_their_host(log: _Log) -> None:
    seen_of = _grouped(log.requests + log.connections, lambda seen: seen.outcome)
    for row in log.summary.table("rejections").iter_rows(named=True):
        connection = row["host_kind"] == "server_name"
        group = [
            seen
            for seen in seen_of[row["outcome"]]
            if (seen.server_name if connection else seen.host) == row["host"]
        ]
        for column, key in (("methods", "method"), ("server_names", "requested_server_name")):
            assert set(row[column]) <= {seen.text(key) for seen in group}
            assert len(row[column]) == len(set(row[column])) <= 10
        # Direct answers are no failures, so no examples are kept of them.
        if row["outcome"] != "direct_response":
            assert bool(row["methods"]) == any(seen.text("method") for seen in group)
            assert row["clients"]


# --- The same log, cut into files ---------------------------------------------------------------


_TABLES = (*COLUMNS, "groups", "rejections", "splits", "timeline")


def _comparable(summary: Summary) -> dict[str, Any]:
    """Return all tables but for what names a source and a line."""
    accounts = summary.accounts._asdict()
    tables = {
        **{name: summary.table(name) for name in _TABLES},
        "gateways": accounts.pop("gateways"),
    }
    for name in ("sources", "examples", "copies", "wrapped_in", "unreadable_examples"):
        del accounts[name]
    for name in ("unused_keys", "other_keys"):
        accounts[name] = accounts[name].drop("source", strict=False).to_dicts()
    return {
        "accounts": accounts,
        "overview": summary.overview,
        "bucket_seconds": summary.bucket_seconds,
        "findings": [
            dataclasses.replace(
                finding,
                examples=tuple(
                    example._replace(source=None, line=None) for example in finding.examples
                ),
            )
            for finding in summary.findings
        ],
        **{name: (table.schema, table.rows()) for name, table in tables.items()},
    }


@cache
def _lines_with_text() -> list[bytes]:
    """Return the lines of a log of all eras, with lines that are no records among them."""
    lines = _mixed().splitlines(keepends=True)
    for place in range(0, len(lines), 97):
        lines[place:place] = [b"\n", b"agent text\n", b"\x00\n", b"{oops}\n"][: 1 + place % 4]
    return lines


@cache
def _uncut() -> dict[str, Any]:
    return _comparable(summarize(tally_sources([source_of(b"".join(_lines_with_text()))])))


@pytest.mark.property
@fewer_examples(10)
@given(
    cuts=st.lists(st.integers(0, _LINES), max_size=6),
    seed=st.integers(0, 1000),
)
def test_a_log_cut_into_files_has_the_same_summary(cuts: list[int], seed: int) -> None:
    lines = _lines_with_text()
    ends = [0, *sorted(cuts), len(lines)]
    parts = [b"".join(lines[start:end]) for start, end in itertools.pairwise(ends)]
    Random(seed).shuffle(parts)
    sources = [source_of(part, f"part-{place}") for place, part in enumerate(parts)]

    found = _comparable(summarize(tally_sources(sources)))

    expected = _uncut()
    assert [name for name in expected if found[name] != expected[name]] == []


def test_a_log_shuffled_line_by_line_has_the_same_summary() -> None:
    lines = list(_lines_with_text())
    Random(5).shuffle(lines)

    found = _comparable(summarize(tally_sources([source_of(b"".join(lines))])))

    expected = _uncut()
    assert [name for name in expected if found[name] != expected[name]] == []
