"""One source is counted alone, in another process too; several selections of it at once."""

from __future__ import annotations

import multiprocessing
import pickle
from typing import TYPE_CHECKING

import pytest
from benchmarks import generator

from envoylogs.envoy.field_keys import FieldKeys
from envoylogs.envoy.text_formats import parse_format
from envoylogs.errors import TallyQuestionError
from envoylogs.keyed.anonymize import Anonymizer
from envoylogs.keyed.plan import ReadPlan
from envoylogs.keyed.selection import NOTHING_SELECTED, Selection
from envoylogs.pipeline import tally_selections, tally_source, tally_sources
from envoylogs.sources.source import Source

if TYPE_CHECKING:
    from pathlib import Path

_KEYS = FieldKeys.mapping({"authority": ["vhost"]})
_PLANS = {
    "usual": ReadPlan(),
    "selection": ReadPlan(selection=Selection.of({"code": ["5xx"]}, where="duration_ms > 3")),
    "mapped": ReadPlan(keys=_KEYS, text_format=parse_format("%START_TIME% %RESPONSE_CODE%", _KEYS)),
    "anonymized": ReadPlan(anonymizer=Anonymizer(b"k" * 32)),
}
_SELECTIONS = (
    NOTHING_SELECTED,
    Selection.of({"code": ["4xx", "5xx"]}),
    Selection.of({}, where="duration_ms > 10", since_us=0),
    Selection.of({}, roles=["all"]),
    Selection.of({"host": ["*"]}, distinct=True),
)


@pytest.fixture
def sources(tmp_path: Path) -> list[Source]:
    found = []
    for seed in (1, 2, 3):
        path = tmp_path / f"{seed}.log"
        path.write_bytes(b"".join(generator.lines(300, seed=seed)) + b"no record\n")
        found.append(Source(path.name, str(path)))
    return found


@pytest.mark.parametrize("plan", _PLANS.values(), ids=_PLANS)
def test_a_plan_is_a_value_that_pickles(plan: ReadPlan, sources: list[Source]) -> None:
    copy = pickle.loads(pickle.dumps(plan))  # noqa: S301  # made a moment ago

    assert tally_sources(sources, plan=copy) == tally_sources(sources, plan=plan)


def test_sources_that_are_counted_in_other_processes_add_up(sources: list[Source]) -> None:
    plan = _PLANS["selection"]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        first, *others = pool.starmap(tally_source, [(source, plan) for source in sources])

    assert first.merge(*others) == tally_sources(sources, plan=plan)


def test_distinct_requests_are_not_told_of_a_source_alone(sources: list[Source]) -> None:
    plan = ReadPlan(selection=Selection.of({}, distinct=True))

    with pytest.raises(TallyQuestionError, match="all sources together"):
        tally_source(sources[0], plan)


@pytest.mark.parametrize("plan", [_PLANS["usual"], _PLANS["anonymized"]], ids=["plain", "hidden"])
def test_selections_of_one_pass_are_those_of_a_pass_each(
    plan: ReadPlan, sources: list[Source]
) -> None:
    found = tally_selections(sources, _SELECTIONS, plan=plan)

    for selection, tally in zip(_SELECTIONS, found, strict=True):
        (alone,) = tally_selections(sources, [selection], plan=plan)
        assert tally == alone, selection.text
    assert len({tally.traffic.frame["requests"].sum() for tally in found}) > 2


def test_saved_tallies_beside_logs_must_have_each_selection(
    sources: list[Source], tmp_path: Path
) -> None:
    from envoylogs.tally.storage import save_tally

    path = tmp_path / "one.tally"
    save_tally(tally_sources(sources[:1]), path)
    saved = Source("one.tally", str(path))

    with pytest.raises(TallyQuestionError):
        tally_selections([saved, *sources[1:]], _SELECTIONS)
    assert len(tally_selections([saved, *sources[1:]], [NOTHING_SELECTED])) == 1
