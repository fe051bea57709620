"""``--engine``: what counts the logs, if not this process."""

from __future__ import annotations

from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from envoylogs.cli.console import say
from envoylogs.cli.options import READ, option
from envoylogs.errors import EngineQuestionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envoylogs.engines.engine import Engine


class EngineName(StrEnum):
    """What may count logs."""

    THREADS = "threads"
    PROCESSES = "processes"
    DASK = "dask"


EngineOption = Annotated[EngineName | None, option(
    "--engine", about=READ, metavar="NAME",
    help="What counts: threads of this process, processes of this machine, or the workers of "
    "a dask cluster. threads unless told otherwise.",
)]  # fmt: skip
SchedulerOption = Annotated[str | None, option(
    "--scheduler", about=READ, metavar="ADDRESS",
    help="Where the scheduler of --engine dask is: tcp://HOST:8786. That of Dask's own "
    "settings without it.",
)]  # fmt: skip
WorkersOption = Annotated[int | None, option(
    "--workers", about=READ, metavar="N", min=1,
    help="How many processes of --engine processes; as many as cores without it.",
)]  # fmt: skip


class GivenEngine:
    """What was asked to count logs.

    Args:
        name: As it was given; null if it was not.
        scheduler: Of a Dask cluster; null if it was not given.
        workers: Likewise of processes.

    Raises:
        typer.BadParameter: If options contradict each other.
    """

    def __init__(self, name: EngineName | None, scheduler: str | None, workers: int | None) -> None:
        if name is None and scheduler is not None:
            name = EngineName.DASK
        if name is None and workers is not None:
            name = EngineName.PROCESSES
        if scheduler is not None and name is not EngineName.DASK:
            raise typer.BadParameter("--scheduler is for --engine dask")
        if workers is not None and name is not EngineName.PROCESSES:
            raise typer.BadParameter("--workers is for --engine processes")
        self.is_elsewhere = name in {EngineName.PROCESSES, EngineName.DASK}
        self.is_cluster = name is EngineName.DASK
        self._scheduler, self._workers = scheduler, workers

    @contextmanager
    def open(self) -> Iterator[Engine[Any] | None]:
        """Return the engine, null for threads of this process.

        Raises:
            ExtraError: If Dask is not installed.
            EngineError: If no scheduler answers.
        """
        if self.is_cluster:
            from envoylogs.engines.dask_cluster import DaskCluster, client_at

            with client_at(self._scheduler) as client:
                cluster = DaskCluster(client)
                if cluster.is_idle():
                    say("envoylogs: the Dask cluster has no worker yet, and is waited for.")
                yield cluster
        elif self.is_elsewhere:
            from envoylogs.engines.processes import LocalProcesses

            yield LocalProcesses(self._workers)
        else:
            yield None


HERE = GivenEngine(None, None, None)
"""Threads of this process."""


def refuse_to_decide(engine: GivenEngine, options: Sequence[str]) -> None:
    """Refuse a cluster what this process would have to read as a whole first.

    Args:
        engine: What counts.
        options: Those for which the log itself says what is selected or hidden.

    Raises:
        EngineQuestionError: If there are any.
    """
    if options and engine.is_cluster:
        raise EngineQuestionError(
            f"{' and '.join(options)}: is decided by the log itself, which this machine would read "
            "first. Give --since and --until with their days, or read without --engine dask."
        )
