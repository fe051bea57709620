"""``envoylogs merge``: saved tallies added to one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from envoylogs.cli.console import replaced_file, say
from envoylogs.errors import TallyError
from envoylogs.render.formatting import counted

__all__ = ["merge"]


def merge(
    tallies: Annotated[
        list[str],
        typer.Argument(metavar="TALLY", help="Saved tallies, folders or globs of them."),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Where to write the sum.", show_default=False)
    ],
) -> None:
    """Add saved tallies; the sum is that of all their logs together.

    A tally is made by summarize --save-tally, and read like a log. All must
    remember the same things.

    envoylogs merge monday.tally tuesday.tally -o week.tally
    """
    from envoylogs.sources.locate import locate
    from envoylogs.tally.storage import is_saved_tally, load_tally, save_tally

    located = locate(tallies)
    for source in located:
        if not is_saved_tally(source):
            raise TallyError.not_a_tally(source.name)
    total = load_tally(located[0])
    for source in located[1:]:
        total = total.merge(load_tally(source))
    with replaced_file(output) as beside:
        save_tally(total, beside)
    say(f"{counted(len(located), 'saved tally').replace('tallys', 'tallies')} added: {output}.")
