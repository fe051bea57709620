"""Requests over time, by who must act."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.failures.lookup import actor_of_record
from envoylogs.envoy.harm import Actor
from envoylogs.envoy.outcomes import UNROUTED

if TYPE_CHECKING:
    from envoylogs.tally.tally import Tally

__all__ = ["bucket_seconds", "timeline"]


def bucket_seconds(tally: Tally) -> int | None:
    """Return the width of the time buckets in seconds, null for an empty log."""
    width = tally.timeline.frame["width_s"].max()
    return width if isinstance(width, int) else None


def timeline(tally: Tally) -> pl.DataFrame:
    """Return requests by time bucket; buckets without a request are missing.

    Returns:
        ``start`` (microseconds since 1970; null for records without a time),
        ``requests``, ``errors``, ``unrouted``, ``by_actor`` (a struct of counts
        by who must act). Ordered by ``start``.
    """
    requests, actor = pl.col("requests"), pl.col("actor")
    return (
        tally.timeline.frame.lazy()
        .filter(pl.col("kind") == "request")
        .with_columns(actor_of_record().alias("actor"))
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
