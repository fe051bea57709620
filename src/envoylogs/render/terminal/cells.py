"""The console, cells and tables of a terminal; no text from a log is ever markup there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from envoylogs.render.formatting import clock, count, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from envoylogs.render.named_tables import Row

WIDE = 110
"""From how many columns on tables show everything."""

USUAL = 100
"""From how many on they have room for shares and first times beside their keys."""


_WIDTH_OF_A_FILE = 100


class _Console(Console):
    """Leaves it to the caller what a closed pipe means; Rich would end the program."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def new_console(out: TextIO, *, color: bool | None = None, width: int | None = None) -> Console:
    """Return a console that writes to a file.

    Args:
        out: The file.
        color: True and False decide; null leaves it to the terminal and to
            ``NO_COLOR`` and ``TERM``.
        width: In characters; null asks the terminal.
    """
    asked = width or os.environ.get("COLUMNS")
    return _Console(
        file=out,
        width=width if asked or out.isatty() else _WIDTH_OF_A_FILE,
        force_terminal=color,
        # Asked for, color is used whatever NO_COLOR and TERM say.
        color_system="standard" if color else "auto",
        no_color=None if color is None else not color,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )


def text(value: object, style: str = "") -> Text:
    """Return a value from a log as a cell."""
    return Text(printable(value), style=style)


def number(value: int | None, style: str = "") -> Text:
    """Return a count as a cell: zero is dim, so that the others stand out."""
    return Text(count(value), style="dim" if not value else style)


def new_table(keys: Sequence[str], numbers: Sequence[str]) -> Table:
    """Return an empty table: keys on the left, as long as they are; numbers on the right."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1))
    for key in keys:
        table.add_column(key, overflow="fold", header_style="bold")
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True, header_style="bold")
    return table


def head(rows: pl.DataFrame, limit: int | None) -> list[Row]:
    """Return the first rows of a table; without a limit all."""
    return (rows if limit is None else rows.head(limit)).to_dicts()


def time(value: int | None) -> Text:
    """Return a time of a row, microseconds since 1970, as a cell: that of the day."""
    return text(clock(value))


def heading(console: Console, title: str, note: str = "") -> None:
    """Print the heading of a section."""
    console.print()
    line = Text(title, style="bold")
    if note:
        line.append(f"  {note}", style="dim")
    console.print(line)


def more(console: Console, shown: int, total: int) -> None:
    """Say how many rows are not shown."""
    if total > shown:
        console.print(Text(f"… {total - shown:,} more (--limit 0 shows all)", style="dim"))
