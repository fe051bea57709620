"""What is shown of a summary, and what writes it in the format that was asked for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import typer

from envoylogs.cli.options import Format, When
from envoylogs.errors import UnknownKeyError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import TextIO

    from envoylogs.summary.summary import Summary

_MOST_ROWS = 2**32 - 1
"""More rows than this no table can have."""


def writer_of(
    output_format: Format, table: str | None, limit: int | None, color: When
) -> Callable[[Summary, TextIO], None]:
    """Return what writes a summary, or one table of it, to an open file.

    The limit is 0 for all rows of a table, null for what is usual.
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
    from envoylogs.render.terminal.screen import DEFAULT_LIMIT, write_text

    wanted = {When.AUTO: None, When.ALWAYS: True, When.NEVER: False}[color]
    shown = DEFAULT_LIMIT if limit is None else rows
    return partial(write_text, limit=shown, color=wanted, table=table)


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


def table_alone(output_format: Format, table: str | None, columns: tuple[str, ...]) -> str | None:
    """Return the table that is wanted alone; null for all there is.

    Raises:
        UnknownKeyError: If there is no such table.
        typer.BadParameter: If two were asked for, or one of a format that has all.
    """
    from envoylogs.summary.tables import ASKED, ASKED_CONNECTIONS, CONNECTIONS, known_table

    if table not in {None, CONNECTIONS} and columns:
        raise typer.BadParameter(
            "give --table or --by, not both; --table connections --by counts connections"
        )
    if table is not None and output_format is Format.JSON:
        raise typer.BadParameter("--format json has all tables; --table is for the other formats")
    if (table is not None or columns) and output_format is Format.PROMETHEUS:
        raise typer.BadParameter("--format prometheus has no tables; leave --table and --by out")
    if columns:
        return ASKED if table is None else ASKED_CONNECTIONS
    if table is None and output_format in {Format.CSV, Format.NDJSON}:
        return "groups"
    return None if table is None else known_table(table)
