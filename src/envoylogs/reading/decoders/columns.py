"""From decoded objects and lines of TEXT to keys and rows, as they were logged.

Numbers stay numbers and text stays text; the types are made in ``keyed``.
Objects are taken apart block by block, while they are still in the cache of
the processor, and let go: that made the whole reader a quarter faster than
taking apart a batch of 8,192 at once, and a batch smaller in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import polars as pl

from envoylogs import schema
from envoylogs.envoy.field_keys import DEFAULT_KEYS, FieldKeys
from envoylogs.envoy.outcome_rules import LOGGED_KEYS
from envoylogs.reading.decoded_block import (
    KEY,
    PLACE,
    PRESENT,
    DecodedBlock,
    OtherRecords,
    keyed,
)
from envoylogs.reading.decoders.object_shapes import ObjectShapes
from envoylogs.reading.decoders.ordering import in_order, with_origins
from envoylogs.reading.decoders.reference import was_logged
from envoylogs.reading.decoders.text_patterns import values_of
from envoylogs.reading.payloads import NOBODY, Origin

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from envoylogs.reading.decoders.compiled import CompiledDecoder
    from envoylogs.reading.decoders.reference import ObjectShape
    from envoylogs.reading.decoders.text_patterns import TextPattern
    from envoylogs.reading.fates import LineFates
    from envoylogs.reading.payloads import RawRecords

MADE_FROM = ("method", "path", "authority", "protocol", "response_code", "bytes_sent",
             "connection_termination_details", "upstream_transport_failure_reason",
             "downstream_local_address", "upstream_local_address", "pod")  # fmt: skip
"""What outcome, failure, kind, gateway and role are made from besides ``LOGGED_KEYS``: always
read."""


def wanted_with(columns: Collection[str]) -> set[str]:
    """Return columns with those that are always read."""
    return {*columns, *LOGGED_KEYS.values(), *MADE_FROM}


_FEW_OF = 32
"""Of so many records one that another decoder took does not matter to how many fit into memory."""

_OF_KEYS = frozenset({*schema.NORMALIZED, *LOGGED_KEYS}).difference(schema.OF_RECORDS)


class _TextShape:
    """The records of TEXT that fit one pattern: what ``ObjectShape`` is of objects.

    Args:
        pattern: Which all of them fit.
        wanted: The columns that are kept.

    Attributes:
        places: The place of each record in the batch.
    """

    def __init__(self, pattern: TextPattern, wanted: Collection[str]) -> None:
        self._pattern = pattern
        self._wanted = wanted
        self._lines: list[pl.Series] = []
        self.places: list[int] = []

    def extend(self, lines: pl.Series, places: Collection[int]) -> None:
        """Take records: lines that fit the pattern."""
        self._lines.append(lines)
        self.places.extend(places)

    def block(self, before: int, seldom: Collection[str], fates: LineFates) -> DecodedBlock:
        """Return the records; none is ``seldom``, since a line is taken apart as a whole."""
        del seldom
        lines, columns = pl.concat(self._lines), self._pattern.form.columns
        for column in columns:
            fates.add("", "column_seen", len(lines), column)
        values = values_of(self._pattern, lines, self._wanted)
        keys, rows = keyed(pl.DataFrame([*values, *was_logged(columns, len(lines))]), _OF_KEYS)
        return DecodedBlock(keys, rows.with_columns(pl.col(KEY) + before))


class RecordColumns:
    """Collects records of one batch in columns.

    Args:
        columns: Which normalized columns are wanted; others are not kept,
            but for those that outcomes need.
        keys: Which keys hold them.
        unknown: Whether what no column holds is kept too, as ``unknown_keys``.
        seldom: Columns of which few values will be asked.
        decoder: What has taken records before they came here.
    """

    def __init__(  # one parameter a concern of the caller
        self,
        columns: Collection[str],
        keys: FieldKeys = DEFAULT_KEYS,
        *,
        unknown: bool = False,
        seldom: Collection[str] = (),
        decoder: CompiledDecoder | None = None,
    ) -> None:
        self._seldom = seldom
        self._decoder = decoder
        self._decoded: list[tuple[int, int]] = []
        self._height = 0
        self._keys = keys
        self._unknown: dict[int, str] | None = {} if unknown else None
        self._wanted = wanted_with(columns)
        self._objects = ObjectShapes(keys, self._wanted)
        self._text_shapes: dict[TextPattern, _TextShape] = {}
        self._lines: list[int] = []
        self._texts: list[bytes] = []
        self._sources: list[tuple[str, int]] = []
        self._origins: list[Origin] = []

    def __len__(self) -> int:
        return self._height

    @property
    def are_compact(self) -> bool:
        """Whether the compiled decoder has taken nearly all of them."""
        return len(self._lines) <= self._height // _FEW_OF

    def extend(self, source: str, records: RawRecords) -> None:
        """Take records of one source, as a reader found them."""
        if not len(records):
            return
        first = len(self._lines)
        if not self._sources or self._sources[-1][0] != source:
            self._sources.append((source, self._height))
        self._decoded += [(self._height + place, n) for place, n in records.decoded]
        self._height += len(records)
        # A line in parts is whole after the lines between its parts.
        if records.runs or records.lines != sorted(records.lines):
            self._extend_mixed(records)
        else:
            objects = records.objects
            self._lines += records.lines
            self._texts += records.texts
            self._take(objects, range(first, first + len(objects)), records.keys)
        if records.origins:
            self._origins += [NOBODY] * (first - len(self._origins))
            self._origins += [records.origins.get(n, NOBODY) for n in self._lines[first:]]

    def _extend_mixed(self, records: RawRecords) -> None:
        """Take records in the order of their lines: those of TEXT, and of JSON between them."""
        first = len(self._lines)
        of_text = [number for run in records.runs for number in run.numbers]
        numbers = [*records.lines, *of_text]
        # Several records may stand on one line, and stay in their order.
        ordered = sorted(range(len(numbers)), key=numbers.__getitem__)
        places = [0] * len(numbers)
        for place, which in enumerate(ordered, first):
            places[which] = place
        self._lines += [numbers[which] for which in ordered]
        if records.run_texts:
            texts = [*records.texts, *(records.run_texts[number] for number in of_text)]
            self._texts += [texts[which] for which in ordered]
        start = len(records.lines)
        for run in records.runs:
            shape = self._text_shapes.get(run.pattern)
            if shape is None:
                shape = self._text_shapes[run.pattern] = _TextShape(run.pattern, self._wanted)
            shape.extend(run.values, places[start : start + len(run.numbers)])
            start += len(run.numbers)
        if records.objects:
            self._take(records.objects, places[: len(records.lines)])

    def _take(
        self,
        objects: list[dict[str, object]],
        places: Sequence[int],
        keys: frozenset[str] | None = None,
    ) -> None:
        if self._unknown is not None:
            for place, found in zip(places, objects, strict=True):
                others = self._keys.unknown(found)
                if others:
                    self._unknown[place] = orjson.dumps(others).decode()
        self._objects.extend(objects, places, keys)

    def decoded(self, fates: LineFates) -> DecodedBlock:
        """Return the records in their order.

        Args:
            fates: Where it is noted how many records had a key for each column, and the keys
                that no column holds.

        Returns:
            With a column for each wanted column that a record had a key for. Where an envelope
            said so, ``pod``, ``namespace`` and ``container``; it knows better than the record.
        """
        taken = None
        if self._decoder is not None and self._decoded:
            taken = self._decoder.take(fates, self._objects.unused)
        fates.take_keys("", "key_unused", self._objects.unused)
        if taken is not None and not self._lines:
            return self._with_sources(taken)
        of_reference = self._of_reference(fates)
        if taken is None:
            return self._with_sources(of_reference)
        of_taken = [place for first, n in self._decoded for place in range(first, first + n)]
        of_others = sorted(set(range(len(self))).difference(of_taken))
        others = self._with_sources(of_reference, pl.Series(of_others))
        places = pl.Series([*of_taken, *of_others])
        return self._with_sources(taken, pl.Series(of_taken))._replace(
            others=OtherRecords(others, places)
        )

    def _with_sources(self, block: DecodedBlock, places: pl.Series | None = None) -> DecodedBlock:
        """Return records with the sources that they are of.

        Args:
            block: Some records.
            places: Which of all these are; null for all.
        """
        ends = [first for _, first in self._sources[1:]] + [len(self)]
        names = pl.Series("source", [name for name, _ in self._sources])
        numbers = pl.int_range(names.len(), dtype=pl.UInt32, eager=True).alias("source")
        source = pl.concat(
            (numbers if block.is_clean else names)[place : place + 1].new_from_index(0, end - first)
            for place, ((_, first), end) in enumerate(zip(self._sources, ends, strict=True))
        )
        if places is not None:
            source = source.gather(places)
        coded = {**block.coded, "source": names} if block.is_clean else block.coded
        return block._replace(rows=block.rows.hstack([source]), coded=coded)

    def _of_reference(self, fates: LineFates) -> DecodedBlock:
        """Return the records that came as objects or as lines of TEXT."""
        shapes: list[ObjectShape | _TextShape] = [
            *self._objects.shapes,
            *self._text_shapes.values(),
        ]
        # Where several shapes stand among each other, or lines of one that were repaired among
        # those that were not, all their columns are put in order.
        is_in_order = len(shapes) == 1 and shapes[0].places == sorted(shapes[0].places)
        is_alone = is_in_order and not self._decoded
        # What outcomes rest on is looked at in each record.
        seldom = set(self._seldom).difference(PRESENT) if is_alone else ()
        blocks, places, before = [], [], 0
        for shape in shapes:
            block = shape.block(before, seldom, fates)
            blocks.append(block)
            places += shape.places
            before += block.keys.height
        block = blocks[0] if is_in_order else in_order(blocks, pl.Series(places))
        if self._origins:
            block = with_origins(block, self._origins)
        more = [pl.Series("line", self._lines, dtype=pl.Int64)]
        if self._texts:
            more.append(pl.Series("text", self._texts, dtype=pl.Binary))
        if block.seldom:
            more.append(pl.int_range(len(self), dtype=pl.UInt32, eager=True).alias(PLACE))
        if self._unknown is not None:
            found = map(self._unknown.get, range(len(self._lines)))
            more.append(pl.Series(schema.UNKNOWN_KEYS, list(found), dtype=pl.String))
        return block._replace(rows=block.rows.hstack(more))
