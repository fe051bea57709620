"""Tables that count requests or connections by columns, and the section of connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.clusters import service_label
from envoylogs.envoy.failures.lookup import must_act_on_errors
from envoylogs.envoy.outcomes import OUTCOMES
from envoylogs.render.formatting import count, day_and_clock, milliseconds, percent, size
from envoylogs.render.named_tables import timed
from envoylogs.render.terminal.cells import (
    USUAL,
    WIDE,
    head,
    heading,
    more,
    new_table,
    number,
    text,
    time,
)
from envoylogs.summary.tables import CONNECTIONS, TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rich.console import Console
    from rich.text import Text

    from envoylogs.render.named_tables import Row
    from envoylogs.summary.summary import Summary

_BY = ("upstream_cluster", "requested_server_name", "upstream_host")
_MUST_ACT = {
    (outcome.name, has_errors): must_act_on_errors(outcome) if has_errors else outcome.must_act
    for outcome in OUTCOMES
    for has_errors in (False, True)
}


def print_counts(console: Console, summary: Summary, name: str, limit: int | None) -> None:
    """Print a table that counts by columns, at most ``limit`` rows of it."""
    table, rows = TABLES[name], summary.table(name)
    keys = table.keys or summary.asked_by
    title = (table.title or name.capitalize()).format(columns=", ".join(keys))
    if _TIME in keys and summary.judged.buckets is not None:
        # They begin at whole seconds, and how wide they are is said once.
        rows = rows.with_columns(
            pl.Series(_TIME, [day_and_clock(start) for start in rows[_TIME]], pl.String)
        )
        title = title.replace(_TIME, "time")
    shown = _print_connections if table.counts == CONNECTIONS else _print_requests
    shown(console, title, rows, keys, limit)


_TIME = "start_time"


def _print_requests(
    console: Console, title: str, rows: pl.DataFrame, keys: Sequence[str], limit: int | None
) -> None:
    wide = console.width >= WIDE
    by_outcome = tuple(keys) == ("outcome",)
    heading(console, title)
    extra = ["must act"] if by_outcome and wide else []
    codes = ["2xx", "3xx", "4xx", "5xx", "0"] if wide and "response_code" not in keys else []
    first, *others = ("p50", "p95", "p99") if wide else ("p50", "p99")
    numbers = ["requests", "share", *codes, "unrouted", "errors", f"{first} ms", *others]
    table = new_table([*keys, *extra], numbers)
    for key, column in zip(keys, table.columns, strict=False):
        column.no_wrap = key == _TIME
    for row in map(timed, head(rows, limit)):
        table.add_row(
            *(text(row[key]) for key in keys),
            *(text(_MUST_ACT[str(row["outcome"]), bool(row["errors"])]) for _ in extra),
            number(row["requests"]),
            text(percent(row["share"])),
            *(number(row["codes"][code]) for code in codes),
            number(row["unrouted"], "magenta"),
            number(row["errors"], "red"),
            *(text(milliseconds(row["latency_ms"][quantile])) for quantile in (first, *others)),
        )
    console.print(table)
    more(console, table.row_count, rows.height)


def print_connections(console: Console, summary: Summary, limit: int | None) -> None:
    """Print the section of connections, at most ``limit`` rows a table; nothing without any."""
    overview = summary.overview
    if not overview.connections:
        return
    failed, refused = (overview.outcomes.get(name, 0) for name in ("tcp_failed", "no_filter_chain"))
    note = f"{count(overview.connections)} in all, {count(failed)} failed, {count(refused)} refused"
    heading(console, "Connections", note)
    # Those that were refused are among what the gateway turned away.
    broken = summary.table(CONNECTIONS).filter(pl.col("outcome") == "tcp_failed")
    if broken.height:
        _print_failures(console, broken, limit)
    # Requests have a table by outcome, which has connections too.
    for column in (*_BY, *(() if overview.requests else ("outcome",))):
        rows = summary.table(f"{CONNECTIONS} by {column}")
        if rows[column].drop_nulls().len():
            _print_connections(console, f"Connections by {column}", rows, (column,), limit)


def _print_failures(console: Console, rows: pl.DataFrame, limit: int | None) -> None:
    wide, usual = console.width >= WIDE, console.width >= USUAL
    heading(console, "Connections that failed")
    keys = ["cluster", "server name", "address", "flags"]
    table = new_table(keys, ["connections", *(["first"] if usual else []), "last"])
    for row in head(rows, limit):
        cluster = row["upstream_cluster"]
        short = cluster is not None and not wide
        table.add_row(
            text(service_label(str(cluster)) if short else cluster),
            text(row["requested_server_name"]),
            text(row["upstream_host"]),
            text(row["response_flags"]),
            number(row["connections"], "red"),
            *([time(row["first"])] if usual else []),
            time(row["last"]),
        )
    console.print(table)
    more(console, table.row_count, rows.height)


def _print_connections(
    console: Console, title: str, rows: pl.DataFrame, keys: Sequence[str], limit: int | None
) -> None:
    """Print connections by some columns: counts, what was wrong, bytes and times.

    Beside keys that are long there are fewer of the numbers, and clusters as people name them.
    """
    heading(console, title)
    shown = head(rows, limit)
    names = [[text(timed(row)[key]) for key in keys] for row in shown]
    headings = list(keys)
    if _width_of(names, headings) > console.width - _width_of_numbers(_NUMBERS):
        headings = [_SHORT.get(key, key) for key in keys]
        names = [_shortened(keys, row) for row in names]
    room = console.width - _width_of(names, headings)
    # Those that say what is wrong stay, whatever the room.
    numbers = list(_NUMBERS)
    for name in _DROPPED_FIRST:
        if _width_of_numbers(numbers) > room:
            numbers.remove(name)
    table = new_table(headings, numbers)
    for row, texts in zip(shown, names, strict=True):
        table.add_row(*texts, *(_NUMBERS[name](row) for name in numbers))
    console.print(table)
    more(console, table.row_count, rows.height)


_NUMBERS: Mapping[str, Callable[[Row], Text]] = {
    "connections": lambda row: number(row["connections"]),
    "share": lambda row: text(percent(row["share"])),
    "failed": lambda row: number(row["failed"], "red"),
    "refused": lambda row: number(row["refused"], "magenta"),
    "failed share": lambda row: text(percent(row["failed_share"])),
    "sent": lambda row: text(size(row["bytes_sent"])),
    "received": lambda row: text(size(row["bytes_received"])),
    "first": lambda row: time(row["first"]),
    "last": lambda row: time(row["last"]),
}
"""The columns of numbers and times, in their order."""

_DROPPED_FIRST = ("received", "sent", "share", "failed share", "first", "refused", "last")
_SHORT = {"upstream_cluster": "cluster", "requested_server_name": "server name",
          "upstream_host": "address", "response_flags": "flags"}  # fmt: skip
_LEAST_NUMBER, _GAP = 8, 3


def _shortened(keys: Sequence[str], names: Sequence[Text]) -> list[Text]:
    """Return the keys of a row with its cluster as people name it."""
    return [
        text(service_label(name.plain)) if key == "upstream_cluster" else name
        for key, name in zip(keys, names, strict=True)
    ]


def _width_of(names: Sequence[Sequence[Text]], headings: Sequence[str]) -> int:
    """Return how wide the columns of some keys are, on one line each."""
    return sum(
        _GAP + max(len(heading), *(row[place].cell_len for row in names), 0)
        for place, heading in enumerate(headings)
    )


def _width_of_numbers(names: Iterable[str]) -> int:
    return sum(max(len(name), _LEAST_NUMBER) + _GAP for name in names)
