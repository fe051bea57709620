"""The same requests in logs that hold them otherwise, or hold less of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.handmade import Record
from tests.program import run

_FOLDER = Path(__file__).parents[1] / "cases" / "explain"

_TEXT = (
    '[{start_time}] "{method} {path} {protocol}" {response_code} {response_flags} '
    "{response_code_details} {connection_termination_details} "
    '"{upstream_transport_failure_reason}" {bytes_received} {bytes_sent} {duration} '
    '{upstream_service_time} "{x_forwarded_for}" "{user_agent}" "{request_id}" "{authority}" '
    '"{upstream_host}" {upstream_cluster} {upstream_local_address} {downstream_local_address} '
    "{downstream_remote_address} {requested_server_name} {route_name}"
)
"""Istio's own TEXT format."""


def _records(case: str) -> list[Record]:
    lines = (_FOLDER / case / "log.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def _text_of(record: Record) -> str:
    return _TEXT.format(**{key: "-" if value is None else value for key, value in record.items()})


def _explained(case: str, lines: list[str]) -> dict[str, Any]:
    pipe = "".join(f"{line}\n" for line in lines).encode()
    found = run("explain", "-", "--config", _FOLDER / case / "config.yaml", "--format", "json",
                pipe=pipe)  # fmt: skip
    assert found.returncode == 0, found.stderr.decode()
    explanation: dict[str, Any] = json.loads(found.stdout)["explanations"][0]
    return explanation


def _without(case: str, *columns: str) -> list[str]:
    return [
        json.dumps({key: value for key, value in record.items() if key not in columns})
        for record in _records(case)
    ]


@pytest.mark.parametrize(
    "case",
    [
        "host_not_in_virtualservice/one_bound", "path_not_matched/exact",
        "condition_not_met/user_agent", "condition_not_met/query", "tls_name_reused/two_servers",
        "no_tls_server_for_name/another_host", "service_missing/port", "no_endpoints/resolution",
    ],
)  # fmt: skip
def test_lines_of_text_are_explained_as_objects_are(case: str) -> None:
    of_text = _explained(case, [_text_of(record) for record in _records(case)])

    assert of_text == _explained(case, [json.dumps(record) for record in _records(case)])


def test_without_a_port_the_only_one_there_is_is_taken() -> None:
    case = "host_not_in_virtualservice/one_bound"
    found = _explained(case, _without(case, "downstream_local_address"))

    assert (found["cause"], found["certainty"]) == ("host_not_in_virtualservice", "proved")
    assert found["port"] is None


def test_without_a_port_a_host_of_one_port_alone_may_have_been_asked_for_on_another() -> None:
    case = "port_not_served/https_only"
    found = _explained(case, _without(case, "downstream_local_address"))

    assert (found["cause"], found["certainty"]) == ("condition_not_met", "likely")
    assert found["now"]["routed"] == "may"
    assert "the port that was asked" in found["says"]


def test_without_server_names_a_reused_connection_is_not_told_from_one_of_its_own() -> None:
    case = "tls_name_reused/two_servers"
    found = _explained(case, _without(case, "requested_server_name"))

    assert (found["cause"], found["certainty"]) == ("condition_not_met", "likely")
    assert found["now"]["routed"] == "may"
    assert "the TLS server name" in found["says"]


@pytest.mark.parametrize(
    ("columns", "certainty"), [((), "proved"), (("requested_server_name",), "likely")]
)
def test_a_connection_without_a_name_is_proved_only_where_names_are_logged(
    columns: tuple[str, ...], certainty: str
) -> None:
    case = "no_tls_server_for_name/without_a_name"
    found = _explained(case, _without(case, *columns))

    assert (found["cause"], found["certainty"]) == ("no_tls_server_for_name", certainty)
