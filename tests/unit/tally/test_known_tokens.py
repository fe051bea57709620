from __future__ import annotations

from functools import cache
from itertools import pairwise

import polars as pl
import pytest
from benchmarks import generator
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import NO_ROUTE, lines, record
from tests.handmade import fewer_examples, source_of

from envoylogs.keyed.anonymize import Anonymizer
from envoylogs.keyed.plan import ReadPlan
from envoylogs.keyed.selection import Selection
from envoylogs.pipeline import tally_sources
from envoylogs.tally.folding.marks import FOLDED_KNOWN
from envoylogs.tally.known_names import KnownNames
from envoylogs.tally.known_tokens import revealed
from envoylogs.tally.spec import DEFAULT_SPEC, TallySpec
from envoylogs.tally.tally import Tally

_KEYED = Anonymizer(b"a key of some length")
_READING = ReadPlan(anonymizer=_KEYED)
_LINES = list(generator.lines(600, seed=3))


def _tally(data: bytes, spec: TallySpec = DEFAULT_SPEC) -> Tally:
    return tally_sources([source_of(data, "a.log")], spec=spec, plan=_READING)


def _authorities(tally: Tally) -> list[str | None]:
    return revealed(tally).traffic.frame["authority"].unique().sort().to_list()


def test_a_tally_that_is_not_anonymized_is_left_as_it_is() -> None:
    tally = tally_sources([source_of(b"".join(_LINES))])

    assert revealed(tally) is tally


def test_known_hosts_get_their_names_with_any_port_and_strangers_do_not() -> None:
    tally = _tally(
        lines(
            record(),
            record(**NO_ROUTE, authority="shop.example.com:8443"),
            record(**NO_ROUTE, authority="stranger.example"),
        )
    )

    stranger = _KEYED.token("host", "stranger.example")
    assert _authorities(tally) == sorted([stranger, "shop.example.com", "shop.example.com:8443"])
    assert not tally.traffic.frame["authority"].str.contains("example").any()


def test_a_host_that_one_part_knows_is_known_in_the_sum() -> None:
    unrouted, routed = _tally(lines(record(**NO_ROUTE))), _tally(lines(record()))

    assert _authorities(unrouted) == [_KEYED.token("host", "shop.example.com")]
    assert _authorities(unrouted.merge(routed)) == ["shop.example.com"]


def test_the_host_of_a_selection_is_revealed_too() -> None:
    selection = Selection.of({"host": ["shop.example.com", "stranger.example"]})
    reading = ReadPlan(anonymizer=_KEYED, selection=selection)

    tally = tally_sources([source_of(lines(record()), "a.log")], plan=reading)

    stranger = _KEYED.token("host", "stranger.example")
    assert revealed(tally).spec.selection == f"--host shop.example.com --host {stranger}"


@cache
def _whole() -> Tally:
    return revealed(_tally(b"".join(_LINES)))


@pytest.mark.property
@fewer_examples(10)
@given(st.lists(st.integers(0, len(_LINES)), max_size=3))
def test_the_sum_of_parts_is_the_whole(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(_LINES)]
    parts = [_tally(b"".join(_LINES[start:end])) for start, end in pairwise(places)]

    total = revealed(parts[0].merge(*parts[1:]))

    for name in ("traffic", "known_names", "latency_by_group", "paths", "timeline"):
        assert total.state(name) == _whole().state(name)


def test_names_that_are_too_many_are_folded_and_not_shown() -> None:
    spec = TallySpec(max_names=2)

    tally = _tally(lines(*(record(authority=f"h{n}.example") for n in range(5))), spec).merge()

    known = tally.known_names
    assert isinstance(known, KnownNames)
    folded = known.frame.filter(pl.col("name") == FOLDED_KNOWN)
    assert folded.height
    assert folded["shown"].is_null().all()
