"""Records of TEXT that fit the same pattern, from lines to keys and rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs import schema
from envoylogs.envoy.outcome_rules import LOGGED_KEYS
from envoylogs.reading.decoded_block import KEY, DecodedBlock, keyed
from envoylogs.reading.decoders.reference import was_logged
from envoylogs.reading.decoders.text_patterns import values_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from envoylogs.reading.decoders.text_patterns import TextPattern
    from envoylogs.reading.fates import LineFates

_OF_KEYS = frozenset({*schema.NORMALIZED, *LOGGED_KEYS}).difference(schema.OF_RECORDS)


class TextShape:
    """The records of one pattern.

    Args:
        pattern: Which all of them fit.
        wanted: The columns that are kept.

    Attributes:
        places: The place of each record in the batch.
    """

    def __init__(self, pattern: TextPattern, wanted: Collection[str]) -> None:
        self._pattern = pattern
        self._wanted = wanted
        self._lines: list[pl.Series] = []
        self.places: list[int] = []

    def extend(self, lines: pl.Series, places: Collection[int]) -> None:
        """Take records.

        Args:
            lines: Which fit the pattern.
            places: Of each of them in the batch.
        """
        self._lines.append(lines)
        self.places.extend(places)

    def block(self, before: int, seldom: Collection[str] = ()) -> DecodedBlock:
        """Return the records.

        Args:
            before: How many keys other shapes have.
            seldom: Is of no use here: a line is taken apart as a whole.
        """
        del seldom
        lines, columns = pl.concat(self._lines), self._pattern.form.columns
        values = values_of(self._pattern, lines, self._wanted)
        keys, rows, _ = keyed(pl.DataFrame([*values, *was_logged(columns, len(lines))]), _OF_KEYS)
        return DecodedBlock(keys, rows.with_columns(pl.col(KEY) + before))

    def note(self, block: DecodedBlock, fates: LineFates) -> None:
        """Note that all records have all columns of the pattern."""
        del block
        for column in self._pattern.form.columns:
            fates.add("", "column_seen", len(self.places), column)
