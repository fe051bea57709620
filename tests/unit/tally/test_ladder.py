from __future__ import annotations

from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoylogs.tally.ladder import ALL_DIGITS, DIGITS, in_classes, relative_error_of

_durations = st.integers(-(2**62), 2**62)


def _classed(values: list[int], digits: int) -> list[int]:
    frame = pl.DataFrame({"value_ms": values}, schema={"value_ms": pl.Int64()})
    return frame.select(in_classes(pl.col("value_ms"), digits)).to_series().to_list()


def test_a_class_is_its_middle() -> None:
    assert _classed([0, 1, 15, 16, 17, 18, 1000, -17], 4) == [0, 1, 15, 17, 17, 19, 992, -17]


def test_whole_milliseconds_are_left_alone() -> None:
    assert _classed([0, 12345, -7], ALL_DIGITS) == [0, 12345, -7]


@pytest.mark.property
@given(values=st.lists(_durations, min_size=1, max_size=20), digits=st.sampled_from(DIGITS))
def test_the_middle_is_near_and_in_its_own_class(values: list[int], digits: int) -> None:
    middles = _classed(values, digits)

    assert all(
        abs(middle - value) <= relative_error_of(digits) * abs(value)
        for value, middle in zip(values, middles, strict=True)
    )
    assert _classed(middles, digits) == middles


@pytest.mark.property
@given(values=st.lists(_durations, min_size=1, max_size=20))
def test_classes_of_fewer_digits_are_made_of_whole_classes_of_more(values: list[int]) -> None:
    for more, fewer in pairwise(DIGITS):
        assert _classed(_classed(values, more), fewer) == _classed(values, fewer)


@pytest.mark.property
@given(values=st.lists(_durations, min_size=2, max_size=20), digits=st.sampled_from(DIGITS))
def test_classes_keep_the_order(values: list[int], digits: int) -> None:
    middles = _classed(sorted(values), digits)

    assert middles == sorted(middles)
