"""``--state``: counting only what is new, in a file that is never half written."""

from __future__ import annotations

import os
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from envoylogs.cli.console import say
from envoylogs.errors import MissingSourceError, OutputError, StateError
from envoylogs.outputs import replaced_file
from envoylogs.render.formatting import printable, size
from envoylogs.summary.in_words import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from envoylogs.cli.log_options import LogOptions
    from envoylogs.sources.source import Source
    from envoylogs.tally.running import RunningTally
    from envoylogs.tally.spec import TallySpec


def sources_for_state(sources: list[Source], state: Path | None, log: LogOptions) -> list[Source]:
    """Return the logs to read; with a state, without what runs of it have made in a folder of logs.

    Raises:
        typer.BadParameter: With a state, if a source can't be known again, or
            if a window was asked for, which moves from run to run.
    """
    if state is None:
        _refuse_uncounted_ids(sources, log)
        return sources
    from envoylogs.tally.running import outputs_of

    if log.distinct_requests:
        raise typer.BadParameter(
            "--state keeps counts and no request ids, so --distinct-requests can't tell what an "
            "earlier run has counted. Leave one of the two out."
        )
    from envoylogs.sources.locate import listed

    own = {os.path.realpath(state), str(lock_of(state)), *outputs_of(state)}
    sources = [
        source
        for source in listed(sources)
        if not (source.found and os.path.realpath(source.path or "") in own)
    ]
    for option in ("since", "until", "last", "finding"):
        if getattr(log, option) is not None:
            raise typer.BadParameter(
                f"--state counts each line once, so --{option} can't choose among them again. "
                "Leave one of the two out."
            )
    # One that was found a moment ago and has no size has another name by now.
    return [s for s in sources if not (s.found and s.size is None) and _is_log(s)]


def _refuse_uncounted_ids(sources: list[Source], log: LogOptions) -> None:
    """Refuse to look for requests in a tally beside other sources, which may hold them too."""
    from envoylogs.tally.storage import is_saved_tally

    if not log.distinct_requests or len(sources) == 1:
        return
    for source in sources:
        if is_saved_tally(source):
            raise typer.BadParameter(
                f"--distinct-requests can't look into {printable(source.name)}: a saved tally has "
                "no request ids, so its requests might be counted again in the other sources. "
                "Read all the logs at once, or the tally alone."
            )


def _is_log(source: Source) -> bool:
    """Tell what is to be read; pass over a tally that was found, refuse one that was named."""
    from envoylogs.tally.storage import holds_counts, is_saved_tally

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
    what = "a saved tally" if holds_counts(source) else "a Parquet file"
    if source.found:
        say(f"envoylogs: {printable(source.name)}: passed over, it is {what}.")
        return False
    raise typer.BadParameter(
        f"--state reads logs, and {printable(source.name)} is {what}. Add tallies with "
        "envoylogs merge."
    )


def refuse_to_forget(outputs: Iterable[Path]) -> None:
    """Refuse to write something else in the place of a state.

    Raises:
        OutputError: If an output is one.
    """
    for output in outputs:
        from envoylogs.tally.running import is_running

        if is_running(output):
            raise OutputError(
                f"{output}: is a file of --state, which knows what it has counted. Write to "
                "another file."
            )


def lock_of(state: Path) -> Path:
    """Return the lock of a state, a file beside it that stays there."""
    return Path(f"{os.path.realpath(state)}.lock")


@dataclass(frozen=True, slots=True)
class NewLines:
    """What a run with a state has counted, which is not what it shows.

    Attributes:
        bytes: That were new.
        lines: Likewise.
        malformed_by_reason: Likewise, see ``reading.fates.REASONS``; most first, then by name.
        leaves_some: Whether something was not counted, since its end has not come.
    """

    bytes: int
    lines: int
    malformed_by_reason: dict[str, int]
    leaves_some: bool

    @classmethod
    def between(cls, before: RunningTally, after: RunningTally) -> NewLines:
        """Return what was counted between two moments, before days are forgotten."""
        new = _fates_of(after)
        new.subtract(_fates_of(before))
        malformed = [(-n, reason) for (fate, reason), n in new.items() if fate == "malformed" and n]
        return cls(
            new["bytes", ""],
            new["lines", ""],
            {reason: -less for less, reason in sorted(malformed)},
            after.logs.leaves_some,
        )


