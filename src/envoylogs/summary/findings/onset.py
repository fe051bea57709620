"""When something began and when it ended, from counts by time bucket, and of how many it was."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Bucket(NamedTuple):
    """One stretch of time, and when the first and the last request in it failed; null without."""

    start: int
    requests: int
    failed: int
    first_failed: int | None = None
    last_failed: int | None = None


@dataclass(frozen=True, slots=True)
class Episode:
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
        return replace(self, since=None, until=None)


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


def episode(buckets: Sequence[Bucket]) -> Episode:
    """Return the stretch of time in which failures are far more frequent than before or after.

    It is the run of buckets with the largest log-likelihood ratio of a high
    rate against the usual one, which is the rate that a quarter of the buckets
    stay below. Without such a run it is the whole time. Buckets are in the order of time.
    """
    requests, failed = _sums(buckets)
    first, last = (buckets[0].start, buckets[-1].start) if buckets else (None, None)
    whole = Episode(None, None, first, last, requests, failed)
    rates = sorted([of_failed / n for _, n, of_failed, _, _ in buckets if n])
    if not failed or len(rates) < 3:  # noqa: PLR2004
        return whole
    found = whole
    for usual in dict.fromkeys(max(rates[(len(rates) - 1) // n], _LEAST_RATE) for n in _USUAL):
        found = _episode(buckets, whole, usual)
        if not found.is_whole:
            break
    return found


def _episode(buckets: Sequence[Bucket], whole: Episode, usual: float) -> Episode:
    """Return the episode against a usual rate; the whole time without any."""
    high = min(max(usual * _LEAST_JUMP, whole.failed / whole.requests), 0.9)
    if high <= usual:
        return whole
    gain, loss = math.log(high / usual), math.log((1 - high) / (1 - usual))

    best, best_run = 0.0, (0, 0)
    sum_here, first_here = 0.0, 0
    for place, (_, n, of_failed, _, _) in enumerate(buckets):
        weight = of_failed * gain + (n - of_failed) * loss
        if sum_here <= 0:
            sum_here, first_here = 0.0, place
        sum_here += weight
        if sum_here > best:
            best, best_run = sum_here, (first_here, place + 1)
    start, end = _with_neighbors(buckets, *best_run)
    if best < _EVIDENCE or (start == 0 and end == len(buckets)):
        return whole
    before, run, after = buckets[:start], buckets[start:end], buckets[end:]
    # One failure less: the run was chosen for its failures, and a short one owes most to that.
    of_run, failed_of_run = _sums(run)
    inside = (failed_of_run - 1) / (of_run + 1)
    # An end that is no more than chance is none: the stretch then reaches as far as the log.
    begins, ends = _quieter(before, inside), _quieter(after, inside)
    pauses = _pauses(run, after, inside) if ends else 0
    ends = ends and not pauses
    stretch = buckets[start if begins else 0 : end if ends else len(buckets)]
    requests, failed = _sums(stretch)
    return Episode(
        since=next(b.first_failed for b in run if b.failed) if begins else None,
        until=next(b.last_failed for b in reversed(run) if b.failed) if ends else None,
        first=stretch[0].start,
        last=stretch[-1].start,
        requests=requests,
        failed=failed,
        onset_unclear=start > 0 and not begins,
        bursts=pauses + 1,
    )


def _sums(buckets: Sequence[Bucket]) -> tuple[int, int]:
    return sum([b[1] for b in buckets]), sum([b[2] for b in buckets])


def was_from_the_start(first_seen: int, first: int, last: int) -> bool:
    """Tell whether something was seen so early that nothing of the log can have been without it.

    That is in the first minute, and in a short log, where a minute may be all of it, in the first
    twentieth. All times are microseconds since 1970; the log is from ``first`` to ``last``.
    """
    return first_seen - first <= min(_FIRST_MINUTE_US, (last - first) // 20)


def _with_neighbors(buckets: Sequence[Bucket], start: int, end: int) -> tuple[int, int]:
    """Return a run with the bucket on either side, if failures in it are hardly usual ones.

    An episode begins somewhere in a bucket, of which most may have gone well.
    """
    rest = [*buckets[: max(start - 1, 0)], *buckets[end + 1 :]]
    requests, failed = _sums(rest)
    usual = max(failed / requests if requests else 0.0, _LEAST_RATE)

    def belongs(place: int) -> bool:
        if not 0 <= place < len(buckets):
            return False
        bucket = buckets[place]
        return usual * bucket.requests < _STRAY * bucket.failed

    return start - belongs(start - 1), end + belongs(end)


def _pauses(run: Sequence[Bucket], after: Sequence[Bucket], rate: float) -> int:
    """Return how many times failures paused as long as they are over; none if that is no rule.

    What a job does every ten minutes is not over because nine have passed.
    """
    failing = [place for place, bucket in enumerate(run) if bucket.failed]
    over_us = after[-1].start - run[failing[-1]].start
    pauses = sum(
        run[end].start - run[start].start >= over_us and _quieter(run[start + 1 : end], rate)
        for start, end in pairwise(failing)
    )
    return pauses if pauses >= _LEAST_PAUSES else 0


def _quieter(buckets: Sequence[Bucket], rate: float) -> bool:
    """Tell whether far fewer failures are here than a rate lets expect, beyond chance."""
    requests, failed = _sums(buckets)
    if not requests or not 0 < rate < 1 or failed > rate * requests / 2:
        return False
    share = failed / requests
    # Chernoff's bound on the chance of so few failures among so many requests (binomial).
    distance = (1 - share) * math.log((1 - share) / (1 - rate))
    distance += share * math.log(share / rate) if share else 0.0
    return -requests * distance < math.log(_BY_CHANCE)
