"""Every decoder makes of the same lines the same block, line by line and value by value.

The judge is written apart from them: the standard library's JSON, a record after the other, each
column looked for under its keys in their order.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import line, plain
from tests.strategies import records

from envoylogs import schema
from envoylogs.envoy.field_keys import DEFAULT_KEYS
from envoylogs.envoy.outcome_rules import LOGGED_KEYS
from envoylogs.reading.block_reader import BlockReader
from envoylogs.reading.decoders.columns import RecordColumns
from envoylogs.reading.fates import LineFates
from envoylogs.sources.blocks import Block

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from envoylogs.reading.decoded_block import DecodedBlock

Record = dict[str, Any]
_MISSING = (None, "-", "")


def _reference(data: bytes) -> DecodedBlock:
    columns, fates, reader = RecordColumns(schema.NORMALIZED), LineFates(), BlockReader("a.log")
    columns.extend("a.log", reader.read(Block(data, len(data)), fates))
    columns.extend("a.log", reader.finish(fates))
    return columns.decoded(fates)


_DECODERS: Mapping[str, Callable[[bytes], DecodedBlock]] = {"reference": _reference}
each_decoder = pytest.mark.parametrize("decode", _DECODERS.values(), ids=_DECODERS)


def _expected(found: Record) -> Record:
    """Return the columns of a record that has no other objects inside."""
    held: dict[str, list[str]] = {}
    for key in found:
        for column in DEFAULT_KEYS.columns_of(key)[:1]:
            held.setdefault(column, []).append(key)
    values = {}
    for column, keys in held.items():
        in_order = (found[key] for key in sorted(keys, key=DEFAULT_KEYS.precedence))
        values[column] = next((value for value in in_order if value not in _MISSING), None)
    logged = {alias: column in held for alias, column in LOGGED_KEYS.items()}
    return {**values, **logged}


def _told(value: object) -> object:
    """Return a value whatever its type, since that depends on those beside it."""
    if value in _MISSING:
        return None
    text = value if isinstance(value, str) else json.dumps(value)
    try:
        number = float(text)
    except ValueError:
        return text
    # A client may send "NaN", which as a number is not even itself.
    return text if math.isnan(number) else number


@pytest.mark.property
@each_decoder
@given(found=st.lists(records, min_size=1, max_size=12))
def test_a_block_holds_what_was_logged_in_the_order_of_its_lines(
    decode: Callable[[bytes], DecodedBlock], found: list[Record]
) -> None:
    block = decode(b"\n".join(map(line, found)))
    rows = plain(block).to_dicts()

    assert [row["line"] for row in rows] == list(range(1, len(found) + 1))
    for row, text in zip(rows, map(line, found), strict=True):
        expected = _expected(json.loads(text))
        assert {name: _told(row.get(name)) for name in expected} == {
            name: _told(value) for name, value in expected.items()
        }
        others = row.keys() - expected.keys() - {*schema.POSITION}
        assert all(row[name] is None for name in others)


@pytest.mark.property
@each_decoder
@given(found=st.lists(records, min_size=1, max_size=12), copies=st.integers(1, 3))
def test_keys_are_fewer_than_records_and_each_record_names_its_own(
    decode: Callable[[bytes], DecodedBlock], found: list[Record], copies: int
) -> None:
    lines = [line(one) for one in found] * copies
    block = decode(b"\n".join(lines))

    assert set(block.rows["key"]) <= set(range(block.keys.height))
    assert block.keys.height <= len(found)
    rows = plain(block).drop("line").rows()
    assert rows == rows[: len(found)] * copies
