"""Temporary files and folders; those of a run that was killed are taken away by the next one.

Each is locked by the run that has made it, and the system lets go of a lock
with its process. So what is there and not locked is nobody's any more, in
whatever container its run was.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

if sys.platform != "win32":
    import fcntl

_SUFFIX = ".envoylogs-part"

_RANDOM_BYTES = 5

_OWN: set[Path] = set()
"""What this process has made and not taken away yet."""


@contextmanager
def temporary_file(folder: Path, name: str) -> Iterator[Path]:
    """Return a new file in a folder, hidden and named alike; it is gone at the end, unless moved.

    Raises:
        OSError: If it can't be made.
    """

    def make(path: Path) -> None:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))

    with _claimed(folder, name, make) as path:
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)


@contextmanager
def temporary_folder(folder: Path, name: str) -> Iterator[Path]:
    """Return a new folder in a folder likewise, with whatever will be in it.

    Raises:
        OSError: If it can't be made.
    """

    def make(path: Path) -> None:
        path.mkdir(0o700)

    with _claimed(folder, name, make) as path:
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _claimed(folder: Path, name: str, make: Callable[[Path], None]) -> Iterator[Path]:
    """Return what is made, locked; what dead runs have left in the folder is taken away before."""
    _take_away_leftovers(folder)
    while True:
        path = folder / f".{name}.{secrets.token_hex(_RANDOM_BYTES)}{_SUFFIX}"
        # A signal may end the program as soon as it is there.
        _OWN.add(path)
        descriptor = None
        try:
            make(path)
            descriptor = _locked(path, wait=True)
            # Another run may have taken it away before it was locked.
            if _is_there(path, descriptor):
                yield path
                return
        finally:
            _OWN.discard(path)
            if descriptor is not None:
                os.close(descriptor)


def take_away_own() -> None:
    """Take away all that this process has made, which ends at once and not as it should."""
    for path in tuple(_OWN):
        with suppress(OSError):
            _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _take_away_leftovers(folder: Path) -> None:
    """Take away what runs of this user left in a folder, if they are dead for sure."""
    if sys.platform == "win32":
        return
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if not (entry.name.startswith(".") and entry.name.endswith(_SUFFIX)):
                continue
            with suppress(OSError):
                if entry.stat(follow_symlinks=False).st_uid == os.getuid():
                    _take_away(Path(entry.path))


def _take_away(path: Path) -> None:
    descriptor = _locked(path, wait=False)
    if descriptor is None:
        return
    try:
        if not _is_there(path, descriptor):
            return
        _remove(path)
    finally:
        os.close(descriptor)


def _locked(path: Path, *, wait: bool) -> int | None:
    """Open and lock a file or a folder; null if somebody else has, or the system can't.

    Where no lock can be had nothing is taken away either.
    """
    if sys.platform == "win32":
        return None
    try:
        access = os.O_RDONLY if path.is_dir() else os.O_RDWR
        descriptor = os.open(path, access | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _is_there(path: Path, descriptor: int | None) -> bool:
    """Tell whether a path leads to a file, and to the open one if there is one."""
    try:
        found = path.lstat()
        return descriptor is None or os.path.samestat(found, os.fstat(descriptor))
    except OSError:
        return False
