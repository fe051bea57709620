"""From values as they were logged to values of their types.

``-``, the empty string and an absent key become null; numbers are read from
numbers, from text and from floats without a fraction, which all occur by
Istio release; times become UTC. A value that can't be read as its column's
type becomes null and is counted. A method that holds a whole request line is
taken apart. What the compiled decoder hands over is clean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs import schema
from envoylogs.envoy.distinct import compact
from envoylogs.keyed.keyed_records import KeyedRecords
from envoylogs.keyed.times import times_of
from envoylogs.reading.decoded_block import KEY, PRESENT, THERE, split_keys
from envoylogs.reading.decoders.logged_values import as_text
from envoylogs.reading.fates import EXAMPLES_KEPT

if TYPE_CHECKING:
    from collections.abc import Collection

    from envoylogs.reading.decoded_block import DecodedBlock
    from envoylogs.reading.fates import LineFates

_LOGGED = [name for name in schema.NORMALIZED if name not in schema.NEVER_LOGGED]
OF_KEYS = [name for name in _LOGGED if name not in schema.OF_RECORDS]
"""The columns that are logged and repeat."""

_REQUEST_LINE = r"^(?P<method>\S+) (?P<path>\S.*|-) (?P<protocol>HTTP/[0-9.]+|-)$"

# Hardly any log has it.
_HOLDS_A_LINE = pl.col("method").cast(pl.String).str.contains(" H| -$")

_NOTHING_SENT = (pl.col("bytes_sent") == 0).fill_null(value=False)


def cleaned(block: DecodedBlock, fates: LineFates, *, with_presence: bool = True) -> DecodedBlock:
    """Return decoded records as a clean block.

    Args:
        block: As a decoder made it.
        fates: Where values are counted that can't be read as their type.
        with_presence: Whether it matters which of ``PRESENT`` are there.
    """
    of_rows = [name for name in schema.OF_RECORDS if name not in block.seldom]
    keys, rows = _without_missing(block.keys, OF_KEYS), _without_missing(block.rows, of_rows)
    if keys.select(_HOLDS_A_LINE.fill_null(value=False).any()).item():
        keys, rows = _with_request_lines_taken_apart(keys, rows, fates)
    typed = keys.with_columns(_integers(keys))
    typed_rows = rows.with_columns(*_integers(rows), start_time=times_of(rows["start_time"]))
    _note_unreadable(KeyedRecords(keys, rows), KeyedRecords(typed, typed_rows), fates)
    if with_presence:
        typed, typed_rows = _with_presence(typed, typed_rows)
    else:
        typed = typed.with_columns(pl.lit(0, pl.UInt8).alias(THERE))
    # Keys outlive the batch, and all its text would with them.
    return block._replace(keys=compact(typed), rows=typed_rows, is_clean=True)


def _with_presence(keys: pl.DataFrame, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return records with ``there`` as a part of their keys."""
    is_there = [*(pl.col(name).is_not_null() for name in PRESENT[:-1]), _NOTHING_SENT]
    there = rows.select(
        pl.sum_horizontal(bit.cast(pl.UInt8) * 2**place for place, bit in enumerate(is_there)).cast(
            pl.UInt8
        )
    ).to_series()
    before, which, key = split_keys(keys.height, rows[KEY], there, 2 ** len(PRESENT))
    return keys[before].with_columns(which.alias(THERE)), rows.with_columns(key)


def _without_missing(logged: pl.DataFrame, columns: Collection[str]) -> pl.DataFrame:
    """Return values as they were logged, the missing ones null, with all of some columns."""
    text = [name for name, dtype in logged.schema.items() if dtype == pl.String and name in columns]
    return logged.with_columns(
        pl.when((pl.col(text) != "-") & (pl.col(text) != "")).then(pl.col(text)),
        *(pl.lit(None, pl.String).alias(name) for name in columns if name not in logged.columns),
    )


def _with_request_lines_taken_apart(
    keys: pl.DataFrame, rows: pl.DataFrame, fates: LineFates
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return records whose method is none but the method, where it held the whole request line.

    Path and protocol are those of the line where a record has no others.
    """
    parts = pl.col("method").str.extract_groups(_REQUEST_LINE)
    is_line = pl.col("method").str.contains(_REQUEST_LINE)
    protocol = pl.when(is_line).then(_present(parts, "protocol"))
    found = keys.with_columns(
        pl.when(is_line).then(_present(parts, "method")).otherwise("method").alias("method"),
        pl.coalesce("protocol", protocol).alias("protocol"),
    )
    paths = keys.select(pl.when(is_line).then(_present(parts, "path"))).to_series()
    found_rows = rows.with_columns(
        pl.coalesce("path", pl.lit(paths.gather(rows[KEY]))).alias("path")
    )
    before, after = KeyedRecords(keys, rows), KeyedRecords(found, found_rows)
    for name in ("path", "protocol"):
        fates.add("", "column_seen", _count(after, name) - _count(before, name), name)
    return found, found_rows


def _count(records: KeyedRecords, name: str) -> int:
    """Return how many records have a value."""
    if name in records.rows.columns:
        return records.rows[name].count()
    return int(records.of_keys(pl.col(name).is_not_null()).sum())


def _present(parts: pl.Expr, name: str) -> pl.Expr:
    part = parts.struct.field(name)
    return pl.when(part != "-").then(part)


def _integers(logged: pl.DataFrame) -> list[pl.Expr]:
    """Read whole numbers from text such as ``200`` and from floats such as ``200.0``.

    Those beyond what Envoy can have measured are none: a wrong one spoils every sum it is in.
    """
    return [
        _within(_integer(name, logged.schema[name]), *schema.INTEGERS[name]).alias(name)
        for name in _LOGGED
        if name in schema.INTEGERS and name in logged.columns
    ]


def _integer(name: str, dtype: pl.DataType) -> pl.Expr:
    logged = pl.col(name)
    if dtype == pl.Int64:
        return logged
    if dtype == pl.String:
        return pl.coalesce(
            logged.cast(pl.Int64, strict=False), _whole(logged.cast(pl.Float64, strict=False))
        )
    return _whole(logged)


def _within(number: pl.Expr, least: int, most: int) -> pl.Expr:
    return pl.when(number.is_between(least, most)).then(number)


def _whole(number: pl.Expr) -> pl.Expr:
    return pl.when(number == number.floor()).then(number).cast(pl.Int64, strict=False)


def _note_unreadable(cleaned: KeyedRecords, typed: KeyedRecords, fates: LineFates) -> None:
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
