"""Files that are given as configuration, and their bytes."""

from __future__ import annotations

import mmap
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from envoylogs.errors import IncompleteSourceError, SourceError
from envoylogs.sources.compression import READ_BYTES, is_packed
from envoylogs.sources.encodings import TOLD_BY_BYTES
from envoylogs.sources.locate import listed, locate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from envoylogs.sources.source import Source

_NAMES = re.compile(r".+\.(ya?ml|json)(\.(gz|zst|bz2|xz))?", re.IGNORECASE)
_MARK = b"\xef\xbb\xbf"


def located(given: Iterable[str]) -> list[Source]:
    """Return the files that are meant, each real one once; of a folder those with fitting names.

    Raises:
        SourceError: If a path does not exist, a pattern fits nothing, or a folder holds no
            YAML and no JSON.
    """
    found: dict[str, Source] = {}
    for word in given:
        sources = listed(locate([word]))
        if Path(word).is_dir():
            sources = [each for each in sources if each.problem or _NAMES.fullmatch(each.name)]
            if not sources:
                raise SourceError(
                    f"{word}: the folder holds no *.yaml, *.yml or *.json. Give a folder of them."
                )
        for source in sources:
            key = source.name if source.path is None else str(Path(source.path).resolve())
            found.setdefault(key, source)
    return list(found.values())


@contextmanager
def opened(source: Source, stdin: BinaryIO | None) -> Iterator[memoryview]:
    """Return the bytes of a file in UTF-8; one that is not compressed is mapped, not read.

    Args:
        source: The file.
        stdin: What ``-`` reads; null for the standard input of the process.

    Raises:
        SourceError: If it can't be opened or read, or not to its end.
    """
    if source.problem is not None:
        raise IncompleteSourceError.of(source.name, source.problem, 0)
    if source.path is None and stdin is not None:
        yield memoryview(_unpacked(source, stdin))
        return
    with source.open_raw() as raw:
        if source.path is not None and source.size and not is_packed(_start(raw)):
            # Closed with the last view of it: a value that is not decoded yet is such a view.
            view = memoryview(mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_READ))
            yield view[len(_MARK) :] if view[: len(_MARK)] == _MARK else view
            return
        yield memoryview(_unpacked(source, raw))


def _start(raw: BinaryIO) -> bytes:
    start = raw.read(TOLD_BY_BYTES)
    raw.seek(0)
    return start


def _unpacked(source: Source, raw: BinaryIO) -> bytes:
    stream = source.unpacked(raw)
    pieces: Sequence[bytes] = list(iter(lambda: stream.read1(READ_BYTES), b""))
    data = b"".join(pieces)
    if stream.problem is not None:
        raise IncompleteSourceError.of(source.name, stream.problem, len(data))
    return data.removeprefix(_MARK)
