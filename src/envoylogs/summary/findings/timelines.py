"""When something failed, and how much there was of the same subject in that time.

All subjects of a kind are counted together: a query has its price, however few rows it is about.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from envoylogs.summary.findings.onset import Bucket, Episode, episode
from envoylogs.summary.findings.subjects import (
    COLUMNS_OF_SUBJECTS,
    SUBJECT,
    of_each_subject,
    with_subject,
)
from envoylogs.summary.judged import with_host
from envoylogs.summary.parts import Parts

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from envoylogs.summary.judged import Judged

__all__ = ["NOTHING", "Stretch", "Timelines", "between"]

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
        """Return what a ``Finding`` says of when it was and of how many.

        Args:
            first: The first failure in the whole log.
        """
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

_FAILED = "failed"


_Key = tuple[Any, Any]
"""Of whom, and as what it failed."""

_Failed = dict[int | None, tuple[int, int, int]]
"""By bucket how many records failed, the first and the last; those without a time under null."""


class _Course(NamedTuple):
    """The records of one subject over time.

    Attributes:
        starts: Of its buckets, in the order of time; null for records without one.
        requests: In each of them.
        well: How many of those with a time came to no harm.
        first: The first one with a time; null for none.
        last: The last.
    """

    starts: list[int | None]
    requests: list[int]
    well: int
    first: int | None
    last: int | None

    def episode(self, failed: _Failed) -> Episode:
        """Return when records failed."""
        nothing = (0, None, None)
        return episode(
            [
                Bucket(start, requests, *failed.get(start, nothing))
                for start, requests in zip(self.starts, self.requests, strict=True)
                if start is not None
            ]
        )

    def expected(self, found: Episode, well_inside: int, width_us: int) -> float | None:
        """Return how many records would go well in an episode at the rate of the other time."""
        if self.first is None or self.last is None:
            return None
        since = self.first if found.since is None else found.since
        until = self.last if found.until is None else found.until
        rest_us = (self.last - self.first) - (until - since)
        outside = self.well - well_inside
        if rest_us <= width_us or not outside:
            return None
        return outside / rest_us * (until - since)

    def stretch(
        self, found: Episode, failed: _Failed, inside: tuple[int, int, int], width_us: int
    ) -> Stretch:
        """Return a stretch.

        Args:
            found: Its times.
            failed: What failed at any time.
            inside: How many records it has, how many of them failed, and how many went well;
                of no matter if it is the whole time.
            width_us: Of a bucket.
        """
        all_failed, total = sum(n for n, _, _ in failed.values()), sum(self.requests)
        if found.is_whole:
            return Stretch(found, all_failed, total, None)
        of, failures, well = inside
        expected = self.expected(found, well, width_us)
        untimed = self.requests[0] if self.starts[0] is None else 0
        return Stretch(
            found,
            failures,
            of,
            None if expected is None else (well, expected),
            (all_failed - failed.get(None, (0, 0, 0))[0] - failures, total - untimed - of),
        )


class Timelines(Parts):
    """The timeline of a log, asked by subject.

    Args:
        judged: The log.
        believed: See ``subjects.believed_hosts``.
    """

    def __init__(self, judged: Judged, believed: Sequence[str | None]) -> None:
        rows = with_host(judged.tally.timeline.frame).lazy().filter(pl.col("kind") != "own")
        super().__init__(with_subject(rows, believed).collect())
        width = self.rows["width_s"].max()
        self._width_us = width * 1_000_000 if isinstance(width, int) else 0

    def requests_of(self, host: str | None) -> pl.DataFrame:
        """Return the rows of the requests for a host."""
        return self.of(kind="request", host=host)

    def stretch(self, rows: pl.DataFrame, failed: pl.Expr) -> Stretch:
        """Return when some records failed, and how many of how many.

        Args:
            rows: Of a state by bucket: all of the subject.
            failed: Which of them failed.
        """
        found = self.stretches(rows.lazy().with_columns(_as_failed(failed), of=pl.lit(0)))
        return found.get((0, _FAILED), NOTHING)

    def stretches_of_hosts(self, hosts: Iterable[str], failed: pl.Expr) -> dict[str, Stretch]:
        """Return when requests for hosts failed, and how many of how many.

        Args:
            hosts: Which, and in which order.
            failed: Which requests failed.
        """
        wanted = pl.Series("host", hosts, dtype=pl.String)
        if wanted.is_empty():
            return {}
        rows = self.rows.lazy().filter(
            pl.col("kind") == "request", pl.col("host").is_in(wanted.implode())
        )
        found = self.stretches(rows.with_columns(_as_failed(failed), of="host"))
        return {host: found.get((host, _FAILED), NOTHING) for host in wanted}

    def stretches_of_subjects(
        self, wanted: Iterable[tuple[str | None, ...]]
    ) -> dict[tuple[str | None, ...], Stretch]:
        """Return when subjects failed in some ways, and how many of how many.

        Args:
            wanted: Of each the values of ``SUBJECT`` and the way to fail.
        """
        keys = list(wanted)
        if not keys:
            return {}
        numbers = {key: n for n, key in enumerate(dict.fromkeys(key[:-1] for key in keys))}
        whose = pl.LazyFrame(list(numbers), dict.fromkeys(SUBJECT, pl.String), orient="row")
        # What rows are of is told of each combination once, and then they are found by place.
        combined = (*SUBJECT, "failure", "believed", *COLUMNS_OF_SUBJECTS)
        places = self.rows.lazy().with_row_index("place").group_by(combined).agg("place")
        found = (
            of_each_subject(places)
            .join(whose.with_row_index("of"), on=SUBJECT, nulls_equal=True)
            .select("of", "failed_as", "failure", "place")
            .explode("place")
            .collect()
        )
        counts = self.rows.select("start", "requests", "first", "last")[found["place"]]
        only = {key: (numbers[key[:-1]], key[-1]) for key in keys}
        stretches = self.stretches(found.hstack(counts).lazy(), only=set(only.values()))
        return {key: stretches.get(of, NOTHING) for key, of in only.items()}

    def stretches(
        self, rows: pl.LazyFrame, only: Container[_Key] | None = None
    ) -> dict[_Key, Stretch]:
        """Return when records of many subjects failed, and how many of how many.

        Args:
            rows: Of a state by bucket, each once for every subject that it is of, with
                ``of``: of which, and ``failed_as``: as what they failed, null for what did not.
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
            key: courses[key[0]].stretch(
                found, failures[key], inside.get(key, (0, 0, 0)), self._width_us
            )
            for key, found in episodes.items()
        }


def _as_failed(failed: pl.Expr) -> pl.Expr:
    return pl.when(failed).then(pl.lit(_FAILED)).alias("failed_as")


def _by_subject(
    rows: pl.LazyFrame,
) -> tuple[dict[object, _Course], dict[_Key, _Failed]]:
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
                "start",
                "requests",
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


def between(rows: pl.DataFrame, since: int | None, until: int | None) -> pl.DataFrame:
    """Return the rows of a timeline that are not wholly before one time or after another.

    So what is in the first and the last bucket before or after is left out, as
    far as the timeline can tell: a row that lies on both sides is kept.
    """
    apart = [
        pl.col(name) < limit if name == "last" else pl.col(name) > limit
        for name, limit in (("last", since), ("first", until))
        if limit is not None
    ]
    timed = rows.filter(pl.col("start").is_not_null())
    return timed.filter(~pl.any_horizontal(apart)) if apart else timed
