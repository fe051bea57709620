"""Requests by time and columns together, with their latency: the joint counts of a tally."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs.summary.percentiles import latency_by, latency_column

if TYPE_CHECKING:
    from envoylogs.tally.tally import Tally

__all__ = ["joint_table"]


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
        .sort("start", -pl.col("requests"), *columns, nulls_last=True)
        .collect()
    )
