"""Work in processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from envoylogs.engines.ending import end_all_if
from envoylogs.engines.engine import Engine, LostError
from envoylogs.engines.threads import cores
from envoylogs.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_TRIES = 3
"""How often an item is given to a process, if it dies of it."""
_SPAWNED = multiprocessing.get_context("spawn")
_POLARS_THREADS = "POLARS_MAX_THREADS"
_READY = "ready"


class LocalProcesses(Engine[Future[Any]]):
    """Works on items in processes of this machine, each with one thread.

    Args:
        workers: How many, at most; null for as many as this process may use cores.
    """

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers or cores()
        self._all: list[_Process] = []
        self._free: SimpleQueue[_Process | None] = SimpleQueue()
        self._threads: ThreadPoolExecutor | None = None

    @property
    def workers(self) -> int:
        """How many processes there are, at most."""
        return self._workers

    @contextmanager
    def open(self) -> Iterator[None]:
        """Have processes meanwhile, a core's number of them at once and others when needed."""
        before = os.environ.get(_POLARS_THREADS)
        # A process each core: threads of Polars in each would wait for one another.
        os.environ[_POLARS_THREADS] = "1"
        self._all, self._free = [], SimpleQueue()
        for number in range(self._workers):
            self._free.put(self._started() if number < cores() else None)
        self._threads = ThreadPoolExecutor(self._workers, thread_name_prefix="engine")
        try:
            yield
        finally:
            self._threads.shutdown(cancel_futures=True)
            self._threads = None
            for process in self._all:
                process.close()
            if before is None:
                del os.environ[_POLARS_THREADS]
            else:
                os.environ[_POLARS_THREADS] = before

    def end(self) -> None:
        """Ask all processes to end what they do."""
        for process in self._all.copy():
            process.end()

    def submit(self, function: Callable[[_Item], _Result], item: _Item) -> Future[Any]:
        """Hand out work; its result comes here."""
        assert self._threads is not None  # noqa: S101
        return self._threads.submit(self._done_by_one, function, item)

    def merge(
        self, function: Callable[[Sequence[_Result]], _Result], results: Sequence[Future[Any]]
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

    def _started(self) -> _Process:
        process = _Process()
        self._all.append(process)
        return process

    def _done_by_one(self, function: Callable[[_Item], _Result], item: _Item) -> Any:  # noqa: ANN401
        """Do work in a process that is free; a new one takes the place of one that dies."""
        process = self._free.get() or self._started()
        try:
            for _ in range(_TRIES):
                with suppress(EOFError, ConnectionError):
                    return process.done(function, item)
                self._all.remove(process)
                process.close()
                process = self._started()
        finally:
            self._free.put(process)
        raise LostError("a process ended in the middle of its work, each time")


class _Process:
    """A process that does work, one item at a time; it ends with this one."""

    def __init__(self) -> None:
        self._pipe, other = _SPAWNED.Pipe()
        self._process = _SPAWNED.Process(target=_work, args=(other,), daemon=True)
        self._process.start()
        other.close()
        self._is_ready = False

    def done(self, function: Callable[[_Item], _Result], item: _Item) -> Any:  # noqa: ANN401
        """Return what a function returns there, or raise what it raises.

        Raises:
            EngineError: If the process does not begin.
            EOFError: If it dies.
            ConnectionError: Likewise.
        """
        if not self._is_ready:
            self._wait_until_ready()
        self._pipe.send((function, item))
        result, error = self._pipe.recv()
        if error is not None:
            raise error
        return result

    def end(self) -> None:
        """Ask it to end what it does."""
        with suppress(ConnectionError):
            self._pipe.send(None)

    def close(self) -> None:
        """End it."""
        # It ends when nobody holds the pipe any more, without waiting for what it has loaded.
        self._pipe.close()
        self._process.join()

    def _wait_until_ready(self) -> None:
        try:
            self._is_ready = self._pipe.recv() == _READY
        except (EOFError, ConnectionError) as error:
            raise EngineError(
                "a process that was to count has ended before it began. A script must ask for "
                "processes behind if __name__ == '__main__', and be a file: each process reads it "
                "anew."
            ) from error


def _work(pipe: Connection) -> None:
    """Do what comes through a pipe, until it is closed."""
    # Ctrl-C is left to the process that waits for this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    is_ended = threading.Event()
    end_all_if(is_ended.is_set)
    given: SimpleQueue[tuple[Callable[[Any], Any], Any]] = SimpleQueue()

    def take() -> None:
        try:
            while True:
                work = pipe.recv()
                if work is None:
                    is_ended.set()
                else:
                    given.put(work)
        except (EOFError, OSError):
            # Whoever waits is gone, or wants no more.
            os._exit(0)

    # Whoever waits may go at any time; that is no error of this process.
    with suppress(ConnectionError):
        pipe.send(_READY)
        threading.Thread(target=take, daemon=True).start()
        while True:
            function, item = given.get()
            answer: tuple[Any, Exception | None]
            try:
                answer = function(item), None
            except Exception as error:  # noqa: BLE001  # raised where it is waited for
                answer = None, error
            pipe.send(answer)
