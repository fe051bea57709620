"""``--finding``: the records that a finding counts, whatever is done with them."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from envoylogs.errors import SelectionError, TallyQuestionError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envoylogs.cli.log_options import LogOptions
    from envoylogs.keyed.plan import ReadPlan
    from envoylogs.sources.source import Source
    from envoylogs.summary.findings.finding import Finding


def lines_command(log: LogOptions, sources: Sequence[Source], selection: str | None) -> str | None:
    """Return the command that prints the lines of a finding, but for its number.

    Args:
        log: What was given.
        sources: What was read.
        selection: What was selected, as options.

    Returns:
        Null if the sources do not hold all that was counted, or may not be shown.
    """
    from envoylogs.sources.remote.urls import shown_word
    from envoylogs.tally.storage import is_saved_tally

    given = log.context.params
    if given.get("state") is not None or log.anonymize or any(map(is_saved_tally, sources)):
        return None
    words = given["sources"]
    named = [] if not words else [shlex.quote(shown_word(word)) for word in words if word != "-"]
    meaning = [f"--map {shlex.quote(given)}" for given in log.mapped or ()]
    if log.text_format is not None:
        meaning.append(f"--text-format {shlex.quote(log.text_format)}")
    pipe = "" if named else "... | "
    options = " ".join([*named, *([selection] if selection else []), *meaning])
    return f"{pipe}envoylogs lines{f' {options}' if options else ''} --finding"


def of_finding(asked: str, sources: Sequence[Source], plan: ReadPlan) -> ReadPlan:
    """Return a plan that selects the records of a finding too; the sources are read for it.

    Args:
        asked: The number of the finding in a summary of what the plan selects, or a code for all
            findings of it.
        sources: Each can be read again.
        plan: How they are read.

    Raises:
        SelectionError: If there is no such finding, or it has no records.
        TallyQuestionError: If a source is a saved tally.
    """
    from envoylogs.keyed.plan import NO_HOOKS
    from envoylogs.read_back import tally_of_any
    from envoylogs.summary.findings.conditions import any_of
    from envoylogs.summary.summary import summarize
    from envoylogs.tally.spec import DEFAULT_SPEC
    from envoylogs.tally.storage import holds_records, is_saved_tally

    for source in sources:
        if is_saved_tally(source) and not holds_records(source):
            raise TallyQuestionError.not_selectable(source.name, f"--finding {asked}", None)
    tally = tally_of_any(
        sources, spec=DEFAULT_SPEC, plan=replace(plan, anonymizer=None), hooks=NO_HOOKS, limits={}
    )
    found = _asked_for(asked, summarize(tally).findings)
    conditions = [finding.condition for finding in found if finding.condition is not None]
    if not conditions:
        raise SelectionError(
            f"--finding {asked}: {found[0].title}. That is about the log itself and has no "
            "records; malformed lines are kept by summarize --rejects FILE."
        )
    one = conditions[0] if len(conditions) == 1 else any_of(*(f"({c})" for c in conditions))
    return replace(plan, selection=plan.selection.also(one))


def _asked_for(asked: str, findings: Sequence[Finding]) -> list[Finding]:
    if asked.isdecimal():
        found = [found for n, found in enumerate(findings, 1) if str(n) == asked]
        which = "there is none with this number."
    else:
        found = [finding for finding in findings if finding.code == asked]
        near = nearest(asked, {finding.code for finding in findings})
        which = f"there is none with this code.{near}"
    if not found:
        listed = "".join(
            f"\n    {n}. {finding.code}: {finding.title}" for n, finding in enumerate(findings, 1)
        )
        raise SelectionError(f"--finding {asked}: {which}{listed}")
    return found
