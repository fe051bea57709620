"""A value that no record can have is told before a log is read, with the nearest that there is."""

from __future__ import annotations

import polars as pl
import pytest

from envoylogs import schema
from envoylogs.envoy.outcomes import OUTCOME_NAMES
from envoylogs.errors import QueryError, SelectionError
from envoylogs.keyed.answers import answer
from envoylogs.keyed.closed_values import CLOSED, impossible_value
from envoylogs.keyed.selection import Selection


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("outcome = 'error'", "no outcome is called 'error'. Did you mean client_error? is_error"),
        ("outcome == 'errors'", "is_error is true for every error."),
        ("outcome <> 'unrouted'", "is_unrouted is true"),
        ("outcome IN ('served', 'noroute')", "Did you mean no_route"),
        ("outcome NOT IN ('noroute')", "Did you mean no_route"),
        ("'Served' = outcome", "Did you mean served or denied?"),
        ("'noroute' != logs.outcome", "Did you mean no_route"),
        ("\"outcome\" = 'noroute'", "Did you mean no_route"),
        ("outcome = 'qqqq'", "There are those of envoylogs help outcomes."),
        ("response_flags = '-'", "write response_flags IS NULL for '-'."),
        ("host IN ('a.example.com', '-')", "write host IS NULL for '-'."),
        ("failure = 'connect_refuse'", "Did you mean connect_refused"),
        ("role = 'sidcar'", "Did you mean sidecar?"),
        ("kind = 'zzz'", "There are request, connection, own."),
        ("upstream_direction = 'out'", "Did you mean outbound?"),
        ("outcome /* of */ = -- all\n 'x''y'", 'no outcome is called "x\'y"'),
    ],
)
def test_it_is_an_error_with_the_nearest(condition: str, words: str) -> None:
    with pytest.raises(SelectionError) as of_condition:
        Selection.of({}, where=condition)
    with pytest.raises(QueryError) as of_query:
        answer(f"SELECT 1 FROM logs WHERE {condition}", {"logs": pl.LazyFrame()})  # noqa: S608

    assert words in str(of_condition.value)
    assert words in str(of_query.value)


@pytest.mark.parametrize(
    "sql",
    [
        "outcome LIKE 'up%'",
        "outcome > 'm'",
        "path = 'noroute'",
        "outcome = path",
        "outcome IN (lower('X'), 'noroute')",
        "path = '/' AND outcome IS NULL",
        "' outcome = ''error'' ' = path",
        "-- outcome = 'error'\n path = '/'",
        "x.path = outcome",
        "SELECT CASE WHEN is_error THEN 'bad' END AS outcome FROM logs HAVING outcome = 'bad'",
    ],
)
def test_what_may_be_is_let_be(sql: str) -> None:
    assert impossible_value(sql) is None


@pytest.mark.parametrize("column", CLOSED)
def test_every_value_that_there_is_can_be_asked_for(column: str) -> None:
    for value in CLOSED[column]:
        assert impossible_value(f"{column} = '{value}' OR '{value}' <> {column}") is None
    assert column in schema.NORMALIZED


def test_outcomes_are_those_that_records_have() -> None:
    assert set(CLOSED["outcome"]) == set(OUTCOME_NAMES)
