"""Requests over time: by who must act, or by columns that were asked for together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.failures.lookup import actor_of_record
from envoylogs.envoy.harm import Actor
from envoylogs.envoy.outcomes import UNROUTED
from envoylogs.summary.judged import whole
from envoylogs.summary.percentiles import latency_by, latency_column

if TYPE_CHECKING:
    from envoylogs.tally.tally import Tally


def bucket_seconds(tally: Tally) -> int | None:
    """Return the width of the time buckets in seconds, null for an empty log."""
    return whole(tally.timeline.frame["width_s"].max())


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
