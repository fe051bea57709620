"""The laws of adding states, for every state there is and for whole tallies."""

from __future__ import annotations

import importlib
import pickle
import pkgutil
import sys
from collections import Counter
from dataclasses import dataclass, fields, replace
from functools import cache
from random import Random
from typing import Any

import polars as pl
import pytest
from benchmarks import generator
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import EVERY_ROLE
from tests.handmade import fewer_examples, rare_records, reset, source_of, text_of

import envoylogs.tally
from envoylogs import schema
from envoylogs.errors import TallyError
from envoylogs.keyed.batches import Batch
from envoylogs.keyed.decoding import batches, decode
from envoylogs.keyed.plan import ReadPlan
from envoylogs.reading.fates import LineFates
from envoylogs.tally.evidence import EVIDENCE_KEYS, FailureEvidence
from envoylogs.tally.folding.folded_names import FoldedNames
from envoylogs.tally.spec import DEFAULT_SPEC, TallySpec
from envoylogs.tally.state import Counts, Samples, State
from envoylogs.tally.tally import Tally
from envoylogs.tally.tally_sum import TallySum

_SMALL = TallySpec(
    by=("method", "host", "start_time"),
    timeline_buckets=3,
    evidence_clients=2,
    line_examples=1,
    path_segments=1,
    joint=("host", "path_group", "outcome"),
    turned_away=("path", "query"),
)
_CLASSED = replace(_SMALL, max_latency_rows=12, max_joint_rows=8)
_ANONYMIZED = replace(DEFAULT_SPEC, anonymized="0123456789abcdef")
_SPECS = st.sampled_from([_SMALL, _CLASSED, _ANONYMIZED, DEFAULT_SPEC])
# So few rows of durations would fold names too, past which the laws are those of test_fold_laws.
_SPECS_OF_TALLIES = st.sampled_from([_SMALL, _ANONYMIZED, DEFAULT_SPEC])
_PARTS = 4


def _all_states() -> list[type[State]]:
    """Return every state that is no base of others."""
    for module in pkgutil.walk_packages(envoylogs.tally.__path__, "envoylogs.tally."):
        importlib.import_module(module.name)
    found: list[type[State]] = []
    waiting: list[type[State]] = [State]
    while waiting:
        state = waiting.pop()
        waiting += state.__subclasses__()
        # A data class with slots is made anew, and the class before it may still be around.
        is_current = getattr(sys.modules[state.__module__], state.__name__, None) is state
        if is_current and not state.__subclasses__():
            found.append(state)
    return sorted(set(found), key=lambda state: state.__name__)


_STATES = _all_states()
_SAMPLES = [state for state in _STATES if issubclass(state, Samples)]
each_state = pytest.mark.parametrize("state", _STATES, ids=lambda state: state.__name__)


@cache
def _pool() -> pl.DataFrame:
    """Return normalized records of all eras and the adversarial ones."""
    rare = list(rare_records())
    Random(1).shuffle(rare)
    sources = [source_of(text_of(rare[0::2]), "rare-1"), source_of(text_of(rare[1::2]), "rare-2")]
    for seed, era in enumerate(generator.Era):
        data = b"".join(generator.lines(60, seed=seed, era=era, rate_per_second=0.2))
        sources.append(source_of(data, f"era-{era}"))
    (batch,) = batches(sources, columns=schema.TALLIED, selection=EVERY_ROLE)
    assert batch.frame is not None
    return batch.frame


@dataclass(frozen=True)
class _CutLog:
    """A log as one batch, and the same cut into parts."""

    whole: Batch
    parts: list[Batch]


_Line = tuple[str, int, str]
_BAD_LINES: list[_Line] = [
    (source, line, reason)
    for line in range(1, 8)
    for source in ("a.log", "b.log")
    for reason in ("other", "binary", "invalid_json")
]


def _fates_of(lines: list[_Line], sources: list[str]) -> LineFates:
    fates = LineFates()
    for source, count in Counter(sources).items():
        fates.add(source, "lines", count)
        fates.add(source, "records", count)
        fates.add("", "column_seen", count, "path")
    for source, line, reason in sorted(lines, key=lambda found: found[1]):
        fates.add(source, "lines", 1)
        if reason == "other":
            fates.other(source, line, b"text")
        else:
            fates.malformed(source, line, reason, b"\x00text")
    return fates


def _batch(rows: list[int], lines: list[_Line]) -> Batch:
    frame = _pool()[rows] if rows else None
    return Batch.of(frame, _fates_of(lines, [] if frame is None else frame["source"].to_list()))


