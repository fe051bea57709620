"""Figures: their numbers are those of the tables, and their colors can be told apart."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import combinations
from typing import Any

import pytest
from benchmarks import generator
from tests.handmade import Record, connection, served, source_of, tally_of, unrouted

from envoylogs.envoy.harm import Actor
from envoylogs.envoy.outcomes import FAILED_CONNECTIONS
from envoylogs.pipeline import tally_sources
from envoylogs.render.figures import (
    ACTOR_COLORS,
    FIGURES,
    INK,
    LATENCY_CLASSES,
    NOISE_COLOR,
    STACKED,
    heat_map_figure,
    latency_figure,
    template,
    timeline_figure,
)
from envoylogs.summary.over_time import LATENCY_EDGES_MS, MOST_BINS, NOISE
from envoylogs.summary.slices import SLICE_COLUMNS
from envoylogs.summary.summary import Summary, summarize
from envoylogs.tally.spec import TallySpec

_SPEC = TallySpec(joint=SLICE_COLUMNS)


@cache
def _summary() -> Summary:
    data = b"".join(generator.lines(2500, seed=4, rate_per_second=0.7))
    return summarize(tally_sources([source_of(data)], spec=_SPEC))


def _drawn(figure: Callable[..., Any], summary: Summary) -> Any:
    return figure(summary.slices)


def test_requests_over_time_add_up_to_those_of_the_tables() -> None:
    overview = _summary().overview
    traces = {trace.name: sum(trace.y) for trace in _drawn(timeline_figure, _summary()).data}

    failed = sum(overview.outcomes.get(name, 0) for name in FAILED_CONNECTIONS)
    assert failed > 0
    assert sum(traces.values()) == overview.requests + failed
    assert traces[NOISE] == overview.noise["requests"] + overview.noise["connections"]
    unrouted_of_known = overview.unrouted - overview.noise["requests"]
    assert traces[str(Actor.CONFIGURATION)] >= unrouted_of_known


@pytest.mark.parametrize(
    ("records", "drawn", "noun"),
    [
        ([served(0), connection(1)], 1, "requests"),
        ([served(0), connection(1), connection(2, response_flags="UF")], 2,
         "requests and failed connections"),
        ([connection(1), connection(2, response_flags="UF")], 2, "connections"),
    ],
)  # fmt: skip
def test_connections_that_failed_are_over_time_too_and_all_where_there_is_no_request(
    records: list[Record], drawn: int, noun: str
) -> None:
    figure = _drawn(timeline_figure, summarize(tally_of(records, spec=_SPEC)))

    assert sum(sum(trace.y) for trace in figure.data) == drawn
    assert figure.layout.yaxis.title.text == noun


def test_a_figure_has_a_bounded_number_of_bins() -> None:
    for figure in (timeline_figure, latency_figure):
        for trace in _drawn(figure, _summary()).data:
            assert len(trace.x) <= MOST_BINS
    (heat,) = _drawn(heat_map_figure, _summary()).data
    assert 2 <= len(heat.x) <= MOST_BINS + 1
    assert len(heat.x) == len(heat.z[0]) + 1


def test_the_heat_map_has_every_answered_request() -> None:
    (heat,) = _drawn(heat_map_figure, _summary()).data
    counted = sum(n for row in heat.z for n in row if n)

    assert counted == _summary().overview.latency_ms["count"]
    assert list(heat.y) == list(LATENCY_EDGES_MS[: len(heat.z) + 1])


def test_a_request_is_in_the_class_of_its_latency() -> None:
    records = [served(0, duration=0), served(0, duration=3), served(0, duration=4, path="/b")]

    (heat,) = _drawn(heat_map_figure, summarize(tally_of(records, spec=_SPEC))).data

    assert [row[0] for row in heat.z] == [1, None, None, 1, 1]
    assert list(heat.y) == [0.5, 1, 2, 3, 4, 6]


def test_percentiles_over_time_are_those_of_the_requests_in_a_bin() -> None:
    records = [served(0, duration=ms) for ms in (10, 20, 30)] + [served(900, duration=0)]

    figure = _drawn(latency_figure, summarize(tally_of(records, spec=_SPEC)))

    assert {trace.name: list(trace.y) for trace in figure.data} == {
        "p50": [20, 0.5],
        "p90": [30, 0.5],
        "p99": [30, 0.5],
    }


def test_what_took_longer_than_all_classes_is_in_the_last() -> None:
    records = [served(0, duration=2_000_000_000)]

    (heat,) = _drawn(heat_map_figure, summarize(tally_of(records, spec=_SPEC))).data

    assert heat.z[-1] == [1]
    assert heat.text[-1] == ["2,097,152 ms or more"]
    assert LATENCY_CLASSES[:4] == ("0 ms", "1 ms", "2 ms", "3 ms")
    assert LATENCY_CLASSES[5] == "6 to 7 ms"


@pytest.mark.parametrize("figure", FIGURES.values(), ids=FIGURES)
@pytest.mark.parametrize("stray", ["1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z"])
def test_a_record_of_another_age_leaves_the_others_their_bins(
    figure: Callable[..., Any], stray: str
) -> None:
    records = [served(seconds) for seconds in range(0, 600, 5)]

    usual = _drawn(figure, summarize(tally_of(records, spec=_SPEC)))
    found = _drawn(figure, summarize(tally_of([*records, served(start_time=stray)], spec=_SPEC)))

    assert [list(trace.x) for trace in found.data] == [list(trace.x) for trace in usual.data]
    assert found.layout.xaxis.title.text == "UTC; without 1 record of other times, far from these"


@pytest.mark.parametrize("figure", FIGURES.values(), ids=FIGURES)
def test_a_log_of_thousands_of_years_has_few_bins(figure: Callable[..., Any]) -> None:
    records = [served(start_time=f"{year:04}-06-01T00:00:00Z") for year in range(1, 9999, 1000)]

    for trace in _drawn(figure, summarize(tally_of(records, spec=_SPEC))).data:
        assert len(trace.x) <= MOST_BINS + 1


@pytest.mark.parametrize("figure", FIGURES.values(), ids=FIGURES)
@pytest.mark.parametrize("records", [[], [unrouted()], [served(None)]], ids=len)
def test_a_log_without_what_a_figure_shows_has_an_empty_one(
    figure: Callable[..., Any], records: list[Record]
) -> None:
    assert _drawn(figure, summarize(tally_of(records, spec=_SPEC))).to_plotly_json()["data"]


def _luminance(color: str) -> float:
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read_on_its_ground(theme: str) -> None:
    ground = getattr(INK["ground"], theme)

    for name in ("text", "quiet", "accent"):
        assert _contrast(getattr(INK[name], theme), ground) >= 4.5, name


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_who_must_act_has_a_color_of_its_own(theme: str) -> None:
    colors = {getattr(shade, theme) for shade in (*ACTOR_COLORS.values(), NOISE_COLOR)}

    assert len(colors) == len(Actor) + 1
    assert set(STACKED) == set(Actor)
    for one, other in combinations(colors, 2):
        parts = [(int(one[at : at + 2], 16), int(other[at : at + 2], 16)) for at in (1, 3, 5)]
        assert sum(abs(a - b) for a, b in parts) > 60


def test_the_template_of_dark_is_dark() -> None:
    assert _luminance(template(dark=True).layout.paper_bgcolor) < 0.05
    assert _luminance(template().layout.paper_bgcolor) > 0.9
