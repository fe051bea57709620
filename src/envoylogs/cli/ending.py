"""How a command that read logs ends: what was wrong, what was covered, the exit code."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import typer

from envoylogs.cli.console import say_error
from envoylogs.cli.exits import Exit
from envoylogs.cli.notes import incomplete_sources, name_what_is_no_log, refuse_malformed
from envoylogs.errors import EmptySelectionError
from envoylogs.render.formatting import window

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from envoylogs.errors import IncompleteSourceError
    from envoylogs.keyed.anonymize import Anonymizer
    from envoylogs.keyed.selection import Selection
    from envoylogs.sources.source import Source
    from envoylogs.summary.accounts import Accounts
    from envoylogs.tally.running import RunningTally
    from envoylogs.tally.tally import Tally


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


@dataclass(slots=True)
class Ending:
    """What is to be said and returned when the outputs are written.

    Attributes:
        located: The sources.
        strict: Whether malformed lines are an error.
        anonymizer: What replaces names of folders, as others; null leaves them.
        started: When the command began, on the monotonic clock.
    """

    located: Sequence[Source]
    strict: bool
    anonymizer: Anonymizer | None = None
    started: float = field(default_factory=time.monotonic)
    _accounts: Accounts | None = None
    _say: Callable[[float, NewLines | None], None] | None = None
    _incomplete: list[IncompleteSourceError] = field(default_factory=list)
    _no_log_named: bool = False

    @property
    def names(self) -> list[str]:
        """The names of the sources as outputs have them."""
        return list(map(self._name_of, self.located))

    def _name_of(self, source: Source) -> str:
        return source.name if self.anonymizer is None else self.anonymizer.named(source).name

    def check(self, accounts: Accounts, say: Callable[[float, NewLines | None], None]) -> None:
        """Look at what was read, before anything is written; ``say`` says it in the end.

        Raises:
            LogFormatError: If there are lines and no record.
            typer.Exit: If sources are damaged and there is no record.
        """
        self._accounts, self._say = accounts, say
        named = {self._name_of(source) for source in self.located if not source.found}
        self._incomplete = incomplete_sources(accounts)
        if self._incomplete and not accounts.records:
            for error in self._incomplete:
                say_error(error)
            name_what_is_no_log(accounts, named)
            raise typer.Exit(Exit.ERROR)
        self._no_log_named = name_what_is_no_log(accounts, named)

    def end(self, new: NewLines | None, *, interrupted: bool) -> None:
        """Say what was covered, and end with the exit code that fits; nothing if nothing was read.

        Raises:
            LogFormatError: If lines are malformed and that is an error.
            typer.Exit: If anything else was wrong.
        """
        if self._accounts is None or self._say is None:
            return
        self._say(time.monotonic() - self.started, new)
        for error in self._incomplete:
            say_error(error)
        if interrupted:
            raise typer.Exit(Exit.INTERRUPTED)
        if self.strict:
            refuse_malformed(self._accounts, new)
        if self._no_log_named or self._incomplete:
            raise typer.Exit(Exit.ERROR)


def refuse_nothing(tally: Tally, selection: Selection) -> None:
    """Raise an error if there are records and none was selected.

    Raises:
        EmptySelectionError: With the window of the log, or with the roles of
            the records if none is a gateway's.
    """
    from envoylogs.summary.accounts import accounts

    if tally.traffic.frame.height:
        return
    lines = accounts(tally)
    if not selection:
        if lines.roles_left_out:
            roles = lines.roles_left_out
            found = ", ".join(f"{n:,} of role {role}" for role, n in roles.items())
            raise EmptySelectionError(
                f"none of {lines.records:,} records is a gateway's: {found}. "
                f"Count them with --role {next(iter(roles))}, or with --role all."
            )
    elif lines.records:
        first, last = lines.sources["first"].min(), lines.sources["last"].max()
        covers, left_out = "No record has a time.", ""
        if isinstance(first, int) and isinstance(last, int):
            covers, n = f"The log covers {window(first, last)}.", lines.untimed_left_out
            have = "has" if n == 1 else "have"
            left_out = f" {n:,} that fit otherwise {have} no time that can be read." if n else ""
        raise EmptySelectionError(
            f"none of {lines.records:,} records fits {selection.text}. {covers}{left_out}"
        )
