"""Tables in another order than their own: by one of their columns, as people name it."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from envoylogs.errors import UnknownKeyError

_WAYS = {"asc": False, "desc": True}


class Sort(NamedTuple):
    """An order that was asked for.

    Attributes:
        column: As CSV names it (``latency_ms_p99``), or its last part (``p99``).
        descending: Null for what is usual: the largest number first, names and times as they
            follow each other.
    """

    column: str
    descending: bool | None = None

    @classmethod
    def of(cls, text: str) -> Sort:
        """Return what ``COLUMN``, ``COLUMN:asc`` or ``COLUMN:desc`` says.

        Raises:
            UnknownKeyError: If it says another way.
        """
        column, colon, way = text.rpartition(":")
        if not colon:
            return cls(text)
        if way not in _WAYS:
            raise UnknownKeyError.of("way to sort", way, _WAYS)
        return cls(column, _WAYS[way])

    def is_of(self, table: pl.DataFrame) -> bool:
        """Tell whether a table has the column."""
        return self.column in _columns(table)

    def sorted(self, table: pl.DataFrame) -> pl.DataFrame:
        """Return a table in this order, missing values last; equal rows stay as they were.

        Raises:
            UnknownKeyError: If it has no such column.
        """
        columns = _columns(table)
        if self.column not in columns:
            raise UnknownKeyError.of("column to sort this table by", self.column, columns)
        value = columns[self.column]
        dtype = table.select(value).dtypes[0]
        is_time = self.column.rpartition("_")[2] in {"start", "time", "first", "last", "routed"}
        largest_first = dtype.is_numeric() and not is_time
        return table.sort(
            value,
            descending=largest_first if self.descending is None else self.descending,
            nulls_last=True,
            maintain_order=True,
        )


def _columns(table: pl.DataFrame) -> dict[str, pl.Expr]:
    """Return what a table can be sorted by, by name; of structs each part, by its own name too."""
    found: dict[str, pl.Expr] = {}
    parts: dict[str, pl.Expr] = {}
    for name, dtype in table.schema.items():
        if isinstance(dtype, pl.Struct):
            for field in dtype.fields:
                part = pl.col(name).struct.field(field.name)
                found[f"{name}_{field.name}"] = part
                parts.setdefault(field.name, part)
        elif not dtype.is_nested():
            found[name] = pl.col(name)
    return parts | found
