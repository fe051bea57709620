"""Values that are there and can't be read as the type of their column: counted, and a few kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs import schema
from envoylogs.reading.decoders.logged_values import as_text
from envoylogs.reading.fates import EXAMPLES_KEPT

if TYPE_CHECKING:
    from envoylogs.keyed.keyed_records import KeyedRecords
    from envoylogs.reading.fates import LineFates


def note_unreadable(cleaned: KeyedRecords, typed: KeyedRecords, fates: LineFates) -> None:
    """Count the values that are there and can't be read as the type of their column."""
    of_keys, of_rows = (
        [name for name in (*schema.INTEGERS, "start_time") if name in frame.columns]
        for frame in (cleaned.keys, cleaned.rows)
    )
    lost_keys = [name for name in of_keys if _nulls(typed.keys, name) > _nulls(cleaned.keys, name)]
    lost_rows = [name for name in of_rows if _nulls(typed.rows, name) > _nulls(cleaned.rows, name)]
    for name in (*lost_keys, *lost_rows):
        logged, read = (records.frame((name, *schema.POSITION)) for records in (cleaned, typed))
        lost = logged.filter(read[name].is_null()).drop_nulls(name)
        if lost.height:
            fates.add("", "unreadable", lost.height, name)
            _keep_examples(lost, name, fates)


def _nulls(frame: pl.DataFrame, name: str) -> int:
    return frame[name].null_count()


def _keep_examples(cleaned: pl.DataFrame, name: str, fates: LineFates) -> None:
    """Keep the first values of each source that can't be read, of records without one."""
    # Several records may stand on one line: the order is not that of their batches.
    found = (
        cleaned.select("source", "line", as_text(cleaned[name]).alias("value"))
        .drop_nulls("value")
        .sort("source", "line", "value")
    )
    place = pl.int_range(pl.len()).over("source")
    for source, line, logged in found.filter(place < EXAMPLES_KEPT).iter_rows():
        fates.unreadable(source, line, name, logged)
