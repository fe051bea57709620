"""What was folded to keep memory bounded: how many records, of how many names at least."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from envoylogs.tally.classes import ALL_DIGITS, DurationCounts, relative_error_of
from envoylogs.tally.folded import is_folded
from envoylogs.tally.tally import STATES

if TYPE_CHECKING:
    from envoylogs.tally.tally import Tally

__all__ = ["FoldedColumn", "Folds", "folds"]


@dataclass(frozen=True, slots=True)
class FoldedColumn:
    """A column whose names were too many.

    Attributes:
        requests: Records in the rows that stand for folded names, exact.
        names_at_least: How many names these had, at least.
    """

    requests: int
    names_at_least: int


@dataclass(frozen=True, slots=True)
class Folds:
    """What was folded.

    Attributes:
        columns: By column; those in which nothing was folded are missing.
        latency_relative_error: How far a percentile may be from the exact one,
            as a share of it; 0 where all are exact.
    """

    columns: dict[str, FoldedColumn]
    latency_relative_error: float

    def __bool__(self) -> bool:
        return bool(self.columns or self.latency_relative_error)


def folds(tally: Tally) -> Folds:
    """Return what was folded."""
    return Folds(
        {
            column: FoldedColumn(_folded_records(tally, column), names)
            for column, names in tally.folded_names.at_least().items()
        },
        max(_relative_errors(tally), default=0.0),
    )


def _folded_records(tally: Tally, column: str) -> int:
    """Return how many records are in the rows of folded names."""
    for rows, records in (
        (tally.traffic.frame, pl.col("requests")),
        (tally.asked_traffic.frame, pl.col("requests")),
        (tally.paths.frame, pl.col("routed") + pl.col("unrouted")),
    ):
        if column in rows.columns:
            folded = rows.filter(is_folded(column, rows.schema[column]))
            return int(folded.select(records.sum()).item())
    return 0


def _relative_errors(tally: Tally) -> list[float]:
    """Return the error of each state of durations that has any."""
    states = (
        tally.state(name) for name, state in STATES.items() if issubclass(state, DurationCounts)
    )
    digits = (state.frame["digits"].min() for state in states if state.frame.height)
    return [relative_error_of(n if isinstance(n, int) else ALL_DIGITS) for n in digits]
