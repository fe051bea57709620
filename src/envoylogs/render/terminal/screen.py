"""A summary as text: what a tired person needs comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from rich.text import Text

from envoylogs.render.folded import folded_of
from envoylogs.render.terminal.console import new_console
from envoylogs.render.terminal.findings import print_findings
from envoylogs.render.terminal.tables import print_table, print_tables
from envoylogs.render.unread import unread_of
from envoylogs.render.unused_keys import unused_keys_of
from envoylogs.render.words import headline_of

if TYPE_CHECKING:
    from envoylogs.summary.summary import Summary

__all__ = ["DEFAULT_LIMIT", "TerminalRenderer"]

DEFAULT_LIMIT = 10


class TerminalRenderer:
    """Writes text for a terminal; without color if the file is none.

    Args:
        limit: At most so many rows a table; null for all.
        color: True and False decide; null leaves it to the terminal and to
            ``NO_COLOR`` and ``TERM``.
        width: In characters; null asks the terminal.
        table: Only this table, one of ``tables.TABLE_NAMES``,
            or what else has a name there; null for findings and all tables.
    """

    def __init__(
        self,
        *,
        limit: int | None = DEFAULT_LIMIT,
        color: bool | None = None,
        width: int | None = None,
        table: str | None = None,
    ) -> None:
        self._limit = limit
        self._color = color
        self._width = width
        self._table = table

    def render(self, summary: Summary, out: TextIO) -> None:
        """Write findings, noise, overview and tables."""
        console = new_console(out, color=self._color, width=self._width)
        if summary.accounts.lines:
            console.print(_headline(summary))
        for note in filter(None, (unread_of(summary), folded_of(summary))):
            console.print(Text(note, style="dim"))
        unused = unused_keys_of(summary.accounts)
        if unused is not None:
            # Not wrapped: the option is there to be pasted.
            console.print(Text(" ".join(unused), style="dim"), soft_wrap=True)
        if self._table is not None:
            print_table(console, summary, self._table, self._limit)
            return
        print_findings(console, summary)
        if summary.accounts.records:
            print_tables(console, summary, self._limit)


_STYLES = {"strong": "bold", "alarm": "bold red", "": ""}


def _headline(summary: Summary) -> Text:
    """Return the line of facts."""
    line = Text()
    for text, weight in headline_of(summary):
        line.append(" · " if line else "").append(text, style=_STYLES[weight])
    if summary.anonymized:
        line.append(" · anonymized")
    return line
