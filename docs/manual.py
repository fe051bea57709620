"""Write the man page of the program, from the texts of its help.

cog runs ``manual`` where ``envoylogs.1`` has a block for it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import typer

from envoylogs import __version__
from envoylogs.cli.app import app_of
from envoylogs.cli.pages import titles

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from envoylogs.cli.console import Exit

_MARK = "\b"
"""Before a paragraph whose lines stay as they are."""
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def manual(exits: Mapping[Exit, str]) -> str:
    """Return the page in the macros of man.

    Args:
        exits: The exit codes, with what each means in Markdown.
    """
    return "".join(f"{line}\n" for line in _lines(exits))


def _lines(exits: Mapping[Exit, str]) -> Iterator[str]:
    group: Any = typer.main.get_command(app_of())
    context = group.make_context("envoylogs", [], resilient_parsing=True)
    yield f'.TH ENVOYLOGS 1 "" "envoylogs {__version__}" "User Commands"'
    yield ".SH NAME"
    yield rf"envoylogs \- {_escaped(_first(group.help).rstrip('.'))}"
    yield ".SH SYNOPSIS"
    yield r".B envoylogs"
    yield r"[\fICOMMAND\fR] [\fIOPTION\fR]... [\fISOURCE\fR]..."
    yield ".SH DESCRIPTION"
    yield from _paragraphs(group.help)
    yield ".SH OPTIONS"
    yield from _options(group, context)
    yield ".SH COMMANDS"
    for name, command in group.commands.items():
        of_command = command.make_context(name, [], parent=context, resilient_parsing=True)
        yield f".SS {name}"
        usage = " ".join(command.collect_usage_pieces(of_command))
        yield rf"\fBenvoylogs {name}\fR {_escaped(usage)}"
        yield ".PP"
        yield from _paragraphs(command.help)
        yield from _options(command, of_command)
    yield ".SH EXIT STATUS"
    for code, meaning in exits.items():
        yield ".TP"
        yield rf"\fB{int(code)}\fR"
        yield _escaped(_LINK.sub(r"\1", meaning).replace("`", ""))
    yield ".SH SEE ALSO"
    yield _escaped("The pages of the documentation are installed with the program:")
    for name, title in titles().items():
        yield ".TP"
        yield rf"\fBenvoylogs help {_escaped(name)}\fR"
        yield _escaped(title)


def _first(text: str) -> str:
    return " ".join(text.strip().partition("\n\n")[0].split())


def _paragraphs(text: str) -> Iterator[str]:
    """Yield the paragraphs of a help; one that is marked keeps its lines."""
    for number, paragraph in enumerate(text.strip().split("\n\n")):
        if number:
            yield ".PP"
        if paragraph.lstrip().startswith(_MARK):
            yield ".nf"
            yield from map(_escaped, paragraph.replace(_MARK, "").strip("\n").splitlines())
            yield ".fi"
        else:
            yield _escaped(" ".join(paragraph.split()))


def _options(command: Any, context: Any) -> Iterator[str]:  # noqa: ANN401  # click's
    """Yield the arguments and options of a command, in the order of its help."""
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            yield ".TP"
            yield rf"\fB{_escaped(record[0].partition(' <')[0])}\fR"
            yield _escaped(" ".join(record[1].split()))


def _escaped(text: str) -> str:
    """Return text in which nothing acts on roff."""
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq")
    return rf"\&{text}" if text.startswith(".") else text
