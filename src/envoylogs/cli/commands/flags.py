"""``envoylogs flags``: what a flag, a detail, an outcome or a finding means."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from envoylogs.cli.console import output_file
from envoylogs.errors import UnknownKeyError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["flags"]

_WIDTH = 88
_INDENT = " " * 4


def flags(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="What to look up, as it stands in a log or a summary.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Explain response flags, details, outcomes and findings.

    Says what each means, whom it blames and what to look at first. Without a
    name it lists them all.

    envoylogs flags UF,URX via_upstream no_route
    """
    entries = list(_listing()) if not names else [_looked_up(name) for name in names]
    with output_file(None) as out:
        out.write("\n".join(entries) + "\n")


def _listing() -> Iterator[str]:
    from envoylogs.envoy.details import RESPONSE_CODE_DETAILS
    from envoylogs.envoy.flags import RESPONSE_FLAGS
    from envoylogs.envoy.outcomes import OUTCOMES
    from envoylogs.summary.findings.catalog import FINDING_KINDS

    yield "Response flags"
    yield from (_line(flag.short, flag.meaning) for flag in RESPONSE_FLAGS)
    yield "\nResponse code details"
    yield from (_line(detail.match, detail.reading) for detail in RESPONSE_CODE_DETAILS)
    yield "\nOutcomes, in the order in which they are tried"
    yield from (_line(outcome.name, outcome.meaning) for outcome in OUTCOMES)
    yield "\nFindings"
    yield from (_line(kind.code, kind.meaning) for kind in FINDING_KINDS)


def _line(name: str, meaning: str) -> str:
    return textwrap.fill(
        meaning, _WIDTH, initial_indent=f"  {name:<20} ", subsequent_indent=" " * 23
    )


def _entry(title: str, meaning: str, **facts: str) -> str:
    lines = [title, textwrap.fill(meaning, _WIDTH, initial_indent="  ", subsequent_indent="  ")]
    for name, fact in facts.items():
        label = name.replace("_", " ")
        lines.append(
            textwrap.fill(
                f"{label}: {fact}", _WIDTH, initial_indent="  ", subsequent_indent=_INDENT
            )
        )
    return "\n".join(lines)


def _looked_up(name: str) -> str:
    """Return what a name means; ``overflow`` and others are of several kinds."""
    from envoylogs.envoy.details import RESPONSE_CODE_DETAILS
    from envoylogs.envoy.flags import RESPONSE_FLAGS
    from envoylogs.envoy.outcomes import OUTCOMES
    from envoylogs.summary.findings.catalog import FINDING_KINDS

    known_flags = {key: flag for flag in RESPONSE_FLAGS for key in (flag.short, flag.long.upper())}
    parts = name.upper().split(",")
    if all(part in known_flags for part in parts):
        return "\n".join(
            _entry(
                f"{flag.short} ({flag.long}), a response flag",
                flag.meaning,
                blames=flag.blame,
                look_at=flag.look_at,
            )
            for flag in (known_flags[part] for part in parts)
        )
    found = [
        _entry(f"{kind.code}, a finding", kind.meaning, must_act=kind.who, proved_by=kind.proof)
        for kind in FINDING_KINDS
        if kind.code == name.lower()
    ]
    found += [
        _entry(
            f"{outcome.name}, an outcome",
            outcome.meaning,
            must_act=outcome.must_act,
            look_at=outcome.look_at,
        )
        for outcome in OUTCOMES
        if outcome.name == name.lower()
    ]
    found += _details(name)
    if not found:
        known = [flag.short for flag in RESPONSE_FLAGS]
        known += [outcome.name for outcome in OUTCOMES]
        known += [kind.code for kind in FINDING_KINDS]
        known += [detail.match for detail in RESPONSE_CODE_DETAILS]
        raise UnknownKeyError.of("flag, detail, outcome or finding", name, known)
    return "\n".join(found)


def _details(name: str) -> list[str]:
    from envoylogs.envoy.details import reading_of

    detail = reading_of(name)
    if detail is None:
        return []
    return [_entry(f"{name}, a response code detail ({detail.match})", detail.reading)]
