"""From decoded objects and lines of TEXT to a raw frame: one column a field, as it was logged.

Numbers stay numbers and text stays text; the types are made in ``normalize``.
Objects are taken apart block by block, while they are still in the cache of
the processor, and let go: that made the whole reader a quarter faster than
taking apart a batch of 8,192 at once, and a batch smaller in memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING

import orjson
import polars as pl

from envoylogs.envoy.field_keys import DEFAULT_KEYS, FieldKeys
from envoylogs.envoy.outcome_rules import EVIDENCE
from envoylogs.reading.logged_values import MISSING
from envoylogs.reading.payloads import NOBODY, Origin
from envoylogs.reading.shapes import Shape, evidence, frame_of, shape_of
from envoylogs.reading.text_patterns import values_of
from envoylogs.schema import UNKNOWN_KEYS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from envoylogs.reading.fates import LineFates
    from envoylogs.reading.records import Records
    from envoylogs.reading.text_patterns import TextPattern

__all__ = ["RecordColumns"]

MADE_FROM = ("method", "path", "authority", "protocol", "response_code", "bytes_sent",
             "connection_termination_details", "upstream_transport_failure_reason",
             "downstream_local_address", "upstream_local_address", "pod")  # fmt: skip
"""What outcome, failure, kind, gateway and role are made from besides ``EVIDENCE``: always read."""


@dataclass(slots=True)
class _TextShape:
    """The records that fit the same pattern, still as lines."""

    lines: list[pl.Series] = field(default_factory=list)
    places: list[int] = field(default_factory=list)


class RecordColumns:
    """Collects records of one batch in columns.

    Args:
        columns: Which normalized columns are wanted; others are not kept,
            but for those that outcomes need.
        keys: Which keys hold them.
        unknown: Whether what no column holds is kept too, as ``unknown_keys``.
    """

    def __init__(
        self,
        columns: Collection[str],
        keys: FieldKeys = DEFAULT_KEYS,
        *,
        unknown: bool = False,
    ) -> None:
        self._keys = keys
        self._unknown: dict[int, str] | None = {} if unknown else None
        self._wanted = {*columns, *EVIDENCE.values(), *MADE_FROM}
        self._shapes: dict[frozenset[str], Shape] = {}
        self._text_shapes: dict[TextPattern, _TextShape] = {}
        self._lines: list[int] = []
        self._texts: list[bytes] = []
        self._sources: list[tuple[str, int]] = []
        self._origins: list[Origin] = []

    def __len__(self) -> int:
        return len(self._lines)

    def extend(self, source: str, records: Records) -> None:
        """Take records of one source.

        Args:
            source: Its name.
            records: As a reader found them.
        """
        if not len(records):
            return
        self._sources.append((source, len(records)))
        first = len(self._lines)
        if records.runs:
            self._extend_mixed(records)
        else:
            objects = records.objects
            self._lines += records.lines
            self._texts += records.texts
            self._take(objects, range(first, first + len(objects)))
        if records.origins:
            self._origins += [NOBODY] * (first - len(self._origins))
            self._origins += [records.origins.get(n, NOBODY) for n in self._lines[first:]]

    def _extend_mixed(self, records: Records) -> None:
        """Take records of TEXT, and those of JSON between them, in the order of their lines."""
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
            shape = self._text_shapes.setdefault(run.pattern, _TextShape())
            shape.lines.append(run.values)
            shape.places += places[start : start + len(run.numbers)]
            start += len(run.numbers)
        if records.objects:
            self._take(records.objects, places[: len(records.lines)])

    def _take(self, objects: list[dict[str, object]], places: Sequence[int]) -> None:
        if self._unknown is not None:
            for place, found in zip(places, objects, strict=True):
                others = self._keys.unknown(found)
                if others:
                    self._unknown[place] = orjson.dumps(others).decode()
        self._extend_objects(objects, places)

    def _extend_objects(self, objects: list[dict[str, object]], of_all: Sequence[int]) -> None:
        keys = frozenset().union(*objects)
        if set(map(len, objects)) == {len(keys)}:
            # In nearly every log all objects have the same keys, in whatever order.
            self._extend_shape(keys, objects, of_all)
            return
        by_keys: dict[frozenset[str], tuple[list[dict[str, object]], list[int]]] = {}
        for place, found in zip(of_all, objects, strict=True):
            of_shape, places = by_keys.setdefault(frozenset(found), ([], []))
            of_shape.append(found)
            places.append(place)
        for keys, (of_shape, places) in by_keys.items():
            self._extend_shape(keys, of_shape, places)

    def _extend_shape(
        self, keys: frozenset[str], objects: list[dict[str, object]], places: Sequence[int]
    ) -> None:
        shape = self._shapes.get(keys)
        if shape is None:
            shape = self._shapes[keys] = shape_of(keys, self._keys, self._wanted)
        if shape.holders:
            objects, places = self._extend_nested(shape.holders, objects, places)
        shape.places.extend(places)
        if shape.values:
            # The first key stands twice, since for a single key itemgetter gives no tuple.
            rows = map(itemgetter(*shape.values, next(iter(shape.values))), objects)
            by_key = zip(*rows, strict=True)
            for values, of_block in zip(shape.values.values(), by_key, strict=False):
                values.extend(of_block)

    def _extend_nested(
        self, holders: list[str], objects: list[dict[str, object]], places: Sequence[int]
    ) -> tuple[list[dict[str, object]], Sequence[int]]:
        """Take the objects that have others inside them; return those that are left."""
        nested: list[tuple[int, dict[str, object]]] = []
        flat: list[tuple[int, dict[str, object]]] = []
        for place, found in zip(places, objects, strict=True):
            is_nested = any(type(found[key]) is dict for key in holders)
            (nested if is_nested else flat).append((place, found))
        if not nested:
            return objects, places
        self._extend_objects(
            [self._keys.flattened(found, unknown=True) for _, found in nested],
            [place for place, _ in nested],
        )
        return [found for _, found in flat], [place for place, _ in flat]

    def raw_frame(self, fates: LineFates) -> pl.DataFrame:
        """Return the records in their order.

        Args:
            fates: Where it is noted how many records had a key for each column.

        Returns:
            A column for each wanted column that a record had a key for, of
            strings, integers or floats; the booleans of
            ``envoy.outcome_rules.EVIDENCE``; ``source`` and ``line``; ``text``
            and ``unknown_keys`` if they were kept. Where an envelope said so,
            ``pod``, ``namespace`` and ``container``; it knows better than the
            record.
        """
        frames, places = [], []
        for shape in self._shapes.values():
            frames.append(frame_of(shape))
            _count_keys(shape, frames[-1], fates)
            places += shape.places
        for pattern, text_shape in self._text_shapes.items():
            for column in pattern.form.columns:
                fates.add("", "column_seen", len(text_shape.places), column)
            frames.append(self._frame_of_text(pattern, text_shape))
            places += text_shape.places
        # Columns that one shape has as numbers and another as text become text.
        frame = pl.concat(frames, how="diagonal_relaxed") if len(frames) > 1 else frames[0]
        if len(frames) > 1:
            frame = frame[pl.Series(places).arg_sort()]
        if self._origins:
            frame = _with_origins(frame, self._origins)
        sources = [pl.repeat(name, n, dtype=pl.String, eager=True) for name, n in self._sources]
        return frame.with_columns(
            pl.concat(sources).alias("source"),
            pl.Series("line", self._lines, dtype=pl.Int64),
            *([pl.Series("text", self._texts, dtype=pl.Binary)] if self._texts else []),
            *self._unknown_keys(),
        )

    def _unknown_keys(self) -> Iterator[pl.Series]:
        if self._unknown is not None:
            found = map(self._unknown.get, range(len(self)))
            yield pl.Series(UNKNOWN_KEYS, list(found), dtype=pl.String)

    def _frame_of_text(self, pattern: TextPattern, shape: _TextShape) -> pl.DataFrame:
        lines = pl.concat(shape.lines)
        values = values_of(pattern, lines, self._wanted)
        return pl.DataFrame([*values, *evidence(pattern.form.columns, len(lines))])


def _count_keys(shape: Shape, frame: pl.DataFrame, fates: LineFates) -> None:
    """Count the records of a shape that had a key for each column, and those of other keys."""
    for column in shape.seen:
        fates.add("", "column_seen", len(shape.places), column)
    for column in shape.keys_of.keys() - shape.seen:
        # Of a key that holds one of two columns: the values tell.
        present = frame.filter(pl.col(column).is_in(MISSING).not_())
        fates.add("", "column_seen", present.height, column)
    fates.add_keys("", "key_unused", len(shape.places), shape.unused)


def _with_origins(frame: pl.DataFrame, origins: list[Origin]) -> pl.DataFrame:
    """Return records with who wrote them."""
    distinct = list(dict.fromkeys(origins))
    place_of = {origin: place for place, origin in enumerate(distinct)}
    places = pl.Series([place_of[origin] for origin in origins], dtype=pl.UInt32)
    places = places.extend_constant(place_of.get(NOBODY), frame.height - len(origins))
    names = pl.DataFrame(
        distinct, schema=dict.fromkeys(Origin._fields, pl.String()), orient="row"
    ).select(pl.all().gather(places))
    logged = frame["pod"] if "pod" in frame.columns else pl.Series([None], dtype=pl.String)
    return frame.with_columns(names).with_columns(pl.coalesce("pod", pl.lit(logged)).alias("pod"))
