"""Objects that come next are asked for while others are read."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from envoylogs.sources.remote.file import begin

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from envoylogs.sources.source import Source

_OBJECTS = 24
_BYTES = 32 * 1024 * 1024
"""How many objects are asked for ahead, and how many bytes of them, at most."""


def begun(sources: Iterable[Source]) -> Iterator[Source]:
    """Yield the same sources; the beginnings of objects were asked for before their turn."""
    waiting: deque[Source] = deque()
    size = 0
    for each in sources:
        source = each
        if each.remote is not None and each.begun is None and each.part is None:
            source = replace(each, begun=begin(each.remote))
        waiting.append(source)
        size += source.begun.size if source.begun is not None else 0
        # What is on this machine waits for nobody.
        while waiting and (len(waiting) > _OBJECTS or size > _BYTES or waiting[0].begun is None):
            first = waiting.popleft()
            size -= first.begun.size if first.begun is not None else 0
            yield first
    yield from waiting
