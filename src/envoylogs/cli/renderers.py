"""What is shown of a summary, and what writes it in the format that was asked for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import typer

from envoylogs.cli.options import Format, When
from envoylogs.errors import UnknownKeyError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from typing import TextIO

    from envoylogs.summary.sorting import Sort
    from envoylogs.summary.summary import Summary

_MOST_ROWS = 2**32 - 1
"""More rows than this no table can have."""


def writer_of(  # noqa: PLR0913  # one parameter an option
    output_format: Format,
    table: str | None,
    limit: int | None,
    color: When,
    *,
    by_time: bool = False,
    lines: str | None = None,
) -> Callable[[Summary, TextIO], None]:
    """Return what writes a summary, or one table of it, to an open file.

    Args:
        output_format: Of ``--format``.
        table: Alone; null for all.
        limit: 0 for all rows of a table, null for what is usual.
        color: Of ``--color``.
        by_time: Whether rows are by time, of which more are usual.
        lines: The command that prints the lines of a finding, but for its number.
    """
    rows = min(limit, _MOST_ROWS) if limit else None
    if output_format is Format.JSON:
        from envoylogs.render.records import write_json

        return partial(write_json, limit=rows)
    if output_format is Format.NDJSON and table is not None:
        from envoylogs.render.records import write_ndjson

        return partial(write_ndjson, table=table, limit=rows)
    if output_format is Format.CSV and table is not None:
        from envoylogs.render.csv_table import write_csv

        return partial(write_csv, table=table, limit=rows)
    if output_format is Format.MARKDOWN:
        from envoylogs.render.markdown import write_markdown

        return partial(write_markdown, table=table, limit=rows)
    if output_format is Format.PROMETHEUS:
        from envoylogs.render.prometheus import write_metrics

        return write_metrics
    from envoylogs.render.terminal.screen import DEFAULT_LIMIT, ROWS_OVER_TIME, write_text

    wanted = {When.AUTO: None, When.ALWAYS: True, When.NEVER: False}[color]
    usual = ROWS_OVER_TIME if by_time else DEFAULT_LIMIT
    shown = usual if limit is None else rows
    return partial(write_text, limit=shown, color=wanted, table=table, lines=lines)


def names_in_metrics(output_format: Format, limit: int | None) -> int | None:
    """Return how many hosts and clusters metrics name at most; null for a format without them."""
    from envoylogs.summary.metrics.names import DEFAULT_NAMES

    if output_format is not Format.PROMETHEUS:
        return None
    if limit is None:
        return DEFAULT_NAMES
    return min(limit or _MOST_ROWS, _MOST_ROWS)


def columns_among(given: list[str] | None, known: Collection[str], kind: str) -> tuple[str, ...]:
    """Return columns that were given with commas or in several options, each once.

    Raises:
        UnknownKeyError: If one of them does not exist.
    """
    columns = dict.fromkeys(word.strip() for words in given or () for word in words.split(","))
    for name in columns:
        if name not in known:
            raise UnknownKeyError.of(kind, name, known)
    return tuple(columns)


def order_of(sort: str | None) -> Sort | None:
    """Return the order of ``--sort``; null for that of each table.

    Raises:
        UnknownKeyError: If it names another way than up and down.
    """
    from envoylogs.summary.sorting import Sort

    return None if sort is None else Sort.of(sort)


def refuse_unsortable(summary: Summary, table: str, order: Sort) -> None:
    """Refuse an order by a column that the table has not, nor that of connections beside it.

    Raises:
        UnknownKeyError: With the columns that it has.
    """
    from envoylogs.summary.tables import ASKED, ASKED_CONNECTIONS

    names = (table, ASKED_CONNECTIONS) if table == ASKED else (table,)
    if not any(order.is_of(summary.table(name)) for name in names):
        order.sorted(summary.table(table))


def table_alone(
    output_format: Format,
    table: str | None,
    columns: tuple[str, ...],
    *,
    by_time: bool = False,
    is_sorted: bool = False,
) -> str | None:
    """Return the table that is wanted alone; null for all there is.

    Args:
        output_format: Of ``--format``.
        table: Of ``--table``.
        columns: Of ``--by``.
        by_time: Whether ``--every`` was given.
        is_sorted: Whether ``--sort`` was.

    Raises:
        UnknownKeyError: If there is no such table.
        typer.BadParameter: If two were asked for, or one of a format that has all.
    """
    from envoylogs.summary.tables import (
        ASKED,
        ASKED_CONNECTIONS,
        CONNECTIONS,
        OVER_TIME,
        known_table,
    )

    if table not in {None, CONNECTIONS} and columns:
        raise typer.BadParameter(
            "give --table or --by, not both; --table connections --by counts connections"
        )
    _refuse_for(
        output_format,
        table,
        {
            "--table": table is not None,
            "--by": bool(columns),
            "--every": by_time,
            "--sort": is_sorted,
        },
    )
    if columns:
        return ASKED if table is None else ASKED_CONNECTIONS
    if by_time and table is not None:
        if known_table(table) not in OVER_TIME:
            raise typer.BadParameter(
                f"--table {table} is not by time; give --every with --by, alone, or with --table "
                f"{' or '.join(OVER_TIME)}"
            )
        return OVER_TIME[table]
    if by_time and output_format is not Format.JSON:
        return ASKED
    if table is None and output_format in {Format.CSV, Format.NDJSON}:
        return "groups"
    return None if table is None else known_table(table)


_OF_ONE_TABLE = {
    "--table": "has all tables but joint",
    "--sort": "has all tables, each in its own order",
}


def _refuse_for(output_format: Format, table: str | None, given: Mapping[str, bool]) -> None:
    """Refuse options that say nothing of a format, or of all tables of it.

    Raises:
        typer.BadParameter: If one of them was given.
    """
    options = [name for name, is_given in given.items() if is_given]
    if output_format is Format.JSON:
        for name in options:
            if name in _OF_ONE_TABLE:
                raise typer.BadParameter(
                    f"--format json {_OF_ONE_TABLE[name]}; {name} is for the other formats"
                )
    if output_format is Format.PROMETHEUS and options:
        raise typer.BadParameter(f"--format prometheus has no tables; leave {options[0]} out")
    if "--sort" in options and table == "findings":
        raise typer.BadParameter("findings stand with the worst first; leave --sort out")
    if options == ["--sort"] and output_format in {Format.TEXT, Format.MARKDOWN}:
        raise typer.BadParameter("--sort is of one table: give --by, --every or --table too")
