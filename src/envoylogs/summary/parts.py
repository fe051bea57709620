"""The rows of a frame by the values of some columns, found without going through all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Parts"]


class Parts:
    """A frame that is asked for the rows of many names."""

    def __init__(self, rows: pl.DataFrame) -> None:
        self.rows = rows
        self._places: dict[tuple[str, ...], dict[tuple[object, ...], pl.Series]] = {}

    def of(self, **values: object) -> pl.DataFrame:
        """Return the rows in which columns have these values, which may be missing."""
        columns = tuple(values)
        if columns not in self._places:
            places = self.rows.lazy().select(columns).with_row_index("place")
            by_key = places.group_by(columns).agg("place").collect()
            keys = by_key.select(columns).iter_rows()
            self._places[columns] = dict(zip(keys, by_key["place"], strict=True))
        places_of = self._places[columns].get(tuple(values.values()))
        return self.rows.clear() if places_of is None else self.rows[places_of]
