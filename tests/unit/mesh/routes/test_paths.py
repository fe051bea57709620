from __future__ import annotations

from envoylogs.mesh.requests import Request
from envoylogs.mesh.routes.paths import path_fits, target_fits
from envoylogs.mesh.tables import PathKind, RouteMatch


def _fits(kind: PathKind, wanted: str, path: str, *, ignore_case: bool = False) -> bool | str:
    return path_fits(RouteMatch(kind, wanted, ignore_case=ignore_case), path)


def test_an_exact_path_covers_neither_a_slash_at_the_end_nor_what_is_below() -> None:
    assert _fits("exact", "/books", "/books") is True
    assert _fits("exact", "/books", "/books/") is False
    assert _fits("exact", "/books", "/books/1") is False
    assert _fits("exact", "/books", "/Books") is False


def test_query_and_fragment_are_not_compared() -> None:
    assert _fits("exact", "/books", "/books?page=1") is True
    assert _fits("exact", "/books", "/books#top") is True
    assert _fits("exact", "/books?page=1", "/books?page=1") is False
    assert _fits("regex", "/books", "/books?page=1") is True


def test_a_prefix_is_one_of_characters_and_not_of_segments() -> None:
    assert _fits("prefix", "/ping", "/pingpong") is True
    assert _fits("prefix", "/ping/", "/ping") is False
    assert _fits("prefix", "", "anything") is True


def test_a_prefix_of_segments_ends_with_one() -> None:
    assert _fits("path_separated_prefix", "/ping", "/ping") is True
    assert _fits("path_separated_prefix", "/ping", "/ping/1") is True
    assert _fits("path_separated_prefix", "/ping", "/ping?x=1") is True
    assert _fits("path_separated_prefix", "/ping", "/pingpong") is False


def test_case_counts_unless_it_is_said() -> None:
    assert _fits("exact", "/Books", "/bOOks", ignore_case=True) is True
    assert _fits("prefix", "/B", "/books", ignore_case=True) is True
    assert _fits("path_separated_prefix", "/B", "/b/1", ignore_case=True) is True
    # Only that of ASCII.
    assert _fits("exact", "/É", "/é", ignore_case=True) is False


def test_a_pattern_covers_the_whole_path_and_keeps_its_case() -> None:
    assert _fits("regex", "/books/[0-9]+", "/books/12") is True
    assert _fits("regex", "/books/[0-9]+", "/books/12/a") is False
    assert _fits("regex", "/books", "/Books", ignore_case=True) is False


def test_a_pattern_that_re2_refuses_leaves_it_open() -> None:
    assert _fits("regex", "/(?!admin).*", "/books") == "whether pattern /(?!admin).* fits"


def test_percent_and_bytes_beyond_ascii_are_compared_as_they_stand() -> None:
    assert _fits("exact", "/a/b", "/a%2Fb") is False
    assert _fits("exact", "/café", "/caf%C3%A9") is False
    assert _fits("exact", "/café", "/café") is True
    assert _fits("regex", "/caf.", "/café") is True


def test_slashes_are_not_merged() -> None:
    assert _fits("exact", "/a/b", "/a//b") is False
    assert _fits("prefix", "/a/", "/a//b") is True


def test_parameters_of_a_path_are_part_of_it_unless_the_table_ignores_them() -> None:
    match = RouteMatch("exact", "/books")

    assert path_fits(match, "/books;v=1") is False
    assert path_fits(match, "/books;v=1", ignore_parameters=True) is True
    assert path_fits(match, "/books?a;b", ignore_parameters=True) is True


def test_parameters_that_releases_cut_differently_leave_it_open() -> None:
    assert path_fits(RouteMatch("exact", "/a/b"), "/a;v=1/b", ignore_parameters=True) == (
        "how this release of Envoy cuts path parameters"
    )
    assert path_fits(RouteMatch("prefix", "/a"), "/a;v=1/b", ignore_parameters=True) is True


def test_a_route_for_connect_takes_connect_alone() -> None:
    match = RouteMatch("connect", "")

    assert target_fits(match, Request("a.com:443", None, "CONNECT")) is True
    assert target_fits(match, Request("a.com", "/", "GET")) == "header upgrade"
    known = Request("a.com", "/", "GET", absent=frozenset({"upgrade"}))
    assert target_fits(match, known) is False
    upgraded = Request("a.com", "/", "GET", headers={"upgrade": "CONNECT-UDP"})
    assert target_fits(match, upgraded) is True
    assert target_fits(match, Request("a.com", "/", None)) == "method"


def test_a_connect_without_a_path_is_none_of_another_route() -> None:
    assert target_fits(RouteMatch("prefix", ""), Request("a.com:443", None, "CONNECT")) is False


def test_a_path_that_was_not_logged_leaves_it_open() -> None:
    assert target_fits(RouteMatch("prefix", "/"), Request("a.com", None, "GET")) == "path"


def test_no_route_takes_a_path_without_a_slash_at_its_beginning() -> None:
    assert target_fits(RouteMatch("prefix", ""), Request("a.com", "*", "OPTIONS")) is False
    assert target_fits(RouteMatch("prefix", ""), Request("a.com", "http://a.com/", "GET")) is False
