"""Objects by shape: keys of their own make no shape, change no order and are counted."""

from __future__ import annotations

from collections import Counter
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import Record, plain, record

from envoylogs import schema
from envoylogs.envoy.field_keys import DEFAULT_KEYS, FieldKeys
from envoylogs.envoy.fields import fold
from envoylogs.reading.decoders import object_shapes
from envoylogs.reading.decoders.columns import RecordColumns
from envoylogs.reading.decoders.object_shapes import ObjectShapes
from envoylogs.reading.fates import KEYS_KEPT, LineFates, ShortestKeys
from envoylogs.reading.payloads import RawRecords

_ALL = tuple(schema.NORMALIZED)


def test_keys_that_hold_no_column_make_no_shape() -> None:
    shapes = ObjectShapes(DEFAULT_KEYS, _ALL)
    # Under these others have objects with known keys.
    holders = ("response", "request_headers", "headers")
    found = [
        record(**{f"k{number}": number, holders[number % 3]: "x"}, team="a") for number in range(99)
    ]

    shapes.extend(found, range(99))

    assert len(shapes.shapes) == 1
    assert shapes.unused.counts["team"] == 99
    assert shapes.unused.counts["response"] == 33


def test_long_keys_are_not_remembered() -> None:
    keys = FieldKeys((("m" * 999, "path"),))
    shapes = ObjectShapes(keys, _ALL)
    fold.cache_clear()

    shapes.extend([record(**{"m" * 999: "/", f"{n}" * 999: 1}) for n in range(3)], range(3))

    for cached in (keys.known_key, keys.may_hold, fold):
        # The mapped key is one of them, since it is used.
        assert cached.cache_info().currsize <= len(record()) + 1  # type: ignore[union-attr]
    assert shapes.unused.counts == {f"{n}" * 100: 1 for n in range(3)}


def _is_unknown(key: str) -> bool:
    return not DEFAULT_KEYS.columns_of(key) and not DEFAULT_KEYS.may_hold(key)


_own_keys = st.dictionaries(
    st.sampled_from(("team", "verb", "request", "response", "k\x1fv"))
    | st.text(max_size=3).filter(_is_unknown),
    st.sampled_from((1, "x", None, {"verb": "GET"}, {"path": "/inside"}, {"headers": {"a": 1}})),
    max_size=3,
)


def _expected_unused(found: list[Record]) -> Counter[str]:
    """Return of how many records each key is that no column holds, one record after the other."""
    counts: Counter[str] = Counter()
    for one in found:
        collected, fates = RecordColumns(_ALL), LineFates()
        collected.extend("a.log", RawRecords([one], [1]))
        collected.decoded(fates)
        keys = fates.keys.get(("", "key_unused"))
        counts.update({} if keys is None else keys.counts)
    return counts


@pytest.mark.property
@given(
    st.lists(st.tuples(_own_keys, st.booleans()), min_size=1, max_size=12),
    st.sampled_from((1, 100, 65_536)),
)
def test_records_keep_their_order_and_values_whatever_keys_of_their_own_they_have(
    drawn: list[tuple[Record, bool]], remembered: int
) -> None:
    found: list[Record] = [
        {**own, **record(request_id=str(number), path=f"/{number}" if is_long else ...)}
        for number, (own, is_long) in enumerate(drawn)
    ]
    collected, fates = RecordColumns(_ALL), LineFates()

    with mock.patch.object(object_shapes, "_KEYS_REMEMBERED", remembered):
        collected.extend("a.log", RawRecords(found, list(range(1, len(found) + 1))))
    raw = plain(collected.decoded(fates))

    assert raw["request_id"].to_list() == [str(number) for number in range(len(found))]
    paths = raw["path"] if "path" in raw.columns else [None] * len(found)
    for number, (path, (own, is_long)) in enumerate(zip(paths, drawn, strict=True)):
        inside = own.get("request")
        of_inside = inside.get("path") if isinstance(inside, dict) else None
        assert path == (f"/{number}" if is_long else of_inside)
    keys = fates.keys.get(("", "key_unused"))
    assert ({} if keys is None else keys.counts) == _expected_unused(found)


@pytest.mark.property
@given(st.integers(1, 500), st.randoms(use_true_random=False))
def test_the_shortest_keys_are_counted_exactly_and_no_more_than_some_are_kept(
    different: int, random: object
) -> None:
    draw = random.randrange  # type: ignore[attr-defined]
    keys = ["k" * draw(1, 4) + str(draw(different)) for _ in range(900)]
    counted = ShortestKeys()

    for key in keys:
        counted.add(2, [key])
        assert len(counted.counts) <= 2 * KEYS_KEPT

    shortest = sorted(set(keys), key=lambda key: (len(key), key))[:KEYS_KEPT]
    assert {key: counted.counts[key] for key in shortest} == {
        key: 2 * keys.count(key) for key in shortest
    }


def test_a_copy_of_fates_counts_keys_apart() -> None:
    fates = LineFates()
    fates.add_keys("a.log", "key_other", 1, ["x"])

    fates.copy().add_keys("a.log", "key_other", 5, ["x", "y"])

    assert fates.keys["a.log", "key_other"].counts == {"x": 1}
