"""What other databases call otherwise is told as it is written here, and what is told works."""

# ruff: noqa: S608  # questions are made of texts here

from __future__ import annotations

from functools import cache

import polars as pl
import pytest
from tests.handmade import failed, served, source_of, text_of, unrouted

from envoylogs.errors import QueryError
from envoylogs.frames import scanned_frame
from envoylogs.keyed.answers import answer
from envoylogs.keyed.plan import ReadPlan
from envoylogs.keyed.sql_dialects import FUNCTIONS, INSTEAD


@cache
def _log() -> pl.DataFrame:
    records = [served(0), served(400, path="/api/cart"), unrouted(2), failed(3, 503, "UF", "x")]
    return scanned_frame([source_of(text_of(records))], ReadPlan()).collect()


def _answer(sql: str) -> pl.DataFrame:
    return answer(sql, {"logs": _log().lazy()})


@pytest.mark.parametrize("name", INSTEAD)
def test_a_function_that_there_is_not_is_told_with_one_that_works(name: str) -> None:
    here = INSTEAD[name]
    with pytest.raises(QueryError) as caught:
        _answer(f"SELECT {name}(path) FROM logs")

    assert f"there is no function {name}; write {here}." in str(caught.value)
    assert _answer(here if here.startswith("SELECT") else f"SELECT {here} FROM logs").height


@pytest.mark.parametrize(
    ("sql", "words", "here"),
    [
        ("SELECT * FROM logs PIVOT (count(line) FOR host IN ('a'))", "PIVOT",
         "SELECT count(*) FILTER (WHERE response_code >= 500) FROM logs"),
        ("SELECT path SIMILAR TO '/x' FROM logs", "path ~", "SELECT path ~ '^/api/' FROM logs"),
        ("SELECT path GLOB '/x*' FROM logs", "LIKE", "SELECT path LIKE '/api/%' FROM logs"),
        ("SELECT * FROM logs TABLESAMPLE (10 PERCENT)", "LIMIT 100", "FROM logs"),
        ("SELECT sum(line) OVER (ORDER BY line RANGE BETWEEN INTERVAL '1 minute' PRECEDING AND "
         "CURRENT ROW) FROM logs", "ROWS BETWEEN 3 PRECEDING",
         "SELECT sum(line) OVER (ORDER BY line ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) FROM "
         "logs"),
        ("SELECT count(DISTINCT (host, path)) FROM logs", "DISTINCT concat_ws(' ', a, b)",
         "SELECT count(DISTINCT concat_ws(' ', host, path)) FROM logs"),
        ("SELECT count(DISTINCT host, path) FROM logs", "DISTINCT concat_ws(' ', a, b)", ""),
        ("SELECT host COLLATE NOCASE FROM logs", "lower(host)", "SELECT lower(host) FROM logs"),
        ("SELECT line << 1 FROM logs", "bit_and(a, b)", "SELECT bit_xor(line, 1) FROM logs"),
        ("SELECT date_trunc('5 minutes', start_time) FROM logs", "// 300000000", ""),
        ("SELECT strftime('%Y', start_time) FROM logs", "strftime(start_time", ""),
    ],
)  # fmt: skip
def test_a_clause_that_there_is_not_is_told_with_one_that_works(
    sql: str, words: str, here: str
) -> None:
    with pytest.raises(QueryError) as caught:
        _answer(sql)

    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    if here.startswith("SELECT"):
        assert _answer(here).height


def test_buckets_of_five_minutes_begin_at_whole_ones() -> None:
    found = _answer(f"SELECT {INSTEAD['time_bucket']} AS bucket FROM logs")["bucket"]

    assert set(found.dt.minute() % 5) == {0}
    assert (found <= _log()["start_time"]).all()


@pytest.mark.parametrize("name", sorted({*FUNCTIONS} - {"greatest", "least"}))
def test_functions_that_are_offered_are_there(name: str) -> None:
    with pytest.raises(QueryError) as caught:
        _answer(f"SELECT {name}(1, 2, 3, 4, 5) FROM logs WHERE nothing = 1")

    assert "there is no function" not in str(caught.value)


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT quantil_disc(line, 0.5) FROM logs", "Did you mean quantile_disc or quantile_cont"),
        ("SELECT lenght(path) FROM logs", "Did you mean length"),
        ("SELECT qqqqqq(path) FROM logs", "there is no function qqqqqq."),
        ("SELECT pth FROM logs", "Did you mean path"),
        ("SELECT qqqqqq FROM logs", "'envoylogs columns' says which there are."),
    ],
)
def test_names_are_told_with_the_nearest_in_a_line(sql: str, words: str) -> None:
    with pytest.raises(QueryError) as caught:
        _answer(sql)

    assert words in str(caught.value)
    assert len(str(caught.value)) < 250
    assert "\n" not in str(caught.value)
