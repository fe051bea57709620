"""The compiled part: what it numbers and counts is what a plain loop does."""

from __future__ import annotations

import pickle
from types import ModuleType
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoylogs.grouping.kernel import kernel, new_seed
from envoylogs.reading.decoders.choice import VARIABLE

_LEAST, _MOST = -(2**63), 2**63 - 1
_NUMBERS = st.one_of(
    st.none(),
    st.integers(-3, 3),
    st.sampled_from([_LEAST, _LEAST + 1, _MOST - 1, _MOST]),
    st.integers(_LEAST, _MOST),
)
_TEXTS = st.one_of(st.none(), st.text(max_size=3), st.sampled_from(["x" * 12, "x" * 13, "x" * 70]))
_SCHEMA = {"text": pl.String(), "number": pl.Int64(), "code": pl.UInt32(), "flag": pl.Boolean()}


def _measures(words: str) -> bytes:
    """Return measures, an operation and a column each."""
    return b"".join(bytes([ord(word[0]), int(word[1])]) for word in words.split())


@pytest.fixture(scope="module", name="compiled")
def _compiled() -> ModuleType:
    found = kernel()
    if found is None:
        pytest.skip("the compiled part is not there")
    return found


@pytest.mark.property
@given(
    rows=st.lists(
        st.tuples(_TEXTS, _NUMBERS, st.integers(0, 2**32 - 1) | st.none(), st.booleans()),
        max_size=60,
    ),
    cut=st.integers(0, 60),
)
def test_equal_rows_have_one_number_and_others_have_others(
    compiled: ModuleType, rows: list[tuple[object, ...]], cut: int
) -> None:
    numbers = compiled.Rows(new_seed())
    met: dict[tuple[object, ...], int] = {}

    for part in (rows[:cut], rows[cut:]):
        frame = pl.DataFrame(part, schema=_SCHEMA, orient="row")
        found = pl.Series(numbers.numbers_of(frame), dtype=pl.UInt32)
        assert found.to_list() == [met.setdefault(row, len(met)) for row in part]
    assert len(numbers) == len(met)


@pytest.mark.property
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 3), st.booleans() | st.none(), _NUMBERS, _NUMBERS, st.booleans()),
        max_size=60,
    ),
    groups=st.lists(st.integers(0, 2) | st.none(), max_size=3),
    cut=st.integers(0, 60),
)
def test_counts_are_those_of_a_loop(
    compiled: ModuleType,
    rows: list[tuple[int, bool | None, int | None, int | None, bool]],
    groups: list[int | None],
    cut: int,
) -> None:
    counts = compiled.Counts(new_seed(), 1, _measures("n0 t1 00 +0 <0 >0"), True)  # noqa: FBT003
    schema = {"key": pl.UInt32(), "valid": pl.Boolean(), "value": pl.Int64(), "of": pl.Int64(),
              "flag": pl.Boolean()}  # fmt: skip
    for part in (rows[:cut], rows[cut:]):
        frame = pl.DataFrame(part, schema=schema, orient="row")
        counts.add(pl.Series(groups, dtype=pl.UInt32), frame)

    found = pl.DataFrame([pl.Series(of).alias(str(n)) for n, of in enumerate(counts.columns())])
    expected = {}
    for key, is_valid, value, _, _ in rows:
        group = groups[key] if key < len(groups) else None
        if group is None or not is_valid:
            continue
        of_group = [
            row
            for row in rows
            if row[1] and row[2] == value and groups[row[0] : row[0] + 1] == [group]
        ]
        numbers = [row[3] for row in of_group if row[3] is not None]
        expected[group, value] = (
            len(of_group),
            sum(row[4] for row in of_group),
            len(of_group) - len(numbers),
            max(_LEAST, min(_MOST, sum(numbers))),
            min(numbers, default=None),
            max(numbers, default=None),
        )
    assert len(counts) == found.height == len(expected)
    assert {row[:2]: row[2:] for row in found.rows()} == expected


def test_what_can_not_be_counted_is_refused(compiled: ModuleType) -> None:
    counts = compiled.Counts(new_seed(), 1, _measures("n0 t0"), False)  # noqa: FBT003
    groups = pl.Series([0], dtype=pl.UInt32)
    rows = pl.DataFrame({"key": [0], "value": [1], "flag": [True]}).cast({"key": pl.UInt32})

    for odd in (
        rows.cast({"key": pl.Int64}),
        rows.cast({"value": pl.String}),
        rows.cast({"value": pl.Float64}),
        rows.cast({"flag": pl.Int64}),
        rows.select("key", "value"),
        rows.select("key"),
    ):
        with pytest.raises(TypeError):
            counts.add(groups, odd)
    for arguments in (
        (b"short", 1, _measures("n0"), False),
        (new_seed(), 17, _measures("n0"), False),
        (new_seed(), -1, _measures("n0"), False),
        (new_seed(), 1, _measures("x0"), False),
        (new_seed(), 1, b"n", False),
        (new_seed(), 1, _measures("n0 " * 33), False),
        (new_seed(), 1, _measures("<0 " * 17), False),
    ):
        with pytest.raises(ValueError, match=r"values|bytes|operation|extremes"):
            compiled.Counts(*arguments)
    with pytest.raises(TypeError):
        pickle.dumps(counts)
    assert len(counts) == 0


