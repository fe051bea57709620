"""Counts that are added up over batches by the kernel, without a frame a batch.

What depends on keys alone is worked out once a key, when it is first met; a record then costs its
values and a look-up a question. Names are put back at the end. ``counting`` says what is counted,
and counts one batch by Polars, which is what the results are held against.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.distinct import numbered
from envoylogs.grouping.kernel import new_seed
from envoylogs.keyed.keyed_records import KeyedRecords
from envoylogs.reading.decoded_block import KEY
from envoylogs.tally.counting import MICROSECONDS, Names
from envoylogs.tally.folding.names_apart import kept_apart, may_be_mixed_up
from envoylogs.tally.ladder import WIDTHS_S, narrowest

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
    from types import ModuleType

    from envoylogs.grouping.numbering import Table
    from envoylogs.tally.counting import Counted

_NO_NUMBERS = pl.Series([], dtype=pl.UInt32)
_ONE_GROUP = {"": pl.lit(0, pl.Int64)}
_NO_RECORDS = KeyedRecords(pl.DataFrame(), pl.DataFrame())
_FEW_ROWS = 4096
_MIXED_UP = "may be mixed up"
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


class _ByNumber:
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
        self._number = _ByNumber()

    def numbers_of(self, values: pl.Series, names: Names) -> pl.Series:
        """Return numbers of one batch as numbers that hold."""
        known = self._number.known(names.table)
        if known < names.texts.len() or self._number.found is None:
            new = names.texts[known:].alias("").to_frame()
            self._number.add(self.texts.numbers_of(new))
        return self._number.of(values)


class _Question:
    """What was counted in answer to one question, which is asked of batch after batch."""

    def __init__(self, one: Counted, kernel: ModuleType) -> None:
        self._kernel = kernel
        self._keys, self._values = list(one.keys), list(one.all_values)
        self._measures = list(one.measures)
        # All but its records is the same whenever it is asked.
        self._one = replace(one, records=_NO_RECORDS)
        self._groups = _NumberedRows(kernel)
        self._texts: dict[str, _NamesOfValue] = {}
        self.group = _ByNumber()
        columns = list(_measured(one))
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
        self._buckets = one.buckets
        self._looked_at = _FEW_ROWS

    @property
    def names(self) -> int:
        """How many groups and texts there are."""
        return max(len(self._groups), *(len(name.texts) for name in self._texts.values()), 0)

    def asked(self, one: Counted) -> Counted:
        """Return a question as it is asked of its batch: by buckets as wide as those before."""
        if one.buckets is None or self._buckets is None:
            return one
        self._widen(max(self._buckets.width_s, one.buckets.width_s))
        return replace(one, buckets=self._buckets)

    def add_rows(self, rows: pl.DataFrame) -> None:
        """Take rows as the kernel counts them."""
        self.counts.add(self.group.found, rows)
        if len(self.counts) > 2 * self._looked_at:
            self._fit()

    def _fit(self) -> None:
        """Make buckets wider where there are too many of them."""
        if self._buckets is not None and self._buckets.width_s < self._buckets.widest_s:
            starts = pl.Series(self.counts.values(self._values.index("start"))).unique()
            width, widest, most = self._buckets
            widths = [one for one in WIDTHS_S if width <= one <= widest]
            self._widen(narrowest(starts, widths, most))
        self._looked_at = max(_FEW_ROWS, len(self.counts))

    def _widen(self, width_s: int) -> None:
        if self._buckets is not None and width_s > self._buckets.width_s:
            self._buckets = self._buckets._replace(width_s=width_s)
            self.counts.floor(self._values.index("start"), width_s * MICROSECONDS)

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

    def frame(self) -> pl.DataFrame:
        """Return what was counted, as ``counting.counts_of`` does."""
        self._fit()
        group, *numbers = map(pl.Series, self.counts.columns())
        keys = self._groups.rows()[group]
        columns = [keys[name] for name in self._keys]
        for name, found in zip((*self._values, *self._measures), numbers, strict=True):
            if name in self._texts:
                columns.append(self._texts[name].texts.rows().to_series().gather(found).alias(name))
            else:
                columns.append(found.alias(name))
        constants = replace(self._one, buckets=self._buckets).all_constants
        return pl.DataFrame(columns).with_columns(**constants)


class AddedUp:
    """What batches were counted by, added up.

    Args:
        kernel: See ``grouping.kernel``.
    """

    def __init__(self, kernel: ModuleType) -> None:
        self._kernel = kernel
        self._questions: dict[Hashable, tuple[str, _Question]] = {}
        self._traits: dict[str, _ByNumber] = {}

    @property
    def rows(self) -> int:
        """How many rows the largest of the counts has."""
        return max((len(question.counts) for _, question in self._questions.values()), default=0)

    @property
    def names(self) -> int:
        """How many names there are, about: groups of keys, and texts."""
        return max((question.names for _, question in self._questions.values()), default=0)

    def add(self, asked: Mapping[str, Sequence[Counted]]) -> None:
        """Count the records of one batch.

        Args:
            asked: By state, in the same order in each batch.
        """
        found = []
        for state, of_state in asked.items():
            for place, one in enumerate(of_state):
                question = self._question(state, place, one)
                found.append((question, question.asked(one)))
        for of_same in _alike(found, lambda one: one.records.keys):
            self._add_keys(of_same)
        for of_same in _alike(found, lambda one: one.records.rows):
            self._add_rows(of_same)

    def frames(self, state: str) -> list[pl.DataFrame]:
        """Return what was counted for a state."""
        return [question.frame() for of, question in self._questions.values() if of == state]

    def _question(self, state: str, place: int, one: Counted) -> _Question:
        # What else may differ from batch to batch makes another question of it.
        which = (state, place, tuple(one.keys))
        if which not in self._questions:
            self._questions[which] = state, _Question(one, self._kernel)
        return self._questions[which][1]

    def _add_keys(self, asked: Sequence[tuple[_Question, Counted]]) -> None:
        """Work out what depends on keys, of those that are new."""
        records = asked[0][1].records
        traits = {name: of for _, one in asked for name, of in one.traits.items()}
        known = {
            name: self._traits.setdefault(name, _ByNumber()).known(records.table) for name in traits
        }
        known_groups = [question.group.known(records.table) for question, _ in asked]
        start = min((*known.values(), *known_groups))
        if start == records.keys.height:
            return
        new = records.keys[start:]
        columns = {_MIXED_UP: may_be_mixed_up(new.schema)}
        columns |= {f"trait {name}": of for name, of in traits.items()}
        for place, (_, one) in enumerate(asked):
            columns |= {f"{place} {name}": of for name, of in (one.keys or _ONE_GROUP).items()}
            if one.where is not None:
                columns[f"{place}"] = one.where.fill_null(value=False)
        made = new.with_columns(**columns)
        # A query of its own takes longer than this one of few keys.
        if made[_MIXED_UP].any():
            made = kept_apart(new).with_columns(**columns)
        for name, before in known.items():
            self._traits[name].add(made[f"trait {name}"][before - start :])
        for place, (before, (question, one)) in enumerate(zip(known_groups, asked, strict=True)):
            names = [f"{place} {name}" for name in one.keys or _ONE_GROUP]
            keys = made[names][before - start :]
            keys.columns = list(one.keys or _ONE_GROUP)
            is_counted = None if one.where is None else made[f"{place}"][before - start :]
            question.add_keys(keys, is_counted)

    def _add_rows(self, asked: Sequence[tuple[_Question, Counted]]) -> None:
        """Count rows, by what is worked out of them for all questions at once."""
        rows = asked[0][1].records.rows
        traits = {name for _, one in asked for name in one.traits}
        key = rows[KEY]
        columns = {}
        for place, (_, one) in enumerate(asked):
            if one.valid is not None:
                columns[f"{place} valid"] = one.valid
            columns |= {f"{place} value {name}": of for name, of in one.all_values.items()}
            columns |= {f"{place} of {which}": of for which, of in _measured(one).items()}
        made = rows.with_columns(
            self._traits[name].of(key).alias(name) for name in traits
        ).with_columns(**columns)
        for place, (question, one) in enumerate(asked):
            counted = [key] if one.valid is None else [key, made[f"{place} valid"]]
            counted += [
                question.numbers_of(name, made[f"{place} value {name}"], one.names.get(name))
                for name in one.all_values
            ]
            counted += [made[f"{place} of {which}"] for which in _measured(one)]
            question.add_rows(pl.DataFrame([s.alias(str(n)) for n, s in enumerate(counted)]))


def _alike(
    asked: Iterable[tuple[_Question, Counted]], frame: Callable[[Counted], pl.DataFrame]
) -> Iterable[list[tuple[_Question, Counted]]]:
    """Return questions by the frame that they are asked of."""
    found: dict[int, list[tuple[_Question, Counted]]] = {}
    for question, one in asked:
        found.setdefault(id(frame(one)), []).append((question, one))
    return found.values()


def _measured(one: Counted) -> dict[int, pl.Expr]:
    """Return what measures are of, each once."""
    found = (measure.of for measure in one.measures.values())
    return {id(of): of for of in found if of is not None}
