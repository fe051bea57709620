"""``envoylogs help``: the help of a command, or what the documentation says of a name."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from envoylogs.cli.completion import helped_names, one_of
from envoylogs.cli.console import output_file
from envoylogs.cli.pager import show
from envoylogs.cli.pages import texts_of, titles

_HOW_TO_FOLLOW = "[help NAME] stands for: envoylogs help NAME\n"


def help(  # noqa: A001  # the name of the command
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="A command, a topic, a finding, an outcome, a column, or the name of a message.",
            show_default=False,
            autocompletion=one_of(helped_names),
        ),
    ] = None,
) -> None:
    """Show the help of a command, or what the documentation says of a name.

    Without a name it lists the commands and the topics. A page that is called
    like a command is shown with .md behind its name.

    \b
    envoylogs help summarize
    envoylogs help lost_route
    envoylogs help messages#exit-codes
    envoylogs help query.md
    """  # noqa: D301  # \b keeps the lines of the examples
    if names:
        texts = [text for name in names for text in texts_of(name)]
        text = "\n".join([*texts, _HOW_TO_FOLLOW])
    else:
        text = f"{context.find_root().get_help()}\n\n{_topics()}"
    if sys.stdout.isatty():
        show(text)
    else:
        with output_file(None) as out:
            out.write(text)


def _topics() -> str:
    found = titles()
    width = max(map(len, found))
    listed = "".join(f"  {name:<{width}}  {title}\n" for name, title in found.items())
    return f"Topics, as in envoylogs help outcomes:\n{listed}"