@st.composite
def cut_logs(draw: st.DrawFn) -> _CutLog:
    """Return any records and bad lines, in any of a few parts, parts without a record too."""
    rows = draw(st.lists(st.integers(0, _pool().height - 1), max_size=30))
    lines = draw(st.lists(st.sampled_from(_BAD_LINES), max_size=12, unique=True))
    part_of = Random(draw(st.integers(0, 2**32)))
    rows_of: list[list[int]] = [[] for _ in range(_PARTS)]
    lines_of: list[list[_Line]] = [[] for _ in range(_PARTS)]
    for row in rows:
        rows_of[part_of.randrange(_PARTS)].append(row)
    for line in lines:
        lines_of[part_of.randrange(_PARTS)].append(line)
    return _CutLog(_batch(rows, lines), list(map(_batch, rows_of, lines_of)))


def _states_of(state: type[State], log: _CutLog, spec: TallySpec) -> list[State]:
    return [state.of(part, spec) for part in log.parts]


# --- Every state --------------------------------------------------------------------------------


def test_every_state_is_found_and_is_part_of_a_tally() -> None:
    assert len(_STATES) >= 8
    in_tally = [type(getattr(Tally.empty(), field.name)) for field in fields(Tally)]
    assert sorted((*_STATES, TallySpec), key=str) == sorted(in_tally, key=str)


def test_the_pool_makes_every_state_and_a_wide_timeline() -> None:
    whole = _batch(list(range(_pool().height)), _BAD_LINES)

    # A batch folds nothing.
    assert [s for s in _STATES if s.of(whole, _SMALL).frame.is_empty()] == [FoldedNames]
    assert Tally.of(whole, _SMALL).timeline.frame["width_s"].unique().to_list() == [86400]
    assert Tally.of(whole, _CLASSED).latency_by_group.frame["digits"].unique().to_list() == [4]
    joint = Tally.of(whole, _CLASSED).joint.frame
    assert joint["digits"].unique().to_list() == [4]
    assert joint["width_s"].unique().to_list() != [1]


@each_state
def test_columns_are_strings_and_whole_numbers(state: type[State]) -> None:
    assert set(state.columns(_SMALL).values()) <= {pl.String(), pl.Categorical(), pl.Int64()}


@pytest.mark.property
@each_state
@fewer_examples(10)
@given(log=cut_logs(), spec=_SPECS)
def test_frames_have_the_columns_that_the_state_names(
    state: type[State], log: _CutLog, spec: TallySpec
) -> None:
    declared = pl.Schema(state.columns(spec))
    parts = _states_of(state, log, spec)

    assert state.empty(spec).frame.schema == declared
    assert state.empty(spec).merge(state.empty(spec)).frame.schema == declared
    assert state.of(log.whole, spec).frame.schema == declared
    assert [part.frame.schema for part in parts] == [declared] * _PARTS
    assert parts[0].merge(*parts[1:]).frame.schema == declared


@pytest.mark.property
@each_state
@fewer_examples(10)
@given(log=cut_logs(), spec=_SPECS)
def test_empty_changes_nothing(state: type[State], log: _CutLog, spec: TallySpec) -> None:
    whole, empty = state.of(log.whole, spec), state.empty(spec)

    assert whole.merge(empty) == whole
    assert empty.merge(whole) == whole
    assert whole.merge() == whole


@pytest.mark.property
@each_state
@fewer_examples(10)
@given(log=cut_logs(), spec=_SPECS)
def test_order_does_not_matter(state: type[State], log: _CutLog, spec: TallySpec) -> None:
    first, second, *_ = _states_of(state, log, spec)

    assert first.merge(second) == second.merge(first)


@pytest.mark.property
@each_state
@fewer_examples(10)
@given(log=cut_logs(), spec=_SPECS)
def test_grouping_does_not_matter(state: type[State], log: _CutLog, spec: TallySpec) -> None:
    first, second, third, _ = _states_of(state, log, spec)

    assert first.merge(second).merge(third) == first.merge(second.merge(third))


@pytest.mark.property
@each_state
@fewer_examples(10)
@given(log=cut_logs(), spec=_SPECS)
def test_many_at_once_are_as_one_after_the_other(
    state: type[State], log: _CutLog, spec: TallySpec
) -> None:
    first, second, third, fourth = _states_of(state, log, spec)

    nested = first.merge(second).merge(third).merge(fourth)
    assert first.merge(second, third, fourth) == nested


