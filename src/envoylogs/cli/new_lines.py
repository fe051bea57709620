"""What a run has counted now, of what it and the runs before have counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envoylogs.tally.running import RunningTally

__all__ = ["NewLines"]


@dataclass(frozen=True, slots=True)
class NewLines:
    """What a run with a state has counted, which is not what it shows.

    Attributes:
        bytes: That were new.
        lines: Likewise.
        malformed_by_reason: Likewise, see ``reading.fates.REASONS``; most first, then by name.
        leaves_some: Whether something was not counted, since its end has not come.
    """

    bytes: int
    lines: int
    malformed_by_reason: dict[str, int]
    leaves_some: bool

    @classmethod
    def between(cls, before: RunningTally, after: RunningTally) -> NewLines:
        """Return what was counted between two moments, before days are forgotten."""
        new = _fates_of(after)
        new.subtract(_fates_of(before))
        malformed = [(-n, reason) for (fate, reason), n in new.items() if fate == "malformed" and n]
        return cls(
            new["bytes", ""],
            new["lines", ""],
            {reason: -less for less, reason in sorted(malformed)},
            after.logs.leaves_some,
        )


def _fates_of(running: RunningTally) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for tally in running.days.values():
        for fate, detail, n in tally.lines.frame.select("fate", "detail", "n").iter_rows():
            found[fate, detail] += n
    return found
