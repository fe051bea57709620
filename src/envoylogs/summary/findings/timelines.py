"""The timeline of a log, asked when something failed and how much there was in that time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs.summary.findings.stretches import NOTHING, Stretch, stretches
from envoylogs.summary.findings.subjects import (
    COLUMNS_OF_SUBJECTS,
    SUBJECT,
    of_each_subject,
    with_subject,
)
from envoylogs.summary.judged import Parts, whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from envoylogs.summary.judged import Judged

_FAILED = "failed"


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
        found = stretches(marked, self.width_us)
        return found.get((0, _FAILED), NOTHING)

    def stretches_of_hosts(self, hosts: Iterable[str], failed: pl.Expr) -> dict[str, Stretch]:
        """Return when requests for hosts failed, in their order, and how many of how many."""
        wanted = pl.Series("host", hosts, dtype=pl.String)
        if wanted.is_empty():
            return {}
        rows = self.rows.lazy().filter(
            pl.col("kind") == "request", pl.col("host").is_in(wanted.implode())
        )
        found = stretches(rows.with_columns(_as_failed(failed), of="host"), self.width_us)
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
