"""Something that does work on items elsewhere and adds the results up: the one loop of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager, suppress
from itertools import chain, islice
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar
from uuid import uuid4

from envoylogs.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from envoylogs.sources.stop import Stop

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
Running = TypeVar("Running", bound="CanEnd")
"""What an engine has for work that was handed out."""

_FAN_IN = 8
"""How many results are added up at a time."""
_LEVELS = 2
"""How often that is done where they are before a result comes here: so much work, at most, is done
anew when a worker dies, and so many results a scheduler has to know of."""

_EACH = 2
"""How many items are handed out for each worker."""
_WAITED_S = 0.2


class CanEnd(Protocol):
    """Work that was handed out."""

    def add_done_callback(self, fn: Callable[[Any], object], /) -> object:
        """Have something called once it has ended."""


class LostError(Exception):
    """Work was lost each time that it was done, with the worker that did it."""


class Engine(ABC, Generic[Running]):
    """Does work elsewhere.

    Attributes:
        run: The name of what it does while it is open.
        at_once: How many results are in memory at a time where they are added up, null for all:
            a worker has little beside what it counts.
    """

    run = ""
    at_once: int | None = None

    @property
    @abstractmethod
    def workers(self) -> int:
        """How many items are worked on at a time now; one at least."""

    @abstractmethod
    def submit(self, function: Callable[[_Item], _Result], item: _Item) -> Running:
        """Hand out work; its result stays where it was made, if that is elsewhere."""

    @abstractmethod
    def merge(
        self, function: Callable[[Sequence[_Result]], _Result], results: Sequence[Running]
    ) -> Running:
        """Add up results that are ready, where they are."""

    @abstractmethod
    def check(self, ended: Running) -> None:
        """Look at work that has ended.

        Raises:
            LostError: If it was lost each time that it was done.
            EngineError: If it can't be done.
            Exception: What its function has raised.
        """

    @abstractmethod
    def brought(self, result: Running) -> Any:  # noqa: ANN401  # of any function
        """Return a result that is ready.

        Raises:
            LostError: As of ``check``, since it may be made once more.
            EngineError: Likewise.
        """

    @abstractmethod
    def end(self) -> None:
        """Ask work that is done to end, and to return what it has (see ``ending``)."""

    def is_idle(self) -> bool:
        """Tell whether nobody is there who could end work."""
        return False

    @contextmanager
    def open(self) -> Iterator[None]:
        """Have it ready for work meanwhile.

        Raises:
            EngineError: If it can't be.
        """
        self.run = uuid4().hex
        yield

    def map_merge(  # noqa: PLR0913  # what is told of it
        self,
        function: Callable[[_Item], _Result],
        items: Iterable[_Item],
        merge: Callable[[Sequence[_Result]], _Result],
        *,
        lost: Callable[[_Item], _Result] | None = None,
        done: Callable[[_Item], None] | None = None,
        stop: Stop | None = None,
    ) -> _Result | None:
        """Apply a function to items and add up what it returns.

        Args:
            function: Called once an item, elsewhere; once more if its result is lost.
            items: Asked for as they are worked on.
            merge: Adds up results, in any order, as they are ready.
            lost: Returns the result of an item whose work was lost each time that it
                was done; null makes that an error.
            done: Is told of items that are ready.
            stop: Ends it: what was begun is asked to end, and nothing more is begun.

        Returns:
            The sum; null of no items.

        Raises:
            EngineError: If the work can't be done.
            Exception: What the function has raised.
        """
        return _Reduction(self, merge, lost, done).of(function, iter(items), stop)


class _Work(NamedTuple, Generic[Running]):
    """What is worked on, or waits to be added to others.

    Attributes:
        running: The work.
        items: What its result is of.
        level: How often it was added up.
    """

    running: Running
    items: tuple[Any, ...]
    level: int


class _Reduction(Generic[_Item, _Result, Running]):
    """One run of ``map_merge``."""

    def __init__(
        self,
        engine: Engine[Running],
        merge: Callable[[Sequence[_Result]], _Result],
        lost: Callable[[_Item], _Result] | None,
        done: Callable[[_Item], None] | None,
    ) -> None:
        self._engine, self._merge, self._lost, self._done = engine, merge, lost, done
        self._ended: SimpleQueue[Running] = SimpleQueue()
        self._running: dict[Running, _Work[Running]] = {}
        self._waiting: list[list[_Work[Running]]] = [[] for _ in range(_LEVELS)]
        self._here: list[_Result] = []
        self._handed_out = 0

    def of(
        self,
        function: Callable[[_Item], _Result],
        items: Iterator[_Item],
        stop: Stop | None,
    ) -> _Result | None:
        """Return the sum over some items."""
        is_stopped = False
        while True:
            if not is_stopped and stop is not None and stop.requested:
                is_stopped = True
                self._engine.end()
            while (
                not is_stopped
                and self._handed_out < self._most
                and (some := tuple(islice(items, 1)))
            ):
                self._handed_out += 1
                self._begin(self._engine.submit(function, some[0]), some, 0)
            if is_stopped and self._engine.is_idle():
                break
            if not self._running and not self._flush():
                break
            self._wait()
        return self._merge(self._here) if self._here else None

    @property
    def _most(self) -> int:
        """How many items are handed out at a time, so that no worker waits for the next one."""
        return _EACH * self._engine.workers

    def _begin(self, running: Running, items: tuple[_Item, ...], level: int) -> None:
        self._running[running] = _Work(running, items, level)
        running.add_done_callback(self._ended.put)

    def _flush(self) -> bool:
        """Add up all that waits for more; false if nothing does."""
        left = [work for level in self._waiting for work in level]
        for level in self._waiting:
            level.clear()
        if len(left) == 1:
            self._bring(left[0])
        elif left:
            self._add_up(left, _LEVELS)
        return len(left) > 1

    def _wait(self) -> None:
        """Wait for work to end, and see to what it has returned."""
        # In small steps, since only between two of them Ctrl-C is seen everywhere.
        with suppress(Empty):
            work = self._running.pop(self._ended.get(timeout=_WAITED_S))
            self._handed_out -= not work.level
            try:
                self._engine.check(work.running)
            except LostError as error:
                self._give_up(work, error)
                return
            if not work.level and self._done is not None:
                self._done(*work.items)
            if work.level == _LEVELS:
                self._bring(work)
                return
            level = self._waiting[work.level]
            level.append(work)
            if len(level) == _FAN_IN:
                some = level.copy()
                level.clear()
                self._add_up(some, work.level + 1)

    def _add_up(self, some: Sequence[_Work[Running]], level: int) -> None:
        running = self._engine.merge(self._merge, [work.running for work in some])
        self._begin(running, tuple(chain.from_iterable(work.items for work in some)), level)

    def _bring(self, work: _Work[Running]) -> None:
        """Take a result here, and add it to others once they are some."""
        try:
            self._here.append(self._engine.brought(work.running))
        except LostError as error:
            self._give_up(work, error)
        if len(self._here) == _FAN_IN:
            self._here = [self._merge(self._here)]

    def _give_up(self, work: _Work[Running], error: LostError) -> None:
        """Take what is said of items whose work is lost."""
        if self._lost is None:
            raise EngineError(f"the workers die of what they are given: {error}") from error
        self._here.append(self._merge([self._lost(item) for item in work.items]))
