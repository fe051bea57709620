from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.handmade import Record, served, text_of, unrouted
from typer.testing import CliRunner, Result

import envoylogs
from envoylogs.cli.app import app_of
from envoylogs.errors import ArgumentError, EnvoylogsError, TallyQuestionError, UnknownKeyError
from envoylogs.mesh.errors import MeshFileError, NotConfigurationError

_GATEWAY = """\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: istio-system}
spec:
  selector: {istio: ingressgateway}
  servers:
  - port: {number: 80, name: http, protocol: HTTP}
    hosts: ["*.example.com"]
---
"""
_SERVICE = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: shop
  namespace: shop
  managedFields:
  - {manager: argocd, operation: Update, time: "2026-11-01T11:00:00Z"}
spec:
  hosts: [shop.example.com]
  gateways: [istio-system/edge]
  http:
  - match:
    - uri: {prefix: /cart}
MATCH    route:
    - destination: {host: cart, port: {number: 80}}
"""
_PORT: Record = {"downstream_local_address": "10.8.0.6:80", "requested_server_name": None}


def _run(*arguments: str, command: str = "explain", code: int = 0) -> Result:
    found = CliRunner().invoke(app_of(), [command, *arguments])
    assert found.exit_code == code, found.exception
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    records = [
        served(0, path="/cart", **_PORT),
        *(unrouted(n, path="/wish", **_PORT) for n in range(1, 4)),
        unrouted(5, path="/", authority="new.example.com", **_PORT),
        unrouted(6, path="/.env", authority="scanner.net", **_PORT),
    ]
    (tmp_path / "gateway.log").write_bytes(text_of(records))
    (tmp_path / "mesh.yaml").write_text(_GATEWAY + _SERVICE.replace("MATCH", ""))
    return tmp_path


def _asked(folder: Path, *more: str, command: str = "explain", code: int = 0) -> Result:
    config = ("--config", str(folder / "mesh.yaml"))
    return _run(str(folder / "gateway.log"), *config, *more, command=command, code=code)


def _explanations(folder: Path, *more: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(_asked(folder, "-f", "json", *more).stdout)[
        "explanations"
    ]
    return found


# --- What is said -------------------------------------------------------------------------------


def test_each_host_has_its_cause_known_hosts_first(folder: Path) -> None:
    found = _explanations(folder)

    assert [(each["host"], each["cause"], each["requests"], each["known"]) for each in found] == [
        ("shop.example.com", "path_not_matched", 3, True),
        ("new.example.com", "host_not_in_virtualservice", 1, True),
        ("scanner.net", "no_gateway_for_host", 1, False),
    ]
    assert found[0]["paths"] == ["/wish"]
    assert (found[0]["first"], found[0]["last"]) == (
        "2026-11-01T12:00:01.000Z",
        "2026-11-01T12:00:03.000Z",
    )


def test_the_object_says_who_changed_it_last_and_when(folder: Path) -> None:
    (first, *_) = _explanations(folder)

    assert first["objects"] == [
        {
            "kind": "VirtualService",
            "namespace": "shop",
            "name": "shop",
            "changed_by": "argocd",
            "changed_at": "2026-11-01T11:00:00Z",
        }
    ]


def test_text_names_cause_object_and_change_and_folds_strangers(folder: Path) -> None:
    text = _asked(folder).stdout
    words = " ".join(text.split())

    assert "PROVED" in words
    assert "[path_not_matched]" in words
    assert "(last changed by argocd at 2026-11-01T11:00:00Z)" in words
    assert "            exact: /wish\n" in text
    assert "Noise: 1 request for 1 host that nobody configured (no_gateway_for_host): " in words


def test_markdown_has_the_change_as_a_block_to_copy(folder: Path) -> None:
    text = _asked(folder, "--format", "markdown").stdout

    assert "```yaml" in text
    assert "exact: /wish" in text


def test_without_a_configuration_the_candidates_come_with_what_decides(folder: Path) -> None:
    found = json.loads(_run(str(folder / "gateway.log"), "-f", "json").stdout)

    assert found["configuration"] is None
    first = found["explanations"][0]
    assert (first["host"], first["certainty"]) == ("shop.example.com", "log_only")
    assert [each["cause"] for each in first["candidates"]] == [
        "path_not_matched",
        "condition_not_met",
    ]
    assert all(each["command"].startswith(("istioctl", "kubectl")) for each in first["candidates"])


def test_a_path_that_was_routed_before_lost_its_route(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    log.write_bytes(text_of([served(0, path="/cart"), unrouted(60, path="/cart")]))

    (found,) = json.loads(_run(str(log), "-f", "json").stdout)["explanations"]

    assert "was routed until 2026-11-01T12:00:00Z" in found["says"]


def test_a_log_in_which_the_gateway_answered_nothing_says_so(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    log.write_bytes(text_of([served(0)]))

    assert "The gateway answered nothing by itself." in _run(str(log)).stdout


def test_a_denial_names_the_policy_and_its_rule(folder: Path) -> None:
    details = "rbac_access_denied_matched_policy[ns[istio-system]-policy[deny-all]-rule[2]]"
    record = served(
        0, response_code=403, response_code_details=details, upstream_cluster=None,
        upstream_host=None, path="/cart", **_PORT,
    )  # fmt: skip
    (folder / "gateway.log").write_bytes(text_of([record]))

    (found,) = _explanations(folder)

    assert (found["cause"], found["certainty"]) == ("refused_by_policy", "log_only")
    assert "AuthorizationPolicy istio-system/deny-all did it, by its rule 2." in found["says"]


def test_what_is_configured_so_comes_after_what_is_not(folder: Path) -> None:
    redirected = {"response_code": 301, "response_code_details": "direct_response"}
    answers = {"upstream_cluster": None, "upstream_host": None, "path": "/cart", **_PORT}
    many = [served(n, **redirected, **answers) for n in range(9)]
    (folder / "gateway.log").write_bytes(text_of([*many, unrouted(9, path="/wish", **_PORT)]))

    assert [each["outcome"] for each in _explanations(folder)] == ["no_route", "direct_response"]


def test_a_log_without_addresses_of_the_gateway_is_explained_too(folder: Path) -> None:
    record = unrouted(0, path="/wish", downstream_local_address=None)
    (folder / "gateway.log").write_bytes(text_of([record]))

    (found,) = _explanations(folder)

    assert found["port"] is None
    assert found["cause"] == "path_not_matched"


def test_a_change_for_one_path_of_several_says_so(folder: Path) -> None:
    (one, *_) = _explanations(folder)
    assert "likewise" not in one["change"]["says"]
    paths = [unrouted(n, path=path, **_PORT) for n, path in enumerate(("/wish", "/wish", "/list"))]
    (folder / "gateway.log").write_bytes(text_of([served(0, path="/cart", **_PORT), *paths]))

    (several,) = _explanations(folder)

    assert several["paths"] == ["/wish", "/list"]
    assert "exact: /wish" in several["change"]["yaml"]
    assert several["change"]["says"].endswith("; likewise for the other paths")


def test_a_path_of_which_only_the_start_is_counted_is_compared_so(folder: Path) -> None:
    long = unrouted(0, path=f"/wish/{'x' * 5000}", **_PORT)
    (folder / "gateway.log").write_bytes(text_of([served(0, path="/cart", **_PORT), long]))

    (found,) = _explanations(folder)

    assert (found["cause"], found["certainty"]) == ("path_not_matched", "likely")
    assert len(found["says"]) < 300
    assert all(len(step["field"] + step["says"]) < 300 for step in found["proof"])


def test_a_file_that_could_not_be_read_is_named_in_the_proof(folder: Path) -> None:
    (folder / "broken.yaml").write_text("a: [")
    found = _run(str(folder / "gateway.log"), "--config", str(folder), "-f", "json")

    document = json.loads(found.stdout)
    assert document["configuration"]["unread"] == [str(folder / "broken.yaml")]
    first = document["explanations"][0]
    assert first["certainty"] == "likely"
    assert first["proof"][-1]["value"] == str(folder / "broken.yaml")
    text = _run(str(folder / "gateway.log"), "--config", str(folder)).stdout
    assert "1 file that could not be read" in text


# --- What is compared ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("match", "asked", "cause"),
    [
        ("      method: {exact: POST}\n", {}, "condition_not_met"),
        ("      queryParams: {beta: {exact: 'on'}}\n", {"path": "/cart?beta=on"}, "routed_now"),
        ("      queryParams: {beta: {exact: 'on'}}\n", {"path": "/cart"}, "condition_not_met"),
        ("      headers: {user-agent: {prefix: curl}}\n", {"user_agent": "curl/8"}, "routed_now"),
        ("      headers: {user-agent: {prefix: curl}}\n", {"user_agent": "x"}, "condition_not_met"),
        ("      headers: {x-beta: {exact: 'on'}}\n", {}, "condition_not_met"),
    ],
)
def test_what_a_route_asks_for_is_compared_as_far_as_the_log_holds_it(
    tmp_path: Path, match: str, asked: Record, cause: str
) -> None:
    (tmp_path / "mesh.yaml").write_text(_GATEWAY + _SERVICE.replace("MATCH", match))
    record = unrouted(0, **{"path": "/cart", **_PORT, **asked})
    (tmp_path / "gateway.log").write_bytes(text_of([record]))

    (found,) = _explanations(tmp_path)

    assert found["cause"] == cause
    assert found["now"]["routed"] == ("may" if "x-beta" in match else cause == "routed_now")


def test_values_of_queries_are_in_no_output(tmp_path: Path) -> None:
    match = "      queryParams: {beta: {exact: 'on'}}\n"
    (tmp_path / "mesh.yaml").write_text(_GATEWAY + _SERVICE.replace("MATCH", match))
    record = unrouted(0, path="/cart?token=hunter2", **_PORT)
    (tmp_path / "gateway.log").write_bytes(text_of([record]))

    for more in ((), ("-f", "json"), ("-f", "markdown")):
        assert "hunter2" not in _asked(tmp_path, *more).stdout


# --- What is left out, and where else it is said ------------------------------------------------


def test_a_cause_is_suppressed_everywhere_or_for_hosts(folder: Path) -> None:
    hosts = [each["host"] for each in _explanations(folder, "--suppress", "path_not_matched")]
    assert hosts == ["new.example.com", "scanner.net"]

    some = ("--suppress", "path_not_matched:*.net", "--suppress", "no_gateway_for_host:*.net")
    assert [each["host"] for each in _explanations(folder, *some)] == [
        "shop.example.com",
        "new.example.com",
    ]


def test_an_unknown_code_to_suppress_is_refused_with_the_nearest(folder: Path) -> None:
    error = _asked(folder, "--suppress", "path_not_match", code=1).exception

    assert isinstance(error, UnknownKeyError)
    assert "path_not_matched" in str(error)


def test_a_summary_with_the_configuration_has_its_explanations(folder: Path) -> None:
    found = json.loads(_asked(folder, "-f", "json", command="summarize").stdout)

    assert found["configuration"]["objects"] == {"Gateway": 1, "VirtualService": 1}
    assert [each["cause"] for each in found["explanations"]][:2] == [
        "path_not_matched",
        "host_not_in_virtualservice",
    ]
    hosts = {each["subject"]: each for each in found["findings"]}
    assert hosts["new.example.com"]["code"] == "unrouted_host"
    assert "- new.example.com\n" in hosts["new.example.com"]["change"]


def test_a_summary_without_a_configuration_has_neither(folder: Path) -> None:
    found = json.loads(_run(str(folder / "gateway.log"), "-f", "json", command="summarize").stdout)

    assert not {"configuration", "explanations"} & found.keys()


def test_a_saved_tally_explains_if_it_was_made_with_the_configuration(folder: Path) -> None:
    tally = folder / "day.tally"
    _asked(folder, "--save-tally", str(tally), command="summarize")

    config = ("--config", str(folder / "mesh.yaml"))
    again = json.loads(_run(str(tally), *config, "-f", "json").stdout)["explanations"]

    assert [each["cause"] for each in again] == [each["cause"] for each in _explanations(folder)]


def test_a_saved_tally_without_paths_is_refused(folder: Path) -> None:
    tally = folder / "day.tally"
    _run(str(folder / "gateway.log"), "--save-tally", str(tally), command="summarize")

    error = _run(str(tally), "--config", str(folder / "mesh.yaml"), code=1).exception

    assert isinstance(error, TallyQuestionError)
    assert "--config FILE --save-tally" in str(error)


def test_the_library_explains_likewise(folder: Path) -> None:
    found = envoylogs.analyze(
        folder / "gateway.log",
        config=folder / "mesh.yaml",
        suppress="no_gateway_for_host:scanner.*",
    )

    assert [each.diagnosis.cause for each in found.explanations] == [
        "path_not_matched",
        "host_not_in_virtualservice",
    ]


def test_an_analysis_without_a_configuration_explains_nothing(folder: Path) -> None:
    assert envoylogs.analyze(folder / "gateway.log").explanations == ()


def test_a_configuration_that_is_no_path_is_refused(folder: Path) -> None:
    config: Any = 5

    with pytest.raises(ArgumentError):
        envoylogs.analyze(folder / "gateway.log", config=config)


# --- What can't be -------------------------------------------------------------------------------


def test_log_and_configuration_can_not_both_come_through_a_pipe() -> None:
    assert "only one of log and configuration" in _run("--config", "-", code=2).output


def test_the_configuration_may_come_through_a_pipe(folder: Path) -> None:
    text = (folder / "mesh.yaml").read_text()
    arguments = ["explain", str(folder / "gateway.log"), "--config", "-", "-f", "json"]

    found = CliRunner().invoke(app_of(), arguments, input=text)

    assert json.loads(found.stdout)["explanations"][0]["cause"] == "path_not_matched"


@pytest.mark.parametrize("command", ["explain", "summarize", "report"])
def test_tokens_are_not_looked_up_in_a_configuration(folder: Path, command: str) -> None:
    assert "--anonymize" in _asked(folder, "--anonymize", command=command, code=2).output


@pytest.mark.parametrize("output_format", ["csv", "ndjson", "prometheus"])
def test_other_formats_are_refused(folder: Path, output_format: str) -> None:
    assert "text, json, markdown" in _asked(folder, "-f", output_format, code=2).output


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("ADDRESS PORT TYPE\n0.0.0.0 80 HTTP\n", NotConfigurationError, "proxy-config listener"),
        ("spec: [unclosed\n", MeshFileError, "mesh.yaml:"),
        ("", EnvoylogsError, "mesh.yaml"),
    ],
)
def test_what_is_no_configuration_is_refused_with_what_to_give(
    folder: Path, text: str, kind: type[EnvoylogsError], words: str
) -> None:
    (folder / "mesh.yaml").write_text(text)

    error = _asked(folder, code=1).exception

    assert isinstance(error, kind)
    assert words in str(error)


@pytest.mark.parametrize(("command", "code"), [("explain", 1), ("summarize", 1), ("report", 2)])
def test_the_configuration_is_not_written_over(folder: Path, command: str, code: int) -> None:
    before = (folder / "mesh.yaml").read_text()

    _asked(folder, "-o", str(folder / "mesh.yaml"), command=command, code=code)

    assert (folder / "mesh.yaml").read_text() == before


def test_what_is_suppressed_is_not_said_to_be_nothing(folder: Path) -> None:
    codes = ("path_not_matched", "host_not_in_virtualservice", "no_gateway_for_host")
    text = _asked(folder, *(word for code in codes for word in ("--suppress", code))).stdout

    assert "All that the gateway answered by itself is suppressed." in text
    assert _asked(folder, "--suppress", "path_not_matched:", code=1).exception


def test_a_file_that_does_not_exist_is_an_error(folder: Path) -> None:
    error = _run(str(folder / "gateway.log"), "--config", "missing.yaml", code=1).exception

    assert isinstance(error, EnvoylogsError)
    assert "missing.yaml" in str(error)
