"""The timeline of a log, asked when something failed and how much there was in that time.

All subjects are counted together: a query has its price, however few rows it is about.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from envoylogs.summary.findings.onset import (
    NOTHING,
    Course,
    Episode,
    Stretch,
    episode,
)
from envoylogs.summary.findings.subjects import (
    COLUMNS_OF_SUBJECTS,
    SUBJECT,
    of_each_subject,
    with_subject,
)
from envoylogs.summary.judged import Parts, whole

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from envoylogs.summary.judged import Judged

_FAILED = "failed"

_Key = tuple[Any, Any]
"""Of whom, and as what it failed."""

_Failed = dict[int | None, tuple[int, int, int]]
"""By bucket how many records failed, the first and the last; those without a time under null."""


class _Course(NamedTuple):
    """The records of one subject over time.

    ``requests`` are by the start of their bucket, ``of_all`` are with those that have no time. Of
    those that have one so many went ``well``, and one is the first and one the last.
    """

    starts: list[int]
    requests: list[int]
    of_all: int
    well: int
    first: int | None
    last: int | None

    def episode(self, failed: _Failed) -> Episode:
        """Return when records failed."""
        starts = sorted(start for start in failed if start is not None)
        at = {bisect_left(self.starts, start): failed[start] for start in starts}
        return episode(Course(self.starts, self.requests, at))

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
    is_well = pl.col("failure").is_null().alias("is_well")
    counts = rows.select("of", "failed_as", is_well, "start", "requests", "first", "last").collect()
    courses, failures = _by_subject(counts.lazy())
    episodes = {
        key: courses[key[0]].episode(failed)
        for key, failed in failures.items()
        if only is None or key in only
    }
    parts = {key: found for key, found in episodes.items() if not found.is_whole}
    inside = _inside(counts, parts) if parts else {}
    return {
        key: courses[key[0]].stretch(found, failures[key], inside.get(key, (0, 0, 0)), width_us)
        for key, found in episodes.items()
    }


def _by_subject(rows: pl.LazyFrame) -> tuple[dict[object, _Course], dict[_Key, _Failed]]:
    """Return the course of each subject, and what failed of it, by subject and as what."""
    requests, timed = pl.col("requests"), pl.col("start").is_not_null()
    first, last = pl.col("first").min(), pl.col("last").max()
    well = requests.filter("is_well").sum().alias("well")
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
    rows: pl.DataFrame, episodes: Mapping[_Key, Episode]
) -> dict[_Key, tuple[int, int, int]]:
    """Return how many records are in episodes: all, those that failed, those that went well."""
    requests = pl.col("requests")
    limits = ("since", "until", "first_bucket", "last_bucket")
    times = pl.LazyFrame(
        [
            (*key, *(when.since, when.until, when.first, when.last))
            for key, when in episodes.items()
        ],
        schema={"of": rows.schema["of"], "of_episode": rows.schema["failed_as"]}
        | dict.fromkeys(limits, pl.Int64()),
        orient="row",
    )
    counted = (
        rows.lazy()
        .join(times, on="of", nulls_equal=True)
        .filter(
            pl.col("start").is_between("first_bucket", "last_bucket"),
            pl.col("since").is_null() | (pl.col("last") >= pl.col("since")),
            pl.col("until").is_null() | (pl.col("first") <= pl.col("until")),
        )
        .group_by("of", "of_episode")
        .agg(
            requests.sum(),
            requests.filter(pl.col("failed_as") == pl.col("of_episode")).sum().alias("failures"),
            requests.filter("is_well").sum().alias("well"),
        )
        .collect()
    )
    return {row[:2]: row[2:] for row in counted.iter_rows()}


class Timelines(Parts):
    """The timeline of a log, asked by subject.

    Attributes:
        width_us: Of a bucket.
    """

    def __init__(self, judged: Judged, believed: Sequence[str | None]) -> None:
        rows = judged.timeline.lazy().filter(pl.col("kind") != "own")
        super().__init__(with_subject(rows, believed).collect())
        self.width_us = (whole(self.rows["width_s"].max()) or 0) * 1_000_000

    def requests_of(self, host: str | None) -> pl.DataFrame:
        """Return the rows of the requests for a host."""
        return self.of(kind="request", host=host)

    def stretch(self, rows: pl.DataFrame, failed: pl.Expr) -> Stretch:
        """Return when some rows of one subject failed, and how many of how many."""
        marked = rows.lazy().with_columns(_as_failed(failed), of=pl.lit(0))
        return stretches(marked, self.width_us).get((0, _FAILED), NOTHING)

    def stretches_of_hosts(self, hosts: Iterable[str], failed: pl.Expr) -> dict[str, Stretch]:
        """Return when requests for hosts failed, in their order, and how many of how many."""
        wanted = pl.Series("host", hosts, dtype=pl.String)
        if wanted.is_empty():
            return {}
        rows = self.rows.lazy().filter(
            pl.col("kind") == "request", pl.col("host").is_in(wanted.implode())
        )
        # Texts are told apart once and are numbers from then on.
        of = pl.col("host").cast(pl.Enum(wanted.drop_nulls().unique())).alias("of")
        found = stretches(rows.with_columns(_as_failed(failed), of), self.width_us)
        return {host: found.get((host, _FAILED), NOTHING) for host in wanted}

    def stretches_of_subjects(
        self, wanted: Iterable[tuple[str | None, ...]]
    ) -> dict[tuple[str | None, ...], Stretch]:
        """Return the same of subjects: by the values of ``SUBJECT`` and the way to fail."""
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
        rows = found.hstack(counts).lazy()
        stretch_of = stretches(rows, self.width_us, set(only.values()))
        return {key: stretch_of.get(of, NOTHING) for key, of in only.items()}


def _as_failed(failed: pl.Expr) -> pl.Expr:
    return pl.when(failed).then(pl.lit(_FAILED)).alias("failed_as")


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
