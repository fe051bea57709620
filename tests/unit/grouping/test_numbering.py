"""Numbers hold through a reading, and what is made of a row is made once."""

from __future__ import annotations

import polars as pl
import pytest

from envoylogs.grouping import numbering
from envoylogs.grouping.numbering import Numbering, Table


def _rows(*names: str | None) -> pl.DataFrame:
    return pl.DataFrame({"name": names}, schema={"name": pl.String})


def test_what_was_met_keeps_its_number() -> None:
    numbers = Numbering()

    first, found = numbers.numbered(_rows("a", None, "a", "b"))
    second, again = numbers.numbered(_rows("c", "b", None))

    assert found.to_list() == [0, 1, 0, 2]
    assert again.to_list() == [3, 2, 1]
    assert first is second
    assert first.rows["name"].to_list() == ["a", None, "b", "c"]


def test_what_is_made_of_a_row_is_made_once() -> None:
    asked: list[str] = []

    def made(rows: pl.DataFrame) -> pl.DataFrame:
        asked.extend(rows["name"])
        return rows.select(pl.col("name").str.to_uppercase())

    numbers = Numbering()
    for block in (_rows("a", "b"), _rows("b"), _rows("a", "c")):
        table, _ = numbers.numbered(block)
        found = table.once("upper", made)

    assert found["name"].to_list() == ["A", "B", "C"]
    assert asked == ["a", "b", "c"]


def test_a_full_table_is_closed_and_keeps_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbering, "MOST_ROWS", 2)
    numbers = Numbering()

    full, _ = numbers.numbered(_rows("a", "b", "c"))
    other, found = numbers.numbered(_rows("c", "d"))

    assert other is not full
    assert full.rows["name"].to_list() == ["a", "b", "c"]
    assert other.rows["name"].to_list() == ["c", "d"]
    assert found.to_list() == [0, 1]


def test_rows_of_one_hash_are_still_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    def alike(rows: pl.DataFrame, seed: int) -> pl.Series:
        del seed
        return pl.repeat(7, rows.height, dtype=pl.UInt64, eager=True)

    monkeypatch.setattr(pl.DataFrame, "hash_rows", alike)
    numbers = Numbering()
    tables: list[Table] = []
    for block in (_rows("a", "a"), _rows("a", "b"), _rows("b", "a")):
        table, found = numbers.numbered(block)
        tables.append(table)
        assert table.rows["name"][found].to_list() == block["name"].to_list()

    assert len(set(map(id, tables))) == 3
