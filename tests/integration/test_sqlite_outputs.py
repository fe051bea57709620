"""SQLite databases that the real program writes, read back by SQLite."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.program import run

import envoylogs

_LOG = Path(__file__).parents[2] / "sample_logs" / "shop" / "gateway.log"


def _read(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(sql).fetchall()


@pytest.mark.parametrize("name", ["records.sqlite", "records.sqlite3", "records.DB"])
def test_converted_records_are_the_frame(tmp_path: Path, name: str) -> None:
    output = tmp_path / name
    ended = run("convert", str(_LOG), "-o", str(output))
    frame = envoylogs.scan(_LOG).collect()

    assert ended.returncode == 0
    assert _read(output, "SELECT path, duration_ms, is_error FROM logs ORDER BY line") == [
        (path, duration, int(error))
        for path, duration, error in frame.select("path", "duration_ms", "is_error").rows()
    ]
    assert [found.name for found in tmp_path.iterdir()] == [name]


def test_an_answer_is_a_table(tmp_path: Path) -> None:
    output = tmp_path / "answer.db"
    sql = "SELECT host, count(*) AS n, sum(bytes_sent) AS bytes FROM logs GROUP BY host"
    ended = run("query", str(_LOG), sql, "--own-traffic", "-o", str(output))
    expected = envoylogs.scan(_LOG).collect()

    assert ended.returncode == 0
    assert _read(output, "SELECT sum(n), sum(bytes) FROM answer") == [
        (expected.height, expected["bytes_sent"].sum())
    ]
