"""Daily tallies of a busy gateway, for what months cost.

A few days are read from generated logs, of other requests each; their counts
are moved in time to be the other days of a year. The same arguments give the
same tallies.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import polars as pl

from benchmarks import generator
from envoylogs.pipeline import tally_sources
from envoylogs.sources.locate import locate
from envoylogs.tally.days import DAY_US
from envoylogs.tally.storage import save_tally
from envoylogs.tally.tally import Tally

__all__ = ["write"]

_TIMES = ("first", "last", "start", "first_routed", "last_routed", "first_unrouted",
          "last_unrouted")  # fmt: skip
_READ = 5


def write(folder: Path, days: int, lines: int) -> None:
    """Write a tally of so many lines for each of so many days."""
    folder.mkdir(parents=True, exist_ok=True)
    read = [_read(seed, lines) for seed in range(min(_READ, days))]
    for day in range(days):
        moved = _moved(read[day % _READ], day)
        save_tally(moved, folder / f"day-{day:03d}.tally")


def _read(seed: int, lines: int) -> Tally:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "day.log"
        rate = lines / (DAY_US / 1e6)
        made = generator.lines(lines, seed=seed, era=generator.Era.V1_28, rate_per_second=rate)
        with log.open("wb") as out:
            out.writelines(made)
        return tally_sources(locate([str(log)]))


def _moved(tally: Tally, day: int) -> Tally:
    """Return the same tally of another day."""
    return Tally.made(
        tally.spec,
        lambda name, state: state(_moved_frame(tally.state(name).frame, day), tally.spec),
    )


def _moved_frame(frame: pl.DataFrame, day: int) -> pl.DataFrame:
    times = [name for name in _TIMES if frame.schema.get(name) == pl.Int64()]
    named = [name for name in ("source",) if name in frame.columns]
    return frame.with_columns(
        *(pl.col(name) + day * DAY_US for name in times),
        *(
            pl.when(pl.col(name) == "")
            .then(pl.lit(""))
            .otherwise(pl.lit(f"day-{day:03d}.log"))
            .alias(name)
            for name in named
        ),
    )
