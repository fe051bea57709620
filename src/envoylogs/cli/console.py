"""Where answers and words go, and what exit codes mean."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING, BinaryIO, TextIO

import typer

from envoylogs.errors import EnvoylogsError, OutputError
from envoylogs.outputs import is_device, is_written_in_place, replaced_file
from envoylogs.render.formatting import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from envoylogs.sources.source import Source


class Exit(IntEnum):
    """Exit codes of every command."""

    OK = 0
    ERROR = 1
    USAGE = 2
    CONDITION_FAILED = 3
    NOT_ENOUGH_DATA = 4
    HUNG_UP = 129
    INTERRUPTED = 130
    TERMINATED = 143


def say_error(error: EnvoylogsError) -> None:
    """Print what went wrong, and where more is said of it."""
    say(f"envoylogs: {error}\n  See: envoylogs help {error.slug}")


def say(words: str) -> None:
    """Print a line or several to standard error."""
    # Strangers choose the names and the values that a message may repeat.
    shown = "\n".join(printable(line) if line else "" for line in words.split("\n"))
    print(shown, file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def output_file(path: Path | None) -> Iterator[TextIO]:
    """Open what a command writes to: standard output, a pipe, or a file that is replaced whole.

    Args:
        path: The file; null or ``-`` is standard output.

    Raises:
        OutputError: If it can't be written.
    """
    if path is None or str(path) == "-":
        yield sys.stdout
        sys.stdout.flush()
        return
    if is_written_in_place(path):
        with _no_replacement(path), path.open("a", encoding="utf-8") as out:
            yield out
        return
    with replaced_file(path) as beside, beside.open("w", encoding="utf-8") as out:
        yield out


def refuse_to_overwrite(
    sources: Sequence[Source], outputs: Iterable[Path], what: str = "logs"
) -> None:
    """Refuse outputs that are a log which is to be read, or one another.

    A saved tally may be replaced by one that it was added to.

    Args:
        sources: What is read.
        outputs: What is written.
        what: The sources are called.

    Raises:
        OutputError: If an output is one of the sources, or two are the same.
    """
    from envoylogs.sources.remote.urls import looks_like_url
    from envoylogs.tally.storage import holds_records, is_saved_tally

    written: set[str] = set()
    for output in outputs:
        if is_device(output):
            continue
        if looks_like_url(str(output)):
            raise OutputError(
                "what is written goes to files on this machine, and not to a URL. Write to a file, "
                "and copy it to the store."
            )
        name = os.path.realpath(output)
        if name in written:
            raise OutputError(
                f"{output}: is named for two outputs. Write each to a file of its own."
            )
        written.add(name)
        for source in sources:
            is_read = source.path is not None and _is_same(source.path, name)
            if is_read and (holds_records(source) or not is_saved_tally(source)):
                raise OutputError(f"{output}: is one of the {what} to read. Write to another file.")


def _is_same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)  # noqa: PTH121
    except OSError:
        return False


@contextmanager
def _no_replacement(path: Path) -> Iterator[None]:
    """Write into something as it is; end quietly if its reader has seen enough."""
    try:
        yield
    except BrokenPipeError:
        raise typer.Exit(Exit.OK) from None
    except OSError as error:
        raise OutputError.unwritable(str(path), error) from error


@contextmanager
def kept_bytes(path: Path) -> Iterator[BinaryIO]:
    """Open what is written while a command runs, and is whole at its end or not there.

    Raises:
        OutputError: If it can't be written.
    """
    if is_written_in_place(path):
        with _no_replacement(path), path.open("ab") as out:
            yield out
        return
    with replaced_file(path) as beside, beside.open("wb") as out:
        yield out
