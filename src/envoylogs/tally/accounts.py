"""Lines by fate and source, and the first examples of those that are no records."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

import polars as pl

from envoylogs.reading.fates import EXAMPLES_KEPT, KEYS_KEPT
from envoylogs.tally.counting import FIRST, LAST, REQUESTS, TIME, Counted, Measure, names_in
from envoylogs.tally.state import Counts, Samples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envoylogs.keyed.batches import Batch
    from envoylogs.tally.spec import TallySpec

_OF_KEYS = ("key_unused", "key_other")

# In a line of any shape: what stands behind the ``=`` of a query.
# Everything up to a space or the next value is left out: what a cut or broken line means is unsure.
_QUERY_VALUE = r"""([?&;#][^\s?&;="'<>]{1,128}=)[^\s&;]+"""


class LineCounts(Counts):
    """How many lines, by source, fate and detail (see ``reading.fates``).

    The fate ``window`` counts records of any role and carries the times of the
    first and the last (microseconds); ``untimed`` counts those among them without
    a time. ``column_seen``, ``filtered``, ``key_unused``, ``seen_before``,
    ``unreadable`` and ``untimed_left_out`` are of no source (the empty string). Of
    keys the shortest ones are kept, and exact: one that is not among them in all of
    a log is not among them in a part that has it.
    """

    KEYS: ClassVar = {"source": pl.String(), "fate": pl.String(), "detail": pl.String()}
    SUMS: ClassVar = ("n",)
    MINIMA: ClassVar = ("first",)
    MAXIMA: ClassVar = ("last",)

    @classmethod
    def asked(cls, batch: Batch, spec: TallySpec) -> list[Counted]:
        """Count the records of all roles."""
        del spec
        if batch.everything is None:
            return []
        return [
            Counted(
                records=batch.everything,
                keys={},
                values={"source": pl.col("source")},
                names=names_in(batch.everything, source="source"),
                measures={
                    "n": REQUESTS,
                    "first": FIRST,
                    "last": LAST,
                    "untimed": Measure("0", TIME),
                },
            )
        ]

    @classmethod
    def of_counts(cls, spec: TallySpec, counts: Sequence[pl.DataFrame]) -> Self:
        """Return the times of records."""
        rows: list[tuple[object, ...]] = []
        for windows in counts:
            for source, n, first, last, untimed in windows.rows():
                rows.append((source, "window", "", n, first, last))
                if untimed:
                    rows.append((source, "untimed", "", untimed, None, None))
        return cls(pl.DataFrame(rows, schema=cls.columns(spec), orient="row"), spec)

    @classmethod
    def beside(cls, batch: Batch, spec: TallySpec) -> Self | None:
        """Return the fates of the lines of one batch."""
        keys = [
            (*of, key, n, None, None)
            for of, counted in batch.fates.keys.items()
            for key, n in counted.counts.items()
        ]
        rows = [*((*key, n, None, None) for key, n in batch.fates.counts.items()), *keys]
        found = [row for row in rows if row[3] != 0]
        state = cls(pl.DataFrame(found, schema=cls.columns(spec), orient="row"), spec)
        return state.merge() if len(keys) > KEYS_KEPT else state

    @classmethod
    def summed(cls, spec: TallySpec, *frames: pl.DataFrame) -> pl.DataFrame:
        """Return counts added up; what was taken back is not there."""
        found = super().summed(spec, *frames).filter(pl.col("n") != 0)
        is_key = pl.col("fate").is_in(_OF_KEYS)
        keys = found.filter(is_key)
        if keys.height <= KEYS_KEPT:
            return found
        place = pl.int_range(pl.len()).over("source", "fate")
        kept = keys.sort(pl.col("detail").str.len_chars(), "detail").filter(place < KEYS_KEPT)
        return pl.concat([found.filter(is_key.not_()), kept])

    def of_fate(self, fate: str) -> int:
        """Return how many lines, bytes or records of all sources have a fate."""
        return int(self.frame.filter(pl.col("fate") == fate)["n"].sum())

    def undamaged(self) -> Self:
        """Return the same without what kept sources from being read to their end."""
        return type(self)(self.frame.filter(pl.col("fate") != "damaged"), self.spec)


class LineExamples(Samples):
    """The first lines of each reason, by source; of values that can't be read likewise."""

    @classmethod
    def columns(cls, spec: TallySpec) -> dict[str, pl.DataType]:
        """Return where the line stands, why it is no record, and how it begins."""
        return {
            "source": pl.String(),
            "reason": pl.String(),
            "line": pl.Int64(),
            "text": pl.String(),
        }

    @classmethod
    def beside(cls, batch: Batch, spec: TallySpec) -> Self | None:
        """Return the examples of one batch."""
        rows = [(e.source, e.reason, e.line, e.text) for e in batch.fates.examples]
        frame = pl.DataFrame(rows, schema=cls.columns(spec), orient="row")
        if rows and not spec.show_query:
            frame = frame.with_columns(pl.col("text").str.replace_all(_QUERY_VALUE, "${1}*"))
        return cls(cls.reduced(frame, spec), spec)

    @classmethod
    def reduced(cls, frame: pl.DataFrame, spec: TallySpec) -> pl.DataFrame:
        """Return the first lines of each source and reason."""
        if frame.is_empty():
            return frame
        place = pl.int_range(pl.len()).over("source", "reason")
        # The reader keeps no more of a batch, so more of several batches would depend on the cut.
        kept = min(spec.line_examples, EXAMPLES_KEPT)
        return frame.sort("source", "reason", "line", "text").filter(place < kept)