@pytest.mark.property
@each_state
@fewer_examples(4)
@given(log=cut_logs(), spec=_SPECS, order=st.permutations(range(_PARTS)))
def test_the_cut_of_a_log_does_not_matter(
    state: type[State], log: _CutLog, spec: TallySpec, order: list[int]
) -> None:
    parts = _states_of(state, log, spec)
    first, *others = (parts[place] for place in order)

    assert first.merge(*others) == state.of(log.whole, spec)


@pytest.mark.property
@each_state
@fewer_examples(10)
@given(log=cut_logs(), spec=_SPECS)
def test_merging_changes_no_argument(state: type[State], log: _CutLog, spec: TallySpec) -> None:
    parts = _states_of(state, log, spec)
    before = [part.frame.clone() for part in parts]

    parts[0].merge(*parts[1:])

    assert [part.frame.equals(frame) for part, frame in zip(parts, before, strict=True)] == [
        True
    ] * _PARTS
    assert [part.spec for part in parts] == [spec] * _PARTS


@pytest.mark.property
@each_state
@fewer_examples(10)
@given(log=cut_logs(), spec=_SPECS)
def test_pickling_loses_nothing(state: type[State], log: _CutLog, spec: TallySpec) -> None:
    whole = state.of(log.whole, spec)

    assert pickle.loads(pickle.dumps(whole)) == whole  # noqa: S301 - made two words before


@pytest.mark.property
@each_state
@fewer_examples(10)
@given(log=cut_logs(), spec=_SPECS_OF_TALLIES)
def test_keys_stand_once(state: type[State], log: _CutLog, spec: TallySpec) -> None:
    merged = Tally.of(log.parts[0], spec).merge(Tally.of(log.parts[1], spec))
    if issubclass(state, Counts):
        for found in (state.of(log.whole, spec), _member(merged, state)):
            assert not found.frame.select(list(state.keys(spec))).is_duplicated().any()
    else:
        assert not _member(merged, state).frame.is_duplicated().any()


def _member(tally: Tally, state: type[State]) -> State:
    (found,) = (
        member
        for member in (getattr(tally, field.name) for field in fields(tally))
        if type(member) is state
    )
    assert isinstance(found, State)
    return found


@pytest.mark.property
@pytest.mark.parametrize("state", _SAMPLES, ids=lambda state: state.__name__)
@fewer_examples(4)
@given(log=cut_logs(), spec=_SPECS)
def test_reducing_twice_is_reducing_once(
    state: type[Samples], log: _CutLog, spec: TallySpec
) -> None:
    unreduced = pl.concat([part.frame for part in _states_of(state, log, spec)])

    once = state.reduced(unreduced, spec)

    assert state(state.reduced(once, spec), spec) == state(once, spec)


def test_states_of_other_kinds_and_specifications_differ() -> None:
    empty = [state.empty(DEFAULT_SPEC) for state in _STATES]

    assert all(a != b for a in empty for b in empty if a is not b)
    assert all(state.empty(_SMALL) != state.empty(DEFAULT_SPEC) for state in _STATES)


# --- Evidence -----------------------------------------------------------------------------------


@pytest.mark.property
@fewer_examples(2)
@given(log=cut_logs(), spec=_SPECS)
def test_evidence_has_so_many_clients_a_failure_and_one_record_a_client(
    log: _CutLog, spec: TallySpec
) -> None:
    first, *others = (FailureEvidence.of(part, spec) for part in log.parts)
    merged = first.merge(*others).frame

    counted = merged.group_by(EVIDENCE_KEYS).agg(
        pl.len().alias("records"), pl.col("client").n_unique().alias("clients")
    )
    assert counted.filter(pl.col("records") > spec.evidence_clients).is_empty()
    assert counted.filter(pl.col("records") != pl.col("clients")).is_empty()


def test_evidence_stays_small_however_many_clients_fail() -> None:
    sizes = []
    for clients in (100, 2000):
        records = [
            reset(number, downstream_remote_address=f"192.0.{number // 200}.{number % 200}:1")
            for number in range(clients)
        ]
        (batch,) = batches([source_of(text_of(records))], columns=schema.TALLIED)
        sizes.append(FailureEvidence.of(batch, DEFAULT_SPEC).frame.height)

    assert sizes == [DEFAULT_SPEC.evidence_clients] * 2


# --- Whole tallies ------------------------------------------------------------------------------


