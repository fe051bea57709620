"""When something failed, and how much there was of the same subject in that time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from envoylogs.summary.findings.onset import Bucket, Episode, episode
from envoylogs.summary.findings.subjects import with_subject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envoylogs.summary.facts import Facts

__all__ = ["Stretch", "Timelines", "between"]

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


class Timelines:
    """The timeline of a log, asked by subject.

    Args:
        facts: Of the log.
        believed: See ``subjects.believed_hosts``.
    """

    def __init__(self, facts: Facts, believed: Sequence[str | None]) -> None:
        rows = facts.tally.timeline.frame.filter(pl.col("kind") != "own").with_columns(
            facts.host_of_authority
        )
        self.rows = with_subject(rows, believed)
        width = self.rows["width_s"].max()
        self._width_us = width * 1_000_000 if isinstance(width, int) else 0
        self._parts: dict[str, dict[object, pl.DataFrame]] = {}

    def of(self, column: str, value: object) -> pl.DataFrame:
        """Return the rows in which a column has a value, which may be missing."""
        if column not in self._parts:
            parts = self.rows.partition_by(column, as_dict=True)
            self._parts[column] = {key[0]: rows for key, rows in parts.items()}
        return self._parts[column].get(value, self.rows.clear())

    def requests_of(self, host: str | None) -> pl.DataFrame:
        """Return the rows of the requests for a host."""
        return self.of("host", host).filter(pl.col("kind") == "request")

    def stretch(self, rows: pl.DataFrame, failed: pl.Expr) -> Stretch:
        """Return when some records failed, and how many of how many.

        Args:
            rows: Of the timeline: all of the subject.
            failed: Which of them failed.
        """
        marked = rows.with_columns(failed.fill_null(value=False).alias("failed"))
        timed = marked.filter(pl.col("start").is_not_null())
        found = episode(_buckets(timed))
        if found.is_whole:
            failures = int(marked.filter("failed")["requests"].sum())
            return Stretch(found, failures, int(marked["requests"].sum()), None)
        inside = timed.filter(pl.col("start").is_between(found.first, found.last))
        of = between(inside, found.since, found.until)
        failures = int(of.filter("failed")["requests"].sum())
        no_harm = pl.col("failure").is_null()
        well_inside = int(of.filter(no_harm)["requests"].sum())
        expected = self._expected(timed, timed.filter(no_harm), found, well_inside)
        well = None if expected is None else (well_inside, expected)
        total = int(of["requests"].sum())
        outside = (
            int(timed.filter("failed")["requests"].sum()) - failures,
            int(timed["requests"].sum()) - total,
        )
        return Stretch(found, failures, total, well, outside)

    def _expected(
        self, timed: pl.DataFrame, well: pl.DataFrame, found: Episode, inside: int
    ) -> float | None:
        """Return how many records would go well in an episode at the rate of the other time."""
        first, last = timed["first"].min(), timed["last"].max()
        if not (isinstance(first, int) and isinstance(last, int)):
            return None
        since = first if found.since is None else found.since
        until = last if found.until is None else found.until
        rest_us = (last - first) - (until - since)
        outside = int(well["requests"].sum()) - inside
        if rest_us <= self._width_us or not outside:
            return None
        return outside / rest_us * (until - since)


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


def _buckets(rows: pl.DataFrame) -> list[Bucket]:
    requests = pl.col("requests")
    by_start = (
        rows.group_by("start")
        .agg(
            requests.sum(),
            requests.filter("failed").sum().alias("of_failed"),
            pl.col("first").filter("failed").min().alias("first_failed"),
            pl.col("last").filter("failed").max().alias("last_failed"),
        )
        .sort("start")
    )
    return [Bucket(*row) for row in by_start.rows()]
