"""Work out something once for each distinct value instead of once for each record.

A log has few clusters, details and addresses and many records.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_REMEMBERED = 100_000
_PLACE = "place of a row"


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


def each_once(values: pl.Series, function: Callable[[str], str]) -> pl.Series:
    """Return a function of each value, worked out once for each if they are few."""
    distinct = values.drop_nulls().unique()
    if 2 * distinct.len() > values.len():
        found = [None if value is None else function(value) for value in values.to_list()]
        return pl.Series(values.name, found, dtype=pl.String)
    new = pl.Series([function(value) for value in distinct.to_list()], dtype=pl.String)
    return values.replace(distinct, new)


def numbered(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """Return the distinct rows of a frame in the order in which they come, and which each row is.

    Args:
        rows: Of one column at least.
    """
    placed = rows.with_row_index(_PLACE)
    firsts = placed.select(pl.col(_PLACE).first().over(rows.columns)).to_series()
    places = (firsts == placed[_PLACE]).arg_true()
    order = pl.int_range(places.len(), dtype=pl.UInt32, eager=True)
    number_at = pl.Series([0], dtype=pl.UInt32).new_from_index(0, rows.height)
    return rows[places], number_at.scatter(places, order)[firsts]


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


def compact(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the same frame with strings of its own.

    A few rows taken out of a batch keep all the text of that batch alive,
    since Polars shares strings; over a log that was 100 MB.
    """
    memory = io.BytesIO()
    frame.write_ipc(memory)
    memory.seek(0)
    return pl.read_ipc(memory)
