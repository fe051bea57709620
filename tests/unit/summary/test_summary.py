"""Logs that are rare, poor or huge: no crash, and tables that do not disagree."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.handmade import (
    HOST,
    connection,
    fewer_examples,
    rare_records,
    refused,
    refused_connection,
    reset,
    served,
    source_of,
    summary_of,
    tally_of,
    text_of,
    unrouted,
    us,
    without,
)

from envoylogs.pipeline import tally_sources
from envoylogs.summary.breakdown import COLUMNS
from envoylogs.summary.findings.finding import Severity
from envoylogs.summary.percentiles import EMPTY_LATENCY
from envoylogs.summary.summary import Summary, summarize
from envoylogs.tally.traffic import CODE_CLASSES

if TYPE_CHECKING:
    from tests.handmade import Record

_RARE = list(rare_records())
_KEYS = list(served())


def _assert_tables_agree(summary: Summary) -> None:
    found = summary.overview
    for name in COLUMNS:
        table = summary.table(name)
        counted = found.requests + (found.connections if name == "outcome" else 0)
        assert table["requests"].sum() == counted
        assert table["errors"].sum() == found.errors
        assert table["unrouted"].sum() == found.unrouted
        assert table["blackhole"].sum() == found.blackhole
        assert table["share"].sum() == pytest.approx(1 if found.requests else 0)
        codes = [sum(codes.values()) for codes in table["codes"].to_list()]
        assert codes == table["requests"].to_list()
        measured = [latency["count"] for latency in table["latency_ms"].to_list()]
        assert sum(measured) == found.latency_ms["count"]
        assert not table[name].is_duplicated().any()
    for name in ("bytes_sent", "bytes_received"):
        assert summary.table("authority")[name].sum() == getattr(found, name)
        assert summary.table("groups")[name].sum() == getattr(found, name)
    assert summary.table("groups")["requests"].sum() == found.requests
    assert summary.table("timeline")["requests"].sum() == found.requests
    assert summary.table("timeline")["errors"].sum() == found.errors
    assert summary.table("timeline")["unrouted"].sum() == found.unrouted
    assert sum(found.outcomes.values()) == found.requests + found.connections
    assert summary.accounts.records == found.requests + found.connections + found.own_traffic
    assert summary.accounts.records == summary.accounts.gateways["records"].sum()
    ledger = dict(found.not_found_ledger)
    assert ledger.pop("all") == sum(ledger.values())
    assert min(ledger.values()) >= 0
    sent = summary.table("splits")["requests"].sum()
    parts = summary.table("splits")["parts"].explode().struct.unnest() if sent else None
    assert (0 if parts is None else parts["requests"].sum()) == sent <= found.requests
    assert found.noise["requests"] <= found.unrouted
    for finding in summary.findings:
        assert finding.of >= finding.requests >= 0
        assert finding.gateways[0] <= finding.gateways[1]
        assert finding.upstream_hosts[0] <= finding.upstream_hosts[1]


def test_the_summary_of_nothing_is_empty() -> None:
    summary = summarize(tally_of([]))

    _assert_tables_agree(summary)
    assert summary.overview.requests == 0
    assert summary.overview.error_share is None
    assert (summary.overview.first, summary.overview.last) == (None, None)
    assert summary.overview.latency_ms == EMPTY_LATENCY
    assert summary.bucket_seconds is None
    names = ("groups", "rejections", "splits", "timeline", *COLUMNS)
    assert [summary.table(name).height for name in names] == [0] * 13
    assert summary.findings == ()


@pytest.mark.parametrize("complete", [True, False])
def test_a_summary_says_whether_all_of_the_input_is_in_it(complete: bool) -> None:  # noqa: FBT001
    assert summarize(tally_of([]), complete=complete).complete is complete


def test_a_summary_of_a_damaged_source_is_not_complete() -> None:
    packed = gzip.compress(text_of([served(0)]))

    assert not summarize(tally_sources([source_of(packed[:-1])])).complete
    assert summarize(tally_sources([source_of(packed)])).complete


@pytest.mark.parametrize(
    "record",
    [
        served(0),
        unrouted(0),
        refused(0),
        connection(0),
        refused_connection(0),
        served(0, upstream_cluster="agent"),
        served(None, authority=None, path=None),
        {"response_flags": "-"},
        {"response_code": 200, "path": "/"},
        {"upstream_cluster": ""},
    ],
)
def test_one_record_is_a_log(record: Record) -> None:
    summary = summary_of([record])

    _assert_tables_agree(summary)
    assert summary.accounts.records == 1


def _story() -> list[Record]:
    """Return a log with something of everything."""
    return [
        *(served(n) for n in range(60)),
        *(refused(n) for n in range(60, 90)),
        *(unrouted(n) for n in range(90, 120)),
        *(connection(n) for n in range(0, 50, 10)),
        *(refused_connection(n) for n in range(50, 100, 10)),
        *(unrouted(n, authority="198.51.100.7") for n in range(0, 120, 20)),
        *(served(n, upstream_cluster="agent") for n in range(0, 120, 30)),
    ]


@pytest.mark.parametrize("key", _KEYS)
def test_a_log_without_a_key_is_summed_up(key: str) -> None:
    summary = summary_of(without(_story(), key))

    _assert_tables_agree(summary)
    assert summary.accounts.records == len(_story())


@pytest.mark.parametrize("key", _KEYS)
def test_a_log_with_one_key_missing_in_every_other_record_is_summed_up(key: str) -> None:
    story = _story()
    mixed = [*story[::2], *without(story[1::2], key)]

    _assert_tables_agree(summary_of(mixed))


def test_a_log_with_nothing_but_paths_and_codes_is_summed_up() -> None:
    found = summary_of({"response_code": 200 + n, "path": "/"} for n in range(50))

    _assert_tables_agree(found)
    assert found.overview.requests == 50
    assert [finding.code for finding in found.findings] == ["log_incomplete"]


@pytest.mark.property
@fewer_examples(6)
@given(records=st.lists(st.sampled_from(_RARE), max_size=40))
def test_tables_of_rare_records_agree(records: list[Record]) -> None:
    _assert_tables_agree(summary_of(records))


def test_ten_thousand_hosts_have_a_row_each() -> None:
    records = [
        *(served(n / 100, authority=f"tenant-{n}.example.org") for n in range(8000)),
        *(unrouted(n / 100, authority=f"strange-{n}.example.net") for n in range(2000)),
        *(reset(99, authority=f"tenant-{n}.example.org") for n in range(10)),
    ]

    summary = summary_of(records)

    _assert_tables_agree(summary)
    assert summary.table("authority").height == 10_000
    assert summary.overview.noise == {
        "requests": 2000, "hosts": 2000, "without_host": 0,
        "connections": 0, "server_names": 0, "without_server_name": 0,
    }  # fmt: skip
    assert [finding for finding in summary.findings if finding.severity < Severity.MEDIUM] == []


# --- Single facts -------------------------------------------------------------------------------


def _by(name: str, *records: Record) -> dict[Any, dict[str, Any]]:
    return {row.pop(name): row for row in summary_of(records).table(name).to_dicts()}


@pytest.mark.parametrize("count", [1, 3, 49, 98, 103, 107])
def test_a_share_of_everything_is_one(count: int) -> None:
    summary = summary_of([*(served(0) for _ in range(count)), connection(0)])

    shares = [summary.table(name)["share"].drop_nulls().to_list() for name in COLUMNS]
    assert shares == [[1.0]] * len(COLUMNS)
    assert summary.table("groups")["share"].to_list() == [1.0]
    assert summary.table("splits")["parts"].item()[0]["share"] == 1.0


def test_connections_have_no_share_and_are_in_the_table_of_outcomes_only() -> None:
    records = [served(0), connection(1), refused_connection(2)]

    assert {
        outcome: (row["requests"], row["share"])
        for outcome, row in _by("outcome", *records).items()
    } == {"served": (1, 1.0), "tcp": (1, None), "no_filter_chain": (1, None)}
    assert _by("upstream_cluster", *records).keys() == {served()["upstream_cluster"]}


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (0, "0"), (100, "1xx"), (101, "1xx"), (200, "2xx"), (299, "2xx"), (302, "3xx"),
        (404, "4xx"), (599, "5xx"), (600, "other"), (99, "other"), (-1, "other"), (None, "other"),
        ("200", "2xx"), (503.0, "5xx"), ("-", "other"),
    ],
)  # fmt: skip
def test_classes_of_codes(code: Any, name: str) -> None:
    codes = summary_of([served(0, response_code=code)]).table("authority")["codes"].item()

    assert codes == dict.fromkeys(CODE_CLASSES, 0) | {name: 1}


def test_a_missing_value_is_a_row() -> None:
    rows = _by("authority", served(0), unrouted(1, authority=None), unrouted(2, authority="-"))

    assert {authority: row["requests"] for authority, row in rows.items()} == {HOST: 1, None: 2}


def test_latency_is_that_of_answers() -> None:
    rows = _by(
        "authority",
        served(0, duration=10),
        served(1, duration=20, response_code=500),
        refused(2, duration=999),
        unrouted(3, duration=999),
        served(4, duration=999_999, response_code=101),
    )

    latency = rows[HOST]["latency_ms"]
    assert (latency["count"], latency["p50"], latency["max"]) == (2, 10, 20)


def test_an_answer_that_broke_off_has_a_latency_without_a_code_too() -> None:
    details = "upstream_reset_after_response_started{connection_termination}"
    broken: Record = {"response_flags": "UC", "response_code_details": details, "duration": 40}

    for code in (200, None):
        found = summary_of([served(0, response_code=code, **broken)]).overview
        assert found.outcomes == {"broken_response": 1}
        assert found.latency_ms["count"] == 1


def test_a_negative_duration_is_a_value() -> None:
    latency = summary_of(served(n, duration=n - 3) for n in range(3)).overview.latency_ms

    assert (latency["count"], latency["p50"], latency["max"], latency["mean"]) == (3, -2, -1, -2.0)


def test_the_time_of_the_gateway_is_what_the_upstream_did_not_take() -> None:
    found = summary_of(
        [
            served(0, duration=12, upstream_service_time="11"),
            served(1, duration=12, upstream_service_time="2"),
            served(2, duration=12, upstream_service_time=None),
            served(3, duration=None, upstream_service_time="2"),
        ]
    ).overview

    assert (found.latency_ms["count"], found.upstream_time_ms["count"]) == (3, 3)
    assert (found.gateway_ms["count"], found.gateway_ms["p50"], found.gateway_ms["max"]) == (
        2,
        1,
        10,
    )


def test_own_traffic_is_counted_apart() -> None:
    found = summary_of(
        [
            served(0),
            served(1, upstream_cluster="prometheus_stats", bytes_sent=99),
            served(2, downstream_local_address="10.8.0.6:15021", response_code=503),
        ]
    ).overview

    assert (found.requests, found.own_traffic, found.errors, found.bytes_sent) == (1, 2, 0, 70)


def test_errors_are_shared_among_requests_that_are_no_noise() -> None:
    found = summary_of(
        [served(0), refused(1), unrouted(2), *(unrouted(n, authority="x.example.net")
                                               for n in range(9))]
    ).overview  # fmt: skip

    assert (found.errors, found.error_share) == (1, 1 / 3)


def test_a_known_server_name_is_one_that_was_accepted_or_routed() -> None:
    names = ["accepted.example.com", HOST, "by-name.example.com", "strange.example.com"]
    summary = summary_of(
        [
            served(0),
            served(1, requested_server_name=names[2]),
            connection(2, requested_server_name=names[0]),
            *(refused_connection(3, requested_server_name=name) for name in names),
        ]
    )

    refused_names = summary.table("rejections").filter(pl.col("host_kind") == "server_name")
    known = dict(refused_names.select("host", "known").iter_rows())
    assert known == {names[0]: True, names[1]: True, names[2]: True, names[3]: False}
    assert summary.overview.noise["connections"] == 1


def test_rejections_say_when_their_host_was_routed() -> None:
    rejections = (
        summary_of(
            [
                unrouted(0, path="/a"),
                served(5, path="/a"),
                unrouted(9, path="/b", method="PUT"),
                unrouted(3, authority="strange.example.net"),
            ]
        )
        .table("rejections")
        .to_dicts()
    )

    of_host, strange = rejections
    assert (of_host["host"], of_host["requests"], of_host["known"]) == (HOST, 2, True)
    assert (of_host["first"], of_host["last"], of_host["last_routed"]) == (us(0), us(9), us(5))
    assert of_host["routed_before"] is True
    assert (strange["routed_before"], strange["last_routed"]) == (False, None)


def test_rejections_show_who_asked_for_what() -> None:
    (row,) = summary_of(
        unrouted(n, path=f"/p{n}", method="PUT", downstream_remote_address=f"192.0.2.{n}:7",
                 requested_server_name="sni.example.com")
        for n in range(30)
    ).table("rejections").to_dicts()  # fmt: skip

    assert row["methods"] == ["PUT"]
    assert row["server_names"] == ["sni.example.com"]
    assert len(row["clients"]) == len(set(row["clients"])) == 10
    assert set(row["paths"]) <= {f"/p{n}" for n in range(30)}
