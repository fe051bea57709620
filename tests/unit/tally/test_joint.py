"""Requests by time, columns and duration together: against plain loops, and what is given up."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from functools import cache
from typing import Any

import polars as pl
import pytest
from benchmarks import generator, strangers
from hypothesis import given
from hypothesis import strategies as st
from tests.handmade import (
    connection,
    fewer_examples,
    served,
    source_of,
    tally_of,
    unrouted,
    us,
)

from envoylogs import schema
from envoylogs.envoy.outcomes import OUTCOMES, UPSTREAM_ANSWERED
from envoylogs.keyed.batches import Batch
from envoylogs.keyed.decoding import batches
from envoylogs.reading.fates import LineFates
from envoylogs.summary.folds import folds
from envoylogs.summary.over_time import joint_table
from envoylogs.tally import joint
from envoylogs.tally.folding.marks import FOLDED, FOLDED_KNOWN, FOLDED_MARKS
from envoylogs.tally.joint import JOINT_DIGITS, JointCounts
from envoylogs.tally.ladder import WIDTHS_S, Step
from envoylogs.tally.spec import TallySpec
from envoylogs.tally.tally import STATES, Tally
from envoylogs.tally.tally_sum import TallySum

_KEYS = ("host", "path_group", "outcome", "response_code", "upstream_host")
_EXACT = TallySpec(joint=_KEYS, max_joint_rows=10**6)
_ERRORS = {outcome.name for outcome in OUTCOMES if outcome.error}


@cache
def _records() -> pl.DataFrame:
    """Return an hour of records in which a host loses its route."""
    data = b"".join(generator.lines(2000, seed=3, rate_per_second=0.55))
    (batch,) = batches([source_of(data)], columns=schema.TALLIED)
    assert batch.frame is not None
    return batch.frame


def _tally(spec: TallySpec, records: pl.DataFrame | None = None, batch: int = 2000) -> Tally:
    adding = TallySum(spec)
    for part in (_records() if records is None else records).iter_slices(batch):
        adding.add(Batch.of(part, LineFates()))
    return adding.total().merge()


def test_counts_are_those_of_a_plain_loop() -> None:
    keys = ("authority", "outcome", "response_code", "upstream_host", "kind")
    counted: Counter[tuple[object, ...]] = Counter()
    for record in _records().filter(pl.col("kind") != "own").iter_rows(named=True):
        answered = record["outcome"] in UPSTREAM_ANSWERED and record["response_code"] != 101
        start = int(record["start_time"].timestamp()) * 1_000_000
        latency = record["duration_ms"] if answered else None
        counted[start, *(record[key] for key in keys), latency] += 1

    frame = _tally(TallySpec(joint=keys)).joint.frame

    found = {
        row[:-2]: row[-2] + row[-1]
        for row in frame.select("start", *keys, "value_ms", "requests", "connections").rows()
    }
    assert found == dict(counted)
    assert set(frame.filter(pl.col("connections") > 0)["kind"]) == {"connection"}
    assert frame.filter(kind="connection")["requests"].sum() == 0
    errors = frame.filter(pl.col("outcome").is_in(_ERRORS))
    assert errors["errors"].equals(errors["requests"], check_names=False)


def test_a_request_is_counted_once_and_what_is_none_is_not() -> None:
    records = [served(), unrouted(), served(None), connection(), served(duration=None)]

    frame = tally_of(records, spec=_EXACT).joint.frame

    assert frame["requests"].sum() == 4
    assert frame["connections"].sum() == 1
    assert frame.filter(pl.col("value_ms").is_null())["requests"].sum() == 2
    assert set(frame["start"]) == {None, us(0)}


def test_nothing_is_counted_unless_it_is_asked_for() -> None:
    assert _tally(TallySpec()).joint.frame.is_empty()


def test_asking_changes_no_other_state() -> None:
    tight = _tally(TallySpec(joint=_KEYS, max_joint_rows=40), batch=300)
    without = _tally(TallySpec(), batch=300)

    for name in STATES:
        if name != "joint":
            frame = tight.state(name).canonical()
            assert frame.equals(without.state(name).canonical()), name


# --- What is given up to have fewer rows ----------------------------------------------------------


def test_a_log_that_fits_is_kept_by_second_and_millisecond() -> None:
    frame = _tally(_EXACT).joint.frame

    assert set(frame["width_s"]) == {1}
    assert set(frame["digits"]) == {64}
    assert folds(_tally(_EXACT)).joint is None


def _ladder(rows: int) -> tuple[int, int]:
    spec = TallySpec(joint=_KEYS, max_joint_rows=rows)
    frame = JointCounts.of(Batch.of(_records(), LineFates()), spec).frame
    (step,) = set(frame.select("width_s", "digits").rows())
    return step


def test_durations_are_rounded_first_then_buckets_get_wider() -> None:
    heights = {}
    for width in WIDTHS_S[:5]:
        for digits in (64, 4) if width == 1 else (4,):
            rows = _tally(_EXACT).joint.frame
            coarse = JointCounts.coarsened(_EXACT, rows, Step(width, digits))
            heights[width, digits] = coarse.height

    assert list(heights.values()) == sorted(heights.values(), reverse=True)
    steps = list(heights)
    for place, step in enumerate(steps):
        assert steps.index(_ladder(heights[step])) <= place
        assert steps.index(_ladder(heights[step] - 1)) > place or place == len(steps) - 1


def test_an_hour_keeps_eight_buckets_at_least_and_its_names_until_classes_are_widest() -> None:
    assert _ladder(1) == (300, 4)
    rows = _tally(_EXACT).joint
    fewest = rows.coarsened(_EXACT, rows.frame, Step(300, JOINT_DIGITS[-1]))

    kept = _tally(TallySpec(joint=_KEYS, max_joint_rows=fewest.height))
    folded = _tally(TallySpec(joint=_KEYS, max_joint_rows=fewest.height - 1))

    assert kept.joint.frame.equals(kept.joint.frame.filter(digits=2, width_s=300))
    assert kept.joint.canonical().equals(JointCounts(fewest, kept.spec).canonical())
    detail = folds(folded).joint
    assert folds(kept).joint is not None
    assert not folds(kept).joint.columns  # type: ignore[union-attr]
    assert detail is not None
    assert (detail.width_s, detail.latency_relative_error) == (300, 0.25)
    assert sum(detail.columns.values()) > 0


@pytest.mark.parametrize("rows", [1500, 1200, 900])
def test_a_tally_that_is_held_to_fewer_rows_is_what_would_have_been_counted(rows: int) -> None:
    limits: dict[str, Any] = {"max_joint_rows": rows, "max_latency_rows": 300}
    counted = _tally(TallySpec(joint=_KEYS, **limits))

    held = _tally(_EXACT).held_to(limits)

    assert held == counted
    assert folds(held).joint is not None
    assert folds(held).latency_relative_error > 0


def test_names_are_folded_in_joint_counts_alone() -> None:
    tally = _tally(TallySpec(joint=_KEYS, max_joint_rows=300))

    assert tally.joint.frame.height <= 300
    assert set(tally.joint.frame["upstream_host"]) & set(FOLDED_MARKS)
    assert not set(tally.traffic.frame["upstream_host"]) & set(FOLDED_MARKS)
    assert not folds(tally).columns


@pytest.mark.parametrize("rows", [1, 40])
def test_where_no_name_is_left_buckets_get_wider_still(rows: int) -> None:
    frame = _tally(TallySpec(joint=("host", "upstream_host"), max_joint_rows=rows)).joint.frame

    assert frame.filter(pl.col("width_s") <= 300).is_empty()
    assert set(frame["upstream_host"]) <= {None, *FOLDED_MARKS}
    assert frame["requests"].sum() == _records().filter(kind="request").height


def test_known_hosts_stay_while_unknown_ones_are_left() -> None:
    data = b"".join(strangers.lines(400))
    (batch,) = batches([source_of(data)], columns=schema.TALLIED)
    assert batch.frame is not None
    known = batch.frame.filter(outcome="served")["authority"].unique()

    tally = _tally(TallySpec(joint=("host",), max_joint_rows=60), batch.frame, batch=100)

    hosts = set(tally.joint.frame["host"])
    assert set(known) <= hosts
    assert FOLDED in hosts
    assert FOLDED_KNOWN not in hosts


@st.composite
def _states(draw: st.DrawFn) -> list[JointCounts]:
    """Return states of a few requests each, past a limit of rows together."""
    spec = TallySpec(joint=("host",), max_joint_rows=draw(st.integers(1, 40)))
    spread_s = draw(st.sampled_from([20, 600, 100_000]))
    request = st.tuples(
        st.integers(0, spread_s) | st.none(),
        st.sampled_from(["a", "b", None]),
        st.integers(0, 5000) | st.none(),
    )
    states = []
    for _ in range(4):
        requests = draw(st.lists(request, max_size=40))
        rows = pl.DataFrame(
            {
                "width_s": 1,
                "start": [None if at is None else at * 1_000_000 for at, _, _ in requests],
                "host": [host for _, host, _ in requests],
                "value_ms": [value for _, _, value in requests],
                "requests": 1,
                "connections": 0,
                "errors": 0,
                "digits": 64,
            },
            schema=JointCounts.columns(spec),
        ) if requests else pl.DataFrame(schema=JointCounts.columns(spec))  # fmt: skip
        states.append(JointCounts(JointCounts.summed(spec, rows), spec))
    return states


@pytest.mark.property
@fewer_examples(2)
@given(states=_states(), order=st.permutations(range(4)))
def test_neither_cut_nor_order_matters_on_the_way_down_the_ladder(
    states: list[JointCounts], order: list[int]
) -> None:
    first, second, third, fourth = (states[place] for place in order)
    whole = states[0].merge(*states[1:])

    assert first.merge(second, third, fourth) == whole
    assert first.merge(second).merge(third.merge(fourth)) == whole
    assert fourth.merge(third).merge(second).merge(first) == whole
    assert whole.merge() == whole == JointCounts.empty(whole.spec).merge(whole)
    assert whole.frame["requests"].sum() == sum(state.frame["requests"].sum() for state in states)


def test_tallies_are_added_before_they_are_many_rows_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    most = 150
    spec = TallySpec(joint=_KEYS, max_joint_rows=most)
    first, *others = (_tally(spec, part) for part in _records().iter_slices(250))
    added = JointCounts.added
    rows = []

    def noted(spec: TallySpec, *frames: pl.DataFrame) -> pl.DataFrame:
        rows.append(sum(frame.height for frame in frames))
        return added(spec, *frames)

    monkeypatch.setattr(JointCounts, "added", noted)
    whole = first.merge(*others)

    assert len(others) == 7
    assert max(rows) <= 2 * most
    assert whole.joint.frame["requests"].sum() == _tally(_EXACT).joint.frame["requests"].sum()


def test_rows_are_added_in_parts_as_they_are_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tally = _tally(_EXACT)
    at_once = tally.joint.merge(tally.joint)
    monkeypatch.setattr(joint, "_ROWS_AT_ONCE", 100)

    assert tally.joint.merge(tally.joint) == at_once


# --- The table ------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [10**6, 900])
def test_the_table_is_that_of_a_plain_loop_over_what_was_kept(rows: int) -> None:
    tally = _tally(TallySpec(joint=("host", "outcome"), max_joint_rows=rows))
    kept: dict[tuple[Any, ...], list[tuple[int, int | None]]] = defaultdict(list)
    for row in tally.joint.frame.iter_rows(named=True):
        key = (row["start"], row["width_s"], row["host"], row["outcome"])
        kept[key] += [(row["requests"], row["value_ms"])]

    table = joint_table(tally)

    assert table.height == len(kept)
    order = [(row["start"], -row["requests"], row["host"]) for row in table.to_dicts()]
    assert order == sorted(order)
    for row in table.to_dicts():
        counted = kept[row["start"], row["width_s"], row["host"], row["outcome"]]
        assert row["requests"] == sum(n for n, _ in counted)
        values = sorted(value for n, value in counted if value is not None for _ in range(n))
        assert row["latency_ms"]["count"] == len(values)
        if values:
            assert row["latency_ms"]["p90"] == values[math.ceil(0.9 * len(values)) - 1]
            assert row["latency_ms"]["max"] == values[-1]
