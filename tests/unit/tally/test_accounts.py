"""The accounts of lines, added up."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoylogs.keyed.batches import Batch
from envoylogs.reading.fates import KEYS_KEPT, LineFates
from envoylogs.tally.accounts import LineCounts
from envoylogs.tally.spec import DEFAULT_SPEC


def _counts(keys: list[str], source: str = "") -> LineCounts:
    fates = LineFates()
    fates.add("a.log", "lines", 1)
    fates.add_keys(source, "key_other" if source else "key_unused", 1, keys)
    return LineCounts.of(Batch(None, fates), DEFAULT_SPEC)


def _kept(counts: LineCounts) -> dict[str, int]:
    rows = counts.frame.select("fate", "detail", "n").iter_rows()
    return {key: n for fate, key, n in rows if fate.startswith("key_")}


@pytest.mark.property
@given(st.integers(0, 2**32), st.integers(1, 400))
def test_the_shortest_keys_are_kept_exactly_however_a_log_is_cut(seed: int, different: int) -> None:
    random = Random(seed)
    keys = [f"key-{random.randrange(different)}" for _ in range(600)]
    parts: list[list[str]] = [[], [], []]
    for key in keys:
        random.choice(parts).append(key)

    first, second, third = map(_counts, parts)

    expected = sorted(set(keys), key=lambda key: (len(key), key))[:KEYS_KEPT]
    whole = {key: keys.count(key) for key in expected}
    assert _kept(_counts(keys)) == whole
    assert _kept(first.merge(second, third)) == whole
    assert _kept(third.merge(second).merge(first)) == whole


def test_keys_are_kept_by_source_and_fate() -> None:
    many = [f"k{number:04}" for number in range(3 * KEYS_KEPT)]
    counts = _counts(many).merge(_counts(many, "a.log"), _counts(many, "b.log"))

    assert counts.frame.filter(counts.frame["fate"] == "lines")["n"].to_list() == [3]
    assert counts.frame.height == 1 + 3 * KEYS_KEPT
