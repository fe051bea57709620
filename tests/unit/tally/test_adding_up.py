"""Counts that go on over batches are those of the batches, added up."""

from __future__ import annotations

from functools import cache

import polars as pl
import pytest
from benchmarks import generator
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import EVERY_ROLE
from tests.clean_blocks import clean, shape_of
from tests.handmade import fewer_examples, rare_records, source_of, text_of

from envoylogs import schema
from envoylogs.envoy.paths import path_group
from envoylogs.grouping import numbering
from envoylogs.keyed.batches import Batch
from envoylogs.keyed.decoding import decode
from envoylogs.keyed.plan import ReadPlan
from envoylogs.keyed.selection import Selection
from envoylogs.tally import adding_up, evidence, question, tally_sum
from envoylogs.tally.ladder import Step
from envoylogs.tally.spec import DEFAULT_SPEC, TallySpec
from envoylogs.tally.tally import Tally
from envoylogs.tally.tally_sum import TallySum

_ASKED = TallySpec(
    by=("host", "path_group", "upstream_host"),
    joint=("path_group", "upstream_host", "outcome"),
    evidence_clients=2,
)
_SELECTED = Selection.of({"code": ["5xx", "404"]})


@cache
def _batches(*, are_clean: bool, selection: Selection = EVERY_ROLE) -> tuple[Batch, ...]:
    """Return batches of many eras, with all that is rare."""
    sources = [source_of(text_of(list(rare_records())), "rare")]
    for seed, era in enumerate(generator.Era):
        data = b"".join(generator.lines(150, seed=seed, era=era, rate_per_second=0.5))
        sources.append(source_of(data, f"era-{era}"))
    plan = ReadPlan(schema.TALLIED, selection)
    found = []
    for decoded in decode(sources, plan, batch_records=100):
        if are_clean and decoded.block is not None:
            decoded.block = clean(decoded.block, decoded.fates)
        found.append(decoded.normalized())
    return tuple(found)


def _sum(batches: tuple[Batch, ...], spec: TallySpec = DEFAULT_SPEC) -> Tally:
    adding = TallySum(spec)
    for batch in batches:
        adding.add(batch)
    return adding.total()


def _merged(batches: tuple[Batch, ...], spec: TallySpec = DEFAULT_SPEC) -> Tally:
    first, *others = (Tally.of(batch, spec) for batch in batches)
    return first.merge(*others)


@pytest.mark.parametrize("spec", [DEFAULT_SPEC, _ASKED], ids=["usual", "asked"])
@pytest.mark.parametrize("selection", [EVERY_ROLE, _SELECTED], ids=["all", "some"])
def test_clean_blocks_are_counted_as_logged_ones_are(selection: Selection, spec: TallySpec) -> None:
    logged, cleaned = (
        _batches(are_clean=are_clean, selection=selection) for are_clean in (False, True)
    )

    expected = _merged(logged, spec)
    assert _sum(logged, spec) == expected
    assert _sum(cleaned, spec) == expected
    assert _merged(cleaned, spec) == expected


