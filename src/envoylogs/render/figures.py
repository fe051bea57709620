"""Plotly figures of a summary, shared by the page and notebooks, and their colors.

Each is a function of the slices of a log; all have the project's template. Times are
UTC, latency is in milliseconds. Nothing here is text from a log, since Plotly
takes markup in labels.

Colors have one meaning each, and are told apart by colorblind people too. An outcome has the color
of who must act on it. The hues are those of Okabe and Ito's palette, which was made for all kinds
of color vision; on dark they are lighter, so that the contrast stays.
"""

from __future__ import annotations

import math
from itertools import pairwise, starmap
from typing import TYPE_CHECKING, NamedTuple

import plotly.graph_objects as go

from envoylogs.envoy.harm import Actor
from envoylogs.render.formatting import count
from envoylogs.summary.in_words import counted
from envoylogs.summary.over_time import (
    LATENCY_EDGES_MS,
    NOISE,
    bin_width_us,
    by_actor,
    by_class,
    quantiles,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import polars as pl

    from envoylogs.summary.over_time import Window
    from envoylogs.summary.slices import Slices


class Shade(NamedTuple):
    """One color on a light ground and on a dark one."""

    light: str
    dark: str


ACTOR_COLORS = {
    Actor.NOBODY: Shade("#a9b4c0", "#5f6c7b"),
    Actor.CLIENT: Shade("#56b4e9", "#7cc8f2"),
    Actor.POLICY: Shade("#cc79a7", "#e39ac3"),
    Actor.OPERATOR: Shade("#e69f00", "#f2b632"),
    Actor.UPSTREAM: Shade("#d55e00", "#f07b3f"),
    Actor.CONFIGURATION: Shade("#0072b2", "#4da3e0"),
    Actor.UNKNOWN: Shade("#7a6a53", "#b09a78"),
}
"""By who must act."""

STACKED = (Actor.NOBODY, Actor.CLIENT, Actor.POLICY, Actor.OPERATOR, Actor.UNKNOWN,
           Actor.UPSTREAM, Actor.CONFIGURATION)  # fmt: skip
"""From the bottom of a stack to its top: what is nobody's problem first."""

NOISE_COLOR = Shade("#dde2e8", "#39434f")
"""Requests of strangers for hosts that were never routed."""

INK = {
    "ground": Shade("#ffffff", "#14181d"),
    "text": Shade("#1f2933", "#e4e9ef"),
    "quiet": Shade("#5a6775", "#9aa7b5"),
    "line": Shade("#e3e8ee", "#2b343e"),
    "accent": Shade("#0b5cad", "#6cb2f7"),
}
"""What is neither an outcome nor noise."""


def _class_words(low: float, high: float) -> str:
    least, most = (0 if low < 1 else math.ceil(low)), math.ceil(high) - 1
    if high == LATENCY_EDGES_MS[-1]:
        return f"{count(least)} ms or more"
    return f"{count(least)} ms" if least >= most else f"{count(least)} to {count(most)} ms"


LATENCY_CLASSES = tuple(starmap(_class_words, pairwise(LATENCY_EDGES_MS)))
"""The classes of the heat map in words."""

_TIME = "%{x|%Y-%m-%d %H:%M:%S}"
_PERCENTILES = {"p50": "dot", "p90": "dash", "p99": "solid"}
_HEIGHT = 260
_US_PER_MS = 1000


def template(*, dark: bool = False) -> go.layout.Template:
    """Return the look of all figures, on a light ground or on a dark one."""

    def ink(name: str) -> str:
        return INK[name].dark if dark else INK[name].light

    axis = {
        "gridcolor": ink("line"),
        "linecolor": ink("line"),
        "zeroline": False,
        "automargin": True,
        "title": {"standoff": 8, "font": {"color": ink("quiet"), "size": 12}},
        "tickfont": {"color": ink("quiet"), "size": 11},
    }
    colors = [ACTOR_COLORS[actor].dark if dark else ACTOR_COLORS[actor].light for actor in STACKED]
    return go.layout.Template(
        layout={
            "colorway": colors,
            "font": {"family": "system-ui, sans-serif", "color": ink("text"), "size": 12},
            "paper_bgcolor": ink("ground"),
            "plot_bgcolor": ink("ground"),
            "xaxis": axis | {"ticks": "outside", "ticklen": 4, "tickcolor": ink("line")},
            "yaxis": axis,
            "bargap": 0,
            "hoverlabel": {
                "bgcolor": ink("ground"),
                "bordercolor": ink("quiet"),
                "font": {"color": ink("text")},
            },
            "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
            "margin": {"l": 8, "r": 8, "t": 36, "b": 8},
            "colorscale": {"sequential": _scale(dark=dark)},
        }
    )


def _scale(*, dark: bool) -> list[tuple[float, str]]:
    """Return the scale of counts: from the ground to the accent, by lightness alone."""
    stops = (
        ("#14181d", "#17395c", "#1f6fb5", "#7cc0fb", "#e8f4ff")
        if dark
        else ("#ffffff", "#cfe3f7", "#7db4e6", "#2b78bf", "#0a3d70")
    )
    return [(place / (len(stops) - 1), color) for place, color in enumerate(stops)]


def timeline_figure(slices: Slices) -> go.Figure:
    """Return requests over time, stacked by who must act; noise on top, apart from them.

    Connections that failed are among them; where there is no request, all
    connections are shown.
    """
    by_bin, noun = by_actor(slices)
    figure = go.Figure(layout=_layout(slices, noun))
    figure.update_layout(barmode="stack", dragmode="select", selectdirection="h")
    figure.update_yaxes(rangemode="tozero")
    for name, shade in (
        *((str(actor), ACTOR_COLORS[actor]) for actor in STACKED),
        (NOISE, NOISE_COLOR),
    ):
        of_trace = by_bin.filter(actor=name)
        figure.add_bar(
            name=name,
            x=_milliseconds(of_trace["bin"]),
            y=of_trace["records"].to_list(),
            width=bin_width_us(slices) / _US_PER_MS,
            offset=0,
            marker={"color": shade.light, "line": {"width": 0}},
            meta=shade._asdict(),
            hovertemplate=f"{_TIME}<br>{noun}: %{{y:,}}<extra>{name}</extra>",
        )
    return figure


def latency_figure(slices: Slices) -> go.Figure:
    """Return percentiles of the latency of answered requests over time."""
    found = quantiles(slices)
    figure = go.Figure(layout=_layout(slices, "latency, ms", log=True))
    for name, dash in _PERCENTILES.items():
        figure.add_scatter(
            name=name,
            x=_milliseconds(found["bin"]),
            # Zero has no place on a logarithmic axis.
            y=[max(float(value), LATENCY_EDGES_MS[0]) for value in found[name]],
            mode="lines+markers",
            marker={"size": 4},
            line={"dash": dash, "width": 1.5, "color": INK["accent"].light},
            meta=INK["accent"]._asdict(),
            connectgaps=False,
            hovertemplate=f"{_TIME}<br>%{{y:,.0f}} ms<extra>{name}</extra>",
        )
    return figure


def heat_map_figure(slices: Slices) -> go.Figure:
    """Return how many answered requests took how long, over time."""
    counts, width_us = by_class(slices), bin_width_us(slices)
    figure = go.Figure(layout=_layout(slices, "latency, ms", log=True))
    x: list[float] = []
    y: list[float] = []
    z: list[list[int | None]] = []
    words: list[list[str]] = []
    if counts:
        bins, found = zip(*counts, strict=True)
        classes = range(max(found) + 1)
        starts = range(min(bins), max(bins) + width_us, width_us)
        x = [start / _US_PER_MS for start in (*starts, starts[-1] + width_us)]
        y = list(LATENCY_EDGES_MS[: len(classes) + 1])
        z = [[counts.get((start, above)) for start in starts] for above in classes]
        words = [[LATENCY_CLASSES[above]] * len(starts) for above in classes]
    figure.add_heatmap(
        x=x,
        y=y,
        z=z,
        text=words,
        colorscale=_scale(dark=False),
        colorbar={"title": {"text": "requests"}, "thickness": 12},
        hovertemplate=f"{_TIME}<br>%{{text}}<br>requests: %{{z:,}}<extra></extra>",
        hoverongaps=False,
    )
    return figure


FIGURES: Mapping[str, Callable[[Slices], go.Figure]] = {
    "timeline": timeline_figure,
    "latency": latency_figure,
    "heat_map": heat_map_figure,
}
"""By name, as the page has them."""


def _layout(slices: Slices, y_title: str, *, log: bool = False) -> dict[str, object]:
    y_axis: dict[str, object] = {"title": {"text": y_title}}
    if log:
        y_axis |= {"type": "log", "dtick": 1}
    return {
        "template": template(),
        "height": _HEIGHT,
        "xaxis": {"type": "date", "title": {"text": _time_title(slices.window)}},
        "yaxis": y_axis,
    }


def _time_title(window: Window | None) -> str:
    """Return the title of the time axis, which says what is not in the figure."""
    if window is None or not window.outside:
        return "UTC"
    return f"UTC; without {counted(window.outside, 'record')} of other times, far from these"


def _milliseconds(times_us: pl.Series) -> list[float]:
    """Return microseconds since 1970 as the milliseconds that Plotly takes for dates."""
    return (times_us / _US_PER_MS).to_list()
