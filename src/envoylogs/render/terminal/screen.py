"""A summary as text: what a tired person needs comes first.

That is what is wrong, who must act, since when, what to do next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from rich.table import Table
from rich.text import Text

from envoylogs.render.caveats import notes_of, unused_keys_of
from envoylogs.render.formatting import printable
from envoylogs.render.terminal.cells import printing
from envoylogs.render.terminal.tables import print_table, print_tables
from envoylogs.render.words import (
    facts_of_finding,
    findings_shown,
    headline_of,
    lesser_findings,
    noise_of,
    severity_words,
    verdict_of,
    with_commands,
)
from envoylogs.summary.findings.finding import Finding, Severity

if TYPE_CHECKING:
    from rich.console import Console

    from envoylogs.summary.overview import Overview
    from envoylogs.summary.summary import Summary

DEFAULT_LIMIT, ROWS_OVER_TIME = 10, 50
"""How many rows a table has unless told otherwise; a day by the hour has 24."""


def write_text(  # noqa: PLR0913  # one parameter an option
    summary: Summary,
    out: TextIO,
    *,
    limit: int | None = DEFAULT_LIMIT,
    color: bool | None = None,
    width: int | None = None,
    table: str | None = None,
    lines: str | None = None,
) -> None:
    """Write findings, noise, overview and tables for a terminal, or one of ``tables.TABLES`` alone.

    At most ``limit`` rows of each, null for all; ``printing`` says what color and width are.
    ``lines`` is the command that prints the lines of a finding, but for its number.
    """
    with printing(out, color=color, width=width) as console:
        if summary.accounts.lines:
            console.print(headline(summary))
        for note in notes_of(summary):
            console.print(Text(note, style="dim"))
        unused = unused_keys_of(summary.accounts)
        if unused is not None:
            # Not wrapped: the option is there to be pasted.
            console.print(Text(" ".join(unused), style="dim"), soft_wrap=True)
        if table not in {None, "findings"}:
            print_table(console, summary, table, limit)
            return
        all_of_them = limit is None or table is not None
        _print_findings(console, summary, lines, all_of_them=all_of_them)
        if table is None and summary.accounts.records:
            print_tables(console, summary, limit)


_WEIGHTS_OF_FACTS = {"strong": "bold", "alarm": "bold red", "": ""}


def headline(summary: Summary) -> Text:
    """Return the line of facts."""
    line = Text()
    for text, weight in headline_of(summary):
        line.append(" · " if line else "").append(text, style=_WEIGHTS_OF_FACTS[weight])
    if summary.anonymized:
        line.append(" · anonymized")
    return line


# Colors that can be read on light and on dark: no yellow, no white.
_STYLES = {
    Severity.CRITICAL: "bold red reverse",
    Severity.HIGH: "bold red",
    Severity.MEDIUM: "bold magenta",
    Severity.INFO: "bold blue",
}
_WEIGHTS = {"good": "bold green", "alarm": "bold red", "": "bold"}


def _print_findings(
    console: Console, summary: Summary, lines: str | None, *, all_of_them: bool
) -> None:
    """Print the worst findings, or all, then how many there are besides, then the noise."""
    console.print()
    verdict = verdict_of(summary)
    if verdict is not None:
        words, weight = verdict
        console.print(Text(words, style=_WEIGHTS[weight]))
    for place, found in enumerate(findings_shown(summary, all_of_them=all_of_them), 1):
        number = summary.findings.index(found) + 1
        again = f"{lines} {number}" if lines and found.condition else None
        _print_finding(console, place, found, summary.overview, again)
    rest = None if all_of_them else lesser_findings(summary)
    if rest is not None:
        console.print(Text(f"{rest} (--table findings)", "dim"))
    noise = noise_of(summary)
    if noise is not None:
        console.print(Text(noise, "dim"))


_Line = tuple[Text, bool]
"""A line of a finding, and whether it is a command, which is not wrapped: it is to be pasted."""


def _next_steps(steps: str) -> list[_Line]:
    """Return what to do next: sentences, and each command on a line of its own."""
    parts = with_commands(steps)
    if len(parts) > 1:
        parts = [
            (part if command else part.lstrip(" ;:,)").rstrip(" ;,("), command)
            for part, command in parts
        ]
    parts = [(part.removeprefix(". ") or part, command) for part, command in parts]
    shown = [(printable(part), command) for part, command in parts if part.strip(".")]
    lines = [
        (Text(f"{'    ' if command else '  '}{part}" if command or place else part), command)
        for place, (part, command) in enumerate(shown)
    ]
    if not shown or shown[0][1]:
        return [(Text("Next:", "bold"), False), *lines]
    return [(Text.assemble(("Next: ", "bold"), lines[0][0]), False), *lines[1:]]


def _print_finding(
    console: Console, place: int, found: Finding, overview: Overview, again: str | None
) -> None:
    title = Text(f" {severity_words(found)} ", style=_STYLES[found.severity])
    title = Text.assemble(title, (f" {printable(found.title)}", "bold"))
    facts = facts_of_finding(found, overview)
    who = Text.assemble(("Must act: ", "bold"), str(found.who), ". ")
    said = Text.assemble(who, printable("; ".join(facts)), "." if facts else "")
    lines: list[_Line] = [(title, False), (said, False)]
    if found.proof:
        lines.append((Text.assemble(("Proof: ", "bold"), printable(found.proof)), False))
    lines += _next_steps(found.next)
    if found.change:
        # As it is to be pasted.
        change = found.change.rstrip("\n").split("\n")
        lines += [(Text(f"    {printable(line)}", "cyan"), True) for line in change]
    example = next(iter(found.examples), None)
    if example is not None and example.source is not None:
        where = f"Example: {example.source}:{example.line}"
        asked = f", request {example.request_id}" if example.request_id else ""
        lines.append((Text(printable(where + asked), style="dim"), False))
    if again is not None:
        lines.append((Text(printable(f"Lines: {again}"), style="dim"), True))
    for number, (line, is_command) in enumerate(lines):
        if is_command:
            console.print(Text("   ").append_text(line), soft_wrap=True)
            continue
        grid = Table.grid(padding=(0, 1, 0, 0))
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        grid.add_row(Text("  " if number else f"{place}."), line)
        console.print(grid)
    console.print()
