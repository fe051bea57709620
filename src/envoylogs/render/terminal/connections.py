"""Connections on a terminal: how many failed, which, and the tables of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.clusters import service_label
from envoylogs.render.formatting import clock, count, percent, size
from envoylogs.render.named_tables import timed
from envoylogs.render.terminal.cells import heading, more, new_table, number, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from envoylogs.summary.summary import Summary

__all__ = ["print_connection_counts", "print_connections", "print_failures"]

_WIDE = 110
"""From how many columns on tables show everything."""

_USUAL = 100
"""From how many on they have room for shares and first times beside their keys."""

_BY = ("upstream_cluster", "requested_server_name", "upstream_host")


def print_connections(console: Console, summary: Summary, limit: int | None) -> None:
    """Print the section of connections, at most ``limit`` rows a table; nothing without any."""
    overview, tables = summary.overview, summary.connections
    if not overview.connections:
        return
    failed, refused = (overview.outcomes.get(name, 0) for name in ("tcp_failed", "no_filter_chain"))
    note = f"{count(overview.connections)} in all, {count(failed)} failed, {count(refused)} refused"
    heading(console, "Connections", note)
    # Those that were refused are among what the gateway turned away.
    broken = tables.groups.filter(pl.col("outcome") == "tcp_failed")
    if broken.height:
        print_failures(console, broken, limit)
    # Requests have a table by outcome, which has connections too.
    for column in (*_BY, *(() if overview.requests else ("outcome",))):
        if tables.by[column][column].drop_nulls().len():
            title = f"Connections by {column}"
            print_connection_counts(console, title, tables.by[column], (column,), limit)


def print_failures(console: Console, rows: pl.DataFrame, limit: int | None) -> None:
    """Print connections that failed by cluster, server name and address, with flags and times."""
    wide, usual = console.width >= _WIDE, console.width >= _USUAL
    heading(console, "Connections that failed")
    keys = ["cluster", "server name", "address", "flags"]
    table = new_table(keys, ["connections", *(["first"] if usual else []), "last"])
    for row in _head(rows, limit):
        cluster = row["upstream_cluster"]
        short = cluster is not None and not wide
        table.add_row(
            text(service_label(str(cluster)) if short else cluster),
            text(row["requested_server_name"]),
            text(row["upstream_host"]),
            text(row["response_flags"]),
            number(_int(row["connections"]), "red"),
            *([text(_clock(row["first"]))] if usual else []),
            text(_clock(row["last"])),
        )
    console.print(table)
    more(console, table.row_count, rows.height)


def print_connection_counts(
    console: Console, title: str, rows: pl.DataFrame, keys: Sequence[str], limit: int | None
) -> None:
    """Print connections by some columns: counts, what was wrong, bytes and times."""
    wide, usual = console.width >= _WIDE, console.width >= _USUAL
    heading(console, title)
    numbers = ["connections", *(["share"] if wide else []), "failed", "refused"]
    numbers += ["failed share"] if usual else []
    numbers += ["sent", "received"] if wide else []
    table = new_table(keys, [*numbers, *(["first"] if usual else []), "last"])
    for row, shown in zip(_head(rows, limit), map(timed, _head(rows, limit)), strict=True):
        table.add_row(
            *(text(shown[key]) for key in keys),
            number(_int(row["connections"])),
            *([text(percent(_float(row["share"])))] if wide else []),
            number(_int(row["failed"]), "red"),
            number(_int(row["refused"]), "magenta"),
            *([text(percent(_float(row["failed_share"])))] if usual else []),
            *([text(size(_int(row[name]))) for name in ("bytes_sent", "bytes_received")]
              if wide else []),
            *([text(_clock(row["first"]))] if usual else []),
            text(_clock(row["last"])),
        )  # fmt: skip
    console.print(table)
    more(console, table.row_count, rows.height)


def _head(rows: pl.DataFrame, limit: int | None) -> list[dict[str, object]]:
    return (rows if limit is None else rows.head(limit)).to_dicts()


def _clock(value: object) -> str:
    return clock(value if isinstance(value, int) else None)


def _int(value: object) -> int:
    assert isinstance(value, int)  # noqa: S101
    return value


def _float(value: object) -> float | None:
    return value if isinstance(value, float) else None
