"""Puzzles of others and files of Istio's own analyzer: what must be said of them, and what never.

They do not lie in this repository; where they lie beside the checkout, the command is asked.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.applied_changes import with_change
from tests.program import run

_SHARED = Path(__file__).parents[3] / "shared"
_INCIDENTS = _SHARED / "judges" / "incidents"
_ANALYZED = _SHARED / "judges" / "istio_analyze"
_ARTICLE = _SHARED / "domain" / "article"

needs_incidents = pytest.mark.skipif(
    not _INCIDENTS.is_dir(), reason="the incidents do not lie beside this checkout"
)
needs_analyzed = pytest.mark.skipif(
    not _ANALYZED.is_dir(), reason="the files of Istio's analyzer do not lie beside this checkout"
)
needs_article = pytest.mark.skipif(
    not _ARTICLE.is_dir(), reason="the article's files do not lie beside this checkout"
)


def _asked(log: Path | str, *given: Path, pipe: bytes = b"") -> dict[str, Any]:
    options = [word for path in given for word in ("--config", path)]
    found = run("explain", log, *options, "--format", "json", pipe=pipe)
    assert found.returncode == 0, found.stderr.decode()
    document: dict[str, Any] = json.loads(found.stdout)
    return document


def _names(explanation: dict[str, Any]) -> list[str]:
    return [f"{each['kind']} {each['namespace']}/{each['name']}" for each in explanation["objects"]]


def _of(document: dict[str, Any], host: str, path: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = next(
        each for each in document["explanations"]
        if each["host"] == host and (path is None or path in each["paths"])
    )  # fmt: skip
    return found


# --- incidents ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Incident:
    """One of them.

    Attributes:
        name: Its folder.
        host: Whose explanation is meant.
        cause: Its code.
        first: The object to look at first.
        says: What the explanation names, in any of its parts.
        yaml: Lines of the change; empty for a change that is none of YAML.
        routed: Where the request goes after the change; null where no YAML is right.
        never: What must not be said of it.
    """

    name: str
    host: str
    cause: str
    first: str | None
    says: tuple[str, ...]
    yaml: tuple[str, ...] = ()
    routed: str | None = None
    never: tuple[str, ...] = ()


_CASES = (
    _Incident(
        "01-virtualservice-without-gateways", "artifacts.example.com", "virtualservice_not_bound",
        "VirtualService edge/artifacts", ("sidecars", "Gateway edge/secure"), ("- secure",),
        "outbound|8081||artifacts.edge.svc.cluster.local",
        ("No Gateway accepts", "does not list", "is missing"),
    ),
    _Incident(
        "03-gateway-in-another-namespace", "hello.example.com", "gateway_reference_wrong",
        "VirtualService demo/hello", ("demo/public", "Gateway istio-system/public"),
        ("- istio-system/public",), "outbound|80||hello.demo.svc.cluster.local",
        ("deleted", "does not exist"),
    ),
    _Incident(
        "04-path-not-listed", "lb-1.elb.example.com", "path_not_matched",
        "VirtualService bookinfo/bookinfo",
        ("/favicon.ico", "exact /productpage", "prefix /static", "prefix /api/v1/products"),
        ("- uri:", "exact: /favicon.ico"), "outbound|9080||productpage.bookinfo.svc.cluster.local",
    ),
    _Incident(
        "05-exact-host-hides-wildcard", "shop.example.com", "shadowed",
        "VirtualService bar/hostname",
        ("VirtualService foo/status", "never falls through", "*.example.com"),
        ('- "*.example.com"', "- shop.example.com"),
        "outbound|8000||hostname.bar.svc.cluster.local",
    ),
    _Incident(
        "06-http2-connection-reuse", "jane.app.example.com", "tls_name_reused",
        "Gateway istio-ingress/default",
        ("opened for app.example.com", "on a connection of its own", "certificate app-wildcard"),
        ("- app.example.com", "- jane.app.example.com", "credentialName: app-wildcard"),
        "outbound|80||app.jane.svc.cluster.local", ("No Gateway accepts", "is not routed"),
    ),
    _Incident(
        "07-serviceentry-without-resolution", "api.example.com", "no_endpoints",
        "ServiceEntry istio-system/partner", ("resolves no name",),
        ("location: MESH_EXTERNAL", "resolution: DNS"), None, ("no pod", "selector", "workload"),
    ),
    _Incident(
        "08-destination-port-not-in-service", "app.example.com", "service_missing",
        "VirtualService app/app", ("Service app/api", "no port 5000", "targetPort"),
        ("host: api", "number: 80"), "outbound|80||api.app.svc.cluster.local",
    ),
    _Incident(
        "09-gateway-api-apex-and-wildcard", "api.example.com", "tls_name_reused",
        "Gateway istio-system/edge", ("opened for example.com", "used again for api.example.com"),
        never=("not attached",),
    ),
)  # fmt: skip


@needs_incidents
@pytest.mark.parametrize("incident", _CASES, ids=lambda incident: incident.name)
def test_an_incident_is_explained_with_object_reason_and_change(
    incident: _Incident, tmp_path: Path
) -> None:
    folder = _INCIDENTS / incident.name
    document = _asked(folder / "log.jsonl", folder / "config.yaml")
    found = _of(document, incident.host)
    told = json.dumps(found, ensure_ascii=False)

    assert found["cause"] == incident.cause
    assert found["certainty"] == "proved"
    assert _names(found)[0] == incident.first
    assert [text for text in incident.says if text not in told] == []
    assert [text for text in incident.never if text in told] == []
    for line in incident.yaml:
        assert line in found["change"]["yaml"]
    if found["change"] is None:
        return
    changed = tmp_path / "config.yaml"
    changed.write_text(with_change((folder / "config.yaml").read_text(), found["change"]))
    after = _of(_asked(folder / "log.jsonl", changed), incident.host, found["paths"][0])
    assert after["cause"] in {"routed_now", "not_in_files"}
    assert after["now"]["routed"] is True
    if incident.routed is not None:
        assert after["now"]["cluster"] == incident.routed


@needs_incidents
@pytest.mark.parametrize("dumped", [False, True], ids=["objects alone", "with the dump"])
def test_a_node_port_in_the_host_is_the_cause_with_and_without_the_dump(*, dumped: bool) -> None:
    folder = _INCIDENTS / "02-host-with-node-port"
    given = [folder / "config.yaml", *([folder / "routes.json"] if dumped else [])]

    found = _of(_asked(folder / "log.jsonl", *given), "books.example.com")

    assert found["cause"] == "port_in_host"
    assert found["certainty"] == "proved"
    assert found["change"] is None
    assert "books.example.com:31380" in found["says"]
    assert "80 or 443" in found["says"]
    proof = json.dumps(found["proof"])
    assert "was routed" in proof
    assert ("the port is not ignored" in proof) is dumped
    # Without the table the release decides, of which the shape of the records tells something.
    assert found["now"]["routed"] == (False if dumped else "may")


# --- Istio's analyzer ---------------------------------------------------------------------------


def _analyzed(*verdicts: str, asked: bool) -> list[Any]:
    if not _ANALYZED.is_dir():
        return []
    cases = tomllib.loads((_ANALYZED / "expectations.toml").read_text())["case"]
    return [
        pytest.param(case, id=f"{case['file']}-{case['resource']}-{number}")
        for number, case in enumerate(cases)
        if case["verdict"] in verdicts and ("request" in case) == asked
    ]


def _record(request: dict[str, Any]) -> bytes:
    record = {
        "authority": request["host"], "method": "GET", "path": request["path"],
        "protocol": "HTTP/1.1", "response_code": 404, "response_flags": "NR",
        "response_code_details": "route_not_found", "connection_termination_details": None,
        "downstream_local_address": f"10.20.9.31:{request['port']}",
        "downstream_remote_address": "10.20.4.17:51022", "duration": 0, "bytes_sent": 0,
        "bytes_received": 0, "requested_server_name": request.get("tls"), "route_name": None,
        "start_time": "2026-05-11T09:14:02.101Z", "upstream_cluster": None, "upstream_host": None,
        "upstream_local_address": None, "upstream_service_time": None, "user_agent": "curl/8.5.0",
        "upstream_transport_failure_reason": None, "request_id": "-", "x_forwarded_for": None,
    }  # fmt: skip
    return json.dumps(record).encode() + b"\n"


_ANY = {"host": "nobody.example.org", "path": "/", "port": 80}


def _judged(case: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return what is said of the case's request, and the remarks on its object or resource."""
    pipe = _record(case.get("request", _ANY))
    document = _asked("-", _ANALYZED / case["file"], pipe=pipe)
    kind, _, name = case["resource"].partition(" ")
    path = name.split(" ")[0]
    resource = f"{kind} {path if '/' in path else f'default/{path}'}"
    remarks = [
        each for each in document["configuration"]["remarks"]
        if each["object"] in {case["object"], resource}
    ]  # fmt: skip
    return document["explanations"][0], remarks


