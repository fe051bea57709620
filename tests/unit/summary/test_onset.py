from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoylogs.summary.findings.onset import Course, Episode, was_from_the_start
from envoylogs.summary.findings.onset import episode as episode_of


class Bucket(NamedTuple):
    """A minute of a log, and when the first and the last request in it failed; null without."""

    start: int
    requests: int
    failed: int
    first_failed: int | None
    last_failed: int | None


def episode(buckets: list[Bucket]) -> Episode:
    """Return the episode of some buckets."""
    failed = {
        place: (bucket.failed, bucket.first_failed, bucket.last_failed)
        for place, bucket in enumerate(buckets)
        if bucket.failed
    }
    starts = [bucket.start for bucket in buckets]
    return episode_of(Course(starts, [bucket.requests for bucket in buckets], failed))


_FIRST, _LAST = 7, 50
"""So long after a bucket's start its first failure is, and its last one."""


def _buckets(*counts: tuple[int, int]) -> list[Bucket]:
    """Return a bucket a minute from requests and failures."""
    return [
        Bucket(
            place * 60,
            requests,
            failed,
            place * 60 + _FIRST if failed else None,
            place * 60 + _LAST if failed else None,
        )
        for place, (requests, failed) in enumerate(counts)
    ]


def _whole(buckets: list[Bucket], *, onset_unclear: bool = False) -> Episode:
    """Return the episode that is all of the time."""
    return Episode(
        since=None,
        until=None,
        first=buckets[0].start,
        last=buckets[-1].start,
        requests=sum(bucket.requests for bucket in buckets),
        failed=sum(bucket.failed for bucket in buckets),
        onset_unclear=onset_unclear,
    )


def test_a_step_up_begins_with_its_first_failure() -> None:
    found = episode(_buckets(*[(100, 0)] * 20, *[(100, 30)] * 10))

    assert found == Episode(20 * 60 + _FIRST, None, 20 * 60, 29 * 60, requests=1000, failed=300)


def test_a_step_down_ends_with_its_last_failure() -> None:
    found = episode(_buckets(*[(100, 30)] * 10, *[(100, 0)] * 20))

    assert found == Episode(None, 9 * 60 + _LAST, 0, 9 * 60, requests=1000, failed=300)


def test_a_pulse_has_both_ends() -> None:
    found = episode(_buckets(*[(100, 0)] * 10, *[(100, 90)] * 3, *[(100, 0)] * 10))

    assert found == Episode(
        10 * 60 + _FIRST, 12 * 60 + _LAST, 10 * 60, 12 * 60, requests=300, failed=270
    )


_BURST, _PAUSE = [(100, 90)], [(100, 0)] * 9


def test_bursts_that_come_again_and_again_are_not_over() -> None:
    found = episode(_buckets(*(_PAUSE + _BURST) * 5, *_PAUSE[:6]))

    assert (found.since, found.until, found.bursts) == (9 * 60 + _FIRST, None, 5)
    assert (found.requests, found.failed) == (41 * 100 + 600, 450)


@pytest.mark.parametrize(
    "counts",
    [
        (_PAUSE + _BURST) * 5 + _PAUSE * 2,
        (_PAUSE + _BURST) * 2 + _PAUSE,
        _PAUSE * 2 + _BURST * 20 + _PAUSE,
        _PAUSE * 2 + [*_BURST, (1, 0)] * 9 + _PAUSE,
    ],
    ids=["long over", "twice", "without a pause", "pauses of hardly a request"],
)
def test_what_is_over_for_longer_than_it_paused_has_ended(counts: list[tuple[int, int]]) -> None:
    found = episode(_buckets(*counts))

    assert found.until is not None
    assert found.bursts == 1


def test_a_step_above_the_usual_crumbs_is_found() -> None:
    found = episode(_buckets(*[(1000, 5)] * 20, *[(1000, 200)] * 5))

    assert (found.since, found.until) == (20 * 60 + _FIRST, None)
    assert (found.requests, found.failed) == (5000, 1000)


