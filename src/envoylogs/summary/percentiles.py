"""Percentiles from counts by value: nearest rank, exact, in whole milliseconds.

The rank of the q-quantile of n values is ``ceil(q * n)``, in integer
arithmetic; its value is one that was logged, never an average of two. Of
durations in classes it is the middle of the class of that value, and the
percentiles are not ``exact``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs.tally.ladder import ALL_DIGITS

if TYPE_CHECKING:
    from collections.abc import Sequence

PER_MILLE = {"p50": 500, "p90": 900, "p95": 950, "p99": 990, "p999": 999}

LATENCY = pl.Struct(
    {
        "count": pl.Int64(),
        "exact": pl.Boolean(),
        **dict.fromkeys(PER_MILLE, pl.Int64()),
        "max": pl.Int64(),
        "mean": pl.Float64(),
    }
)
"""What a latency column holds: ``count`` requests and their milliseconds, null for none."""

EMPTY_LATENCY: dict[str, object] = {
    "count": 0,
    "exact": True,
    **dict.fromkeys((*PER_MILLE, "max", "mean")),
}


def latency_by(counts: pl.DataFrame, keys: Sequence[str], name: str) -> pl.DataFrame:
    """Return the percentiles of each group, as ``latencies`` does."""
    return latencies(counts.lazy(), keys, name).collect()


def latencies(counts: pl.LazyFrame, keys: Sequence[str], name: str) -> pl.LazyFrame:
    """Return the percentiles of each group.

    Args:
        counts: ``value_ms``, ``digits`` and ``requests``, several rows a value allowed.
        keys: What to group by, at least one column.
        name: Of the new column.

    Returns:
        The keys and a column of type ``LATENCY``; groups without a count are
        missing. In no order.
    """
    value, requests = pl.col("value_ms"), pl.col("requests")
    n, so_far = requests.sum(), requests.cum_sum()
    # A class that is one millisecond wide is exact.
    digits = pl.col("digits")
    exact = (digits == ALL_DIGITS) | (value.abs() < pl.lit(2.0).pow(digits))
    return (
        counts.sort("value_ms")
        .group_by(keys)
        .agg(
            n.alias("count"),
            exact.all().alias("exact"),
            *(
                # The first value with enough requests up to it; sums only grow, so it is found by
                # counting those that are not enough.
                value.get((so_far < (n * per_mille + 999) // 1000).sum()).alias(quantile)
                for quantile, per_mille in PER_MILLE.items()
            ),
            value.last().alias("max"),
            ((value * requests).sum() / n).alias("mean"),
        )
        .select(*keys, pl.struct(*LATENCY.to_schema()).cast(LATENCY).alias(name))
    )


def latency_column(name: str) -> pl.Expr:
    """Return a latency column with the empty latency in the place of nulls."""
    return pl.col(name).fill_null(pl.lit(EMPTY_LATENCY, LATENCY))
