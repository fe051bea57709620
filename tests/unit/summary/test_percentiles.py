from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoylogs.summary.percentiles import (
    EMPTY_LATENCY,
    LATENCY,
    PER_MILLE,
    latency_by,
    latency_column,
)
from envoylogs.tally.ladder import ALL_DIGITS, DIGITS, in_classes, relative_error_of

_Row = tuple[str | None, int, int]
"""Key, value and how often."""


def _latencies(rows: list[_Row]) -> dict[str | None, dict[str, Any]]:
    counts = pl.DataFrame(
        rows,
        schema={"key": pl.String(), "value_ms": pl.Int64(), "requests": pl.Int64()},
        orient="row",
    ).with_columns(pl.lit(ALL_DIGITS, pl.Int64).alias("digits"))
    found = latency_by(counts, ["key"], "latency")
    assert found.schema == pl.Schema({"key": pl.String(), "latency": LATENCY})
    return dict(found.iter_rows())


def _latency(*values: tuple[int, int]) -> dict[str, Any]:
    return _latencies([("a", value, n) for value, n in values])["a"]


def _nearest_rank(values: list[int]) -> dict[str, Any]:
    ordered, n = sorted(values), len(values)
    return {
        "count": n,
        "exact": True,
        **{name: ordered[-(-n * q // 1000) - 1] for name, q in PER_MILLE.items()},
        "max": ordered[-1],
        "mean": pytest.approx(sum(ordered) / n),
    }


def test_one_value_is_every_percentile() -> None:
    assert _latency((7, 1)) == _nearest_rank([7])
    assert _latency((7, 1))["p50"] == _latency((7, 1))["p999"] == 7


def test_a_percentile_is_a_value_that_was_logged() -> None:
    assert _latency((10, 1), (20, 1))["p50"] == 10
    assert _latency((10, 1), (20, 1), (30, 1))["p50"] == 20
    assert _latency((10, 1), (20, 1))["p90"] == 20


def test_the_rank_is_rounded_up_exactly() -> None:
    # 0.9 * 10 is 9 exactly, 0.95 * 20 is 19, 0.999 * 1000 is 999: the next value is never taken.
    assert _latency((1, 9), (2, 1))["p90"] == 1
    assert _latency((1, 19), (2, 1))["p95"] == 1
    assert _latency((1, 99), (2, 1))["p99"] == 1
    assert _latency((1, 999), (2, 1))["p999"] == 1
    assert _latency((1, 998), (2, 2))["p999"] == 2
    assert _latency((1, 89), (2, 11))["p90"] == 2


def test_ties_are_one_value() -> None:
    assert _latency((5, 3), (5, 4), (9, 1)) == _nearest_rank([5] * 7 + [9])


def test_negative_values_are_values() -> None:
    assert _latency((-3, 1), (0, 1), (2, 1)) == _nearest_rank([-3, 0, 2])


def test_counts_of_trillions_are_exact() -> None:
    n = 10**12

    assert _latency((1, n - 1), (2, 1), (3, n)) == {
        "count": 2 * n,
        "exact": True,
        "p50": 2,
        "p90": 3,
        "p95": 3,
        "p99": 3,
        "p999": 3,
        "max": 3,
        "mean": pytest.approx(2.0),
    }
    assert _latency((1, n), (2, 1), (3, n))["p50"] == 2
    assert _latency((1, n + 1), (2, 1), (3, n))["p50"] == 1


def test_a_missing_key_is_a_group() -> None:
    found = _latencies([(None, 1, 1), ("a", 2, 1), (None, 3, 1)])

    assert found == {None: _nearest_rank([1, 3]), "a": _nearest_rank([2])}


def test_nothing_has_no_groups() -> None:
    assert _latencies([]) == {}


def test_a_group_without_a_latency_gets_the_empty_one() -> None:
    frame = pl.DataFrame({"latency": [None]}, schema={"latency": LATENCY})

    assert frame.select(latency_column("latency")).item() == EMPTY_LATENCY
    assert EMPTY_LATENCY["count"] == 0
    assert EMPTY_LATENCY["p50"] is None


def test_many_groups_do_not_mix() -> None:
    chance = Random(7)
    values: dict[str, list[int]] = {}
    rows: list[_Row] = []
    for _ in range(40_000):
        key, value, n = f"k{chance.randrange(500)}", chance.randrange(300), chance.randrange(1, 4)
        rows.append((key, value, n))
        values.setdefault(key, []).extend([value] * n)

    assert _latencies(rows) == {key: _nearest_rank(found) for key, found in values.items()}


@pytest.mark.property
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["a", "b", None]),
            st.one_of(st.integers(-3, 3), st.integers(-(10**6), 10**6)),
            st.integers(1, 40),
        ),
        max_size=25,
    )
)
def test_percentiles_are_those_of_the_sorted_list(rows: list[_Row]) -> None:
    values: dict[str | None, list[int]] = {}
    for key, value, n in rows:
        values.setdefault(key, []).extend([value] * n)

    assert _latencies(rows) == {key: _nearest_rank(found) for key, found in values.items()}


@pytest.mark.property
@given(
    counts=st.dictionaries(st.integers(0, 9), st.integers(1, 10**11), min_size=1),
    factor=st.integers(2, 1000),
)
def test_all_counts_times_a_number_change_no_percentile_but_by_rounding(
    counts: dict[int, int], factor: int
) -> None:
    found = _latency(*((value, n * factor) for value, n in counts.items()))

    total = sum(counts.values()) * factor
    for name, per_mille in PER_MILLE.items():
        up_to = Counter({v: sum(n for w, n in counts.items() if w <= v) * factor for v in counts})
        assert up_to[found[name]] * 1000 >= total * per_mille
        smaller = [up_to[value] for value in counts if value < found[name]]
        assert all(n * 1000 < total * per_mille for n in smaller)


@pytest.mark.property
@given(
    values=st.lists(st.integers(0, 10**7), min_size=1, max_size=40),
    digits=st.sampled_from(DIGITS),
)
def test_percentiles_of_classes_are_within_the_stated_error(values: list[int], digits: int) -> None:
    counts = pl.DataFrame(
        {"key": "a", "value_ms": values, "requests": 1, "digits": digits},
        schema_overrides={"value_ms": pl.Int64(), "requests": pl.Int64(), "digits": pl.Int64()},
    ).with_columns(in_classes(pl.col("value_ms"), digits))

    found = latency_by(counts, ["key"], "latency")["latency"].item()

    exact = _nearest_rank(values)
    assert found["exact"] == (digits == ALL_DIGITS or max(values) < 2**digits)
    for name in (*PER_MILLE, "max"):
        assert abs(found[name] - exact[name]) <= relative_error_of(digits) * exact[name]
        assert found["exact"] <= (found[name] == exact[name])
