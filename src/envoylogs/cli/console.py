"""Where words go that are no data, what exit codes mean, and how files are written whole."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from contextlib import contextmanager, suppress
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TextIO

import typer

from envoylogs.errors import EnvoylogsError, OutputError
from envoylogs.render.formatting import printable
from envoylogs.sources.temporary import temporary_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from envoylogs.sources.source import Source


class Exit(IntEnum):
    """Exit codes of every command."""

    OK = 0
    ERROR = 1
    USAGE = 2
    CONDITION_FAILED = 3
    NOT_ENOUGH_DATA = 4
    INTERRUPTED = 130


def say_error(error: EnvoylogsError) -> None:
    """Print what went wrong, and where more is said of it."""
    say(f"envoylogs: {error}\n  See docs/messages.md#{error.slug}")


def say(words: str) -> None:
    """Print a line or several to standard error."""
    # Strangers choose the names and the values that a message may repeat.
    shown = "\n".join(printable(line) if line else "" for line in words.split("\n"))
    with suppress(BrokenPipeError):
        print(shown, file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def output_file(path: Path | None) -> Iterator[TextIO]:
    """Open what a command writes to: standard output, a pipe, or a file that is replaced whole.

    Args:
        path: The file; null or ``-`` is standard output.

    Raises:
        OutputError: If the file can't be written.
    """
    if path is None or str(path) == "-":
        with closed_pipe_is_no_error():
            yield sys.stdout
        return
    if _is_written_in_place(path):
        with _no_replacement(path), path.open("a", encoding="utf-8") as out:
            yield out
        return
    with replaced_file(path) as beside, beside.open("w", encoding="utf-8") as out:
        yield out


@contextmanager
def closed_pipe_is_no_error() -> Iterator[None]:
    """Write to standard output; end quietly if its reader has seen enough (``| head``).

    Raises:
        OutputError: If it can't be written, to a full disk say.
        typer.Exit: With the code of success, if the pipe is closed.
    """
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        # Nothing more is written, not even when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise OutputError.unwritable("standard output", error) from error
        raise typer.Exit(Exit.OK) from None


def refuse_to_overwrite(sources: Sequence[Source], outputs: Iterable[Path]) -> None:
    """Refuse outputs that are a log which is to be read, or one another.

    A saved tally may be replaced by one that it was added to.

    Raises:
        OutputError: If an output is one of the sources, or two are the same.
    """
    from envoylogs.tally.storage import holds_records, is_saved_tally

    written: set[str] = set()
    for output in outputs:
        if is_device(output):
            continue
        name = os.path.realpath(output)
        if name in written:
            raise OutputError(
                f"{output}: is named for two outputs. Write each to a file of its own."
            )
        written.add(name)
        for source in sources:
            is_read = source.path is not None and _is_same(source.path, name)
            if is_read and (holds_records(source) or not is_saved_tally(source)):
                raise OutputError(f"{output}: is one of the logs to read. Write to another file.")


def is_device(path: Path) -> bool:
    """Tell devices and pipes (``/dev/stdout`` may lead to one) from files."""
    # Path.exists raises an error where a folder may not be searched.
    return os.path.exists(path) and not os.path.isfile(path)  # noqa: PTH110, PTH113


def _is_written_in_place(path: Path) -> bool:
    """Tell what can't be replaced, or must not: a device, a pipe, a file that somebody has open.

    ``/dev/stdout`` and ``/dev/fd/3`` are what a shell opened, which goes on
    writing to it.
    """
    folder = os.path.realpath(path.parent)
    return is_device(path) or folder == "/dev" or folder.startswith(("/dev/fd", "/proc/"))


@contextmanager
def _no_replacement(path: Path) -> Iterator[None]:
    """Write into something as it is; end quietly if its reader has seen enough."""
    try:
        yield
    except BrokenPipeError:
        raise typer.Exit(Exit.OK) from None
    except OSError as error:
        raise OutputError.unwritable(str(path), error) from error


def _is_same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)  # noqa: PTH121
    except OSError:
        return False


@contextmanager
def replaced_file(path: Path, *, durable: bool = False) -> Iterator[Path]:
    """Return a file beside another one, which takes its place when it is whole.

    What goes to a device or a pipe is kept in a temporary folder until it is whole.

    Args:
        path: The file.
        durable: Whether its bytes must be on the disk before it takes its
            place, and its name afterwards, whatever happens to the machine.

    Raises:
        OutputError: If the file can't be written.
    """
    in_place = _is_written_in_place(path)
    # What a link leads to is replaced, not the link; the one to a pipe leads to no path.
    path = path if in_place else Path(os.path.realpath(path))
    folder = Path(tempfile.gettempdir()) if in_place else path.parent
    try:
        with temporary_file(folder, path.name) as beside:
            yield beside
            if in_place:
                with _no_replacement(path), path.open("ab") as out:
                    out.write(beside.read_bytes())
                return
            _give_access(beside, path)
            if durable:
                _flush(beside)
            beside.replace(path)
        if durable:
            _flush(path.parent)
    except OSError as error:
        raise OutputError.unwritable(str(path), error) from error


@contextmanager
def kept_bytes(path: Path) -> Iterator[BinaryIO]:
    """Open what is written while a command runs, and is whole at its end or not there.

    Raises:
        OutputError: If it can't be written.
    """
    if _is_written_in_place(path):
        with _no_replacement(path), path.open("ab") as out:
            yield out
        return
    with replaced_file(path) as beside, beside.open("wb") as out:
        yield out


def _give_access(beside: Path, path: Path) -> None:
    """Let those read a new file who may read the one that it replaces, or any new file."""
    try:
        before = path.stat()
    except FileNotFoundError:
        beside.chmod(0o666 & ~_umask())
        return
    with suppress(OSError, AttributeError):
        os.chown(beside, before.st_uid, before.st_gid)
    beside.chmod(stat.S_IMODE(before.st_mode))


def _flush(path: Path) -> None:
    """Have what the system holds of a file or a folder written to the disk."""
    if path.is_dir() and os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
