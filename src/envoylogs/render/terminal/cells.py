"""Cells and tables for a terminal; every text from a log is shown as it is, never as markup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from envoylogs.render.formatting import clock, count, milliseconds, printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl
    from rich.console import Console

    from envoylogs.render.named_tables import Row

__all__ = [
    "USUAL",
    "WIDE",
    "decimal",
    "head",
    "heading",
    "more",
    "new_table",
    "number",
    "quantile_of",
    "text",
    "time",
    "whole",
]

WIDE = 110
"""From how many columns on tables show everything."""

USUAL = 100
"""From how many on they have room for shares and first times beside their keys."""


def text(value: object, style: str = "") -> Text:
    """Return a value from a log as a cell."""
    return Text(printable(value), style=style)


def number(value: int | None, style: str = "") -> Text:
    """Return a count as a cell: zero is dim, so that the others stand out."""
    return Text(count(value), style="dim" if not value else style)


def new_table(
    keys: Sequence[str], numbers: Sequence[str], *, key_ratio: int | None = None
) -> Table:
    """Return an empty table: keys on the left, as long as they are; numbers on the right."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1))
    for key in keys:
        table.add_column(key, overflow="fold", ratio=key_ratio, header_style="bold")
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True, header_style="bold")
    return table


def head(rows: pl.DataFrame, limit: int | None) -> list[Row]:
    """Return the first rows of a table; without a limit all."""
    return (rows if limit is None else rows.head(limit)).to_dicts()


def whole(value: object) -> int:
    """Return a value of a row that is a count."""
    assert isinstance(value, int)  # noqa: S101
    return value


def decimal(value: object) -> float | None:
    """Return a value of a row that is a number, and may be missing."""
    return value if isinstance(value, int | float) else None


def time(value: object, style: str = "") -> Text:
    """Return a time of a row, microseconds since 1970, as a cell: that of the day."""
    return text(clock(value if isinstance(value, int) else None), style)


def quantile_of(latency: Mapping[str, object], quantile: str) -> str:
    """Return one of the values of a latency, in milliseconds."""
    return milliseconds(decimal(latency[quantile]))


def heading(console: Console, title: str, note: str = "") -> None:
    """Print the heading of a section."""
    console.print()
    line = Text(title, style="bold")
    if note:
        line.append(f"  {note}", style="dim")
    console.print(line)


def more(console: Console, shown: int, total: int, *, hint: str = "--limit 0 shows all") -> None:
    """Say how many rows are not shown."""
    if total > shown:
        console.print(Text(f"… {total - shown:,} more ({hint})", style="dim"))
