"""Objects are listed while they are read, and those that come next are asked for ahead."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from envoylogs.sources.remote.file import begin
from envoylogs.sources.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_OBJECTS = 24
_BYTES = 32 * 1024 * 1024
"""How many objects are asked for ahead, and how many bytes of them, at most."""


def expanded(sources: Iterable[Source]) -> Iterator[Source]:
    """Yield sources, and each object where one stands for many; the same object once.

    Raises:
        SourceError: If a store can't be asked.
    """
    # What is listed once has each object once, and a million names are some hundred megabytes.
    several = isinstance(sources, list | tuple) and len(sources) > 1
    seen: set[str] = set()
    for source in sources:
        if source.remote is None and source.listing is None:
            yield source
            continue
        for each in _objects_of(source):
            if each.name not in seen:
                yield each
            if several:
                seen.add(each.name)


def _objects_of(source: Source) -> Iterator[Source]:
    if source.listing is None:
        yield source
        return
    from envoylogs.sources.remote.listing import objects_at

    for remote, _ in objects_at(source.listing):
        yield Source(remote.name, None, found=True, remote=remote)


def begun(sources: Iterable[Source], most: int | None = None) -> Iterator[Source]:
    """Yield sources, expanded; the beginnings of objects were asked for before their turn.

    Args:
        sources: Of any kind.
        most: How many bytes of a beginning are asked for; null for as many as are usual.
    """
    waiting: deque[tuple[Source, int]] = deque()
    size = 0
    for source in expanded(sources):
        if source.remote is None or source.begun is not None or source.part is not None:
            # What is on this machine or on its way waits for nobody.
            yield from (first for first, _ in waiting)
            waiting.clear()
            size = 0
            yield source
            continue
        beginning = begin(source.remote, most)
        waiting.append((replace(source, begun=beginning), beginning.size))
        size += beginning.size
        while len(waiting) > _OBJECTS or size > _BYTES:
            first, of_first = waiting.popleft()
            size -= of_first
            yield first
    yield from (first for first, _ in waiting)
