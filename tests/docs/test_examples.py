"""Examples in docstrings and on the page of the library print what they say."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

import envoylogs.api

_PROJECT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(_PROJECT)


def test_examples_of_the_library() -> None:
    failed, tried = doctest.testmod(envoylogs.api)

    assert tried >= 6
    assert not failed


def test_examples_on_the_page_of_the_library() -> None:
    failed, tried = doctest.testfile(str(_PROJECT / "docs" / "api.md"), module_relative=False)

    assert tried >= 15
    assert not failed
