"""What is remembered between the readings of logs that grow: counts, and what was counted.

Both stand in one file, so that one never is without the other: a crash leaves
the file of before, and the next run counts what is new since then.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from envoylogs.errors import StateError, TallyError
from envoylogs.sources.identity import KnownLog, Mark, WaitingLine
from envoylogs.sources.known_logs import KnownLogs
from envoylogs.tally.days import sum_of
from envoylogs.tally.storage import load_days, save_days

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from envoylogs.sources.source import Source
    from envoylogs.tally.spec import TallySpec
    from envoylogs.tally.tally import Tally

_KEY = "envoylogs.logs"
_VERSION = 1

_PODS_AND_ARCHIVES = ("archives", "sidecars", "gateways", "waypoints")

_MAX_OUTPUTS = 1000
"""How many outputs are known at most; some have the date in their names."""


@dataclass(frozen=True, slots=True)
class RunningTally:
    """Counts that go on, and the logs that they are of.

    Attributes:
        spec: Of all tallies.
        days: Tallies by day (since 1970), or one of no day.
        logs: What was counted of which log.
        read_with: The options that said what lines mean, each with its value.
        outputs: What was written beside these counts, by path without links.
    """

    spec: TallySpec
    days: Mapping[int | None, Tally]
    logs: KnownLogs
    read_with: Mapping[str, str] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()

    @property
    def has_days(self) -> bool:
        """Whether days are kept apart."""
        return any(day is not None for day in self.days)

    def total(self) -> Tally:
        """Return the sum of all days."""
        return sum_of(self.days.values())

    def unlike(self, spec: TallySpec, read_with: Mapping[str, str]) -> tuple[str, str] | None:
        """Return how a run differs from what went before; null if it does not.

        Args:
            spec: What the run is to remember.
            read_with: The options that say what lines mean to it.

        Returns:
            What was before, and what the run is to do instead, as options.
        """
        options = sorted({*self.read_with, *read_with})
        changed = [name for name in options if self.read_with.get(name) != read_with.get(name)]
        before, now = (
            [*ours.words_unlike(other), *(_option(name, given.get(name)) for name in changed)]
            for ours, other, given in (
                (self.spec, spec, self.read_with),
                (spec, self.spec, read_with),
            )
        )
        return (", ".join(before), ", ".join(now)) if now else None

    def with_outputs(self, paths: Iterable[str]) -> RunningTally:
        """Return the same with more outputs, of which the last ones are kept."""
        known = dict.fromkeys((*self.outputs, *paths))
        return replace(self, outputs=tuple(known)[-_MAX_OUTPUTS:])


def load_running(source: Source) -> RunningTally:
    """Read what ``save_running`` wrote.

    Raises:
        StateError: If it is damaged, or a saved tally that does not go on.
    """
    try:
        days, metadata = load_days(source)
    except TallyError as error:
        raise StateError(
            f"{str(error).removesuffix('.')}. If it was a state, what it had counted is lost: "
            "delete it, and the next run counts anew all that the logs still hold. If it was "
            "something else, name another file."
        ) from error
    try:
        found = json.loads(metadata[_KEY])
        if found["version"] != _VERSION:
            raise StateError.not_a_state(source.name)
        logs = KnownLogs([_log(log) for log in found["logs"]], resumable=True, run=found["run"] + 1)
        read_with, outputs = dict(found["read_with"]), tuple(found["outputs"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StateError.not_a_state(source.name) from error
    return RunningTally(next(iter(days.values())).spec, days, logs, read_with, outputs)


def is_running(path: Path) -> bool:
    """Tell whether a file is one of ``save_running``."""
    return _header(path) is not None


def outputs_of(path: Path) -> frozenset[str]:
    """Return what was written beside the counts of a file; nothing if it is none of these."""
    try:
        return frozenset(json.loads(_header(path) or "{}").get("outputs", ()))
    except (ValueError, TypeError, AttributeError):
        return frozenset()


def _header(path: Path) -> str | None:
    try:
        return pl.read_parquet_metadata(path).get(_KEY) if path.is_file() else None
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
        return None


def save_running(running: RunningTally, path: Path) -> None:
    """Write a running tally to a file, which must be moved into place by the caller.

    What kept an archive from being read to its end is not kept: it is looked
    at again the next time.
    """
    days = {
        day: replace(tally, lines=tally.lines.undamaged()) for day, tally in running.days.items()
    }
    logs = [asdict(log) for log in running.logs.last_read()]
    found = {
        "version": _VERSION,
        "run": running.logs.run,
        "logs": logs,
        "read_with": dict(running.read_with),
        "outputs": running.outputs,
    }
    save_days(days, path, {_KEY: json.dumps(found)})


def _option(name: str, value: str | None) -> str:
    return f"no {name}" if value is None else f"{name} {value}"


def _log(found: dict[str, Any]) -> KnownLog:
    return KnownLog(
        **{
            **found,
            "first": Mark(**found["first"]),
            "marks": tuple(Mark(**mark) for mark in found["marks"]),
            "end": Mark(**found["end"]),
            "tail": None,
            "waiting": tuple(WaitingLine(**line) for line in found["waiting"]),
            **{name: tuple(found.get(name, ())) for name in _PODS_AND_ARCHIVES},
        }
    )
