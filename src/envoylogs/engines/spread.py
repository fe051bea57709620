"""Sources that are counted by workers: looked at, handed out, and added up."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from envoylogs.engines.counted import Counted, merged
from envoylogs.engines.counting import Counting
from envoylogs.engines.items import heads_of, items_of, to_look_at
from envoylogs.errors import EngineQuestionError, SourceError
from envoylogs.problems import GONE_LOG, MISSED_LOG
from envoylogs.sources.remote.ahead import begun, expanded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from envoylogs.engines.apart import Asked
    from envoylogs.engines.counted import Tallies
    from envoylogs.engines.engine import Engine
    from envoylogs.engines.items import Head, Item
    from envoylogs.keyed.plan import Hooks
    from envoylogs.sources.source import Source
    from envoylogs.tally.tally import Tally


class Spread:
    """Has workers count sources.

    Args:
        engine: What does the work; null counts nothing.
        asked: What is counted.
        hooks: What is told of it, and may end it.

    Raises:
        EngineQuestionError: If what is asked depends on the order of all records.
    """

    def __init__(self, engine: Engine[Any] | None, asked: Asked, hooks: Hooks) -> None:
        if engine is not None:
            _refuse_order(asked, hooks)
        self._engine, self._asked, self._hooks = engine, asked, hooks
        self._sources: list[Source] = []

    def expanded(self, sources: Iterable[Source]) -> Iterator[Source]:
        """Yield sources, with the objects that they stand for; begun if they are read here.

        Raises:
            SourceError: If a store can't be asked.
        """
        return begun(sources) if self._engine is None else expanded(sources)

    def takes(self, source: Source) -> bool:
        """Take a source; false if it must be read here, since it can't be opened again."""
        path = source.path
        is_pipe = source.size is None and (path is None or os.path.exists(path))  # noqa: PTH110
        if self._engine is None or source.problem is not None or is_pipe:
            return False
        # What a relative path means depends on where a process has begun.
        path = path and os.path.abspath(path)  # noqa: PTH100
        self._sources.append(replace(source, path=path))
        return True

    def tallies(self) -> list[list[Tally]]:
        """Return what workers counted of the sources that were taken: a tally for each selection.

        Raises:
            SourceError: If one that was named can't be read by a worker, or none can be.
            EngineError: If the work can't be done.
        """
        if self._engine is None or not self._sources:
            return []
        with self._engine.open():
            found = self._counted(self._engine)
        return [] if found is None else [[tally.unpacked() for tally in found]]

    def _counted(self, engine: Engine[Any]) -> Tallies | None:
        stop, progress = self._hooks.stop, self._hooks.progress

        def is_stopped() -> bool:
            return stop is not None and stop.requested

        def done(item: Item) -> None:
            if progress is not None:
                progress.bytes_read(item.size)

        heads = engine.map_merge(heads_of, to_look_at(self._sources), _all_of, stop=stop) or []
        unread = _refuse_what_nobody_reads(self._sources, heads)
        readable = {head.name for head in heads if head.why is None}
        read = [source for source in self._sources if source.name in readable]
        counting = Counting(self._asked, engine.run)
        merge = partial(merged, at_once=engine.at_once)
        found = counting.unread(unread) if unread else Counted()
        items = items_of(read, heads, engine.workers)
        while items and not is_stopped():
            more = engine.map_merge(
                counting, items, merge, lost=counting.lost, done=done, stop=stop
            )
            found = merged([found, more] if more is not None else [found])
            items = _of_once(found.again)
            found = found.without(items)
        # Of what ran to its end nothing is left out.
        assert not found.runs or is_stopped()  # noqa: S101
        return found.ended().tallies


def _refuse_order(asked: Asked, hooks: Hooks) -> None:
    """Refuse what asks for all lines in one place, where workers have them.

    Raises:
        EngineQuestionError: If anything does.
    """
    asks = [
        *(["--distinct-requests"] if any(one.distinct for one, _ in asked.selections) else []),
        *(["--rejects"] if hooks.on_malformed is not None else []),
    ]
    if asks:
        raise EngineQuestionError(
            f"{' and '.join(asks)}: asks for all lines one after the other in one place, and "
            "workers have a part of them each. Read them without --engine."
        )


def _of_once(items: Iterable[Item]) -> list[Item]:
    """Return items that are read again, each source once: as a whole if any part is."""
    whole = {item.sources[0].name: item for item in items if not item.n_parts}
    parts = [item for item in items if item.n_parts and item.sources[0].name not in whole]
    return [*whole.values(), *parts]


def _all_of(found: Sequence[list[Head]]) -> list[Head]:
    return list(chain.from_iterable(found))


def _refuse_what_nobody_reads(
    sources: Sequence[Source], heads: Sequence[Head]
) -> dict[Source, str]:
    """Return the sources that can't be read among others that can, each with its problem.

    Raises:
        SourceError: If one was named, or no other can be read either, and no store says why.
    """
    unread = {head.name: head for head in heads if head.why is not None}
    found: dict[Source, str] = {}
    for source in sources:
        head = unread.get(source.name)
        if head is None:
            continue
        is_told_here = head.problem in {GONE_LOG, MISSED_LOG}
        if is_told_here and (not source.found or len(unread) == len(sources)):
            raise SourceError(
                f"{source.name}: a worker can't read it: {head.why} Workers read by themselves: "
                "give them the same files and credentials."
            )
        found[source] = head.problem
    return found
