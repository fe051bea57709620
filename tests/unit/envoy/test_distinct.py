"""Working out something once for each distinct value."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoylogs.envoy.distinct import numbered, with_columns_by


@pytest.mark.property
@given(st.lists(st.none() | st.sampled_from("abc"), min_size=1))
def test_the_result_is_that_of_working_it_out_for_every_row(values: list[str | None]) -> None:
    frame = pl.DataFrame(
        {"key": pl.Series(values, dtype=pl.String), "place": list(range(len(values)))}
    )
    length = pl.col("key").fill_null("none").str.len_chars().alias("length")

    assert with_columns_by(frame, "key", [length]).equals(frame.with_columns(length))


@pytest.mark.property
@given(st.lists(st.tuples(st.none() | st.sampled_from("ab"), st.none() | st.sampled_from([1, 2]))))
def test_numbers_name_the_distinct_rows_in_their_order(
    values: list[tuple[str | None, int | None]],
) -> None:
    rows = pl.DataFrame(values, schema={"a": pl.String(), "b": pl.Int64()}, orient="row")

    found, numbers = numbered(rows)

    assert found.rows() == list(dict.fromkeys(values))
    assert [found.row(number) for number in numbers] == values
