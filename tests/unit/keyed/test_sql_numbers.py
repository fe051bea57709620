"""Numbers that SQL makes are those of arithmetic, whatever Polars would count them in."""

# ruff: noqa: S608  # questions are made of texts here

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoylogs.keyed.answers import answer

if TYPE_CHECKING:
    from collections.abc import Callable

_ROWS: list[dict[str, object]] = [
    {"s": "/", "n": 0, "t": datetime(2026, 11, 1, 0, 0, tzinfo=UTC), "b": True},
    {"s": "/cart", "n": 3, "t": datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), "b": False},
    {"s": "x" * 300, "n": 2**40, "t": datetime(2026, 7, 15, 12, 30, tzinfo=UTC), "b": True},
    {"s": None, "n": -(2**40), "t": None, "b": None},
    {"s": "", "n": 127, "t": datetime(2026, 1, 9, 5, 6, 7, tzinfo=UTC), "b": False},
]
_TYPES: dict[str, pl.DataType] = {
    "s": pl.String(), "n": pl.Int64(), "t": pl.Datetime("us", "UTC"), "b": pl.Boolean()
}  # fmt: skip


def _log() -> pl.LazyFrame:
    return pl.LazyFrame(_ROWS, schema=_TYPES)


def _asked(sql: str) -> list[object]:
    return answer(f"SELECT {sql} AS found FROM logs", {"logs": _log()})["found"].to_list()


class _Whole(NamedTuple):
    """An expression in SQL, and what it is of a row; null of a null."""

    sql: str
    of: Callable[[dict[str, object]], int | None]


def _leaf(sql: str, name: str, of: Callable[..., int]) -> _Whole:
    return _Whole(sql, lambda row: None if row[name] is None else of(row[name]))


def _number(n: int) -> _Whole:
    return _Whole(str(n), lambda _: n)


_LEAVES = [
    _leaf("n", "n", lambda n: n),
    _leaf("length(s)", "s", len),
    _leaf("octet_length(s)", "s", len),
    _leaf("bit_length(s)", "s", lambda s: 8 * len(s)),
    # Polars finds nothing in what is missing.
    _Whole("strpos(s, 'c')", lambda row: str(row["s"] or "").find("c") + 1),
    _Whole("POSITION('c' IN s)", lambda row: str(row["s"] or "").find("c") + 1),
    _leaf("extract(hour FROM t)", "t", lambda t: t.hour),
    _leaf("EXTRACT(year FROM t)", "t", lambda t: t.year),
    _leaf("date_part('minute', t)", "t", lambda t: t.minute),
    _leaf("hour(t)", "t", lambda t: t.hour),
    _leaf("CAST(length(s) AS SMALLINT)", "s", len),
    _leaf("CAST(b AS INT)", "b", int),
    _leaf("extract(second FROM t)::tinyint", "t", lambda t: t.second),
    _leaf("n::BIGINT", "n", lambda n: n),
    _Whole("CASE WHEN b THEN 2000000000 ELSE 1 END", lambda row: 2 * 10**9 if row["b"] else 1),
    *(_number(n) for n in (0, 1, 60, 255, 65_536, 2_000_000_000)),
]


def _rest(a: int, b: int) -> int:
    """Return what is left of a division, which has the sign of what is divided."""
    return 0 if not b else (abs(a) % abs(b)) * (1 if a >= 0 else -1)


def _joined(sign: str, left: _Whole, right: _Whole) -> _Whole:
    def of(row: dict[str, object]) -> int | None:
        a, b = left.of(row), right.of(row)
        if a is None or b is None or (sign == "%" and b == 0):
            return None
        return {"+": a + b, "-": a - b, "*": a * b, "%": _rest(a, b)}[sign]

    return _Whole(f"({left.sql} {sign} {right.sql})", of)


_wholes = st.recursive(
    st.sampled_from(_LEAVES),
    lambda inner: st.builds(_joined, st.sampled_from("+-*%"), inner, inner),
    max_leaves=3,
)


