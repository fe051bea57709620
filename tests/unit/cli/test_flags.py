"""What is looked up may be written as one likes; what is not known gets the nearest."""

from __future__ import annotations

import json
import re

import pytest
from typer.testing import CliRunner

from envoylogs.cli.app import app_of
from envoylogs.errors import UnknownKeyError, nearest


def _found(name: str) -> list[tuple[str, str]]:
    shown = CliRunner().invoke(app_of(["flags", "lines"]), ["flags", name, "-f", "json"])
    if isinstance(shown.exception, UnknownKeyError):
        raise shown.exception
    return [(row["kind"], row["name"]) for row in json.loads(shown.stdout)]


@pytest.mark.parametrize("name", ["UF,URX", "UF URX", "uf, urx", "UF;URX", "UF,URX,UF"])
def test_flags_may_be_joined_by_anything(name: str) -> None:
    assert _found(name) == [("response_flag", "UF"), ("response_flag", "URX")]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("lost-route", ("finding", "lost_route")),
        ("path not matched", ("cause", "path_not_matched")),
        ("NoRoute", ("outcome", "no_route")),
        ("no healthy upstream", ("response_flag", "UH")),
        ("Via-Upstream", ("response_code_detail", "via_upstream")),
    ],
)
def test_words_may_be_joined_by_anything(name: str, found: tuple[str, str]) -> None:
    assert found in _found(name)


def test_a_name_of_several_kinds_gives_all() -> None:
    kinds = [kind for kind, _ in _found("no_endpoints")]

    assert kinds == ["finding", "cause", "outcome"]


def test_a_code_gives_what_speaks_of_it() -> None:
    assert ("response_flag", "UH") in _found("503")
    assert ("response_flag", "NR") in _found("404")
    assert ("response_flag", "NR") not in _found("503")
    with pytest.raises(UnknownKeyError, match="418 is a response code, of which no flag"):
        _found("418")


@pytest.mark.parametrize("name", ["no_rute", "UF,XX", "connect_timeot", "overflo", "UFX"])
def test_what_is_not_known_gets_the_nearest_each_once(name: str) -> None:
    with pytest.raises(UnknownKeyError) as told:
        _found(name)

    named = re.search(r"Did you mean (.*)\?", str(told.value))
    found = named[1].split(" or ") if named else []
    assert len(found) == len(set(found)) <= 3
    assert found or name == "UF,XX"


def test_of_joined_flags_the_one_that_is_none_is_named() -> None:
    with pytest.raises(UnknownKeyError, match="'XX' is not a known flag"):
        _found("UF,XX")


def test_the_nearest_comes_first_and_once() -> None:
    known = ["no_cluster", "no_route", "no_route", "No-Route", "served"]

    assert nearest("NO ROUTE", known) == " Did you mean no_route or No-Route or no_cluster?"
    assert nearest("no_clustr", known).startswith(" Did you mean no_cluster")
    assert nearest("xyz", known) == ""
    assert nearest("no_rt", known, least=0.9) == ""
