"""Records of a lazy frame into files, in bounded memory: Parquet, NDJSON, CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

__all__ = ["FORMATS", "write_by_day"]

_RFC_3339 = "%Y-%m-%dT%H:%M:%S%.6fZ"
_FORMULA = r"^[=+\-@\t\r]"
"""How a cell begins that a spreadsheet runs; an apostrophe in front, which it hides, keeps it."""


def _write_parquet(frame: pl.LazyFrame, path: Path, metadata: Mapping[str, str]) -> None:
    frame.sink_parquet(path, metadata=dict(metadata), engine="streaming")


def _write_ndjson(frame: pl.LazyFrame, path: Path, metadata: Mapping[str, str]) -> None:
    del metadata  # there is no place for it
    _with_text_times(frame).sink_ndjson(path, engine="streaming")


def _write_csv(frame: pl.LazyFrame, path: Path, metadata: Mapping[str, str]) -> None:
    del metadata
    text = _with_text_times(frame)
    strings = [name for name, dtype in frame.collect_schema().items() if dtype == pl.String]
    guarded = (
        pl.when(pl.col(name).str.contains(_FORMULA)).then("'" + pl.col(name)).otherwise(name)
        .alias(name)
        for name in strings
    )  # fmt: skip
    text.with_columns(guarded).sink_csv(path, engine="streaming")


FORMATS: dict[str, Callable[[pl.LazyFrame, Path, Mapping[str, str]], None]] = {
    ".parquet": _write_parquet,
    ".ndjson": _write_ndjson,
    ".jsonl": _write_ndjson,
    ".csv": _write_csv,
}
"""What writes a frame to a path, by the suffix of its name.

Times are timestamps in UTC in Parquet and RFC 3339 in the others. Only Parquet
has a place for metadata.
"""


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


def _with_text_times(frame: pl.LazyFrame) -> pl.LazyFrame:
    times = [name for name, dtype in frame.collect_schema().items() if dtype == pl.Datetime]
    return frame.with_columns(pl.col(times).dt.to_string(_RFC_3339))
