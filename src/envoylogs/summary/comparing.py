"""Two logs side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from envoylogs.summary.summary import Summary

_COUNTS = ("requests", "share", "errors")
_QUANTILES = ("p50", "p90", "p99")
_COMPARED = (*_COUNTS, "error_share", *(f"{quantile}_ms" for quantile in _QUANTILES))


def compared(summary: Summary, other: Summary, by: str) -> pl.DataFrame:
    """Return a table by one column of two logs; ``Analysis.compare`` says what is in it."""
    both = _measured(summary.table(by), by).join(
        _measured(other.table(by), by),
        on=by, how="full", coalesce=True, suffix="_other", nulls_equal=True,
    )  # fmt: skip
    counts = [f"{name}{end}" for name in _COUNTS for end in ("", "_other")]
    return (
        both.with_columns(pl.col(counts).fill_null(0))
        .select(
            by,
            *(
                column
                for name in _COMPARED
                for column in (
                    pl.col(name),
                    pl.col(f"{name}_other"),
                    (pl.col(name) - pl.col(f"{name}_other")).alias(f"{name}_change"),
                )
            ),
        )
        .sort(pl.col("share_change").abs(), by, descending=[True, False], nulls_last=True)
    )


def _measured(table: pl.DataFrame, by: str) -> pl.DataFrame:
    """Return a table by one column with what is compared, flat."""
    latency = pl.col("latency_ms").struct
    return table.select(
        by,
        *_COUNTS,
        (pl.col("errors") / pl.col("requests")).alias("error_share"),
        *(latency.field(quantile).alias(f"{quantile}_ms") for quantile in _QUANTILES),
    )
