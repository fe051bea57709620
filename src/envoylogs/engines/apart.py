"""Sources that are read apart from others: what is counted of some of them alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from envoylogs.keyed.batches import Batch
from envoylogs.keyed.decoding import decode
from envoylogs.keyed.distinct_requests import RequestsSeen
from envoylogs.reading.fates import LineFates
from envoylogs.reading.part_reader import NotSeparableError
from envoylogs.sources.parts import lines_between
from envoylogs.tally.evidence import may_be_examples
from envoylogs.tally.tally_sum import TallySum

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envoylogs.keyed.plan import Hooks, ReadPlan
    from envoylogs.keyed.selection import Selection
    from envoylogs.sources.source import Source
    from envoylogs.tally.spec import TallySpec


@dataclass(frozen=True, slots=True)
class Asked:
    """What is counted of sources: a value, which may be sent to another process.

    Attributes:
        plan: How they are read, with the columns that are asked.
        selections: Each with what is remembered of it.
    """

    plan: ReadPlan
    selections: tuple[tuple[Selection, TallySpec], ...]

    def new_sums(self) -> list[TallySum]:
        """Return what adds up tallies, for each selection."""
        return [TallySum(spec) for _, spec in self.selections]

    def name_of(self, source: Source) -> str:
        """Return the name that a source has in a tally."""
        anonymizer = self.plan.anonymizer
        return source.name if anonymizer is None else anonymizer.name_of_source(source.name)

    def tell(self, sums: Iterable[TallySum], sources: Iterable[Source], problem: str) -> None:
        """Account for sources that could not be read to their end."""
        fates = LineFates()
        for source in sources:
            fates.add(self.name_of(source), "damaged", 1, problem)
        for adding in sums:
            adding.add(Batch(None, fates))


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of some sources.

    Attributes:
        sums: For each selection.
        lines: How many lines of each source, by its name in a tally.
        size: How many bytes, likewise.
        broken: The sources that could not be read to their end.
    """

    sums: list[TallySum]
    lines: Counter[str] = field(default_factory=Counter)
    size: Counter[str] = field(default_factory=Counter)
    broken: set[str] = field(default_factory=set)


def read_apart(
    sources: Iterable[Source],
    asked: Asked,
    *,
    hooks: Hooks,
    compact_records: int,
    with_roles: bool = False,
) -> Read:
    """Read sources, with keys and counts of their own; they add up with others in any order.

    Args:
        sources: In order; a copy of one among them is found only if both are read whole.
        asked: What is counted.
        hooks: What is told of it.
        compact_records: As of ``decode``.
        with_roles: Whether what says who wrote a record is read of all of them, which takes
            longer and can't be told of a part.

    Raises:
        SourceError: If one can't be opened or read.
        NotSeparableError: If a part can't be read by itself, or who wrote its records must be told.
    """
    read = Read(asked.new_sums())
    selections = [(selection, RequestsSeen()) for selection, _ in asked.selections]
    seldom_of = None if with_roles else may_be_examples()
    for decoded in decode(sources, asked.plan, hooks=hooks, compact_records=compact_records):
        _note(decoded.fates, read)
        batches = decoded.selected_by(selections, seldom_of=seldom_of)
        # What it says of who wrote it holds for the other parts too, and rests on what was passed
        # over.
        if not with_roles and decoded.proxies.may_be_others:
            raise NotSeparableError
        for adding, batch in zip(read.sums, batches, strict=True):
            adding.add(batch)
    return read


def count_unread(sources: Iterable[Source], asked: Asked, read: Read) -> None:
    """Count what was not read of parts: lines of later ones have their numbers all the same."""
    for source in sources:
        name, part = asked.name_of(source), source.part
        if part is None or part.end is None or name in read.broken:
            continue
        end = part.start + read.size[name]
        if end < part.end:
            with source.open_raw() as raw:
                read.lines[name] += lines_between(raw, end, part.end)


def _note(fates: LineFates, read: Read) -> None:
    """Note how much of which sources was read."""
    for (name, fate, _), n in fates.counts.items():
        if fate == "damaged":
            read.broken.add(name)
        elif fate in {"lines", "bytes"}:
            (read.lines if fate == "lines" else read.size)[name] += n
