"""How long engines take for one log: threads, processes, and a Dask cluster of as many workers.

    python -m benchmarks.engines                 # 5,000,000 generated lines, 4.2 GB
    python -m benchmarks.engines --lines 500000
    python -m benchmarks.engines s3://bucket/gateway/2026-11-28/

They run in turn, and their answers are compared. A cluster is on loopback, a worker a core, and
started before: what a start costs is not in its time. Of Dask's workers the processor time is that
of one run, and the peak that of all.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import psutil

from benchmarks import generator
from benchmarks.run import generated

if TYPE_CHECKING:
    from collections.abc import Iterator

_CONNECTED_S = 60.0
_OF_WORKERS = {
    "POLARS_MAX_THREADS": "1",
    "_RJEM_MALLOC_CONF": "dirty_decay_ms:50,muzzy_decay_ms:0",
}
"""As the how-to starts them."""


def _command(source: str, *options: str) -> list[str]:
    return [sys.executable, "-m", "envoylogs", "summarize", source, "--format", "json", *options]


@contextmanager
def _cluster(workers: int) -> Iterator[tuple[str, list[psutil.Process]]]:
    """Run a Dask cluster; yields the address of its scheduler, and its workers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    with ExitStack() as running:

        def start(*words: str) -> psutil.Process:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *words, "--no-dashboard"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env={**os.environ, **_OF_WORKERS},
            )  # fmt: skip
            running.callback(process.wait)
            running.callback(process.kill)
            return psutil.Process(process.pid)

        start("scheduler", "--host", "127.0.0.1", "--port", str(port))
        options = ("--nthreads", "1", "--memory-limit", "0", "--no-nanny")
        found = [start("worker", address, *options) for _ in range(workers)]
        _wait_for(address, workers)
        yield address, found


def _wait_for(address: str, workers: int) -> None:
    from distributed import Client

    with Client(address, timeout=_CONNECTED_S) as client:  # type: ignore[no-untyped-call]
        client.wait_for_workers(workers, timeout=_CONNECTED_S)


def _timed(command: list[str], workers: list[psutil.Process]) -> tuple[float, float, bytes]:
    """Return the seconds that a command takes, of processors too, and its answer."""

    def used() -> float:
        own = os.times()
        return (
            own.children_user + own.children_system + sum(sum(w.cpu_times()[:2]) for w in workers)
        )

    before, start = used(), time.perf_counter()
    answer = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start, used() - before, answer.stdout


def _peak_mb(process: psutil.Process) -> float:
    with open(f"/proc/{process.pid}/status", encoding="utf-8") as status:  # noqa: PTH123
        kib = next(line.split()[1] for line in status if line.startswith("VmHWM:"))
    return int(kib) * 1024 / 1e6


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("source", nargs="?")
    parser.add_argument("--lines", type=int, default=5_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    source = given.source or str(generated(given.lines, generator.Era.V1_28, shuffled=False))
    with _cluster(given.workers) as (address, workers):
        engines = {
            "threads": (_command(source), []),
            "one process": (_command(source, "--workers", "1"), []),
            f"{given.workers} processes": (_command(source, "--workers", str(given.workers)), []),
            "Dask": (_command(source, "--scheduler", address), workers),
        }
        # The first run of a worker imports what it needs.
        expected = {name: _timed(*engine)[2] for name, engine in engines.items()}
        alike = len(set(expected.values())) == 1
        runs: dict[str, list[tuple[float, float]]] = {name: [] for name in engines}
        for _ in range(given.runs):
            for name, engine in engines.items():
                runs[name].append(_timed(*engine)[:2])
        peaks = ", ".join(f"{_peak_mb(worker):.0f} MB" for worker in workers)
    for name, found in runs.items():
        seconds, of_processors = (statistics.median(column) for column in zip(*found, strict=True))
        print(f"{name:14} {seconds:7.2f} s {of_processors:7.2f} s of processors")
    one, several, dask = ([seconds for seconds, _ in runs[name]] for name in list(runs)[1:])
    for words, above, below in (
        (f"one process / {given.workers}", one, several),
        (f"Dask / {given.workers} processes", dask, several),
    ):
        ratios = [a / b for a, b in zip(above, below, strict=True)]
        print(f"{words}: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    print(f"peaks of Dask's workers: {peaks}; answers are {'alike' if alike else 'NOT ALIKE'}")


if __name__ == "__main__":
    main()
