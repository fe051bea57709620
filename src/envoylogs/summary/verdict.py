"""The one function that says whether anything is wrong; every output asks it.

"Nothing wrong was found" is said only where no error, refusal, failed
connection or unreadable part is left without a word. What is too little for a
finding is counted in the sentence, so that no number contradicts it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from envoylogs.summary.findings.finding import Severity
from envoylogs.summary.in_words import counted, listing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envoylogs.summary.accounts import Accounts
    from envoylogs.summary.findings.finding import Finding
    from envoylogs.summary.folds import Folds
    from envoylogs.summary.overview import Overview


class State(StrEnum):
    """What there is to say of a log as a whole."""

    TROUBLE = "trouble"
    """There is a finding above info."""
    UNNAMED = "unnamed"
    """Names were folded that are in trouble, so that no finding can be about them."""
    QUIET = "quiet"
    """Some requests or connections failed or were refused, and none of it stands out."""
    UNCLEAR = "unclear"
    """Nothing wrong shows, in what could be read."""
    CLEAR = "clear"
    """Nothing is wrong."""
    EMPTY = "empty"
    """Nothing was asked."""


class Verdict(NamedTuple):
    """Whether anything is wrong.

    Attributes:
        state: See ``State``.
        says: One or two sentences that say what was looked at.
    """

    state: State
    says: str


def verdict(
    findings: Sequence[Finding], overview: Overview, lines: Accounts, folds: Folds
) -> Verdict:
    """Return the verdict on a log."""
    serious = [found for found in findings if found.severity < Severity.INFO]
    if serious:
        more = len(serious) - 1
        rest = f" And {counted(more, 'more finding')}." if more else ""
        return Verdict(State.TROUBLE, f"{serious[0].title}.{rest}")
    unnamed = [
        counted(n, noun)
        for n, noun in ((folds.errors, "error"), (folds.unrouted, "unrouted request"))
        if n
    ]
    if unnamed:
        verb = "is" if folds.errors + folds.unrouted == 1 else "are"
        return Verdict(
            State.UNNAMED,
            f"No finding, but {' and '.join(unnamed)} {verb} of names that were folded; "
            "--max-names keeps more.",
        )
    if not overview.requests and not overview.connections:
        return Verdict(State.EMPTY, "No request.")
    looked_at, harmed = _looked_at(overview), list(_harmed(overview))
    unclear = _unclear(overview, lines)
    if harmed:
        # Where nothing went well, that nothing stands out would be a joke.
        well = max(_served(overview), _passed(overview)) > 0
        return Verdict(
            State.QUIET,
            f"{'Nothing stands out' if well else 'Too little for a finding'}: "
            f"{looked_at}; {listing([*harmed, *unclear])}.",
        )
    if unclear:
        return Verdict(
            State.UNCLEAR,
            f"Nothing wrong shows in what could be read: {looked_at}; {listing(unclear)}.",
        )
    return Verdict(State.CLEAR, f"Nothing wrong was found: {looked_at}.")


def _looked_at(overview: Overview) -> str:
    """Return of how many requests and connections how many went well."""
    parts = []
    for noun, done, n, well in (
        ("request", "served", overview.requests, _served(overview)),
        ("connection", "passed on", overview.connections, _passed(overview)),
    ):
        if n:
            shown = f"{well:,} {'was' if well == 1 else 'were'}" if well else "none were"
            strangers = overview.noise[f"{noun}s"]
            apart = f" ({counted(strangers, noun)} of strangers apart)" if strangers else ""
            parts.append(
                f"of {counted(n, noun)} {'all were' if well == n else shown} {done}{apart}"
            )
    return " and ".join(parts)


def _served(overview: Overview) -> int:
    """Return how many requests came to no harm and are not noise."""
    harmed = (
        overview.errors, overview.injected, overview.refused, overview.answered_4xx,
        overview.clients_left, overview.unrouted_known, overview.noise["requests"],
        _unknown(overview),
    )  # fmt: skip
    return overview.requests - sum(harmed)


def _passed(overview: Overview) -> int:
    return overview.connections - overview.connections_failed - overview.connections_refused


def _harmed(overview: Overview) -> Iterator[str]:
    """Yield what was harmed, each with its number."""
    share = overview.errors / overview.requests if overview.requests else 0.0
    percent = f" ({100 * share:.2g} %)" if overview.errors else ""
    for n, words in (
        (overview.errors, f"failed{percent}"),
        (overview.unrouted_known, "had no route on known hosts"),
        (overview.refused, "were refused by the gateway"),
        (overview.answered_4xx, "were answered 4xx by applications"),
        (overview.clients_left, "were left by their clients"),
        (overview.injected, "were aborted by fault rules"),
        (overview.connections_failed, "connections failed"),
        (overview.connections_refused - overview.noise["connections"], "connections were refused"),
    ):
        if n > 0:
            singular = words.replace("were ", "was ", 1).replace("connections", "connection", 1)
            one = singular.replace("their clients", "its client")
            yield f"{n:,} {one if n == 1 else words}"


def _unknown(overview: Overview) -> int:
    """Return of how many requests neither harm nor its absence is known."""
    return overview.outcomes.get("unknown", 0) - overview.unknown_harmed


def _unclear(overview: Overview, lines: Accounts) -> list[str]:
    """Return what could not be told or read, each with its number."""
    unknown = _unknown(overview)
    values = sum(lines.unreadable.values())
    damaged = lines.damaged.height
    told = [f"of {unknown:,} too little is logged to tell"] if unknown else []
    return told + [
        f"{counted(n, noun)} {verb}"
        for n, noun, verb in (
            (lines.malformed, "line", "is malformed" if lines.malformed == 1 else "are malformed"),
            (values, "value", "can't be read"),
            (damaged, "source", "could not be read to the end"),
        )
        if n
    ]
