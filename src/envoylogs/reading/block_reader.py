"""Reads blocks: by the compiled decoder where there is one, and else by the reference.

What the decoder is not sure of it hands back, and may not change an answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.envoy.field_keys import DEFAULT_KEYS, FieldKeys
from envoylogs.reading.payloads import RawRecords
from envoylogs.reading.reference_reader import ReferenceReader
from envoylogs.sources.blocks import LongLine

if TYPE_CHECKING:
    from envoylogs.envoy.text_formats import TextFormat
    from envoylogs.reading.decoders.compiled import CompiledDecoder
    from envoylogs.reading.fates import LineFates
    from envoylogs.sources.blocks import Block


class BlockReader:
    """Reads the blocks of one source, in their order.

    Args:
        source: The name of the source.
        keep_text: Whether the bytes of records are kept beside them.
        text_format: The user's own format of TEXT lines.
        keys: Which keys hold which columns.
        next_line: The number of the line that is read next.
        decoder: Takes the lines that are surely records, before anything else is tried; its
            batch is what collects the records. Null to read all lines by the reference.
    """

    def __init__(  # noqa: PLR0913  # one parameter a concern of the caller
        self,
        source: str,
        *,
        keep_text: bool = False,
        text_format: TextFormat | None = None,
        keys: FieldKeys = DEFAULT_KEYS,
        next_line: int = 1,
        decoder: CompiledDecoder | None = None,
    ) -> None:
        self._source = source
        self._reference = ReferenceReader(
            source, keep_text=keep_text, text_format=text_format, keys=keys, next_line=next_line
        )
        # The user's own format is tried before everything else.
        self._decoder = decoder if text_format is None else None
        if self._decoder is not None:
            self._decoder.begin(source)

    @property
    def next_line(self) -> int:
        """The number of the line that is read next."""
        return self._reference.next_line

    @next_line.setter
    def next_line(self, number: int) -> None:
        self._reference.next_line = number

    @property
    def waiting(self) -> set[int] | None:
        """Numbers of the lines that have no fate yet; null if they can't be told."""
        return self._reference.waiting

    @property
    def is_open(self) -> bool:
        """Whether what is made of the next line may depend on those before."""
        return self._reference.holds_lines or self._reference.holds_object

    def read(self, item: Block | LongLine, fates: LineFates) -> RawRecords:
        """Return the records of the next block, and account for its lines."""
        records = RawRecords()
        fates.add(self._source, "bytes", item.size)
        if isinstance(item, LongLine):
            self._reference.skip(item, records, fates)
        elif self._decoder is None:
            self._reference.read(bytes(item.data), records, fates)
        else:
            self._read_decoded(self._decoder, item.data, records, fates)
        fates.add(self._source, "records", len(records))
        return records

    def _read_decoded(
        self,
        decoder: CompiledDecoder,
        data: bytes | bytearray,
        records: RawRecords,
        fates: LineFates,
    ) -> None:
        """Read lines by the compiled decoder, and those that it hands back by the reference."""
        reference, at, n = self._reference, 0, 0
        while at <= len(data):
            if reference.holds_lines:
                reference.read(bytes(data[at:]), records, fates)
                break
            found = decoder.read(data, at, reference.next_line)
            if found.records:
                if reference.holds_object:
                    records.extend(reference.abandoned(fates))
                records.add_decoded(found.records)
                reference.next_line += found.records
                n += found.records
            if found.lines:
                reference.read(bytes(data[found.start : found.end]), records, fates)
            at = found.at
        fates.add(self._source, "lines", n)
        fates.add(self._source, "record_lines", n)
        for kind, enveloped in decoder.enveloped().items():
            fates.add(self._source, "enveloped", enveloped, kind)

    def finish(self, fates: LineFates) -> RawRecords:
        """Account for what is still open at the end of the source."""
        records = self._reference.finish(fates)
        fates.add(self._source, "records", len(records))
        return records
