"""Slices: what a page counts from them is what the tables of the same tally say."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import polars as pl
import pytest
from benchmarks import generator
from tests.handmade import connection, served, source_of, tally_of, unrouted, us

from envoylogs.pipeline import tally_sources
from envoylogs.sources.locate import locate
from envoylogs.summary.overview import UNDECIDED
from envoylogs.summary.slices import SLICE_COLUMNS, Slices
from envoylogs.summary.summary import Summary, summarize
from envoylogs.tally.spec import TallySpec

_SAMPLES = Path(__file__).parents[3] / "sample_logs"
_SPEC = TallySpec(joint=SLICE_COLUMNS)
_LOGS = (
    "first-steps",
    "lost-route",
    "scanners-and-tls",
    "canary",
    "shop",
    "text/canary",
    "generated",
)
each_log = pytest.mark.parametrize("log", _LOGS)


@cache
def _summary(log: str) -> Summary:
    if log == "generated":
        data = b"".join(generator.lines(3000, seed=5, rate_per_second=0.8))
        return summarize(tally_sources([source_of(data)], spec=_SPEC))
    return summarize(tally_sources(locate([str(_SAMPLES / log)]), spec=_SPEC))


def _slices(log: str) -> Slices:
    found = _summary(log).slices
    assert found is not None
    return found


def _rows(log: str) -> pl.DataFrame:
    slices = _slices(log)
    return slices.rows.join(slices.combinations.with_row_index("combination"), on="combination")


@each_log
@pytest.mark.parametrize(
    "column",
    ["outcome", "response_code", "route_name", "response_flags", "upstream_cluster",
     "upstream_host", "gateway"],
)  # fmt: skip
def test_tables_by_one_column_can_be_counted_again(log: str, column: str) -> None:
    rows = _rows(log)
    if column != "outcome":
        rows = rows.filter(~pl.col("connection"))
    n = pl.col("records")
    counted = rows.group_by(column).agg(
        n.sum().alias("requests"),
        n.filter("error").sum().alias("errors"),
        n.filter("unrouted").sum().alias("unrouted"),
    )
    expected = _summary(log).table(column).select(column, "requests", "errors", "unrouted")
    assert counted.sort(pl.all()).equals(expected.sort(pl.all()))


@each_log
def test_percentiles_can_be_counted_again(log: str) -> None:
    rows = _rows(log).filter(pl.col("value_ms").is_not_null())
    for row in _summary(log).table("upstream_host").to_dicts():
        latency = row["latency_ms"]
        of_host = rows.filter(pl.col("upstream_host").eq_missing(row["upstream_host"]))
        values = of_host["value_ms"].repeat_by(of_host["records"]).explode().to_list()
        values = [] if values == [None] else values
        assert values == sorted(values)
        assert latency["count"] == len(values)
        if values:
            assert latency["p99"] == values[math.ceil(0.99 * len(values)) - 1]
            assert latency["max"] == values[-1]


@each_log
def test_noise_and_the_ledger_of_404s_are_those_of_the_overview(log: str) -> None:
    overview, rows = _summary(log).overview, _rows(log)
    noise = rows.filter("noise")
    by_kind = dict(
        rows.drop_nulls("ledger").group_by("ledger").agg(pl.col("records").sum()).iter_rows()
    )

    assert noise.filter(~pl.col("connection"))["records"].sum() == overview.noise["requests"]
    assert noise.filter("connection")["records"].sum() == overview.noise["connections"]
    assert sum(by_kind.values()) == overview.not_found_ledger["all"]
    assert (
        dict.fromkeys(overview.not_found_ledger, 0) | by_kind | {"all": sum(by_kind.values())}
        == overview.not_found_ledger
    )


@pytest.mark.parametrize("most", [300, 600, 1200])
@pytest.mark.parametrize("log", ["lost-route", "shop", "generated"])
def test_the_ledger_of_folded_names_says_what_it_can_not_tell(log: str, most: int) -> None:
    spec = TallySpec(joint=SLICE_COLUMNS, max_joint_rows=most)
    if log == "generated":
        sources = [source_of(b"".join(generator.lines(3000, seed=5, rate_per_second=0.8)))]
        summary = summarize(tally_sources(sources, spec=spec))
    else:
        summary = summarize(tally_sources(locate([str(_SAMPLES / log)]), spec=spec))
    assert summary.slices is not None
    joined = summary.slices.rows.join(
        summary.slices.combinations.with_row_index("combination"), on="combination"
    )
    counted = joined.drop_nulls("ledger").group_by("ledger").agg(pl.col("records").sum())
    found, ledger = dict(counted.iter_rows()), summary.overview.not_found_ledger

    undecided = found.pop(UNDECIDED, 0)
    assert sum(found.values()) + undecided == ledger["all"]
    for kind in ("lost", "never_routed"):
        assert found.get(kind, 0) <= ledger[kind] <= found.get(kind, 0) + undecided
    for kind in set(ledger) - {"lost", "never_routed", "all"}:
        assert found.get(kind, 0) == ledger[kind]


@each_log
def test_the_slice_of_a_finding_holds_its_records(log: str) -> None:
    summary, rows = _summary(log), _rows(log)
    assert len(summary.finding_slices) == len(summary.findings)
    for found, sliced in zip(summary.findings, summary.finding_slices, strict=True):
        if sliced is None:
            continue
        picked = rows
        for column, values in sliced.filters.items():
            assert column in SLICE_COLUMNS
            picked = picked.filter(pl.col(column).is_in(list(values), nulls_equal=True))
        assert picked["records"].sum() >= sum(sliced.trend.values())
        # Those of a path that is lost are counted over all of the log, a slow part by its harm.
        assert sum(sliced.trend.values()) >= found.requests


def test_most_findings_have_a_slice() -> None:
    slices = [
        sliced for log in _LOGS for sliced in _summary(log).finding_slices
    ]  # fmt: skip
    assert len(slices) >= 10
    assert sum(sliced is not None for sliced in slices) >= 0.8 * len(slices)


def test_rows_are_in_the_order_of_latency_and_times_are_those_of_buckets() -> None:
    records = [served(1.5, duration=40), served(None, duration=3), unrouted(2), connection(3)]

    slices = summarize(tally_of(records, spec=_SPEC)).slices

    assert slices is not None
    assert slices.rows["value_ms"].to_list() == [None, None, 3, 40]
    starts = slices.rows["start"].to_list()
    assert starts[2:] == [None, us(1)]
    assert set(starts[:2]) == {us(2), us(3)}
    assert slices.width_s == 1


def test_without_joint_counts_by_all_columns_there_are_none() -> None:
    for spec in (TallySpec(), TallySpec(joint=("host",))):
        summary = summarize(tally_of([served()], spec=spec))
        assert summary.slices is None
        assert summary.finding_slices == ()
