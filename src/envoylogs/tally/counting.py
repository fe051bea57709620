"""Grouping: the one place where records are counted.

A state says by what it counts and what; how is said here, for all states of a
batch at once. What is made of the columns of keys is worked out once a key, and
a group is known by the first of its keys, so that records are grouped by
numbers and names are put back at the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

import polars as pl

from envoylogs.reading.decoded_block import KEY
from envoylogs.tally.folding.names_apart import kept_apart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from envoylogs.grouping.numbering import Table
    from envoylogs.keyed.keyed_records import KeyedRecords
    from envoylogs.tally.ladder import Step

MICROSECONDS = 1_000_000
_Times = TypeVar("_Times", pl.Expr, pl.Series, int)

TIME = pl.col("start_time").dt.epoch("us")
"""When a record was, in microseconds since 1970."""

BYTES = ("bytes_sent", "bytes_received")
"""What is summed of records besides how many there are; nothing else can be too large to add."""

LARGEST_SUM = 2**63 - 1
"""Where sums stop: one that is as large may stand for a larger one."""


def total_of(*names: str) -> pl.Expr:
    """Return sums of whole numbers, which stop at 2^63 - 1 and never wrap."""
    return _total(pl.col(names))


def _total(numbers: pl.Expr) -> pl.Expr:
    return numbers.cast(pl.Int128).sum().clip(None, LARGEST_SUM).cast(pl.Int64)


def floored(time: _Times, width_s: int) -> _Times:
    """Return the starts of the buckets that times (microseconds) are in."""
    return time - time % (width_s * MICROSECONDS)


class Names(NamedTuple):
    """The texts that numbers stand for.

    Attributes:
        texts: Each at the place of its number; null for a number that no record has.
        table: Which table the numbers are of: of two batches with the same one, the texts of one
            are the first of the other's. Null if they are of this batch alone.
    """

    texts: pl.Series
    table: Table | None = None


def names_in(records: KeyedRecords, **columns: str) -> dict[str, Names]:
    """Return what the numbers in columns of rows stand for, by the names they are counted under."""
    found = {}
    for name, column in columns.items():
        if column in records.coded:
            table = records.coded[column]
            found[name] = Names(table.once("kept apart", kept_apart)[column], table)
    return found


class TimeBuckets(NamedTuple):
    """Buckets of time that records are counted by.

    Attributes:
        width_s: How wide they are, in seconds.
        widest_s: How wide they may get where there are more than ``most`` of them.
        most: How many there may be before they get wider.
    """

    width_s: int
    widest_s: int
    most: int


class Ladder(NamedTuple):
    """How counts by bucket and duration have less detail where there are too many of them.

    Attributes:
        steps: The steps that rows may go down, from that of the coarsest one on.
        most_rows: How many rows there may be before they go one further down.
    """

    steps: Callable[[pl.DataFrame], Iterator[Step]]
    most_rows: int


class Measure(NamedTuple):
    """What is worked out of the rows of a group.

    Attributes:
        operation: As the kernel calls it: ``n`` is how many there are, ``t`` how many of them are
            true, ``0`` how many are null; ``+`` is a sum, ``<`` and ``>`` are extremes.
        of: Of which column of rows; null for their number.
    """

    operation: Literal["n", "t", "0", "+", "<", ">"]
    of: pl.Expr | None = None

    def by_polars(self) -> pl.Expr:
        """Return the same as an expression over groups."""
        if self.of is None:
            return pl.len().cast(pl.Int64)
        if self.operation == "+":
            return _total(self.of)
        if self.operation == "<":
            return self.of.min()
        if self.operation == ">":
            return self.of.max()
        number = self.of.sum() if self.operation == "t" else self.of.null_count()
        return number.cast(pl.Int64)


REQUESTS = Measure("n")
"""How many records there are in a group."""

FIRST, LAST = Measure("<", TIME), Measure(">", TIME)
"""When the first and the last of them were."""


def sum_of(column: str) -> Measure:
    """Return the sum of a column of rows, which stops at 2^63 - 1."""
    return Measure("+", pl.col(column))


def number_of(trait: str) -> Measure:
    """Return how many records have a trait."""
    return Measure("t", pl.col(trait))


_GROUP, _PLACE = "group", "place"

# Polars takes literal series of equal values for the same, whatever their types: numbers of groups
# that are all 0 for traits that are all false.
_EACH_BY_ITSELF = pl.QueryOptFlags(comm_subexpr_elim=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What is counted of some records.

    Attributes:
        records: Those that are counted.
        keys: What they are grouped by that depends on their keys alone, by name.
        values: What they are grouped by that each has for itself, by name; of the columns of
            rows and of ``traits``.
        measures: What is worked out for each group, by name; of the same.
        names: Where the numbers of some values stand for texts, these, by name.
        constants: What is the same for all groups, by name.
        traits: Columns that values and measures need and that depend on keys alone, by name; a
            name means the same wherever it is asked.
        where: Which keys are counted; null for all.
        valid: Which rows of these are counted; null for all.
        buckets: The buckets of time that they are grouped by too, as ``start``, with their width
            as ``width_s``; null for none.
        ladder: What is done where rows by bucket and ``value_ms`` are many; null for nothing.
    """

    records: KeyedRecords
    keys: Mapping[str, pl.Expr]
    measures: Mapping[str, Measure]
    values: Mapping[str, pl.Expr] = field(default_factory=dict)
    names: Mapping[str, Names] = field(default_factory=dict)
    constants: Mapping[str, pl.Expr] = field(default_factory=dict)
    traits: Mapping[str, pl.Expr] = field(default_factory=dict)
    where: pl.Expr | None = None
    valid: pl.Expr | None = None
    buckets: TimeBuckets | None = None
    ladder: Ladder | None = None

    @property
    def all_values(self) -> Mapping[str, pl.Expr]:
        """The values, with the bucket of time if there is one."""
        if self.buckets is None:
            return self.values
        return {**self.values, "start": floored(TIME, self.buckets.width_s)}

    @property
    def all_constants(self) -> Mapping[str, pl.Expr]:
        """The constants, with the width of the buckets if there is one."""
        if self.buckets is None:
            return self.constants
        return {**self.constants, "width_s": pl.lit(self.buckets.width_s, pl.Int64)}


