"""Work in processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from envoylogs.engines.ending import end_all_if
from envoylogs.engines.engine import Engine, LostError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.synchronize import Event

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_TRIES = 3
"""How often an item is given to a process, if it dies of it."""
_SPAWNED = multiprocessing.get_context("spawn")
_POLARS_THREADS = "POLARS_MAX_THREADS"


class LocalProcesses(Engine[Future[Any]]):
    """Works on items in processes of this machine, each with one thread.

    Args:
        workers: How many; null for as many as this process may use cores.
    """

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers or cores()
        self._ending = _SPAWNED.Event()
        # A pool of one process each, so that it is known which item one dies of.
        self._free: SimpleQueue[ProcessPoolExecutor] = SimpleQueue()
        self._threads: ThreadPoolExecutor | None = None

    @property
    def workers(self) -> int:
        """How many processes there are."""
        return self._workers

    @contextmanager
    def open(self) -> Iterator[None]:
        """Have processes meanwhile."""
        before = os.environ.get(_POLARS_THREADS)
        # A process each core: threads of Polars in each would wait for one another.
        os.environ[_POLARS_THREADS] = "1"
        self._ending = _SPAWNED.Event()
        self._free = SimpleQueue()
        for _ in range(self._workers):
            self._free.put(self._new_pool())
        self._threads = ThreadPoolExecutor(self._workers, thread_name_prefix="engine")
        try:
            yield
        finally:
            self._threads.shutdown(cancel_futures=True)
            self._threads = None
            # All at once: ending one takes a tenth of a second.
            with ThreadPoolExecutor(self._workers) as ending:
                for _ in range(self._workers):
                    ending.submit(self._free.get().shutdown)
            if before is None:
                del os.environ[_POLARS_THREADS]
            else:
                os.environ[_POLARS_THREADS] = before

    def end(self) -> None:
        """Ask all processes to end what they do."""
        self._ending.set()

    def submit(self, function: Callable[[_Item], _Result], item: _Item) -> Future[Any]:
        """Hand out work; its result comes here."""
        assert self._threads is not None  # noqa: S101
        return self._threads.submit(self._done_by_one, function, item)

    def merge(
        self,
        function: Callable[[Sequence[_Result]], _Result],
        results: Sequence[Future[Any]],
    ) -> Future[Any]:
        """Add up results here, where they are."""
        merged: Future[_Result] = Future()
        merged.set_result(function([result.result() for result in results]))
        return merged

    def check(self, ended: Future[Any]) -> None:
        """Raise what work has raised."""
        ended.result()

    def brought(self, result: Future[Any]) -> Any:  # noqa: ANN401  # of any function
        """Return a result."""
        return result.result()

    def _done_by_one(self, function: Callable[[_Item], _Result], item: _Item) -> _Result:
        """Do work in a process that is free; a new one takes the place of one that dies."""
        pool = self._free.get()
        try:
            for _ in range(_TRIES):
                try:
                    return pool.submit(function, item).result()
                except BrokenProcessPool as error:
                    pool, broken = self._new_pool(), error
            raise LostError(str(broken)) from broken
        finally:
            self._free.put(pool)

    def _new_pool(self) -> ProcessPoolExecutor:
        """Return a process, which is started at once: that takes a third of a second."""
        pool = ProcessPoolExecutor(1, _SPAWNED, initializer=_begin, initargs=(self._ending,))
        pool.submit(_is_there)
        return pool


def _is_there() -> None:
    """Do nothing."""


def cores() -> int:
    """Return how many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def _begin(ending: Event) -> None:
    """Leave Ctrl-C to the process that waits for this one, and end what is done if it says so."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_all_if(ending.is_set)
