"""From the options of a command to a lazy frame of records, and to the end of the command."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import typer

from envoylogs.cli.anonymizing import anonymizer_of
from envoylogs.cli.ending import Ending
from envoylogs.cli.interrupt import stopped_by_interrupt
from envoylogs.cli.progress import shown_progress
from envoylogs.cli.selecting import SelectionOptions, selected
from envoylogs.cli.settings import field_keys
from envoylogs.cli.text_format import parsed_text_format

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import polars as pl

    from envoylogs.frames import LinesRead
    from envoylogs.sources.source import Source
    from envoylogs.sources.stop import Stop
    from envoylogs.summary.accounts import Accounts

__all__ = ["Scanned", "scanned"]

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Scanned:
    """Records that are about to be read.

    Attributes:
        frame: The records.
        read: What became of their lines.
        stop: Whether the reading was broken off.
        ending: How the command ends.
    """

    frame: pl.LazyFrame
    read: LinesRead
    stop: Stop
    ending: Ending

    def run(self, query: Callable[[], _Result]) -> _Result:
        """Run what reads the frame in a thread, so that this one sees Ctrl-C meanwhile."""
        with ThreadPoolExecutor(max_workers=1) as running:
            return running.submit(query).result()

    def check(self) -> None:
        """Look at what was read, before anything is written; see ``Ending.check``."""
        self.ending.check(self._accounts())

    def end(self) -> None:
        """Say what was read and end with the exit code that fits; see ``Ending.end_reading``."""
        self.ending.end_reading(self._accounts(), interrupted=self.stop.requested)

    def _accounts(self) -> Accounts:
        from envoylogs.summary.accounts import accounts

        return accounts(self.read.tally)


@contextmanager
def scanned(  # noqa: PLR0913  # one parameter a concern of the caller
    context: typer.Context,
    selection: SelectionOptions,
    located: list[Source],
    text_format: str | None,
    *,
    strict: bool = False,
    unknown_keys: bool = False,
    anonymize: bool = False,
) -> Iterator[Scanned]:
    """Return the records of sources as a lazy frame, with progress shown while it is read.

    Args:
        context: Has the settings.
        selection: Which records.
        located: The sources.
        text_format: As given.
        strict: Whether malformed lines are an error.
        unknown_keys: Whether there is a column of what no other column holds.
        anonymize: Whether what may say who somebody is is replaced.

    Raises:
        EnvoylogsError: If an option can't be understood.
    """
    from envoylogs.frames import LinesRead, scanned_frame
    from envoylogs.pipeline import Reading

    keys = field_keys(context)
    form = parsed_text_format(context, text_format, keys)
    if anonymize and unknown_keys:
        raise typer.BadParameter(
            "--unknown-keys may hold anything, which --anonymize can't replace"
        )
    anonymizer = anonymizer_of(anonymize)
    ending = Ending(located, strict, anonymizer)
    with (
        selected(selection, located, text_format=form, keys=keys, read_twice=anonymize) as (
            wanted,
            kept,
        ),
        stopped_by_interrupt() as stop,
        shown_progress([source.size for source in kept]) as progress,
    ):
        reading = Reading(
            selection=wanted, text_format=form, keys=keys, stop=stop, progress=progress,
            anonymizer=anonymizer,
        )  # fmt: skip
        read = LinesRead()
        frame = scanned_frame(kept, reading, unknown_keys=unknown_keys, read=read)
        yield Scanned(frame, read, stop, ending)
