"""The compiled decoder: lines to keys and rows in C, outside of the interpreter's lock.

It takes the lines that are surely records, and hands every other one back to be read as if it were
not there. What the lines mean is told to it from here: which key holds which column, and the TEXT
formats; in C there is no fact about Envoy.
"""

from __future__ import annotations

import os
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from envoylogs import schema
from envoylogs.envoy.fields import SECONDS_IF_DECIMAL, fold
from envoylogs.envoy.known_keys import NESTED
from envoylogs.envoy.outcome_rules import LOGGED_KEYS
from envoylogs.reading.decoded_block import (
    KEY,
    PATH_SHAPE,
    PLACE,
    PRESENT,
    THERE,
    DecodedBlock,
)
from envoylogs.reading.decoders.text_patterns import default_patterns
from envoylogs.reading.envelopes.kubernetes import WRAPPING_OBJECTS
from envoylogs.reading.payloads import origin_of_file

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from envoylogs.envoy.field_keys import FieldKeys
    from envoylogs.reading.decoders._compiled_decoder import Column
    from envoylogs.reading.decoders.text_patterns import TextPattern
    from envoylogs.reading.fates import LineFates, ShortestKeys

_SECONDS = frozenset(map(fold, SECONDS_IF_DECIMAL))
_SEED_BYTES = 16
_RANKS = 64
"""How many keys of a column have a place of their own, of each kind that ``precedence`` tells."""

_NO_RANK = 4 * _RANKS - 1


class _Kind(IntEnum):
    """What becomes of a column: ``ColumnKind`` of ``decoder.h``."""

    UNWANTED = 0
    KEY_TEXT = 1
    KEY_WORD = 2
    KEY_INTEGER = 3
    ROW_TEXT = 4
    ROW_CODE = 5
    ROW_INTEGER = 6
    ROW_TIME = 7


class _Meaning(IntEnum):
    """What a key holds: ``FieldMeaning`` of ``decoder.h``."""

    OF_COLUMN = 0
    OF_NO_COLUMN = 1
    OF_UNSURE = 2


class Progress(NamedTuple):
    """What was read: records, then a run of lines that are handed back.

    Attributes:
        at: Where to go on; past the data at the end.
        records: How many lines were records, which are in the batch now.
        start: Where the run begins.
        end: Where its last line ends.
        lines: How many lines it has.
    """

    at: int
    records: int
    start: int
    end: int
    lines: int


