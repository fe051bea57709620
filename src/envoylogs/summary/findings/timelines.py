"""When something failed, and how much there was of the same subject in that time.

All subjects of a kind are counted together: a query has its price, however few rows it is about.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from envoylogs.summary.findings.onset import Bucket, Episode, episode
from envoylogs.summary.findings.subjects import with_subject
from envoylogs.summary.judged import HOST_OF_AUTHORITY
from envoylogs.summary.parts import Parts

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

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


@dataclass(slots=True)
class _Course:
    """The records of one subject over time.

    Attributes:
        requests: By bucket, in the order of time.
        well: How many of those with a time came to no harm.
        untimed: How many have no time.
        first: The first one with a time.
        last: The last.
        failed: As what they failed, and by bucket how many, the first and the last; those
            without a time are under null.
    """

    requests: dict[int, int] = field(default_factory=dict)
    well: int = 0
    untimed: int = 0
    first: int | None = None
    last: int | None = None
    failed: dict[object, dict[int | None, tuple[int, int, int]]] = field(default_factory=dict)

    def add(  # noqa: PLR0913, PLR0917  # one parameter a column
        self, start: int | None, failed_as: object, requests: int, well: int, first: int, last: int
    ) -> None:
        """Add records of one bucket that failed alike, later ones than before."""
        if failed_as is not None:
            self.failed.setdefault(failed_as, {})[start] = (requests, first, last)
        if start is None:
            self.untimed += requests
            return
        self.requests[start] = self.requests.get(start, 0) + requests
        self.well += well
        self.first = first if self.first is None else min(self.first, first)
        self.last = last if self.last is None else max(self.last, last)

    def episode(self, failed_as: object) -> Episode:
        """Return when records failed in a way."""
        failed = self.failed[failed_as]
        return episode(
            [
                Bucket(start, requests, *failed.get(start, (0, None, None)))
                for start, requests in self.requests.items()
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
        self, failed_as: object, found: Episode, inside: tuple[int, int, int], width_us: int
    ) -> Stretch:
        """Return a stretch.

        Args:
            failed_as: As what records failed in it.
            found: Its times.
            inside: How many records it has, how many of them failed so, and how many went well;
                of no matter if it is the whole time.
            width_us: Of a bucket.
        """
        failed = self.failed[failed_as]
        timed = sum(n for start, (n, _, _) in failed.items() if start is not None)
        total = sum(self.requests.values())
        if found.is_whole:
            untimed = failed[None][0] if None in failed else 0
            return Stretch(found, timed + untimed, total + self.untimed, None)
        of, failures, well = inside
        expected = self.expected(found, well, width_us)
        went_well = None if expected is None else (well, expected)
        return Stretch(found, failures, of, went_well, (timed - failures, total - of))


class Timelines(Parts):
    """The timeline of a log, asked by subject.

    Args:
        judged: The log.
        believed: See ``subjects.believed_hosts``.
    """

    def __init__(self, judged: Judged, believed: Sequence[str | None]) -> None:
        rows = judged.tally.timeline.frame.lazy().filter(pl.col("kind") != "own")
        super().__init__(with_subject(rows.with_columns(HOST_OF_AUTHORITY), believed).collect())
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
        found = self.stretches(rows.lazy().with_columns(_as_failed(failed), of=pl.lit(0)), "of")
        return found.get((0, _FAILED), NOTHING)

    def stretches_of_hosts(self, hosts: Iterable[str], failed: pl.Expr) -> dict[str, Stretch]:
        """Return when requests for hosts failed, and how many of how many.

        Args:
            hosts: Which, and in which order.
            failed: Which requests failed.
        """
        wanted = pl.Series("host", hosts, dtype=pl.String)
        rows = self.rows.lazy().filter(
            pl.col("kind") == "request", pl.col("host").is_in(wanted.implode())
        )
        found = (
            self.stretches(rows.with_columns(_as_failed(failed)), "host") if wanted.len() else {}
        )
        return {host: found.get((host, _FAILED), NOTHING) for host in wanted}

    def stretches(
        self, rows: pl.LazyFrame, *subject: str, only: Container[tuple[Any, ...]] | None = None
    ) -> dict[tuple[Any, ...], Stretch]:
        """Return when records of many subjects failed, and how many of how many.

        Args:
            rows: Of a state by bucket, each once for every subject that it is of, with
                ``failed_as``: as what they failed, null for what did not.
            subject: The columns that say whose a row is.
            only: What to look for; null for all that failed.

        Returns:
            By the values of ``subject`` and ``failed_as``; what never failed is missing.
        """
        courses: dict[tuple[Any, ...], _Course] = {}
        for *key, start, failed_as, n, well, first, last in _by_bucket(rows, subject):
            course = courses.setdefault(tuple(key), _Course())
            course.add(start, failed_as, n, well, first, last)
        episodes = {
            (*key, failed_as): course.episode(failed_as)
            for key, course in courses.items()
            for failed_as in course.failed
            if only is None or (*key, failed_as) in only
        }
        parts = {key: found for key, found in episodes.items() if not found.is_whole}
        inside = _inside(rows, subject, parts) if parts else {}
        return {
            key: courses[key[:-1]].stretch(
                key[-1], found, inside.get(key, (0, 0, 0)), self._width_us
            )
            for key, found in episodes.items()
        }


def _as_failed(failed: pl.Expr) -> pl.Expr:
    return pl.when(failed).then(pl.lit(_FAILED)).alias("failed_as")


def _by_bucket(rows: pl.LazyFrame, subject: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Yield how many records of each subject failed as what in each bucket, by time."""
    requests = pl.col("requests")
    return (
        rows.group_by(*subject, "start", "failed_as")
        .agg(
            requests.sum(),
            requests.filter(pl.col("failure").is_null()).sum().alias("well"),
            pl.col("first").min(),
            pl.col("last").max(),
        )
        .sort("start")
        .collect()
        .iter_rows()
    )


def _inside(
    rows: pl.LazyFrame, subject: Sequence[str], episodes: Mapping[tuple[Any, ...], Episode]
) -> dict[tuple[Any, ...], tuple[int, int, int]]:
    """Return how many records are in episodes: all, those that failed, those that went well."""
    requests = pl.col("requests")
    schema = rows.collect_schema()
    limits = ("since", "until", "first_bucket", "last_bucket")
    times = pl.LazyFrame(
        [
            (*key, *(when.since, when.until, when.first, when.last))
            for key, when in episodes.items()
        ],
        schema={name: schema[name] for name in subject}
        | {"of_episode": schema["failed_as"]}
        | dict.fromkeys(limits, pl.Int64()),
        orient="row",
    )
    counted = (
        rows.join(times, on=subject, nulls_equal=True)
        .filter(
            pl.col("start").is_between("first_bucket", "last_bucket"),
            pl.col("since").is_null() | (pl.col("last") >= pl.col("since")),
            pl.col("until").is_null() | (pl.col("first") <= pl.col("until")),
        )
        .group_by(*subject, "of_episode")
        .agg(
            requests.sum(),
            requests.filter(pl.col("failed_as") == pl.col("of_episode")).sum().alias("failures"),
            requests.filter(pl.col("failure").is_null()).sum().alias("well"),
        )
        .collect()
    )
    return {tuple(key): (of, failures, well) for *key, of, failures, well in counted.iter_rows()}


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
