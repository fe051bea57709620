"""``envoylogs flags``: what a flag, a detail, an outcome, a finding or a cause means."""

from __future__ import annotations

import json
import re
import textwrap
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from envoylogs.cli.completion import explained_names, several_of
from envoylogs.cli.console import output_file
from envoylogs.cli.options import format_option
from envoylogs.errors import UnknownKeyError, letters_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_WIDTH = 88
_IN_TITLE = ("long", "match")


class _Format(StrEnum):
    """Formats of explanations."""

    TEXT = "text"
    JSON = "json"


class _Entry(NamedTuple):
    """One explained name: ``title`` is how it is shown, ``facts`` say more."""

    kind: str
    name: str
    title: str
    meaning: str
    facts: dict[str, str]


def flags(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="What to look up, as it stands in a log or a summary.",
            show_default=False,
            autocompletion=several_of(explained_names),
        ),
    ] = None,
    output_format: Annotated[
        _Format, format_option(help="text for people, json for programs.")
    ] = _Format.TEXT,
) -> None:
    """Explain response flags, details, outcomes, findings and causes.

    Says what each means, whom it blames and what to look at first. Without a
    name it lists them all.

    envoylogs flags UF,URX via_upstream no_route
    """
    entries = [entry for name in names for entry in _looked_up(name)] if names else list(_all())
    if output_format is _Format.JSON:
        rows = [
            {"kind": entry.kind, "name": entry.name, "meaning": entry.meaning, **entry.facts}
            for entry in entries
        ]
        text = json.dumps(rows, indent=2)
    elif names:
        text = "\n".join(map(_shown, entries))
    else:
        text = "\n".join(_listing(entries))
    with output_file(None) as out:
        out.write(text + "\n")


def explained(name: str) -> str:
    """Return what a flag, a detail, a code, an outcome, a finding or a cause means.

    Raises:
        UnknownKeyError: If it is none.
    """
    return "\n".join(map(_shown, _looked_up(name)))


def _all() -> Iterator[_Entry]:
    from envoylogs.envoy.details import RESPONSE_CODE_DETAILS
    from envoylogs.envoy.failures.lookup import FAILURE_OF_OUTCOME
    from envoylogs.envoy.flags import RESPONSE_FLAGS
    from envoylogs.envoy.outcomes import OUTCOMES
    from envoylogs.mesh.causes import CAUSE_KINDS
    from envoylogs.summary.findings.catalog import FINDING_KINDS

    for flag in RESPONSE_FLAGS:
        title = f"{flag.short} ({flag.long}), a response flag"
        facts = {"long": flag.long, **_of_failure(flag.failure)}
        yield _Entry("response_flag", flag.short, title, flag.meaning, facts)
    for detail in RESPONSE_CODE_DETAILS:
        title = f"{detail.match}, a response code detail"
        facts = _of_failure(detail.failure)
        yield _Entry("response_code_detail", detail.match, title, detail.reading, facts)
    for outcome in OUTCOMES:
        facts = _of_failure(FAILURE_OF_OUTCOME.get(outcome.name)) | {"must_act": outcome.must_act}
        title = f"{outcome.name}, an outcome"
        yield _Entry("outcome", outcome.name, title, outcome.meaning, facts)
    for kind in FINDING_KINDS:
        facts = {"must_act": str(kind.who), "proved_by": kind.proof}
        yield _Entry("finding", kind.code, f"{kind.code}, a finding", kind.meaning, facts)
    for cause in CAUSE_KINDS:
        facts = {"proved_by": cause.proof, "change": cause.change}
        yield _Entry("cause", cause.code, f"{cause.code}, a cause", cause.meaning, facts)


def _of_failure(name: str | None) -> dict[str, str]:
    """Return whom a failure blames and what to do next, as findings say it; nothing for none."""
    from envoylogs.envoy.failures.lookup import FAILURES

    if name is None:
        return {}
    failure = FAILURES[name]
    endpoints = "kubectl get endpointslices of the service"
    return {
        "must_act": str(failure.actor),
        "blames": failure.blames,
        "next": failure.next.format(endpoints=endpoints),
        "failure": name,
    }


