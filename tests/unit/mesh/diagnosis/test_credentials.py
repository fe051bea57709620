"""Certificates that TLS servers name and no Secret holds, each beside its nearest harmless case."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from envoylogs.mesh.documents import read_configuration
from envoylogs.mesh.intent import GatewayFacts
from envoylogs.mesh.mesh import Mesh

_TLS = {"mode": "SIMPLE", "credentialName": "shop-cert"}


def _gateway(tls: Any) -> dict[str, Any]:
    server = {
        "port": {"number": 443, "name": "https", "protocol": "HTTPS"},
        "hosts": ["shop.example.com"],
        "tls": tls,
    }
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "public", "namespace": "istio-system"},
        "spec": {"servers": [server]},
    }


def _kube_gateway(namespace: str) -> dict[str, Any]:
    listener = {
        "name": "https",
        "port": 443,
        "protocol": "HTTPS",
        "tls": {"certificateRefs": [{"name": "shop-cert", "namespace": namespace}]},
    }
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "edge", "namespace": "edge"},
        "spec": {"gatewayClassName": "istio", "listeners": [listener]},
    }


def _secret(name: str, namespace: str = "istio-system") -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}


def _missing(
    folder: Path, *documents: dict[str, Any], namespace: str | None = None
) -> list[tuple[str, str]]:
    path = folder / "mesh.json"
    path.write_text(json.dumps({"kind": "List", "apiVersion": "v1", "items": documents}), "utf-8")
    notes = Mesh(read_configuration([str(path)])).remarks(GatewayFacts(namespace=namespace))
    return [(note.field, note.value) for note in notes if note.code == "credential_missing"]


def test_a_certificate_that_no_secret_given_holds_is_named(tmp_path: Path) -> None:
    found = _missing(tmp_path, _gateway(_TLS), _secret("pay-cert"))

    assert found == [("servers[0].tls.credentialName", "istio-system/shop-cert")]


def test_a_certificate_that_a_secret_holds_is_not_missing(tmp_path: Path) -> None:
    assert _missing(tmp_path, _gateway(_TLS), _secret("shop-cert")) == []


def test_without_any_secret_none_is_missing(tmp_path: Path) -> None:
    assert _missing(tmp_path, _gateway(_TLS)) == []


def test_a_secret_in_another_namespace_than_the_gateways_pods_does_not_count(
    tmp_path: Path,
) -> None:
    documents = (_gateway(_TLS), _secret("shop-cert", "shop"), _secret("pay-cert"))

    assert _missing(tmp_path, *documents, namespace="istio-system") != []
    assert _missing(tmp_path, *documents) == []


def test_of_a_namespace_of_which_no_secret_was_given_none_is_missing(tmp_path: Path) -> None:
    found = _missing(
        tmp_path, _gateway(_TLS), _secret("pay-cert", "shop"), namespace="istio-system"
    )

    assert found == []


def test_a_listener_of_the_gateway_api_names_the_namespace_of_its_secret(tmp_path: Path) -> None:
    secrets = (_secret("shop-cert", "certs"), _secret("pay-cert", "edge"))

    assert _missing(tmp_path, _kube_gateway("certs"), *secrets) == []
    assert _missing(tmp_path, _kube_gateway("edge"), *secrets) == [
        ("listeners[0].tls.certificateRefs", "edge/shop-cert")
    ]


@pytest.mark.parametrize("tls", [{"mode": "PASSTHROUGH"}, _TLS | {"credentialName": "builtin://"}])
def test_a_server_that_names_no_secret_lacks_none(tmp_path: Path, tls: Any) -> None:
    assert _missing(tmp_path, _gateway(tls), _secret("pay-cert")) == []
