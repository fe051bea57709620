"""The reference decoder: JSON by orjson; what repeats in records numbered, the rest in columns.

A faster decoder may stand beside it, makes the same ``DecodedBlock`` and may not change an answer.
"""

from __future__ import annotations

from collections import Counter
from operator import itemgetter
from typing import TYPE_CHECKING

import orjson
import polars as pl

from envoylogs import schema
from envoylogs.envoy.fields import SECONDS_IF_DECIMAL, fold, is_address
from envoylogs.envoy.outcome_rules import LOGGED_KEYS
from envoylogs.reading.decoded_block import KEY, DecodedBlock
from envoylogs.reading.decoders.logged_values import (
    MISSING,
    first_present,
    milliseconds_of,
    series_of,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from envoylogs.envoy.field_keys import FieldKeys
    from envoylogs.reading.fates import LineFates

_OF_ADDRESSES = "upstream_host"
_SECONDS = frozenset(map(fold, SECONDS_IF_DECIMAL))
_PLAIN = frozenset({str, int, type(None)})


def objects_alike(
    lines: list[bytes], keys: FieldKeys
) -> tuple[frozenset[str], list[dict[str, object]]]:
    """Return the records of lines that all have the same keys, and these; none if they have not."""
    nothing: tuple[frozenset[str], list[dict[str, object]]] = frozenset(), []
    try:
        objects = list(map(orjson.loads, lines))
    except orjson.JSONDecodeError:
        return nothing
    common = keys_of_all(objects) if set(map(type, objects)) == {dict} else None
    # Whether a record with other objects inside is one depends on what is in them.
    if common is None or keys.signs.isdisjoint(common):
        return nothing
    return common, objects


def keys_of_all(objects: list[dict[str, object]]) -> frozenset[str] | None:
    """Return the keys of objects that all have the same ones, as in nearly every log; else null."""
    keys = frozenset().union(*objects)
    return keys if set(map(len, objects)) == {len(keys)} else None


class _Numbers(dict[tuple[object, ...], int]):
    """Numbers what repeats in records, in the order in which it comes.

    Args:
        code: The place of the response code in it; -1 if it has none.
    """

    def __init__(self, code: int) -> None:
        super().__init__()
        self._code = code
        self._odd: dict[tuple[object, ...], int] = {}
        self.found: list[tuple[object, ...]] = []

    def __missing__(self, values: tuple[object, ...]) -> int:
        """Number what was not there yet."""
        if self._is_plain(values):
            self[values] = number = len(self.found)
            self.found.append(values)
            return number
        # To Python 1, 1.0 and True are the same, and 0.0 and -0.0; in a log they are not.
        odd: tuple[object, ...] = (*values, *map(type, values))
        if 0 in values:
            odd = tuple(map(repr, values))
        number = self._odd.setdefault(odd, len(self.found))
        if number == len(self.found):
            self.found.append(values)
        return number

    def _is_plain(self, values: tuple[object, ...]) -> bool:
        """Tell what equals nothing of another type: text, and a code that is a number."""
        kinds = list(map(type, values))
        if not _PLAIN.issuperset(kinds):
            return False
        code = values[self._code] if self._code >= 0 else None
        return kinds.count(int) == (type(code) is int and code > 1)


class ObjectShape:
    """The records that were logged with the same keys, but for those that no column holds.

    Args:
        logged: The keys of each of them that hold columns; paths of nested ones.
        keys: Which keys hold which columns.
        wanted: The columns that are kept.

    Attributes:
        seen: All columns that these keys hold, whether wanted or not.
        places: The place of each record in the batch.
    """

    def __init__(self, logged: Collection[str], keys: FieldKeys, wanted: Collection[str]) -> None:
        keys_of: dict[str, list[str]] = {}
        # How the values of a key are read for a column where they are not taken as they stand:
        # ``address``, ``no_address`` or ``seconds``.
        self._unlike: dict[tuple[str, str], str] = {}
        seen: dict[str, None] = {}
        for key in sorted(logged):
            for column in keys.columns_of(key):
                keys_of.setdefault(column, []).append(key)
                if keys.known_key(key) in _SECONDS:
                    self._unlike[column, key] = "seconds"
                elif len(keys.columns_of(key)) > 1:
                    is_address = column == _OF_ADDRESSES
                    self._unlike[column, key] = "address" if is_address else "no_address"
            seen |= dict.fromkeys(keys.columns_of(key)[:1])
        self.seen = list(seen)
        self.places: list[int] = []
        wanted_keys = {
            column: sorted(spellings, key=keys.precedence)
            for column, spellings in keys_of.items()
            if column in wanted
        }
        self._of_rows = {c: k for c, k in wanted_keys.items() if c in schema.OF_RECORDS}
        self._of_keys = {c: k for c, k in wanted_keys.items() if c not in schema.OF_RECORDS}
        self._codes = self._of_keys.get("response_code", [])
        # A key may have been met with a code of another type, which is the same to Python; how
        # seconds are written is told by that of the record.
        beside = self._codes if "seconds" in self._unlike.values() else []
        self._values: dict[str, list[object]] = {
            key: [] for key in (*_all_of(self._of_rows), *beside)
        }
        self._repeating = _all_of(self._of_keys)
        self._numbers = _Numbers(self._repeating.index(self._codes[0]) if self._codes else -1)
        self._key: list[int] = []
        self._take_values, self._take_repeating = map(
            _getter, (list(self._values), self._repeating)
        )

    def extend(self, objects: list[dict[str, object]], places: Collection[int]) -> None:
        """Take objects with the keys of this shape, and the place of each in the batch."""
        self.places.extend(places)
        number = self._numbers.__getitem__
        try:
            self._key += list(map(number, map(self._take_repeating, objects)))
        except TypeError:
            # Objects and lists have no hash.
            found = map(self._take_repeating, objects)
            self._key += [number(tuple(map(_hashable, values))) for values in found]
        if self._values:
            by_key = zip(*map(self._take_values, objects), strict=True)
            for values, of_block in zip(self._values.values(), by_key, strict=False):
                values.extend(of_block)

    def block(self, before: int, seldom: Collection[str], fates: LineFates) -> DecodedBlock:
        """Return the records.

        Args:
            before: How many keys other shapes have.
            seldom: Columns of which few values will be asked.
            fates: Where it is noted how many records had a key for each column.
        """
        rows = [
            pl.Series(KEY, self._key, dtype=pl.UInt32) + before,
            *(
                series_of(column, self._values_of(column))
                for column in self._of_rows
                if column not in seldom
            ),
        ]
        left = {name: self._values_of(name) for name in self._of_rows if name in seldom}
        block = DecodedBlock(self._keys(), pl.DataFrame(rows), left)
        self._note(block, fates)
        return block

    def _keys(self) -> pl.DataFrame:
        """Return what repeats, by column, and which of ``LOGGED_KEYS`` was logged."""
        found = self._numbers.found
        by_key = zip(*found, strict=True) if found else [()] * len(self._repeating)
        values = {key: list(of_key) for key, of_key in zip(self._repeating, by_key, strict=False)}
        return pl.DataFrame(
            [
                *(
                    series_of(column, first_present([self._read(column, k, values) for k in keys]))
                    for column, keys in self._of_keys.items()
                ),
                *was_logged(self.seen, len(found)),
            ]
        )

    def _note(self, block: DecodedBlock, fates: LineFates) -> None:
        for column in self.seen:
            fates.add("", "column_seen", len(self.places), column)
        # Of a key that holds one of two columns: the values tell.
        for column in self._of_rows.keys() - self.seen:
            n = block.rows[column].is_in(MISSING).not_().sum()
            fates.add("", "column_seen", int(n), column)
        for column in self._of_keys.keys() - self.seen:
            is_missing = block.keys[column].is_in(MISSING).fill_null(value=True).to_list()
            times = Counter(self._key)
            n = sum(n for key, n in times.items() if not is_missing[key])
            fates.add("", "column_seen", n, column)

    def _values_of(self, column: str) -> list[object]:
        keys = self._of_rows[column]
        return first_present([self._read(column, key, self._values) for key in keys])

    def _read(self, column: str, key: str, of_key: Mapping[str, list[object]]) -> list[object]:
        values, how = of_key[key], self._unlike.get((column, key))
        if how == "seconds":
            codes = first_present([self._values[code] for code in self._codes])
            return list(map(milliseconds_of, values, codes or [None] * len(values)))
        if how is not None:
            is_address_wanted = how == "address"
            return [v if is_address(str(v)) == is_address_wanted else None for v in values]
        return values


def was_logged(columns: Collection[str], height: int) -> Iterator[pl.Series]:
    """Yield for each column of ``LOGGED_KEYS`` whether it was logged."""
    for alias, column in LOGGED_KEYS.items():
        yield pl.Series(alias, [column in columns]).new_from_index(0, height)


def _all_of(keys_of: Mapping[str, list[str]]) -> list[str]:
    """Return the keys of some columns, each once."""
    return list(dict.fromkeys(key for keys in keys_of.values() for key in keys))


def _getter(keys: list[str]) -> Callable[[dict[str, object]], tuple[object, ...]]:
    """Return what takes the values of some keys out of an object."""
    if not keys:
        return lambda _: ()
    # The first key stands twice, since for a single key itemgetter gives no tuple.
    return itemgetter(*keys, keys[0])


def _hashable(value: object) -> object:
    return text_of(value) if isinstance(value, dict | list) else value
