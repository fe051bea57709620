"""The command line: commands by name, and errors as words instead of tracebacks."""

from __future__ import annotations

import atexit
import gc
import io
import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Annotated

import typer

from envoylogs import __version__
from envoylogs.cli.console import Exit, say_error
from envoylogs.cli.lean import LeanCommand, LeanGroup
from envoylogs.errors import EnvoylogsError, OutputError

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = ("summarize", "report", "lines", "query", "columns", "convert", "merge", "flags")
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
        app.command(cls=LeanCommand)(getattr(module, name))
    return app


def _show_version(value: bool) -> None:  # noqa: FBT001  # the signature is typer's
    if value:
        print(f"envoylogs {__version__}")  # noqa: T201
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


_OWN_OPTIONS = ("--version", "--help", "-h", "--install-completion", "--show-completion")


def _with_command(arguments: list[str]) -> list[str]:
    """Return arguments with the command that may be left out: ``summarize``."""
    if not arguments:
        return ["summarize"] if not sys.stdin.isatty() else ["--help"]
    first = arguments[0]
    if first in COMMANDS or first in _OWN_OPTIONS:
        return arguments
    return ["summarize", *arguments]


def run() -> None:
    """Run the command line as a program, which ends without being taken apart.

    Python frees its modules, frames and caches one by one when it ends, which is a tenth of the
    processor time of a small log.
    """
    _open_streams()
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
        sys.stderr.flush()
    except BrokenPipeError:
        # Nobody reads any more; Python says so in its own way.
        raise SystemExit(code) from None
    except OSError as error:
        # What could not be written may be standard error.
        with suppress(OSError):
            say_error(OutputError.unwritable("standard output", error))
        os._exit(Exit.ERROR)
    os._exit(code)


def _open_streams() -> None:
    """Make the standard streams such that nothing written to them is lost unsaid."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        # A shell may have closed it; what goes to the others still counts.
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123
    out = sys.stdout
    # With PYTHONUNBUFFERED, as in many containers, what the system did not take of a write is lost
    # without a word, such as all behind the end of a disk.
    if isinstance(getattr(out, "buffer", None), io.RawIOBase):
        sys.stdout = open(  # noqa: SIM115
            out.fileno(), "w", encoding=out.encoding, errors=out.errors, closefd=False,
            buffering=1 if out.isatty() else -1,
        )  # fmt: skip


def main() -> None:
    """Run the command line; the only place where errors become words and exit codes."""
    # One thread decodes and another observes: with the usual 5 ms between switches each waits for
    # the other (measured on 500,000 lines: 80 against 100 MB/s). Decoding makes no cycles.
    sys.setswitchinterval(0.0001)
    gc.set_threshold(500_000, 50, 100)
    # Polars' allocator keeps freed memory for ten seconds by default, which is most of the memory
    # of a run: at 50 ms the peak is a tenth lower and the time the same within 3 %.
    os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:50,muzzy_decay_ms:0")
    # Its streaming engine sets itself up for each of some hundred queries over a few rows; what has
    # many rows asks for it by name.
    os.environ.setdefault("POLARS_ENGINE_AFFINITY", "in-memory")
    arguments = _with_command(sys.argv[1:])
    # A shell that asks for completions gives no arguments.
    is_alone = arguments[0] in COMMANDS and "_ENVOYLOGS_COMPLETE" not in os.environ
    try:
        app_of(arguments[:1] if is_alone else COMMANDS)(arguments, prog_name="envoylogs")
    except EnvoylogsError as error:
        say_error(error)
        raise SystemExit(Exit.USAGE if error.is_of_usage else Exit.ERROR) from None