def _fates_of(running: RunningTally) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for tally in running.days.values():
        for fate, detail, n in tally.lines.frame.select("fate", "detail", "n").iter_rows():
            found[fate, detail] += n
    return found


@contextmanager
def opened_state(
    path: Path,
    spec_with: Callable[[TallySpec | None], TallySpec],
    read_with: Mapping[str, str],
) -> Iterator[RunningTally]:
    """Return what a state file remembers; no other run adds to it meanwhile.

    Args:
        path: The file; a new one is begun if there is none, or nothing in it.
        spec_with: Returns what the run is asked to remember, if the file remembers this.
        read_with: The options that say what lines mean, each with its value.

    Raises:
        StateError: If it can't be used, or was made with other options.
    """
    from envoylogs.sources.known_logs import KnownLogs
    from envoylogs.sources.source import Source
    from envoylogs.tally.running import RunningTally, load_running

    with _locked(path):
        if not path.exists() or not path.stat().st_size:
            logs = KnownLogs(resumable=True, run=1)
            yield RunningTally(spec_with(None), {}, logs, read_with)
            return
        kept = load_running(Source(str(path), str(path)))
        unlike = kept.unlike(spec_with(kept.spec), read_with)
        if unlike is not None:
            raise StateError(
                f"{path}: was made with {unlike[0]}, and this run was asked for {unlike[1]}. Give "
                "the same options, or name another file."
            )
        yield kept


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep other runs from a file until the end; a lock goes with the process that holds it."""
    from filelock import FileLock, Timeout

    if path.exists() and not path.is_file():
        raise StateError(f"{path}: is no file, and a state is kept in one. Name a file.")
    place = lock_of(path)
    lock = FileLock(place, timeout=0)
    try:
        # A folder that is not there is a slip of the pen, and would be made.
        place.parent.stat()
        lock.acquire()
    except Timeout as error:
        raise StateError(
            f"{path}: another run is adding to it. Nothing was counted; the next run counts what "
            "is new by then."
        ) from error
    except OSError as error:
        raise StateError(f"{path}: can't be locked: {error.strerror or error}.") from error
    try:
        yield
    finally:
        lock.release()


def save_state(path: Path, running: RunningTally, keep_us: int | None) -> RunningTally:
    """Write a state file, so that after a crash it is that of before or this one; return this one.

    Days are kept so long before the newest record; null for ever.
    """
    from envoylogs.tally.days import without_old_days
    from envoylogs.tally.running import save_running

    kept = running
    if keep_us is not None:
        days = without_old_days(running.days, keep_us, time.time_ns() // 1000)
        if forgotten := len(running.days) - len(days):
            say(f"envoylogs: {counted(forgotten, 'day')} forgotten: older than --keep-last.")
        kept = replace(running, days=days)
    with replaced_file(path, durable=True) as beside:
        save_running(kept, beside)
    return kept


def say_what_is_lost(lost: Iterable[tuple[str, int]]) -> None:
    """Say what is there now of logs whose rest was not found, and begins with so many bytes."""
    for name, same_bytes in lost:
        if same_bytes:
            say(
                f"envoylogs: {printable(name)}: begins with {size(same_bytes)} or more that were "
                "counted before and goes on with other lines, as a log that was cut in place and "
                "written further. All of it is counted, and what stands before the cut twice."
            )
        else:
            say(
                f"envoylogs: {printable(name)}: the log that was there last time is gone, and is "
                "not beside it. What is there now is counted from its beginning; what was written "
                "to the other one after it was read last is not counted."
            )


def say_what_is_left(running: RunningTally) -> None:
    """Say what stands in the logs and was not counted yet, since its end has not come.

    What was left in the same place by the run before is not said again: a log
    that was rotated with half a line at its end never gets the other half.
    """
    logs = running.logs
    if logs.waiting_lines:
        lines = counted(logs.waiting_lines, "line")
        say(f"envoylogs: {lines} of records without an end: left for the next run.")
    if logs.unended_bytes:
        say(
            f"envoylogs: {size(logs.unended_bytes)} of last lines without a line feed: left for "
            "the next run."
        )
    for name, n in logs.unproven.items():
        say(
            f"envoylogs: {printable(name)}: {size(n)} at its end were not counted: it begins as a "
            "log that was counted before, is shorter, and that one is not there any more to be "
            "compared."
        )
