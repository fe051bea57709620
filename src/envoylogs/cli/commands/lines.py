"""``envoylogs lines``: the original lines behind a number, untouched."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from envoylogs.cli.console import Exit, say
from envoylogs.cli.log_options import LogOptions, reads_logs
from envoylogs.cli.options import SHOW, LogsArgument, limit_option, option
from envoylogs.cli.session import Session
from envoylogs.errors import EmptySelectionError
from envoylogs.render.caveats import untimed_left_out
from envoylogs.render.formatting import printable, window

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from envoylogs.keyed.plan import ReadPlan
    from envoylogs.sources.source import Source


@reads_logs
def lines(
    log: LogOptions,
    sources: LogsArgument = None,
    limit: Annotated[int | None, limit_option(min=1, help="Records at most.")] = None,
    bare: Annotated[
        bool,
        option(
            "--bare",
            about=SHOW,
            help="Only the lines, fit to be read again; no file and number.",
        ),
    ] = False,
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
    with (
        Session(log, sources, "lines") as session,
        session.sources(read_twice=log.anonymize) as (kept, plan),
    ):
        if not plan.selection:
            raise typer.BadParameter("say which lines: --outcome, --finding or another selection")
        untimed: list[int] = []
        try:
            found = (
                _lines(kept, plan, untimed=untimed, bare=bare)
                if plan.anonymizer is None
                else _records(kept, plan, untimed=untimed)
            )
            printed = _print(found, limit, bare=bare)
        except KeyboardInterrupt:
            raise typer.Exit(Exit.INTERRUPTED) from None
    left_out = untimed_left_out(sum(untimed))
    if left_out is not None:
        say(f"envoylogs: {left_out}")
    if not printed:
        raise EmptySelectionError(f"no record fits {plan.selection.text}.{_covered(kept, plan)}")


def _covered(sources: list[Source], plan: ReadPlan) -> str:
    """Return which window the log covers, if it matters and can be looked at once more."""
    selection = plan.selection
    is_timed = selection.since_us is not None or selection.until_us is not None
    if not is_timed or any(source.is_pipe for source in sources):
        return ""
    from envoylogs.records import times_of

    found = times_of(sources, plan, "--since")
    return "" if found is None else f" The log covers {window(*found)}."


_Printed = tuple[str, int, bytes]
"""The name of a source, the number of a line in it, and what is printed of it."""


def _lines(
    sources: list[Source],
    plan: ReadPlan,
    *,
    untimed: list[int],
    bare: bool,
) -> Iterator[list[_Printed]]:
    """Yield the lines of the records that were selected, some at a time."""
    from envoylogs.records import selected_lines

    before: tuple[str, int] | None = None
    for frame in selected_lines(sources, plan, on_untimed=untimed.append):
        found = []
        for source, line, text in frame.rows():
            # Read again, a line that holds several records would give all of them each time.
            if not (bare and (source, line) == before):
                found.append((source, line, text))
            before = (source, line)
        yield found


def _records(
    sources: list[Source], plan: ReadPlan, *, untimed: list[int]
) -> Iterator[list[_Printed]]:
    """Yield the records that were selected as JSON, anonymized, some at a time."""
    from envoylogs.records import anonymized_records
    from envoylogs.render.records import record_line

    for frame in anonymized_records(sources, plan, on_untimed=untimed.append):
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
    shown = text.decode("utf-8", "backslashreplace").removesuffix("\r").replace("\r\n", "\n")
    return "\n".join(map(_line_for_terminal, shown.split("\n"))).encode()


def _line_for_terminal(line: str) -> str:
    # Spaces alone are no name here that nobody would see.
    return "\t".join(printable(part) if part.strip(" ") else part for part in line.split("\t"))
