"""Numbers that hold through a reading: what repeats has one number in every block.

So what a key means, or which group a path is of, is worked out once when it is first met. Strangers
choose hosts and paths, so a table is closed when it is full and a new one begun; whoever keeps
anything by number keeps it by table.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.distinct import numbered

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_ROWS = 32_768
"""How many rows a table has before it takes no more blocks. An ordinary log has some thousand."""

_SEED_BITS = 63


class Table:
    """Distinct rows by number, and what was made of them, each once.

    Attributes:
        rows: Each at the place of its number; only ever more, at the end.
    """

    def __init__(self, rows: pl.DataFrame) -> None:
        self.rows = rows.clear()
        # Nobody can choose values that clash with others: their hashes are of this table alone.
        self._seed = secrets.randbits(_SEED_BITS)
        self._number_of: dict[int, int] = {}
        self._made: dict[str, pl.DataFrame] = {}

    def numbers_of(self, rows: pl.DataFrame) -> pl.Series | None:
        """Return the numbers of some rows; those that are new are added.

        Null if two rows that are not equal have one hash: then nothing can be told any more.
        """
        number_of, before = self._number_of, self.rows.height
        if len(number_of) != before:
            return None
        hashes = rows.hash_rows(self._seed).to_list()
        found = list(map(number_of.get, hashes))
        if None in found:
            found = [number_of.setdefault(one, len(number_of)) for one in hashes]
        numbers = pl.Series(found, dtype=pl.UInt32)
        if len(number_of) > before:
            new = rows.filter(numbers.is_first_distinct() & (numbers >= before))
            self.rows = pl.concat([self.rows, new], rechunk=True)
        return numbers if self.rows[numbers].equals(rows) else None

    def once(self, what: str, make: Callable[[pl.DataFrame], pl.DataFrame]) -> pl.DataFrame:
        """Return what is made of each row; it was made before of all but the new ones.

        Args:
            what: A name for it.
            make: Returns a row for each row, whatever stands beside it.
        """
        made = self._made.get(what)
        if made is None:
            made = make(self.rows)
        elif made.height < self.rows.height:
            made = pl.concat([made, make(self.rows[made.height :])], rechunk=True)
        self._made[what] = made
        return made


class Numbering:
    """Numbers rows of one kind, block by block."""

    def __init__(self) -> None:
        self._table: Table | None = None

    def numbered(self, rows: pl.DataFrame) -> tuple[Table, pl.Series]:
        """Return a table that has some rows, and the number that each of them has in it.

        Args:
            rows: Always of the same columns; equal ones may stand there several times.
        """
        if self._table is not None and self._table.rows.height <= MOST_ROWS:
            numbers = self._table.numbers_of(rows)
            if numbers is not None:
                return self._table, numbers
        self._table = Table(rows)
        numbers = self._table.numbers_of(rows)
        if numbers is None:
            self._table = Table(rows)
            self._table.rows, numbers = numbered(rows)
        return self._table, numbers


class Numberings:
    """What is numbered in one reading.

    Attributes:
        keys: What was logged of each, with what tells outcomes apart.
        endings: What their outcomes rest on, of which there are far fewer.
    """

    def __init__(self) -> None:
        self.keys, self.endings = Numbering(), Numbering()
        self._of_columns: dict[str, Numbering] = {}

    def of_column(self, name: str) -> Numbering:
        """Return the numbers of the values of one column."""
        return self._of_columns.setdefault(name, Numbering())
