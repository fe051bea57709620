from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoylogs.summary.findings.onset import Bucket, Episode, episode, was_from_the_start


def _buckets(*counts: tuple[int, int]) -> list[Bucket]:
    """Return a bucket a minute from requests and failures."""
    return [Bucket(place * 60, requests, failed) for place, (requests, failed) in enumerate(counts)]


def test_a_step_up_begins_where_the_failures_begin() -> None:
    found = episode(_buckets(*[(100, 0)] * 20, *[(100, 30)] * 10))

    assert found == Episode(since=20 * 60, until=None, requests=1000, failed=300)


def test_a_step_down_ends_where_the_failures_end() -> None:
    found = episode(_buckets(*[(100, 30)] * 10, *[(100, 0)] * 20))

    assert found == Episode(since=None, until=10 * 60, requests=1000, failed=300)


def test_a_pulse_has_both_ends() -> None:
    found = episode(_buckets(*[(100, 0)] * 10, *[(100, 90)] * 3, *[(100, 0)] * 10))

    assert found == Episode(since=10 * 60, until=13 * 60, requests=300, failed=270)


def test_a_step_above_the_usual_crumbs_is_found() -> None:
    found = episode(_buckets(*[(1000, 5)] * 20, *[(1000, 200)] * 5))

    assert (found.since, found.until) == (20 * 60, None)
    assert (found.requests, found.failed) == (5000, 1000)


def test_a_quiet_bucket_inside_does_not_end_it() -> None:
    found = episode(_buckets(*[(100, 0)] * 20, *[(100, 50)] * 4, (3, 0), *[(100, 50)] * 4))

    assert (found.since, found.until) == (20 * 60, None)


def test_buckets_without_a_request_do_not_count() -> None:
    found = episode(_buckets(*[(100, 0), (0, 0)] * 10, *[(100, 50), (0, 0)] * 5))

    assert (found.since, found.until, found.failed) == (20 * 60, None, 250)


@pytest.mark.parametrize("share", [0.001, 0.01, 0.1, 0.5, 0.9, 0.95, 1.0])
def test_the_same_share_all_along_has_no_onset(share: float) -> None:
    buckets = _buckets(*[(1000, int(1000 * share))] * 40)

    assert episode(buckets) == Episode(None, None, 40_000, 40 * int(1000 * share))


def test_a_single_bucket_has_no_onset() -> None:
    assert episode(_buckets((100, 40))) == Episode(None, None, 100, 40)
    assert episode(_buckets((100, 0), (100, 90))) == Episode(None, None, 200, 90)


def test_without_failures_there_is_no_onset() -> None:
    assert episode(_buckets(*[(100, 0)] * 9)) == Episode(None, None, 900, 0)


def test_all_failing_from_the_start_has_no_onset() -> None:
    assert episode(_buckets(*[(10, 10)] * 9)) == Episode(None, None, 90, 90)


def test_one_stray_failure_has_no_onset() -> None:
    assert episode(_buckets(*[(100, 0)] * 9, (100, 1), *[(100, 0)] * 9)) == Episode(
        None, None, 1900, 1
    )


def test_an_episode_without_a_beginning_and_an_end_is_the_whole_time() -> None:
    # Three failures, by chance near each other: neither side is quieter beyond chance.
    found = episode(_buckets(*[(1, 0)] * 10, (1, 1), (1, 1), (1, 1), *[(1, 0)] * 15))

    assert found == Episode(None, None, 28, 3, onset_unclear=True)


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


@pytest.mark.property
@given(buckets=_logs())
def test_an_episode_is_a_run_of_buckets(buckets: list[Bucket]) -> None:
    found = episode(buckets)
    starts = [bucket.start for bucket in buckets]

    assert found.since is None or found.since in starts[1:]
    assert found.until is None or found.until in starts[1:]
    if found.since is not None and found.until is not None:
        assert found.since < found.until
        run = [bucket for bucket in buckets if found.since <= bucket.start < found.until]
        assert found.requests == sum(bucket.requests for bucket in run)
        assert found.failed == sum(bucket.failed for bucket in run)
    assert 0 <= found.failed <= found.requests <= sum(bucket.requests for bucket in buckets)


@pytest.mark.property
@given(buckets=_logs())
def test_an_episode_says_how_many_requests_there_are_between_its_ends(
    buckets: list[Bucket],
) -> None:
    found = episode(buckets)

    run = [
        bucket
        for bucket in buckets
        if (found.since is None or found.since <= bucket.start)
        and (found.until is None or bucket.start < found.until)
    ]
    assert found.requests == sum(bucket.requests for bucket in run)
    assert found.failed == sum(bucket.failed for bucket in run)


@pytest.mark.property
@given(buckets=_logs())
def test_failures_are_rarer_outside_than_inside(buckets: list[Bucket]) -> None:
    found = episode(buckets)

    for outside in (
        [bucket for bucket in buckets if found.since is not None and bucket.start < found.since],
        [bucket for bucket in buckets if found.until is not None and bucket.start >= found.until],
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
    # The usual rate is that of the quietest quarter.
    loud = min(loud, 2 * quiet)
    failed = int(requests * share)
    buckets = _buckets(*[(requests, 0)] * quiet, *[(requests, failed)] * loud)

    found = episode(buckets)

    assert found == Episode(quiet * 60, None, loud * requests, loud * failed)
    backwards = [
        Bucket(place * 60, bucket.requests, bucket.failed)
        for place, bucket in enumerate(reversed(buckets))
    ]
    assert episode(backwards) == Episode(None, loud * 60, loud * requests, loud * failed)
