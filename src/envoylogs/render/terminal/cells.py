"""The console, cells and tables of a terminal; no text from a log is ever markup there.

Tables that have no form of their own show their rows as they are, as many columns as fit.
"""

from __future__ import annotations

import io
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from envoylogs.render.csv_table import flat_row
from envoylogs.render.formatting import clock, count, day_and_clock, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import polars as pl

    from envoylogs.render.named_tables import Row

WIDE = 110
"""From how many columns on tables show everything."""

USUAL = 100
"""From how many on they have room for shares and first times beside their keys."""


_UNBOUNDED = 10_000
"""How wide a file is: nothing in it is folded, so that it can be searched and copied."""


class _Console(Console):
    """Leaves it to the caller what a closed pipe means; Rich would end the program."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


@contextmanager
def printing(
    out: TextIO, *, color: bool | None = None, width: int | None = None
) -> Iterator[Console]:
    """Give a console; what is printed to it goes to a file without spaces at the ends of lines.

    Args:
        out: The file.
        color: True and False decide; null leaves it to the terminal and to
            ``NO_COLOR`` and ``TERM``.
        width: In characters; null asks the terminal.
    """
    printed = io.StringIO()
    yield new_console(printed, for_terminal=out.isatty(), color=color, width=width)
    out.writelines(f"{line.rstrip(' ')}\n" for line in printed.getvalue().split("\n")[:-1])


def new_console(
    out: TextIO, *, for_terminal: bool, color: bool | None = None, width: int | None = None
) -> Console:
    """Return a console that writes to a file as to a terminal, or as to a file."""
    asked = width or os.environ.get("COLUMNS")
    return _Console(
        file=out,
        width=width if asked or for_terminal else _UNBOUNDED,
        force_terminal=for_terminal if color is None else color,
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


def moment(value: int | None) -> Text:
    """Return a time of a row as a cell: day and time."""
    return text(day_and_clock(value))


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


_WIDEST_CELL = 40

_PERCENTILES = {"p50 ms": "latency_ms_p50", "p99": "latency_ms_p99"}
"""Those of joint counts that fit beside many columns."""


def printed_rows(rows: list[Row], limit: int | None, *, for_terminal: bool) -> str:
    """Return rows as they are, as many columns as fit; says if there are more rows."""
    out = io.StringIO()
    width = shutil.get_terminal_size().columns if for_terminal else None
    with printing(out, color=False, width=width) as console:
        columns = _print_rows(console, [flat_row(row) for row in rows[:limit]])
        left_out = [name for name in (flat_row(rows[0]) if rows else ()) if name not in columns]
        if left_out:
            console.print(Text(f"… and {printable(', '.join(left_out))} (-f csv has all)", "dim"))
        if limit is not None and len(rows) > limit:
            console.print(Text("… more rows (--limit 0 shows all)", "dim"))
    return out.getvalue()


def print_joint(console: Console, rows: list[Row], limit: int | None) -> None:
    """Print the table of joint counts, with the width of its buckets once."""
    few = [
        {name: value for name, value in row.items() if name not in {"width_s", "latency_ms"}}
        | {title: flat_row(row)[name] for title, name in _PERCENTILES.items()}
        for row in rows[:limit]
    ]
    width = f"time buckets of {_counted(rows[0]['width_s'])} s" if rows else ""
    print_plain(console, "Joint", few, None, width)
    more(console, len(few), len(rows))


def print_plain(
    console: Console, title: str, rows: list[Row], limit: int | None, note: str = ""
) -> None:
    """Print the rows of a table as they are, as many columns as fit; JSON has them all."""
    heading(console, title, note)
    shown = [flat_row(row) for row in rows[:limit]]
    _print_rows(console, shown)
    more(console, len(shown), len(rows))


def _print_rows(console: Console, shown: list[Row]) -> list[str]:
    """Print rows and return the columns that fit."""
    if not shown:
        console.print(Text("The table is empty.", "dim"))
        return []
    columns = _fitting(shown, console.width)
    numbers = [c for c in columns if all(_is_number(r[c]) for r in shown)]
    texts = [c for c in columns if c not in numbers]
    table = new_table(texts, numbers)
    for row in shown:
        table.add_row(
            *(text(row[c]) for c in texts),
            *(text(None if row[c] is None else _counted(row[c])) for c in numbers),
        )
    console.print(table)
    return columns


def _fitting(rows: list[Row], width: int) -> list[str]:
    """Return the first columns of some rows that fit side by side, three at least."""
    columns: list[str] = []
    taken = 0
    for name in rows[0]:
        longest = max(len(printable(row[name])) for row in rows)
        taken += min(max(longest, len(name)), _WIDEST_CELL) + 2
        if taken > width and len(columns) >= 3:  # noqa: PLR2004
            break
        columns.append(name)
    return columns


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | None) and not isinstance(value, bool)


def _counted(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.6g}"
    assert isinstance(value, int)  # noqa: S101
    return count(value)
