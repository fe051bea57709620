"""The command line: commands by name, and errors as words instead of tracebacks."""

from __future__ import annotations

import atexit
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Annotated

import typer

from envoylogs import __version__
from envoylogs.cli.console import Exit, say_error
from envoylogs.cli.lean import LeanCommand, LeanGroup
from envoylogs.cli.streams import open_streams
from envoylogs.errors import EnvoylogsError, OutputError, UnknownKeyError, nearest
from envoylogs.sources.stop import end_at_signals

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = (
    "summarize", "explain", "report", "lines", "query", "columns", "convert", "merge", "flags",
    "help",
)  # fmt: skip
"""The commands, each a function in a module of its name."""


def app_of(commands: Sequence[str] = COMMANDS) -> typer.Typer:
    """Return the program with some of its commands; what the others need is not imported."""
    app = typer.Typer(
        name="envoylogs",
        cls=LeanGroup,
        # Plain help: it prints at once, everywhere the same, and Rich is not imported for it.
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.callback()(_envoylogs)
    for name in commands:
        module = import_module(f"envoylogs.cli.commands.{name}")
        app.command(name, cls=LeanCommand)(getattr(module, name))
    return app


def _show_version(value: bool) -> None:  # noqa: FBT001  # the signature is typer's
    if value:
        from envoylogs.reading.decoders.choice import decoder_choice

        print(f"envoylogs {__version__} ({decoder_choice().description})")  # noqa: T201
        raise typer.Exit


def _envoylogs(
    version: Annotated[  # noqa: FBT002  # typer reads the default
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,  # typer reads the default
) -> None:
    """Read Istio ingress gateway access logs: what is wrong, whose fault, what next.

    \b
    envoylogs summarize gateway.log          findings, then every number
    envoylogs logs/ 'old/*.json'             the same of a folder and a glob
    kubectl logs -n istio-system deploy/istio-ingressgateway | envoylogs
    envoylogs summarize gateway.log --format json | jq .findings
    envoylogs report logs/ -o report.html    one offline page with filters
    envoylogs lines gateway.log --finding 1  the lines behind the first finding
    envoylogs flags UF,URX                   what a flag means, whom it blames
    envoylogs --show-config                  each setting, and what sets it

    A command may be left out: a source alone means summarize.
    """  # noqa: D301  # \b keeps the lines of the examples


_LIKE_A_COMMAND = 0.7
"""How alike a word must be to a command, to be taken for one that was meant: "logs" is 0.67 like
"flags", and more often a folder that is not there."""

_OWN_OPTIONS = ("--version", "--help", "-h", "--install-completion", "--show-completion")


def _with_command(arguments: list[str]) -> list[str]:
    """Return arguments with the command that may be left out: ``summarize``.

    Raises:
        UnknownKeyError: If the first is no file and nearly a command.
    """
    if not arguments:
        return ["summarize"] if not sys.stdin.isatty() else ["--help"]
    first, *others = arguments
    if first == "help" and len(others) == 1 and others[0] in COMMANDS:
        return [*others, "--help"]
    if first in COMMANDS or first in _OWN_OPTIONS:
        return arguments
    if first == "version":
        return ["--version"]
    near = "" if os.path.lexists(first) else nearest(first, COMMANDS, least=_LIKE_A_COMMAND)
    if near:
        raise UnknownKeyError(f"no command and no file is called {first}.{near}")
    return ["summarize", *arguments]


def run() -> None:
    """Run the command line as a program, which ends without being taken apart.

    Python frees its modules, frames and caches one by one when it ends, which is a tenth of the
    processor time of a small log.
    """
    open_streams()
    end_at_signals()
    try:
        main()
    except SystemExit as ended:
        code = ended.code or 0
        if not isinstance(code, int):
            raise
    else:
        code = 0
    try:
        atexit._run_exitfuncs()  # noqa: SLF001  # what ``os._exit`` leaves out
        sys.stdout.flush()
    except OutputError as error:
        say_error(error)
        code = Exit.ERROR
    except SystemExit:
        # The reader of what was left had seen enough.
        pass
    os._exit(code)


def main() -> None:
    """Run the command line; the only place where errors become words and exit codes."""
    # One thread decodes and another observes: with the usual 5 ms between switches each waits for
    # the other (measured on 500,000 lines: 80 against 100 MB/s).
    sys.setswitchinterval(0.0001)
    # Polars' allocator keeps freed memory for ten seconds by default, which is most of the memory
    # of a run: at 50 ms the peak is a tenth lower and the time the same within 3 %.
    os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:50,muzzy_decay_ms:0")
    # Its streaming engine sets itself up for each of some hundred queries over a few rows; what has
    # many rows asks for it by name.
    os.environ.setdefault("POLARS_ENGINE_AFFINITY", "in-memory")
    try:
        arguments = _with_command(sys.argv[1:])
        # A shell that asks for completions gives no arguments, and help lists all commands.
        is_alone = arguments[0] in COMMANDS[:-1] and "_ENVOYLOGS_COMPLETE" not in os.environ
        app_of(arguments[:1] if is_alone else COMMANDS)(arguments, prog_name="envoylogs")
    except EnvoylogsError as error:
        say_error(error)
        raise SystemExit(Exit.USAGE if error.is_of_usage else Exit.ERROR) from None
