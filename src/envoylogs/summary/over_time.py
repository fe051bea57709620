"""Requests, latency and their classes over the time of a log, as tables and as figures show them.

A figure shows all of it, but for a few records that are far away. Such strays are left out of
figures and counted, and they stay in every table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from envoylogs.envoy.failures.lookup import actor_of_record
from envoylogs.envoy.harm import Actor
from envoylogs.envoy.outcomes import FAILED_CONNECTIONS, UNROUTED
from envoylogs.summary.percentiles import latency_by, latency_column
from envoylogs.tally.ladder import ALL_DIGITS, WIDTHS_S

if TYPE_CHECKING:
    from envoylogs.summary.judged import Judged
    from envoylogs.summary.slices import Slices
    from envoylogs.tally.tally import Tally


def timeline(judged: Judged) -> pl.DataFrame:
    """Return requests by time bucket; buckets without a request are missing.

    Args:
        judged: What to count; its ``buckets`` say how wide they are.

    Returns:
        ``start`` (microseconds since 1970; null for records without a time),
        ``requests``, ``errors``, ``unrouted``, ``by_actor`` (a struct of counts
        by who must act). Ordered by ``start``.
    """
    requests, actor = pl.col("requests"), pl.col("actor")
    return (
        judged.timeline.lazy()
        .filter(pl.col("kind") == "request")
        .with_columns(actor_of_record().alias("actor"), judged.bucket)
        .group_by("start")
        .agg(
            requests.sum(),
            pl.col("errors").sum(),
            requests.filter(pl.col("outcome").is_in(UNROUTED)).sum().alias("unrouted"),
            pl.struct(
                requests.filter(actor == str(name)).sum().alias(str(name)) for name in Actor
            ).alias("by_actor"),
        )
        .sort("start", nulls_last=True)
        .collect()
    )


def joint_table(tally: Tally) -> pl.DataFrame:
    """Return requests and connections by time bucket and the columns of the joint counts.

    Args:
        tally: With joint counts, or the table has no columns but the time.

    Returns:
        A row for each bucket and values: ``start`` (microseconds since 1970;
        null for records without a time), ``width_s`` (seconds, the same in
        all rows), the columns, ``requests``, ``connections``, ``errors``,
        ``latency_ms``.
        Ordered by ``start``, then by requests descending, then by the columns.
    """
    rows, columns = tally.joint.frame, tally.spec.joint
    keys = ["start", "width_s", *columns]
    latency = latency_by(rows.filter(pl.col("value_ms").is_not_null()), keys, "latency_ms")
    return (
        rows.lazy()
        .group_by(keys)
        .agg(pl.col("requests", "connections", "errors").sum())
        .join(latency.lazy(), on=keys, how="left", nulls_equal=True)
        .with_columns(latency_column("latency_ms"))
        .cast({pl.Categorical(): pl.String()})
        .sort("start", -pl.col("requests"), *columns, nulls_last=True)
        .collect()
    )


NOISE = "noise"
"""What requests of strangers are counted as, in the place of who must act."""

MOST_BINS = 120
"""A figure has bins of time as narrow as these let it."""

# Halves of octaves: whole classes of durations, however few binary digits are kept of them.
LATENCY_EDGES_MS = (
    0.5, 1, *(edge * 2**octave for octave in range(1, 22) for edge in (1, 1.5)),
)  # fmt: skip
"""Where the classes of latency begin and end: the first is of requests below a millisecond, the
last of all that took longer."""

_US_PER_S = 1_000_000

_STRAYS = 0.01
"""At each end of a log that many records may be strays, and one of ten at least.

