"""What is remembered between the readings of logs that grow: counts, and what was counted.

Both stand in one file, so that one never is without the other: a crash leaves
the file of before, and the next run counts what is new since then.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from envoylogs.errors import StateError
from envoylogs.sources.identity import Mark
from envoylogs.sources.known_logs import KnownLog, KnownLogs, WaitingLine
from envoylogs.tally.days import sum_of
from envoylogs.tally.storage import load_days, save_days

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from envoylogs.sources.source import Source
    from envoylogs.tally.state import TallySpec
    from envoylogs.tally.tally import Tally

__all__ = ["RunningTally", "is_running", "load_running", "save_running"]

_KEY = "envoylogs.logs"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class RunningTally:
    """Counts that go on, and the logs that they are of.

    Attributes:
        spec: Of all tallies.
        days: Tallies by day (since 1970), or one of no day.
        logs: What was counted of which log.
    """

    spec: TallySpec
    days: Mapping[int | None, Tally]
    logs: KnownLogs

    @property
    def has_days(self) -> bool:
        """Whether days are kept apart."""
        return any(day is not None for day in self.days)

    def total(self) -> Tally:
        """Return the sum of all days."""
        return sum_of(self.days.values())


def load_running(source: Source) -> RunningTally:
    """Read what ``save_running`` wrote.

    Raises:
        TallyError: If it is no saved tally.
        StateError: If it is a saved tally that does not go on.
    """
    days, metadata = load_days(source)
    try:
        found = json.loads(metadata[_KEY])
        if found["version"] != _VERSION:
            raise StateError.not_a_state(source.name)
        logs = KnownLogs([_log(log) for log in found["logs"]], resumable=True, run=found["run"] + 1)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StateError.not_a_state(source.name) from error
    return RunningTally(next(iter(days.values())).spec, days, logs)


def is_running(path: Path) -> bool:
    """Tell whether a file is one of ``save_running``."""
    try:
        return path.is_file() and _KEY in pl.read_parquet_metadata(path)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
        return False


def save_running(running: RunningTally, path: Path) -> None:
    """Write a running tally to a file, which must be moved into place by the caller.

    What kept an archive from being read to its end is not kept: it is looked
    at again the next time.
    """
    days = {
        day: replace(tally, lines=tally.lines.undamaged()) for day, tally in running.days.items()
    }
    logs = [asdict(log) for log in running.logs.last_read()]
    found = {"version": _VERSION, "run": running.logs.run, "logs": logs}
    save_days(days, path, {_KEY: json.dumps(found)})


def _log(found: dict[str, Any]) -> KnownLog:
    return KnownLog(
        **{
            **found,
            "first": Mark(**found["first"]),
            "marks": tuple(Mark(**mark) for mark in found["marks"]),
            "end": Mark(**found["end"]),
            "tail": None,
            "waiting": tuple(WaitingLine(**line) for line in found["waiting"]),
            **{name: tuple(found[name]) for name in ("archives", "sidecars", "gateways")},
        }
    )
