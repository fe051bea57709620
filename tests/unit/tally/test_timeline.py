from __future__ import annotations

import itertools

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.handmade import (
    START,
    batch_of,
    fewer_examples,
    refused,
    served,
    unrouted,
    us,
)

from envoylogs.tally.ladder import WIDTHS_S
from envoylogs.tally.spec import DEFAULT_SPEC, TallySpec
from envoylogs.tally.timeline import TimelineCounts

_SECOND = 1_000_000
_DAY = 86400


def _timeline(*seconds: float | None, buckets: int = 300) -> TimelineCounts:
    """Return the timeline of a request at each of these times."""
    batch = batch_of(served(moment) for moment in seconds)
    return TimelineCounts.of(batch, TallySpec(timeline_buckets=buckets))


def _width(timeline: TimelineCounts) -> int:
    (width,) = timeline.frame["width_s"].unique()
    assert isinstance(width, int)
    return width


def _starts(timeline: TimelineCounts) -> list[int | None]:
    return timeline.frame["start"].unique().sort(nulls_last=True).to_list()


def test_every_width_divides_the_next() -> None:
    assert WIDTHS_S[0] == 1
    assert WIDTHS_S[-1] == _DAY
    assert all(wider % width == 0 for width, wider in itertools.pairwise(WIDTHS_S))


def test_buckets_begin_at_whole_multiples_of_their_width() -> None:
    timeline = _timeline(0.0, 0.999, 1.0, 1.5)

    assert timeline.frame.sort("start").select("width_s", "start", "requests").rows() == [
        (1, us(0), 2),
        (1, us(1), 2),
    ]


def test_three_hundred_buckets_fit_and_one_more_makes_them_wider() -> None:
    fits = _timeline(*range(300))
    too_many = _timeline(*range(301))

    assert (_width(fits), len(_starts(fits))) == (1, 300)
    assert (_width(too_many), len(_starts(too_many))) == (5, 61)
    assert too_many.frame["requests"].sum() == 301


def test_seconds_without_a_request_need_no_bucket() -> None:
    assert _width(_timeline(*(number * 7 * _DAY for number in range(300)))) == 1


@pytest.mark.parametrize(
    ("gap", "width"),
    [(1, 5), (5, 15), (15, 60), (60, 300), (300, 900), (900, 3600), (3600, 21600), (21600, _DAY)],
)
def test_the_narrowest_width_that_fits_is_taken(gap: int, width: int) -> None:
    # From noon on, 90 equal gaps need more than 60 buckets of the gap's width, not of the next.
    timeline = _timeline(*(number * gap for number in range(90)), buckets=60)

    assert _width(timeline) == width
    assert len(_starts(timeline)) <= 60


def test_more_days_than_buckets_stay_days() -> None:
    timeline = _timeline(*(number * _DAY for number in range(8)), buckets=5)

    assert (_width(timeline), len(_starts(timeline))) == (_DAY, 8)


def test_times_before_1970_are_in_buckets_that_begin_before_them() -> None:
    batch = batch_of(
        served(start_time=f"1969-12-31T23:59:{second}.250Z") for second in (55, 56, 59)
    )

    narrow = TimelineCounts.of(batch, DEFAULT_SPEC)
    wide = TimelineCounts.of(batch, TallySpec(timeline_buckets=1))

    assert _starts(narrow) == [-5 * _SECOND, -4 * _SECOND, -1 * _SECOND]
    assert (_width(wide), _starts(wide)) == (5, [-5 * _SECOND])


def test_records_without_a_time_are_counted_and_take_no_bucket() -> None:
    timeline = _timeline(None, None, 0.0, 1.0, buckets=2)

    assert _width(timeline) == 1
    assert _starts(timeline) == [us(0), us(1), None]
    assert timeline.frame.filter(pl.col("start").is_null())["requests"].to_list() == [2]


def test_a_log_without_times_is_one_bucket() -> None:
    timeline = _timeline(None, None, None)

    assert (_width(timeline), _starts(timeline)) == (1, [None])
    assert timeline.merge(timeline).frame["requests"].to_list() == [6]


def test_errors_are_counted_by_outcome_and_unrouted_requests_are_none() -> None:
    batch = batch_of([served(0), refused(0), refused(0), unrouted(0)])

    frame = TimelineCounts.of(batch, DEFAULT_SPEC).frame.sort("outcome")

    assert frame.select("outcome", "requests", "errors").rows() == [
        ("connect_failure", 2, 2),
        ("no_route", 1, 0),
        ("served", 1, 0),
    ]


def test_a_narrow_timeline_moves_to_the_wider_buckets_of_another() -> None:
    narrow, wide = _timeline(0.0, 1.0, buckets=2), _timeline(3.0, 5.0, 10.0, 15.0, buckets=2)
    assert (_width(narrow), _width(wide)) == (1, 15)

    merged = narrow.merge(wide)

    assert _width(merged) == 15
    assert merged.frame.sort("start").select("start", "requests").rows() == [
        (us(0), 5),
        (us(15), 1),
    ]


@pytest.mark.property
@fewer_examples(4)
@given(
    seconds=st.lists(
        st.one_of(st.none(), st.integers(-(10**9), 10**9), st.integers(-100, 100)),
        min_size=1,
        max_size=20,
    ),
    buckets=st.integers(1, 8),
)
def test_no_request_leaves_its_bucket(seconds: list[int | None], buckets: int) -> None:
    timeline = _timeline(*seconds, buckets=buckets)
    width = _width(timeline)

    def count(width: int) -> dict[int, int]:
        counts: dict[int, int] = {}
        for moment in seconds:
            if moment is not None:
                whole = int(START.timestamp()) + moment
                start = whole // width * width * _SECOND
                counts[start] = counts.get(start, 0) + 1
        return counts

    timed = timeline.frame.filter(pl.col("start").is_not_null())
    assert dict(timed.select("start", "requests").iter_rows()) == count(width)
    assert timeline.frame["requests"].sum() == len(seconds)
    assert len(count(width)) <= buckets or width == _DAY
    narrower = WIDTHS_S[: WIDTHS_S.index(width)]
    assert all(len(count(other)) > buckets for other in narrower)
