"""Explanations as Markdown, fit to paste into a ticket."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from envoylogs.render.explained import (
    CERTAINTY,
    configuration_words,
    explanations_shown,
    facts_of,
    nothing_explained,
    now_words,
    title_of,
)
from envoylogs.render.formatting import printable
from envoylogs.render.markdown import code_span, prose, sections_of_log
from envoylogs.summary.in_words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envoylogs.summary.explanations import Explanation
    from envoylogs.summary.summary import Summary


def write_explained_markdown(summary: Summary, out: TextIO, *, limit: int | None = None) -> None:
    """Write why requests were turned away, at most ``limit`` explanations; null for all."""
    out.write("\n\n".join(_sections(summary, limit)) + "\n")


def _sections(summary: Summary, limit: int | None) -> Iterator[str]:
    yield from sections_of_log(summary)
    if summary.mesh is not None:
        given = summary.mesh.configuration
        yield f"Configuration: {prose(configuration_words(given))}"
    shown = explanations_shown(summary, limit)
    nothing = nothing_explained(summary)
    if nothing is not None:
        yield nothing
    for place, found in enumerate(shown.told, 1):
        yield _explanation(place, found, summary)
    if shown.more:
        yield f"… and {counted(shown.more, 'more explanation')}"
    yield from (f"Noise: {prose(sentence)}" for sentence in shown.strangers)
    if summary.remarks:
        remarks = summary.remarks[:limit]
        lines = [f"- {code_span(note.object)}: {prose(note.says)}" for note in remarks]
        yield "\n".join(["Also seen in the configuration:", "", *lines])


def _explanation(place: int, found: Explanation, summary: Summary) -> str:
    cause = found.diagnosis
    lines = [f"{place}. **{prose(title_of(found))}**  "]
    facts = facts_of(found, summary.overview)
    if facts:
        lines.append(f"{prose('; '.join(facts))}.  ")
    lines.append(
        f"{CERTAINTY[cause.certainty].capitalize()}: {prose(cause.says)} (`{cause.cause}`)"
    )
    lines += [
        f"- {code_span(step.object)} {code_span(f'{step.field} {step.value}')}"
        f"{f': {prose(step.says)}' if step.says else ''}"
        for step in cause.proof
    ]
    lines += [
        f"- `{each.cause}`: {prose(each.says)} {code_span(each.command)}"
        for each in cause.candidates
    ]
    now = now_words(cause)
    if now is not None:
        lines += ["", f"Now: {prose(now)}"]
    change = cause.change
    if change is not None:
        lines += ["", f"Change {code_span(change.object)}: {prose(change.says)}"]
        if change.yaml:
            lines += ["", "```yaml", *map(printable, change.yaml.rstrip("\n").split("\n")), "```"]
    return "\n   ".join(lines).rstrip()
