"""When records of many subjects failed, and how many there were of each in that time.

All of them are counted together: a query has its price, however few rows it is about.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from envoylogs.summary.findings.onset import Bucket, Episode, episode

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

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

_Key = tuple[Any, Any]
"""Of whom, and as what it failed."""

_Failed = dict[int | None, tuple[int, int, int]]
"""By bucket how many records failed, the first and the last; those without a time under null."""


class _Course(NamedTuple):
    """The records of one subject over time.

    Attributes:
        starts: Of its buckets, in the order of time.
        requests: In each of them.
        of_all: How many there are, those without a time too.
        well: How many of those with a time came to no harm.
        first: The first of these; null without any.
        last: The last.
    """

    starts: list[int]
    requests: list[int]
    of_all: int
    well: int
    first: int | None
    last: int | None

    def episode(self, failed: _Failed) -> Episode:
        """Return when records failed."""
        counts = zip(self.starts, self.requests, strict=True)
        nothing = (0, None, None)
        return episode([Bucket(start, n, *failed.get(start, nothing)) for start, n in counts])

    def stretch(
        self, found: Episode, failed: _Failed, inside: tuple[int, int, int], width_us: int
    ) -> Stretch:
        """Return a stretch; in it are so many records, that failed, and that went well."""
        all_failed = sum(n for n, _, _ in failed.values())
        if found.is_whole or self.first is None or self.last is None:
            return Stretch(found, all_failed, self.of_all, None)
        of, failures, well = inside
        since = self.first if found.since is None else found.since
        until = self.last if found.until is None else found.until
        # At the rate of the other time so many would go well in it.
        rest_us, well_outside = (self.last - self.first) - (until - since), self.well - well
        known = rest_us > width_us and well_outside
        timed = all_failed - failed.get(None, (0, 0, 0))[0]
        return Stretch(
            found,
            failures,
            of,
            (well, well_outside / rest_us * (until - since)) if known else None,
            (timed - failures, sum(self.requests) - of),
        )


def stretches(
    rows: pl.LazyFrame, width_us: int, only: Container[_Key] | None = None
) -> dict[_Key, Stretch]:
    """Return when records of many subjects failed, and how many of how many.

    Args:
        rows: Of a state by bucket, each once for every subject that it is of, with
            ``of``: of which, and ``failed_as``: as what they failed, null for what did not.
        width_us: Of a bucket.
        only: What to look for; null for all that failed.

    Returns:
        By the values of these two; what never failed is missing.
    """
    courses, failures = _by_subject(rows)
    episodes = {
        key: courses[key[0]].episode(failed)
        for key, failed in failures.items()
        if only is None or key in only
    }
    parts = {key: found for key, found in episodes.items() if not found.is_whole}
    inside = _inside(rows, parts) if parts else {}
    return {
        key: courses[key[0]].stretch(found, failures[key], inside.get(key, (0, 0, 0)), width_us)
        for key, found in episodes.items()
    }


def _by_subject(rows: pl.LazyFrame) -> tuple[dict[object, _Course], dict[_Key, _Failed]]:
    """Return the course of each subject, and what failed of it, by subject and as what."""
    requests, timed = pl.col("requests"), pl.col("start").is_not_null()
    first, last = pl.col("first").min(), pl.col("last").max()
    well = requests.filter(pl.col("failure").is_null()).sum().alias("well")
    courses, failures = pl.collect_all(
        [
            rows.group_by("of", "start")
            .agg(requests.sum(), well, first, last)
            .sort("start")
            .group_by("of")
            .agg(
                pl.col("start", "requests").filter(timed),
                requests.sum().alias("of_all"),
                pl.col("well").filter(timed).sum(),
                pl.col("first").filter(timed).min(),
                pl.col("last").filter(timed).max(),
            ),
            rows.filter(pl.col("failed_as").is_not_null())
            .group_by("of", "failed_as", "start")
            .agg(requests.sum(), first, last)
            .group_by("of", "failed_as")
            .agg("start", "requests", "first", "last"),
        ]
    )
    return (
        {of: _Course(*course) for of, *course in courses.iter_rows()},
        {
            (of, failed_as): dict(zip(starts, zip(*counts, strict=True), strict=True))
            for of, failed_as, starts, *counts in failures.iter_rows()
        },
    )


def _inside(
    rows: pl.LazyFrame, episodes: Mapping[_Key, Episode]
) -> dict[_Key, tuple[int, int, int]]:
    """Return how many records are in episodes: all, those that failed, those that went well."""
    requests = pl.col("requests")
    schema = rows.collect_schema()
    limits = ("since", "until", "first_bucket", "last_bucket")
    times = pl.LazyFrame(
        [
            (*key, *(when.since, when.until, when.first, when.last))
            for key, when in episodes.items()
        ],
        schema={"of": schema["of"], "of_episode": schema["failed_as"]}
        | dict.fromkeys(limits, pl.Int64()),
        orient="row",
    )
    counted = (
        rows.join(times, on="of", nulls_equal=True)
        .filter(
            pl.col("start").is_between("first_bucket", "last_bucket"),
            pl.col("since").is_null() | (pl.col("last") >= pl.col("since")),
            pl.col("until").is_null() | (pl.col("first") <= pl.col("until")),
        )
        .group_by("of", "of_episode")
        .agg(
            requests.sum(),
            requests.filter(pl.col("failed_as") == pl.col("of_episode")).sum().alias("failures"),
            requests.filter(pl.col("failure").is_null()).sum().alias("well"),
        )
        .collect()
    )
    return {row[:2]: row[2:] for row in counted.iter_rows()}
