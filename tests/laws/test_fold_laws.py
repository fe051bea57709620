"""What holds past the limits of names, for every state there is: totals, and who is kept."""

from __future__ import annotations

import pickle
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl
import pytest
from benchmarks import strangers
from hypothesis import given
from hypothesis import strategies as st
from tests.handmade import fewer_examples, source_of

from envoylogs import schema
from envoylogs.keyed.batches import Batch
from envoylogs.keyed.decoding import batches
from envoylogs.reading.fates import LineFates
from envoylogs.summary.summary import Summary, summarize
from envoylogs.tally.folding.marks import FOLDED, FOLDED_KNOWN
from envoylogs.tally.folding.names_apart import FOLDABLE, is_folded
from envoylogs.tally.spec import TallySpec
from envoylogs.tally.state import Counts
from envoylogs.tally.tally import STATES, Tally
from envoylogs.tally.tally_sum import TallySum

if TYPE_CHECKING:
    from collections.abc import Sequence

_LINES = 200
_TIGHT = TallySpec(
    by=("method", "user_agent", "host", "start_time"),
    max_names=12,
    joint=("host", "path_group", "upstream_cluster", "client", "outcome", "response_code"),
    max_joint_rows=60,
)
_LOOSE = replace(_TIGHT, max_names=TallySpec().max_names, max_joint_rows=TallySpec().max_joint_rows)
_COUNTS = {name: state for name, state in STATES.items() if issubclass(state, Counts)}
_INDEPENDENT_OF_NAMES = [name for name in _COUNTS if name != "lines"]
# How much is kept of a duration, which is less past the limit of rows.
_BY_LIMIT = ("joint", "digits")


@cache
def _records() -> pl.DataFrame:
    data = b"".join(strangers.lines(_LINES))
    (batch,) = batches([source_of(data)], columns={*schema.TALLIED, "user_agent"})
    assert batch.frame is not None
    return batch.frame


@st.composite
def cut_and_order(draw: st.DrawFn) -> list[Batch]:
    """Return all records in any order of batches of any size."""
    places = sorted(draw(st.sets(st.integers(1, _LINES - 1), min_size=1, max_size=8)))
    parts = [_records()[a:b] for a, b in pairwise([0, *places, _LINES])]
    return [Batch.of(part, LineFates()) for part in draw(st.permutations(parts))]


def _tally(parts: Sequence[Batch], spec: TallySpec) -> Tally:
    adding = TallySum(spec)
    for part in parts:
        adding.add(part)
    return adding.total()


@cache
def _exact() -> Tally:
    return _tally([Batch.of(_records(), LineFates())], _LOOSE)


@cache
def _exact_totals() -> dict[str, object]:
    return _totals(summarize(_exact()))


def _totals(summary: Summary) -> dict[str, object]:
    overview = summary.overview
    noise = {name: overview.noise[name] for name in ("requests", "connections")}
    return {
        **{name: getattr(overview, name) for name in overview._fields if name != "noise"},
        "noise": noise,
        "codes": summary.table("response_code").drop("latency_ms").to_dicts(),
        "outcomes": summary.table("outcome").to_dicts(),
        # Its buckets get wider when there are too many rows.
        "timeline": summary.table("timeline")
        .select(pl.col("requests", "errors", "unrouted").sum())
        .rows(),
    }


def test_the_log_is_past_every_limit_and_within_those_of_everybody() -> None:
    folded = set(summarize(_tally([Batch.of(_records(), LineFates())], _TIGHT)).folds.columns)

    assert {"authority", "upstream_cluster", "path_group", "user_agent", "host"} <= folded
    assert "start_time" in folded
    assert not summarize(_exact()).folds


@pytest.mark.property
@fewer_examples(6)
@given(parts=cut_and_order())
def test_totals_do_not_depend_on_the_cut_nor_on_the_limit(parts: list[Batch]) -> None:
    assert _totals(summarize(_tally(parts, _TIGHT))) == _exact_totals()


@pytest.mark.property
@fewer_examples(6)
@given(parts=cut_and_order())
def test_every_state_keeps_its_sums_and_ends(parts: list[Batch]) -> None:
    tally = _tally(parts, _TIGHT)

    for name in _INDEPENDENT_OF_NAMES:
        state = _COUNTS[name]
        ends = [
            *(pl.col(column).sum() for column in state.SUMS),
            *(pl.col(column).min() for column in state.MINIMA if (name, column) != _BY_LIMIT),
            *(pl.col(column).max() for column in state.MAXIMA),
        ]
        found = tally.state(name).frame.select(ends)
        assert found.equals(_exact().state(name).frame.select(ends)), name


@pytest.mark.property
@fewer_examples(6)
@given(parts=cut_and_order())
def test_joint_counts_keep_the_totals_of_what_is_never_folded(parts: list[Batch]) -> None:
    def totals(tally: Tally) -> list[tuple[object, ...]]:
        rows = tally.joint.frame.group_by("outcome", "response_code")
        return sorted(rows.agg(pl.col("requests", "errors").sum()).rows(), key=repr)

    assert totals(_tally(parts, _TIGHT)) == totals(_exact())


@pytest.mark.property
@fewer_examples(6)
@given(parts=cut_and_order())
def test_limits_hold_in_every_state(parts: list[Batch]) -> None:
    _assert_within_limits(_tally(parts, _TIGHT))


