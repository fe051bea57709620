"""Work out something once for each distinct value instead of once for each record.

A log has few clusters, details and addresses and many records.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["with_columns_by"]


def with_columns_by(
    records: pl.DataFrame, key: str, expressions: Iterable[pl.Expr]
) -> pl.DataFrame:
    """Return records with new columns that depend on one column only.

    Args:
        records: Rows keep their order.
        key: The column that the expressions read.
        expressions: Element by element, with names that ``records`` lacks.
    """
    values = records.select(pl.col(key).unique())
    return records.join(
        values.with_columns(*expressions),
        on=key,
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )
