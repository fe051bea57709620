"""What every command that reads logs shares, from its options to its exit code."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Self, TypeVar

import typer

from envoylogs.cli.console import Exit, refuse_to_overwrite, say, say_error
from envoylogs.cli.engines import HERE, refuse_to_decide
from envoylogs.cli.files import Files, named_sources
from envoylogs.cli.notes import (
    incomplete_sources,
    name_what_is_no_log,
    refuse_malformed,
    refuse_nothing,
    say_what_was_covered,
    say_what_was_read,
)
from envoylogs.cli.progress import told
from envoylogs.cli.saved import refuse_what_tallies_lack, say_which_limits_are_kept
from envoylogs.cli.settings import field_keys
from envoylogs.cli.state import (
    NewLines,
    lock_of,
    opened_state,
    refuse_to_forget,
    save_state,
    say_what_is_left,
    say_what_is_lost,
    sources_for_state,
)
from envoylogs.outputs import is_device
from envoylogs.render.formatting import show_times_in
from envoylogs.sources.stop import stopped_by_interrupt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import polars as pl

    from envoylogs.cli.engines import GivenEngine
    from envoylogs.cli.log_options import LogOptions
    from envoylogs.cli.memory import Memory
    from envoylogs.keyed.plan import Hooks, ReadPlan
    from envoylogs.sources.source import Source
    from envoylogs.summary.accounts import Accounts
    from envoylogs.summary.summary import Summary
    from envoylogs.tally.spec import TallySpec
    from envoylogs.tally.tally import Tally

_Result = TypeVar("_Result")


class Session:
    """A command that reads logs: what it reads and how, and how it ends.

    Leaving it without an error says what was read, and ends with the exit code
    that fits. ``located`` are the sources.

    Args:
        log: What was given.
        words: The sources, as they were given.
        usage: How the command is called on what is piped into it.
        files: What it writes.
        strict: Whether malformed lines are an error.
        engine: What counts.

    Raises:
        EnvoylogsError: If an option can't be understood.
        typer.BadParameter: If options contradict each other.
        typer.Exit: If there is nothing to read.
    """

    def __init__(  # noqa: PLR0913  # what a command is given
        self,
        log: LogOptions,
        words: Sequence[str] | None,
        usage: str,
        *,
        files: Files | None = None,
        strict: bool = False,
        engine: GivenEngine = HERE,
    ) -> None:
        self._log, self._files, self._engine = log, files or Files(), engine
        show_times_in(log.zone)
        self._keys = field_keys(log.context)
        self._text_format = log.parsed_text_format(self._keys)
        located = named_sources(words, usage)
        self.located = sources_for_state(located, self._files.state, log)
        refuse_what_tallies_lack(self.located, log)
        self._anonymizer = self._files.anonymizer(log)
        self._strict, self._started = strict, time.monotonic()
        self._end: Callable[[], None] | None = None
        state = self._files.state
        own = () if state is None else (state, lock_of(state))
        refuse_to_overwrite(self.located, (*self._files.replaced, *own))
        refuse_to_forget(self._files.replaced)
        self._is_interrupted = False
        self._new: NewLines | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self._end is not None:
            self._end()

    @property
    def names(self) -> list[str]:
        """The names of the sources as outputs have them."""
        return list(map(self._name_of, self.located))

    def _name_of(self, source: Source) -> str:
        return source.name if self._anonymizer is None else self._anonymizer.named(source).name

    def _check(
        self, accounts: Accounts, say_covered: Callable[[float, NewLines | None], None]
    ) -> None:
        """Look at what was read, before anything is written; the end says what was covered.

        Raises:
            LogFormatError: If there are lines and no record.
            typer.Exit: If sources are damaged and there is no record.
        """
        named = {self._name_of(source) for source in self.located if not source.found}
        incomplete = incomplete_sources(accounts)
        for error in incomplete if not accounts.records else ():
            say_error(error)
        no_log_named = name_what_is_no_log(accounts, named)
        if incomplete and not accounts.records:
            raise typer.Exit(Exit.ERROR)

        def end() -> None:
            if self._is_interrupted and not accounts.lines:
                say("envoylogs: it was interrupted before a line was counted.")
            else:
                say_covered(time.monotonic() - self._started, self._new)
            for error in incomplete:
                say_error(error)
            if self._is_interrupted:
                raise typer.Exit(Exit.INTERRUPTED)
            if self._strict:
                refuse_malformed(accounts, self._new)
            if no_log_named or incomplete:
                raise typer.Exit(Exit.ERROR)

        self._end = end

    @contextmanager
    def sources(self, *, read_twice: bool = False) -> Iterator[tuple[list[Source], ReadPlan]]:
        """Return the sources to read, and how; read twice, a pipe must be kept.

        Raises:
            SelectionError: If an option can't be read.
        """
        from envoylogs.keyed.plan import ReadPlan

        log, sources = self._log, self.located
        selection, window = log.selection(datetime.now(UTC))
        plan = ReadPlan(
            selection=selection,
            text_format=self._text_format,
            keys=self._keys,
            anonymizer=self._anonymizer,
        )
        with ExitStack() as opened:
            decided = log.decided_by_the_log(window)
            refuse_to_decide(self._engine, decided)
            if read_twice or decided:
                from envoylogs.sources.source import rereadable

                sources = opened.enter_context(rereadable(sources))
                plan = log.decided(plan, window, sources)
            anonymized = None if self._anonymizer is None else self._anonymizer.fingerprint
            self.origin = {"selection": plan.selection_text, "anonymized": anonymized}
            yield sources, plan

    @contextmanager
    def _watched(
        self, *, read_twice: bool = False
    ) -> Iterator[tuple[list[Source], ReadPlan, Hooks]]:
        """Return the same, with hooks that end the reading at Ctrl-C."""
        from envoylogs.keyed.plan import Hooks

        with ExitStack() as opened:
            sources, plan = opened.enter_context(self.sources(read_twice=read_twice))
            stop = opened.enter_context(stopped_by_interrupt())
            yield sources, plan, Hooks(stop=stop)
            self._is_interrupted = stop.requested

    def tally(self, memory: Memory) -> Tally:
        """Count sources, all of them or what is new in them.

        Raises:
            StateError: If the state can't be used.
            EmptySelectionError: If there are records and none was selected.
        """
        with self._watched() as (sources, plan, hooks):
            if self._files.state is None:
                tally = self._at_once(sources, plan, hooks, memory)
            else:
                tally = self._since_last_time(self._files.state, sources, plan, hooks, memory)
        refuse_nothing(tally, plan.selection)
        return tally

    def _at_once(
        self, sources: list[Source], plan: ReadPlan, hooks: Hooks, memory: Memory
    ) -> Tally:
        from envoylogs.pipeline import spec_of_saved, tally_sources
        from envoylogs.tally.storage import holds_records

        read: Callable[..., Tally] = tally_sources
        if any(map(holds_records, sources)):
            from envoylogs.read_back import tally_of_any

            read = tally_of_any
        saved = spec_of_saved(sources)
        spec = memory.spec(saved)
        say_which_limits_are_kept(memory.given, saved)
        with told(hooks, sources, self._files.rejects) as shown, self._engine.open() as engine:
            return read(
                sources, spec=spec, plan=plan, hooks=shown, limits=memory.given, engine=engine
            )

    def _since_last_time(
        self, state: Path, sources: list[Source], plan: ReadPlan, hooks: Hooks, memory: Memory
    ) -> Tally:
        from envoylogs.pipeline import spec_of_plan, tally_new_lines
        from envoylogs.sources.rotated import with_rotated

        def spec_with(kept: TallySpec | None) -> TallySpec:
            return spec_of_plan(memory.spec_of_state(kept), plan)

        with opened_state(state, spec_with, plan.meaning) as before:
            sources, lost = with_rotated(sources, before.logs)
            say_what_is_lost(lost)
            by_day = before.has_days or memory.keep_us is not None
            with told(hooks, sources, self._files.rejects) as shown:
                running = tally_new_lines(sources, before, by_day=by_day, plan=plan, hooks=shown)
            self._new = NewLines.between(before, running)
            written = [os.path.realpath(p) for p in self._files.replaced if not is_device(p)]
            kept = save_state(state, running.with_outputs(written), memory.keep_us)
        say_what_is_left(kept)
        return kept.total()

    def summary(self, tally: Tally, **asked: Any) -> Summary:  # noqa: ANN401  # of summarize
        """Return the tables of a tally, once it was looked at what was read.

        Raises:
            LogFormatError: If there are lines and no record.
            typer.Exit: If sources are damaged and there is no record.
        """
        from envoylogs.summary.summary import summarize

        complete, finding = not self._is_interrupted, self._log.finding
        summary = summarize(tally, complete=complete, finding=finding, **asked)
        self._check(summary.accounts, partial(say_what_was_covered, summary))
        return summary

    @contextmanager
    def frame(self, *, unknown_keys: bool = False, also: str = "") -> Iterator[pl.LazyFrame]:
        """Return the records, of them those that fit ``also``, with progress while it is read."""
        from envoylogs.frames import Accounting, scanned_frame

        if self._anonymizer is not None and unknown_keys:
            raise typer.BadParameter(
                "--unknown-keys may hold anything, which --anonymize can't replace"
            )
        self._read = Accounting()
        with (
            self._watched(read_twice=self._anonymizer is not None) as (sources, plan, hooks),
            told(hooks, sources, self._files.rejects) as shown,
        ):
            some = replace(plan, selection=plan.selection.also(also)) if also else plan
            more: Any = {"unknown_keys": unknown_keys, "hooks": shown, "read": self._read}
            yield scanned_frame(sources, some, **more)

    def run(self, query: Callable[[], _Result]) -> _Result:
        """Run what reads the frame in a thread, so that this one sees Ctrl-C meanwhile.

        Raises:
            LogFormatError: As of ``summary``.
            typer.Exit: Likewise.
        """
        from envoylogs.summary.accounts import accounts

        with ThreadPoolExecutor(max_workers=1) as running:
            result = running.submit(query).result()
        found = accounts(self._read.tally)
        self._check(found, partial(say_what_was_read, found, is_asked=self._read.is_asked))
        return result