@pytest.mark.property
@fewer_examples(6)
@given(parts=cut_and_order())
def test_a_tally_that_is_held_to_limits_later_is_within_them_and_keeps_its_totals(
    parts: list[Batch],
) -> None:
    limits = {"max_names": _TIGHT.max_names, "max_joint_rows": _TIGHT.max_joint_rows}

    held = _tally(parts, _LOOSE).held_to(limits)

    assert held.spec == _TIGHT
    _assert_within_limits(held)
    assert _totals(summarize(held)) == _exact_totals()
    assert held.held_to(limits) is held
    assert held.held_to({"max_names": 10**6}) is held


def _assert_within_limits(tally: Tally) -> None:
    for name in STATES:
        state = tally.state(name)
        if state.names(_TIGHT):
            # Of each outcome a few examples are kept in any case.
            most = 100 if name == "evidence" else state.most_rows(_TIGHT)
            assert state.frame.height <= most
        for column in state.names(_TIGHT):
            dtype = state.frame.schema[column]
            real = state.frame.filter(~is_folded(column, dtype))[column].drop_nulls()
            assert real.n_unique() <= _TIGHT.max_names, (name, column)
        assert state.frame.schema == pl.Schema(state.columns(_TIGHT))
    assert tally.merge() == tally
    assert pickle.loads(pickle.dumps(tally)) == tally  # noqa: S301 - made two words before


@pytest.mark.property
@fewer_examples(6)
@given(parts=cut_and_order())
def test_all_states_fold_the_same_names(parts: list[Batch]) -> None:
    tally = _tally(parts, _TIGHT)

    for kind in FOLDABLE:
        if kind in tally.traffic.frame.columns:
            kept = set(tally.traffic.frame[kind])
            for state in (tally.latency_by_group, tally.timeline, tally.paths):
                if kind in state.frame.columns:
                    assert set(state.frame[kind]) <= kept, kind
    by_trait = tally.latency_by_trait.frame.filter(trait="upstream_host")
    assert set(by_trait["name"]) <= set(tally.traffic.frame["upstream_host"])


def test_no_known_host_is_folded_while_an_unknown_one_is_left() -> None:
    spec = TallySpec(max_names=10)
    hosts = _known_and_unknown(known=8, unknown=100)

    authorities = set(_tally(hosts, spec).traffic.frame["authority"])

    assert {f"shop-{number}.example.com" for number in range(8)} <= authorities
    assert len([name for name in authorities if name.startswith("scan-")]) == 2
    assert FOLDED in authorities
    assert FOLDED_KNOWN not in authorities


def test_known_hosts_that_are_too_many_stay_known() -> None:
    spec = TallySpec(max_names=3)
    tally = _tally(_known_and_unknown(known=8, unknown=100), spec)

    authorities = tally.traffic.frame["authority"].unique()
    assert set(authorities) > {FOLDED, FOLDED_KNOWN}
    assert not [name for name in authorities if name.startswith("scan-")]
    assert summarize(tally).overview.noise["requests"] == 100


def _known_and_unknown(known: int, unknown: int) -> list[Batch]:
    """Return batches of one served request a known host, one scanned an unknown one."""
    served = _records().filter(outcome="served").head(1)
    scanned = _records().filter(pl.col("authority").str.starts_with("scan-")).head(unknown)
    frames = [
        served.with_columns(pl.lit(f"shop-{number}.example.com").alias("authority"))
        for number in range(known)
    ]
    return [Batch.of(pl.concat([frame, scanned]) if number == 3 else frame, LineFates())
            for number, frame in enumerate(frames)]  # fmt: skip


@pytest.mark.parametrize("mark", [FOLDED, FOLDED_KNOWN])
@pytest.mark.parametrize(
    ("column", "logged"),
    [("authority", "{}"), ("method", "{}"), ("path", "{}/"), ("upstream_cluster", "{}"),
     ("x_forwarded_for", "1, {}"), ("authority", "{}:80"), ("authority", "{}:8080")],
)  # fmt: skip
def test_no_client_can_pass_for_folded_names(mark: str, column: str, logged: str) -> None:
    spec = TallySpec(by=("client", "host", "method", "path"))
    frame = _records().head(4)
    text = pl.lit(logged.format(mark), pl.String).alias(column)
    peer = pl.lit(None, pl.String).alias("downstream_remote_address")
    frame = frame.with_columns(text, peer)

    tally = _tally([Batch.of(frame, LineFates())] * 3, spec)

    for name in STATES:
        state = tally.state(name)
        for of_state in (c for c, t in state.frame.schema.items() if t == pl.String):
            if name != "evidence" or of_state in state.names(spec):
                assert not state.frame.select(is_folded(of_state).any()).item(), (name, of_state)
    assert not summarize(tally).folds
    assert tally.traffic.frame["requests"].sum() == 12


def test_a_long_name_is_cut_and_still_counted() -> None:
    frame = _records().head(4).with_columns(pl.lit("é" * 5000).alias("authority"))

    tally = _tally([Batch.of(frame, LineFates())], TallySpec())

    assert tally.traffic.frame["authority"].str.len_chars().max() == 2048
    assert tally.traffic.frame["requests"].sum() == 4
