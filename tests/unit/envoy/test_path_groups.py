"""Path groups of many paths are those of each."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoylogs.envoy.paths import MAX_TEXT, numbered_path_groups, path_group

_PIECES = ("/", "/7", "/12", "/007", "/v2", "7a", "/0123456789abcdef", "?id=7/8/9", "#/4", "/a b",
           "/5b1c7d7e-1f0a-4A55-9a35-0f8f3f6c1a01", "/{id:0123456789abcdef}", "/é/3",
           "/" + "9" * MAX_TEXT, "x" * (MAX_TEXT - 3))  # fmt: skip
_paths = st.none() | st.lists(st.sampled_from(_PIECES), max_size=6).map("".join)


@pytest.mark.property
@given(st.lists(_paths, min_size=1, max_size=20), st.integers(1, 5))
def test_the_group_of_a_path_does_not_depend_on_those_beside_it(
    paths: list[str | None], segments: int
) -> None:
    logged = pl.Series("path", paths, dtype=pl.String)

    groups, numbers = numbered_path_groups(logged, segments)

    each = logged.to_frame().select(path_group(pl.col("path"), segments)).to_series()
    assert groups[numbers].to_list() == each.to_list()
    assert groups.n_unique() == len(groups)
