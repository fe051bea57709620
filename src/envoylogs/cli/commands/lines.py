"""``envoylogs lines``: the original lines behind a number, untouched."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from envoylogs.cli.anonymizing import anonymizer_of
from envoylogs.cli.console import closed_pipe_is_no_error, say
from envoylogs.cli.exits import Exit
from envoylogs.cli.options import AnonymizeOption, MapOption, SourcesArgument, TextFormatOption
from envoylogs.cli.selecting import SelectionOptions, selected, with_selection
from envoylogs.cli.settings import ShowConfigOption, field_keys
from envoylogs.cli.show_config import print_config
from envoylogs.cli.text_format import parsed_text_format
from envoylogs.cli.wanted import named_sources
from envoylogs.errors import EmptySelectionError, SelectionError
from envoylogs.render.formatting import printable
from envoylogs.render.unread import untimed_left_out

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from envoylogs.envoy.field_keys import FieldKeys
    from envoylogs.envoy.text_formats import TextFormat
    from envoylogs.keyed.anonymize import Anonymizer
    from envoylogs.keyed.selection import Selection
    from envoylogs.sources.source import Source

__all__ = ["lines"]


@with_selection
def lines(  # noqa: PLR0913, PLR0917  # one parameter an option
    context: typer.Context,
    selection: SelectionOptions,
    sources: SourcesArgument = None,
    finding: Annotated[
        int | None,
        typer.Option(
            "--finding",
            min=1,
            metavar="N",
            show_default=False,
            help="The lines behind this finding of summarize. Reads twice.",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", "-n", min=1, help="Records at most.", show_default=False),
    ] = None,
    text_format: TextFormatOption = None,
    mapped: MapOption = None,  # noqa: ARG001  # field_keys has it, with what files say
    bare: Annotated[
        bool,
        typer.Option("--bare", help="Only the lines, fit to be read again; no file and number."),
    ] = False,
    anonymize: AnonymizeOption = False,
    show_config: ShowConfigOption = False,
) -> None:
    """Print the original lines of some records, with file and line number.

    Takes the same selection as summarize; with --finding the lines are those
    that summarize counted for it. With --anonymize records are printed instead,
    since a line that was changed would be no original.

    \b
    envoylogs lines gateway.log --outcome no_route
    envoylogs lines gateway.log --finding 1 --limit 3
    kubectl logs ... | envoylogs lines --code 503 --bare | jq .request_id
    """  # noqa: D301  # \b keeps the lines of the examples
    if show_config:
        print_config(context)
        return
    keys = field_keys(context)
    form = parsed_text_format(context, text_format, keys)
    located = named_sources(sources, "lines")
    anonymizer = anonymizer_of(anonymize)
    twice = finding is not None or anonymizer is not None
    with selected(selection, located, text_format=form, keys=keys, read_twice=twice) as (
        wanted,
        kept,
    ):
        if finding is None and not wanted:
            raise typer.BadParameter("say which lines: --outcome, --finding or another selection")
        conditions = [wanted]
        if finding is not None:
            conditions.append(_behind(finding, kept, wanted, form, keys))
        untimed: list[int] = []
        try:
            found = (
                _lines(kept, conditions, form, keys, untimed=untimed, bare=bare)
                if anonymizer is None
                else _records(kept, conditions, form, keys, anonymizer, untimed=untimed)
            )
            printed = _print(found, limit, bare=bare)
        except KeyboardInterrupt:
            raise typer.Exit(Exit.INTERRUPTED) from None
    left_out = untimed_left_out(sum(untimed))
    if left_out is not None:
        say(f"envoylogs: {left_out}")
    if not printed:
        raise EmptySelectionError.no_line(" ".join(c.text for c in conditions if c))


def _behind(
    number: int,
    sources: list[Source],
    selection: Selection,
    text_format: TextFormat | None,
    keys: FieldKeys,
) -> Selection:
    """Return the records that a finding counts.

    Raises:
        SelectionError: If there is no such finding, or none of its own records.
    """
    from envoylogs.keyed.selection import Selection
    from envoylogs.pipeline import Reading, tally_sources
    from envoylogs.summary.summary import summarize

    reading = Reading(selection=selection, text_format=text_format, keys=keys)
    tally = tally_sources(sources, reading=reading)
    findings = summarize(tally).findings
    if number > len(findings):
        raise SelectionError.no_finding(number, [found.title for found in findings])
    found = findings[number - 1]
    if found.condition is None:
        raise SelectionError.finding_of_the_log(number, found.title)
    return Selection.of({}, where=found.condition)


_Printed = tuple[str, int, bytes]
"""The name of a source, the number of a line in it, and what is printed of it."""


def _lines(  # noqa: PLR0913  # one parameter a concern of the caller
    sources: list[Source],
    conditions: list[Selection],
    text_format: TextFormat | None,
    keys: FieldKeys,
    *,
    untimed: list[int],
    bare: bool,
) -> Iterator[list[_Printed]]:
    """Yield the lines of the records that meet all conditions, some at a time."""
    from envoylogs.records import selected_lines

    before: tuple[str, int] | None = None
    for frame in selected_lines(
        sources, conditions, text_format=text_format, keys=keys, on_untimed=untimed.append
    ):
        found = []
        for source, line, text in frame.rows():
            # Read again, a line that holds several records would give all of them each time.
            if not (bare and (source, line) == before):
                found.append((source, line, text))
            before = (source, line)
        yield found


def _records(  # noqa: PLR0913  # one parameter a concern of the caller
    sources: list[Source],
    conditions: list[Selection],
    text_format: TextFormat | None,
    keys: FieldKeys,
    anonymizer: Anonymizer,
    *,
    untimed: list[int],
) -> Iterator[list[_Printed]]:
    """Yield the records that meet all conditions as JSON, anonymized, some at a time."""
    from envoylogs.records import anonymized_records
    from envoylogs.render.records import record_line

    for frame in anonymized_records(
        sources,
        conditions,
        anonymizer,
        text_format=text_format,
        keys=keys,
        on_untimed=untimed.append,
    ):
        records = frame.with_columns(frame["start_time"].dt.epoch("us"))
        yield [
            (record.pop("source"), record.pop("line"), record_line(record).rstrip().encode())
            for record in records.iter_rows(named=True)
        ]


def _print(found: Iterable[list[_Printed]], limit: int | None, *, bare: bool) -> int:
    """Print lines or records; return how many.

    Strangers write values, so to a terminal goes only what can't act on it.
    """
    printed = 0
    out = sys.stdout.buffer
    is_terminal = sys.stdout.isatty()
    with closed_pipe_is_no_error():
        for some in found:
            for source, line, text in some:
                if not bare:
                    out.write(f"{printable(source)}:{line}:".encode())
                out.write((_for_terminal(text) if is_terminal else text) + b"\n")
                printed += 1
                if printed == limit:
                    break
            out.flush()
            if printed == limit:
                break
    return printed


def _for_terminal(text: bytes) -> bytes:
    """Return the lines of a record with escapes in the place of what a terminal acts on."""
    shown = text.decode("utf-8", "backslashreplace")
    lines = (printable(line) if line else "" for line in shown.replace("\r\n", "\n").split("\n"))
    return "\n".join(lines).removesuffix("\\r").encode()