@pytest.mark.parametrize("most", [1, 60, 1000])
def test_where_counts_are_taken_out_and_tables_are_closed_does_not_matter(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = _merged(_batches(are_clean=False), _ASKED)
    monkeypatch.setattr(tally_sum, "_MOST_ROWS", most)
    monkeypatch.setattr(numbering, "MOST_ROWS", most)
    _batches.cache_clear()

    assert _sum(_batches(are_clean=True), _ASKED) == expected
    _batches.cache_clear()


@pytest.mark.parametrize("waiting", [0, 20])
def test_the_examples_are_the_same_however_many_records_are_looked_at_at_once(
    waiting: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = _batches(are_clean=True)
    expected = _merged(batches, _ASKED)
    monkeypatch.setattr(evidence, "_WAITING", waiting)
    monkeypatch.setattr(evidence, "_FEW", waiting)

    assert _sum(batches * 2, _ASKED).evidence == expected.evidence


@pytest.mark.parametrize("of_first", [0, 3, 8])
@pytest.mark.parametrize("most", [60, 250_000])
@pytest.mark.parametrize("spec", [DEFAULT_SPEC, _ASKED], ids=["usual", "asked"])
def test_sums_that_were_made_apart_add_up(
    spec: TallySpec, of_first: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = _batches(are_clean=True)
    expected = _sum(batches, spec)
    monkeypatch.setattr(tally_sum, "_MOST_ROWS", most)
    first, second, nothing = (TallySum(spec) for _ in range(3))
    for adding, of_adding in ((first, batches[:of_first]), (second, batches[of_first:])):
        for batch in of_adding:
            adding.add(batch)

    first.take(second)
    first.take(nothing)

    assert first.total() == expected


def test_buckets_that_get_wider_in_the_middle_of_a_batch_hold_for_all_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ordered = list(generator.lines(1000, seed=2, rate_per_second=0.5))
    # Of the second batch each fifth is of its whole time: it fits by the minute alone, and not
    # beside the first, which is told once some of it is counted.
    fifths = [line for fifth in range(5) for line in ordered[150 + fifth :: 5]]
    plan = ReadPlan(schema.TALLIED, EVERY_ROLE)
    batches = tuple(
        found.normalized()
        for lines in (ordered[:150], fifths)
        for found in decode([source_of(b"".join(lines))], plan)
    )
    spec = TallySpec(timeline_buckets=30)
    monkeypatch.setattr(question, "_FEW_ROWS", 10)
    monkeypatch.setattr(adding_up, "_AT_ONCE", 100)

    found = _sum(batches, spec)

    assert len(batches) == 2
    assert found == _merged(batches, spec)
    starts, width_s = found.timeline.frame["start"], found.timeline.frame["width_s"]
    assert (starts % (width_s * 1_000_000) == 0).all()


@pytest.mark.parametrize("few", [1, 4096])
@pytest.mark.parametrize("at_once", [7, 65_536])
@pytest.mark.parametrize(
    ("most", "step"), [(800, Step(60, 4)), (700, Step(300, 4)), (500, Step(21600, 3))]
)
def test_joint_counts_go_down_their_ladder_while_they_are_counted(
    most: int, step: Step, few: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(question, "_FEW_ROWS", few)
    monkeypatch.setattr(adding_up, "_AT_ONCE", at_once)
    batches = _batches(are_clean=True)
    spec = TallySpec(joint=("host", "outcome"), max_joint_rows=most)
    expected = _merged(batches, spec)
    assert expected.joint.step == step

    assert _sum(batches, spec) == expected
    first, second = (TallySum(spec) for _ in range(2))
    for adding, of_adding in ((first, batches[:3]), (second, batches[3:])):
        for batch in of_adding:
            adding.add(batch)
            held = adding._counts  # noqa: SLF001
            assert few > 1 or held is None or not held.is_past_ladders
    first.take(second)
    assert first.total() == expected


def test_without_the_compiled_part_the_sum_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    batches = _batches(are_clean=True)
    expected = _sum(batches, _ASKED)
    monkeypatch.setattr(tally_sum, "kernel", lambda: None)

    assert _sum(batches, _ASKED) == expected


@pytest.mark.property
@fewer_examples(2)
@given(
    path=st.lists(
        st.sampled_from(
            [
                *("", "a", "07", "123", "٣", "deadbeefdeadbeef", "DEADBEEF" * 3, "12345678" * 2),
                *("01234567-89ab-cdef-0123-456789abcdef", "01234567-89AB-CDEF-0123-456789ABCDEF"),
                *("{id:a}", "{hash:0123456789abcdef}", "a?b", "a#1", "\n"),
                *("x" * 300, "1" * 520, "é" * 200),
            ]
        ),
        max_size=8,
    ).map("/".join),
    slash=st.sampled_from(["", "/", "*"]),
)
def test_a_shape_has_the_path_group_of_its_path(path: str, slash: str) -> None:
    paths = pl.DataFrame({"path": [slash + path, shape_of(slash + path)]})

    for segments in (1, 4):
        group, of_shape = paths.select(path_group(pl.col("path"), segments)).to_series()
        assert group == of_shape
