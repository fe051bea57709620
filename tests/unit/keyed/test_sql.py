"""Numbers and times in SQL are what people expect; words in quotes and comments are let be."""

from __future__ import annotations

import polars as pl
import pytest

from envoylogs.keyed.sql import as_polars, is_question, reader_in


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("duration_ms + 1.5", "duration_ms + 1.5e0"),
        ("a/.5+1.", "a/.5e0+1.e0"),
        ("a > 1.5e3", "a > 1.5e3"),
        ("a > 15 AND b = 1", "a > 15 AND b = 1"),
        ("path = '/v1.5' AND t.a > 0.1", "path = '/v1.5' AND t.a > 0.1e0"),
        ("path = 'it''s 1.5' OR a = 1.5", "path = 'it''s 1.5' OR a = 1.5e0"),
        ('"1.5" > 2.0', '"1.5" > 2.0e0'),
        ("host = '10.0.0.1'", "host = '10.0.0.1'"),
        ("a -- 1.5\n > 2.5 /* 3.5\n 4.5 */", "a -- 1.5\n > 2.5e0 /* 3.5\n 4.5 */"),
        ("'open 1.5", "'open 1.5e0"),
    ],
)
def test_numbers_with_a_point_are_floats(sql: str, expected: str) -> None:
    assert as_polars(sql) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("a * 1.5", 3.0),
        ("a / 0.0", None),
        ("a * 1.0 / (a - a)", None),
        ("0.1", 0.1),
    ],
)
def test_arithmetic_is_that_of_floats(sql: str, expected: float | None) -> None:
    found = pl.DataFrame({"a": [2]}).select(pl.sql_expr(as_polars(sql)).alias("x"))["x"]

    assert found.dtype == pl.Float64
    assert found.to_list() == [expected]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT * FROM read_csv('/etc/hostname')", "read_csv"),
        ("select * from Read_Parquet ('x')", "Read_Parquet"),
        ("SELECT * FROM \"read_csv\"('x')", '"read_csv"'),
        ("SELECT * FROM READ_CSV /* */ ('x')", "READ_CSV"),
        ("SELECT * FROM read_ipc -- (\n ('x')", "read_ipc"),
        ("SELECT path FROM logs WHERE path = 'read_csv(1)'", None),
        ("SELECT read_timeout FROM logs -- read_csv(", None),
    ],
)
def test_functions_that_read_files_are_found(sql: str, expected: str | None) -> None:
    assert reader_in(sql) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1", True),
        (" -- first\n ( select 1)", True),
        ("WITH t AS (SELECT 1) SELECT * FROM t", True),
        ("WITH recursively AS (SELECT 1) SELECT 1", True),
        ("WITH RECURSIVE t AS (SELECT 1 UNION ALL SELECT 1 FROM t) SELECT * FROM t", False),
        ("with /* */ recursive t AS (SELECT 1) SELECT 1", False),
        ("DROP TABLE logs", False),
        ("CREATE TABLE x AS SELECT * FROM logs", False),
        ("EXPLAIN SELECT 1", False),
        ("DESCRIBE logs", False),
        ("SHOW COLUMNS FROM logs", False),
        ("SHOW TABLES", True),
        ("SELECT describe FROM logs", True),
        ("selec what Polars knows best", True),
        ("SELECT 'DROP TABLE logs'", True),
    ],
)
def test_a_question_is_a_select_that_can_end(sql: str, expected: bool) -> None:  # noqa: FBT001
    assert is_question(sql) is expected
