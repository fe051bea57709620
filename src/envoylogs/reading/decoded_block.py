"""What every decoder makes of lines: keys, and records that name theirs.

A log has few keys and many records: host, route, code, flags, details, cluster
and so on repeat together. A decoder numbers their combinations as it meets
them, so that what a combination means is worked out once and not for every
record. How it numbers is its own affair, block by block: numbers that hold are
made of these in ``keyed``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from envoylogs.envoy.distinct import numbered

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

KEY = "key"
"""The column that says which key a record has: the place of its row."""


PLACE = "place"
"""The column that says where the values of a record stand that are seldom asked; null if it is
passed over."""

PATH_SHAPE = "path_shape"
"""The column that says what is alike in paths, which may do in their place.

It is a path, cut after ``envoy.paths.MAX_TEXT`` characters and then without its query and fragment,
in which behind a slash one number may stand for any other that is a whole segment, one UUID for any
other, and one hexadecimal word of 16 and more digits for any other: its path group is that of the
path.
"""

THERE = "there"
"""The column of keys that says which of ``PRESENT`` a record has: a bit each, the first lowest."""

PRESENT = ("upstream_host", "upstream_service_time_ms", "path", "bytes_sent")
"""Columns of records of which an outcome depends on whether they are there, a value of the column
or not; of the last one, on whether it is 0."""

_NOTHING: Mapping[str, list[object]] = {}
_NONE_CODED: Mapping[str, pl.Series] = {}


class DecodedBlock(NamedTuple):
    """Some records, in their order, their values as they were logged.

    Attributes:
        keys: A row a key: columns of strings, integers or floats for what was logged of the
            columns that are not ``schema.OF_RECORDS``, and the booleans of
            ``envoy.outcome_rules.LOGGED_KEYS``. A key may stand there twice.
        rows: A row a record: ``key``, columns of ``schema.OF_RECORDS`` likewise, ``source`` and
            ``line``, and ``text`` and ``unknown_keys`` if they were kept; ``place``, where a
            record stands in ``seldom``, if that holds anything.
        seldom: Other columns of ``schema.OF_RECORDS``, of which few values will be asked: as they
            were logged, or as series of a clean block.
        coded: The distinct values of columns of rows that hold, in the place of each value, its
            place among these (``UInt32``); a missing value is null. Such a column is a text of
            ``schema.OF_RECORDS``, ``path_shape``, or ``source`` of a clean block.
        is_clean: Whether nothing is left to be read: values have the types of the schema and are
            within ``schema.INTEGERS``, missing ones are null, no method holds more than a method,
            and ``there`` is among the columns of keys.
        others: Records among these that another decoder made, not clean; null without any.
        pass_over: Tells the decoder of which keys nothing will be asked that is seldom: a boolean
            for each of these, before the next batch is begun. Null if it has no use for that.
    """

    keys: pl.DataFrame
    rows: pl.DataFrame
    seldom: Mapping[str, Sequence[object] | pl.Series] = _NOTHING
    coded: Mapping[str, pl.Series] = _NONE_CODED
    is_clean: bool = False
    others: OtherRecords | None = None
    pass_over: Callable[[pl.Series], None] | None = None


class OtherRecords(NamedTuple):
    """Records that stand among those of a block.

    Attributes:
        block: These, in their order, with the same columns.
        places: For each record of the block, then for each of these, its place among all.
    """

    block: DecodedBlock
    places: pl.Series


def keyed(records: pl.DataFrame, columns: Collection[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return keys and rows of records: what repeats in them taken apart.

    Args:
        records: In any order, which they keep.
        columns: Those of them that are to be a key together.
    """
    names = [name for name in records.columns if name in columns]
    if not names:
        return pl.DataFrame(), records.with_columns(pl.lit(0, pl.UInt32).alias(KEY))
    keys, numbers = numbered(records[names])
    return keys, records.drop(names).with_columns(numbers.alias(KEY))


def split_keys(keys: int, key: pl.Series, traits: pl.Series, most: int) -> tuple[pl.Series, ...]:
    """Return keys that also tell a trait of records apart.

    Args:
        keys: How many keys there are.
        key: That of each record.
        traits: A number for each record, from 0.
        most: All of them are smaller.

    Returns:
        For each new key its key before and its trait, in an order of their own; for each record
        its new key.
    """
    both = key.cast(pl.Int64) * most + traits.cast(pl.Int64)
    firsts = both.arg_unique()
    numbers = pl.Series([0], dtype=pl.UInt32).new_from_index(0, keys * most)
    order = pl.int_range(firsts.len(), dtype=pl.UInt32, eager=True)
    return key[firsts], traits[firsts], numbers.scatter(both[firsts], order)[both].alias(KEY)
