"""``envoylogs lines``: the original lines behind a number, untouched."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from envoylogs.cli.commands.summarize import named_sources, parsed_text_format
from envoylogs.cli.console import closed_pipe_is_no_error
from envoylogs.cli.exits import Exit
from envoylogs.cli.options import SourcesArgument, TextFormatOption
from envoylogs.cli.selecting import SelectionOptions, selected, with_selection
from envoylogs.errors import EmptySelectionError, SelectionError
from envoylogs.render.formatting import printable

if TYPE_CHECKING:
    from envoylogs.envoy.text_formats import TextFormat
    from envoylogs.reading.selection import Selection
    from envoylogs.sources.source import Source

__all__ = ["lines"]


@with_selection
def lines(  # noqa: PLR0913, PLR0917  # one parameter an option
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
    bare: Annotated[
        bool,
        typer.Option("--bare", help="Only the lines, fit to be read again; no file and number."),
    ] = False,
) -> None:
    """Print the original lines of some records, with file and line number.

    Takes the same selection as summarize; with --finding the lines are those
    that summarize counted for it.

    \b
    envoylogs lines gateway.log --outcome no_route
    envoylogs lines gateway.log --finding 1 --limit 3
    kubectl logs ... | envoylogs lines --code 503 --bare | jq .request_id
    """  # noqa: D301  # \b keeps the lines of the examples
    form = parsed_text_format(text_format)
    located = named_sources(sources)
    twice = finding is not None
    with selected(selection, located, text_format=form, read_twice=twice) as (wanted, kept):
        if finding is None and not wanted:
            raise typer.BadParameter("say which lines: --outcome, --finding or another selection")
        conditions = [wanted]
        if finding is not None:
            conditions.append(_behind(finding, kept, wanted, form))
        try:
            printed = _print(kept, conditions, form, limit, bare=bare)
        except KeyboardInterrupt:
            raise typer.Exit(Exit.INTERRUPTED) from None
    if not printed:
        raise EmptySelectionError.no_line(" ".join(c.text for c in conditions if c))


def _behind(
    number: int, sources: list[Source], selection: Selection, text_format: TextFormat | None
) -> Selection:
    """Return the records that a finding counts.

    Raises:
        SelectionError: If there is no such finding, or none of its own records.
    """
    from envoylogs.pipeline import tally_sources
    from envoylogs.reading.selection import Selection
    from envoylogs.summary.summary import summarize

    tally = tally_sources(sources, selection=selection, text_format=text_format)
    findings = summarize(tally).findings
    if number > len(findings):
        raise SelectionError.no_finding(number, [found.title for found in findings])
    found = findings[number - 1]
    if found.where is None:
        raise SelectionError.finding_of_the_log(number, found.title)
    return Selection.of({}, where=found.where)


def _print(
    sources: list[Source],
    conditions: list[Selection],
    text_format: TextFormat | None,
    limit: int | None,
    *,
    bare: bool,
) -> int:
    """Print the lines of the records that meet all conditions; return how many records."""
    from envoylogs.pipeline import selected_lines

    printed = 0
    out = sys.stdout.buffer
    with closed_pipe_is_no_error():
        for frame in selected_lines(sources, conditions, text_format=text_format):
            for source, line, text in frame.rows():
                if not bare:
                    out.write(f"{printable(source)}:{line}:".encode())
                out.write(text + b"\n")
                printed += 1
                if printed == limit:
                    break
            out.flush()
            if printed == limit:
                break
    return printed
