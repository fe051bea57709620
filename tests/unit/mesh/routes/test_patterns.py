from __future__ import annotations

import time

import pytest

from envoylogs.mesh.routes.patterns import pattern


def _within(seconds: float, expression: str, text: str) -> bool | None:
    started = time.perf_counter()
    found = pattern(expression).covers(text)
    assert time.perf_counter() - started < seconds
    return found


@pytest.mark.parametrize("expression", ["(a+)+b", "(a|a)*b", "(.*)*(.*)*(.*)*b", "(a?){50}a{50}b"])
def test_nested_repetitions_take_linear_time(expression: str) -> None:
    assert _within(2, expression, "a" * 100_000) is False


def test_a_path_of_a_megabyte_is_compared() -> None:
    assert _within(2, "/a*", "/" + "a" * 1_000_000) is True
    assert _within(2, "/a*b", "/" + "a" * 1_000_000) is False


def test_a_pattern_and_a_path_that_are_both_huge_leave_it_open() -> None:
    assert _within(2, "(x|y){1000}[a-z]*", "/" + "a" * 1_000_000) is None


@pytest.mark.parametrize("expression", ["(?!a).*", r"(a)\1", "(", "a{2000}", "(?<=a)b"])
def test_what_re2_refuses_is_not_known(expression: str) -> None:
    assert pattern(expression).covers("a") is None
    assert not pattern(expression).begins("a")


def test_a_pattern_that_needs_too_much_memory_is_not_known() -> None:
    assert _within(2, "((a{100}){100}){100}", "a") is None


def test_half_a_character_is_compared_as_a_question_mark() -> None:
    assert pattern("/a.").covers("/a\udcff") is True
    assert pattern("/a\udcff").covers("/ab") is False


def test_the_beginning_of_a_text_may_fit_where_all_of_it_does_not() -> None:
    assert pattern("/a").begins("/ab")
    assert not pattern("/b").begins("/ab")