_GROUPS = pl.Series([0, 1, 2], dtype=pl.UInt32)
_ROWS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3) | st.none(), _NUMBERS), max_size=60)


def _counted(compiled: ModuleType, rows: list[tuple[int, int | None, int | None]]) -> Any:
    counts = compiled.Counts(new_seed(), 1, _measures("n0 +0 <0 >0"), False)  # noqa: FBT003
    schema = {"key": pl.UInt32(), "value": pl.UInt32(), "of": pl.Int64()}
    counts.add(_GROUPS, pl.DataFrame(rows, schema=schema, orient="row"))
    return counts


def _rows_of(counts: Any) -> list[tuple[Any, ...]]:
    found = pl.DataFrame([pl.Series(of).alias(str(n)) for n, of in enumerate(counts.columns())])
    return sorted(found.rows(), key=repr)


@pytest.mark.property
@given(rows=_ROWS, more=_ROWS, groups=st.permutations(range(3)), values=st.permutations(range(4)))
def test_counts_that_are_taken_are_those_of_all_rows(
    compiled: ModuleType,
    rows: list[tuple[int, int | None, int | None]],
    more: list[tuple[int, int | None, int | None]],
    groups: list[int],
    values: list[int],
) -> None:
    counts = _counted(compiled, rows)
    renumbered = [(groups[key], None if v is None else values[v], of) for key, v, of in more]

    counts.take(
        _counted(compiled, more),
        [pl.Series(groups, dtype=pl.UInt32), pl.Series(values, dtype=pl.UInt32)],
    )

    assert _rows_of(counts) == _rows_of(_counted(compiled, rows + renumbered))
    counts.take(_counted(compiled, more), [None, None])
    assert _rows_of(counts) == _rows_of(_counted(compiled, rows + renumbered + more))


def test_counts_of_something_else_are_not_taken(compiled: ModuleType) -> None:
    counts = _counted(compiled, [(0, 0, 1), (2, 3, 1)])
    before = _rows_of(counts)
    few = pl.Series([0, 1], dtype=pl.UInt32)
    others = compiled.Counts(new_seed(), 1, _measures("n0 +0 <0 <0"), False)  # noqa: FBT003

    for other, numbers in (
        (counts, [None, None]),
        (others, [None, None]),
        (_counted(compiled, [(2, 3, 1)]), [None]),
        (_counted(compiled, [(2, 3, 1)]), [few, None]),
        (_counted(compiled, [(2, 3, 1)]), [None, few]),
    ):
        with pytest.raises(ValueError, match=r"counts|change|number"):
            counts.take(other, numbers)
    assert _rows_of(counts) == before


@pytest.mark.property
@given(
    rows=_ROWS, values=st.lists(_NUMBERS.filter(lambda n: n is not None), min_size=4, max_size=4)
)
def test_values_that_others_are_put_for_are_counted_as_these(
    compiled: ModuleType, rows: list[tuple[int, int | None, int | None]], values: list[int]
) -> None:
    counts = _counted(compiled, rows)
    before = pl.Series(counts.values(0))

    counts.put(0, before.replace_strict(dict(enumerate(values)), return_dtype=pl.Int64))

    expected = compiled.Counts(new_seed(), 1, _measures("n0 +0 <0 >0"), False)  # noqa: FBT003
    schema = {"key": pl.UInt32(), "value": pl.Int64(), "of": pl.Int64()}
    changed = [(key, None if v is None else values[v], of) for key, v, of in rows]
    expected.add(_GROUPS, pl.DataFrame(changed, schema=schema, orient="row"))
    assert _rows_of(counts) == _rows_of(expected)


def test_values_of_something_else_are_not_put(compiled: ModuleType) -> None:
    counts = _counted(compiled, [(0, 0, 1), (2, 3, 1)])
    before = _rows_of(counts)

    for place, values in ((1, [1, 2]), (-1, [1, 2]), (0, [1]), (0, [1, 2, 3])):
        with pytest.raises(ValueError, match="value"):
            counts.put(place, pl.Series(values))
    with pytest.raises(TypeError):
        counts.put(0, pl.Series(["a", "b"]))
    assert _rows_of(counts) == before


def test_a_column_of_a_result_is_taken_once(compiled: ModuleType) -> None:
    column = compiled.Rows(new_seed()).numbers_of(pl.DataFrame({"a": ["x", "x"]}))

    assert pl.Series(column).to_list() == [0, 0]
    with pytest.raises(ValueError, match="taken before"):
        column.__arrow_c_array__()


def test_whoever_wants_the_reference_decoder_gets_nothing_compiled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(VARIABLE, "reference")

    assert kernel.__wrapped__() is None
