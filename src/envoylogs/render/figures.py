"""Plotly figures of a summary, shared by the page and notebooks.

Each is a function of a ``Summary``; all have the project's template. Times are
UTC, latency is in milliseconds. Nothing here is text from a log, since Plotly
takes markup in labels.
"""

from __future__ import annotations

import math
from itertools import pairwise, starmap
from typing import TYPE_CHECKING

import plotly.graph_objects as go
import polars as pl

from envoylogs.envoy.failures.lookup import actor_of_record
from envoylogs.envoy.outcomes import FAILED_CONNECTIONS
from envoylogs.render.colors import ACTOR_COLORS, INK, NOISE_COLOR, STACKED
from envoylogs.render.formatting import count
from envoylogs.summary.in_words import counted
from envoylogs.summary.percentiles import latency_by
from envoylogs.tally.ladder import ALL_DIGITS, WIDTHS_S

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from envoylogs.summary.slices import Slices
    from envoylogs.summary.summary import Summary
    from envoylogs.summary.window import Window

__all__ = [
    "FIGURES",
    "LATENCY_CLASSES",
    "LATENCY_EDGES_MS",
    "MOST_BINS",
    "NOISE",
    "heat_map_figure",
    "latency_figure",
    "template",
    "timeline_figure",
]

NOISE = "noise"
"""The name of the trace of noise."""

# Halves of octaves: whole classes of durations, however few binary digits are kept of them.
LATENCY_EDGES_MS = (
    0.5, 1, *(edge * 2**octave for octave in range(1, 22) for edge in (1, 1.5)),
)  # fmt: skip
"""Where the classes of the heat map begin and end: the first is of requests below a millisecond,
the last of all that took longer."""


def _class_words(low: float, high: float) -> str:
    least, most = (0 if low < 1 else math.ceil(low)), math.ceil(high) - 1
    if high == LATENCY_EDGES_MS[-1]:
        return f"{count(least)} ms or more"
    return f"{count(least)} ms" if least >= most else f"{count(least)} to {count(most)} ms"


LATENCY_CLASSES = tuple(starmap(_class_words, pairwise(LATENCY_EDGES_MS)))
"""The classes of the heat map in words."""

MOST_BINS = 120
"""A figure has bins of time as narrow as these let it."""

_TIME = "%{x|%Y-%m-%d %H:%M:%S}"
_PERCENTILES = {"p50": "dot", "p90": "dash", "p99": "solid"}
_HEIGHT = 260
_US_PER_S, _US_PER_MS = 1_000_000, 1000


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


def timeline_figure(summary: Summary) -> go.Figure:
    """Return requests over time, stacked by who must act; noise on top, apart from them.

    Connections that failed are among them; where there is no request, all
    connections are shown.

    Args:
        summary: With ``slices``.
    """
    rows, width_us = _binned(summary)
    sliced = _sliced(summary)
    traces = sliced.combinations.select(
        pl.when("noise").then(pl.lit(NOISE))
        .otherwise(actor_of_record())
        .alias("trace"),
        "connection",
        pl.col("outcome").is_in(FAILED_CONNECTIONS).alias("failed"),
    ).with_row_index("combination")  # fmt: skip
    noun = "connections"
    if summary.overview.requests or not summary.overview.connections:
        traces = traces.filter(~pl.col("connection") | pl.col("failed"))
        noun = "requests and failed connections" if traces["failed"].any() else "requests"
    by_bin = (
        rows.join(traces, on="combination")
        .group_by("trace", "bin")
        .agg(pl.col("records").sum())
        .sort("bin")
    )
    figure = go.Figure(layout=_layout(summary, noun))
    figure.update_layout(barmode="stack", dragmode="select", selectdirection="h")
    figure.update_yaxes(rangemode="tozero")
    for name, shade in (
        *((str(actor), ACTOR_COLORS[actor]) for actor in STACKED),
        (NOISE, NOISE_COLOR),
    ):
        of_trace = by_bin.filter(trace=name)
        figure.add_bar(
            name=name,
            x=_milliseconds(of_trace["bin"]),
            y=of_trace["records"].to_list(),
            width=width_us / _US_PER_MS,
            offset=0,
            marker={"color": shade.light, "line": {"width": 0}},
            meta=shade._asdict(),
            hovertemplate=f"{_TIME}<br>{noun}: %{{y:,}}<extra>{name}</extra>",
        )
    return figure


