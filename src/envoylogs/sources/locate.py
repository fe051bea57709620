"""Which sources the words of a command line mean.

A word is a file, a folder, a glob or ``-``. Folders are read in the order of
their names, at every depth, without hidden files. The same real file named
twice is read once.
"""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING

from envoylogs.errors import SourceError
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
        return
    if not word:
        raise SourceError.missing("''")
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
        if not matches:
            raise SourceError(
                f"{word}: no file matches this pattern. Quote it, or check the folder."
            )
        for match in matches:
            found = Path(match)
            yield from _files_in(found) if found.is_dir() else [_source(match, found=True)]
    else:
        raise SourceError.missing(word)


def _source(path: str, *, found: bool = False) -> Source:
    """Return a file as a source; bytes of its name that are no text are shown as such."""
    name = path.encode(errors="surrogateescape").decode(errors="backslashreplace")
    return Source(name, path, found=found)


def _files_in(folder: Path) -> list[Source]:
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    return [_source(str(path), found=True) for path in files]


def _identity(source: Source) -> tuple[int, int] | str:
    if source.path is None:
        return source.name
    try:
        status = Path(source.path).stat()
    except OSError:
        return source.path
    return (status.st_dev, status.st_ino)
