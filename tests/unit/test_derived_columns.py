"""Derived columns tell of each record what a summary tells of the log."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from tests.program import run

import envoylogs
from envoylogs import schema
from envoylogs.column_meanings import MEANINGS

_LOGS = sorted((Path(__file__).parents[2] / "sample_logs").rglob("*.log"))


@pytest.mark.parametrize("log", _LOGS, ids=lambda log: log.stem)
def test_what_the_summary_counts_is_told_of_each_record(log: Path) -> None:
    overview = envoylogs.analyze(log).overview
    sums = {"errors": "is_error", "unrouted": "is_unrouted", "refused": "is_refused"}
    found = envoylogs.scan(log).select(pl.col(*sums.values()).sum()).collect()

    assert dict(zip(sums, found.row(0), strict=True)) == {
        name: getattr(overview, name) for name in sums
    }


@pytest.mark.parametrize(
    ("condition", "count"),
    [("is_error", "errors"), ("is_unrouted", "unrouted"), ("is_refused", "refused")],
)
@pytest.mark.parametrize("log", _LOGS[:3], ids=lambda log: log.stem)
def test_a_condition_selects_them(log: Path, condition: str, count: str) -> None:
    expected = getattr(envoylogs.analyze(log).overview, count)

    assert envoylogs.scan(log, where=condition).collect().height == expected


@pytest.mark.parametrize("log", _LOGS[:4], ids=lambda log: log.stem)
def test_a_query_counts_what_a_summary_does(log: Path) -> None:
    overview = envoylogs.analyze(log).overview
    counted = overview.requests + overview.connections
    for asked, expected in (
        (["SELECT count(*) AS n FROM logs"], counted),
        (["SELECT count(*) AS n FROM logs", "--own-traffic"], counted + overview.own_traffic),
        (["SELECT count(*) AS n FROM logs WHERE kind = 'own'"], overview.own_traffic),
        (["SELECT count(*) AS n FROM logs", "--where", "kind = 'own'"], overview.own_traffic),
        (["SELECT count(*) AS n FROM logs WHERE path <> 'kind' OR TRUE"], counted),
    ):
        found = run("query", log, *asked, "-f", "ndjson")

        assert json.loads(found.stdout) == {"n": expected}


def test_every_column_has_a_meaning_and_no_other() -> None:
    assert set(MEANINGS) == {*schema.NORMALIZED, *schema.DERIVED, *schema.POSITION}
