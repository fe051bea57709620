"""``envoylogs merge``: saved tallies added to one."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from envoylogs.cli.console import say
from envoylogs.cli.options import READ, keep_last_option, output_option
from envoylogs.cli.state import refuse_to_forget
from envoylogs.errors import TallyError
from envoylogs.outputs import replaced_file
from envoylogs.render.formatting import printable
from envoylogs.summary.in_words import counted

if TYPE_CHECKING:
    from envoylogs.sources.source import Source
    from envoylogs.tally.tally import Tally

_NAMED = 5


def merge(
    tallies: Annotated[
        list[str],
        typer.Argument(
            metavar="TALLY", rich_help_panel=READ, help="Saved tallies, folders or globs of them."
        ),
    ],
    output: Annotated[Path, output_option(help="Where to write the sum.")],
    keep_last: Annotated[
        str | None,
        keep_last_option(
            about=READ,
            help="Leave out tallies that end longer than this before the newest record: 30d.",
        ),
    ] = None,
) -> None:
    """Add saved tallies; the sum is that of all their logs together.

    A tally is made by summarize --save-tally, and read like a log. All must
    remember the same things.

    \b
    envoylogs merge monday.tally tuesday.tally -o week.tally
    envoylogs merge days/ --keep-last 30d -o month.tally
    """  # noqa: D301  # \b keeps the lines of the examples
    from envoylogs.keyed.moments import span_of
    from envoylogs.sources.locate import listed, locate
    from envoylogs.tally.storage import is_saved_tally, save_tally

    refuse_to_forget((output,))
    keep_us = None if keep_last is None else span_of("--keep-last", keep_last)
    located = listed(locate(tallies))
    for source in located:
        if not is_saved_tally(source):
            how = f"envoylogs summarize {source.name} --save-tally FILE"
            raise TallyError(f"{source.name}: is no saved tally. Make one: {how}")
    kept = located if keep_us is None else _not_too_old(located, keep_us)
    total = _sum(kept)
    with replaced_file(output) as beside:
        save_tally(total, beside)
    say(f"{_tallies(len(kept))} added: {output}.")


def _sum(sources: list[Source]) -> Tally:
    """Return the sum of saved tallies, which two threads read and add up."""
    from envoylogs.tally.days import sum_of
    from envoylogs.tally.storage import load_tally

    def of_some(some: list[Source]) -> Tally:
        return sum_of(map(load_tally, some))

    halves = [half for half in (sources[::2], sources[1::2]) if half]
    # Polars works on small frames with one thread, and lets others run meanwhile.
    with ThreadPoolExecutor(max_workers=2) as adders:
        return sum_of(adders.map(of_some, halves))


def _not_too_old(located: list[Source], keep_us: int) -> list[Source]:
    """Return the tallies that end within a span before the newest record; name the others."""
    from envoylogs.tally.days import are_recent
    from envoylogs.tally.storage import newest_us_of

    now_us = time.time_ns() // 1000
    newest = [newest_us_of(source, now_us) for source in located]
    recent = are_recent(newest, keep_us, now_us)
    old = [source.name for source, kept in zip(located, recent, strict=True) if not kept]
    if old:
        named = ", ".join(map(printable, old[:_NAMED])) + (", ..." if len(old) > _NAMED else "")
        say(f"envoylogs: {_tallies(len(old))} left out, older than --keep-last: {named}.")
    return [source for source, kept in zip(located, recent, strict=True) if kept]


def _tallies(n: int) -> str:
    return counted(n, "saved tally").replace("tallys", "tallies")
