"""The tally of batches that come one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs.grouping.kernel import kernel
from envoylogs.tally.adding_up import AddedUp
from envoylogs.tally.evidence import EvidenceSoFar
from envoylogs.tally.spec import DEFAULT_SPEC, TallySpec
from envoylogs.tally.tally import NAMES_WAITING, STATES, Tally, asked_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envoylogs.keyed.batches import Batch
    from envoylogs.tally.ladder import Step
    from envoylogs.tally.state import State

# So many batches wait before they are added to what is there: adding costs time in proportion to
# what is there, waiting costs memory.
_WAITING = 4

_MOST_ROWS = 250_000

_BESIDE = ("lines", "examples")


class TallySum:
    """Adds up the tallies of batches as they come.

    Args:
        spec: Of all tallies to come.
    """

    def __init__(self, spec: TallySpec = DEFAULT_SPEC) -> None:
        self._spec = spec
        self._tallies: list[Tally] = []
        self._counts = _new_counts()
        self._beside: dict[str, list[State]] = {}
        self._evidence = EvidenceSoFar(spec)

    def add(self, batch: Batch) -> None:
        """Observe one more batch."""
        counts = self._counts
        if counts is None:
            self._take(Tally.of(batch, self._spec))
            return
        counts.add(asked_of(batch, self._spec))
        if batch.selected is not None:
            self._evidence.add(batch.selected)
        for name in _BESIDE:
            beside = STATES[name].beside(batch, self._spec)
            if beside is not None:
                self._beside.setdefault(name, []).append(beside)
        self._settle(counts)

    def take(self, other: TallySum) -> None:
        """Add the tallies of batches that were observed elsewhere; ``other`` is used up."""
        if self._counts is None or other._counts is None:
            self._take(other.total())
            return
        self._counts.take(other._counts)
        self._evidence.take(other._evidence)
        for name, states in other._beside.items():
            self._beside.setdefault(name, []).extend(states)
        self._settle(self._counts)
        for tally in other._tallies:
            self._take(tally)

    def _settle(self, counts: AddedUp) -> None:
        """Make a tally of what was counted, if that is too much to wait."""
        most_names = NAMES_WAITING * self._spec.max_names
        if counts.rows > _MOST_ROWS or counts.names > most_names or counts.is_past_ladders:
            self._take(self._counted(counts))
            # What is added to these has no more detail than they have in the end.
            self._counts = _new_counts({"joint": self._tallies[-1].joint.step})

    def _take(self, tally: Tally) -> None:
        self._tallies.append(tally)
        joint_rows = sum(one.joint.frame.height for one in self._tallies)
        if (
            len(self._tallies) > _WAITING
            or tally.has_many_names
            or joint_rows > self._spec.max_joint_rows
        ):
            self._tallies = [self.total()]

    def _counted(self, counts: AddedUp) -> Tally:
        """Return the tally of what the kernel has counted so far; it begins anew."""
        self._counts = _new_counts()
        beside, self._beside = self._beside, {}
        beside["evidence"] = [self._evidence.total()]
        self._evidence = EvidenceSoFar(self._spec)

        def state_of(name: str, state: type[State]) -> State:
            types = state.columns(self._spec)
            categories = [name for name, dtype in types.items() if dtype == pl.Categorical()]
            counted = state.of_counts(self._spec, counts.frames(name, categories))
            return counted.merge(*beside[name]) if name in beside else counted

        return Tally.made(self._spec, state_of)

    def total(self) -> Tally:
        """Return the tally of all batches so far."""
        if self._counts is not None:
            self._tallies.append(self._counted(self._counts))
        if not self._tallies:
            return Tally.empty(self._spec)
        first, *others = self._tallies
        return first.merge(*others)


def _new_counts(steps: Mapping[str, Step] | None = None) -> AddedUp | None:
    compiled = kernel()
    return None if compiled is None else AddedUp(compiled, steps or {})
