"""Normalized records: keys, each with what it means, and rows that name theirs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

import polars as pl

from envoylogs import schema
from envoylogs.reading.decoded_block import KEY, PATH_SHAPE, PLACE, keyed, split_keys
from envoylogs.reading.decoders.logged_values import MISSING, series_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from envoylogs.grouping.numbering import Table

_NUMBERS = {KEY, PLACE, PATH_SHAPE}
"""Columns of rows that are none of records."""


@dataclass(frozen=True, slots=True)
class KeyedRecords:
    """Some records in their order.

    Attributes:
        keys: A row a key: columns of ``schema.NORMALIZED`` that are not ``schema.OF_RECORDS``.
            A key may stand there twice, or be that of no record.
        rows: A row a record: ``key``, the place of its key; columns of ``schema.OF_RECORDS``;
            then ``source`` and ``line``, and ``text`` and ``unknown_keys`` if they were kept;
            ``place``, where it stands in ``seldom``, if that holds anything.
        seldom: Other columns of ``schema.OF_RECORDS``, as they were logged.
        coded: For columns of rows that hold numbers of values in their place, the tables that
            these are of, of one column each.
        table: Which table the numbers of keys are of. Where two batches have the same one, the
            keys of one are the first of the other's. Null if they are of this batch alone.
    """

    keys: pl.DataFrame
    rows: pl.DataFrame
    seldom: Mapping[str, Sequence[object] | pl.Series] = field(default_factory=dict)
    coded: Mapping[str, Table] = field(default_factory=dict)
    table: Table | None = None

    @classmethod
    def of(cls, records: pl.DataFrame) -> Self:
        """Return records of plain columns with their keys.

        Args:
            records: Columns of ``schema.NORMALIZED`` and more, which stay with the rows.
        """
        columns = [name for name in schema.NORMALIZED if name not in schema.OF_RECORDS]
        return cls(*keyed(records, columns))

    @property
    def height(self) -> int:
        """How many records there are."""
        return self.rows.height

    @property
    def columns(self) -> list[str]:
        """The columns of the records."""
        of_rows = [name for name in self.rows.columns if name not in _NUMBERS]
        return [*self.keys.columns, *of_rows, *self.seldom]

    def frame(self, columns: Iterable[str] | None = None) -> pl.DataFrame:
        """Return the records in plain columns.

        Args:
            columns: Which, in their order; all in the order of the schema without.
        """
        if columns is None:
            have = self.columns
            known = [name for name in schema.NORMALIZED if name in have]
            names = [*known, *(name for name in have if name not in known)]
        else:
            names = list(columns)
        of_keys = [name for name in names if name in self.keys.columns]
        found = [self._asked(name) for name in names if name in self.seldom]
        if of_keys:
            found += self.keys[of_keys][self.rows[KEY]].get_columns()
        plain = self.rows.hstack(found).with_columns(
            self._decoded(name) for name in names if name in self.coded
        )
        return pl.DataFrame([plain[name] for name in names])

    def values_of(self, name: str) -> pl.Series:
        """Return the values that the numbers of a coded column stand for."""
        return self.coded[name].rows[name]

    def _decoded(self, name: str) -> pl.Series:
        return self.values_of(name).gather(self.rows[name])

    def decoded(self) -> Self:
        """Return the same with the values of coded columns in these."""
        rows = self.rows.with_columns(self._decoded(name) for name in self.coded)
        return replace(self, rows=rows, coded={})

    def _asked(self, name: str) -> pl.Series:
        """Return a column of what is seldom asked."""
        logged, places = self.seldom[name], self.rows[PLACE]
        if isinstance(logged, pl.Series):
            return logged.gather(places).alias(name)
        values = [logged[place] for place in places.to_list()]
        return series_of(name, [None if value in MISSING else value for value in values])

    def of_keys(self, expression: pl.Expr) -> pl.Series:
        """Return for each record what an expression over the columns of keys is."""
        return self.keys.select(expression).to_series()[self.rows[KEY]]

    def filter(self, chosen: pl.Series) -> Self:
        """Return the chosen records; itself if that are all."""
        return self if chosen.all() else replace(self, rows=self.rows.filter(chosen))

    def some(self, most: int) -> Self:
        """Return some records from everywhere among these, or all if they are few."""
        every = -(-self.height // most)
        return self if every <= 1 else replace(self, rows=self.rows.gather_every(every))

    def without(self, name: str) -> Self:
        """Return the same without a column of keys."""
        keys = self.keys.clone()
        keys.drop_in_place(name)
        return replace(self, keys=keys)

    def rekeyed(self, keys: pl.DataFrame, key: pl.Series) -> Self:
        """Return the same with other keys.

        Args:
            keys: See the attribute.
            key: The place of its key for each record.
        """
        place = self.rows.get_column_index(KEY)
        rows = self.rows.clone().replace_column(place, key)
        return replace(self, keys=keys, rows=rows, table=None)

    def split(self, name: str, traits: pl.Series) -> Self:
        """Return the same with a text that each record has for itself as a part of its key.

        Args:
            name: Of the column.
            traits: One of a few texts for each record.
        """
        texts = traits.unique()
        places = traits.replace_strict(
            texts, pl.int_range(texts.len(), dtype=pl.UInt32, eager=True)
        )
        before, which, key = split_keys(self.keys.height, self.rows[KEY], places, texts.len())
        return self.rekeyed(self.keys[before].with_columns(texts[which].alias(name)), key)
