"""``envoylogs query``: SQL over the records of logs."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from envoylogs.cli.console import output_file
from envoylogs.cli.files import Files
from envoylogs.cli.log_options import LogOptions, reads_logs
from envoylogs.cli.memory import Memory
from envoylogs.cli.options import (
    READ,
    SHOW,
    WHICH,
    RowsOption,
    format_option,
    option,
    output_option,
)
from envoylogs.cli.session import Session
from envoylogs.outputs import replaced_file

if TYPE_CHECKING:
    import polars as pl

_SHOWN = 50
_NOT_OWN = "kind <> 'own'"


class QueryFormat(StrEnum):
    """Formats of the rows of a query."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"
    NDJSON = "ndjson"
    MARKDOWN = "markdown"


_BY_NAME = {
    ".csv": QueryFormat.CSV,
    ".ndjson": QueryFormat.NDJSON,
    ".jsonl": QueryFormat.NDJSON,
    ".json": QueryFormat.JSON,
    ".md": QueryFormat.MARKDOWN,
}


@reads_logs
def query(  # noqa: PLR0913, PLR0917  # one parameter an option
    log: LogOptions,
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[SOURCE]... SQL",
            rich_help_panel=READ,
            help="Files, folders, globs, saved tallies, or - for a pipe; last the query, over the "
            "table logs, of tallies over the tables of --table.",
            show_default=False,
        ),
    ],
    output_format: Annotated[
        QueryFormat | None,
        format_option(
            about=SHOW,
            help="text for people; json, ndjson, csv or markdown has all rows. Without it as the "
            "name of the output says, else text.",
        ),
    ] = None,
    limit: RowsOption = None,
    own_traffic: Annotated[
        bool,
        option(
            "--own-traffic",
            about=WHICH,
            help="With the gateway's own health checks and scrapes, which no summary counts among "
            "the requests. So it is too if the query or --where names kind.",
        ),
    ] = False,
    output: Annotated[
        Path | None,
        output_option(
            help="Write to this file; .parquet and .sqlite are told by its name, as .csv, .ndjson, "
            ".json and .md are."
        ),
    ] = None,
) -> None:
    """Answer a question in SQL over the records: one row each, in the table logs.

    The SQL is Polars'; only the columns that a query names are read.
    'envoylogs columns' says what they hold. Of saved tallies it is asked of their tables.

    \b
    envoylogs query gateway.log "SELECT host, count(*) AS n FROM logs GROUP BY host ORDER BY n DESC"
    kubectl logs ... | envoylogs query "SELECT path, duration_ms FROM logs ORDER BY 2 DESC LIMIT 5"
    envoylogs query logs/ "SELECT DISTINCT client FROM logs WHERE outcome = 'no_route'" -f csv
    envoylogs query week.tally "SELECT authority, errors FROM authority WHERE errors > 0"
    """  # noqa: D301  # \b keeps the lines of the examples
    *sources, sql = words
    if os.path.exists(sql):  # noqa: PTH110  # a query may be too long for a path
        raise typer.BadParameter(f"{sql} is a source; give the query behind it, in quotes")
    usage = "query SQL" if sys.stdin.isatty() else "query"
    shown, is_table = _shown_as(output_format, output)
    most = _most_rows(shown, limit)
    with Session(log, sources, usage, files=Files(output)) as session:
        is_all = own_traffic or any(_names_kind(asked) for asked in (sql, log.where or ""))
        table = _answer(session, sql, most, "" if is_all else _NOT_OWN)
        if output is not None and is_table:
            _write_table(table if most is None else table.head(most), output)
            return
        with output_file(output) as out:
            out.write(_printed(table, shown, most))


def _names_kind(sql: str) -> bool:
    from envoylogs.keyed.sql_tokens import Tokens

    return "kind" in Tokens(sql).names()


def _answer(session: Session, sql: str, most: int | None, also: str) -> pl.DataFrame:
    """Return the rows of an answer, of saved tallies by their tables, of logs by their records."""
    from envoylogs.keyed.answers import LOGS, answer
    from envoylogs.tally.storage import holds_records, is_saved_tally

    if all(is_saved_tally(source) and not holds_records(source) for source in session.located):
        return _answer_of_counts(session, sql, most)
    with session.frame(also=also) as frame:
        return session.run(lambda: answer(sql, {LOGS: frame}, most))


def _answer_of_counts(session: Session, sql: str, most: int | None) -> pl.DataFrame:
    from envoylogs.analysis import Analysis
    from envoylogs.keyed.answers import answer
    from envoylogs.keyed.sql_tokens import Tokens

    tally = session.tally(Memory((), None, None, None))
    session.summary(tally)
    analysis = Analysis(tally)
    # What is not named is not made; SHOW TABLES names none and makes all.
    named = Tokens(sql).names()
    tables = {
        name: analysis.flat_table(name).lazy()
        for name in analysis.tables
        if name in named or "TABLES" in {word.upper() for word in named}
    }
    return answer(sql, tables, most, analysis.tables)


def _shown_as(asked: QueryFormat | None, output: Path | None) -> tuple[QueryFormat, bool]:
    """Return the format, and whether the name of the output asks for a table that is no text.

    Raises:
        typer.BadParameter: If both are asked for.
    """
    from envoylogs.frame_files import OF_TABLES

    suffix = "" if output is None else output.suffix.lower()
    if suffix not in OF_TABLES:
        return asked or _BY_NAME.get(suffix, QueryFormat.TEXT), False
    if asked is not None:
        raise typer.BadParameter(f"{output} is told by its name, and no {asked}: give one of both")
    return QueryFormat.NDJSON, True


def _write_table(table: pl.DataFrame, output: Path) -> None:
    from envoylogs.frame_files import write_frame

    with replaced_file(output) as beside:
        write_frame(table.lazy(), beside, output.suffix.lower(), {}, table="answer")


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
