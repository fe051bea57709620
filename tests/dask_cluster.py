"""A real Dask cluster on loopback: a scheduler and workers, each a process of its own, over TCP."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from distributed import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["Cluster", "running_cluster"]

_START_S = 60.0


@dataclass
class Cluster:
    """A scheduler and its workers.

    Attributes:
        address: Of the scheduler.
        client: Of it.
        folder: Where it writes.
        environment: Of its workers.
        workers: Those that were started, in order.
    """

    address: str
    client: Client
    folder: Path
    environment: Mapping[str, str]
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start_worker(
        self, environment: Mapping[str, str] | None = None, *, has_nanny: bool = False
    ) -> None:
        """Start a worker with one thread; with a nanny it is started again when it dies."""
        number = len(self.workers)
        options = [
            "--nthreads",
            "1",
            "--memory-limit",
            "0",
            "--no-dashboard",
            "--name",
            f"{number}",
        ]
        self.workers.append(
            _started(
                self.folder / f"worker-{number}",
                ["worker", self.address, *options, "--nanny" if has_nanny else "--no-nanny"],
                environment or self.environment,
            )
        )

    def n_workers(self) -> int:
        """Return how many workers the scheduler knows of."""
        return len(self.client.nthreads())  # type: ignore[no-untyped-call]

    def is_counting(self) -> bool:
        """Tell whether a worker has an item."""
        found = self.client.processing()  # type: ignore[no-untyped-call]
        return any("ounting" in key for keys in found.values() for key in keys)

    def wait_for(self, n: int) -> None:
        """Wait until there are so many workers."""
        _wait(lambda: self.n_workers() == n, "workers")

    def memory_mb(self) -> list[float]:
        """Return how much memory each worker has had at most, in MB."""
        # What `getrusage` says is inherited from the process of tests that has started it.
        return [_peak_mb(worker) for worker in self.workers]


def _peak_mb(process: subprocess.Popen[bytes]) -> float:
    lines = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8").splitlines()
    kib = next(line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(kib) * 1024 / 1e6


@contextmanager
def running_cluster(
    folder: Path, n: int = 2, environment: Mapping[str, str] | None = None
) -> Iterator[Cluster]:
    """Run a scheduler and so many workers, each without a nanny."""
    folder.mkdir(parents=True)
    environment = {**os.environ, "POLARS_MAX_THREADS": "1", **(environment or {})}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    options = ["--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
    with ExitStack() as running:
        scheduler = _started(folder / "scheduler", ["scheduler", *options], environment)
        running.callback(_end, [scheduler])
        _wait(lambda: _answers(port) or scheduler.poll() is not None, "scheduler")
        client = Client(  # type: ignore[no-untyped-call]
            address, timeout=_START_S, set_as_default=False
        )
        running.enter_context(client)
        cluster = Cluster(address, client, folder, environment, scheduler)
        running.callback(_end, cluster.workers)
        for _ in range(n):
            cluster.start_worker()
        cluster.wait_for(n)
        yield cluster


def _started(
    folder: Path, arguments: list[str], environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    folder.mkdir()
    with (folder / "said.log").open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments], cwd=folder, env=dict(environment),
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait(is_there: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + _START_S
    while not is_there():
        assert time.monotonic() < until, f"no {what} after {_START_S} s"
        time.sleep(0.05)


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
