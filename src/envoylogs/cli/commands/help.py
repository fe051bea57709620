"""``envoylogs help``: the help of a command, or what the documentation says of a name."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from typer.main import get_command

from envoylogs.cli.completion import helped_names, one_of
from envoylogs.cli.console import output_file
from envoylogs.cli.pager import show
from envoylogs.cli.pages import texts_of, titles
from envoylogs.errors import UnknownKeyError

_HOW_TO_FOLLOW = "[help NAME] stands for: envoylogs help NAME\n"


def help(  # noqa: A001  # the name of the command
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="A command, a topic, a finding, a cause, an outcome, a column, or the name of a "
            "message.",
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
        texts = [text for name in names for text in _said_of(name, context)]
        text = "\n".join([*texts, _HOW_TO_FOLLOW])
    else:
        text = f"{context.find_root().get_help()}\n\n{_topics()}"
    if sys.stdout.isatty():
        show(text)
    else:
        with output_file(None) as out:
            out.write(text)


def _said_of(name: str, context: typer.Context) -> list[str]:
    """Return what there is to say of a name: by pages, of an option, of a flag or a detail.

    Raises:
        UnknownKeyError: If nothing speaks of it.
    """
    try:
        return texts_of(name)
    except UnknownKeyError:
        found = _of_option(name, context) or _of_flags(name)
        if not found:
            raise
        return found


def _of_option(name: str, context: typer.Context) -> list[str]:
    """Return the help of an option, with the commands that have it; nothing for no option."""
    from envoylogs.cli.app import COMMANDS, app_of

    commands = get_command(app_of()).commands  # type: ignore[attr-defined]
    option = f"--{name.lstrip('-')}"
    taken_by: dict[str, list[str]] = {}
    for command in COMMANDS:
        for parameter in commands[command].params:
            if option in parameter.opts or option in parameter.secondary_opts:
                record = parameter.get_help_record(context)
                if record is not None:
                    taken_by.setdefault("  ".join(record), []).append(command)
    return [f"{said}\nOf {', '.join(taken)}.\n" for said, taken in taken_by.items()]


def _of_flags(name: str) -> list[str]:
    """Return what a flag or a detail means, as ``envoylogs flags`` does."""
    from envoylogs.cli.commands.flags import explained

    try:
        return [explained(name) + "\n"]
    except UnknownKeyError:
        return []


def _topics() -> str:
    found = titles()
    width = max(map(len, found))
    listed = "".join(f"  {name:<{width}}  {title}\n" for name, title in found.items())
    return f"Topics, as in envoylogs help outcomes:\n{listed}"
