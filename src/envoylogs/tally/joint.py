"""Requests and connections by time, by columns that a user asked for and by duration, together.

A joint state answers what no other can: how many requests of any slice were
how slow in any window. It is empty unless ``TallySpec.joint`` names columns,
since nearly every request is a row of it. Past ``max_joint_rows`` it gives up
detail, what is missed least first: whole milliseconds, narrow time buckets,
narrow classes of durations, names, and time when no name is left.

The first two are a ladder that every log goes down in the same order, as far
as it must, so they depend on what is in a log and not on its cut or its order.
Buckets are not widened to fewer than eight on it, since a picture over time
has to show some; a log that is added to only ever allows wider ones, so that
end depends on the content too. The others are taken up in ``folding.limits`` when
tallies are added, which sees what has been read so far. Names go last: folding
most of them saves fewer rows than the classes do. They are folded in this
state alone, so asking for it changes no table.

Latency alone is kept. Upstream time beside it takes as many rows again, and
is exact by route, code, cluster and upstream host in ``latency``.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar, Self

import polars as pl

from envoylogs.envoy.outcomes import is_error
from envoylogs.tally.by_columns import asked_columns, key_types, with_asked_numbers
from envoylogs.tally.counting import Counted, Ladder, TimeBuckets, floored, number_of
from envoylogs.tally.ladder import ALL_DIGITS, DIGITS, EXACT, EXACTLY, WIDTHS_S, LadderCounts, Step
from envoylogs.tally.latency import MEASURES, is_answered

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envoylogs.keyed.keyed_records import KeyedRecords
    from envoylogs.tally.spec import TallySpec

# From whole milliseconds to the last step of the other states 14 % of the rows were saved, by each
# step behind it 12 and 18 % (500,000 lines, seven columns, five minutes).
JOINT_DIGITS = (ALL_DIGITS, DIGITS[-1], 3, 2)
"""The ladder of binary digits of a duration: all, then 8, 4 or 2 classes an octave.

The last two are gone down to only where buckets may get no wider.
"""

_ROWS_AT_ONCE = 131_072
"""So many are added at a time: a worker that adds up what others have counted of 4.2 GB takes 200
MB less of memory, in the same time."""

_FEWEST_BUCKETS = 8
"""An hour by five minutes, a day by the hour, a week by six hours."""


class JointCounts(LadderCounts):
    """Requests, connections and errors by bucket, the columns of ``TallySpec.joint``, and latency.

    ``start`` is in microseconds, null for records without a time. ``value_ms``
    is the latency (see ``latency``), null for requests without one and for
    connections, so that each is counted once. All rows have the same width and ``digits``.

    Names are categories: they are few in many rows. As strings they took as long to add up, and
    180 MB more for a page of 500,000 lines.
    """

    SUMS: ClassVar = ("requests", "connections", "errors")
    MINIMA: ClassVar = ("digits",)

    @classmethod
    def keys(cls, spec: TallySpec) -> dict[str, pl.DataType]:
        """Return the bucket, the columns that were asked for, and the latency."""
        named: dict[pl.DataType, pl.DataType] = {pl.String(): pl.Categorical()}
        return {
            "width_s": pl.Int64(),
            "start": pl.Int64(),
            **{name: named.get(dtype, dtype) for name, dtype in key_types(spec.joint).items()},
            "value_ms": pl.Int64(),
        }

    @classmethod
    def counted(cls, records: KeyedRecords, spec: TallySpec) -> list[Counted]:
        """Count the requests and connections of one batch."""
        if not spec.joint:
            return []
        kind = pl.col("kind")
        keys, values = asked_columns(spec.joint, spec)
        numbered, names = with_asked_numbers(records, spec.joint, spec)
        return [
            Counted(
                records=numbered,
                names=names,
                keys=keys,
                values={
                    **values,
                    "value_ms": pl.when("is_answered").then(MEASURES["latency_ms"]),
                },
                traits={
                    "is_answered": (kind == "request") & is_answered(),
                    "is_request": kind == "request",
                    "is_connection": kind == "connection",
                    "is_failed_request": (kind == "request") & is_error(),
                },
                measures={
                    "requests": number_of("is_request"),
                    "connections": number_of("is_connection"),
                    "errors": number_of("is_failed_request"),
                },
                constants=EXACT,
                where=kind != "own",
                # How wide they get is told by the number of rows.
                buckets=TimeBuckets(WIDTHS_S[0], WIDTHS_S[0], spec.timeline_buckets),
                ladder=Ladder(partial(cls.steps, spec), cls.most_rows(spec)),
            )
        ]

    @classmethod
    def of_counts(cls, spec: TallySpec, counts: Sequence[pl.DataFrame]) -> Self:
        """Return what was counted, its names as categories."""
        keys = cls.keys(spec)
        return super().of_counts(spec, [frame.cast(keys) for frame in counts])  # type: ignore[arg-type]

    @classmethod
    def added(cls, spec: TallySpec, *frames: pl.DataFrame) -> pl.DataFrame:
        """Return frames of this state added up, one row for each key."""
        rows = pl.concat(frames)
        # Where counts of two steps do not meet, their step is the same in all rows; without it
        # they are added in three quarters of the time and of the memory.
        same = {
            name: rows[name].min()
            for name in Step._fields
            if rows.height and rows[name].min() == rows[name].max()
        }
        left = rows.lazy().drop(same)
        parts = rows.height // _ROWS_AT_ONCE + 1
        # What has the same key is in the same part.
        part = (pl.col("start").hash() + pl.col("value_ms").hash()) % parts
        grouped = [
            cls.grouped(left.filter(part == number) if parts > 1 else left, spec, same).collect()
            for number in range(parts)
        ]
        return (
            pl.concat(grouped)
            .with_columns(pl.lit(value, pl.Int64).alias(name) for name, value in same.items())
            .select(list(cls.columns(spec)))
        )

    @classmethod
    def most_rows(cls, spec: TallySpec) -> int:
        """Return past how many rows there is less detail."""
        return spec.max_joint_rows

    @classmethod
    def steps(cls, spec: TallySpec, rows: pl.DataFrame) -> Iterator[Step]:
        """Yield what gives up detail down to few classes and few buckets."""
        del spec
        width, digits = _step_of(rows)
        if width is None or digits is None:
            return
        yield Step(width, digits)
        if digits == ALL_DIGITS:
            digits = DIGITS[-1]
            yield Step(width, digits)
        starts = rows["start"].drop_nulls()
        for wider in WIDTHS_S[WIDTHS_S.index(width) + 1 :]:
            starts = floored(starts, wider).unique()
            if starts.len() < _FEWEST_BUCKETS:
                return
            yield Step(wider, digits)

    @property
    def step(self) -> Step:
        """Where the coarsest row is on the ladder; with all detail if there is none."""
        return _step_of(self.frame)

    def coarser(self, *, names_left: bool) -> Self | None:
        """Return the same in wider classes, or in wider buckets if there is no name left."""
        width, digits = self.step
        if width is None or digits is None:
            return None
        steps = [Step(width, fewer) for fewer in JOINT_DIGITS[JOINT_DIGITS.index(digits) + 1 :]]
        if not names_left:
            steps += [Step(wider, digits) for wider in WIDTHS_S[WIDTHS_S.index(width) + 1 :]]
        if not steps:
            return None
        return type(self)(self.coarsened(self.spec, self.frame, steps[0]), self.spec)


def _step_of(rows: pl.DataFrame) -> Step:
    width, digits = rows["width_s"].max(), rows["digits"].min()
    if isinstance(width, int) and isinstance(digits, int):
        return Step(width, digits)
    return EXACTLY
