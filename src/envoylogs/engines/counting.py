"""What a worker does: it counts an item, alone."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from envoylogs import __version__
from envoylogs.engines.apart import Asked, Read, read_apart
from envoylogs.engines.counted import Counted, Run
from envoylogs.engines.ending import EndOfRun
from envoylogs.engines.found_file import found_file
from envoylogs.engines.items import WHOLE, Item, problem_of
from envoylogs.errors import EngineError, SourceError
from envoylogs.keyed.decoding import COMPACT_RECORDS
from envoylogs.keyed.plan import Hooks
from envoylogs.problems import CUT_LOG, LOST_LOG
from envoylogs.reading.part_reader import NotSeparableError
from envoylogs.sources.parts import aligned
from envoylogs.sources.probe import Probe
from envoylogs.sources.remote.ahead import begun
from envoylogs.tally.packed import PackedTally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from envoylogs.engines.counted import Tallies
    from envoylogs.engines.found_file import FoundFile
    from envoylogs.sources.source import Source
    from envoylogs.tally.tally_sum import TallySum

_RECORDS = COMPACT_RECORDS // 2
"""How many records a worker holds at a time, so that it needs less than 500 MB."""

_TRIES = 2
"""How often an item is begun whose worker dies of it, as it seems, before it is given up."""


@dataclass(frozen=True, slots=True)
class Counting:
    """Counts items: a value, which is sent to workers.

    Attributes:
        asked: What is counted.
        run: The name of the run, by which it is ended early.
        version: Of the package that asks; that of a worker must be the same.
    """

    asked: Asked
    run: str
    version: str = __version__

    def __call__(self, item: Item) -> Counted:
        """Count an item.

        Raises:
            EngineError: If this worker has another version of the package.
        """
        if self.version != __version__:
            raise EngineError(
                f"a worker (process {os.getpid()}) has envoylogs {__version__}, and {self.version} "
                "asks. Install the same version on all of them."
            )
        return self._part(item) if item.n_parts else self._sources(item)

    def lost(self, item: Item) -> Counted:
        """Return what is counted of an item whose worker has died: once more, or nothing."""
        if item.tries + 1 < _TRIES:
            again = (replace(each, tries=item.tries + 1) for each in item.apart())
            return Counted(again=tuple(again))
        sums = self.asked.new_sums()
        self.asked.tell(sums, item.sources, LOST_LOG)
        return _run_of(item, sums, 0) if item.n_parts else Counted(_totals(sums))

    def unread(self, problems: Mapping[Source, str]) -> Counted:
        """Return what is counted of sources that no worker can read, each with its problem."""
        sums = self.asked.new_sums()
        for source, problem in problems.items():
            self.asked.tell(sums, [source], problem)
        return Counted(_totals(sums))

    def _part(self, item: Item) -> Counted:
        """Count one part of a plain file."""
        (source,) = item.sources
        name = self.asked.name_of(source)
        read, problem, has_ended = Read(self.asked.new_sums()), None, False
        try:
            with source.open_raw() as raw:
                first = Probe(raw).first_line(unended=True)
                part = aligned(raw, source.part or WHOLE)
                file = None if source.remote else found_file(source, raw)
            if first == item.first:
                read = self._read([replace(source, part=part)])
                has_ended = part.end is not None and part.start + read.size[name] < part.end
                problem = CUT_LOG if file is not None and file.was_cut else None
            else:
                problem = CUT_LOG
        except NotSeparableError:
            size = item.size * item.n_parts
            whole = Item((replace(source, part=None),), size, size, tries=item.tries)
            return Counted(again=(whole,))
        except (OSError, SourceError) as error:
            problem = problem_of(source, error)
        if problem is not None:
            self.asked.tell(read.sums, [source], problem)
        return _run_of(item, read.sums, read.lines[name], has_ended=has_ended and problem is None)

    def _sources(self, item: Item) -> Counted:
        """Count sources one after the other; those that can't be read are told, and left out."""
        left = list(item.sources)
        unread: list[tuple[Source, str]] = []
        while left:
            at: list[Source] = []
            try:
                sums = self._whole(left, at)
                break
            except (OSError, SourceError) as error:
                (source,) = at
                unread.append((source, problem_of(source, error)))
                left = [one for one in left if one.name != source.name]
        else:
            sums = self.asked.new_sums()
        for source, problem in unread:
            self.asked.tell(sums, [source], problem)
        return Counted(_totals(sums))

    def _whole(self, sources: Sequence[Source], at: list[Source]) -> list[TallySum]:
        """Read sources from their beginnings to their ends.

        Args:
            sources: Those that are known to be plain have a part.
            at: Has the source that is read.
        """
        plain = {source.name for source in sources if source.part is not None}
        files: list[FoundFile] = []

        def as_plain(source: Source) -> Source:
            if source.name not in plain:
                return source
            if source.remote is None:
                with source.open_raw() as raw:
                    files.append(found_file(source, raw))
            return replace(source, part=WHOLE)

        def noted(how: Callable[[Source], Source]) -> Iterator[Source]:
            for source in begun(replace(one, part=None) for one in sources):
                at[:] = [source]
                yield how(source)

        try:
            read = self._read(noted(as_plain))
        except NotSeparableError:
            files.clear()
            read = self._read(noted(lambda source: source), with_roles=True)
        for file in files:
            if self.asked.name_of(file.source) not in read.broken and file.was_cut:
                self.asked.tell(read.sums, [file.source], CUT_LOG)
        return read.sums

    def _read(self, sources: Iterable[Source], *, with_roles: bool = False) -> Read:
        return read_apart(
            sources,
            self.asked,
            hooks=Hooks(stop=EndOfRun(self.run)),
            compact_records=_RECORDS,
            with_roles=with_roles,
        )


def _totals(sums: Sequence[TallySum]) -> Tallies:
    return tuple(PackedTally.of(adding.total()) for adding in sums)


def _run_of(
    item: Item, sums: Sequence[TallySum], lines: int, *, has_ended: bool = False
) -> Counted:
    (source,) = item.sources
    number = 0 if source.part is None else source.part.number
    run = Run(number, item.n_parts, (lines,), _totals(sums), has_ended)
    return Counted(runs={source.name: (run,)})