def test_it_begins_and_ends_in_buckets_of_which_most_went_well() -> None:
    found = episode(
        _buckets(*[(100, 0)] * 20, (100, 3), *[(100, 90)] * 3, (100, 2), *[(100, 0)] * 9)
    )

    assert (found.since, found.until) == (20 * 60 + _FIRST, 24 * 60 + _LAST)
    assert (found.requests, found.failed) == (500, 275)


def test_the_usual_crumbs_beside_it_are_no_part_of_it() -> None:
    found = episode(_buckets(*[(1000, 5)] * 20, *[(1000, 500)] * 3, *[(1000, 5)] * 9))

    assert (found.since, found.until) == (20 * 60 + _FIRST, 22 * 60 + _LAST)


def test_a_quiet_bucket_inside_does_not_end_it() -> None:
    found = episode(_buckets(*[(100, 0)] * 20, *[(100, 50)] * 4, (3, 0), *[(100, 50)] * 4))

    assert (found.since, found.until) == (20 * 60 + _FIRST, None)
    assert (found.first, found.last) == (20 * 60, 28 * 60)


def test_buckets_without_a_request_do_not_count() -> None:
    found = episode(_buckets(*[(100, 0), (0, 0)] * 10, *[(100, 50), (0, 0)] * 5))

    assert (found.since, found.until, found.failed) == (20 * 60 + _FIRST, None, 250)


def test_most_of_a_log_may_be_one_episode() -> None:
    # Less than a quarter of the buckets has the usual rate.
    found = episode(_buckets(*[(100, 0)] * 3, *[(100, 95)] * 27))

    assert (found.since, found.until, found.failed) == (3 * 60 + _FIRST, None, 27 * 95)


@pytest.mark.parametrize("share", [0.001, 0.01, 0.1, 0.5, 0.9, 0.95, 1.0])
def test_the_same_share_all_along_has_no_onset(share: float) -> None:
    buckets = _buckets(*[(1000, int(1000 * share))] * 40)

    assert episode(buckets) == _whole(buckets)
    assert episode(buckets).is_whole


@pytest.mark.parametrize("counts", [[(100, 40)], [(100, 0), (100, 90)]])
def test_one_or_two_buckets_have_no_onset(counts: list[tuple[int, int]]) -> None:
    buckets = _buckets(*counts)

    assert episode(buckets) == _whole(buckets)


def test_without_a_bucket_there_is_no_episode() -> None:
    assert episode([]) == Episode(None, None, None, None, requests=0, failed=0)


def test_without_failures_there_is_no_onset() -> None:
    buckets = _buckets(*[(100, 0)] * 9)

    assert episode(buckets) == _whole(buckets)


def test_all_failing_from_the_start_has_no_onset() -> None:
    buckets = _buckets(*[(10, 10)] * 9)

    assert episode(buckets) == _whole(buckets)


def test_one_stray_failure_has_no_onset() -> None:
    buckets = _buckets(*[(100, 0)] * 9, (100, 1), *[(100, 0)] * 9)

    assert episode(buckets) == _whole(buckets)


def test_an_episode_without_a_beginning_and_an_end_is_the_whole_time() -> None:
    # Three failures, by chance near each other: neither side is quieter beyond chance.
    buckets = _buckets(*[(1, 0)] * 10, (1, 1), (1, 1), (1, 1), *[(1, 0)] * 10)

    assert episode(buckets) == _whole(buckets, onset_unclear=True)


def test_an_episode_told_as_the_whole_time_keeps_its_numbers() -> None:
    found = episode(_buckets(*[(100, 0)] * 10, *[(100, 90)] * 3, *[(100, 0)] * 10))

    assert found.whole() == found._replace(since=None, until=None)
    assert found.whole().is_whole
    assert not found.is_whole


