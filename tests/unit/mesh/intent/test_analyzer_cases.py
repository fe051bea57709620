"""Files of Istio's own analyzer, with what a gateway does with requests for them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from tests.intents import intent_of_file, notes, way

from envoylogs.mesh.intent import Intent, Server
from envoylogs.mesh.routes.through import Way

_FOLDER = Path(__file__).parents[5] / "shared" / "judges" / "istio_analyze"
_EXPECTED = _FOLDER / "expectations.toml"

pytestmark = pytest.mark.skipif(
    not _EXPECTED.is_file(), reason="the files of Istio's analyzer do not lie beside this checkout"
)


def _cases(verdict: str, *, asked: bool = True) -> list[Any]:
    if not _EXPECTED.is_file():
        return []
    cases = tomllib.loads(_EXPECTED.read_text())["case"]
    return [
        pytest.param(case, id=f"{case['file']}-{case['resource']}-{number}")
        for number, case in enumerate(cases)
        if case["verdict"] == verdict and ("request" in case) == asked
    ]


def _intent(case: dict[str, Any]) -> Intent:
    port = case.get("request", {}).get("port", 80)
    return intent_of_file(_FOLDER / case["file"], ports=frozenset({port}))


def _way(case: dict[str, Any], intent: Intent) -> Way:
    request = case["request"]
    host, path, port = request["host"], request["path"], request["port"]
    return way(intent, host, path, port=port, server_name=request.get("tls"))


def _servers(case: dict[str, Any], intent: Intent) -> list[Server]:
    return [each for each in intent.servers if str(each.gateway) == case["object"]]


@pytest.mark.parametrize("case", _cases("routes"))
def test_what_is_routed_has_a_route_of_the_object(case: dict[str, Any]) -> None:
    routing = _way(case, _intent(case)).routing
    assert routing is not None
    assert routing.verdict == "routed"
    assert routing.virtual_host is not None
    assert case["object"] in {str(route.origin) for route in routing.virtual_host.routes}


@pytest.mark.parametrize("case", _cases("no_route"))
def test_what_nothing_routes_is_not_in_the_table_of_its_connection(case: dict[str, Any]) -> None:
    found = _way(case, _intent(case))
    assert not found.not_in_files
    assert found.routing is not None
    assert found.routing.verdict == "unrouted"


@pytest.mark.parametrize("case", _cases("may_match"))
def test_a_claim_is_a_condition_that_no_log_holds(case: dict[str, Any]) -> None:
    intent = _intent(case)
    routing = _way(case, intent).routing
    assert routing is not None
    assert routing.verdict == "may"
    (note,) = notes(intent, "jwt_without_request_authentication")
    assert (str(note.object), note.value, note.certainty) == (case["object"], "foo", "open")


@pytest.mark.parametrize("case", _cases("no_listener") + _cases("no_listener", asked=False))
def test_a_gateway_that_no_client_reaches_is_noted(case: dict[str, Any]) -> None:
    intent = _intent(case)
    said = notes(intent, "gateway_without_servers") + notes(intent, "port_not_in_service")
    assert case["object"] in {str(note.object) for note in said}
    if "request" in case:
        assert _way(case, intent).listener is None


@pytest.mark.parametrize("case", _cases("conflict"))
def test_a_conflict_stays_open_without_times(case: dict[str, Any]) -> None:
    intent = _intent(case)
    open_ones = [each for each in _servers(case, intent) if each.reason == "protocol_conflict"]
    assert [(each.in_force, each.port) for each in open_ones] == [(None, case["request"]["port"])]
    assert _way(case, intent).table is not None


@pytest.mark.parametrize("case", _cases("cannot_tell"))
def test_what_the_files_do_not_hold_is_not_called_missing(case: dict[str, Any]) -> None:
    intent = _intent(case)
    bound = {str(each.route): each.status for each in intent.bindings}
    if case["object"] in bound:
        assert bound[case["object"]] in {"gateway_not_in_files", "generated_gateway"}
    else:
        assert {each.in_force for each in _servers(case, intent)} == {None}
    assert all(note.certainty == "open" for note in notes(intent, "port_not_in_service"))


@pytest.mark.parametrize("case", _cases("not_the_gateway", asked=False) + _cases("not_the_gateway"))
def test_what_concerns_sidecars_only_makes_no_route_of_a_gateway(case: dict[str, Any]) -> None:
    intent = _intent(case)
    origins = {
        str(route.origin)
        for table in intent.tables
        for virtual_host in table.virtual_hosts
        for route in virtual_host.routes
    }
    assert case["object"] not in origins
    of_object = [each for each in intent.bindings if str(each.route) == case["object"]]
    unbound = {"mesh_only", "no_hosts", "gateway_not_in_files"}
    assert {each.status for each in of_object} <= unbound


@pytest.mark.parametrize("case", _cases("routes", asked=False))
def test_of_rules_with_one_match_the_first_is_asked(case: dict[str, Any]) -> None:
    intent = _intent(case)
    said = notes(intent, "rule_never_sent") + notes(intent, "match_never_asked")
    assert case["object"] in {str(note.object) for note in said}


def test_the_same_certificate_is_noted_where_one_selector_is_within_the_other() -> None:
    intent = intent_of_file(_FOLDER / "gateway-duplicate-certificate.yaml")
    cases = tomllib.loads(_EXPECTED.read_text())["case"]
    of_file = [case for case in cases if case["file"] == "gateway-duplicate-certificate.yaml"]
    noted = {str(note.object) for note in notes(intent, "shared_credential")}
    assert {case["resource"] for case in of_file if case["codes"]} == noted
