"""When something began and when it ended, from counts by time bucket, and of how many it was."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


Failed = tuple[int, int | None, int | None]
"""Of the records of one bucket that failed how many they are, the first and the last."""


class Course(NamedTuple):
    """The records of one subject over time.

    A log has hundreds of buckets and a failure is in few of them, so only those are looked at
    one by one.

    Attributes:
        starts: Of the buckets, in their order.
        requests: The records of each.
        failed: Those that failed, by the place of their bucket, in their order; none is missing
            and none is empty.
    """

    starts: Sequence[int]
    requests: Sequence[int]
    failed: Mapping[int, Failed]

    def sums(self, begin: int, end: int) -> tuple[int, int]:
        """Return how many records the buckets from one place to another have, and failures."""
        failed = [n for place, (n, _, _) in self.failed.items() if begin <= place < end]
        return sum(self.requests[begin:end]), sum(failed)


class Episode(NamedTuple):
    """The stretch in which failures are concentrated.

    Attributes:
        since: The first failure in it; null if it reaches back to the first
            bucket of the log, or if it can't be told.
        until: The last failure in it; null if it reaches the end.
        first: Start of its first bucket.
        last: Start of its last one.
        requests: In its buckets.
        failed: In its buckets.
        onset_unclear: Whether it seems to begin within the log, and that may
            be chance.
        bursts: How many times it came, where it pauses again and again for longer
            than it is over at the end of the log: then it has no end.
    """

    since: int | None
    until: int | None
    first: int | None
    last: int | None
    requests: int
    failed: int
    onset_unclear: bool = False
    bursts: int = 1

    @property
    def is_whole(self) -> bool:
        """Whether it has neither a beginning nor an end within the log."""
        return self.since is None and self.until is None

    def covers(self, time_us: int) -> bool:
        """Tell whether a time is not before it and not after it."""
        return (self.since is None or time_us >= self.since) and (
            self.until is None or time_us <= self.until
        )

    def whole(self) -> Episode:
        """Return the same without a beginning and an end."""
        return self._replace(since=None, until=None)


_FEWER, _ENOUGH, _ABOUT = 1.5, 6, 0.85
"""So many standard deviations of a Poisson count make fewer than usual."""


class Stretch(NamedTuple):
    """The episode of a failure, counted between its first and its last failure.

    Attributes:
        episode: Its times.
        requests: Failures in it; of the whole log with those that have no time.
        of: All records of the subject in it.
        went_well: How many records of the subject without any harm there are in it, and
            how many its length lets expect from the rest of the log; null if there is no rest.
        outside: Failures outside of it, and all records of the subject there.
    """

    episode: Episode
    requests: int
    of: int
    went_well: tuple[int, float] | None
    outside: tuple[int, int] = (0, 0)

    @property
    def went_on(self) -> bool:
        """Whether about as many records as usual went well beside those that did not."""
        if self.went_well is None:
            return False
        well, expected = self.went_well
        return expected >= _ENOUGH and well > _ABOUT * expected

    @property
    def missing(self) -> float:
        """How many standard deviations fewer records than usual went well; 0 if unknown."""
        if self.went_well is None or self.went_well[1] < _ENOUGH:
            return 0.0
        well, expected = self.went_well
        return (expected - well) / math.sqrt(expected)

    @property
    def replaced(self) -> bool:
        """Whether fewer records than usual went well while others did not."""
        return self.went_well is None or self.missing >= _FEWER

    def told(self, first: int | None) -> dict[str, Any]:
        """Return what a ``Finding`` says of it; ``first`` is the first failure in the whole log."""
        when = self.episode
        return {
            "requests": self.requests,
            "of": self.of,
            "first_seen": first if when.since is None else when.since,
            "since": when.since,
            "until": when.until,
            "onset_unclear": when.onset_unclear,
            "timed": not when.is_whole,
        }


NOTHING = Stretch(Episode(None, None, None, None, 0, 0), 0, 0, None)
"""Where nothing failed."""


_LEAST_RATE, _LEAST_JUMP = 1e-4, 4.0
_EVIDENCE, _BY_CHANCE, _STRAY, _LEAST_PAUSES = 10.0, 1e-4, 0.2, 2
_FIRST_MINUTE_US = 60_000_000
_USUAL = (4, 20)
"""The usual rate is that which a quarter of the buckets stay below; if that shows nothing, since
most of a log is one long episode, that which a twentieth does."""


def episode(course: Course) -> Episode:
    """Return the stretch of time in which failures are far more frequent than before or after.

    It is the run of buckets with the largest log-likelihood ratio of a high
    rate against the usual one, which is the rate that a quarter of the buckets
    stay below. Without such a run it is the whole time.
    """
    starts, requests = course.starts, course.requests
    first, last = (starts[0], starts[-1]) if starts else (None, None)
    whole = Episode(None, None, first, last, *course.sums(0, len(starts)))
    rates = sorted([n / requests[place] for place, (n, _, _) in course.failed.items()])
    buckets = len(requests) - requests.count(0)
    if not rates or buckets < 3:  # noqa: PLR2004
        return whole
    found = whole
    for rate in dict.fromkeys(_usual(rates, buckets, n) for n in _USUAL):
        found = _episode(course, whole, rate)
        if not found.is_whole:
            break
    return found


def _usual(rates: Sequence[float], buckets: int, n: int) -> float:
    """Return the rate that an n-th of the buckets stays below; sorted rates are of those over 0."""
    place = (buckets - 1) // n - (buckets - len(rates))
    return max(rates[place], _LEAST_RATE) if place >= 0 else _LEAST_RATE


def _episode(course: Course, whole: Episode, usual: float) -> Episode:
    """Return the episode against a usual rate; the whole time without any."""
    high = min(max(usual * _LEAST_JUMP, whole.failed / whole.requests), 0.9)
    if high <= usual:
        return whole
    best, *run = _best_run(course, math.log(high / usual), math.log((1 - high) / (1 - usual)))
    buckets = len(course.starts)
    start, end = _with_neighbors(course, whole, *run)
    if best < _EVIDENCE or (start == 0 and end == buckets):
        return whole
    # One failure less: the run was chosen for its failures, and a short one owes most to that.
    of_run, failed_of_run = course.sums(start, end)
    inside = (failed_of_run - 1) / (of_run + 1)
    # An end that is no more than chance is none: the stretch then reaches as far as the log.
    begins = _quieter(*course.sums(0, start), inside)
    ends = _quieter(*course.sums(end, buckets), inside)
    failing = [place for place in course.failed if start <= place < end]
    pauses = _pauses(course, failing, inside) if ends else 0
    ends = ends and not pauses
    stretch = (start if begins else 0, end if ends else buckets)
    requests, failed = course.sums(*stretch)
    return Episode(
        since=course.failed[failing[0]][1] if begins else None,
        until=course.failed[failing[-1]][2] if ends else None,
        first=course.starts[stretch[0]],
        last=course.starts[stretch[1] - 1],
        requests=requests,
        failed=failed,
        onset_unclear=start > 0 and not begins,
        bursts=pauses + 1,
    )


def _best_run(course: Course, gain: float, loss: float) -> tuple[float, int, int]:
    """Return the largest sum that a run of buckets has, and where that begins and ends.

    A failure gains, and any other record loses.
    """
    best, begin, end = 0.0, 0, 0
    here, begin_here, before = 0.0, 0, -1
    requests = course.requests
    for place, (failed, _, _) in course.failed.items():
        if here > 0:
            for n in requests[before + 1 : place]:
                here += n * loss
                if here <= 0:
                    break
        if here <= 0:
            here, begin_here = 0.0, place
        here += failed * gain + (requests[place] - failed) * loss
        before = place
        if here > best:
            best, begin, end = here, begin_here, place + 1
    return best, begin, end


def was_from_the_start(first_seen: int, first: int, last: int) -> bool:
    """Tell whether something was seen so early that nothing of the log can have been without it.

    That is in the first minute, and in a short log, where a minute may be all of it, in the first
    twentieth. All times are microseconds since 1970; the log is from ``first`` to ``last``.
    """
    return first_seen - first <= min(_FIRST_MINUTE_US, (last - first) // 20)


def _with_neighbors(course: Course, whole: Episode, start: int, end: int) -> tuple[int, int]:
    """Return a run with the bucket on either side, if failures in it are hardly usual ones.

    An episode begins somewhere in a bucket, of which most may have gone well.
    """
    requests, failed = course.sums(max(start - 1, 0), end + 1)
    requests, failed = whole.requests - requests, whole.failed - failed
    usual = max(failed / requests if requests else 0.0, _LEAST_RATE)

    def belongs(place: int) -> bool:
        at = course.failed.get(place)
        return at is not None and usual * course.requests[place] < _STRAY * at[0]

    return start - belongs(start - 1), end + belongs(end)


def _pauses(course: Course, failing: Sequence[int], rate: float) -> int:
    """Return how many times failures paused as long as they are over; none if that is no rule.

    What a job does every ten minutes is not over because nine have passed.

    Args:
        course: Of the subject.
        failing: The places of failures in the run.
        rate: Of failures in it.
    """
    starts = course.starts
    over_us = starts[-1] - starts[failing[-1]]
    pauses = sum(
        starts[after] - starts[before] >= over_us
        and _quieter(sum(course.requests[before + 1 : after]), 0, rate)
        for before, after in pairwise(failing)
    )
    return pauses if pauses >= _LEAST_PAUSES else 0


def _quieter(requests: int, failed: int, rate: float) -> bool:
    """Tell whether far fewer failures are among records than a rate lets expect, beyond chance."""
    if not requests or not 0 < rate < 1 or failed > rate * requests / 2:
        return False
    share = failed / requests
    # Chernoff's bound on the chance of so few failures among so many requests (binomial).
    distance = (1 - share) * math.log((1 - share) / (1 - rate))
    distance += share * math.log(share / rate) if share else 0.0
    return -requests * distance < math.log(_BY_CHANCE)
