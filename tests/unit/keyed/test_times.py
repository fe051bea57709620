"""Points in time in every form in which access logs write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoylogs.keyed.times import times_of

_MOMENT = datetime(2021, 4, 29, 13, 21, 20, 123456, UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Nanoseconds and microseconds of the first three years after 1970 can't be told apart by size.
_moments = st.datetimes(datetime(1974, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001  # drawn naive
    lambda moment: moment.replace(tzinfo=UTC)
)


def _read(*logged: Any, dtype: type[pl.DataType] | None = pl.String) -> list[datetime | None]:
    times = times_of(pl.Series(logged, dtype=dtype))

    assert times.dtype == pl.Datetime("us", "UTC")
    return times.to_list()


@pytest.mark.parametrize(
    ("logged", "expected"),
    [
        ("2021-04-29T13:21:20.123Z", _MOMENT.replace(microsecond=123000)),
        ("2021-04-29T13:21:20.123456Z", _MOMENT),
        ("2021-04-29T13:21:20.123456789Z", _MOMENT),
        ("2021-04-29T13:21:20Z", _MOMENT.replace(microsecond=0)),
        ("2021-04-29T13:21:20.123456", _MOMENT),
        ("2021-04-29 13:21:20.123456", _MOMENT),
        ("2021-04-29 13:21:20", _MOMENT.replace(microsecond=0)),
        ("2021-04-29T21:21:20.123456+0800", _MOMENT),
        ("2021-04-29T21:21:20.123456+08:00", _MOMENT),
        ("2021-04-29 21:21:20.123456+0800", _MOMENT),
        ("2021-04-29 21:21:20.123456 +0800", _MOMENT),
        ("2021-04-29 06:21:20.123456 -07:00", _MOMENT),
        ("2021-04-29T13:21:20.123456+00:00", _MOMENT),
        ("29/Apr/2021:21:21:20 +0800", _MOMENT.replace(microsecond=0)),
        ("2021-04-29T13:21:20,123456", _MOMENT),
        ("2021-04-29T13:21:20,123456Z", _MOMENT),
        ("2021-04-29 13:21:20,123456 UTC", _MOMENT),
        ("2021-04-29 15:21:20,123456+0200", _MOMENT),
        ("2021-04-29T13:21:20.123456 UTC", _MOMENT),
        ("2021-04-29 13:21:20.123456 GMT", _MOMENT),
        ("2021-04-29 13:21:20.123456 Z", _MOMENT),
        ("2021-04-29 13:21:20.123456 utc", _MOMENT),
        ("2021-04-29T13:21:20.123456789+0000", _MOMENT),
        ("2021-04-29T13:21:20.123456789-0000", _MOMENT),
        ("2021-04-29 18:51:20.123456+05:30", _MOMENT),
        ("2021-04-29 15:21:20.123456+02", _MOMENT),
        ("2021-04-29 15:21:20.123456 +0200 CEST", _MOMENT),
        ("2021-04-29 13:21:20.123456 +0000 UTC", _MOMENT),
        ("2021/04/29 13:21:20.123456", _MOMENT),
        ("Thu, 29 Apr 2021 13:21:20 GMT", _MOMENT.replace(microsecond=0)),
        ("1619702480.123456", _MOMENT),
        ("1619702480", _MOMENT.replace(microsecond=0)),
        ("1619702480123", _MOMENT.replace(microsecond=123000)),
        ("1619702480123456", _MOMENT),
        ("1619702480123456000", _MOMENT),
    ],
)
def test_every_form_of_text_is_read(logged: str, expected: datetime) -> None:
    assert _read(logged) == [expected]


@pytest.mark.parametrize(
    ("logged", "expected"),
    [
        (1619702480.123456, _MOMENT),
        (1619702480.0, _MOMENT.replace(microsecond=0)),
        (1619702480, _MOMENT.replace(microsecond=0)),
        (1619702480123, _MOMENT.replace(microsecond=123000)),
        (1619702480123456, _MOMENT),
        (1619702480123456000, _MOMENT),
    ],
)
def test_numbers_count_from_1970_in_the_unit_that_their_size_tells(
    logged: float, expected: datetime
) -> None:
    assert _read(logged, dtype=None) == [expected]


@pytest.mark.parametrize(
    "logged",
    [
        None, "garbage", "2021-13-01T00:00:00Z", "2021-04-31T00:00:00Z", "2021-04-29T25:00:00Z",
        "2021-04-29", "13:21:20", "10000-01-01T00:00:00Z", "0", "-5", "NaN", "inf", "-inf",
        "1e400", "2021-04-29T13:21:20.123Zx", "Thu Apr 29 13:21:20 2021",
        "2021-04-29 13:21:20 CEST", "2021-04-29 13:21:20 EST", "2021-04-29T13:21:20 UTC+2",
        "+10000-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "-0001-01-01T00:00:00Z",
    ],
)  # fmt: skip
def test_what_is_no_time_is_null(logged: str | None) -> None:
    assert _read(logged, "2021-04-29T13:21:20.123456Z") == [None, _MOMENT]


@pytest.mark.parametrize("logged", [0, -1, 0.0, -5.5, float("nan"), float("inf"), 1e300])
def test_a_number_that_is_no_time_is_null(logged: float) -> None:
    assert _read(logged, dtype=None) == [None]


def test_forms_may_be_mixed() -> None:
    assert _read(
        "2021-04-29T13:21:20.123456Z",
        None,
        "1619702480.123456",
        "2021-04-29 13:21:20.123456",
        "garbage",
        "2021-04-29 21:21:20.123456 +0800",
        "2021-04-29T13:21:20.123456Z",
    ) == [_MOMENT, None, _MOMENT, _MOMENT, None, _MOMENT, _MOMENT]


def test_no_times_are_no_times() -> None:
    assert _read() == []
    assert _read(None, None) == [None, None]


def test_a_leap_second_is_the_second_after_it() -> None:
    assert _read("2016-12-31T23:59:60.500Z") == [datetime(2017, 1, 1, 0, 0, 0, 500000, UTC)]


def test_a_space_in_the_place_of_the_t_may_stand_before_a_z_too() -> None:
    assert _read("2021-04-29 13:21:20.123456Z") == [_MOMENT]


@pytest.mark.parametrize("logged", [9e20, 5e21])
def test_a_time_after_the_year_9999_is_no_time(logged: float) -> None:
    times = times_of(pl.Series([logged]))

    assert times.null_count() == 1


@pytest.mark.property
@given(
    _moments,
    st.sampled_from(("T", " ")),
    st.integers(-14 * 60, 14 * 60),
    st.sampled_from(("", ":")),
)
def test_the_offset_does_not_move_the_moment(
    moment: datetime, separator: str, minutes: int, colon: str
) -> None:
    local = moment + timedelta(minutes=minutes)
    hours, rest = divmod(abs(minutes), 60)
    offset = f"{'-' if minutes < 0 else '+'}{hours:02}{colon}{rest:02}"

    assert _read(f"{local:%Y-%m-%d}{separator}{local:%H:%M:%S.%f}{offset}") == [moment]


@pytest.mark.property
@given(st.lists(_moments, min_size=1, max_size=5))
def test_iso_text_and_numbers_of_every_unit_are_the_same_moment(moments: list[datetime]) -> None:
    microseconds = [(moment - _EPOCH) // timedelta(microseconds=1) for moment in moments]
    in_seconds = [f"{n // 10**6}.{n % 10**6:06}" for n in microseconds]
    on_the_second = [moment.replace(microsecond=0) for moment in moments]

    assert _read(*[f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}" for moment in moments]) == moments
    assert _read(*in_seconds) == moments
    assert _read(*[n // 10**6 for n in microseconds], dtype=pl.Int64) == on_the_second
    assert _read(*[n // 10**6 * 10**9 for n in microseconds], dtype=pl.Int64) == on_the_second


@pytest.mark.property
@given(
    st.lists(
        st.none()
        | st.sampled_from(
            ("2021-04-29T13:21:20Z", "2021-04-29 13:21:20,5 UTC", "2021-04-29 13:21:20 CEST",
             "29/Apr/2021:21:21:20 +0800", "1619702480", "x")
        )
    )
)  # fmt: skip
def test_a_value_is_read_in_the_same_way_whatever_stands_beside_it(
    logged: list[str | None],
) -> None:
    assert _read(*logged) == [_read(one)[0] for one in logged]


@pytest.mark.property
@given(st.lists(st.none() | st.text(max_size=30)))
def test_no_text_is_too_strange_to_be_read(logged: list[str | None]) -> None:
    assert len(_read(*logged)) == len(logged)


_SECONDS = ("2026-11-01T12:00:00", "1969-12-31T23:59:59", "2026-02-29T12:00:00", "", "-",
            "2024-02-29T00:00:00", "2026-11-01T23:59:60", "2026-11-01T12:00:0",
            "2026-1-01T12:00:00.", "0000-01-01T00:00:00", "+026-11-01T12:00:00",
            "2026-11-01 12:00:00", "2026-11-01T24:00:00", "9999-12-31T23:59:59")  # fmt: skip
_RESTS = (".000Z", ".5Z", ".123456Z", ".1234567891Z", "Z", ".Z", "5Z", ".000", "+02:00", ",250Z",
          "z", " UTC", "")  # fmt: skip


@pytest.mark.property
@given(
    st.lists(st.tuples(st.sampled_from(_SECONDS), st.sampled_from(_RESTS)), min_size=1, max_size=4)
)
def test_a_time_is_the_same_among_few_and_among_many(parts: list[tuple[str, str]]) -> None:
    texts = ["".join(of_time) for of_time in parts]

    many = times_of(pl.Series("start_time", texts * 40))

    each = [times_of(pl.Series("start_time", [text])).item() for text in texts]
    assert many.to_list() == each * 40
