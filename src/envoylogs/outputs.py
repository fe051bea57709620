"""Files that are written: each is whole, or what was there before stays."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from envoylogs.errors import OutputError
from envoylogs.sources.temporary import temporary_file

if TYPE_CHECKING:
    from collections.abc import Iterator


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
    in_place = is_written_in_place(path)
    # What a link leads to is replaced, not the link; the one to a pipe leads to no path.
    path = path if in_place else Path(os.path.realpath(path))
    folder = Path(tempfile.gettempdir()) if in_place else path.parent
    try:
        with temporary_file(folder, path.name) as beside:
            yield beside
            if in_place:
                # Its reader may have seen enough.
                with suppress(BrokenPipeError), path.open("ab") as out:
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


def is_device(path: Path) -> bool:
    """Tell devices and pipes (``/dev/stdout`` may lead to one) from files."""
    # Path.exists raises an error where a folder may not be searched.
    return os.path.exists(path) and not os.path.isfile(path)  # noqa: PTH110, PTH113


def is_written_in_place(path: Path) -> bool:
    """Tell what can't be replaced, or must not: a device, a pipe, a file that somebody has open.

    ``/dev/stdout`` and ``/dev/fd/3`` are what a shell opened, which goes on
    writing to it.
    """
    folder = os.path.realpath(path.parent)
    return is_device(path) or folder == "/dev" or folder.startswith(("/dev/fd", "/proc/"))


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
