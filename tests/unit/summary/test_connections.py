"""Tables of connections against plain loops over the records, from a log and from a tally."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.handmade import (
    Record,
    connection,
    failed_connection,
    fewer_examples,
    refused_connection,
    served,
    source_of,
    text_of,
    unrouted,
)

from envoylogs import schema
from envoylogs.errors import TallyQuestionError
from envoylogs.keyed.decoding import batches
from envoylogs.pipeline import tally_sources
from envoylogs.sources.source import Source
from envoylogs.summary.breakdown import (
    CONNECTION_KEYS,
    CONNECTION_TABLES,
    asked_connections,
    asked_table,
    columns_to_ask,
)
from envoylogs.summary.judged import Judged
from envoylogs.summary.summary import summarize
from envoylogs.summary.tables import ASKED_CONNECTIONS, CONNECTIONS
from envoylogs.tally.by_columns import AskedTraffic
from envoylogs.tally.spec import TallySpec
from envoylogs.tally.storage import load_tally, save_tally
from envoylogs.tally.tally import Tally
from envoylogs.tally.traffic import TrafficCounts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

Row = dict[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MEASURES = ("connections", "share", "failed", "refused", "failed_share", "bytes_sent",
             "bytes_received", "first", "last")  # fmt: skip
_NAMES = ("db.example.com", "DB.example.com", "cache.example.com", "a.example.org", None)
_CLUSTERS = ("outbound|5432||db.data.svc.cluster.local", "outbound|6379|v2|cache.example.com",
             "BlackHoleCluster", None)  # fmt: skip
_KINDS = (connection, connection, failed_connection, refused_connection)


def _record(random: Random, n: int) -> Record:
    make = random.choice(_KINDS)
    changed: Record = {
        "requested_server_name": random.choice(_NAMES),
        "downstream_local_address": f"10.8.0.{random.randrange(3)}:5432",
        "downstream_remote_address": f"192.0.2.{random.randrange(5)}:{40_000 + n}",
        "bytes_sent": random.choice([0, 10, 4000]),
        "bytes_received": random.choice([0, 7]),
        "duration": random.choice([0, 3, 9999, 10_000]),
    }
    if make is not refused_connection:
        changed["upstream_cluster"] = random.choice(_CLUSTERS)
        changed["upstream_host"] = random.choice([None, "192.0.2.7:5432", "192.0.2.8:5432"])
    if make is failed_connection:
        changed["response_flags"] = random.choice(["UF,URX", "UH", "UF"])
    return make(random.choice([None, *map(float, range(90))]), **changed)


@cache
def _log(name: str) -> tuple[Record, ...]:
    random = Random(name)
    found = [_record(random, n) for n in range(400)]
    if name == "mixed":
        requests = [
            served(n, authority="cache.example.com", downstream_remote_address=f"192.0.2.{n}:1")
            for n in range(20)
        ]
        probe = served(3, downstream_local_address="10.8.0.6:15021")
        found += [*requests, *(unrouted(n) for n in range(5)), probe]
        found.append(refused_connection(4, requested_server_name="Cache.example.com"))
    random.shuffle(found)
    return tuple(found)


_LOGS = ("mixed", "connections alone")


def _tally(name: str, by: Sequence[str] = ()) -> Tally:
    spec = TallySpec(by=columns_to_ask(by))
    return tally_sources([source_of(text_of(_log(name)))], spec=spec)


@cache
def _rows(name: str) -> list[Row]:
    """Return the connections of a log, with the columns that are made from others."""
    frames = [batch.frame for batch in batches([source_of(text_of(_log(name)))])]
    rows = [row for frame in frames if frame is not None for row in frame.to_dicts()]
    return [
        row
        | {
            "start_time": None
            if row["start_time"] is None
            else (row["start_time"] - _EPOCH) // timedelta(microseconds=1),
            "host": row["requested_server_name"] and row["requested_server_name"].lower(),
            "client": row["downstream_remote_address"].rsplit(":", 1)[0],
            "path_group": None,
        }
        for row in rows
        if row["kind"] == "connection"
    ]


def _grouped(rows: Iterable[Row], keys: Sequence[str]) -> dict[tuple[Any, ...], list[Row]]:
    found: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        found[tuple(row[key] for key in keys)].append(row)
    return found


def _window(group: list[Row]) -> Row:
    times = [row["start_time"] for row in group if row["start_time"] is not None]
    return {"first": min(times, default=None), "last": max(times, default=None)}


def _ordered(rows: Iterable[Row], keys: Sequence[str]) -> list[Row]:
    def order(row: Row) -> tuple[Any, ...]:
        return (-row["connections"], *((row[k] is None, row[k] or 0) for k in keys))

    return sorted(rows, key=order)


def _expected(rows: list[Row], keys: Sequence[str]) -> list[Row]:
    found = []
    for values, group in _grouped(rows, keys).items():
        outcomes = Counter(row["outcome"] for row in group)
        accepted = len(group) - outcomes["no_filter_chain"]
        found.append(
            {
                **dict(zip(keys, values, strict=True)),
                "connections": len(group),
                "share": pytest.approx(len(group) / len(rows)),
                "failed": outcomes["tcp_failed"],
                "refused": outcomes["no_filter_chain"],
                "failed_share": outcomes["tcp_failed"] / accepted if accepted else None,
                "bytes_sent": sum(row["bytes_sent"] for row in group),
                "bytes_received": sum(row["bytes_received"] for row in group),
                **_window(group),
            }
        )
    return _ordered(found, keys)


def _assert_same(found: pl.DataFrame, expected: list[Row]) -> None:
    assert found.columns == list(expected[0])
    assert found.to_dicts() == expected


_TABLES = [*(f"{CONNECTIONS} by {column}" for column in CONNECTION_TABLES), CONNECTIONS]
_ALL_TABLES = [*_TABLES, "connection_failures"]


def _table(name: str, table: str) -> pl.DataFrame:
    return summarize(_tally(name)).table(table)


# --- The tables that every summary has ----------------------------------------------------------


def test_the_logs_hold_what_the_tables_are_about() -> None:
    for name in _LOGS:
        rows = _rows(name)
        assert {row["outcome"] for row in rows} == {"tcp", "tcp_failed", "no_filter_chain"}
        assert {row["response_flags"] for row in rows} >= {None, "NR", "UH", "UF,URX"}
        assert any(row["start_time"] is None for row in rows)


@pytest.mark.parametrize("name", _LOGS)
@pytest.mark.parametrize("column", CONNECTION_TABLES)
def test_a_table_is_that_of_a_plain_loop(name: str, column: str) -> None:
    _assert_same(_table(name, f"{CONNECTIONS} by {column}"), _expected(_rows(name), (column,)))


@pytest.mark.parametrize("name", _LOGS)
def test_groups_are_those_of_a_plain_loop(name: str) -> None:
    _assert_same(_table(name, CONNECTIONS), _expected(_rows(name), CONNECTION_KEYS))


@pytest.mark.parametrize("name", _LOGS)
def test_failures_are_those_of_a_plain_loop(name: str) -> None:
    rows = _rows(name)
    known = {row["host"] for row in rows if row["outcome"] != "no_filter_chain"}
    known |= {"cache.example.com"} if name == "mixed" else set()
    failed = [row for row in rows if row["outcome"] != "tcp"]
    expected = [
        {
            **dict(zip(CONNECTION_TABLES, values, strict=True)),
            "known": group[0]["host"] in known - {None},
            "connections": len(group),
            **_window(group),
        }
        for values, group in _grouped(failed, CONNECTION_TABLES).items()
    ]

    _assert_same(_table(name, "connection_failures"), _ordered(expected, CONNECTION_TABLES))


@pytest.mark.parametrize("name", _LOGS)
def test_tables_add_up_to_the_overview(name: str) -> None:
    summary = summarize(_tally(name))
    overview = summary.overview

    for rows in map(summary.table, _TABLES):
        assert rows["connections"].sum() == overview.connections == len(_rows(name))
        assert rows["failed"].sum() == overview.outcomes["tcp_failed"]
        assert rows["refused"].sum() == overview.outcomes["no_filter_chain"]
        assert rows["share"].sum() == pytest.approx(1)
    failures = summary.table("connection_failures")["connections"].sum()
    assert failures == overview.outcomes["tcp_failed"] + overview.outcomes["no_filter_chain"]


def test_a_log_without_connections_has_empty_tables() -> None:
    summary = summarize(tally_sources([source_of(text_of([served()]))]), by=("gateway",))

    for name in (*_ALL_TABLES, ASKED_CONNECTIONS):
        assert summary.table(name).is_empty()


# --- Tables by any columns ----------------------------------------------------------------------


@pytest.mark.parametrize("name", _LOGS)
@pytest.mark.parametrize("column", schema.COUNTABLE)
def test_connections_are_counted_by_every_column(name: str, column: str) -> None:
    by = (column,)

    _assert_same(asked_connections(Judged(_tally(name, by)), by), _expected(_rows(name), by))


@pytest.mark.property
@fewer_examples(10)
@given(by=st.lists(st.sampled_from(tuple(schema.COUNTABLE)), min_size=1, max_size=4, unique=True))
def test_connections_are_counted_by_any_columns_together(by: list[str]) -> None:
    found = asked_connections(Judged(_tally("mixed", by)), by)

    _assert_same(found, _expected(_rows("mixed"), by))


def test_requests_are_counted_as_if_there_were_no_connections() -> None:
    by = ("client", "downstream_local_address", "kind")
    alone = [found for found in _log("mixed") if found["method"] is not None]
    tally = tally_sources([source_of(text_of(alone))], spec=TallySpec(by=by))

    found = asked_table(Judged(_tally("mixed", by)), by)

    assert found.height > 1
    assert found.equals(asked_table(Judged(tally), by))


def test_fewer_columns_are_rolled_up_from_more() -> None:
    judged = Judged(_tally("mixed", ("client", "duration_ms", "upstream_port")))

    for by in (("client",), ("duration_ms", "client"), ("upstream_port",)):
        _assert_same(asked_connections(judged, by), _expected(_rows("mixed"), by))


def test_every_tally_has_connections_by_the_columns_of_its_traffic() -> None:
    judged = Judged(_tally("connections alone"))

    for by in (("requested_server_name",), ("upstream_host", "response_flags", "gateway")):
        assert set(by) <= set(TrafficCounts.KEYS)
        _assert_same(asked_connections(judged, by), _expected(_rows("connections alone"), by))
        # Requests are not, but here there are none.
        assert asked_table(judged, by).is_empty()


def test_columns_that_were_not_counted_are_refused_with_those_that_were() -> None:
    with pytest.raises(TallyQuestionError, match=r"no counts by client together.*gateway"):
        asked_connections(Judged(_tally("mixed")), ("client",))


# --- Saved tallies ------------------------------------------------------------------------------


def test_a_saved_tally_has_the_same_tables(tmp_path: Path) -> None:
    by = ("client", "response_flags")
    save_tally(_tally("mixed", by), tmp_path / "a.tally")

    found = summarize(load_tally(_source(tmp_path / "a.tally")), by=by)

    expected = summarize(_tally("mixed", by), by=by)
    for name in (ASKED_CONNECTIONS, "connection_failures"):
        assert found.table(name).equals(expected.table(name))


@pytest.mark.parametrize("added", [False, True], ids=["alone", "with one of now"])
def test_a_tally_that_counted_requests_alone_says_so(tmp_path: Path, *, added: bool) -> None:
    by = ("client",)
    now = _tally("mixed", by)
    requests = now.asked_traffic.frame.filter(kind="request")
    before = replace(
        now,
        asked_traffic=AskedTraffic(
            requests.with_columns(pl.lit(None, pl.String).alias("kind")), now.spec
        ),
    )
    save_tally(before, tmp_path / "before.tally")
    tally = load_tally(_source(tmp_path / "before.tally"))
    tally = tally.merge(now) if added else tally
    judged = Judged(tally)

    with pytest.raises(TallyQuestionError, match=r"counted requests alone.*--by client"):
        asked_connections(judged, by)
    assert asked_table(judged, by)["requests"].sum() == judged.total
    everything = asked_connections(judged, CONNECTION_KEYS)["connections"].sum()
    assert everything == len(_rows("mixed")) * (1 + added)


def _source(path: Path) -> Source:
    return Source(path.name, str(path))