@pytest.mark.property
@fewer_examples(10)
@given(log=cut_logs(), spec=_SPECS_OF_TALLIES, order=st.permutations(range(_PARTS)))
def test_tallies_add_up_as_their_states_do(log: _CutLog, spec: TallySpec, order: list[int]) -> None:
    parts = [Tally.of(log.parts[place], spec) for place in order]
    first, second, third, fourth = parts
    whole = Tally.of(log.whole, spec)
    empty = Tally.empty(spec)

    assert first.merge(second, third, fourth) == whole
    assert first.merge(second.merge(third.merge(fourth))) == whole
    assert fourth.merge(third).merge(second.merge(first)) == whole
    assert whole.merge(empty) == whole == empty.merge(whole) == whole.merge()
    assert pickle.loads(pickle.dumps(whole)) == whole  # noqa: S301 - made two words before


@pytest.mark.property
@fewer_examples(10)
@given(log=cut_logs(), repeated=st.integers(1, 5))
def test_a_running_sum_is_the_tally_of_everything_so_far(log: _CutLog, repeated: int) -> None:
    adding = TallySum(_SMALL)
    parts = log.parts * repeated
    for part in parts:
        adding.add(part)

    first, *others = [Tally.of(part, _SMALL) for part in log.parts] * repeated
    assert adding.total() == first.merge(*others)
    assert adding.total() == adding.total()


@pytest.mark.property
@fewer_examples(10)
@given(piece=st.integers(4000, 40_000), batch_records=st.integers(1, 60))
def test_the_blocks_and_batches_of_a_source_do_not_matter(piece: int, batch_records: int) -> None:
    cut = source_of(_noisy_log(), piece=piece)
    adding = TallySum()
    for decoded in decode([cut], ReadPlan(schema.TALLIED), batch_records=batch_records):
        adding.add(decoded.normalized())

    assert adding.total() == _tally_of_noisy_log()


@cache
def _noisy_log() -> bytes:
    """Return a log with all kinds of lines that are no records."""
    strange = [b"\n", b"[Envoy] starting\n", b'{"response_code": 200,\n', b'"path": "/x"}\n',
               b"\x00\x01\n", b'{"level":"info","msg":"x"}\n', b"   \n"]  # fmt: skip
    lines = list(generator.lines(50, era=generator.Era.V1_28, rate_per_second=0.01))
    return b"".join(
        line + (strange[place // 3 % len(strange)] if place % 3 == 0 else b"")
        for place, line in enumerate(lines)
    )


@cache
def _tally_of_noisy_log() -> Tally:
    (batch,) = batches([source_of(_noisy_log())], columns=schema.TALLIED)
    return Tally.of(batch)


def test_tallies_of_different_specifications_do_not_add_up() -> None:
    with pytest.raises(TallyError) as caught:
        Tally.empty(DEFAULT_SPEC).merge(Tally.empty(DEFAULT_SPEC), Tally.empty(_SMALL))

    assert DEFAULT_SPEC.words in str(caught.value)
    assert _SMALL.words in str(caught.value)


@pytest.mark.parametrize("field", [field.name for field in fields(TallySpec)])
def test_every_part_of_a_specification_counts(field: str) -> None:
    others: dict[str, Any] = {"by": ("method",), "selection": "--host a", "show_query": True}
    others |= {"joint": ("host",), "anonymized": "0123456789abcdef"}
    others |= {"every_s": 60, "timezone": "Europe/Berlin", "turned_away": ("path",)}
    changed: dict[str, Any] = {field: others.get(field) or getattr(DEFAULT_SPEC, field) + 1}

    with pytest.raises(TallyError) as caught:
        Tally.empty().merge(Tally.empty(TallySpec(**changed)))
    words = {
        "selection": "host_a",
        "anonymized": "__anonymize",
        "every_s": "__every_60s",
        "turned_away": "__config",
    }.get(field, field)
    assert words in str(caught.value).replace("-", "_").replace(" ", "_")


def test_more_line_examples_than_the_reader_keeps_do_not_depend_on_the_cut() -> None:
    spec = TallySpec(line_examples=5)
    data = b"\x00\n" * 6
    (whole,) = batches([source_of(data)], columns=schema.TALLIED)
    adding = TallySum(spec)
    for number in range(6):
        fates = LineFates()
        fates.malformed("gateway.log", number + 1, "binary", b"\x00")
        adding.add(Batch(None, fates))

    assert adding.total().examples == Tally.of(whole, spec).examples