def _codes(remarks: list[dict[str, Any]]) -> set[str]:
    return {each["code"] for each in remarks}


@needs_analyzed
@pytest.mark.parametrize("case", _analyzed("routes", asked=True))
def test_routes_means_that_it_is_routed_now(case: dict[str, Any]) -> None:
    found, remarks = _judged(case)

    assert found["cause"] == "routed_now"
    assert found["now"]["routed"] is True
    # Of two that take the same host it is said that only one of them is asked.
    assert case["object"] in _names(found) or "same_host_same_catch_all" in _codes(remarks)


@needs_analyzed
@pytest.mark.parametrize("case", _analyzed("no_route", asked=True))
def test_no_route_names_the_object_and_does_not_route(case: dict[str, Any]) -> None:
    found, _ = _judged(case)

    assert found["cause"] not in {"routed_now", "not_in_files", "condition_not_met"}
    assert found["now"]["routed"] is False
    assert case["object"] in _names(found)


@needs_analyzed
@pytest.mark.parametrize("case", _analyzed("may_match", asked=True))
def test_may_match_is_likely_and_names_what_no_log_holds(case: dict[str, Any]) -> None:
    found, remarks = _judged(case)

    assert (found["cause"], found["certainty"]) == ("condition_not_met", "likely")
    assert found["now"]["routed"] == "may"
    assert case["object"] in _names(found)
    assert "jwt_without_request_authentication" in _codes(remarks)


