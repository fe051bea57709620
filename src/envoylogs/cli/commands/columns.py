"""``envoylogs columns``: what can be asked of a record, and what this log has of it."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Annotated, Any

import typer

from envoylogs.cli.commands.query import QueryFormat
from envoylogs.cli.console import output_file
from envoylogs.cli.files import Files
from envoylogs.cli.log_options import LogOptions, reads_logs
from envoylogs.cli.options import READ, SHOW, OutputOption, format_option
from envoylogs.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import polars as pl

_LOOKED_AT = 10_000
_WIDTH = 96
_INDENT = 35
_LONGEST = 120


@reads_logs
def columns(
    log: LogOptions,
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE",
            rich_help_panel=READ,
            help="Files, folders, globs, or - for a pipe, for an example of each column.",
            show_default=False,
        ),
    ] = None,
    output_format: Annotated[
        QueryFormat,
        format_option(about=SHOW, help="text for people, or json, ndjson, csv or markdown."),
    ] = QueryFormat.TEXT,
    output: OutputOption = None,
) -> None:
    """List the columns of a record: for query, --where, --by and convert.

    Says of each what it holds, and of a log an example: the first value in its
    first records. envoylogs help columns.md says more.

    \b
    envoylogs columns
    envoylogs columns gateway.log
    """  # noqa: D301  # \b keeps the lines of the examples
    if not sources:
        _write(None, output_format, output)
        return
    with Session(log, sources, "columns -", files=Files(output)) as session:
        with session.frame() as frame:
            first = session.run(frame.head(_LOOKED_AT).collect)
        _write(_examples(first), output_format, output)


def _examples(records: pl.DataFrame) -> dict[str, Any]:
    """Return the first value of each column, null where it has none."""
    return {column.name: next(iter(column.drop_nulls()), None) for column in records}


def _write(
    examples: Mapping[str, Any] | None, output_format: QueryFormat, output: Path | None
) -> None:
    import polars as pl

    from envoylogs.render.queried import OF_ALL_ROWS, as_value

    rows = list(_rows())
    if examples is not None:
        for row in rows:
            found = as_value(examples[row["column"]])
            is_word = isinstance(found, bool)
            row["example"] = (
                None if found is None else str(found).lower() if is_word else str(found)
            )
    if output_format is QueryFormat.TEXT:
        text = "\n".join(_listing(rows)) + "\n"
    else:
        text = OF_ALL_ROWS[output_format](pl.DataFrame(rows, infer_schema_length=None))
    with output_file(output) as out:
        out.write(text)


def _rows() -> Iterator[dict[str, Any]]:
    from envoylogs import schema
    from envoylogs.column_meanings import TYPES, in_plain_words

    for is_derived, names in (
        (False, schema.NORMALIZED | schema.POSITION),
        (True, schema.DERIVED),
    ):
        for name, dtype in names.items():
            yield {
                "column": name,
                "type": TYPES[str(dtype.base_type())],
                "derived": is_derived,
                "meaning": in_plain_words(name),
            }


def _listing(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the columns with what they say, and the examples under it."""
    from envoylogs.render.formatting import printable

    derived = next(row for row in rows if row["derived"])
    for row in rows:
        if row is derived:
            yield "\nDerived, and made only where they are named"
        yield textwrap.fill(
            f"{row['meaning']} [{row['type']}]",
            _WIDTH,
            initial_indent=f"{row['column']:<{_INDENT - 1}} ",
            subsequent_indent=" " * _INDENT,
        )
        if row.get("example") is not None:
            yield " " * _INDENT + printable(row["example"])[:_LONGEST]
