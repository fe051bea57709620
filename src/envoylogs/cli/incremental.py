"""``--state``: counting only what is new, in a file that is never half written."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from envoylogs.cli.console import replaced_file, say
from envoylogs.errors import MissingSourceError, OutputError, StateError
from envoylogs.render.formatting import counted, printable, size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from envoylogs.cli.selecting import SelectionOptions
    from envoylogs.reading.selection import Selection
    from envoylogs.sources.source import Source
    from envoylogs.tally.running import RunningTally
    from envoylogs.tally.state import TallySpec

__all__ = [
    "lock_of",
    "opened_state",
    "refuse_to_forget",
    "save_state",
    "say_what_is_left",
    "sources_for_state",
]

_LOCK = ".lock"
"""What stands behind the name of a state in that of its lock, which stays there."""


def sources_for_state(
    sources: list[Source], state: Path | None, selection: SelectionOptions
) -> list[Source]:
    """Return the logs to read; with a state, without its own files in the same folder.

    Raises:
        typer.BadParameter: With a state, if a source can't be known again, or
            if a window was asked for, which moves from run to run.
    """
    if state is None:
        return sources
    if selection.distinct_requests:
        raise typer.BadParameter(
            "--state keeps counts and no request ids, so --distinct-requests can't tell what an "
            "earlier run has counted. Leave one of the two out."
        )
    own = {Path(os.path.realpath(state)), lock_of(state)}
    sources = [
        source
        for source in sources
        if not (source.found and Path(os.path.realpath(source.path or "")) in own)
    ]
    for option in ("since", "until", "last"):
        if getattr(selection, option) is not None:
            raise typer.BadParameter(
                f"--state counts each line once, so --{option} can't choose among them again. "
                "Leave one of the two out."
            )
    return [source for source in sources if not _is_gone(source) and _is_log(source)]


def _is_gone(source: Source) -> bool:
    """Tell a file that was found a moment ago and has another name by now."""
    return source.found and source.size is None


def _is_log(source: Source) -> bool:
    """Return true, or refuse a source that can't be known again."""
    from envoylogs.tally.storage import is_saved_tally

    if source.size is None:
        raise typer.BadParameter(
            f"--state reads files: what comes through {printable(source.name)} can't be known "
            "again. Name log files."
        )
    try:
        if not is_saved_tally(source):
            return True
    except MissingSourceError:
        return not source.found
    raise typer.BadParameter(
        f"--state reads logs, and {printable(source.name)} is a saved tally. Add tallies with "
        "envoylogs merge."
    )


def refuse_to_forget(outputs: Iterable[Path | None]) -> None:
    """Refuse to write something else in the place of a state.

    Raises:
        OutputError: If an output is one.
    """
    from envoylogs.tally.running import is_running

    for output in outputs:
        if output is not None and is_running(output):
            raise OutputError.is_state(str(output))


def lock_of(state: Path) -> Path:
    """Return the lock of a state."""
    return Path(os.path.realpath(state) + _LOCK)


@contextmanager
def opened_state(
    path: Path,
    spec_with: Callable[[TallySpec | None], TallySpec],
    columns: tuple[str, ...],
    selection: Selection,
) -> Iterator[RunningTally]:
    """Return what a state file remembers; no other run adds to it meanwhile.

    Args:
        path: The file; a new one is begun if there is none.
        spec_with: Returns what the run is asked to remember, if the file remembers this.
        columns: That it is asked to count by besides the usual ones.
        selection: What it is asked to look at.

    Raises:
        StateError: If it can't be used, or remembers something else.
        TallyError: If it is no tally.
    """
    from dataclasses import replace

    from envoylogs.sources.known_logs import KnownLogs
    from envoylogs.sources.source import Source
    from envoylogs.tally.running import RunningTally, load_running

    selected = selection.text if selection else None
    with _locked(path):
        if not path.exists():
            asked = replace(spec_with(None), selection=selected)
            yield RunningTally(asked, {}, KnownLogs(resumable=True, run=1))
            return
        kept = load_running(Source(str(path), str(path)))
        asked = replace(spec_with(kept.spec), by=columns or kept.spec.by, selection=selected)
        if kept.spec != asked:
            raise StateError.differs(str(path), kept.spec.words, asked.words)
        yield kept


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep other runs from a file until the end; a lock goes with the process that holds it."""
    from filelock import FileLock, Timeout

    place = lock_of(path)
    lock = FileLock(place, timeout=0)
    try:
        # A folder that is not there is a slip of the pen, and would be made.
        place.parent.stat()
        lock.acquire()
    except Timeout as error:
        raise StateError.locked(str(path)) from error
    except OSError as error:
        raise StateError.unlockable(str(path), error) from error
    try:
        yield
    finally:
        lock.release()


def save_state(path: Path, running: RunningTally, keep_us: int | None) -> RunningTally:
    """Write a state file, so that after a crash it is that of before or this one.

    Args:
        path: The file.
        running: What it is to remember.
        keep_us: How long before the newest record days are kept; null for ever.

    Returns:
        What is remembered now.
    """
    from dataclasses import replace

    from envoylogs.tally.days import without_old_days
    from envoylogs.tally.running import save_running

    kept = running
    if keep_us is not None:
        days = without_old_days(running.days, keep_us, time.time_ns() // 1000)
        _say_what_was_forgotten(len(running.days) - len(days))
        kept = replace(running, days=days)
    with replaced_file(path, durable=True) as beside:
        save_running(kept, beside)
    return kept


def say_what_is_left(running: RunningTally) -> None:
    """Say what stands in the logs and was not counted yet, since its end has not come."""
    logs = running.logs
    waiting = sum(len(log.waiting) for log in logs.logs if log.run == logs.run)
    if waiting:
        lines = counted(waiting, "line")
        say(f"envoylogs: {lines} of records without an end: left for the next run.")
    if logs.unended_bytes:
        say(
            f"envoylogs: {size(logs.unended_bytes)} of last lines without a line feed: left for "
            "the next run."
        )


def _say_what_was_forgotten(days: int) -> None:
    if days:
        say(f"envoylogs: {counted(days, 'day')} forgotten: older than --keep-last.")
