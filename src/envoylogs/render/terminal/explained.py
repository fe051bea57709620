"""Explanations as text: who was turned away, why, what proves it, what to change."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, TextIO

from rich.table import Table
from rich.text import Text

from envoylogs.render.caveats import notes_of
from envoylogs.render.explained import (
    CERTAINTY,
    change_words,
    configuration_words,
    explanations_shown,
    facts_of,
    nothing_explained,
    now_words,
    title_of,
)
from envoylogs.render.formatting import printable
from envoylogs.render.terminal.cells import printing
from envoylogs.render.terminal.screen import headline
from envoylogs.summary.in_words import counted

if TYPE_CHECKING:
    from rich.console import Console

    from envoylogs.summary.explanations import Explanation
    from envoylogs.summary.summary import Summary

DEFAULT_LIMIT = 10
"""How many explanations are shown unless told otherwise."""

_BULLET = "    -"

_STYLES = {"proved": "bold green", "likely": "bold magenta", "log_only": "bold blue"}


def write_explained_text(
    summary: Summary,
    out: TextIO,
    *,
    limit: int | None = DEFAULT_LIMIT,
    color: bool | None = None,
    width: int | None = None,
) -> None:
    """Write why requests were turned away for a terminal, at most ``limit``; null for all."""
    with printing(out, color=color, width=width) as console:
        if summary.accounts.lines:
            console.print(headline(summary))
        for note in notes_of(summary):
            console.print(Text(note, style="dim"))
        if summary.mesh is not None:
            given = summary.mesh.configuration
            console.print(Text(f"Configuration: {configuration_words(given)}"))
        console.print()
        _print_explanations(console, summary, limit)
        _print_remarks(console, summary, limit)


def _print_explanations(console: Console, summary: Summary, limit: int | None) -> None:
    shown = explanations_shown(summary, limit)
    nothing = nothing_explained(summary)
    if nothing is not None:
        console.print(Text(nothing, style="bold green"))
    for place, found in enumerate(shown.told, 1):
        _print_one(console, place, found, summary)
    if shown.more:
        console.print(Text(f"… and {counted(shown.more, 'more explanation')} (--limit 0)", "dim"))
    for sentence in shown.strangers:
        console.print(Text(f"Noise: {sentence}", "dim"))


def _print_one(console: Console, place: int, found: Explanation, summary: Summary) -> None:
    cause = found.diagnosis
    _line(console, f"{place}.", Text(title_of(found), "bold"))
    facts = facts_of(found, summary.overview)
    if facts:
        _line(console, "", Text(printable(f"{'; '.join(facts)}.")))
    verdict = Text.assemble((CERTAINTY[cause.certainty], _STYLES[cause.certainty]), ": ")
    verdict.append(printable(cause.says)).append(f" [{cause.cause}]", "dim")
    _line(console, "", verdict)
    for step in cause.proof:
        says = f": {step.says}" if step.says else ""
        text = f"{step.object}  {step.field} {step.value}{says}".rstrip()
        _line(console, _BULLET, Text(printable(text)))
    for each, following in zip_longest(cause.candidates, cause.candidates[1:]):
        _line(console, _BULLET, Text(printable(f"{each.cause}: {each.says}")))
        if following is None or following.command != each.command:
            _print_block(console, each.command, indent=9)
    now = now_words(cause)
    if now is not None:
        _line(console, "", Text.assemble(("Now: ", "bold"), now))
    _print_change(console, found, summary)
    console.print()


def _print_change(console: Console, found: Explanation, summary: Summary) -> None:
    change = found.diagnosis.change
    if change is None:
        return
    said = change_words(found, summary)
    _line(console, "", Text.assemble(("Change: ", "bold"), printable(said)))
    if change.yaml:
        _print_block(console, change.yaml.rstrip("\n"), indent=5)


def _print_remarks(console: Console, summary: Summary, limit: int | None) -> None:
    """Print what is odd in the configuration, whatever was asked for."""
    remarks = summary.remarks
    if not remarks:
        return
    console.print(Text("Also seen in the configuration:", "bold"))
    for note in remarks[:limit]:
        _line(console, _BULLET, Text(printable(f"{note.object}: {note.says}")))
    if limit is not None and len(remarks) > limit:
        console.print(Text(f"… and {len(remarks) - limit:,} more (--limit 0)", "dim"))


def _print_block(console: Console, text: str, indent: int) -> None:
    """Print what is to be pasted: not wrapped, each line as it is."""
    for line in text.split("\n"):
        console.print(Text(f"{' ' * indent}{printable(line)}", "cyan"), soft_wrap=True)


def _line(console: Console, mark: str, text: Text) -> None:
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text(mark or "  "), text)
    console.print(grid)
