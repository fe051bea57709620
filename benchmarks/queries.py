"""How many queries Polars runs for a batch and for a summary: ``python -m benchmarks.queries LOG``.

A query has a price of its own (planning, threads; 50 to 300 µs) whatever the number of
rows, so that on small logs and in summaries their number is the time. Counted are calls that
execute something: ``collect`` of a lazy frame, what eager frames and series do their work by,
and ``collect_all``, which counts once.
"""

from __future__ import annotations

import argparse
import collections
import io
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from envoylogs.pipeline import tally_sources
from envoylogs.render.records import write_json
from envoylogs.sources.source import Source
from envoylogs.summary.summary import summarize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PLACES = 90
"""How many places of the code are named, those with most queries first."""


@contextmanager
def counted(places: collections.Counter[str]) -> Iterator[None]:
    """Count the queries that run within, by the place of the code that asks for them."""
    inside = False

    def counting(run: Callable[..., object]) -> Callable[..., object]:
        def runs(*arguments: object, **options: object) -> object:
            nonlocal inside
            if inside:
                return run(*arguments, **options)
            inside = True
            try:
                places[_place()] += 1
                return run(*arguments, **options)
            finally:
                inside = False

        return runs

    runners = [(pl.LazyFrame, "collect"), (pl.LazyFrame, "_collect_eager"), (pl, "collect_all")]
    before = [getattr(owner, name) for owner, name in runners]
    for (owner, name), run in zip(runners, before, strict=True):
        setattr(owner, name, counting(run))
    try:
        yield
    finally:
        for (owner, name), run in zip(runners, before, strict=True):
            setattr(owner, name, run)


def _place() -> str:
    for frame in reversed(traceback.extract_stack()):
        if "/envoylogs/" in frame.filename:
            return f"{frame.filename.rpartition('/envoylogs/')[2]}:{frame.lineno} {frame.name}"
    return "?"


def main() -> None:
    """Read a log and make its summary; print how many queries each took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log", type=Path)
    log = str(parser.parse_args().log)
    source = Source(log, log)
    reading: collections.Counter[str] = collections.Counter()
    summarizing: collections.Counter[str] = collections.Counter()
    with counted(reading):
        tally = tally_sources([source])
    with counted(summarizing):
        write_json(summarize(tally), io.StringIO())
    for what, places in (("reading", reading), ("the summary", summarizing)):
        print(f"{what}: {places.total()} queries")
        for place, queries in places.most_common(_PLACES):
            print(f"  {queries:5} {place}")


if __name__ == "__main__":
    main()
