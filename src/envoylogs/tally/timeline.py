"""How many requests in which stretch of time.

Buckets are sparse. Their width is the narrowest of the ladder at which the non-empty buckets fit
their number and the rows fit theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import polars as pl

from envoylogs.envoy.outcomes import is_error, is_redirect
from envoylogs.tally.counting import (
    FIRST,
    LAST,
    REQUESTS,
    Counted,
    Names,
    TimeBuckets,
    names_in,
    number_of,
)
from envoylogs.tally.ladder import (
    WIDTHS_S,
    LadderCounts,
    Step,
    buckets_of,
    narrowest,
)
from envoylogs.tally.subjects import (
    SUBJECT_KEYS,
    SUBJECT_NAMES,
    is_of_connection,
    subject_columns,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from envoylogs.keyed.keyed_records import KeyedRecords
    from envoylogs.tally.spec import TallySpec

REDIRECT = "redirect"

ENOUGH = 4096
"""By so many records it is told how wide buckets must be; all of them may ask for wider ones."""

_NOTHING: Mapping[str, pl.Expr] = {}
_NO_NAMES: Mapping[str, Names] = {}
_KEYS = ("kind", "route_name", "outcome", "failure")


class BucketCounts(LadderCounts):
    """Counts by time bucket: their keys begin with ``width_s`` and ``start``."""

    @classmethod
    def buckets(cls, times: pl.Series, spec: TallySpec) -> TimeBuckets:
        """Return buckets that are as wide as they must be at least, as far as some records tell.

        By these records are counted, which saves counting them by narrow ones first.

        Args:
            times: Of records that are counted.
            spec: What is remembered.
        """
        some = times.gather_every(-(-times.len() // ENOUGH) or 1).cast(pl.Int64)
        width = narrowest(some, WIDTHS_S, spec.timeline_buckets)
        widest = cls.widest_first_s(spec)
        return TimeBuckets(min(width, widest), widest, spec.timeline_buckets)

    @classmethod
    def counted_in_time(  # noqa: PLR0913  # what ``Counted`` is given
        cls,
        records: KeyedRecords,
        *,
        keys: Mapping[str, pl.Expr],
        values: Mapping[str, pl.Expr],
        buckets: TimeBuckets,
        names: Mapping[str, Names] = _NO_NAMES,
        traits: Mapping[str, pl.Expr] = _NOTHING,
        where: pl.Expr | None = None,
        valid: pl.Expr | None = None,
    ) -> Counted:
        """Count records, errors and times by bucket; see ``Counted`` for what is given."""
        return Counted(
            records=records,
            keys=keys,
            values=values,
            names=names,
            measures={
                "requests": REQUESTS,
                "errors": number_of("is_error"),
                "first": FIRST,
                "last": LAST,
            },
            traits={**traits, "is_error": is_error()},
            where=where,
            valid=valid,
            buckets=buckets,
        )

    @classmethod
    def steps(cls, spec: TallySpec, rows: pl.DataFrame) -> Iterator[Step]:
        """Yield ever wider buckets, the first of which are no more than may be."""
        given = rows["width_s"].max()
        if isinstance(given, int):
            widths = WIDTHS_S[WIDTHS_S.index(given) :]
            first = narrowest(rows["start"], widths, spec.timeline_buckets)
            first = min(first, max(given, cls.widest_first_s(spec)))
            for width in widths[widths.index(first) :]:
                yield Step(width_s=width)

    @classmethod
    def widest_first_s(cls, spec: TallySpec) -> int:
        """Return how wide buckets are at most as long as rows are not too many."""
        del spec
        return WIDTHS_S[-1]


class TimelineCounts(BucketCounts):
    """Requests and errors by bucket; ``start`` in microseconds, null for records without a time.

    ``first`` and ``last`` are the times of the first and the last record of a row, so that what
    happened in a bucket is known more closely than its width. Every row carries the width of its
    bucket; after a merge all are equal. ``port`` is that of the gateway's listener; ``answer`` is
    ``redirect``, or null for everything else.
    """

    KEYS: ClassVar = {
        "width_s": pl.Int64(),
        "start": pl.Int64(),
        **dict.fromkeys((*_KEYS, *SUBJECT_KEYS, "port", "answer"), pl.String()),
    }
    SUMS: ClassVar = ("requests", "errors")
    MINIMA: ClassVar = ("first",)
    MAXIMA: ClassVar = ("last",)

    @classmethod
    def names(cls, spec: TallySpec) -> Mapping[str, str]:
        """Return the columns that hold names, of routes and of what failures are about."""
        return {"route_name": "route_name", **SUBJECT_NAMES}

    @classmethod
    def widest_first_s(cls, spec: TallySpec) -> int:
        """Return the widest buckets that those asked for can be made of, whatever their number."""
        buckets = buckets_of(spec)
        return super().widest_first_s(spec) if buckets is None else buckets.widest_part_s

    @classmethod
    def counted(cls, records: KeyedRecords, spec: TallySpec) -> list[Counted]:
        """Count the records of one batch."""
        port = pl.col("downstream_local_address").str.extract(r":(\d{1,5})$")
        answer = pl.when(is_redirect()).then(pl.lit(REDIRECT))
        keys, values = subject_columns(pl.col("is_connection"))
        return [
            cls.counted_in_time(
                records,
                buckets=cls.buckets(records.rows["start_time"], spec),
                keys={
                    **{name: pl.col(name) for name in _KEYS},
                    **keys,
                    "port": port,
                    "answer": answer,
                },
                values=values,
                names=names_in(records, address="upstream_host"),
                traits={"is_connection": is_of_connection()},
            )
        ]
