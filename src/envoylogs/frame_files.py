"""A frame into a file of any format, or a folder of days, in bounded memory."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import polars as pl
from polars import selectors as cs

from envoylogs.render.csv_table import FORMULA
from envoylogs.sqlite_file import NO_ROOM, write_sqlite

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

# The end of a Parquet file is written by Thrift, which drops what the system said.
_OF_END = "Invalid thrift: transport error"
_OF_SYSTEM = re.compile(r"\(os error (?P<number>\d+)\)")
_RFC_3339 = "%Y-%m-%dT%H:%M:%S%.6fZ"

_SQLITE = (".sqlite", ".sqlite3", ".db")

FORMATS = (".parquet", ".ndjson", ".jsonl", ".csv", *_SQLITE)
"""The suffixes of names that tell in which format a frame is written."""


OF_TABLES = (".parquet", *_SQLITE)
"""Those of them that are no text."""


@contextmanager
def _told_of_the_disk() -> Iterator[None]:
    """Raise as an error of the system what Polars says of one, of a full disk say."""
    try:
        yield
    except pl.exceptions.ComputeError as error:
        of_system = _OF_SYSTEM.search(str(error))
        if of_system is not None:
            number = int(of_system["number"])
            raise OSError(number, os.strerror(number)) from error
        if _OF_END in str(error):
            raise OSError(NO_ROOM) from error
        raise


@_told_of_the_disk()
def write_frame(
    frame: pl.LazyFrame,
    path: Path,
    suffix: str,
    metadata: Mapping[str, str],
    *,
    table: str = "logs",
) -> None:
    """Write a frame to a file in the format of one of ``FORMATS``.

    Times are timestamps in UTC in Parquet and RFC 3339 in the others. Only Parquet
    has a place for metadata. Only SQLite has a name for the table.
    """
    if suffix in _SQLITE:
        write_sqlite(frame, path, table)
        return
    if suffix == ".parquet":
        # Other readers know no whole numbers of 128 bits.
        wide = cs.by_dtype(pl.Int128).cast(pl.Decimal(38, 0))
        frame.with_columns(wide).sink_parquet(path, metadata=dict(metadata), engine="streaming")
        return
    types = frame.collect_schema().items()
    times = [name for name, dtype in types if dtype == pl.Datetime]
    text = frame.with_columns(pl.col(times).dt.to_string(_RFC_3339))
    if suffix != ".csv":
        text.sink_ndjson(path, engine="streaming")
        return
    guarded = (
        pl.when(pl.col(name).str.contains(FORMULA)).then("'" + pl.col(name)).otherwise(name)
        .alias(name)
        for name, dtype in types
        if dtype == pl.String
    )  # fmt: skip
    text.with_columns(guarded).sink_csv(path, engine="streaming")


@_told_of_the_disk()
def write_by_day(frame: pl.LazyFrame, folder: Path, metadata: Mapping[str, str]) -> None:
    """Write a folder of Parquet files, those of a day (UTC) in ``day=2026-11-01``.

    Args:
        frame: With ``start_time``; records without one are in
            ``day=__HIVE_DEFAULT_PARTITION__``, which readers take for null.
        folder: Made if need be.
        metadata: Of each file.
    """
    days = frame.with_columns(pl.col("start_time").dt.date().alias("day"))
    days.sink_parquet(
        pl.PartitionBy(folder, key="day"), metadata=dict(metadata), mkdir=True, engine="streaming"
    )
