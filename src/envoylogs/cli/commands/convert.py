"""``envoylogs convert``: normalized records as Parquet, NDJSON, CSV or SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from envoylogs.cli.completion import several_of, written_columns
from envoylogs.cli.files import Files
from envoylogs.cli.log_options import LogOptions, reads_logs
from envoylogs.cli.options import SHOW, WRITE, AllLinesOption, LogsArgument, option, output_option
from envoylogs.cli.renderers import columns_among
from envoylogs.cli.session import Session
from envoylogs.errors import OutputError
from envoylogs.outputs import replaced_file
from envoylogs.sources.temporary import temporary_folder

if TYPE_CHECKING:
    import polars as pl


@reads_logs
def convert(  # noqa: PLR0913, PLR0917  # one parameter an option
    log: LogOptions,
    sources: LogsArgument = None,
    output: Annotated[
        Path | None,
        output_option(help="records.parquet, .ndjson, .csv or .sqlite; with --by-day a folder."),
    ] = None,
    columns: Annotated[
        list[str] | None,
        option(
            "--columns",
            metavar="NAMES",
            about=SHOW,
            autocompletion=several_of(written_columns),
            help="Only these columns, in this order. Repeat or separate by commas.",
        ),
    ] = None,
    by_day: Annotated[
        bool,
        option(
            "--by-day",
            about=WRITE,
            help="A folder of Parquet files, one a day: day=2026-11-01/.",
        ),
    ] = False,
    unknown_keys: Annotated[
        bool,
        option(
            "--unknown-keys",
            about=SHOW,
            help="One more column, unknown_keys: what of a JSON record no column holds, as JSON.",
        ),
    ] = False,
    strict: AllLinesOption = False,
) -> None:
    """Write normalized records to a file: Parquet, NDJSON, CSV, SQLite, in bounded memory.

    Every format of logs becomes the same columns with proper types: times in
    UTC, whole numbers, nulls for what is missing, and the outcome of each
    request. 'envoylogs columns' says what they hold.

    \b
    envoylogs convert logs/ -o records.parquet
    envoylogs convert logs/ --by-day -o records/
    envoylogs convert gateway.log --code 5xx --columns start_time,host,path -o errors.csv
    """  # noqa: D301  # \b keeps the lines of the examples
    if output is None:
        raise typer.BadParameter("say where to: -o records.parquet, .ndjson, .csv or .sqlite")
    from envoylogs.frame_files import FORMATS

    if not by_day and output.suffix.lower() not in FORMATS:
        raise typer.BadParameter(
            f"{output}: the format is told by the name: {', '.join(FORMATS)}; or give --by-day"
        )
    wanted = _wanted(columns, unknown_keys=unknown_keys)
    if by_day and "start_time" not in wanted:
        raise typer.BadParameter("--by-day needs the column start_time")
    usage = "convert -o records.parquet"
    with (
        Session(log, sources, usage, files=Files(output), strict=strict) as session,
        session.frame(unknown_keys=unknown_keys) as frame,
    ):
        (_write_days if by_day else _write)(session, frame.select(wanted), output)


def _wanted(columns: list[str] | None, *, unknown_keys: bool) -> Sequence[str]:
    from envoylogs.frames import SCANNED
    from envoylogs.schema import UNKNOWN_KEYS

    known = [*SCANNED, *([UNKNOWN_KEYS] if unknown_keys else [])]
    return columns_among(columns, known, "column") or known


def _metadata(session: Session) -> dict[str, str]:
    """Return what is kept in a Parquet file of where its rows are from."""
    import json

    from envoylogs import __version__
    from envoylogs.frames import ORIGIN

    found = {"tool": f"envoylogs {__version__}", "sources": session.names, **session.origin}
    return {ORIGIN: json.dumps(found)}


def _write(session: Session, frame: pl.LazyFrame, output: Path) -> None:
    """Write a file, which takes its place when it is whole."""
    from envoylogs.frame_files import write_frame

    suffix = output.suffix.lower()
    with replaced_file(output) as beside:
        session.run(lambda: write_frame(frame, beside, suffix, _metadata(session)))


def _write_days(session: Session, frame: pl.LazyFrame, folder: Path) -> None:
    """Write a folder of days, which takes its place when it is whole."""
    from envoylogs.frame_files import write_by_day

    try:
        if folder.exists() and any(folder.iterdir()):
            raise OutputError(
                f"{folder}: is a folder with files in it. Name one that is new or empty."
            )
        folder.parent.mkdir(parents=True, exist_ok=True)
        with temporary_folder(folder.parent, folder.name) as beside:
            made = beside / "days"
            session.run(lambda: write_by_day(frame, made, _metadata(session)))
            made.mkdir(exist_ok=True)
            made.rename(folder)
    except OSError as error:
        raise OutputError.unwritable(str(folder), error) from error
