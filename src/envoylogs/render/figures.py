"""Plotly figures of a summary, shared by the page and notebooks.

Each is a function of a ``Summary``; all have the project's template. Times are
UTC, latency is in milliseconds. Nothing here is text from a log, since Plotly
takes markup in labels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go
import polars as pl

from envoylogs.envoy.outcomes import OUTCOMES
from envoylogs.render.colors import ACTOR_COLORS, INK, NOISE_COLOR, STACKED
from envoylogs.summary.percentiles import latency_by
from envoylogs.tally.classes import ALL_DIGITS
from envoylogs.tally.timeline import WIDTHS_S

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from envoylogs.summary.slices import Slices
    from envoylogs.summary.summary import Summary

__all__ = [
    "FIGURES",
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
"""Where the classes of the heat map begin and end; the first is of requests below a millisecond."""

MOST_BINS = 120
"""A figure has bins of time as narrow as these let it."""

_PERCENTILES = {"p50": "dot", "p90": "dash", "p99": "solid"}
_ACTORS = {outcome.name: str(outcome.actor) for outcome in OUTCOMES}
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
            "xaxis": axis,
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

    Args:
        summary: With ``slices``.
    """
    rows, width_us = _binned(summary)
    sliced = _sliced(summary)
    traces = sliced.combinations.select(
        pl.when("noise").then(pl.lit(NOISE))
        .otherwise(pl.col("outcome").replace_strict(_ACTORS, return_dtype=pl.String))
        .alias("trace"),
        "connection",
    ).with_row_index("combination")  # fmt: skip
    counted = (
        rows.join(traces.filter(~pl.col("connection")), on="combination")
        .group_by("trace", "bin")
        .agg(pl.col("records").sum())
        .sort("bin")
    )
    figure = go.Figure(layout=_layout("requests"))
    figure.update_layout(barmode="stack", dragmode="select", selectdirection="h")
    figure.update_yaxes(rangemode="tozero")
    for name, shade in (
        *((str(actor), ACTOR_COLORS[actor]) for actor in STACKED),
        (NOISE, NOISE_COLOR),
    ):
        of_trace = counted.filter(trace=name)
        figure.add_bar(
            name=name,
            x=_milliseconds(of_trace["bin"]),
            y=of_trace["records"].to_list(),
            width=width_us / _US_PER_MS,
            offset=0,
            marker={"color": shade.light, "line": {"width": 0}},
            meta=shade._asdict(),
            hovertemplate="%{x|%H:%M:%S}<br>%{y:,} requests<extra>" + name + "</extra>",
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
    figure = go.Figure(layout=_layout("latency, ms", log=True))
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
            hovertemplate="%{x|%H:%M:%S}<br>%{y:,.0f} ms<extra>" + name + "</extra>",
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
    counted = {
        (bin_us, above): n
        for bin_us, above, n in cells.group_by("bin", "class")
        .agg(pl.col("records").sum())
        .iter_rows()
    }
    figure = go.Figure(layout=_layout("latency, ms", log=True))
    x: list[float] = []
    y: list[float] = []
    z: list[list[int | None]] = []
    if counted:
        bins, classes = [key[0] for key in counted], range(max(key[1] for key in counted) + 1)
        starts = range(min(bins), max(bins) + width_us, width_us)
        x = [start / _US_PER_MS for start in (*starts, starts[-1] + width_us)]
        y = list(LATENCY_EDGES_MS[: len(classes) + 1])
        z = [[counted.get((start, above)) for start in starts] for above in classes]
    figure.add_heatmap(
        x=x,
        y=y,
        z=z,
        colorscale=_scale(dark=False),
        colorbar={"title": {"text": "requests"}, "thickness": 12},
        hovertemplate="%{x|%H:%M:%S}<br>%{y:,.0f} ms<br>%{z:,} requests<extra></extra>",
        hoverongaps=False,
    )
    return figure


FIGURES: Mapping[str, Callable[[Summary], go.Figure]] = {
    "timeline": timeline_figure,
    "latency": latency_figure,
    "heat_map": heat_map_figure,
}
"""By name, as the page has them."""


def _layout(y_title: str, *, log: bool = False) -> dict[str, object]:
    y_axis: dict[str, object] = {"title": {"text": y_title}}
    if log:
        y_axis |= {"type": "log", "dtick": 1}
    return {
        "template": template(),
        "height": _HEIGHT,
        "xaxis": {"type": "date", "title": {"text": "UTC"}},
        "yaxis": y_axis,
    }


def _sliced(summary: Summary) -> Slices:
    if summary.slices is None:
        raise ValueError("this figure needs joint counts by summary.slices.SLICE_COLUMNS")
    return summary.slices


def _binned(summary: Summary) -> tuple[pl.DataFrame, int]:
    """Return rows of slices with a time, with the start of their ``bin``, and its width (us)."""
    sliced = _sliced(summary)
    rows = sliced.rows.drop_nulls("start")
    first, last = rows["start"].min(), rows["start"].max()
    narrowest = (sliced.width_s or WIDTHS_S[0]) * _US_PER_S
    if not (isinstance(first, int) and isinstance(last, int)):
        return rows.with_columns(bin="start"), narrowest
    widths = [width * _US_PER_S for width in WIDTHS_S if width * _US_PER_S >= narrowest]
    fitting = (w for w in widths if last // w - first // w < MOST_BINS)
    width = next(fitting, widths[-1])
    return rows.with_columns((pl.col("start") // width * width).alias("bin")), width


def _milliseconds(times_us: pl.Series) -> list[float]:
    """Return microseconds since 1970 as the milliseconds that Plotly takes for dates."""
    return (times_us / _US_PER_MS).to_list()
