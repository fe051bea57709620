"""A frame as a table of a SQLite database, a few thousand rows at a time.

SQLite has no times, no booleans and no lists: times are RFC 3339 as text,
booleans 0 and 1, lists and structs JSON as text, whole numbers of more than 64
bits text. Missing is null.
"""

from __future__ import annotations

import errno
import json
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

NO_ROOM = "the system refuses to write, on a full disk say"
"""What is told where the system's own words are lost."""

_ROWS = 20_000
_RFC_3339 = "%Y-%m-%dT%H:%M:%S%.6fZ"


def write_sqlite(frame: pl.LazyFrame, path: Path, table: str) -> None:
    """Write a frame to a file without a database in it, as the table of a name.

    Columns whose names differ in capitals alone get a number, since SQLite takes
    them for one.

    Raises:
        OSError: If the system refuses to write.
    """
    types = frame.collect_schema()
    columns = ", ".join(
        f"{_quoted(name)} {_type_of(dtype)}"
        for name, dtype in zip(_distinct(types), types.values(), strict=True)
    )
    values = ", ".join("?" * len(types))
    plain = frame.select(_plain(name, dtype) for name, dtype in types.items())
    nested = [at for at, dtype in enumerate(types.values()) if dtype.is_nested()]
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            # The file takes its place when it is whole, so nothing is to be undone.
            database.execute("PRAGMA journal_mode = OFF")
            database.execute("PRAGMA synchronous = OFF")
            database.execute("BEGIN")
            database.execute(f"CREATE TABLE {_quoted(table)} ({columns})")
            for rows in plain.collect_batches(
                chunk_size=_ROWS, maintain_order=True, engine="streaming"
            ):
                database.executemany(
                    f"INSERT INTO {_quoted(table)} VALUES ({values})",  # noqa: S608  # quoted
                    _with_json(rows.iter_rows(), nested) if nested else rows.iter_rows(),
                )
            database.execute("COMMIT")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        is_of_disk = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_IOERR
        raise OSError(NO_ROOM if is_of_disk else str(error)) from error


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _distinct(names: Iterable[str]) -> list[str]:
    found: dict[str, str] = {}
    for name in names:
        number, distinct = 1, name
        while distinct.lower() in found:
            number += 1
            distinct = f"{name}_{number}"
        found[distinct.lower()] = distinct
    return list(found.values())


def _type_of(dtype: pl.DataType) -> str:
    if dtype == pl.Boolean or (dtype.is_integer() and not _is_wide(dtype)):
        return "INTEGER"
    return "REAL" if dtype.is_float() else "TEXT"


def _is_wide(dtype: pl.DataType) -> bool:
    return dtype in {pl.Int128(), pl.UInt128(), pl.UInt64()}


def _plain(name: str, dtype: pl.DataType) -> pl.Expr:
    """Return a column as SQLite can have it, but for nested ones."""
    column = pl.col(name)
    if isinstance(dtype, pl.Datetime):
        return column.dt.to_string(_RFC_3339)
    if dtype == pl.Boolean:
        return column.cast(pl.Int8)
    if isinstance(dtype, pl.Duration):
        return column.dt.to_string("iso")
    if dtype.is_temporal():
        return column.dt.to_string()
    return column.cast(pl.String) if _is_wide(dtype) else column


def _with_json(
    rows: Iterable[tuple[object, ...]], nested: list[int]
) -> Iterable[tuple[object, ...]]:
    for row in rows:
        values = list(row)
        for at in nested:
            values[at] = None if row[at] is None else json.dumps(row[at], default=str)
        yield tuple(values)
