"""Tables that count requests or connections by columns, on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.envoy.failures.lookup import must_act_on_errors
from envoylogs.envoy.outcomes import OUTCOMES
from envoylogs.render.formatting import percent
from envoylogs.render.named_tables import timed
from envoylogs.render.terminal.cells import (
    WIDE,
    decimal,
    head,
    heading,
    more,
    new_table,
    number,
    quantile_of,
    text,
    whole,
)
from envoylogs.render.terminal.connections import print_connection_counts
from envoylogs.summary.tables import CONNECTIONS, TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl
    from rich.console import Console

    from envoylogs.summary.summary import Summary

__all__ = ["print_counts"]

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
    shown = print_connection_counts if table.counts == CONNECTIONS else _print_requests
    shown(console, title, rows, keys, limit)


def _print_requests(
    console: Console, title: str, rows: pl.DataFrame, keys: Sequence[str], limit: int | None
) -> None:
    """Print requests by some columns: counts, codes, what was wrong, latency."""
    wide = console.width >= WIDE
    by_outcome = tuple(keys) == ("outcome",)
    heading(console, title)
    extra = ["must act"] if by_outcome and wide else []
    codes = ["2xx", "3xx", "4xx", "5xx", "0"] if wide and "response_code" not in keys else []
    numbers = ["requests", "share", *codes, "unrouted", "errors", "p50 ms"]
    numbers += ["p95", "p99"] if wide else ["p99"]
    table = new_table([*keys, *extra], numbers)
    for row in map(timed, head(rows, limit)):
        latency, by_code = row["latency_ms"], row["codes"]
        assert isinstance(latency, dict) and isinstance(by_code, dict)  # noqa: S101, PT018
        table.add_row(
            *(text(row[key]) for key in keys),
            *(text(_MUST_ACT[str(row["outcome"]), bool(row["errors"])]) for _ in extra),
            number(whole(row["requests"])),
            text(percent(decimal(row["share"]))),
            *(number(whole(by_code[code])) for code in codes),
            number(whole(row["unrouted"]), "magenta"),
            number(whole(row["errors"]), "red"),
            text(quantile_of(latency, "p50")),
            *([text(quantile_of(latency, "p95"))] if wide else []),
            text(quantile_of(latency, "p99")),
        )
    console.print(table)
    more(console, table.row_count, rows.height)
