"""The stretch of time that figures show: all of a log, but for a few records that are far away.

One record of 1970, from a proxy without a clock, would leave all others in one
bin. Such strays are left out of figures and counted, and they stay in every table.
"""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

__all__ = ["Window", "window_of"]

_STRAYS = 0.01
"""At each end of a log that many records may be strays, and one of ten at least."""

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
    far from the middle of the log as the rest.

    Args:
        rows: With ``start`` (microseconds since 1970) and ``records``.
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
