"""One question of a tally, and what was counted in answer to it over batches, by the kernel."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.distinct import numbered
from envoylogs.grouping.kernel import new_seed
from envoylogs.grouping.numbering import MOST_ROWS
from envoylogs.keyed.keyed_records import KeyedRecords
from envoylogs.tally.counting import Names, floored
from envoylogs.tally.ladder import ALL_DIGITS, EXACTLY, WIDTHS_S, Step, in_classes, narrowest

if TYPE_CHECKING:
    from collections.abc import Collection
    from types import ModuleType

    from envoylogs.grouping.numbering import Table
    from envoylogs.tally.counting import Counted

_NO_RECORDS = KeyedRecords(pl.DataFrame(), pl.DataFrame())
_FEW_ROWS = 4096
_NUMBERS = pl.int_range(2 * MOST_ROWS, dtype=pl.UInt32, eager=True)
_TAKEN = (pl.Int64(), pl.UInt32())


class _NumberedRows:
    """Numbers rows as they come, and keeps each once."""

    def __init__(self, kernel: ModuleType) -> None:
        self._rows = kernel.Rows(new_seed())
        self._found: list[pl.DataFrame] = []

    def __len__(self) -> int:
        return len(self._rows)

    def numbers_of(self, rows: pl.DataFrame) -> pl.Series:
        """Return the numbers of some rows; those that are new are kept."""
        before = len(self._rows)
        numbers = pl.Series(self._rows.numbers_of(rows))
        if len(self._rows) > before or not self._found:
            self._found.append(rows.filter(numbers.is_first_distinct() & (numbers >= before)))
        return numbers

    def rows(self) -> pl.DataFrame:
        """Return the rows, each at the place of its number."""
        return pl.concat(self._found)


class ByNumber:
    """A column that is worked out once for each number of a table, as long as that is the same."""

    def __init__(self) -> None:
        self._table: Table | None = None
        self.found: pl.Series | None = None

    def known(self, table: Table | None) -> int:
        """Return for how many numbers it is known."""
        if self.found is None or table is None or table is not self._table:
            self._table, self.found = table, None
            return 0
        return self.found.len()

    def add(self, new: pl.Series) -> None:
        """Take the values of more numbers."""
        self.found = new if self.found is None else pl.concat([self.found, new], rechunk=True)

    def of(self, numbers: pl.Series) -> pl.Series:
        """Return the values of some numbers."""
        assert self.found is not None  # noqa: S101  # numbers come after what they are of
        return self.found.gather(numbers)


class _NamesOfValue:
    """The texts of a value, by numbers that hold whatever the batch."""

    def __init__(self, kernel: ModuleType) -> None:
        self.texts = _NumberedRows(kernel)
        self._number = ByNumber()
        self._is_same = False

    def numbers_of(self, values: pl.Series, names: Names) -> pl.Series:
        """Return numbers of one batch as numbers that hold."""
        known = self._number.known(names.table)
        if known < names.texts.len() or self._number.found is None:
            new = names.texts[known:].alias("").to_frame()
            self._number.add(self.texts.numbers_of(new))
            # So it is as long as the first table has not been closed.
            found = self._number.found
            self._is_same = found is not None and found.equals(_NUMBERS.head(len(found)))
        return values if self._is_same else self._number.of(values)


class Question:
    """What was counted in answer to one question, which is asked of batch after batch.

    Args:
        one: The question, as it is asked of the first batch.
        kernel: See ``grouping.kernel``.
        step: Where on its ladder it begins.
    """

    def __init__(self, one: Counted, kernel: ModuleType, step: Step = EXACTLY) -> None:
        self._kernel = kernel
        self._keys, self._values = list(one.keys), list(one.all_values)
        self._measures = list(one.measures)
        # All but its records is the same whenever it is asked.
        self._one = replace(one, records=_NO_RECORDS)
        self._groups = _NumberedRows(kernel)
        self._texts: dict[str, _NamesOfValue] = {}
        self.group = ByNumber()
        columns = list(measured(one))
        measures = [
            byte
            for measure in one.measures.values()
            for byte in (
                ord(measure.operation),
                columns.index(id(measure.of)) if measure.of is not None else 0,
            )
        ]
        is_filtered = one.valid is not None
        self.counts = kernel.Counts(new_seed(), len(self._values), bytes(measures), is_filtered)
        self._buckets, self._digits = one.buckets, ALL_DIGITS
        self._next_look = 2 * _FEW_ROWS
        self._go_down(step)

    @property
    def names(self) -> int:
        """How many groups and texts there are."""
        return max(len(self._groups), *(len(name.texts) for name in self._texts.values()), 0)

    @property
    def step(self) -> Step:
        """Where on its ladder it is."""
        return Step(None if self._buckets is None else self._buckets.width_s, self._digits)

    @property
    def has_ladder(self) -> bool:
        """Whether it gives up detail by itself where its rows are many."""
        return self._one.ladder is not None

    @property
    def is_too_much(self) -> bool:
        """Whether there are too many rows even at the end of the ladder."""
        ladder = self._one.ladder
        return ladder is not None and len(self.counts) > ladder.most_rows

    def asked(self, one: Counted) -> Counted:
        """Return a question as it is asked of its batch: with no more detail than those before."""
        if one.buckets is None:
            return one
        self._go_down(Step(one.buckets.width_s))
        asked = replace(one, buckets=self._buckets)
        if self._digits == ALL_DIGITS:
            return asked
        value = in_classes(one.values["value_ms"], self._digits)
        return replace(asked, values={**one.values, "value_ms": value})

    def add_rows(self, rows: pl.DataFrame) -> None:
        """Take rows as the kernel counts them."""
        self.counts.add(self.group.found, rows)
        if len(self.counts) > self._next_look:
            self._fit()

    def _fit(self) -> None:
        """Make buckets wider where there are too many of them, and go down the ladder."""
        if self._buckets is not None and self._buckets.width_s < self._buckets.widest_s:
            width, widest, most = self._buckets
            widths = [one for one in WIDTHS_S if width <= one <= widest]
            self._go_down(Step(narrowest(self._of_value("start").unique(), widths, most)))
        self._next_look = 2 * max(_FEW_ROWS, len(self.counts))
        ladder = self._one.ladder
        if ladder is None:
            return
        if len(self.counts) > ladder.most_rows:
            starts = self._of_value("start").to_frame()
            at = {name: pl.lit(part, pl.Int64) for name, part in self.step._asdict().items()}
            for step in ladder.steps(starts.with_columns(**at)):
                self._go_down(step)
                if len(self.counts) <= ladder.most_rows:
                    break
        if len(self.counts) <= ladder.most_rows:
            self._next_look = min(self._next_look, ladder.most_rows)

    def _go_down(self, step: Step) -> None:
        """Give up detail, if a step has less of it."""
        width_s, digits = step
        buckets = self._buckets
        if buckets is not None and width_s is not None and width_s > buckets.width_s:
            self._buckets = buckets._replace(width_s=width_s)
            self._put("start", floored(pl.col("start"), width_s))
        if digits is not None and digits < self._digits:
            self._digits = digits
            self._put("value_ms", in_classes(pl.col("value_ms"), digits))

    def _of_value(self, name: str) -> pl.Series:
        return pl.Series(self.counts.values(self._values.index(name))).alias(name)

    def _put(self, name: str, changed: pl.Expr) -> None:
        values = self._of_value(name).to_frame().select(changed).to_series()
        self.counts.put(self._values.index(name), values)

    def add_keys(self, keys: pl.DataFrame, is_counted: pl.Series | None) -> None:
        """Take what more keys are grouped by, and whether they are counted."""
        group = self._groups.numbers_of(keys)
        self.group.add(group if is_counted is None else group.set(~is_counted, None))

    def numbers_of(self, name: str, values: pl.Series, names: Names | None) -> pl.Series:
        """Return a value as numbers that hold whatever the batch."""
        if names is None and values.dtype == pl.String:
            texts, number = numbered(values.to_frame())
            names, values = Names(texts.to_series()), number.set(values.is_null(), None)
        if names is None:
            return values if values.dtype in _TAKEN else values.cast(pl.Int64)
        of_value = self._texts.setdefault(name, _NamesOfValue(self._kernel))
        return of_value.numbers_of(values, names)

    def take(self, other: Question) -> None:
        """Add what was counted elsewhere in answer to the same question, which is used up."""
        self._go_down(other.step)
        other._go_down(self.step)
        numbers: list[pl.Series | None] = [self._groups.numbers_of(other._groups.rows())]
        for name in self._values:
            texts = other._texts.get(name)
            if texts is None:
                numbers.append(None)
                continue
            of_value = self._texts.setdefault(name, _NamesOfValue(self._kernel))
            numbers.append(of_value.texts.numbers_of(texts.texts.rows()))
        self.counts.take(other.counts, numbers)

    def frame(self, categories: Collection[str] = ()) -> pl.DataFrame:
        """Return what was counted, as ``counting.counts_of`` does.

        Args:
            categories: Columns of names to be made categories, before they stand in many rows.
        """
        self._fit()
        group, *numbers = map(pl.Series, self.counts.columns())
        rows = self._groups.rows()
        keys = _with_categories(rows, categories)[group]
        columns = [keys[name] for name in self._keys]
        for name, found in zip((*self._values, *self._measures), numbers, strict=True):
            if name in self._texts:
                texts = self._texts[name].texts.rows().to_series().alias(name)
                columns.append(_with_categories(texts.to_frame(), categories)[name].gather(found))
            else:
                columns.append(found.alias(name))
        constants = dict(replace(self._one, buckets=self._buckets).all_constants)
        if self._one.ladder is not None:
            constants["digits"] = pl.lit(self._digits, pl.Int64)
        return pl.DataFrame(columns).with_columns(**constants)


def _with_categories(rows: pl.DataFrame, names: Collection[str]) -> pl.DataFrame:
    return rows.cast({name: pl.Categorical() for name in rows.columns if name in names})


def measured(one: Counted) -> dict[int, pl.Expr]:
    """Return what measures are of, each once."""
    found = (measure.of for measure in one.measures.values())
    return {id(of): of for of in found if of is not None}
