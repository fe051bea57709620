"""The figure of a split: its numbers are those of the table, its colors can be told apart."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import polars as pl
import pytest
from tests.handmade import Record, served, tally_of, unrouted

import envoylogs
from envoylogs.errors import UnknownKeyError
from envoylogs.render.figures import ACTOR_COLORS
from envoylogs.render.split_figure import CLUSTER_COLORS, REST_COLOR


def _sent(seconds: int, subset: str = "v1", **more: Any) -> Record:
    cluster = f"outbound|80|{subset}|cart.shop.svc.cluster.local"
    return served(seconds, **({"upstream_cluster": cluster, "route_name": "cart"} | more))


def _canary() -> envoylogs.Analysis:
    # From one in ten to nine in ten.
    records = [
        _sent(60 * minute + second, "v2" if second < minute else "v1")
        for minute in range(1, 10)
        for second in range(10)
    ]
    return envoylogs.analyze(tally_of(records), every="1m")


def test_the_bars_are_the_shares_of_the_table() -> None:
    analysis = _canary()
    figure = analysis.split_figure()

    found = {
        (trace.name, x * 1000): (share, said)
        for trace in figure.data
        for x, share, said in zip(trace.x, trace.y, trace.customdata, strict=True)
    }
    table = analysis.table("splits_over_time").with_columns(pl.col("start").dt.epoch("us"))
    assert table.height == 18
    for row in table.iter_rows(named=True):
        share, said = found.pop((f"cart.shop:80 {row['subset']}", row["start"]))
        assert share == pytest.approx(row["share"])
        assert said.endswith(f" {row['requests']} request" + "s" * (row["requests"] != 1))
    assert not found
    assert {trace.width for trace in figure.data} == {60_000}
    assert figure.layout.title.text == "shop.example.com, route cart"


def test_without_a_name_it_is_the_largest_split_of_several_parts() -> None:
    records = [
        *(served(n, route_name="big") for n in range(9)),
        _sent(1), _sent(2, "v2"),
        *(_sent(n, route_name="other", authority="b.example.com") for n in range(3)),
    ]  # fmt: skip
    analysis = envoylogs.analyze(tally_of(records))

    assert analysis.split_figure().layout.title.text == "shop.example.com, route cart"
    assert len(analysis.split_figure(route_name="big").data) == 1
    by_host = analysis.split_figure(authority="b.example.com")
    assert by_host.layout.title.text == "b.example.com, route other"
    no_route = envoylogs.analyze(tally_of([_sent(1, route_name=None)]))
    assert no_route.split_figure(route_name="-").data


def test_where_there_is_no_such_split_words_say_so() -> None:
    one = envoylogs.analyze(tally_of([served(0), unrouted(1)]))

    with pytest.raises(UnknownKeyError, match="no route sent requests to several clusters"):
        one.split_figure()
    with pytest.raises(
        UnknownKeyError, match=r"authority 'shop.exmple.com'.*mean shop.example.com"
    ):
        _canary().split_figure(authority="shop.exmple.com")
    with pytest.raises(UnknownKeyError, match="no requests of route_name 'cartt' were sent"):
        _canary().split_figure(route_name="cartt")


def test_of_many_clusters_those_with_most_requests_have_colors_and_the_rest_is_one() -> None:
    records = [
        _sent(n, f"v{subset}") for subset in range(1, 9) for n in range(10 if subset > 5 else 5)
    ]
    figure = envoylogs.analyze(tally_of(records)).split_figure()

    names = [trace.name for trace in figure.data]
    assert names == [f"cart.shop:80 v{n}" for n in (1, 2, 6, 7, 8)] + ["3 other clusters"]
    assert sum(sum(trace.y) for trace in figure.data) == pytest.approx(10)  # seconds
    assert figure.data[-1].marker.color == REST_COLOR.light


def test_names_from_the_log_are_no_markup_and_no_template() -> None:
    hostile = "<b>%{y}</b>&amp;!"
    records = [_sent(n, "v1", authority=hostile, route_name=hostile) for n in range(3)]
    records += [_sent(n, authority=hostile, route_name=hostile, upstream_cluster=hostile)
                for n in range(2)]  # fmt: skip
    figure = envoylogs.analyze(tally_of(records)).split_figure()

    assert "&lt;b&gt;%{y}&lt;/b&gt;&amp;amp;!" in [trace.name for trace in figure.data]
    assert "<" not in figure.layout.title.text
    assert all("<b>" not in trace.hovertemplate for trace in figure.data)


# Machado, Oliveira and Fernandes (2009), severity 1, of linear RGB.
_VISION = {
    "all cones": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}  # fmt: skip


def _lab(color: str, vision: str = "all cones") -> tuple[float, float, float]:
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    seen = [sum(m * p for m, p in zip(row, linear, strict=True)) for row in _VISION[vision]]
    red, green, blue = (min(1, max(0, p)) for p in seen)
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089
    of_x, of_y, of_z = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, y, z))
    return 116 * of_y - 16, 500 * (of_x - of_y), 200 * (of_y - of_z)


def _difference(one: str, other: str, vision: str = "all cones") -> float:
    """Return CIE76: two apart can just be seen side by side."""
    pairs = zip(_lab(one, vision), _lab(other, vision), strict=True)
    return math.hypot(*(a - b for a, b in pairs))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("vision", _VISION)
def test_clusters_can_be_told_apart_by_everybody(vision: str, theme: str) -> None:
    colors = [getattr(shade, theme) for shade in CLUSTER_COLORS]

    for one, other in combinations(colors, 2):
        assert _difference(one, other, vision) > 20
    for color in colors:
        assert _difference(color, getattr(REST_COLOR, theme), vision) > 14


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_cluster_does_not_look_like_somebody_who_must_act(theme: str) -> None:
    for shade in CLUSTER_COLORS:
        for actor in ACTOR_COLORS.values():
            assert _difference(getattr(shade, theme), getattr(actor, theme)) > 20