@needs_analyzed
@pytest.mark.parametrize("case", _analyzed("no_listener", asked=True))
def test_no_listener_is_not_proved_and_says_why_none_is_there(case: dict[str, Any]) -> None:
    found, remarks = _judged(case)

    assert found["cause"] in {"no_gateway_for_host", "port_not_served"}
    assert found["certainty"] == "likely"
    assert case["object"] in _names(found)
    assert _codes(remarks) & {"gateway_without_servers", "port_not_in_service"}


@needs_analyzed
@pytest.mark.parametrize("case", _analyzed("no_listener", asked=False))
def test_a_gateway_without_servers_is_remarked_on(case: dict[str, Any]) -> None:
    _, remarks = _judged(case)

    assert "gateway_without_servers" in _codes(remarks)


@needs_analyzed
@pytest.mark.parametrize("case", _analyzed("conflict", asked=True))
def test_conflict_names_both_and_leaves_open_which_is_older(case: dict[str, Any]) -> None:
    found, remarks = _judged(case)

    assert {"Gateway default/alpha", "Gateway default/beta"} <= set(_names(found))
    assert found["certainty"] != "proved"
    conflict = next(each for each in remarks if each["code"] == "port_conflict")
    assert conflict["certainty"] == "open"


@needs_analyzed
@pytest.mark.parametrize("case", _analyzed("cannot_tell", asked=True))
def test_cannot_tell_is_never_proved(case: dict[str, Any]) -> None:
    found, _ = _judged(case)

    assert found["certainty"] != "proved"
    assert "does not exist" not in found["says"]
    assert case["object"] in _names(found)


@needs_analyzed
@pytest.mark.parametrize("case", _analyzed("cannot_tell", asked=False))
def test_what_the_files_do_not_hold_is_not_remarked_on(case: dict[str, Any]) -> None:
    _, remarks = _judged(case)

    # That a Gateway has no servers is in its file.
    assert _codes(remarks) <= {"gateway_without_servers"}


@needs_analyzed
@pytest.mark.parametrize("case", _analyzed("cluster_missing", asked=False))
def test_a_missing_subset_is_remarked_on_with_the_rule_that_lacks_it(case: dict[str, Any]) -> None:
    _, remarks = _judged(case)

    lacking = next(each for each in remarks if each["code"] == "subset_unknown")
    assert case["object"] in lacking["says"]


@needs_analyzed
@pytest.mark.parametrize("case", _analyzed("not_the_gateway", asked=False))
def test_what_concerns_sidecars_alone_is_loaded_in_silence(case: dict[str, Any]) -> None:
    _, remarks = _judged(case)

    # That it lists no host is in its file.
    assert _codes(remarks) <= {"virtualservice_without_hosts"}


