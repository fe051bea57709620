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


def latency_by(counts: pl.DataFrame | pl.LazyFrame, keys: Sequence[str], name: str) -> pl.DataFrame:
    """Return the percentiles of each group.

    The values of all groups stand one after the other, so a rank of a group is a place among all
    of them, and one search finds the places of all groups.

    Args:
        counts: ``value_ms``, ``digits`` and ``requests``, several rows a value allowed.
        keys: What to group by, at least one column.
        name: Of the new column.

    Returns:
        The keys and a column of type ``LATENCY``; groups without a count are
        missing. In no order.
    """
    value, requests, n = pl.col("value_ms"), pl.col("requests"), pl.col("count")
    # A class that is one millisecond wide is exact.
    digits = pl.col("digits")
    exact = (digits == ALL_DIGITS) | (value.abs() < pl.lit(2.0).pow(digits))
    groups = (
        counts.lazy()
        .sort("value_ms")
        .with_columns(exact.alias("exact"), (value * requests).alias("sum"))
        .group_by(keys)
        .agg(
            value,
            requests,
            requests.sum().alias("count"),
            pl.col("exact").all(),
            value.last().alias("max"),
            pl.col("sum").sum(),
        )
    )
    values, reached = pl.col("value_ms").explode(), pl.col("requests").explode().cum_sum()

    def at(rank: pl.Expr) -> pl.Expr:
        return values.gather(reached.search_sorted(rank, side="left"))

    before = n.cum_sum() - n
    return groups.select(
        *keys,
        pl.struct(
            n,
            "exact",
            *(
                at(before + (n * per_mille + 999) // 1000).alias(quantile)
                for quantile, per_mille in PER_MILLE.items()
            ),
            "max",
            (pl.col("sum") / n).alias("mean"),
        )
        .cast(LATENCY)
        .alias(name),
    ).collect()


def latency_column(name: str) -> pl.Expr:
    """Return a latency column with the empty latency in the place of nulls."""
    return pl.col(name).fill_null(pl.lit(EMPTY_LATENCY, LATENCY))
