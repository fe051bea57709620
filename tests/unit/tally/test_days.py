"""Which days are kept, whatever times records claim to have."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from tests.builders import record
from tests.handmade import batch_of

from envoylogs.tally.days import DAY_US, DaySums, are_recent, without_old_days
from envoylogs.tally.spec import TallySpec

if TYPE_CHECKING:
    from envoylogs.tally.tally import Tally

_SPEC = TallySpec()
_NOW_US = int(datetime(2026, 3, 10, 12, tzinfo=UTC).timestamp()) * 1_000_000
_FUTURE = "2099-01-01T00:00:00.000Z"


def _days_of(*batches: list[str | None]) -> dict[str | None, Tally]:
    """Return tallies by day of batches of records with these times."""
    sums = DaySums(_SPEC, {}, by_day=True, now_us=_NOW_US)
    for times in batches:
        sums.add(batch_of(record(start_time=time) for time in times))
    return {
        None if day is None else str(datetime.fromtimestamp(day * DAY_US / 1e6, UTC).date()): tally
        for day, tally in sums.totals().items()
    }


def _records(tally: Tally) -> int:
    lines = tally.lines.frame
    return int(lines.filter(lines["fate"] == "window")["n"].sum())


@pytest.mark.parametrize(
    ("batches", "expected"),
    [
        ([["2026-03-01T23:00:00Z", "2026-03-02T01:00:00Z"]], {"2026-03-02": 2}),
        ([["2026-03-01T23:00:00Z", _FUTURE]], {"2026-03-01": 2}),
        ([["2026-03-01T23:00:00Z"], [_FUTURE], [None]], {"2026-03-01": 3}),
        ([[_FUTURE]], {"2026-03-10": 1}),
        ([[None]], {None: 1}),
    ],
)
def test_a_batch_is_of_the_day_of_its_newest_time_up_to_now(
    batches: list[list[str | None]], expected: dict[str | None, int]
) -> None:
    found = {day: _records(tally) for day, tally in _days_of(*batches).items()}

    assert found == expected


def test_a_record_of_the_future_moves_no_window_and_keeps_no_day() -> None:
    days = _days_of(
        ["2026-01-01T00:00:00Z", _FUTURE], ["2026-02-01T00:00:00Z"], ["2026-02-03T00:00:00Z"]
    )

    kept = without_old_days(dict(enumerate(days.values())), 3 * DAY_US, _NOW_US)

    assert list(kept) == [1, 2]


def test_what_has_no_time_up_to_now_is_recent() -> None:
    assert are_recent([None, 10, 20], 5, 100) == [True, False, True]
    assert are_recent([None, None], 5, 100) == [True, True]
