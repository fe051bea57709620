"""How many logs at which nothing is wrong have a finding above info.

`python -m benchmarks.false_alarms` reads 500 generated healthy logs of 100 to 100,000 requests
(`benchmarks/healthy.py`) with the program and prints the share of those with such a finding, and
which findings these are.
"""

from __future__ import annotations

import argparse
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING

from benchmarks.healthy import healthy
from benchmarks.in_memory import InMemory
from envoylogs.pipeline import tally_sources
from envoylogs.summary.findings.finding import Severity
from envoylogs.summary.summary import summarize

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["LOGS", "Judged", "judged", "judged_all"]

LOGS = 500
"""How many logs the published figure is of."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What is said of one healthy log.

    Attributes:
        seed: Which log.
        requests: So many it has.
        errors: So many the program counts.
        true_errors: So many there are.
        alarms: Code, severity and title of each finding above info.
    """

    seed: int
    requests: int
    errors: int
    true_errors: int
    alarms: tuple[tuple[str, str, str], ...]


def judged(seed: int, *, most: int = 100_000) -> Judged:
    """Return what is said of a healthy log.

    Args:
        seed: Which one.
        most: The largest number of requests that it may have.
    """
    log = healthy(seed, most=most)
    summary = summarize(tally_sources([InMemory("gateway.log", None, data=log.text)]))
    alarms = tuple(
        (found.code, found.severity.name.lower(),
         f"{found.title} ({found.requests:,} of {found.of:,})")
        for found in summary.findings
        if found.severity < Severity.INFO
    )  # fmt: skip
    overview = summary.overview
    return Judged(seed, overview.requests, overview.errors, log.errors, alarms)


def judged_all(
    seeds: Iterable[int], *, most: int = 100_000, workers: int | None = None
) -> Iterator[Judged]:
    """Yield what is said of each of many healthy logs, in their order, judged at the same time."""
    # A fork would copy the threads of Polars, which it does not survive.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(partial(judged, most=most), seeds)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the share of false alarms, and what they are.

    Args:
        arguments: The arguments; None takes those of the process.
    """
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.false_alarms",
        description="Count the healthy logs that have a finding above info.",
    )
    parser.add_argument("--logs", type=int, default=LOGS, help="how many (default: %(default)s)")
    parser.add_argument("--most", type=int, default=100_000, help="requests of the largest log")
    parser.add_argument("--first", type=int, default=0, help="seed of the first log")
    options = parser.parse_args(arguments)
    requests = alarmed = 0
    codes: Counter[tuple[str, str]] = Counter()
    for found in judged_all(range(options.first, options.first + options.logs), most=options.most):
        requests += found.requests
        alarmed += bool(found.alarms)
        codes.update({(code, severity) for code, severity, _ in found.alarms})
        for code, severity, title in found.alarms:
            print(f"log {found.seed}, {found.requests:,} requests: {severity} {code}: {title}")
        if found.errors != found.true_errors:
            print(f"log {found.seed}: {found.errors} errors, not {found.true_errors}")
    share = alarmed / options.logs if options.logs else 0
    print(f"{alarmed} of {options.logs} healthy logs ({share:.1%}; {requests:,} requests) have a "
          "finding above info")  # fmt: skip
    for (code, severity), n in codes.most_common():
        print(f"  {severity} {code}: {n} logs")


if __name__ == "__main__":
    main()