@pytest.mark.parametrize(("log_s", "latest_s"), [(0, 0), (40, 2), (1200, 60), (86_400, 60)])
def test_from_the_start_is_the_first_minute_and_the_first_twentieth(
    log_s: int, latest_s: int
) -> None:
    first = 7_000_000
    last, latest = first + log_s * 1_000_000, first + latest_s * 1_000_000

    assert was_from_the_start(latest, first, last)
    assert not was_from_the_start(latest + 1, first, last)


_RATES = st.floats(0, 1)


@st.composite
def _logs(draw: st.DrawFn) -> list[Bucket]:
    """Return buckets of several stretches, each with a rate of its own."""
    counts: list[tuple[int, int]] = []
    for _ in range(draw(st.integers(1, 4))):
        rate, requests = draw(_RATES), draw(st.integers(0, 500))
        counts += [(requests, int(requests * rate))] * draw(st.integers(1, 20))
    return _buckets(*counts)


def _run(buckets: list[Bucket], found: Episode) -> list[Bucket]:
    """Return the buckets of an episode."""
    assert found.first is not None
    assert found.last is not None
    return [bucket for bucket in buckets if found.first <= bucket.start <= found.last]


@pytest.mark.property
@given(buckets=_logs())
def test_an_episode_is_a_run_of_buckets(buckets: list[Bucket]) -> None:
    found = episode(buckets)

    run = _run(buckets, found)
    assert (run[0].start, run[-1].start) == (found.first, found.last)
    assert found.requests == sum(bucket.requests for bucket in run)
    assert found.failed == sum(bucket.failed for bucket in run)


@pytest.mark.property
@given(buckets=_logs())
def test_an_episode_that_reaches_an_end_of_the_log_has_no_limit_there(
    buckets: list[Bucket],
) -> None:
    found = episode(buckets)

    if found.since is None:
        assert found.first == buckets[0].start
    if found.until is None:
        assert found.last == buckets[-1].start


@pytest.mark.property
@given(buckets=_logs())
def test_an_episode_lasts_from_its_first_failure_to_its_last(buckets: list[Bucket]) -> None:
    found = episode(buckets)

    run = _run(buckets, found)
    if found.since is not None:
        assert found.since == min(b.first_failed for b in run if b.first_failed is not None)
        assert found.first is not None
        assert found.first > buckets[0].start
    if found.until is not None:
        assert found.until == max(b.last_failed for b in run if b.last_failed is not None)
        assert found.last is not None
        assert found.last < buckets[-1].start
    if found.since is not None and found.until is not None:
        assert found.since < found.until


@pytest.mark.property
@given(buckets=_logs())
def test_failures_are_rarer_outside_than_inside(buckets: list[Bucket]) -> None:
    found = episode(buckets)

    for outside in (
        [b for b in buckets if found.first is not None and b.start < found.first],
        [b for b in buckets if found.last is not None and b.start > found.last],
    ):
        if outside:
            requests = sum(bucket.requests for bucket in outside)
            failed = sum(bucket.failed for bucket in outside)
            assert requests > 0
            assert failed / requests < found.failed / found.requests


@pytest.mark.property
@given(
    quiet=st.integers(3, 40),
    loud=st.integers(3, 20),
    requests=st.integers(100, 1000),
    share=st.floats(0.2, 1),
)
def test_a_clear_step_is_always_found(quiet: int, loud: int, requests: int, share: float) -> None:
    # The usual rate is that of the quietest quarter, or else of the quietest twentieth.
    failed = int(requests * share)
    counts = [(requests, 0)] * quiet + [(requests, failed)] * loud
    buckets = _buckets(*counts)

    found = episode(buckets)

    start, last = quiet * 60, (quiet + loud - 1) * 60
    of_step = loud * requests, loud * failed
    assert found == Episode(start + _FIRST, None, start, last, *of_step)
    end = (loud - 1) * 60
    assert episode(_buckets(*reversed(counts))) == Episode(None, end + _LAST, 0, end, *of_step)
