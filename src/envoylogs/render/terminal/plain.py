"""Tables that have no form of their own: their rows as they are, as many columns as fit."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.text import Text

from envoylogs.render.csv_table import flat_row
from envoylogs.render.formatting import count, printable
from envoylogs.render.terminal.cells import heading, more, new_console, new_table, text

if TYPE_CHECKING:
    from rich.console import Console

    from envoylogs.render.named_tables import Row

_WIDEST_CELL = 40

_PERCENTILES = {"p50 ms": "latency_ms_p50", "p99": "latency_ms_p99"}
"""Those of joint counts that fit beside many columns."""


def printed_rows(rows: list[Row], limit: int | None) -> str:
    """Return rows as they are, as many columns as fit; says if there are more rows."""
    out = io.StringIO()
    console = new_console(out)
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
