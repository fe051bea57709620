"""Envoy's own examples of which route takes a request, of its ``router_check`` tool."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from envoylogs.mesh.documents import read_configuration
from envoylogs.mesh.requests import Request
from envoylogs.mesh.routes.matcher import Candidate, TableMatcher

_FOLDER = Path(__file__).parents[4] / "shared" / "judges" / "router_check"
_GOLDEN = sorted(_FOLDER.glob("**/*.golden.proto.*"))

pytestmark = pytest.mark.skipif(
    not _GOLDEN, reason="the examples of router_check do not lie beside this checkout"
)

_TABLES_WITH_CONDITIONS = {"ContentType", "Runtime"}
"""Of the others, the log alone holds all that decides."""


def _name(path: Path) -> str:
    return path.name.partition(".")[0]


def _cases() -> list[Any]:
    return [
        pytest.param(path, case, id=f"{path.relative_to(_FOLDER)}-{case['test_name']}")
        for path in _GOLDEN
        # A comma too many at the end of a list is no JSON, but YAML.
        for case in yaml.safe_load(path.read_text())["tests"]
    ]


def _matcher(golden: Path) -> TableMatcher:
    (table,) = read_configuration([str(golden.parent / f"{_name(golden)}.yaml")]).tables
    return TableMatcher(table)


def _headers(given: dict[str, Any]) -> dict[str, str]:
    return {each["key"]: each["value"] for each in given.get("additional_request_headers", ())}


def _is_as_expected(candidate: Candidate, expected: dict[str, Any]) -> bool:
    action = candidate.route.action
    if "code_redirect" in expected and action.status != expected["code_redirect"]:
        return False
    cluster = expected.get("cluster_name")
    if cluster:
        return cluster in dict(action.clusters) or action.kind == "cluster_header"
    return cluster is None or action.kind in {"redirect", "direct_response", "cluster_header"}


@pytest.mark.parametrize(("golden", "case"), _cases())
def test_what_a_log_holds_names_the_route_or_what_it_depends_on(
    golden: Path, case: dict[str, Any]
) -> None:
    given, expected = case["input"], case["validate"]

    found = _matcher(golden).route(Request(given["authority"], given["path"], given["method"]))

    assert any(_is_as_expected(each, expected) for each in found.candidates)
    if _name(golden) not in _TABLES_WITH_CONDITIONS:
        assert found.verdict == "routed"
        assert len(found.candidates) == 1
    if expected.get("virtual_host_name"):
        assert found.virtual_host is not None
        assert found.virtual_host.name == expected["virtual_host_name"]


@pytest.mark.parametrize(("golden", "case"), _cases())
def test_all_headers_handed_over_leave_nothing_open_but_shares(
    golden: Path, case: dict[str, Any]
) -> None:
    given, expected = case["input"], case["validate"]
    headers = _headers(given)
    request = Request(
        given["authority"],
        given["path"],
        given["method"],
        headers=headers,
        absent=frozenset({"content-type"} - headers.keys()),
    )

    found = _matcher(golden).route(request)

    assert any(_is_as_expected(each, expected) for each in found.candidates)
    if _name(golden) != "Runtime":
        assert found.verdict == "routed"
        assert _is_as_expected(found.candidates[0], expected)


def test_a_header_that_no_log_holds_is_named() -> None:
    golden = _FOLDER / "ContentType.golden.proto.json"

    found = _matcher(golden).route(Request("www.lyft.com", "/", "GET"))

    assert found.verdict == "may"
    assert found.why == ("header content-type",)


def test_a_share_of_the_requests_is_named() -> None:
    golden = _FOLDER / "Runtime.golden.proto.json"

    found = _matcher(golden).route(Request("www.lyft.com", "/", "GET"))

    assert found.verdict == "may"
    assert found.why == ("runtime fraction 30 % (runtime.key)",)


def test_no_example_was_left_out() -> None:
    assert len(_cases()) >= 111
