"""A tally that waits to be added to others, in a fifth of its bytes."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from envoylogs.tally.tally import STATES, Tally

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envoylogs.tally.spec import TallySpec
    from envoylogs.tally.state import State


@dataclass(frozen=True, slots=True)
class PackedTally:
    """The states of a tally, each packed: they are unpacked one by one to be added up.

    Attributes:
        spec: How much is remembered.
        packed: The states by name, as ``pickle`` has them; of this program alone.
    """

    spec: TallySpec
    packed: Mapping[str, bytes]

    @classmethod
    def of(cls, tally: Tally) -> Self:
        """Return a tally packed."""
        return cls(tally.spec, {name: _packed(tally.state(name)) for name in STATES})

    def state(self, name: str) -> State:
        """Return a state by its name in ``STATES``."""
        found: State = pickle.loads(self.packed[name])  # noqa: S301  # packed here or by a worker
        return found

    def unpacked(self) -> Tally:
        """Return the tally."""
        return Tally.made(self.spec, lambda name, _: self.state(name))

    def with_lines_of_parts(self, before: Sequence[int]) -> PackedTally:
        """Return the same with other numbers of lines, as of ``Tally``."""
        numbered = {
            name: _packed(self.state(name).with_lines_of_parts(before))
            for name, state in STATES.items()
            if "line" in state.columns(self.spec)
        }
        return replace(self, packed={**self.packed, **numbered})


def _packed(state: State) -> bytes:
    return pickle.dumps(state, pickle.HIGHEST_PROTOCOL)
