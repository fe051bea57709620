"""The window of figures: all of a log but strays, which are counted."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoylogs.summary.over_time import window_of

_S = 1_000_000
_DAY = 86_400 * _S
_TEN_MINUTES = [start * _S for start in range(0, 600, 5)]


def _rows(*starts: int | None, records: int = 1) -> pl.DataFrame:
    schema = {"start": pl.Int64, "records": pl.Int64}
    return pl.DataFrame({"start": starts, "records": [records] * len(starts)}, schema)


def test_a_log_without_times_has_none() -> None:
    assert window_of(_rows(None, None)) is None


def test_the_window_of_most_logs_is_all_of_them() -> None:
    assert window_of(_rows(*_TEN_MINUTES, None)) == (0, 595 * _S, 0)


@pytest.mark.parametrize(
    "stray", [-62_135_596_800 * _S, -30 * _DAY, 2 * _DAY, 250_000_000_000 * _S]
)
def test_a_record_of_another_age_is_outside(stray: int) -> None:
    assert window_of(_rows(*_TEN_MINUTES, stray)) == (0, 595 * _S, 1)


def test_strays_may_be_at_both_ends() -> None:
    assert window_of(_rows(-_DAY, *_TEN_MINUTES, _DAY)) == (0, 595 * _S, 2)


def test_a_stray_within_the_hour_is_shown() -> None:
    assert window_of(_rows(*[0] * 100, 3000 * _S)) == (0, 3000 * _S, 0)


def test_what_is_more_than_one_percent_is_no_stray() -> None:
    assert window_of(_rows(*_TEN_MINUTES, 30 * _DAY, 30 * _DAY + _S)) == (0, 30 * _DAY + _S, 0)


def test_of_a_few_records_none_is_a_stray() -> None:
    assert window_of(_rows(0, _S, 2 * _S, 300 * _DAY)) == (0, 300 * _DAY, 0)


@given(
    st.lists(st.tuples(st.none() | st.integers(-(10**17), 10**17), st.integers(1, 50)), max_size=40)
)
def test_nearly_all_records_are_in_the_window(counts: list[tuple[int | None, int]]) -> None:
    rows = pl.DataFrame(counts, {"start": pl.Int64, "records": pl.Int64}, orient="row")
    timed = rows.drop_nulls("start")

    window = window_of(rows)

    if window is None:
        assert timed.is_empty()
        return
    first, last, outside = window
    inside = timed.filter(pl.col("start").is_between(first, last))
    total = timed["records"].sum()
    assert inside["records"].sum() + outside == total
    assert outside <= 2 * max(1, total // 100)
    assert {first, last} <= set(timed["start"])
