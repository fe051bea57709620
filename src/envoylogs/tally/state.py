"""What a state is, and the laws of adding states.

A state is a small frame of keys and integers that a batch is reduced to.
States of the same kind and specification add up: ``merge`` is commutative and
associative, ``empty`` changes nothing, and the state of a log does not depend
on how the log was cut into batches. The laws are tested for every subclass of
``State`` there is. Ratios, percentiles and ranks are not here: they are
computed in ``summary``, after the last merge.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import polars as pl

from envoylogs.sources.parts import LINES_OF_PART
from envoylogs.tally.counting import BYTES, counts_of, total_of
from envoylogs.tally.folding.names_apart import FOLDABLE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from envoylogs.keyed.batches import Batch
    from envoylogs.keyed.keyed_records import KeyedRecords
    from envoylogs.tally.counting import Counted
    from envoylogs.tally.folding.fold import Fold
    from envoylogs.tally.spec import TallySpec


# More rows than this are added by Polars' streaming engine: a year of daily tallies in two thirds
# of the time, a log in the same time and 10 MB more than in parts by hash. Fewer are sooner added
# at once.
_ROWS_AT_ONCE = 40_000


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """Base of all states: one frame and the specification that it was made with.

    Attributes:
        frame: Columns are ``columns(spec)``; the order of rows means nothing.
        spec: See ``TallySpec``.
    """

    frame: pl.DataFrame
    spec: TallySpec

    def __reduce__(self) -> tuple[object, ...]:
        # A fifth of what pickle makes of a frame, in half the time.
        packed = BytesIO()
        self.frame.write_ipc_stream(packed, compression="lz4")
        return _unpickled, (type(self), packed.getvalue(), self.spec)

    @classmethod
    def columns(cls, spec: TallySpec) -> dict[str, pl.DataType]:
        """Return names and types of the frame: strings, categories and 64-bit integers only."""
        raise TypeError

    @classmethod
    def of(cls, batch: Batch, spec: TallySpec) -> Self:
        """Return the state of one batch."""
        counted = cls.of_counts(spec, counts_of(cls.asked(batch, spec)))
        beside = cls.beside(batch, spec)
        return counted if beside is None else counted.merge(beside)

    @classmethod
    def asked(cls, batch: Batch, spec: TallySpec) -> Sequence[Counted]:
        """Return what is counted of a batch for it: of the records that were selected."""
        return () if batch.selected is None else cls.counted(batch.selected, spec)

    @classmethod
    def counted(cls, records: KeyedRecords, spec: TallySpec) -> Sequence[Counted]:
        """Return what is counted of the records of a batch: nothing, unless a state says more."""
        del records, spec
        return ()

    @classmethod
    def of_counts(cls, spec: TallySpec, counts: Sequence[pl.DataFrame]) -> Self:
        """Return the state of what was counted of one batch or of several.

        Args:
            spec: What is remembered.
            counts: In the order of ``asked``; of several batches there may be more frames of one
                question.
        """
        raise TypeError

    @classmethod
    def beside(cls, batch: Batch, spec: TallySpec) -> Self | None:
        """Return the state of what is not counted of one batch; null for nothing."""
        del batch, spec
        return None

    def merge(self, *others: Self, fold: Fold | None = None) -> Self:
        """Return the state of everything that these states are of; none is changed.

        Args:
            others: Of the same specification.
            fold: Which names are folded.
        """
        raise TypeError

    @classmethod
    def names(cls, spec: TallySpec) -> Mapping[str, str]:
        """Return the columns that hold names which may be folded, each with their kind."""
        return {column: column for column in cls.columns(spec) if column in FOLDABLE}

    @classmethod
    def most_rows(cls, spec: TallySpec) -> int:
        """Return past how many rows names are folded to have fewer."""
        return spec.max_rows

    def coarser(self, *, names_left: bool) -> Self | None:
        """Return the same in fewer rows by other means than names; null if that can't be."""
        return None

    @classmethod
    def renamed(cls, frame: pl.DataFrame, spec: TallySpec, fold: Fold | None) -> pl.DataFrame:
        """Return rows with their names folded; keys may then stand several times."""
        if not fold:
            return frame
        return frame.with_columns(
            fold[kind].of(pl.col(column)).cast(frame.schema[column]).alias(column)
            for column, kind in cls.names(spec).items()
            if kind in fold
        )

    def names_by_kind(self) -> Mapping[str, pl.Series]:
        """Return the names of each kind that are in this state."""
        unique = {kind: self.frame[name].unique() for name, kind in self.names(self.spec).items()}
        return {
            kind: names.cast(pl.String) if names.dtype == pl.Categorical() else names
            for kind, names in unique.items()
        }

    @classmethod
    def empty(cls, spec: TallySpec) -> Self:
        """Return the state of nothing, which changes nothing when it is added."""
        return cls(pl.DataFrame(schema=cls.columns(spec)), spec)

    def with_lines_of_parts(self, before: Sequence[int]) -> Self:
        """Return the state of a log that was read in parts with the numbers that its lines have.

        Args:
            before: How many lines of the log are before each part.
        """
        if "line" not in self.frame.columns:
            return self
        part = pl.col("line") // LINES_OF_PART
        before_part = pl.lit(pl.Series(before, dtype=pl.Int64)).gather(part)
        line = pl.col("line") % LINES_OF_PART + before_part
        return type(self)(self.frame.with_columns(line), self.spec)

    def canonical(self) -> pl.DataFrame:
        """Return the frame in an order that depends on its content only."""
        return self.frame.sort(pl.all(), nulls_last=True)

    def __eq__(self, other: object) -> bool:
        return (
            type(other) is type(self)
            and isinstance(other, State)
            and self.spec == other.spec
            and self.canonical().equals(other.canonical())
        )

    __hash__ = None  # type: ignore[assignment]  # frames can't be hashed