def latency_figure(summary: Summary) -> go.Figure:
    """Return percentiles of the latency of answered requests over time.

    Args:
        summary: With ``slices``.
    """
    rows, _ = _binned(summary)
    answered = rows.filter(pl.col("value_ms").is_not_null()).select(
        "bin", "value_ms", pl.col("records").alias("requests"), digits=pl.lit(ALL_DIGITS)
    )
    found = latency_by(answered, ["bin"], "latency").sort("bin").unnest("latency")
    figure = go.Figure(layout=_layout(summary, "latency, ms", log=True))
    for name, dash in _PERCENTILES.items():
        figure.add_scatter(
            name=name,
            x=_milliseconds(found["bin"]),
            # Zero has no place on a logarithmic axis.
            y=found[name].cast(pl.Float64).clip(LATENCY_EDGES_MS[0]).to_list(),
            mode="lines+markers",
            marker={"size": 4},
            line={"dash": dash, "width": 1.5, "color": INK["accent"].light},
            meta=INK["accent"]._asdict(),
            connectgaps=False,
            hovertemplate=f"{_TIME}<br>%{{y:,.0f}} ms<extra>{name}</extra>",
        )
    return figure


def heat_map_figure(summary: Summary) -> go.Figure:
    """Return how many answered requests took how long, over time.

    Args:
        summary: With ``slices``.
    """
    rows, width_us = _binned(summary)
    edges = pl.Series(LATENCY_EDGES_MS)
    place = edges.search_sorted(
        rows["value_ms"].cast(pl.Float64).clip(edges[0], edges[-1] - 1), side="right"
    )
    cells = rows.with_columns(place.cast(pl.Int64).alias("class") - 1).filter(
        pl.col("value_ms").is_not_null()
    )
    cells_counted = {
        (bin_us, above): n
        for bin_us, above, n in cells.group_by("bin", "class")
        .agg(pl.col("records").sum())
        .iter_rows()
    }
    figure = go.Figure(layout=_layout(summary, "latency, ms", log=True))
    x: list[float] = []
    y: list[float] = []
    z: list[list[int | None]] = []
    words: list[list[str]] = []
    if cells_counted:
        bins, found = zip(*cells_counted, strict=True)
        classes = range(max(found) + 1)
        starts = range(min(bins), max(bins) + width_us, width_us)
        x = [start / _US_PER_MS for start in (*starts, starts[-1] + width_us)]
        y = list(LATENCY_EDGES_MS[: len(classes) + 1])
        z = [[cells_counted.get((start, above)) for start in starts] for above in classes]
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


FIGURES: Mapping[str, Callable[[Summary], go.Figure]] = {
    "timeline": timeline_figure,
    "latency": latency_figure,
    "heat_map": heat_map_figure,
}
"""By name, as the page has them."""


def _layout(summary: Summary, y_title: str, *, log: bool = False) -> dict[str, object]:
    window = _sliced(summary).window
    y_axis: dict[str, object] = {"title": {"text": y_title}}
    if log:
        y_axis |= {"type": "log", "dtick": 1}
    return {
        "template": template(),
        "height": _HEIGHT,
        "xaxis": {"type": "date", "title": {"text": _time_title(window)}},
        "yaxis": y_axis,
    }


def _time_title(window: Window | None) -> str:
    """Return the title of the time axis, which says what is not in the figure."""
    if window is None or not window.outside:
        return "UTC"
    return f"UTC; without {counted(window.outside, 'record')} of other times, far from these"


def _sliced(summary: Summary) -> Slices:
    if summary.slices is None:
        raise ValueError("this figure needs joint counts by summary.slices.SLICE_COLUMNS")
    return summary.slices


def _binned(summary: Summary) -> tuple[pl.DataFrame, int]:
    """Return rows of slices in their window, with the start of their ``bin``, and its width (us).

    Past the widest buckets of tallies bins are doubled as often as they must be.
    """
    sliced = _sliced(summary)
    width = (sliced.width_s or WIDTHS_S[0]) * _US_PER_S
    if sliced.window is None:
        return sliced.rows.clear().with_columns(bin="start"), width
    first, last, _ = sliced.window
    widths = iter(wider * _US_PER_S for wider in WIDTHS_S if wider * _US_PER_S > width)
    while last // width - first // width >= MOST_BINS:
        width = next(widths, 2 * width)
    rows = sliced.rows.filter(pl.col("start").is_between(first, last))
    return rows.with_columns((pl.col("start") // width * width).alias("bin")), width


def _milliseconds(times_us: pl.Series) -> list[float]:
    """Return microseconds since 1970 as the milliseconds that Plotly takes for dates."""
    return (times_us / _US_PER_MS).to_list()
