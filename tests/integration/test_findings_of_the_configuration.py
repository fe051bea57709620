"""Findings that a configuration proves or makes, each beside its nearest harmless case."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.handmade import Record, failed, served, text_of, unrouted
from typer.testing import CliRunner

from envoylogs.cli.app import app_of

_PORT: Record = {"downstream_local_address": "10.8.0.6:8080"}
_CLUSTER = "outbound|80|v2|shop.shop.svc.cluster.local"

_GATEWAY = """\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: istio-system}
spec:
  selector: {istio: ingressgateway}
  servers:
  - port: {number: 80, name: http, protocol: HTTP}
    hosts: ["*.example.com"]
"""
_SERVICE = """\
---
apiVersion: v1
kind: Service
metadata: {name: shop, namespace: shop}
spec:
  ports: [{number: 1, port: 80}]
"""
_RULE = """\
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: shop
  namespace: shop
  managedFields: [{manager: helm, operation: Update, time: "CHANGED"}]
spec:
  host: shop
  subsets: [{name: v1, labels: {version: v1}}]
"""
_POLICY = """\
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: office-only
  namespace: istio-system
  managedFields: [{manager: kubectl, operation: Update, time: "CHANGED"}]
spec:
  action: DENY
"""


def _routes(
    host: str = "shop.example.com", changed: str = "2026-11-01T09:00:00Z", subset: str = ""
) -> str:
    named = f", subset: {subset}" if subset else ""
    return f"""\
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: shop
  namespace: shop
  managedFields: [{{manager: argocd, operation: Update, time: "{changed}"}}]
spec:
  hosts: ["{host}"]
  gateways: [istio-system/edge]
  http:
  - route:
    - destination: {{host: shop{named}, port: {{number: 80}}}}
