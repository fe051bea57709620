from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoylogs.render.formatting import clock, iso_time, percent, printable, size, window


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (1e-9, "<0.01 %"),
        (1 - 1e-9, ">99.99 %"),
        (0.0999951, "10.0 %"),
        (0.09994, "9.99 %"),
        (0.5, "50.0 %"),
        (0.9994, "99.9 %"),
        (0.99957, "99.96 %"),
        (0.0203, "2.03 %"),
        (None, "-"),
    ],
)
def test_percent(share: float | None, shown: str) -> None:
    assert percent(share) == shown


@pytest.mark.property
@given(st.floats(0, 1))
def test_percent_claims_no_false_0_or_100(share: float) -> None:
    shown = percent(share)

    assert (shown in {"0 %", "0.00 %"}) == (share == 0)
    assert (shown in {"100 %", "100.0 %", "100.00 %"}) == (share == 1)


@pytest.mark.property
@given(st.text())
def test_printable_text_has_no_control_character(text: str) -> None:
    shown = printable(text)

    assert shown.isprintable()
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\x1b")


def test_printable_leaves_letters_of_all_scripts() -> None:
    assert printable("パス/ü/€") == "パス/ü/€"
    assert printable(None) == "-"


def test_times_are_utc_with_as_many_digits_as_needed() -> None:
    assert iso_time(1_793_534_400_000_000) == "2026-11-01T12:00:00.000Z"
    assert iso_time(1_793_534_400_000_001) == "2026-11-01T12:00:00.000001Z"
    assert iso_time(None) is None
    assert iso_time(10**18) is None
    assert clock(1_793_534_400_000_000) == "12:00:00"


def test_a_window_names_the_day_of_its_end_only_if_it_is_another() -> None:
    noon = 1_793_534_400_000_000

    assert window(noon, noon + 60_000_000) == "2026-11-01 12:00:00 to 12:01:00 UTC"
    assert window(noon, noon + 86_400_000_000) == "2026-11-01 12:00:00 to 2026-11-02 12:00:00 UTC"


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (420_273_183, "420.3 MB"),
        (10**15, "1000.0 TB"),
    ],
)
def test_sizes_are_decimal(number: int, shown: str) -> None:
    assert size(number) == shown