_HEADINGS = {
    "response_flag": "Response flags",
    "response_code_detail": "\nResponse code details",
    "outcome": "\nOutcomes, in the order in which they are tried",
    "finding": "\nFindings",
    "cause": "\nCauses, as envoylogs explain has them",
}


def _listing(entries: Iterable[_Entry]) -> Iterator[str]:
    """Yield a line or two for each entry, under a heading for each kind."""
    kind = None
    for entry in entries:
        if entry.kind != kind:
            kind = entry.kind
            yield _HEADINGS[kind]
        yield textwrap.fill(
            entry.meaning,
            _WIDTH,
            initial_indent=f"  {entry.name:<20} ",
            subsequent_indent=" " * 23,
        )


def _shown(entry: _Entry) -> str:
    """Return everything there is to say of a name; the long form stands in the title."""
    fill = partial(textwrap.fill, width=_WIDTH, initial_indent="  ")
    lines = [entry.title, fill(entry.meaning, subsequent_indent="  ")]
    lines += [
        fill(f"{name.replace('_', ' ')}: {fact}", subsequent_indent="    ")
        for name, fact in entry.facts.items()
        if name not in _IN_TITLE
    ]
    return "\n".join(lines)


def _looked_up(name: str) -> list[_Entry]:
    """Return what a name means; ``overflow`` and others are of several kinds.

    Case and what separates the words of a name are as one likes, but in details.
    """
    entries = list(_all())
    flags_by_name = {
        letters_of(key): entry
        for entry in entries
        if entry.kind == "response_flag"
        for key in (entry.name, entry.facts["long"])
    }
    is_one = letters_of(name) in flags_by_name
    words = [name] if is_one else [word for word in _BETWEEN_FLAGS.split(name) if word]
    parts = list(map(letters_of, words))
    if parts and all(part in flags_by_name for part in parts):
        return [flags_by_name[part] for part in dict.fromkeys(parts)]
    found = [
        entry
        for kind in ("finding", "cause", "outcome")
        for entry in entries
        if entry.kind == kind and letters_of(entry.name) == letters_of(name)
    ]
    found += _details(name) or _of_letters(name, entries)
    if not found and _CODE.fullmatch(name):
        found = [entry for entry in entries if re.search(rf"\b{name}s?\b", entry.meaning)]
        if not found:
            raise UnknownKeyError(
                f"{name} is a response code, of which no flag, detail, outcome, finding or cause "
                "speaks. Look up the flags and details that stand beside it in the log."
            )
    if not found:
        order = ("response_flag", "outcome", "finding", "cause", "response_code_detail")
        known = [entry.name for kind in order for entry in entries if entry.kind == kind]
        long = [entry.facts["long"] for entry in entries if entry.kind == "response_flag"]
        if any(part in flags_by_name for part in parts):
            # The flag that is none, of several that were joined.
            name = next(part for part in words if letters_of(part) not in flags_by_name)
        raise UnknownKeyError.of("flag, detail, outcome, finding or cause", name, [*known, *long])
    return found


_BETWEEN_FLAGS = re.compile(r"[,;\s]+")
_CODE = re.compile(r"[1-9][0-9]{2}")


def _of_letters(name: str, entries: Iterable[_Entry]) -> list[_Entry]:
    """Return the detail that is written nearly so."""
    return [
        entry
        for entry in entries
        if entry.kind == "response_code_detail" and letters_of(entry.name) == letters_of(name)
    ]


def _details(name: str) -> list[_Entry]:
    from envoylogs.envoy.details import reading_of

    detail = reading_of(name)
    if detail is None:
        return []
    title = f"{name}, a response code detail ({detail.match})"
    facts = {"match": detail.match, **_of_failure(detail.failure)}
    return [_Entry("response_code_detail", name, title, detail.reading, facts)]