@pytest.mark.property
@given(expression=_wholes)
def test_whole_numbers_are_those_of_a_plain_loop(expression: _Whole) -> None:
    assert _asked(expression.sql) == [expression.of(row) for row in _ROWS]


@pytest.mark.property
@given(left=_wholes, right=_wholes)
def test_what_is_divided_by_zero_is_missing(left: _Whole, right: _Whole) -> None:
    for found, row in zip(_asked(f"{left.sql} / {right.sql}"), _ROWS, strict=True):
        a, b = left.of(row), right.of(row)
        if a is None or not b:
            assert found is None
        else:
            assert isinstance(found, float)
            assert math.isclose(found, a / b, rel_tol=1e-12)


@pytest.mark.property
@given(expression=_wholes)
def test_sums_are_exact(expression: _Whole) -> None:
    values = [value for row in _ROWS if (value := expression.of(row)) is not None]

    # Nothing to add up is no sum.
    assert _asked(f"sum({expression.sql})") == [sum(values) if values else None]


@pytest.mark.parametrize("sign", ["/", "%", "//"])
@pytest.mark.parametrize(
    "zero",
    ["0", "0.0", "-0", "(n - n)", "length('')", "CASE WHEN b THEN 0 ELSE 0 END", "0::float",
     "nullif(0, 1)", "sum(0) OVER ()", "sum(0) OVER (PARTITION BY s)", '("n" * 0 + 0)'],
)  # fmt: skip
def test_every_zero_is_seen(sign: str, zero: str) -> None:
    assert _asked(f"n {sign} {zero}") == [None] * len(_ROWS)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("count(*) - 1000", -995),
        ("max(length(s)) - 1000", -700),
        ("sum(b) - 10", -8),
        ("sum(CASE WHEN b THEN 2000000000 ELSE 2000000000 END)", 10_000_000_000),
        ("sum(DISTINCT CAST(b AS TINYINT)) - 5", -4),
        ("sum(9223372036854775807)", 5 * (2**63 - 1)),
        ("sum(n * n)", 2 * 2**80 + 9 + 127**2),
        ("sum(1.5)", 7.5),
        ("100.0 * count(*) FILTER (WHERE b) / count(*) FILTER (WHERE n > 99999999999999)", None),
        ("sum(n) / 0", None),
        ("mod(max(n), 0)", None),
        ("pow(max(n), 3)", 2**120),
        ("max(pow(2, 0.5))", math.sqrt(2)),
    ],
)
def test_aggregates_do_not_wrap(sql: str, expected: float | None) -> None:
    assert _asked(sql) == [expected]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("sum(n) OVER (ORDER BY n) - 2000", [-(2**40) - 2000, -(2**40) - 2000, -(2**40) - 1997,
                                             -(2**40) - 1870, -1870]),
        ("row_number() OVER (ORDER BY n) - 10", [-9, -8, -7, -6, -5]),
        ("n / count(*) OVER ()", [-(2**40) / 5, 0, 0.6, 127 / 5, 2**40 / 5]),
    ],
)  # fmt: skip
def test_windows_do_not_wrap(sql: str, expected: list[float]) -> None:
    found = answer(f"SELECT {sql} AS found, n FROM logs ORDER BY n", {"logs": _log()})

    assert found["found"].to_list() == pytest.approx(expected)


