"""Where words go that are no data: standard error; and how files are written whole."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import typer

from envoylogs.cli.exits import Exit
from envoylogs.errors import EnvoylogsError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["output_file", "say", "say_error"]


def say_error(error: EnvoylogsError) -> None:
    """Print what went wrong, and where more is said of it."""
    say(f"envoylogs: {error}\n  See docs/messages.md#{error.slug}")


def say(words: str) -> None:
    """Print a line to standard error."""
    with suppress(BrokenPipeError):
        print(words, file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def output_file(path: Path | None) -> Iterator[TextIO]:
    """Open what a command writes to: standard output, or a file that is moved into place whole.

    Args:
        path: The file; null or ``-`` is standard output.

    Raises:
        OutputError: If the file can't be written.
    """
    if path is None or str(path) == "-":
        try:
            yield sys.stdout
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader has seen enough (| head): nothing is wrong, and nothing more is written.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(Exit.OK) from None
        return
    if path.exists() and not path.is_file():
        # A device or a named pipe can't be replaced, only written to.
        with path.open("w", encoding="utf-8") as special:
            yield special
        return
    try:
        descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise OutputError.unwritable(str(path), error) from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            yield out
        Path(beside).chmod(0o666 & ~_umask())
        Path(beside).replace(path)
    except BaseException as error:
        Path(beside).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise OutputError.unwritable(str(path), error) from error
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
