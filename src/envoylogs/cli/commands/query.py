"""``envoylogs query``: SQL over the records of logs."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from envoylogs.cli.console import output_file
from envoylogs.cli.files import Files
from envoylogs.cli.log_options import LogOptions, reads_logs
from envoylogs.cli.options import READ, SHOW, LimitOption, OutputOption, format_option
from envoylogs.cli.session import Session

if TYPE_CHECKING:
    import polars as pl

_TABLE = "logs"
_SHOWN = 50


class QueryFormat(StrEnum):
    """Formats of the rows of a query."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"
    NDJSON = "ndjson"
    MARKDOWN = "markdown"


@reads_logs
def query(
    log: LogOptions,
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[SOURCE]... SQL",
            rich_help_panel=READ,
            help="Files, folders, globs, or - for a pipe; last the query, over the table logs.",
            show_default=False,
        ),
    ],
    output_format: Annotated[
        QueryFormat,
        format_option(
            about=SHOW, help="text for people; json, ndjson, csv or markdown has all rows."
        ),
    ] = QueryFormat.TEXT,
    limit: LimitOption = None,
    output: OutputOption = None,
) -> None:
    """Answer a question in SQL over the records: one row each, in the table logs.

    The SQL is Polars'; only the columns that a query names are read.
    envoylogs help columns says what they hold.

    \b
    envoylogs query gateway.log "SELECT host, count(*) AS n FROM logs GROUP BY host ORDER BY n DESC"
    kubectl logs ... | envoylogs query "SELECT path, duration_ms FROM logs ORDER BY 2 DESC LIMIT 5"
    envoylogs query logs/ "SELECT DISTINCT client FROM logs WHERE outcome = 'no_route'" -f csv
    """  # noqa: D301  # \b keeps the lines of the examples
    *sources, sql = words
    if os.path.exists(sql):  # noqa: PTH110  # a query may be too long for a path
        raise typer.BadParameter(f"{sql} is a source; give the query behind it, in quotes")
    usage = "query SQL" if sys.stdin.isatty() else "query"
    most = _most_rows(output_format, limit)
    from envoylogs.keyed.answers import answer

    with Session(log, sources, usage, files=Files(output)) as session:
        with session.frame() as frame:
            table = session.run(lambda: answer(sql, {_TABLE: frame}, most))
        with output_file(output) as out:
            out.write(_printed(table, output_format, most))


def _most_rows(output_format: QueryFormat, limit: int | None) -> int | None:
    """Return how many rows are shown, null for all."""
    if limit is None:
        return _SHOWN if output_format is QueryFormat.TEXT else None
    return limit or None


def _printed(table: pl.DataFrame, output_format: QueryFormat, most: int | None) -> str:
    from envoylogs.render.queried import OF_ALL_ROWS, as_text

    if output_format is QueryFormat.TEXT:
        return as_text(table, most)
    return OF_ALL_ROWS[output_format](table if most is None else table.head(most))