"""


def _summary(folder: Path, records: list[Record], config: str, *more: str) -> dict[str, Any]:
    (folder / "gateway.log").write_bytes(text_of(records))
    (folder / "mesh.yaml").write_text(config)
    found = CliRunner().invoke(
        app_of(),
        ["summarize", str(folder / "gateway.log"), "--config", str(folder / "mesh.yaml"),
         "--format", "json", *more],
    )  # fmt: skip
    assert found.exit_code == 0, found.exception
    document: dict[str, Any] = json.loads(found.stdout)
    return document


def _findings(folder: Path, records: list[Record], config: str, *more: str) -> dict[str, Any]:
    """Return the findings by their code, the first of each."""
    found: dict[str, Any] = {}
    for each in _summary(folder, records, config, *more)["findings"]:
        found.setdefault(each["code"], each)
    return found


def _lost() -> list[Record]:
    """Return an hour in which a host was routed for half of it."""
    before = [served(60 * n, **_PORT) for n in range(30)]
    return [*before, *(unrouted(60 * n, **_PORT) for n in range(30, 60))]


def _never(host: str = "books.example.com") -> list[Record]:
    """Return an hour in which another host was never routed."""
    others = [served(60 * n, **_PORT) for n in range(60)]
    return [*others, *(unrouted(60 * n + 1, authority=host, **_PORT) for n in range(60))]


# --- Hosts --------------------------------------------------------------------------------------


def test_a_configured_host_that_never_had_a_route_is_a_finding(tmp_path: Path) -> None:
    config = _GATEWAY + _routes() + _routes("books.example.com").replace(
        "name: shop\n", "name: books\n", 1
    ).replace("gateways: [istio-system/edge]", "gateways: [mesh]")  # fmt: skip
    found = _findings(tmp_path, _never(), config)["unrouted_host"]

    assert found["subject"] == "books.example.com"
    assert "(proved): VirtualService shop/books lists books.example.com" in found["proof"]
    assert found["change"].startswith("# VirtualService shop/books: ")
    assert "- istio-system/edge" in found["change"]


def test_a_strangers_host_is_no_finding_of_the_configuration(tmp_path: Path) -> None:
    found = _findings(tmp_path, _never("scanner.example.net"), _GATEWAY + _routes())

    assert "unrouted_host" not in found


def test_hosts_that_the_configuration_lists_are_no_noise(tmp_path: Path) -> None:
    config = _GATEWAY + _routes("books.example.com").replace("istio-system/edge", "mesh")
    known = _summary(tmp_path, _never(), config)["explanations"][0]
    stranger = _summary(tmp_path, _never("scanner.example.net"), config)["explanations"][0]

    assert (known["host"], known["known"]) == ("books.example.com", True)
    assert (stranger["host"], stranger["known"]) == ("scanner.example.net", False)


def test_a_lost_host_has_the_proof_and_the_change_of_the_configuration(tmp_path: Path) -> None:
    found = _findings(tmp_path, _lost(), _GATEWAY + _routes("shops.example.com"))["lost_host"]

    assert "VirtualService shop/shop, which is bound to it, does not list it" in found["proof"]
    assert "- shop.example.com" in found["change"]


def test_what_was_changed_just_before_a_host_was_lost_is_named(tmp_path: Path) -> None:
    changed = "2026-11-01T12:28:00Z"
    found = _findings(tmp_path, _lost(), _GATEWAY + _routes("*.example.com", changed))

    assert (
        "VirtualService shop/shop was changed by argocd at 2026-11-01T12:28:00Z"
        in (found["lost_host"]["proof"])
    )


def test_what_was_changed_long_before_is_not_named(tmp_path: Path) -> None:
    found = _findings(tmp_path, _lost(), _GATEWAY + _routes("*.example.com"))

    assert "was changed" not in found["lost_host"]["proof"].partition("By the configuration")[0]


def test_a_change_of_another_host_is_not_named(tmp_path: Path) -> None:
    config = _GATEWAY + _routes() + _routes("books.example.com", "2026-11-01T12:28:00Z").replace(
        "name: shop\n", "name: books\n", 1
    )  # fmt: skip
    found = _findings(tmp_path, _lost(), config)["lost_host"]

    assert "shop/books" not in found["proof"]


# --- A gateway that did not take it, and hosts that nobody asks for -----------------------------


def test_a_gateway_that_does_not_take_what_routes_a_host_is_a_finding(tmp_path: Path) -> None:
    found = _findings(tmp_path, _lost(), _GATEWAY + _routes(changed="2026-11-01T12:10:00Z"))

    stale = found["stale_gateway"]
    assert stale["subject"] == "shop.example.com"
    assert (
        "VirtualService shop/shop was changed by argocd at 2026-11-01T12:10:00Z" in (stale["proof"])
    )


def test_a_configuration_that_is_younger_than_the_log_is_none_that_was_not_taken(
    tmp_path: Path,
) -> None:
    found = _findings(tmp_path, _lost(), _GATEWAY + _routes(changed="2026-11-01T13:10:00Z"))

    assert "stale_gateway" not in found


def test_a_configured_host_that_nobody_asked_for_is_told(tmp_path: Path) -> None:
    config = _GATEWAY + _routes("books.example.com")
    found = _findings(tmp_path, [served(60 * n, **_PORT) for n in range(60)], config)

    assert found["silent_host"]["subject"] == "books.example.com"
    assert found["silent_host"]["severity"] == "info"


def test_a_host_that_was_asked_for_is_not_silent(tmp_path: Path) -> None:
    found = _findings(tmp_path, [served(60 * n, **_PORT) for n in range(60)], _GATEWAY + _routes())

    assert "silent_host" not in found


def test_of_a_part_of_the_log_no_host_is_called_silent(tmp_path: Path) -> None:
    config = _GATEWAY + _routes("books.example.com")
    records = [served(60 * n, **_PORT) for n in range(60)]

    assert "silent_host" not in _findings(tmp_path, records, config, "--path", "/")


# --- Denials, clusters ---------------------------------------------------------------------------


def _denied() -> list[Record]:
    details = "rbac_access_denied_matched_policy[ns[istio-system]-policy[office-only]-rule[0]]"
    before = [served(30 * n, **_PORT) for n in range(60)]
    after = [failed(30 * n, 403, "-", details, **_PORT) for n in range(60, 120)]
    return [*before, *after]


def test_denials_since_a_policy_was_changed_name_the_policy(tmp_path: Path) -> None:
    config = _GATEWAY + _routes() + _POLICY.replace("CHANGED", "2026-11-01T12:29:00Z")
    found = _findings(tmp_path, _denied(), config)["denied_jump"]

    assert "AuthorizationPolicy istio-system/office-only was changed by kubectl" in found["proof"]


def test_denials_without_a_change_before_them_stay_what_they_are(tmp_path: Path) -> None:
    config = _GATEWAY + _routes() + _POLICY.replace("CHANGED", "2026-11-01T10:00:00Z")
    found = _findings(tmp_path, _denied(), config)

    assert "denied_jump" not in found
    assert "was changed" not in found["refused_jump"]["proof"]


_POD = """\
---
apiVersion: v1
kind: Pod
metadata: {name: shop-1, namespace: shop, labels: {app: shop, version: v2}}
spec: {}
"""


@pytest.mark.parametrize("code", ["no_cluster", "no_endpoints"])
def test_a_missing_or_empty_cluster_is_proved_and_what_was_changed_before_is_named(
    tmp_path: Path, code: str
) -> None:
    answer = {
        "no_cluster": ("NC", "cluster_not_found"), "no_endpoints": ("UH", "no_healthy_upstream"),
    }  # fmt: skip
    more = {"upstream_cluster": _CLUSTER, **_PORT}
    before = [served(30 * n, **more) for n in range(60)]
    after = [failed(30 * n, 503, *answer[code], **more) for n in range(60, 120)]
    rule = _RULE.replace("CHANGED", "2026-11-01T12:29:00Z")
    if code == "no_endpoints":
        rule = rule.replace("name: v1", "name: v2") + _POD
    service = _SERVICE.replace("spec:\n", "spec:\n  selector: {app: shop}\n")

    found = _findings(
        tmp_path, [*before, *after], _GATEWAY + _routes(subset="v2") + service + rule
    )[code]  # fmt: skip

    assert "Subset v2" in found["proof"]
    assert "DestinationRule shop/shop was changed by helm" in found["proof"]


def test_a_cluster_that_the_files_do_not_decide_has_no_proof_of_theirs(tmp_path: Path) -> None:
    records = [
        failed(30 * n, 503, "NC", "cluster_not_found", upstream_cluster=_CLUSTER, **_PORT)
        for n in range(60)
    ]
    found = _findings(tmp_path, records, _GATEWAY + _routes(subset="v2"))["no_cluster"]

    assert "By the configuration" not in (found["proof"] or "")


# --- Suppressed ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "is_left"),
    [
        ("lost_host", False),
        ("lost_host:shop.example.com", False),
        ("lost_host:*.example.com", False),
        ("lost_host:*.example.net", True),
        ("stale_gateway", True),
    ],
)
def test_a_finding_is_suppressed_everywhere_or_for_a_host(
    tmp_path: Path, rule: str, *, is_left: bool
) -> None:
    config = _GATEWAY + _routes("shops.example.com")

    assert ("lost_host" in _findings(tmp_path, _lost(), config, "--suppress", rule)) is is_left
