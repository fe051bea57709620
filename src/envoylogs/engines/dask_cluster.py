"""Work on a Dask cluster that is there already."""

from __future__ import annotations

import logging
import platform
import re
import time
from concurrent.futures import Future
from contextlib import contextmanager
from importlib.metadata import version
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

from envoylogs.engines.ending import end_run
from envoylogs.engines.engine import Engine, LostError
from envoylogs.errors import EngineError, EngineQuestionError, ExtraError, first_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import distributed
    from distributed import Client

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_ASKED_S = 2.0
"""How often it is asked how many workers there are."""
_GONE = "the Dask scheduler is gone, or has dropped the work."
_CONNECTED_S = 5
_USER = re.compile(r"[^/@\s']*@")
_SAME = ("envoylogs", "polars")
"""Packages of which all must have the same version: what counts, and what is sent."""


class DaskCluster(Engine["distributed.Future[Any]"]):
    """Works on items on a cluster.

    Args:
        client: Of a cluster that is there already; stays open.
    """

    at_once = 1

    def __init__(self, client: Client) -> None:
        self._client = client
        self._workers = 1
        self._asked_s = float("-inf")

    @property
    def workers(self) -> int:
        """How many threads all workers have together, a moment ago."""
        now = time.monotonic()
        if now - self._asked_s > _ASKED_S:
            self._asked_s = now
            self._workers = max(sum(self._nthreads().values()), 1)
        return self._workers

    def _nthreads(self) -> Mapping[str, int]:
        try:
            found: Mapping[str, int] = self._client.nthreads()  # type: ignore[no-untyped-call]
        except OSError as error:
            raise EngineError(_GONE) from error
        return found

    @contextmanager
    def open(self) -> Iterator[None]:
        """Look at the workers that there are before anything is sent to them.

        Raises:
            EngineError: If one of them has other versions.
        """
        if self._client.status != "running":
            raise EngineError(f"the client of Dask is {self._client.status}. Give an open one.")
        _refuse_other_versions(self._client)
        with super().open():
            yield

    def end(self) -> None:
        """Ask the workers that there are to end what they do of this run."""
        self._client.run(end_run, self.run, on_error="ignore")

    def is_idle(self) -> bool:
        """Tell whether there is no worker that could end anything."""
        return not self._nthreads()

    def submit(self, function: Callable[[_Item], _Result], item: _Item) -> distributed.Future[Any]:
        """Hand out work; the result stays with the worker."""
        return self._client.submit(function, item, pure=False)

    def merge(
        self,
        function: Callable[[Sequence[_Result]], _Result],
        results: Sequence[distributed.Future[Any]],
    ) -> distributed.Future[Any]:
        """Add up results on the worker that has most of them, before anything else is begun."""
        return self._client.submit(function, list(results), pure=False, priority=1)

    def check(self, ended: distributed.Future[Any]) -> None:
        """Raise what work has raised."""
        from distributed import KilledWorker

        if ended.status == "cancelled":
            raise EngineError(_GONE)
        if ended.status != "error":
            # One that was lost with its worker meanwhile is made once more when it is asked for.
            return
        error = ended.exception()  # type: ignore[no-untyped-call]
        if isinstance(error, KilledWorker):
            raise LostError(first_line(error)) from error
        if isinstance(error, ModuleNotFoundError):
            raise EngineError(f"a Dask worker lacks what it needs: {first_line(error)}") from error
        raise error

    def brought(self, result: distributed.Future[Any]) -> Any:  # noqa: ANN401  # of any function
        """Return a result; it is made once more if its worker has died."""
        from distributed import KilledWorker
        from distributed.client import FutureCancelledError

        try:
            return result.result()
        except KilledWorker as error:
            raise LostError(first_line(error)) from error
        except (FutureCancelledError, OSError) as error:
            raise EngineError(_GONE) from error


@contextmanager
def client_at(scheduler: str | None) -> Iterator[Client]:
    """Return a client of the scheduler at an address, null for that of Dask's own settings.

    Nothing is logged by this process from then on.

    Raises:
        ExtraError: If Dask is not installed.
        EngineError: If nobody answers there.
    """
    try:
        import dask
        import distributed  # noqa: F401  # imported in a thread
    except ImportError as error:
        raise ExtraError.missing("--engine dask", "dask") from error
    address = scheduler or dask.config.get("scheduler-address", None)
    if address is None:
        raise EngineQuestionError(
            "which Dask cluster counts the logs is not said. Give --scheduler tcp://HOST:8786, or "
            "set DASK_SCHEDULER_ADDRESS."
        )
    # What its tasks and its connections say of themselves is no answer to what was asked.
    logging.disable(logging.CRITICAL)
    with _connected(address) as client:
        yield client


def _connected(address: str) -> Client:
    """Return a client of a scheduler.

    Raises:
        EngineError: If nobody answers there.
    """
    from distributed import Client

    # Its own timeout does not hold where a port is open and nothing is said there.
    found: Future[Client] = Future()

    def connect() -> None:
        try:
            client = Client(  # type: ignore[no-untyped-call]
                address, timeout=_CONNECTED_S, set_as_default=False
            )
            found.set_result(client)
        except (OSError, ValueError, TypeError) as error:
            found.set_exception(error)

    Thread(target=connect, daemon=True).start()
    try:
        return found.result(2 * _CONNECTED_S)
    except (OSError, ValueError, TypeError) as error:
        # An address may have a password.
        shown, said = (_USER.sub("", words) for words in (address, first_line(error)))
        if "ssl_context" in said:
            said = "it wants certificates, which Dask's own settings name"
        words = f": {said}" if said else ""
        raise EngineError(
            f"no Dask scheduler answers at {shown}{words}. Check the address."
        ) from error


def _refuse_other_versions(client: Client) -> None:
    """Refuse a cluster of which a worker has other versions than this process."""
    here = {"Python": platform.python_version()} | {name: version(name) for name in _SAME}
    asked: dict[str, tuple[Any, ...]] = {"Python": (platform.python_version,)}
    asked |= {name: (version, name) for name in _SAME}
    for name, (function, *arguments) in asked.items():
        # Of the standard library, so that a worker without this package can answer.
        found = client.run(function, *arguments, on_error="return")
        for worker, there in found.items():
            if there != here[name] and not _is_alike(name, there, here[name]):
                what = "no" if isinstance(there, Exception) else f"{there} of"
                raise EngineError(
                    f"the Dask worker {worker} has {what} {name}, and {here[name]} is here. "
                    "Install the same on all of them."
                )


def _is_alike(name: str, there: object, here: str) -> bool:
    """Tell whether two versions of Python differ in their last number alone."""
    return name == "Python" and str(there).rpartition(".")[0] == here.rpartition(".")[0]
