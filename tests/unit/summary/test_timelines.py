"""When something failed, and how much there was of the same subject in that time."""

from __future__ import annotations

import polars as pl
import pytest
from tests.handmade import CLUSTER, Record, reset, served, tally_of, us

from envoylogs.summary.findings.onset import Stretch
from envoylogs.summary.findings.subjects import believed_hosts
from envoylogs.summary.findings.timelines import Timelines
from envoylogs.summary.judged import Judged

_FAILED = pl.col("failure") == "connection_closed"


def _timelines(*records: Record) -> Timelines:
    judged = Judged(tally_of(records))
    return Timelines(judged, believed_hosts(judged))


def _stretch(*records: Record) -> Stretch:
    timelines = _timelines(*records)
    return timelines.stretch(timelines.of(upstream_cluster=CLUSTER), _FAILED)


def _outage() -> list[Record]:
    """Return twenty minutes of a request a second, of which all fail from 5:00.5 to 9:59.5."""
    return [reset(n + 0.5) if 300 <= n < 600 else served(n + 0.5) for n in range(1200)]


def test_an_episode_lasts_from_the_first_failure_to_the_last_within_its_buckets() -> None:
    found = _stretch(*_outage())

    assert (found.episode.since, found.episode.until) == (us(300.5), us(599.5))
    assert (found.requests, found.of) == (300, 300)


def test_what_is_outside_of_an_episode_is_counted_too() -> None:
    found = _stretch(*_outage(), *(reset(n) for n in (10, 1100)))

    assert found.outside == (2, 902)
    # 300 are usual in that time and none went well: 300 / sqrt(300).
    assert found.missing == pytest.approx(17.3, abs=0.1)


def test_a_wide_bucket_does_not_blur_the_ends() -> None:
    # A day has buckets of five minutes, and the outage begins and ends in the middle of two.
    records = [reset(n) if 40_010 <= n < 50_030 else served(n) for n in range(0, 86_400, 10)]
    found = _stretch(*records)

    assert (found.episode.since, found.episode.until) == (us(40_010), us(50_020))
    assert found.requests == 1002
    # Rows of a bucket that end before the first failure, or begin after the last, are not in it.
    assert found.of - found.requests <= 2 * 30


def test_what_is_served_beside_failures_is_counted() -> None:
    records = [served(n + 0.2) for n in range(1200)]
    found = _stretch(*records, *(reset(n + 0.5) for n in range(300, 600)))

    assert found.requests == 300
    # 299 were served between the first failure and the last; rows of a bucket are not divided.
    assert 599 <= found.of <= 600


def test_records_without_a_time_count_where_no_episode_shows() -> None:
    found = _stretch(*(served(n) for n in range(60)), reset(None), reset(None), served(None))

    assert found.episode.is_whole
    assert (found.requests, found.of) == (2, 63)
    assert found.went_well is None


def test_records_without_a_time_are_in_no_episode() -> None:
    found = _stretch(*_outage(), reset(None), served(None))

    assert (found.requests, found.of) == (300, 300)


def test_fewer_go_well_while_others_fail_in_their_place() -> None:
    found = _stretch(*_outage())

    assert found.went_well is not None
    well, expected = found.went_well
    assert well == 0
    assert expected == pytest.approx(300, rel=0.02)
    assert found.replaced


def test_failures_beside_as_many_answers_as_ever_replace_nothing() -> None:
    records = [served(n + 0.2) for n in range(1200)]
    found = _stretch(*records, *(reset(n + 0.5) for n in range(300, 600)))

    assert found.went_well is not None
    assert not found.replaced


def test_without_a_time_to_compare_with_failures_are_taken_to_replace_what_went_well() -> None:
    assert _stretch(*(reset(n) for n in range(300))).replaced


def test_a_subject_that_is_not_in_the_log_has_no_rows() -> None:
    timelines = _timelines(served(0))

    assert timelines.of(upstream_cluster="outbound|80||other.ns").is_empty()
    assert timelines.of(upstream_cluster=CLUSTER)["requests"].sum() == 1


def test_a_missing_name_is_a_subject_too() -> None:
    timelines = _timelines(served(0), served(1, upstream_cluster=None))

    assert timelines.of(upstream_cluster=None)["requests"].sum() == 1


def test_the_gateways_own_traffic_is_in_no_timeline() -> None:
    assert _timelines(served(0), served(1, upstream_cluster="agent")).rows["requests"].sum() == 1
