"""Sources as a stream of batches: normalized frames with the accounts of their lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envoylogs import schema
from envoylogs.reading.columns import RecordColumns
from envoylogs.reading.fates import LineFates
from envoylogs.reading.json_lines import JsonLinesReader
from envoylogs.reading.normalize import normalized
from envoylogs.sources.blocks import blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    import polars as pl

    from envoylogs.sources.source import Source

__all__ = ["BATCH_RECORDS", "Batch", "Decoded", "batches", "decode"]

BATCH_RECORDS = 16_384
"""How many records a batch holds at least, unless the input ends."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some records and the accounts of the lines that were read for them.

    Attributes:
        frame: Wanted columns of ``schema.NORMALIZED``, then ``source`` and
            ``line``; None if these lines hold no record.
        fates: Of the lines read since the batch before.
    """

    frame: pl.DataFrame | None
    fates: LineFates


@dataclass(frozen=True, slots=True)
class Decoded:
    """A batch whose values are still as they were logged.

    Decoding holds the interpreter and normalizing does not, so a pipeline can
    do the two at the same time.
    """

    raw: pl.DataFrame | None
    columns: Collection[str]
    fates: LineFates

    @classmethod
    def of(cls, records: RecordColumns, columns: Collection[str], fates: LineFates) -> Decoded:
        """Return collected records as a raw frame."""
        return cls(records.raw_frame(fates) if len(records) else None, columns, fates)

    def normalized(self) -> Batch:
        """Return the batch that this becomes; may be called once."""
        if self.raw is None:
            return Batch(None, self.fates)
        return Batch(normalized(self.raw, self.columns, self.fates), self.fates)


def batches(
    sources: Iterable[Source],
    *,
    columns: Collection[str] = tuple(schema.NORMALIZED),
    on_malformed: Callable[[bytes], None] | None = None,
) -> Iterator[Batch]:
    """Read sources one after the other.

    Args:
        sources: What to read, in order.
        columns: The normalized columns that are wanted; others are not made.
        on_malformed: Called with each malformed line as it was.

    Yields:
        Batches; the accounts of all of them cover every line read.

    Raises:
        SourceError: If a source can't be opened or read.
    """
    for decoded in decode(sources, columns=columns, on_malformed=on_malformed):
        yield decoded.normalized()


def decode(
    sources: Iterable[Source],
    *,
    columns: Collection[str],
    on_malformed: Callable[[bytes], None] | None = None,
    on_bytes: Callable[[int], None] | None = None,
    batch_records: int = BATCH_RECORDS,
) -> Iterator[Decoded]:
    """Read sources one after the other, up to but without normalizing.

    ``batches`` is this with the second half done at once.

    Args:
        sources: What to read, in order.
        columns: The normalized columns that are wanted; others are not made.
        on_malformed: Called with each malformed line as it was.
        on_bytes: Called with the number of raw bytes of each read.
        batch_records: How many records a batch holds at least.

    Raises:
        SourceError: If a source can't be opened or read.
    """
    records, fates = RecordColumns(columns), LineFates(on_malformed=on_malformed)
    for source in sources:
        reader = JsonLinesReader(source.name)
        with source.open(on_bytes) as stream:
            for item in blocks(stream):
                found = reader.read(item, fates)
                records.extend(source.name, found.objects, found.lines)
                if len(records) >= batch_records:
                    yield Decoded.of(records, columns, fates)
                    records, fates = RecordColumns(columns), LineFates(on_malformed=on_malformed)
            if stream.problem is not None:
                fates.add(source.name, "damaged", 1, stream.problem)
        found = reader.finish(fates)
        records.extend(source.name, found.objects, found.lines)
    if len(records) or fates.counts:
        yield Decoded.of(records, columns, fates)
