"""Durations as histograms: how many requests took at most so long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["BOUNDS_MS", "Histogram", "histograms"]

BOUNDS_MS = (5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000)
"""The upper bounds of the buckets: those that clients of Prometheus have, and two time-outs."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """The durations of one group of requests.

    Attributes:
        keys: Of the group, in the order of the keys that were asked for.
        up_to: How many requests took at most so long, for each of ``BOUNDS_MS``.
        total_ms: The sum of all durations.
        requests: How many there are; those over the last bound too.
    """

    keys: tuple[str, ...]
    up_to: tuple[int, ...]
    total_ms: int
    requests: int


def histograms(counts: pl.DataFrame, keys: Sequence[pl.Expr] = ()) -> tuple[Histogram, ...]:
    """Return the histogram of each group, by its keys in ascending order.

    Args:
        counts: ``value_ms`` and ``requests``, several rows a value allowed. A
            duration in a class counts as the middle of it.
        keys: What to group by, texts without nulls; without keys there is one
            histogram, also of nothing.
    """
    value, requests = pl.col("value_ms"), pl.col("requests")
    names = [key.meta.output_name() for key in keys]
    measures = [
        *(requests.filter(value <= bound).sum().alias(f"up_to_{bound}") for bound in BOUNDS_MS),
        # Whoever writes a log may write durations whose sum has no room in 64 bits.
        (value.cast(pl.Int128) * requests).sum().alias("total_ms"),
        requests.sum().alias("all"),
    ]
    found = counts.group_by(keys).agg(measures).sort(names) if keys else counts.select(measures)
    n = len(names)
    return tuple(
        Histogram(row[:n], row[n : n + len(BOUNDS_MS)], *row[-2:]) for row in found.iter_rows()
    )
