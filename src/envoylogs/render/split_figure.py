"""The Plotly figure of one split: the share of each cluster over time, and the colors of clusters.

A cluster is nobody who must act, so these colors are none of ``ACTOR_COLORS``: two hues that those
leave free, dark and light in turn, which people with any kind of color vision tell apart. A cluster
has the color of its place among the names of its split, so it is the same whatever is shown.
"""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go
import polars as pl

from envoylogs.envoy.clusters import service_label
from envoylogs.render.figures import Shade, template
from envoylogs.render.formatting import percent, printable
from envoylogs.summary.in_words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

CLUSTER_COLORS = (
    Shade("#00664f", "#1fa187"),
    Shade("#b9a9ee", "#d7ccff"),
    Shade("#5b2a86", "#8556c8"),
    Shade("#8fd9bd", "#b5f0d8"),
    Shade("#e9dc3c", "#f0e663"),
)
"""Of the clusters of a split, in the order of their names."""

REST_COLOR = Shade("#8a8a8a", "#4a4a4a")
"""Of all clusters of a split but those with most requests, where there are more than colors."""

BAR: dict[str, Any] = {
    "type": "bar",
    "offset": 0,
    "marker": {"line": {"width": 0}},
    # The name beside it would have the color of its bar, on which light ones can't be read.
    "hovertemplate": "%{x|%Y-%m-%d %H:%M:%S}<br>%{customdata}<extra></extra>",
}
"""What all traces are."""

_US_PER_MS = 1000
_HEIGHT = 280


def split_figure(shares: pl.DataFrame, width_s: int) -> go.Figure:
    """Return the share of each cluster over time as stacked bars.

    Args:
        shares: Rows of ``splits_over_time`` of one split.
        width_s: How wide the time buckets are.

    Returns:
        A trace a cluster, in the order of names, from the bottom to the top. Buckets without
        a request have no bar.
    """
    figure = go.Figure(layout=_layout(shares))
    for (names, name), shade in _traces(shares):
        of_trace = (
            shares.filter(pl.col("upstream_cluster").is_in(names))
            .group_by("start", maintain_order=True)
            .agg(pl.col("requests", "share").sum())
        )
        figure.add_trace(
            {
                **BAR,
                "name": name,
                "x": (of_trace["start"] / _US_PER_MS).to_list(),
                "y": of_trace["share"].to_list(),
                "customdata": [
                    f"{name}<br>{percent(share)}, {counted(requests, 'request')}"
                    for share, requests in of_trace.select("share", "requests").iter_rows()
                ],
                "width": width_s * 1000,
                "marker": {**BAR["marker"], "color": shade.light},
                "meta": shade._asdict(),
            }
        )
    return figure


def _traces(shares: pl.DataFrame) -> list[tuple[tuple[Sequence[str], str], Shade]]:
    """Return the clusters of each trace with its name, and its color."""
    most = (
        shares.group_by("upstream_cluster")
        .agg(pl.col("requests").sum())
        .sort(-pl.col("requests"), "upstream_cluster")["upstream_cluster"]
        .to_list()
    )
    shown, rest = sorted(most[: len(CLUSTER_COLORS)]), most[len(CLUSTER_COLORS) :]
    labels = Counter(map(service_label, shown))
    # Plotly reads tags in every label.
    named = [
        ([name], escape(printable(label if labels[label] == 1 else name), quote=False))
        for name in shown
        for label in (service_label(name),)
    ]
    traces: list[tuple[tuple[Sequence[str], str], Shade]] = [*zip(named, CLUSTER_COLORS)]  # noqa: B905
    if rest:
        traces.append(((rest, counted(len(rest), "other cluster")), REST_COLOR))
    return traces


def _layout(shares: pl.DataFrame) -> dict[str, object]:
    authority, route = (shares[name].head(1).to_list() for name in ("authority", "route_name"))
    of = f"{printable(*authority)}, route {printable(*route)}" if authority else ""
    return {
        "template": template(),
        "height": _HEIGHT,
        "barmode": "stack",
        "showlegend": True,
        "margin": {"t": 64},
        "title": {
            "text": escape(of, quote=False),
            "font": {"size": 13},
            "x": 0,
            "xref": "paper",
        },
        "legend": {"traceorder": "normal"},
        "xaxis": {"type": "date", "title": {"text": "UTC"}},
        "yaxis": {"title": {"text": "share of requests"}, "range": [0, 1], "tickformat": ".0%"},
    }
