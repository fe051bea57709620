"""An engine of tests: in this process, with all that is sent pickled, and results in any order."""

from __future__ import annotations

import pickle
import random
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from envoylogs.engines.engine import Engine, LostError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["InTurn"]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class InTurn(Engine["Future[Any]"]):
    """Works on one item at a time; what an item kills is lost.

    Args:
        workers: How many it says that it has.
        kills: Tells items of which the worker dies.
        seed: Of the order in which results are added up.
    """

    def __init__(
        self, workers: int = 2, kills: Callable[[Any], bool] = lambda _: False, seed: int = 0
    ) -> None:
        self._workers, self._kills = workers, kills
        self._chance = random.Random(seed)
        self.items: list[Any] = []
        self.is_ended = False

    @property
    def workers(self) -> int:
        return self._workers

    def end(self) -> None:
        self.is_ended = True

    def submit(self, function: Callable[[_Item], _Result], item: _Item) -> Future[Any]:
        found: Future[Any] = Future()
        self.items.append(item)
        if self._kills(item):
            found.set_exception(LostError("killed"))
            return found
        try:
            there: Callable[[_Item], _Result]
            there, given = pickle.loads(pickle.dumps((function, item)))  # noqa: S301  # own
            found.set_result(pickle.dumps(there(given)))
        except Exception as error:  # noqa: BLE001  # raised where it is asked for
            found.set_exception(error)
        return found

    def merge(
        self, function: Callable[[Sequence[_Result]], _Result], results: Sequence[Future[Any]]
    ) -> Future[Any]:
        found: Future[Any] = Future()
        some = [self.brought(result) for result in results]
        self._chance.shuffle(some)
        found.set_result(pickle.dumps(function(some)))
        return found

    def check(self, ended: Future[Any]) -> None:
        ended.result()

    def brought(self, result: Future[Any]) -> Any:
        return pickle.loads(result.result())  # noqa: S301  # own