def _unpickled(state: type[State], packed: bytes, spec: TallySpec) -> State:
    return state(pl.read_ipc_stream(BytesIO(packed)), spec)


class Counts(State):
    """A state of counts by key: counts add, first and last take minimum and maximum."""

    KEYS: ClassVar[dict[str, pl.DataType]] = {}
    SUMS: ClassVar[tuple[str, ...]] = ()
    MINIMA: ClassVar[tuple[str, ...]] = ()
    MAXIMA: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def keys(cls, spec: TallySpec) -> dict[str, pl.DataType]:
        """Return names and types of the keys."""
        return cls.KEYS

    @classmethod
    def columns(cls, spec: TallySpec) -> dict[str, pl.DataType]:
        """Return the keys, then the integers."""
        integers = dict.fromkeys((*cls.SUMS, *cls.MINIMA, *cls.MAXIMA), pl.Int64())
        return cls.keys(spec) | integers

    @classmethod
    def of_counts(cls, spec: TallySpec, counts: Sequence[pl.DataFrame]) -> Self:
        """Return the counts as they were asked."""
        if not counts:
            return cls.empty(spec)
        columns = list(cls.columns(spec))
        return cls(pl.concat(frame[columns] for frame in counts), spec)

    @classmethod
    def summed(cls, spec: TallySpec, *frames: pl.DataFrame) -> pl.DataFrame:
        """Return frames of this state added up, as the state keeps them."""
        return cls.added(spec, *frames)

    @classmethod
    def added(cls, spec: TallySpec, *frames: pl.DataFrame) -> pl.DataFrame:
        """Return frames of this state added up, one row for each key."""
        if not cls.keys(spec):
            return frames[0]
        rows = sum(frame.height for frame in frames)
        joined = pl.concat(frame.lazy() for frame in frames)
        engine: Literal["streaming", "in-memory"] = (
            "streaming" if rows > _ROWS_AT_ONCE else "in-memory"
        )
        return cls.grouped(joined, spec).collect(engine=engine)

    @classmethod
    def grouped(
        cls, rows: pl.LazyFrame, spec: TallySpec, same: Collection[str] = ()
    ) -> pl.LazyFrame:
        """Return rows added up by key, without the columns that are the same in all of them."""
        return rows.group_by(name for name in cls.keys(spec) if name not in same).agg(
            *(total_of(name) if name in BYTES else pl.col(name).sum() for name in cls.SUMS),
            *(pl.col(name).min() for name in cls.MINIMA if name not in same),
            *(pl.col(name).max() for name in cls.MAXIMA),
        )

    def merge(self, *others: Self, fold: Fold | None = None) -> Self:
        """Return the sum of these states."""
        frames = [self.renamed(state.frame, self.spec, fold) for state in (self, *others)]
        return type(self)(self.summed(self.spec, *frames), self.spec)


class Samples(State):
    """A state of bounded examples: by key, those that come first in a fixed order."""

    @classmethod
    def of_counts(cls, spec: TallySpec, counts: Sequence[pl.DataFrame]) -> Self:
        """Return nothing: examples are no counts."""
        del counts
        return cls.empty(spec)

    @classmethod
    def reduced(cls, frame: pl.DataFrame, spec: TallySpec) -> pl.DataFrame:
        """Return the rows to keep; reducing twice is the same as reducing once."""
        raise TypeError

    def merge(self, *others: Self, fold: Fold | None = None) -> Self:
        """Return the examples to keep of all these."""
        frames = pl.concat([self.frame, *(other.frame for other in others)])
        frames = self.renamed(frames, self.spec, fold)
        return type(self)(self.reduced(frames, self.spec), self.spec)