One record of 1970, from a proxy without a clock, would leave all others in one bin of a figure.
"""

_FEWEST = 10
_REACH = 9
_NEAR_US = 3_600_000_000
"""What is within an hour of the others is no stray, however short the log is."""


class Window(NamedTuple):
    """What figures show.

    Attributes:
        first: Start of the first bucket, microseconds since 1970.
        last: Start of the last one.
        outside: How many records with a time are in none of the buckets between.
    """

    first: int
    last: int
    outside: int


def window_of(rows: pl.DataFrame) -> Window | None:
    """Return the window of all records but strays; null for a log without times.

    A stray is among the first or last percent of the records, and ten times as
    far from the middle of the log as the rest. Rows are those of ``Slices``.
    """
    by_start = (
        rows.drop_nulls("start")
        .group_by("start")
        .agg(pl.col("records").sum())
        .sort("start")
        .with_columns(pl.col("records").cum_sum().alias("reached"))
    )
    if by_start.is_empty():
        return None
    total = int(by_start["records"].sum())
    strays = max(1, int(total * _STRAYS)) if total >= _FEWEST else 0
    low, high = (
        by_start.filter(pl.col("reached") >= rank)["start"][0]
        for rank in (strays + 1, total - strays)
    )
    reach = max(_REACH * (high - low), _NEAR_US)
    inside = by_start.filter(pl.col("start").is_between(low - reach, high + reach))
    return Window(inside["start"][0], inside["start"][-1], total - int(inside["records"].sum()))


def bin_width_us(slices: Slices) -> int:
    """Return how wide the bins of figures are, in microseconds.

    Past the widest buckets of tallies bins are doubled as often as they must be.
    """
    width = (slices.width_s or WIDTHS_S[0]) * _US_PER_S
    if slices.window is None:
        return width
    first, last, _ = slices.window
    widths = iter(wider * _US_PER_S for wider in WIDTHS_S if wider * _US_PER_S > width)
    while last // width - first // width >= MOST_BINS:
        width = next(widths, 2 * width)
    return width


def _binned(slices: Slices) -> pl.LazyFrame:
    """Return rows of slices in their window, with the start of their ``bin``."""
    if slices.window is None:
        return slices.rows.clear().lazy().with_columns(bin="start")
    width = bin_width_us(slices)
    rows = slices.rows.lazy().filter(
        pl.col("start").is_between(slices.window.first, slices.window.last)
    )
    return rows.with_columns((pl.col("start") // width * width).alias("bin"))


def by_actor(slices: Slices) -> tuple[pl.DataFrame, str]:
    """Return records by who must act, and over time.

    Of connections only those that failed, or all where there is no request.

    Returns:
        ``actor`` (or ``NOISE``), ``bin`` (microseconds since 1970) and ``records``, by ``bin``;
        and what these are in words.
    """
    traces = slices.combinations.select(
        pl.when("noise").then(pl.lit(NOISE)).otherwise(actor_of_record()).alias("actor"),
        "connection",
        pl.col("outcome").is_in(FAILED_CONNECTIONS).alias("failed"),
    ).with_row_index("combination")
    noun = "connections"
    if traces.is_empty() or not traces["connection"].all():
        traces = traces.filter(~pl.col("connection") | pl.col("failed"))
        noun = "requests and failed connections" if traces["failed"].any() else "requests"
    counted = _binned(slices).join(traces.lazy(), on="combination").group_by("actor", "bin")
    return counted.agg(pl.col("records").sum()).sort("bin").collect(), noun


def quantiles(slices: Slices) -> pl.DataFrame:
    """Return percentiles of the latency of answered requests over time: ``bin`` and ``LATENCY``."""
    answered = (
        _binned(slices)
        .filter(pl.col("value_ms").is_not_null())
        .select("bin", "value_ms", pl.col("records").alias("requests"), digits=pl.lit(ALL_DIGITS))
    )
    return latency_by(answered, ["bin"], "latency").sort("bin").unnest("latency")


def by_class(slices: Slices) -> dict[tuple[int, int], int]:
    """Return how many answered requests there are by ``bin`` and the place of their class.

    Classes lie between ``LATENCY_EDGES_MS``.
    """
    edges = pl.Series(LATENCY_EDGES_MS)
    value = pl.col("value_ms").cast(pl.Float64).clip(edges[0], edges[-1] - 1)
    place = pl.lit(edges).search_sorted(value, side="right").cast(pl.Int64) - 1
    counted = (
        _binned(slices)
        .filter(pl.col("value_ms").is_not_null())
        .group_by("bin", place.alias("class"))
        .agg(pl.col("records").sum())
        .collect()
    )
    return {(start, above): n for start, above, n in counted.iter_rows()}
