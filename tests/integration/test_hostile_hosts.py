"""Hosts and paths that strangers choose, and secrets in what was given: nothing breaks out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.handmade import Record, text_of, unrouted
from typer.testing import CliRunner

from envoylogs.cli.app import app_of
from envoylogs.mesh.diagnosis.changes import add_host, add_host_to_server, add_path
from envoylogs.mesh.objects import MeshObject, ObjectName

_PORT: Record = {"downstream_local_address": "10.8.0.6:8080"}
_MESH = """\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: istio-system}
spec:
  servers:
  - port: {number: 80, name: http, protocol: HTTP}
    hosts: ["*"]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: shop}
spec:
  hosts: [shop.example.com]
  gateways: [istio-system/edge]
  http:
  - match:
    - uri: {exact: /cart}
    route:
    - destination: {host: shop, port: {number: 80}}
"""
_HOSTS = (
    'a".example.com', "a'.example.com", "a\nspec: {}\n.example.com", "*", "*.example.com",
    "\x1b[31mred.example.com", "a: b", "- a", "{a}", "# a", "&a", "!a", "%a", "`a`", "| a |",
    "<script>alert(1)</script>", "a\u202eb.example.com", "null", "yes", "1e3", "0x1f", "~", "a\\n",
    "a" * 5_000 + ".example.com", "\u00e9.example.com", "a\u0085b", "a\ufeffb", "[link](http://x)",
)  # fmt: skip
_ESCAPES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x9b\u0085\u2028\u2029\u202e\ufeff]")


def _run(*arguments: str) -> str:
    found = CliRunner().invoke(app_of(), list(arguments))
    assert found.exit_code == 0, found.exception
    return found.stdout


def _asked(folder: Path, records: list[Record], output_format: str, mesh: str = _MESH) -> str:
    (folder / "gateway.log").write_bytes(text_of(records))
    (folder / "mesh.yaml").write_text(mesh)
    return _run("explain", str(folder / "gateway.log"), "--config", str(folder / "mesh.yaml"),
                "--format", output_format, "--color", "never")  # fmt: skip


def _explanations(folder: Path, records: list[Record]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(_asked(folder, records, "json"))["explanations"]
    return found


@pytest.mark.parametrize("host", _HOSTS, ids=lambda host: ascii(host[:20]))
def test_the_change_for_a_strangers_host_is_yaml_that_reads_back_as_it(
    tmp_path: Path, host: str
) -> None:
    (found,) = _explanations(tmp_path, [unrouted(authority=host, **_PORT)])

    change = found["change"]
    if change is not None:
        hosts = yaml.safe_load(change["yaml"])["spec"]["hosts"]
        assert hosts == ["shop.example.com", found["host"]]


@pytest.mark.parametrize("path", [f"/{host}" for host in _HOSTS], ids=lambda path: ascii(path[:20]))
def test_the_change_for_a_strangers_path_is_yaml_that_reads_back_as_it(
    tmp_path: Path, path: str
) -> None:
    (found,) = _explanations(tmp_path, [unrouted(path=path, **_PORT)])

    if found["change"] is not None:
        (rule,) = yaml.safe_load(found["change"]["yaml"])["spec"]["http"]
        assert rule["match"] == [{"uri": {"exact": found["paths"][0]}}]


@pytest.mark.parametrize("output_format", ["text", "markdown"])
@pytest.mark.parametrize("host", _HOSTS, ids=lambda host: ascii(host[:20]))
def test_no_control_character_of_a_host_or_path_gets_to_a_screen(
    tmp_path: Path, host: str, output_format: str
) -> None:
    records = [unrouted(authority=host, **_PORT), unrouted(path=f"/{host}", **_PORT)]

    printed = _asked(tmp_path, records, output_format)

    assert _ESCAPES.findall(printed) == []


@pytest.mark.parametrize("host", ["a\nspec: {}", "```\n# A heading", "<b>a</b>", "|a|b|"])
def test_a_host_makes_no_line_heading_tag_or_end_of_a_block_of_markdown(
    tmp_path: Path, host: str
) -> None:
    printed = _asked(tmp_path, [unrouted(authority=host, path=f"/{host}", **_PORT)], "markdown")

    # A fence is a line of its own.
    pieces = re.split(r"^ *```.*$", printed, flags=re.MULTILINE)
    outside = "".join(pieces[::2])
    assert len(pieces) % 2 == 1
    assert "\n# A heading" not in outside
    assert "<b>" not in outside
    assert "\nspec: {}" not in outside


def test_secrets_in_the_configuration_are_in_no_output(tmp_path: Path) -> None:
    planted = "cGxhbnRlZC1zZWNyZXQ="
    secret = (
        "---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: cert\n  namespace: istio-system\n"
        f"  annotations: {{kubectl.kubernetes.io/last-applied-configuration: '{planted}'}}\n"
        f"data: {{tls.key: {planted}}}\nstringData: {{password: {planted}}}\n"
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: shop}\n"
        f"data: {{token: {planted}}}\n"
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d, namespace: shop}\n"
        "spec:\n  template:\n    metadata: {labels: {app: d}}\n    spec:\n      containers:\n"
        f"      - {{name: d, image: d, env: [{{name: TOKEN, value: {planted}}}]}}\n"
    )
    records = [unrouted(authority="new.example.com", **_PORT), unrouted(path="/x", **_PORT)]

    for output_format in ("json", "text", "markdown"):
        assert planted not in _asked(tmp_path, records, output_format, _MESH + secret)
    log, mesh = str(tmp_path / "gateway.log"), str(tmp_path / "mesh.yaml")
    for output_format in ("json", "text", "markdown"):
        assert planted not in _run("summarize", log, "--config", mesh, "-f", output_format)
    page = tmp_path / "page.html"
    _run("report", log, "--config", mesh, "--output", str(page))
    assert "new.example.com" in page.read_text()
    assert planted not in page.read_text()


@pytest.mark.parametrize("name", ["a\nspec: {}", 'a"', "\x1b[31mred", "a\u2028b", "\U0001f600"])
def test_the_change_in_a_finding_is_yaml_that_reads_back_as_the_host(
    tmp_path: Path, name: str
) -> None:
    host = f"{name}.example.com"
    records = [unrouted(n, authority=host, **_PORT) for n in range(50)]
    (tmp_path / "gateway.log").write_bytes(text_of(records))
    (tmp_path / "mesh.yaml").write_text(_MESH.replace('["*"]', '["*.example.com"]'))

    printed = _run("summarize", str(tmp_path / "gateway.log"), "--format", "json",
                   "--config", str(tmp_path / "mesh.yaml"))  # fmt: skip

    (found,) = [
        each for each in json.loads(printed)["findings"] if each["code"] == "unrouted_host"
    ]  # fmt: skip
    change = yaml.safe_load(found["change"])
    assert change == {"spec": {"hosts": ["shop.example.com", found["subject"]]}}


# --- Laws ----------------------------------------------------------------------------------------

_TARGET = MeshObject(ObjectName("VirtualService", "shop", "shop"), {"hosts": ["shop.example.com"]})
_SERVED = MeshObject(
    ObjectName("Gateway", "istio-system", "edge"),
    {"servers": [{"port": {"number": 80, "name": "h", "protocol": "HTTP"}, "hosts": ["a.b"]}]},
)


@pytest.mark.property
@given(st.text(min_size=1))
def test_any_text_in_a_change_reads_back_as_itself(text: str) -> None:
    listed = yaml.safe_load(add_host(_TARGET, text).yaml)["spec"]["hosts"]
    assert listed[-1] == text
    (server,) = yaml.safe_load(add_host_to_server(_SERVED, 0, text).yaml)["spec"]["servers"]
    assert server["hosts"][-1] == text
    change = add_path(_TARGET.name, text, None)
    assert change is not None
    (rule,) = yaml.safe_load(change.yaml)["spec"]["http"]
    assert rule["match"] == [{"uri": {"exact": text}}]
