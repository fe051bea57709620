"""``envoylogs summarize``: the answer, and every number behind it."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import typer

from envoylogs.cli.console import output_file, say, say_error
from envoylogs.cli.exits import Exit
from envoylogs.cli.options import (
    ColorOption,
    Format,
    FormatOption,
    LimitOption,
    OutputOption,
    RejectsOption,
    SourcesArgument,
    StrictOption,
    When,
)
from envoylogs.errors import IncompleteSourceError, LogFormatError, OutputError
from envoylogs.reading.fates import REASONS
from envoylogs.render.formatting import counted, printable, size, window
from envoylogs.sources.compression import PROBLEMS

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import BufferedWriter
    from pathlib import Path

    from envoylogs.render.renderer import Renderer
    from envoylogs.sources.source import Source
    from envoylogs.summary.accounts import Accounts
    from envoylogs.summary.summary import Summary
    from envoylogs.tally.tally import Tally

__all__ = ["summarize"]

_WORTH_A_RATE = 10_000_000
"""From how many bytes on the speed says something."""


def summarize(  # noqa: PLR0913, PLR0917  # one parameter an option
    sources: SourcesArgument = None,
    output_format: FormatOption = Format.TEXT,
    limit: LimitOption = None,
    output: OutputOption = None,
    strict: StrictOption = False,  # noqa: FBT002  # typer reads the default
    rejects: RejectsOption = None,
    color: ColorOption = When.AUTO,
) -> None:
    """Say what is wrong at the gateway, whose fault it is and what to do next.

    Findings come first, then totals, the ledger of 404s, the split per subset
    and tables by authority, route, code, cluster, outcome and more.

    \b
    kubectl logs -n istio-system deploy/istio-ingressgateway | envoylogs
    envoylogs summarize gateway.log --format json | jq .findings
    """  # noqa: D301  # \b keeps the lines of the examples
    started = time.monotonic()
    from envoylogs.sources.locate import locate
    from envoylogs.summary.summary import summarize as summary_of

    if not sources:
        if sys.stdin.isatty():
            say("Usage: envoylogs summarize [OPTIONS] [SOURCE]...")
            say("Name a log file, or pipe one in: kubectl logs ... | envoylogs summarize")
            raise typer.Exit(Exit.USAGE)
        sources = ["-"]
    located = locate(sources)
    tally = _tallied(located, rejects)
    summary = summary_of(tally)
    named = {source.name for source in located if not source.found}
    incomplete = _incomplete_sources(summary.accounts)
    if incomplete and not summary.accounts.records:
        for error in incomplete:
            say_error(error)
        _name_what_is_no_log(summary.accounts, named)
        raise typer.Exit(Exit.ERROR)
    no_log_named = _name_what_is_no_log(summary.accounts, named)
    with output_file(output) as out:
        _renderer(output_format, limit, color).render(summary, out)
    _say_what_was_covered(summary, time.monotonic() - started)
    for error in incomplete:
        say_error(error)
    if strict and summary.accounts.malformed:
        reasons = summary.accounts.malformed_by_reason
        raise LogFormatError.strict(summary.accounts.malformed, summary.accounts.lines, reasons)
    if no_log_named or incomplete:
        raise typer.Exit(Exit.ERROR)


def _tallied(located: list[Source], rejects: Path | None) -> Tally:
    from envoylogs.pipeline import tally_sources

    with ExitStack() as files:
        on_malformed: Callable[[bytes], None] | None = None
        if rejects is not None:
            try:
                kept = files.enter_context(rejects.open("wb"))
            except OSError as error:
                raise OutputError.unwritable(str(rejects), error) from error
            on_malformed = _line_writer(kept)
        return tally_sources(located, on_malformed=on_malformed)


def _line_writer(file: BufferedWriter) -> Callable[[bytes], None]:
    def write(line: bytes) -> None:
        file.write(line + b"\n")

    return write


def _renderer(output_format: Format, limit: int | None, color: When) -> Renderer:
    rows = None if limit == 0 else limit
    if output_format is Format.JSON:
        from envoylogs.render.records import JsonRenderer

        return JsonRenderer(limit=rows)
    from envoylogs.render.terminal.screen import DEFAULT_LIMIT, TerminalRenderer

    wanted = {When.AUTO: None, When.ALWAYS: True, When.NEVER: False}[color]
    return TerminalRenderer(limit=DEFAULT_LIMIT if limit is None else rows, color=wanted)


def _name_what_is_no_log(accounts: Accounts, named: set[str]) -> bool:
    """Say which sources hold no record; tell whether one of them was asked for by name.

    Raises:
        LogFormatError: If no source at all holds a record and one holds lines.
    """
    without = [
        row
        for row in accounts.sources.iter_rows(named=True)
        if not row["records"] and row["lines"] > row["blank"]
    ]
    asked_for = False
    for row in without:
        name = row["source"]
        examples = accounts.examples.filter(accounts.examples["source"] == name).head(3)
        error = LogFormatError.no_record(
            printable(name),
            row["lines"],
            [
                f"line {line:,} ({REASONS.get(reason, 'not JSON of an access record')}): "
                f"{printable(text[:100])}"
                for line, reason, text in examples.select("line", "reason", "text").rows()
            ],
        )
        if not accounts.records:
            raise error
        if name in named:
            asked_for = True
            say_error(error)
        else:
            say(f"envoylogs: {printable(name)}: passed over, it holds no access record.")
    return asked_for


def _incomplete_sources(accounts: Accounts) -> list[IncompleteSourceError]:
    return [
        IncompleteSourceError.of(
            printable(source), problem, PROBLEMS[problem.partition("_")[0]], bytes_read
        )
        for source, problem, bytes_read in accounts.damaged.iter_rows()
    ]


def _say_what_was_covered(summary: Summary, seconds: float) -> None:
    accounts, overview = summary.accounts, summary.overview
    if not accounts.lines:
        say("envoylogs: the input is empty: no line was read.")
        return
    when = "" if overview.first is None else f", {window(overview.first, overview.last)}"
    n = accounts.sources.height
    parts = [f"{counted(accounts.records, 'record')} of {counted(accounts.lines, 'line')}"]
    parts += [
        f"{number:,} {name}"
        for name, number in (
            ("malformed", accounts.malformed),
            ("of other programs", accounts.other),
        )
        if number
    ]
    speed = f"{size(accounts.bytes)} in {seconds:.1f} s"
    if accounts.bytes >= _WORTH_A_RATE:
        speed += f" ({size(round(accounts.bytes / seconds))}/s)"
    say(f"{', '.join(parts)}, in {counted(n, 'source')}{when}; {speed}.")
