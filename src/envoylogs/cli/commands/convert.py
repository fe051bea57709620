"""``envoylogs convert``: normalized records as Parquet, NDJSON or CSV."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from envoylogs.cli.console import refuse_to_overwrite, replaced_file
from envoylogs.cli.options import (
    AnonymizeOption,
    MapOption,
    SourcesArgument,
    StrictOption,
    TextFormatOption,
)
from envoylogs.cli.scanning import Scanned, scanned
from envoylogs.cli.selecting import SelectionOptions, with_selection
from envoylogs.cli.settings import ShowConfigOption
from envoylogs.cli.show_config import print_config
from envoylogs.cli.wanted import columns_among, named_sources
from envoylogs.errors import OutputError

__all__ = ["convert"]


@with_selection
def convert(  # noqa: PLR0913, PLR0917  # one parameter an option
    context: typer.Context,
    selection: SelectionOptions,
    sources: SourcesArgument = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            show_default=False,
            help="records.parquet, .ndjson (.jsonl) or .csv; with --by-day a folder.",
        ),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--columns",
            metavar="NAMES",
            show_default=False,
            help="Only these columns, in this order. Repeat or separate by commas.",
        ),
    ] = None,
    by_day: Annotated[
        bool,
        typer.Option("--by-day", help="A folder of Parquet files, one a day: day=2026-11-01/."),
    ] = False,
    unknown_keys: Annotated[
        bool,
        typer.Option(
            "--unknown-keys",
            help="One more column, unknown_keys: what of a JSON record no column holds, as JSON.",
        ),
    ] = False,
    text_format: TextFormatOption = None,
    mapped: MapOption = None,  # noqa: ARG001  # field_keys has it, with what files say
    strict: StrictOption = False,
    anonymize: AnonymizeOption = False,
    show_config: ShowConfigOption = False,
) -> None:
    """Write normalized records to a file: Parquet, NDJSON or CSV, in bounded memory.

    Every format of logs becomes the same columns with proper types: times in
    UTC, whole numbers, nulls for what is missing, and the outcome of each
    request. docs/columns.md says what they hold.

    \b
    envoylogs convert logs/ -o records.parquet
    envoylogs convert logs/ --by-day -o records/
    envoylogs convert gateway.log --code 5xx --columns start_time,host,path -o errors.csv
    """  # noqa: D301  # \b keeps the lines of the examples
    if show_config:
        print_config(context)
        return
    if output is None:
        raise typer.BadParameter("say where to: -o records.parquet, .ndjson or .csv")
    from envoylogs.converting import FORMATS

    if not by_day and output.suffix.lower() not in FORMATS:
        raise typer.BadParameter(
            f"{output}: the format is told by the name: {', '.join(FORMATS)}; or give --by-day"
        )
    located = named_sources(sources, "convert -o records.parquet")
    refuse_to_overwrite(located, (output,))
    wanted = _wanted(columns, unknown_keys=unknown_keys)
    if by_day and "start_time" not in wanted:
        raise typer.BadParameter("--by-day needs the column start_time")
    with scanned(
        context, selection, located, text_format,
        strict=strict, unknown_keys=unknown_keys, anonymize=anonymize,
    ) as records:  # fmt: skip
        if by_day:
            _write_days(records, wanted, output)
        else:
            _write(records, wanted, output)
    records.end()


def _wanted(columns: list[str] | None, *, unknown_keys: bool) -> Sequence[str]:
    """Return the columns that are written.

    Raises:
        UnknownKeyError: If one of them does not exist.
    """
    from envoylogs.frames import SCANNED
    from envoylogs.schema import UNKNOWN_KEYS

    known = [*SCANNED, *([UNKNOWN_KEYS] if unknown_keys else [])]
    return columns_among(columns, known, "column") or known


def _metadata(records: Scanned) -> dict[str, str]:
    """Return what is kept in a Parquet file of where its rows are from."""
    import json

    from envoylogs import __version__

    sources = records.ending.names
    return {"envoylogs": json.dumps({"tool": f"envoylogs {__version__}", "sources": sources})}


def _write(records: Scanned, wanted: Sequence[str], output: Path) -> None:
    """Write a file, which takes its place when it is whole."""
    from envoylogs.converting import FORMATS

    write, frame = FORMATS[output.suffix.lower()], records.frame.select(wanted)
    with replaced_file(output) as beside:
        records.run(lambda: write(frame, beside, _metadata(records)))
        records.check()


def _write_days(records: Scanned, wanted: Sequence[str], folder: Path) -> None:
    """Write a folder of days, which takes its place when it is whole.

    Raises:
        OutputError: If there is something in it already, or it can't be written.
    """
    from envoylogs.converting import write_by_day

    frame = records.frame.select(wanted)
    try:
        if folder.exists() and any(folder.iterdir()):
            raise OutputError.not_empty(str(folder))
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as beside:
            made = Path(beside) / "days"
            records.run(lambda: write_by_day(frame, made, _metadata(records)))
            records.check()
            made.mkdir(exist_ok=True)
            made.rename(folder)
    except OSError as error:
        raise OutputError.unwritable(str(folder), error) from error
