"""A frame as a SQLite database: its values, read back by SQLite itself."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest

from envoylogs.sqlite_file import write_sqlite

if TYPE_CHECKING:
    from pathlib import Path

_FRAME = pl.DataFrame(
    {
        "at": [datetime(2026, 11, 1, 12, 0, 0, 250, tzinfo=UTC), None],
        "path": ["/a'b\"\u00e9\0", None],
        "n": [2**63 - 1, None],
        "share": [0.5, None],
        "is_error": [True, None],
        "paths": [["/a", None], None],
        "of": [{"a": 1, "b": "x"}, None],
        "day": [date(2026, 11, 1), None],
        "took": [timedelta(seconds=90), None],
        "large": pl.Series([2**100, None], dtype=pl.Int128),
    }
)


def _read(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(sql).fetchall()


def test_every_value_is_what_sqlite_calls_so(tmp_path: Path) -> None:
    path = tmp_path / "out.sqlite"
    write_sqlite(_FRAME.lazy(), path, "answer")

    first, missing = _read(path, "SELECT * FROM answer")
    assert first[:5] == ("2026-11-01T12:00:00.000250Z", "/a'b\"\u00e9\0", 2**63 - 1, 0.5, 1)
    assert json.loads(str(first[5])) == ["/a", None]
    assert json.loads(str(first[6])) == {"a": 1, "b": "x"}
    assert first[7:] == ("2026-11-01", "PT1M30S", str(2**100))
    assert set(missing) == {None}


def test_many_rows_keep_their_order(tmp_path: Path) -> None:
    path = tmp_path / "out.db"
    write_sqlite(pl.LazyFrame({"n": range(70_000)}), path, "logs")

    assert [n for (n,) in _read(path, "SELECT n FROM logs ORDER BY rowid")] == list(range(70_000))


@pytest.mark.parametrize("table", ["logs", 'a"b', "select"])
def test_names_are_names_whatever_they_are(tmp_path: Path, table: str) -> None:
    path = tmp_path / "out.db"
    frame = pl.LazyFrame({"Host": [1], "host": [2], 'a"; DROP': [3], "": [4]})
    write_sqlite(frame, path, table)

    with closing(sqlite3.connect(path)) as database:
        quoted = '"' + table.replace('"', '""') + '"'
        found = database.execute(f"SELECT * FROM {quoted}")  # noqa: S608  # quoted
        names = [column[0] for column in found.description]
        assert found.fetchall() == [(1, 2, 3, 4)]
    assert names == ["Host", "host_2", 'a"; DROP', ""]


def test_no_rows_are_a_table_without_rows(tmp_path: Path) -> None:
    path = tmp_path / "out.db"
    write_sqlite(_FRAME.head(0).lazy(), path, "logs")

    assert _read(path, "SELECT count(at) FROM logs") == [(0,)]
