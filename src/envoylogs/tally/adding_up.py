"""Counts that are added up over batches by the kernel, without a frame a batch.

What depends on keys alone is worked out once a key, when it is first met; a record then costs its
values and a look-up a question. Names are put back at the end. ``counting`` says what is counted,
and counts one batch by Polars, which is what the results are held against.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs.reading.decoded_block import KEY
from envoylogs.tally.folding.names_apart import kept_apart, may_be_mixed_up
from envoylogs.tally.ladder import EXACTLY
from envoylogs.tally.question import ByNumber, Question, measured

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
    from types import ModuleType

    from envoylogs.tally.counting import Counted
    from envoylogs.tally.ladder import Step

_ONE_GROUP = {"": pl.lit(0, pl.Int64)}
_MIXED_UP = "may be mixed up"
_AT_ONCE = 65_536


class AddedUp:
    """What batches were counted by, added up.

    Args:
        kernel: See ``grouping.kernel``.
        steps: Where on its ladder a state begins, by name, if not with all detail.
    """

    def __init__(self, kernel: ModuleType, steps: Mapping[str, Step]) -> None:
        self._kernel, self._steps = kernel, steps
        self._questions: dict[Hashable, tuple[str, Question]] = {}
        self._traits: dict[str, ByNumber] = {}

    @property
    def rows(self) -> int:
        """How many rows the largest of the counts has, of those that do not fit by themselves."""
        return max(
            (
                len(question.counts)
                for _, question in self._questions.values()
                if not question.has_ladder
            ),
            default=0,
        )

    @property
    def is_past_ladders(self) -> bool:
        """Whether counts are too many rows that have no detail left to give up here."""
        return any(question.is_too_much for _, question in self._questions.values())

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
                found.append((self._question(state, place, one), one))
        for of_same in _alike(found, lambda one: one.records.keys):
            self._add_keys(of_same)
        for of_same in _alike(found, lambda one: one.records.rows):
            self._add_rows(of_same)

    def take(self, other: AddedUp) -> None:
        """Add what was counted elsewhere, which is used up."""
        for which in list(other._questions):
            state, question = other._questions.pop(which)
            mine = self._questions.setdefault(which, (state, question))[1]
            if mine is not question:
                mine.take(question)

    def frames(self, state: str, categories: Collection[str]) -> list[pl.DataFrame]:
        """Return what was counted for a state, which is used up; see ``Question.frame``."""
        of_state = [which for which, (of, _) in self._questions.items() if of == state]
        return [self._questions.pop(which)[1].frame(categories) for which in of_state]

    def _question(self, state: str, place: int, one: Counted) -> Question:
        # What else may differ from batch to batch makes another question of it.
        which = (state, place, tuple(one.keys))
        if which not in self._questions:
            step = self._steps.get(state, EXACTLY)
            self._questions[which] = state, Question(one, self._kernel, step)
        return self._questions[which][1]

    def _add_keys(self, asked: Sequence[tuple[Question, Counted]]) -> None:
        """Work out what depends on keys, of those that are new."""
        records = asked[0][1].records
        traits = {name: of for _, one in asked for name, of in one.traits.items()}
        known = {
            name: self._traits.setdefault(name, ByNumber()).known(records.table) for name in traits
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

    def _add_rows(self, asked: Sequence[tuple[Question, Counted]]) -> None:
        """Count rows, by what is worked out of them for all questions at once."""
        traits = {name for _, one in asked for name in one.traits}
        # What is made of some of them stays in less memory than all of them take.
        for rows in asked[0][1].records.rows.iter_slices(_AT_ONCE):
            key = rows[KEY]
            # Those before may have been too many for the detail that these were to be asked with.
            as_asked = [(question, question.asked(one)) for question, one in asked]
            made = rows.with_columns(
                self._traits[name].of(key).alias(name) for name in traits
            ).with_columns(**_columns(as_asked))
            self._count(as_asked, made)

    @staticmethod
    def _count(asked: Sequence[tuple[Question, Counted]], made: pl.DataFrame) -> None:
        """Count rows with what is made of them."""
        key = made[KEY]
        for place, (question, one) in enumerate(asked):
            counted = [key] if one.valid is None else [key, made[f"{place} valid"]]
            counted += [
                question.numbers_of(name, made[f"{place} value {name}"], one.names.get(name))
                for name in one.all_values
            ]
            counted += [made[f"{place} of {which}"] for which in measured(one)]
            question.add_rows(pl.DataFrame([s.alias(str(n)) for n, s in enumerate(counted)]))


def _columns(asked: Sequence[tuple[Question, Counted]]) -> dict[str, pl.Expr]:
    """Return what is worked out of rows, for all questions."""
    columns = {}
    for place, (_, one) in enumerate(asked):
        if one.valid is not None:
            columns[f"{place} valid"] = one.valid
        columns |= {f"{place} value {name}": of for name, of in one.all_values.items()}
        columns |= {f"{place} of {which}": of for which, of in measured(one).items()}
    return columns


def _alike(
    asked: Iterable[tuple[Question, Counted]], frame: Callable[[Counted], pl.DataFrame]
) -> Iterable[list[tuple[Question, Counted]]]:
    """Return questions by the frame that they are asked of."""
    found: dict[int, list[tuple[Question, Counted]]] = {}
    for question, one in asked:
        found.setdefault(id(frame(one)), []).append((question, one))
    return found.values()
