"""What the script of a page knows besides the counts: what names mean, findings, figures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from envoylogs.envoy.clusters import cluster_parts, service_label
from envoylogs.envoy.failures.lookup import FAILURES, must_act_on_errors
from envoylogs.envoy.outcomes import FAILED_CONNECTIONS, OUTCOMES, SELF_ANSWERED, UNROUTED
from envoylogs.render.figures import ACTOR_COLORS, FIGURES, LATENCY_CLASSES, STACKED, template
from envoylogs.render.formatting import count, percent, span
from envoylogs.render.split_figure import BAR, CLUSTER_COLORS, REST_COLOR, split_figure
from envoylogs.render.words import (
    LEDGER,
    facts_of_finding,
    findings_shown,
    severity_words,
    with_commands,
)
from envoylogs.summary.findings.onset import was_from_the_start
from envoylogs.summary.over_time import LATENCY_EDGES_MS, MOST_BINS
from envoylogs.summary.overview import UNDECIDED
from envoylogs.summary.splits import NOT_SENT
from envoylogs.summary.tables import SPLITS_OVER_TIME
from envoylogs.tally.ladder import WIDTHS_S

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from envoylogs.summary.findings.finding import Finding
    from envoylogs.summary.over_time import Window
    from envoylogs.summary.overview import Overview
    from envoylogs.summary.slices import FindingSlice, Slices
    from envoylogs.summary.summary import Summary

PAGE_LEDGER = LEDGER | {UNDECIDED: "no route, lost or never routed: names were folded"}
"""Who answered 404, by the keys of the ledger, in the order in which counts name them."""

_TREND_BINS = 60
_US_PER_S = 1_000_000


def meta_of(summary: Summary, slices: Slices) -> dict[str, Any]:
    """Return everything that the script of a page needs and that is no count."""
    joint = summary.folds.joint
    error = joint.latency_relative_error if joint else 0.0
    width_s = slices.width_s or WIDTHS_S[0]
    shown = findings_shown(summary)
    sliced = [summary.finding_slices[summary.findings.index(found)] for found in shown]
    # The page counts the numbers of figures itself: their looks are those of a log without rows.
    empty = replace(slices, rows=slices.rows.clear())
    return {
        "width_s": width_s,
        "width": span(width_s),
        "widths_s": WIDTHS_S,
        "most_bins": MOST_BINS,
        "window": [summary.overview.first, summary.overview.last],
        "shown": slices.window and slices.window._asdict(),
        "near": f"within {percent(error)}" if error else "",
        "latency_edges_ms": LATENCY_EDGES_MS,
        "latency_classes": LATENCY_CLASSES,
        # Noise that a finding is about is what people came for.
        "noise": "shown" if any(map(_is_noise, sliced)) else "apart",
        "actors": [
            {"name": str(actor), "color": ACTOR_COLORS[actor]._asdict()} for actor in STACKED
        ],
        "outcomes": {
            outcome.name: {
                "actor": str(outcome.actor),
                "must_act": outcome.must_act,
                "must_act_on_errors": must_act_on_errors(outcome),
                "meaning": outcome.meaning,
                "unrouted": outcome.name in UNROUTED,
                "by_gateway": outcome.name in SELF_ANSWERED,
                "not_sent": outcome.name in NOT_SENT,
                "failed_connection": outcome.name in FAILED_CONNECTIONS,
            }
            for outcome in OUTCOMES
        },
        "failures": {name: {"actor": str(failure.actor)} for name, failure in FAILURES.items()},
        "clusters": _clusters(slices),
        "ledger": list(PAGE_LEDGER.items()),
        "findings": [
            _finding(summary, slices, found, of_found)
            for found, of_found in zip(shown, sliced, strict=True)
        ],
        "figures": {
            **{name: _emptied(figure(empty)) for name, figure in FIGURES.items()},
            "split": _emptied(split_figure(summary.table(SPLITS_OVER_TIME).clear(), width_s)),
        },
        "split": {
            "bar": BAR,
            "colors": [shade._asdict() for shade in CLUSTER_COLORS],
            "rest": REST_COLOR._asdict(),
        },
        "templates": {
            "light": template().to_plotly_json(),
            "dark": template(dark=True).to_plotly_json(),
        },
    }


def _clusters(slices: Slices) -> dict[str, dict[str, str | None]]:
    names = (
        pl.concat(
            frame.select(pl.col("upstream_cluster").drop_nulls())
            for frame in (slices.combinations, slices.examples)
        )
        .unique()
        .sort("upstream_cluster")
    )
    _, _, subset, _ = cluster_parts(pl.col("upstream_cluster"))
    return {
        name: {"subset": of_subset, "label": service_label(name)}
        for name, of_subset in names.select("upstream_cluster", subset).iter_rows()
    }


def _finding(
    summary: Summary, slices: Slices, found: Finding, sliced: FindingSlice | None
) -> dict[str, Any]:
    return {
        "severity": found.severity.name.lower(),
        "severity_words": severity_words(found),
        "who": str(found.who),
        "title": found.title,
        "facts": facts_of_finding(found, summary.overview),
        "proof": found.proof,
        "next": with_commands(found.next),
        "change": found.change,
        "onset": _onset(found, summary.overview),
        "filters": sliced and sliced.filters,
        "noise": _is_noise(sliced),
        "filters_note": _filters_note(found, sliced),
        "trend": sliced and _trend(sliced, slices.window, slices.width_s),
    }


def _is_noise(sliced: FindingSlice | None) -> bool:
    return sliced is not None and 2 * sliced.noise > sum(sliced.trend.values())


def _onset(found: Finding, overview: Overview) -> int | None:
    """Return when a finding began, or was first seen; null if that is the start of the log."""
    if found.since is not None or found.first_seen is None:
        return found.since
    if overview.first is None or overview.last is None:
        return None
    at_once = was_from_the_start(found.first_seen, overview.first, overview.last)
    return None if at_once else found.first_seen


def _filters_note(found: Finding, sliced: FindingSlice | None) -> str | None:
    """Return why a card doesn't pick out its requests, or not all of them; null if it does."""
    if found.where is None:
        return None
    if sliced is None:
        return "Its requests can't be picked out from the counts of this page."
    picked = sum(sliced.trend.values())
    if picked < found.requests:
        return f"Picks out {count(picked)} of them: names of the others were folded."
    return None


def _trend(sliced: FindingSlice, window: Window | None, width_s: int | None) -> list[int]:
    """Return records over the window of figures in a few bins of equal width."""
    if window is None or width_s is None:
        return []
    bins = [0] * _TREND_BINS
    length = window.last + width_s * _US_PER_S - window.first
    for start, n in sliced.trend.items():
        if start is not None and window.first <= start <= window.last:
            bins[(start - window.first) * _TREND_BINS // length] += n
    return bins


def _emptied(figure: go.Figure) -> dict[str, Any]:
    """Return a figure without its numbers, which the page counts itself."""
    found: dict[str, Any] = figure.to_plotly_json()
    found["layout"].pop("template")
    for trace in found["data"]:
        for name in ("x", "y", "z", "text", "width"):
            trace.pop(name, None)
    return found
