"""Which sources the words of a command line mean.

A word is a file, a folder, a glob, a URL or ``-``. Folders are read in the order of
their names, at every depth, without hidden files. The same real file named
twice is read once. A folder that can't be listed is a source with a problem:
what it holds is missing, and nobody may take the rest for everything.
"""

from __future__ import annotations

import glob
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from envoylogs.errors import SourceError
from envoylogs.problems import UNLISTED_FOLDER
from envoylogs.sources.remote.urls import is_url, looks_like_url, may_be_tally
from envoylogs.sources.source import STDIN_NAME, Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def locate(words: Iterable[str]) -> list[Source]:
    """Return the sources that these words mean, each real file once.

    Args:
        words: Paths, globs and ``-``, in the order in which they are read.

    Raises:
        SourceError: If a path does not exist, a glob matches nothing or a
            folder holds no file.
    """
    sources: list[Source] = []
    seen: set[tuple[int, int] | str] = set()
    for word in words:
        for source in _sources_of(word):
            identity = _identity(source)
            if identity not in seen:
                seen.add(identity)
                sources.append(source)
    return sources


def _sources_of(word: str) -> Iterator[Source]:
    if word == "-":
        yield Source(STDIN_NAME, None)
    elif not word:
        raise SourceError.missing("''")
    elif is_url(word):
        yield from _objects_at(word)
    else:
        yield from _files_at(word)


def _files_at(word: str) -> Iterator[Source]:
    path = Path(word)
    try:
        exists, is_folder = path.exists(), path.is_dir()
    except OSError as error:
        raise SourceError.unreadable(word, error) from error
    if is_folder:
        files = _files_in(path)
        if not files:
            raise SourceError(
                f"{word}: the folder holds no file to read. Give a folder of log files."
            )
        yield from files
    elif exists:
        yield _source(word)
    elif glob.has_magic(word):
        matches = sorted(glob.glob(word, recursive=True))  # noqa: PTH207
        unlisted = _unlisted_on_the_way(word)
        yield from unlisted
        if not matches and not unlisted:
            raise SourceError(
                f"{word}: no file matches this pattern. Quote it, or check the folder."
            )
        for match in matches:
            found = Path(match)
            yield from _files_in(found) if found.is_dir() else [_source(match, found=True)]
    elif looks_like_url(word) and "://" in word:
        scheme = word.partition("://")[0]
        raise SourceError(
            f"{scheme}://...: is no URL that is read. Those of s3, gs, az, https and http are."
        )
    else:
        raise SourceError.missing(word)


def listed(sources: Iterable[Source]) -> list[Source]:
    """Return sources with the objects themselves where a URL means many.

    Raises:
        SourceError: If a store can't be asked.
    """
    from envoylogs.sources.remote.ahead import expanded

    return list(expanded(sources))


def _objects_at(url: str) -> Iterator[Source]:
    from envoylogs.sources.remote.listing import objects_at

    found = objects_at(url)
    remote, is_found = next(found)
    first = Source(remote.name, None, found=is_found, remote=remote)
    if is_found and not may_be_tally(remote.key):
        # That there are any is said at once; a million of them are listed while they are read.
        yield Source(url, None, found=True, listing=url)
        return
    yield first
    yield from (Source(more.name, None, found=True, remote=more) for more, _ in found)


def _source(path: str, *, found: bool = False) -> Source:
    """Return a file as a source; bytes of its name that are no text are shown as such."""
    name = path.encode(errors="surrogateescape").decode(errors="backslashreplace")
    return Source(name, path, found=found)


def _files_in(folder: Path) -> list[Source]:
    """Return the files of a folder, and the folders in it that can't be listed.

    Raises:
        SourceError: If the folder itself can't be listed.
    """
    files: list[tuple[Path, str | None]] = []

    def on_error(error: OSError) -> None:
        if isinstance(error, FileNotFoundError):
            # It was there a moment ago.
            return
        if Path(error.filename) == folder:
            raise SourceError.unreadable(str(folder), error) from error
        files.append((Path(error.filename), UNLISTED_FOLDER))

    for at, folders, names in os.walk(folder, onerror=on_error):
        folders[:] = [name for name in folders if not name.startswith(".")]
        here = Path(at)
        files += [
            (here / name, None)
            for name in names
            if not name.startswith(".") and _is_file(here / name)
        ]
    return [
        replace(_source(str(path), found=True), problem=problem)
        for path, problem in sorted(files, key=lambda found: found[0])
    ]


def _is_file(path: Path) -> bool:
    """Tell files, among them those that can't be looked at: opening these says why."""
    try:
        return path.is_file()
    except OSError:
        return True


def _unlisted_on_the_way(pattern: str) -> list[Source]:
    """Return the folders that a pattern would look into, and that can't be listed."""
    parts = Path(pattern).parts
    first = next(place for place, part in enumerate(parts) if glob.has_magic(part))
    found = {str(Path(*parts[:first])): None}
    for end in range(first + 1, len(parts)):
        found |= dict.fromkeys(sorted(glob.glob(os.path.join(*parts[:end]), recursive=True)))  # noqa: PTH118, PTH207
    return [
        replace(_source(path, found=True), problem=UNLISTED_FOLDER)
        for path in found
        if os.path.isdir(path) and not _can_be_listed(path)  # noqa: PTH112
    ]


def _can_be_listed(folder: str) -> bool:
    try:
        with os.scandir(folder):
            return True
    except OSError:
        return False


def _identity(source: Source) -> tuple[int, int] | str:
    if source.path is None:
        return f"{source.name}/" if source.listing is not None else source.name
    try:
        status = Path(source.path).stat()
    except OSError:
        return source.path
    return (status.st_dev, status.st_ino)