def counts_of(asked: Sequence[Counted]) -> list[pl.DataFrame]:
    """Return what is counted, for each that is asked.

    Returns:
        Frames of keys, values and measures, in no order; a key may stand in it twice
        if its expressions are the same for several groups of none.
    """
    of_keys: dict[int, pl.DataFrame] = {}
    for keys in {id(one.records.keys): one.records.keys for one in asked}.values():
        made = [
            expression
            for place, one in enumerate(asked)
            if one.records.keys is keys
            for expression in _of_keys(str(place), one)
        ]
        of_keys[id(keys)] = kept_apart(keys).with_row_index(_PLACE).select(made)
    plans = [
        _plan(str(place), one, of_keys[id(one.records.keys)]) for place, one in enumerate(asked)
    ]
    return pl.collect_all(plans, optimizations=_EACH_BY_ITSELF)


def _of_keys(place: str, one: Counted) -> list[pl.Expr]:
    """Return what is worked out once a key: its group, and names and traits."""
    number = pl.col(_PLACE)
    group = number.first().over(list(one.keys.values())) if one.keys else number * 0
    if one.where is not None:
        group = pl.when(one.where).then(group)
    return [
        group.alias(place),
        *(expression.alias(f"{place} {name}") for name, expression in one.keys.items()),
        *(expression.alias(f"{place} {name}") for name, expression in one.traits.items()),
    ]


def _plan(place: str, one: Counted, of_keys: pl.DataFrame) -> pl.LazyFrame:
    def of_key(name: str, by: str) -> pl.Expr:
        return pl.lit(of_keys[name]).gather(pl.col(by))

    values = one.all_values
    rows = one.records.rows.lazy().with_columns(
        of_key(place, KEY).alias(_GROUP),
        *(of_key(f"{place} {name}", KEY).alias(name) for name in one.traits),
    )
    if one.where is not None:
        rows = rows.filter(pl.col(_GROUP).is_not_null())
    if one.valid is not None:
        rows = rows.filter(one.valid)
    counted = rows.group_by(_GROUP, *(value.alias(name) for name, value in values.items())).agg(
        measure.by_polars().alias(name) for name, measure in one.measures.items()
    )
    return counted.select(
        *(of_key(f"{place} {name}", _GROUP).alias(name) for name in one.keys),
        *(
            pl.lit(one.names[name].texts).gather(name).alias(name) if name in one.names else name
            for name in values
        ),
        *one.measures,
        *(constant.alias(name) for name, constant in one.all_constants.items()),
    )