class CompiledDecoder:
    """Takes records of one source after the other, batch by batch.

    Args:
        columns: The normalized columns that are wanted, with all that outcomes need.
        keys: Which keys hold which columns.
        coded: Which columns of records are numbered: ``upstream_host``, and ``path_shape`` beside
            ``path``.
        seldom: Columns of which few values will be asked.
        keep_text: Whether the bytes of records are kept.
        unknown: Whether what no column holds is wanted too; such lines are handed back.
    """

    def __init__(  # noqa: PLR0913  # one parameter a concern of the caller
        self,
        columns: Collection[str],
        keys: FieldKeys,
        *,
        coded: Collection[str] = (),
        seldom: Collection[str] = (),
        keep_text: bool = False,
        unknown: bool = False,
    ) -> None:
        # Only where it is chosen, since it may not have been built.
        from envoylogs.reading.decoders._compiled_decoder import Decoder

        self._keys = keys
        self._columns = [name for name in schema.NORMALIZED if name not in schema.NEVER_LOGGED]
        self._places = {name: place for place, name in enumerate(self._columns)}
        logged = sum(1 << self._places[column] for column in LOGGED_KEYS.values())
        of_envelope = (self._places[name] for name in ("pod", "namespace", "container"))
        self._decoder = Decoder(os.urandom(_SEED_BYTES), keep_text, unknown, logged, *of_envelope)
        self._with_shape = PATH_SHAPE in coded and "path" in columns
        self._seldom = frozenset(seldom)
        self._with_text, self._with_unknown = keep_text, unknown
        for name in self._columns:
            wanted = name in columns
            least, most = schema.INTEGERS.get(name, (0, 0))
            with_shape = name == "path" and self._with_shape
            kind = _kind_of(name, is_coded=name in coded) if wanted else _Kind.UNWANTED
            self._decoder.add_column(kind, least, most, with_shape, name in self._seldom)
        for column in PRESENT:
            self._decoder.add_trait(self._places[column], column == PRESENT[-1])
        for head in WRAPPING_OBJECTS:
            self._decoder.add_head(head)
        for pattern in default_patterns():
            self._add_format(pattern)
        self._decoder.lay_out()

    def _add_format(self, pattern: TextPattern) -> None:
        *before, last = pattern.form.literals
        operators = [
            (
                before[place].encode(),
                pattern.is_number(place),
                pattern.ends(place).encode(),
                pattern.is_short(place),
                -1 if operator.column is None else self._places[operator.column],
                0 if operator.precedence is None else _rank_of(operator.precedence),
            )
            for place, operator in enumerate(pattern.form.operators)
        ]
        is_last_free = pattern.lenient and pattern.last_missing
        self._decoder.add_format(
            operators, last.encode(), pattern.prefix, pattern.lenient, is_last_free
        )

    @property
    def height(self) -> int:
        """How many records the batch has."""
        return self._decoder.height

    @property
    def size(self) -> int:
        """How many bytes these take."""
        return self._decoder.size

    def begin(self, source: str) -> None:
        """Begin a source, which may be the file of a container."""
        origin = origin_of_file(source)
        self._decoder.begin_source(*((name or "").encode() for name in origin))

    def read(self, data: bytes | bytearray, at: int, number: int) -> Progress:
        """Read lines up to and with the first run of those that are handed back.

        Args:
            data: Lines, separated by line feeds.
            at: Where the first of them begins.
            number: Its number.
        """
        at, records, start, end, lines, new_key = self._decoder.read(data, at, number)
        if new_key is not None:
            self._add_key(new_key)
        return Progress(at, records, start, end, lines)

    def _add_key(self, name: bytes) -> None:
        key = name.decode()
        columns, known = self._keys.columns_of(key), self._keys.known_key(key)
        tells_record = not self._keys.signs.isdisjoint((key, known))
        meaning, column, rank = _Meaning.OF_NO_COLUMN, 0, 0
        if columns:
            column, rank = self._places[columns[0]], _rank_of(self._keys.precedence(key))
            meaning = _Meaning.OF_COLUMN
        if NESTED in key or len(columns) > 1 or known in _SECONDS or rank == _NO_RANK:
            meaning = _Meaning.OF_UNSURE
        self._decoder.add_key(name, meaning, column, rank, tells_record)

    def enveloped(self) -> Mapping[str, int]:
        """Return how many lines had an envelope, by kind, since it was last asked."""
        return dict(zip(("kubectl", "cri"), self._decoder.enveloped(), strict=True))

    def take(self, fates: LineFates, unused: ShortestKeys) -> DecodedBlock:
        """Return the records of the batch, and begin the next one.

        Args:
            fates: Where it is noted how many records had a key for each column.
            unused: Where keys are counted that no column holds.

        Returns:
            With the column ``line``, and ``text`` if it is kept.
        """
        (keys, logged, traits, numbers, lines, texts, places, values, names, shapes, shape_names,
         seen, of_no_column) = self._decoder.take()  # fmt: skip
        for column, n in zip(self._columns, seen, strict=True):
            fates.add("", "column_seen", n, column)
        for key, n in of_no_column:
            unused.add(n, [key.decode()])
        alias_of = {column: alias for alias, column in LOGGED_KEYS.items()}
        of_keys = [
            *self._named(keys),
            *(column.alias(alias_of[column.name]) for column in self._named(logged)),
            _series(THERE, traits),
        ]
        found = self._named(values)
        is_seldom = [column.name in self._seldom for column in found]
        of_rows = [
            _series(KEY, numbers),
            *(column for column, is_so in zip(found, is_seldom, strict=True) if not is_so),
            *(column.alias(PATH_SHAPE) for column in self._named(shapes)),
            _series("line", lines),
        ]
        if self._with_text:
            of_rows.append(_series("text", texts))
        if self._with_unknown:
            # Those that have any are handed back.
            none = pl.Series(schema.UNKNOWN_KEYS, [None], dtype=pl.String)
            of_rows.append(none.new_from_index(0, len(of_rows[0])))
        if any(is_seldom):
            of_rows.append(_series(PLACE, places))
        coded = {column.name: column for column in self._named(names)}
        coded |= dict(zip([PATH_SHAPE], self._named(shape_names), strict=False))
        return DecodedBlock(
            pl.DataFrame(of_keys),
            pl.DataFrame(of_rows),
            {column.name: column for column, is_so in zip(found, is_seldom, strict=True) if is_so},
            coded,
            is_clean=True,
            pass_over=self._pass_over if any(is_seldom) else None,
        )

    def _pass_over(self, keys: pl.Series) -> None:
        self._decoder.mark_keys(bytes(keys.to_list()))

    def _named(self, columns: Iterable[tuple[int, Column]]) -> list[pl.Series]:
        return [_series(self._columns[place], column) for place, column in columns]


def _series(name: str, column: Column) -> pl.Series:
    # What comes through Arrow brings a name of its own.
    return pl.Series(column).alias(name)


def _kind_of(name: str, *, is_coded: bool) -> _Kind:
    """Return what becomes of a column that is wanted."""
    of_records = name in schema.OF_RECORDS
    if name == "start_time":
        return _Kind.ROW_TIME
    if name in schema.INTEGERS:
        return _Kind.ROW_INTEGER if of_records else _Kind.KEY_INTEGER
    if of_records:
        return _Kind.ROW_CODE if is_coded else _Kind.ROW_TEXT
    # A method that holds the whole request line is taken apart elsewhere.
    return _Kind.KEY_WORD if name == "method" else _Kind.KEY_TEXT


def _rank_of(precedence: tuple[bool, bool, int]) -> int:
    """Return a place among the keys of a column as a number of one byte."""
    is_own, is_other, place = precedence
    # Places of mapped keys are below zero.
    within = place if is_own else place + _RANKS
    if not 0 <= within < _RANKS:
        return _NO_RANK
    return (2 * is_own + is_other) * _RANKS + within