@needs_analyzed
@pytest.mark.parametrize("case", _analyzed("routes", asked=False))
def test_rules_that_are_never_asked_are_remarked_on(case: dict[str, Any]) -> None:
    _, remarks = _judged(case)

    assert _codes(remarks) <= {"rule_never_sent", "rule_never_asked", "match_never_asked"}


@needs_analyzed
def test_every_verdict_is_judged() -> None:
    judged = [
        *_analyzed("routes", "no_route", "may_match", "no_listener", "conflict", "cannot_tell",
                   asked=True),
        *_analyzed("no_listener", "cannot_tell", "cluster_missing", "not_the_gateway", "routes",
                   asked=False),
    ]  # fmt: skip
    cases = tomllib.loads((_ANALYZED / "expectations.toml").read_text())["case"]

    assert len(judged) == len(cases)


# --- the article --------------------------------------------------------------------------------


def _article(name: str, *given: str, host: str | None = None) -> dict[str, Any]:
    record = json.loads((_ARTICLE / name).read_text())
    if host is not None:
        record["authority"] = host
    pipe = json.dumps(record).encode() + b"\n"
    document = _asked("-", *(_ARTICLE / each for each in given), pipe=pipe)
    found: dict[str, Any] = document["explanations"][0]
    return found


@needs_article
def test_the_riddle_is_solved_from_the_log_and_the_two_files() -> None:
    found = _article("log-blackhole-404.json", "gateway.yaml", "virtualservice-without-host.yaml",
                     host="httpbin.local")  # fmt: skip

    assert (found["cause"], found["certainty"]) == ("host_not_in_virtualservice", "proved")
    assert _names(found) == [
        "VirtualService default/httpbin-virtual-service", "Gateway default/httpbin-gateway",
    ]  # fmt: skip
    assert all(
        name in found["says"]
        for name in ("httpbin.local", "default/httpbin-virtual-service", "default/httpbin-gateway")
    )
    assert found["change"]["yaml"] == "spec:\n  hosts:\n  - httpbin-service\n  - httpbin.local\n"


@needs_article
def test_with_the_host_it_is_routed_now_with_route_and_cluster() -> None:
    found = _article(
        "log-blackhole-404.json", "gateway.yaml", "virtualservice.yaml", host="httpbin.local"
    )

    assert found["cause"] == "routed_now"
    assert found["now"]["routed"] is True
    assert found["now"]["virtual_host"] == "httpbin.local:80"
    assert "prefix /" in found["now"]["route"]
    assert "outbound|80|v2|httpbin-service.default.svc.cluster.local" in found["now"]["cluster"]


@needs_article
def test_the_service_by_its_short_name_needs_more_than_the_gateway() -> None:
    found = _article("log-blackhole-404.json", "gateway.yaml", "virtualservice-without-host.yaml")

    assert (found["host"], found["cause"]) == ("httpbin-service", "no_gateway_for_host")
    assert "No Gateway accepts httpbin-service" in found["says"]
    assert "adding it to one alone would not route it" in found["says"]
    assert "httpbin-service.default.svc" in found["says"]


@needs_article
def test_the_dump_of_the_blackhole_names_it() -> None:
    found = _article("log-blackhole-404.json", "routes-blackhole.json")

    assert (found["cause"], found["certainty"]) == ("gateway_without_virtualservice", "proved")
    assert "blackhole:80" in found["says"]
    assert found["now"]["virtual_host"] == "blackhole:80"


@needs_article
def test_the_dump_with_the_host_names_its_virtual_host() -> None:
    found = _article("log-blackhole-404.json", "routes-httpbin.json", host="httpbin.local")

    assert found["cause"] == "routed_now"
    assert found["now"]["virtual_host"] == "httpbin.local:80"
    assert found["now"]["cluster"] == "outbound|80|v2|httpbin-service.default.svc.cluster.local"


@needs_article
def test_the_table_of_listeners_is_refused_with_what_to_give() -> None:
    log, table = _ARTICLE / "log-blackhole-404.json", _ARTICLE / "listeners.txt"
    found = run("explain", log, "--config", table)

    assert found.returncode == 1
    errors = found.stderr.decode()
    assert "listeners.txt" in errors
    assert "istioctl proxy-config" in errors
    assert "-o json" in errors
