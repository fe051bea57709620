"""What findings, noise and the ledger of 404s say in words; the same in every renderer."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from envoylogs.render.caveats import reasons_of, unread_facts
from envoylogs.render.formatting import clock, count, day_and_clock, percent, printable, window
from envoylogs.summary.findings.catalog import KIND_BY_CODE
from envoylogs.summary.findings.finding import Severity
from envoylogs.summary.findings.onset import was_from_the_start
from envoylogs.summary.in_words import counted
from envoylogs.summary.verdict import State

if TYPE_CHECKING:
    from envoylogs.summary.accounts import Accounts
    from envoylogs.summary.findings.finding import Finding
    from envoylogs.summary.overview import Overview
    from envoylogs.summary.summary import Summary

LEDGER = {
    "lost": "lost: the path was routed at another time of this log",
    "never_routed": "no route, though the host is known",
    "noise": "noise: the host was never routed",
    "application": "the application's own",
    "configured": "configured: a direct response",
    "fault": "an injected fault",
    "other": "anything else",
}
"""Who answered 404, by the keys of the ledger."""


_LONGEST = 100
_SHOWN = 5


def findings_shown(summary: Summary, *, all_of_them: bool = False) -> list[Finding]:
    """Return the findings that people are shown: the worst, lesser ones only without others."""
    if all_of_them:
        return list(summary.findings)
    serious = [found for found in summary.findings if found.severity < Severity.INFO]
    return (serious or list(summary.findings))[:_SHOWN]


def verdict_of(summary: Summary) -> tuple[str, str] | None:
    """Return what there is to say where no finding says it; null with one above info.

    Returns:
        The sentence, and its weight: ``good``, ``alarm``, or none.
    """
    found = summary.verdict
    if found.state is State.TROUBLE:
        return None
    return found.says, _WEIGHTS.get(found.state, "")


_WEIGHTS = {State.CLEAR: "good", State.EMPTY: "good", State.UNNAMED: "alarm"}


def severity_words(found: Finding) -> str:
    """Return how bad a finding is; of what has ended, how bad it was."""
    return found.severity.name if found.until is None else f"ENDED, was {found.severity.name}"


def lesser_findings(summary: Summary) -> str | None:
    """Return how many findings are not shown, without the option that shows all; null for none."""
    rest = len(summary.findings) - len(findings_shown(summary))
    return f"… and {counted(rest, 'lesser finding')}" if rest else None


def headline_of(summary: Summary) -> list[tuple[str, str]]:
    """Return the line of facts: sources, window, records, gateways, what is left out.

    Returns:
        Texts, each with its weight: ``strong``, ``alarm``, or none.
    """
    overview, accounts = summary.overview, summary.accounts
    sources = accounts.sources["source"].to_list()
    named = printable(sources[0]) if len(sources) == 1 else counted(len(sources), "source")
    parts = [(named if sources else "empty input", "strong")]
    if overview.first is not None:
        parts.append((window(overview.first, overview.last), ""))
    usual = (records_of(accounts), gateways_of(summary), roles_left_out(accounts))
    parts += [(fact, "") for fact in usual if fact]
    parts += [(fact, "strong") for fact in (malformed_of(summary), *unread_facts(accounts)) if fact]
    if summary.selection is not None:
        parts.append((f"selected {_cut(printable(_selected(summary)))}", "strong"))
    if not summary.complete:
        parts.append(("only a part was read", "alarm"))
    return parts


def _selected(summary: Summary) -> str:
    """Return the selection, with a finding in the place of its condition."""
    words = shlex.split(summary.selection or "")
    if summary.finding is None or "--where" not in words:
        return summary.selection or ""
    place = words.index("--where")
    return shlex.join([*words[:place], *words[place + 2 :], "--finding", summary.finding])


def _cut(selection: str) -> str:
    """Return a selection, or how it begins: the condition of a finding may be long."""
    return selection if len(selection) <= _LONGEST else f"{selection[:_LONGEST]}…"


def malformed_of(summary: Summary) -> str | None:
    """Return how many lines are malformed, and why; null for none.

    ``--strict`` makes them an error.
    """
    n = summary.accounts.malformed
    reasons = reasons_of(summary.accounts.malformed_by_reason)
    return f"{counted(n, 'malformed line')} ({reasons})" if n else None


def accounts_of(summary: Summary) -> list[str]:
    """Return what became of the lines, and how far the numbers can be trusted and shared.

    Malformed ones are in the headline.
    """
    lines = summary.accounts
    fates = [
        f"{n:,} {fate}"
        for fate, n in (("blank", lines.blank), ("of other programs", lines.other))
        if n
    ]
    words = f"{counted(lines.lines, 'line')}, each accounted for"
    return [
        f"{words} ({', '.join(fates)})" if fates else words,
        "coarsened, see below" if summary.folds else "all numbers exact",
        "anonymized" if summary.anonymized else "not anonymized",
    ]


def harm_of(overview: Overview) -> list[str]:
    """Return what was harmed beside errors, each as a few words, so that no number hides another.

    Noise is not in it.
    """
    refused = overview.connections_refused - overview.noise["connections"]
    return [
        f"{n:,} {words}"
        for n, words in (
            (overview.unrouted_known, "unrouted on known hosts"),
            (overview.refused, "refused"),
            (overview.injected, "injected"),
            (overview.connections_failed, "connections failed"),
            (refused, "connections refused"),
        )
        if n > 0
    ]


def facts_of_finding(found: Finding, overview: Overview) -> list[str]:
    """Return how much, since when, and where, each as a few words."""
    facts = []
    if found.requests:
        noun = KIND_BY_CODE[found.code].counts
        facts.append(f"{count(found.requests)} of {counted(found.of, noun)}")
        if found.requests != found.of:
            facts[0] += f" ({percent(found.requests / found.of)})"
        when = _when(found, overview)
        if when is not None:
            facts.append(when)
    if found.clients_at_least:
        facts.append(f"at least {counted(found.clients_at_least, 'client')}")
    for (some, of_all), noun in ((found.gateways, "gateway"), (found.upstream_hosts, "host")):
        if some and of_all > 1:
            facts.append(f"{some} of {of_all} {noun}s")
    return facts


_COMMAND = re.compile(r"\b(?:kubectl|istioctl|curl|jq) .+?(?=$|[;:,?)]|\.$|\. | \()")


def with_commands(text: str) -> list[tuple[str, bool]]:
    """Return what to do next in parts, each with whether it is a command."""
    parts, end = [], 0
    for found in _COMMAND.finditer(text):
        parts += [(text[end : found.start()], False), (found[0], True)]
        end = found.end()
    return [(part, command) for part, command in [*parts, (text[end:], False)] if part]


def _when(found: Finding, overview: Overview) -> str | None:
    """Return since when, or when first, and until when if it is over.

    Days are said where the log has several.
    """
    one_day = day_and_clock(overview.first)[:10] == day_and_clock(overview.last)[:10]
    shown = clock if one_day else day_and_clock
    until = "" if found.until is None else f"until {shown(found.until)}"
    if found.since is not None:
        return f"since {shown(found.since)} {until}".rstrip()
    if found.first_seen is None or overview.first is None or overview.last is None:
        return until or None
    if not found.onset_unclear and was_from_the_start(
        found.first_seen, overview.first, overview.last
    ):
        return f"from the start {until}".rstrip()
    # No claim that it began then: the log can't tell, or the subject came no earlier.
    seen = shown(found.first_seen)
    if found.until is not None and seen == shown(found.until):
        return f"at {seen}"
    return f"first seen {seen}, {until}" if until else f"first seen {seen}"


def noise_of(summary: Summary) -> str | None:
    """Return what strangers asked for, in a sentence; null without noise."""
    noise, folded = summary.overview.noise, summary.folds.columns
    told = sum(
        found.requests
        for found in summary.findings
        if (found.code, found.failure) == ("unrouted_host", "route_missing")
        and found.severity < Severity.INFO
    )
    # What a finding is about is no stranger's noise.
    more = max(noise["requests"] - told, 0)
    parts = []
    for counts, noun, names, name, unnamed, column in (
        ("requests", "request", "hosts", "host", "without_host", "authority"),
        ("connections", "refused connection", "server_names", "server name",
         "without_server_name", "requested_server_name"),
    ):  # fmt: skip
        of_all, without = noise[counts], noise[unnamed]
        if told and counts == "requests":
            parts += [f"{counted(more, 'more request')} for hosts"] if more else []
        elif of_all and of_all == without:
            parts.append(f"{counted(of_all, noun)} without a {name}")
        elif of_all:
            # What was folded had one name at least.
            shown = counted(noise[names] or 1, name)
            least = "at least " if column in folded else ""
            besides = f" ({without:,} without one)" if without else ""
            parts.append(f"{counted(of_all, noun)} for {least}{shown}{besides}")
    if not parts:
        return None
    words = " and ".join(parts)
    return f"Noise: {words} that this gateway never routed. Not in the error share."


_ALIKE = 0.9
"""From this share of the window on, that all gateways cover it goes without saying."""


def gateways_of(summary: Summary) -> str | None:
    """Return how many gateways wrote the log, and what all of them cover if it is much less.

    Null for a log without records.
    """
    accounts, overview = summary.accounts, summary.overview
    names = accounts.gateways["gateway"].drop_nulls().len()
    if not names:
        return "gateway unknown" if accounts.records else None
    roles = accounts.roles
    words = counted(names, next(iter(roles)) if roles.keys() == {"waypoint"} else "gateway")
    timed = accounts.gateways.drop_nulls(["gateway", "first"]).height
    if timed < 2 or overview.first is None or overview.last is None:  # noqa: PLR2004
        return words
    if accounts.overlap is None:
        return f"{words}, never all at the same time"
    start, end = accounts.overlap
    if end - start >= _ALIKE * (overview.last - overview.first):
        return words
    return f"{words}, all of them only {window(start, end)}"


def records_of(accounts: Accounts) -> str:
    """Return how many records are counted, and of how many if some are left out."""
    left_out = accounts.filtered + accounts.seen_before
    of_all = f"{accounts.records - left_out:,} of " if left_out else ""
    return of_all + counted(accounts.records, "record")


def roles_left_out(accounts: Accounts) -> str | None:
    """Return which records are not counted because of the role of their proxy; null without any."""
    if not accounts.roles_left_out:
        return None
    nouns = {"sidecar": "sidecars", "egress": "egress gateways", "gateway": "gateways",
             "waypoint": "waypoints"}  # fmt: skip
    parts = [
        f"{counted(n, 'record')} of {nouns[role]}" for role, n in accounts.roles_left_out.items()
    ]
    return f"without {' and '.join(parts)}"
