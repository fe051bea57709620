"""Attacks, a few times each; `make soak` runs them as often as docs/reliability.md says."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from benchmarks.attacks import distinct_values
from benchmarks.attacks.damaged_files import Damage, Ending, attacked_states, attacked_tallies
from benchmarks.attacks.mutated_logs import differences, mutated

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.attacks.damaged_files import Attacked

pytestmark = pytest.mark.property

_THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
_TIMES, _LOGS = (1500, 1500) if _THOROUGH else (25, 30)
# Others need a million values, and the long run, to take much.
_KEYS, _VALUES = (
    (distinct_values.KEYS, distinct_values.VALUES) if _THOROUGH else (("another key",), 20_000)
)
_MOST_MB = 600


@pytest.mark.parametrize("attacked", [attacked_tallies, attacked_states])
def test_no_damage_to_a_file_gives_other_numbers(attacked: Callable[[int], Attacked]) -> None:
    found = attacked(_TIMES).endings

    for damage in Damage:
        assert found[damage, Ending.REFUSED] + found[damage, Ending.SAME] == _TIMES, found
        assert found[damage, Ending.REFUSED] > _TIMES * 0.9


@pytest.mark.parametrize("seed", range(_LOGS))
def test_a_mutated_log_has_the_numbers_of_a_plain_loop(seed: int) -> None:
    log = mutated(seed)

    assert log.counts.requests
    assert differences(log) == []


def test_mutated_logs_have_all_that_is_odd() -> None:
    text = b"".join(mutated(seed).text for seed in range(60))

    for odd in (b"9007199254740993", b"\\u0000", "雪".encode(), b"1e+300", b'"200.0"', b"\r\n",
                b"victim.example.com", b"true", b"1000"):  # fmt: skip
        assert odd in text, odd
    assert mutated(3).text == mutated(3).text != mutated(4).text


@pytest.mark.parametrize("routed", [True, False])
@pytest.mark.parametrize("key", _KEYS)
def test_other_values_in_each_record_are_read_in_bounded_memory(
    key: str,
    routed: bool,  # noqa: FBT001
    tmp_path: Path,
) -> None:
    cost = distinct_values.cost_of(key, tmp_path, values=_VALUES, routed=routed)

    assert cost.exit_code == 0
    assert cost.records == _VALUES
    assert cost.peak_mb < _MOST_MB
