"""Work that is handed out: which sources, or which part of one, are read together.

Sources that may be copies of one another are read together and in order, so that none of them is
counted twice: those that begin with the same line and the same kilobyte. Large plain files are
read in parts, whatever the lines; small files together. All else is one item a source.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from envoylogs.errors import MissingSourceError, SourceError
from envoylogs.problems import GONE_LOG, MISSED_LOG
from envoylogs.sources.compression import HEAD_BYTES, is_plain
from envoylogs.sources.identity import Mark
from envoylogs.sources.parts import Part
from envoylogs.sources.probe import Probe
from envoylogs.sources.remote.ahead import begun

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from envoylogs.sources.source import Source

WHOLE = Part(0, 0, None)
"""The part of a small source that is known to be plain: all of it."""

MOST_BYTES = 1024 * 1024 * 1024
"""How much of a log an item is of at most, where it can be less: what is worked out anew for each,
and adding it up, must not matter; what is lost with a worker that dies should not be much."""
_EACH = 2
"""How many items there are for each worker at least, so that none waits long for the last ones."""
_LEAST_BYTES = 16 * 1024 * 1024
_MOST_SOURCES = 2_000
"""How many sources are read together at most: asking a store for each takes its time too."""

_UNPACKED = 8
"""How many times larger than its archive a log is, of which only that is known: 10 to 60 for gzip,
whose unpacking takes as long again as reading what is unpacked."""

_SOURCES_LOOKED_AT = 64
_LOOKED_AT_BYTES = 32 * 1024


class Head(NamedTuple):
    """How a source begins.

    Attributes:
        name: Of the source.
        first: The mark of its first line; null without any byte.
        start: A digest of its first kilobyte; null if it has less.
        is_plain: Whether it is lines of text in UTF-8, and no archive.
        why: Why it can't be read, in words; null if it can.
        problem: Which of ``problems.PROBLEMS`` that is.
    """

    name: str
    first: Mark | None
    start: bytes | None
    is_plain: bool
    why: str | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """Sources that are read one after the other by one worker.

    Attributes:
        sources: In order. A part of one is alone.
        size: How many bytes they have as they are stored.
        weight: About how many bytes of log these are.
        n_parts: Of how many parts a part is one; 0 for sources as a whole.
        first: The mark of the first line of that source, by which it is seen that it is the same.
        is_family: Whether they may be copies of one another.
        tries: How often it was begun and its worker died.
    """

    sources: tuple[Source, ...]
    size: int
    weight: int
    n_parts: int = 0
    first: Mark | None = None
    is_family: bool = False
    tries: int = 0

    def apart(self) -> list[Item]:
        """Return its sources as items of their own, of those that may be."""
        if self.is_family or len(self.sources) == 1:
            return [self]
        sizes = [one.size or 0 for one in self.sources]
        return [
            replace(self, sources=(one,), size=size, weight=self.weight * size // (self.size or 1))
            for one, size in zip(self.sources, sizes, strict=True)
        ]


def to_look_at(sources: Iterable[Source]) -> Iterator[tuple[Source, ...]]:
    """Yield sources in the groups in which they are looked at."""
    waiting: list[Source] = []
    for source in sources:
        waiting.append(source)
        if len(waiting) == _SOURCES_LOOKED_AT:
            yield tuple(waiting)
            waiting = []
    if waiting:
        yield tuple(waiting)


def heads_of(sources: Sequence[Source]) -> list[Head]:
    """Look at how sources begin; one that can't be read says why."""
    return [_head_of(source) for source in begun(sources, most=_LOOKED_AT_BYTES)]


def _head_of(source: Source) -> Head:
    try:
        with source.open_raw() as raw:
            plain = is_plain(raw.read(HEAD_BYTES))
            probe = Probe(raw)
            first = probe.first_line(unended=True)
    except (OSError, SourceError) as error:
        why = str(error) if isinstance(error, SourceError) else (error.strerror or str(error))
        return Head(source.name, None, None, False, why, problem_of(source, error))  # noqa: FBT003
    start = blake2b(probe.head, digest_size=12).digest() if probe.is_head_full else None
    return Head(source.name, first, start, plain)


def problem_of(source: Source, error: Exception) -> str:
    """Return the problem that an error of reading a source is, one of ``problems.PROBLEMS``."""
    told = source.problem_of(error)
    if told is not None:
        return told
    is_gone = isinstance(error, MissingSourceError | FileNotFoundError)
    return GONE_LOG if is_gone else MISSED_LOG


def items_of(sources: Sequence[Source], heads: Iterable[Head], workers: int) -> list[Item]:
    """Return sources as work for so many workers, the largest items first.

    Args:
        sources: All of them, in order.
        heads: Of each of them, in any order.
        workers: How many items are read at a time.
    """
    by_name = {head.name: head for head in heads}
    sizes = {source.name: source.size or 0 for source in sources}
    weights = {
        name: size if by_name[name].is_plain else size * _UNPACKED for name, size in sizes.items()
    }
    most = min(max(sum(weights.values()) // (_EACH * max(workers, 1)), _LEAST_BYTES), MOST_BYTES)

    def item(some: Sequence[Source], *, is_family: bool = False) -> Item:
        size, weight = (sum(of_one[one.name] for one in some) for of_one in (sizes, weights))
        return Item(tuple(some), size, weight, is_family=is_family)

    items: list[Item] = []
    small: list[Source] = []
    for family in _families(sources, by_name):
        (source, *copies), head = family, by_name[family[0].name]
        n = round(sizes[source.name] / most)
        if copies:
            items.append(item(family, is_family=True))
        elif head.is_plain and n > 1:
            items += _in_parts(source, sizes[source.name], n, head.first)
        else:
            small.append(replace(source, part=WHOLE) if head.is_plain else source)
    items += map(item, _together(small, weights, most))
    return sorted(items, key=lambda item: item.weight, reverse=True)


def _families(sources: Sequence[Source], heads: dict[str, Head]) -> Iterator[list[Source]]:
    """Yield sources, those together that may be copies of one another."""
    by_first = defaultdict[Mark | None, list["Source"]](list)
    for source in sources:
        by_first[heads[source.name].first].append(source)
    for first, alike in by_first.items():
        starts = [heads[source.name].start for source in alike]
        if first is None:
            yield from ([source] for source in alike)
        elif None in starts:
            # One that is shorter may be the beginning of any of the others.
            yield alike
        else:
            by_start = defaultdict[bytes | None, list["Source"]](list)
            for source, start in zip(alike, starts, strict=True):
                by_start[start].append(source)
            yield from by_start.values()


def _in_parts(source: Source, size: int, n: int, first: Mark | None) -> list[Item]:
    """Return a plain file in parts of as many bytes; lines are of the part in which they begin."""
    starts = [size * place // n for place in range(n)]
    parts = [
        Part(number, start, end)
        for number, (start, end) in enumerate(zip(starts, [*starts[1:], None], strict=True))
    ]
    each = -(-size // n)
    return [
        Item((replace(source, part=part),), each, each, n_parts=n, first=first) for part in parts
    ]


def _together(
    sources: Iterable[Source], weights: dict[str, int], most: int
) -> Iterator[list[Source]]:
    """Yield sources in groups of about so much weight, in order."""
    before = 0

    def group(source: Source) -> int:
        nonlocal before
        number, before = before // most, before + weights[source.name]
        return number

    for _, alike in groupby(sources, key=group):
        together = list(alike)
        for place in range(0, len(together), _MOST_SOURCES):
            yield together[place : place + _MOST_SOURCES]
