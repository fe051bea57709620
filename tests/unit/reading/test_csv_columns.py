"""CSV with a column for each key: read as the same records in JSON are."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from tests.handmade import Record, reset, served, source_of, tally_of, unrouted

from envoylogs.pipeline import tally_sources
from envoylogs.summary.summary import summarize

if TYPE_CHECKING:
    from collections.abc import Iterable

_AGENT = 'a "b", c;d\te|f {"response_code":200,"authority":"evil.example.com"}'
_LOG = [
    *(served(n, user_agent=_AGENT) for n in range(9)),
    *(reset(n) for n in range(9, 12)),
    unrouted(12, authority="scan.example"),
]


def _csv(records: Iterable[Record], missing: str = "-", **dialect: Any) -> bytes:
    rows = list(records)
    out = io.StringIO()
    writer = csv.writer(out, **{"lineterminator": "\n"} | dialect)
    writer.writerow(rows[0])
    for row in rows:
        writer.writerow(missing if value is None else value for value in row.values())
    return out.getvalue().encode()


@pytest.mark.parametrize("missing", ["-", ""])
@pytest.mark.parametrize(
    "dialect",
    [
        {},
        {"quoting": csv.QUOTE_ALL},
        {"delimiter": ";", "lineterminator": "\r\n"},
        {"delimiter": "\t"},
        {"delimiter": "|"},
    ],
    ids=str,
)
def test_it_is_the_same_log_as_in_json(missing: str, dialect: dict[str, Any]) -> None:
    data = _csv(_LOG, missing, **dialect)
    tally, of_json = tally_sources([source_of(data, piece=700)]), tally_of(_LOG)

    assert tally.traffic.frame.sort(pl.all()).equals(of_json.traffic.frame.sort(pl.all()))
    accounts = summarize(tally).accounts
    assert (accounts.records, accounts.other, accounts.malformed) == (13, 1, 0)
    assert accounts.enveloped == {"csv": 13}


def test_a_heading_that_comes_again_is_no_record() -> None:
    accounts = summarize(tally_sources([source_of(_csv(_LOG) * 2)])).accounts

    assert (accounts.records, accounts.other) == (26, 2)


def test_columns_of_one_s_own_stand_beside_those_of_envoy() -> None:
    log = [{"cluster_id": "k1", **record} for record in _LOG]

    assert summarize(tally_sources([source_of(_csv(log))])).accounts.records == 13


@pytest.mark.parametrize(
    "data",
    [
        b"another line\n" + _csv(_LOG),
        _csv([{"Time": "t", "response_code": 200, "route": "-", "a": 1, "b": 2, "c": 3}]),
        _csv([{name: record[name] for name in ("method", "path", "duration")} for record in _LOG]),
    ],
    ids=["not in the first line", "few known keys", "no key of a proxy"],
)
def test_other_headings_begin_no_records(data: bytes) -> None:
    assert summarize(tally_sources([source_of(data)])).accounts.records == 0


def test_rows_with_more_or_fewer_cells_are_no_records() -> None:
    data = _csv(_LOG) + b"2026-11-01T12:00:00.000Z,shop.example.com,3\n" + b",".join([b"1"] * 40)
    accounts = summarize(tally_sources([source_of(data)])).accounts

    assert (accounts.records, accounts.other) == (13, 3)


def test_an_export_with_the_record_in_a_cell_is_read_by_its_cell() -> None:
    row = (
        'start_time,upstream_cluster,Line\n2026-11-01,x,"{""response_code"":200,'
        '""authority"":""shop.example.com"",""upstream_cluster"":""outbound|80||a.b""}"\n'
    )
    tally = tally_sources([source_of(row.encode())])

    assert tally.traffic.frame["upstream_cluster"].to_list() == ["outbound|80||a.b"]
