"""Work in other processes that is asked to end early, and then returns what it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.sources.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Callable

_runs: set[str] = set()
"""The runs whose work this process was asked to end, by their names."""
_ask_all: list[Callable[[], bool]] = []
"""Tell whether all that this process ever does is to end."""


def end_run(run: str) -> None:
    """Have the work of a run end in this process."""
    _runs.add(run)


def end_all_if(is_asked: Callable[[], bool]) -> None:
    """Have all work of this process end once it is told so."""
    _ask_all.append(is_asked)


class EndOfRun(Stop):
    """Asks the work of a run to end, once its process was told so.

    Args:
        run: Its name.
    """

    def __init__(self, run: str) -> None:
        super().__init__()
        self._run = run

    @property
    def requested(self) -> bool:
        """Whether it was asked for."""
        return self._run in _runs or any(is_asked() for is_asked in _ask_all)
