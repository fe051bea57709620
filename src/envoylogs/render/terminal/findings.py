"""The findings: what is wrong, who must act, since when, what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from envoylogs.render.formatting import count, printable
from envoylogs.render.words import (
    facts_of_finding,
    findings_shown,
    lesser_findings,
    noise_of,
    severity_words,
    verdict_of,
)
from envoylogs.summary.findings.finding import Finding, Severity

if TYPE_CHECKING:
    from rich.console import Console

    from envoylogs.summary.overview import Overview
    from envoylogs.summary.summary import Summary

# Colors that can be read on light and on dark: no yellow, no white.
_STYLES = {
    Severity.CRITICAL: "bold red reverse",
    Severity.HIGH: "bold red",
    Severity.MEDIUM: "bold magenta",
    Severity.INFO: "bold blue",
}
_WEIGHTS = {"good": "bold green", "alarm": "bold red", "": "bold"}


def print_findings(console: Console, summary: Summary) -> None:
    """Print the worst findings, then how many there are besides, then the noise."""
    console.print()
    verdict = verdict_of(summary)
    if verdict is not None:
        words, weight = verdict
        console.print(Text(words, style=_WEIGHTS[weight]))
    for place, found in enumerate(findings_shown(summary), 1):
        _print_finding(console, place, found, summary.overview)
    rest = lesser_findings(summary)
    if rest is not None:
        console.print(Text(f"{rest} (--format json)", "dim"))
    noise = noise_of(summary)
    if noise is not None:
        console.print(Text(noise, "dim"))


def _print_finding(console: Console, place: int, found: Finding, overview: Overview) -> None:
    title = Text(f" {severity_words(found)} ", style=_STYLES[found.severity])
    title = Text.assemble(title, (f" {printable(found.title)}", "bold"))
    facts = facts_of_finding(found, overview)
    who = Text.assemble(("Must act: ", "bold"), str(found.who), ". ")
    lines = [title, Text.assemble(who, printable("; ".join(facts)), "." if facts else "")]
    if found.proof:
        lines.append(Text.assemble(("Proof: ", "bold"), printable(found.proof)))
    lines.append(Text.assemble(("Next: ", "bold"), printable(found.next)))
    example = next(iter(found.examples), None)
    if example is not None and example.source is not None:
        where = f"Example: {example.source} line {count(example.line)}"
        asked = f", request {example.request_id}" if example.request_id else ""
        lines.append(Text(printable(where + asked), style="dim"))
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for number, line in enumerate(lines):
        grid.add_row(Text("" if number else f"{place}."), line)
    console.print(grid)
    console.print()
