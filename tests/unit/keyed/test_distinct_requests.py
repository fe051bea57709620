"""Which requests were read before."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoylogs.keyed.distinct_requests import RequestsSeen

_IDS = st.lists(st.none() | st.integers(0, 30).map(str), max_size=20)


def _frame(ids: list[str | None]) -> pl.DataFrame:
    return pl.DataFrame({"request_id": ids}, schema={"request_id": pl.String()}).with_row_index()


@pytest.mark.property
@given(batches=st.lists(_IDS, max_size=12))
def test_the_first_record_of_each_request_is_kept(batches: list[list[str | None]]) -> None:
    seen, known = RequestsSeen(), set[str]()
    for ids in batches:
        expected = []
        for place, name in enumerate(ids):
            if name is None or name not in known:
                expected.append((place, name))
            if name is not None:
                known.add(name)

        frame = _frame(ids)
        assert frame.filter(seen.are_new(frame["request_id"])).rows() == expected