_FUNCTIONS = {
    "s": "length char_length character_length octet_length bit_length",
    "t": "year quarter month week day dayofmonth dayofweek dayofyear hour minute second",
    "n": "abs sign ceil floor round bit_count bitcount sum max min first last count bit_not",
    "b": "sum count",
}
_PARTS = "year quarter month week day hour minute second dow doy isodow isoyear decade century"
_CALLS = [f"{name}({column})" for column, names in _FUNCTIONS.items() for name in names.split()]
_CALLS += [f"extract({part} FROM t)" for part in _PARTS.split()]
_CALLS += [
    "strpos(s, 'c')", "count(*)", "count(DISTINCT s)", "count(*) OVER ()",
    "rank() OVER (ORDER BY n)", "row_number() OVER (ORDER BY n)", "ntile(2) OVER (ORDER BY n)",
    "array_length(array_agg(s))", "div(n, 2)", "mod(n, 2)", "bit_and(n, 1)", "bit_or(n, 1)",
    "bit_xor(n, 1)", "n::int", "b::int",
    "TRY_CAST(s AS smallint)", "CAST(n AS int unsigned)", "CAST(n AS uint2)",
]  # fmt: skip


@pytest.mark.parametrize("call", _CALLS)
def test_no_function_gives_small_numbers(call: str) -> None:
    found = answer(f"SELECT {call} AS found FROM logs", {"logs": _log()})["found"]

    assert found.dtype == pl.Int64


def test_columns_are_called_as_before() -> None:
    sql = "SELECT length(s), n / 2, n * 3, t::timestamp FROM logs"
    names = ["s", "n", "n:1", "t"]
    renamed = "SELECT length(s) - 1, sum(n), count(*) FROM logs GROUP BY length(s) - 1"

    assert answer(sql, {"logs": _log()}).columns == names
    assert answer(renamed, {"logs": _log()}).columns == ["s", "n", "len"]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM logs",
        "SELECT DISTINCT * FROM logs",
        "SELECT l.* FROM logs AS l",
        "SELECT DISTINCT ON (n) * FROM logs",
        "(SELECT s, * EXCLUDE (s) FROM logs)",
        "SELECT count(*), n FROM logs GROUP BY n",
    ],
)
def test_a_star_that_is_no_product_is_let_be(sql: str) -> None:
    assert answer(sql, {"logs": _log()}).height == len(_ROWS)


@pytest.mark.parametrize("sql", ["ln(0)", "sqrt(-1)", "ln(n - n)", "exp(100000)", "log(0, 2)"])
def test_what_is_no_number_is_missing(sql: str) -> None:
    assert _asked(sql) == [None] * len(_ROWS)


@pytest.mark.parametrize(
    "condition",
    [
        "t > '2026-07-15T12:29:59Z'",
        "'2026-07-15T12:29:59Z' < t",
        "t > '2026-07-15 12:00'",
        "t > TIMESTAMP '2026-07-15 12:00:00'",
        "t >= CAST('2026-07-15 12:30' AS TIMESTAMP)",
        "t >= '2026-07-15T12:30:00Z'::timestamp",
        "t >= TIMESTAMPTZ '2026-07-15 14:30:00+02:00'",
        "CAST(t AS TIMESTAMP) > TIMESTAMP '2026-07-15 00:00:00'",
        "t >= DATE '2026-07-15'",
        "CAST(t AS DATE) >= '2026-07-15'",
        "t BETWEEN '2026-07-15' AND '2027-01-01'",
        "t - TIMESTAMP '2026-07-15 12:00:00' > INTERVAL '1 minute'",
        "t AT TIME ZONE 'Europe/Berlin' > TIMESTAMP '2026-07-15 14:00:00'",
        "t > TIMESTAMP '2026-07-15 14:00:00' AT TIME ZONE 'Europe/Berlin'",
        "date_trunc('hour', t) >= '2026-07-15T12:00:00Z'",
    ],
)
def test_times_are_compared_with_times_as_people_write_them(condition: str) -> None:
    found = answer(f"SELECT s FROM logs WHERE {condition}", {"logs": _log()})

    assert sorted(map(len, found["s"])) == [1, 5, 300]


def test_now_is_the_time_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    before = datetime.now(UTC)
    found = _asked("CASE WHEN b THEN now() ELSE CURRENT_TIMESTAMP END")[0]

    assert isinstance(found, datetime)
    assert before <= found <= datetime.now(UTC)
