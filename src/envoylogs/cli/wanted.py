"""What options ask for, checked against what there is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from envoylogs.cli.console import say
from envoylogs.cli.exits import Exit
from envoylogs.cli.options import Format
from envoylogs.errors import UnknownKeyError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from envoylogs.sources.source import Source

__all__ = ["columns_among", "kept_span", "named_sources", "wanted_columns", "wanted_table"]


def kept_span(state: Path | None, keep_last: str | None) -> int | None:
    """Return how long days of a state are kept in microseconds, null for ever.

    Raises:
        typer.BadParameter: If there is no state.
        SelectionError: If it is no span.
    """
    from envoylogs.keyed.selection import span_of

    if keep_last is None:
        return None
    if state is None:
        raise typer.BadParameter("--keep-last forgets days of --state, which was not given")
    return span_of("--keep-last", keep_last)


def wanted_columns(by: list[str] | None) -> tuple[str, ...]:
    """Return the columns of ``--by`` or ``--joint``, each once.

    Raises:
        UnknownKeyError: If one of them does not exist.
    """
    from envoylogs import schema

    return columns_among(by, schema.COUNTABLE, "column to count by")


def columns_among(given: list[str] | None, known: Collection[str], kind: str) -> tuple[str, ...]:
    """Return columns that were given with commas or in several options, each once.

    Args:
        given: As it was.
        known: The columns that there are.
        kind: What an error calls them.

    Raises:
        UnknownKeyError: If one of them does not exist.
    """
    columns = dict.fromkeys(word.strip() for words in given or () for word in words.split(","))
    for name in columns:
        if name not in known:
            raise UnknownKeyError.of(kind, name, known)
    return tuple(columns)


def wanted_table(output_format: Format, table: str | None, columns: tuple[str, ...]) -> str | None:
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


def named_sources(words: list[str] | None, command: str) -> list[Source]:
    """Return the sources that a command was given; a pipe if none was named.

    Args:
        words: As they were given.
        command: Its name.

    Raises:
        SourceError: If one of them does not exist.
        typer.Exit: If none was named and standard input is a terminal.
    """
    from envoylogs.sources.locate import locate

    if not words:
        if sys.stdin.isatty():
            say(f"Usage: envoylogs {command} [OPTIONS] [SOURCE]...")
            say(f"Name a log file, or pipe one in: kubectl logs ... | envoylogs {command}")
            raise typer.Exit(Exit.USAGE)
        words = ["-"]
    return locate(words)
