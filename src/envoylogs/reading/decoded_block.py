"""What every decoder makes of lines: keys, and records that name theirs.

A log has few keys and many records: host, route, code, flags, details, cluster
and so on repeat together. A decoder numbers their combinations as it meets
them, so that what a combination means is worked out once and not for every
record. How it numbers is its own affair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from envoylogs.envoy.distinct import numbered

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

KEY = "key"
"""The column that says which key a record has: the place of its row."""


PLACE = "place"
"""The column that says where the values of a record stand that are seldom asked."""

_NOTHING: Mapping[str, list[object]] = {}


class DecodedBlock(NamedTuple):
    """Some records, in their order, their values as they were logged.

    Attributes:
        keys: A row a key: columns of strings, integers or floats for what was logged of the
            columns that are not ``schema.OF_RECORDS``, and the booleans of
            ``envoy.outcome_rules.LOGGED_KEYS``. A key may stand there twice.
        rows: A row a record: ``key``, columns of ``schema.OF_RECORDS`` likewise, ``source`` and
            ``line``, and ``text`` and ``unknown_keys`` if they were kept; ``place``, where a
            record stands in ``seldom``, if that holds anything.
        seldom: Other columns of ``schema.OF_RECORDS``, of which few values will be asked.
    """

    keys: pl.DataFrame
    rows: pl.DataFrame
    seldom: Mapping[str, list[object]] = _NOTHING


def keyed(records: pl.DataFrame, columns: Collection[str]) -> DecodedBlock:
    """Return records with what repeats in them taken apart.

    Args:
        records: In any order, which they keep.
        columns: Those of them that are to be a key together.
    """
    names = [name for name in records.columns if name in columns]
    if not names:
        return DecodedBlock(pl.DataFrame(), records.with_columns(pl.lit(0, pl.UInt32).alias(KEY)))
    keys, numbers = numbered(records[names])
    return DecodedBlock(keys, records.drop(names).with_columns(numbers.alias(KEY)))


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
