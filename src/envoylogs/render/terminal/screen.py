"""A summary as text: what a tired person needs comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from rich.text import Text

from envoylogs.render.caveats import notes_of, unused_keys_of
from envoylogs.render.terminal.cells import new_console
from envoylogs.render.terminal.findings import print_findings
from envoylogs.render.terminal.tables import print_table, print_tables
from envoylogs.render.words import headline_of

if TYPE_CHECKING:
    from envoylogs.summary.summary import Summary

DEFAULT_LIMIT = 10


def write_text(  # noqa: PLR0913  # one parameter an option
    summary: Summary,
    out: TextIO,
    *,
    limit: int | None = DEFAULT_LIMIT,
    color: bool | None = None,
    width: int | None = None,
    table: str | None = None,
) -> None:
    """Write findings, noise, overview and tables for a terminal.

    Args:
        summary: Of the log.
        out: Where to; without color if it is no terminal.
        limit: At most so many rows a table; null for all.
        color: As of ``new_console``.
        width: As of ``new_console``.
        table: Only this one of ``tables.TABLES``; null for findings and all tables.
    """
    console = new_console(out, color=color, width=width)
    if summary.accounts.lines:
        console.print(_headline(summary))
    for note in notes_of(summary):
        console.print(Text(note, style="dim"))
    unused = unused_keys_of(summary.accounts)
    if unused is not None:
        # Not wrapped: the option is there to be pasted.
        console.print(Text(" ".join(unused), style="dim"), soft_wrap=True)
    if table is not None:
        print_table(console, summary, table, limit)
        return
    print_findings(console, summary)
    if summary.accounts.records:
        print_tables(console, summary, limit)


_STYLES = {"strong": "bold", "alarm": "bold red", "": ""}


def _headline(summary: Summary) -> Text:
    """Return the line of facts."""
    line = Text()
    for text, weight in headline_of(summary):
        line.append(" · " if line else "").append(text, style=_STYLES[weight])
    if summary.anonymized:
        line.append(" · anonymized")
    return line
