"""Work out something once for each distinct value instead of once for each record.

A log has few clusters, details and addresses and many records.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Remembered", "with_columns_by"]

_REMEMBERED = 100_000


class Remembered(dict[str, str]):
    """What a function of one text has returned, for a limited number of texts.

    Args:
        function: Is called for what is not there yet.
    """

    def __init__(self, function: Callable[[str], str]) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, text: str) -> str:
        """Work out and remember what was not asked for before."""
        if len(self) >= _REMEMBERED:
            self.clear()
        found = self[text] = self._function(text)
        return found


def with_columns_by(
    records: pl.DataFrame, key: str, expressions: Iterable[pl.Expr]
) -> pl.DataFrame:
    """Return records with new columns that depend on one column only.

    Args:
        records: Rows keep their order.
        key: The column that the expressions read.
        expressions: Element by element, with names that ``records`` lacks.
    """
    rows = records.lazy()
    values = rows.select(pl.col(key).unique()).with_columns(*expressions)
    return rows.join(values, on=key, how="left", nulls_equal=True, maintain_order="left").collect()
