"""Nothing that is secret leaves the files."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import pytest

from envoylogs.errors import EnvoylogsError
from envoylogs.mesh.documents import read_configuration

_PLANTED = "tr0ub4dor"
_ENCODED = base64.b64encode(_PLANTED.encode()).decode()

_SECRET: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Secret",
    "type": "kubernetes.io/tls",
    "metadata": {
        "name": "cert",
        "namespace": "istio-system",
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": _PLANTED},
    },
    "data": {"tls.key": _ENCODED},
    "stringData": {"tls.crt": _PLANTED},
}
_CHAIN: dict[str, Any] = {
    "transport_socket": {
        "name": "tls",
        "typed_config": {"private_key": {"inline_string": _PLANTED}},
    }
}
_DUMP: dict[str, Any] = {
    "configs": [
        {
            "@type": "type.googleapis.com/envoy.admin.v3.SecretsConfigDump",
            "dynamic_active_secrets": [
                {
                    "name": "kubernetes://shop-cert",
                    "secret": {
                        "tls_certificate": {"private_key": {"inline_bytes": _ENCODED}},
                        "name": _PLANTED,
                    },
                },
                {"name": "default", "secret": {}},
            ],
            "dynamic_warming_secrets": [{"name": "kubernetes://not-there"}],
        },
        {
            "dynamic_active_clusters": [
                {
                    "cluster": {
                        "name": "c",
                        "transport_socket": {"inline_string": _PLANTED},
                        "type": "EDS",
                    }
                }
            ]
        },
        {
            "dynamic_listeners": [
                {"active_state": {"listener": {"name": "l", "filter_chains": [_CHAIN]}}}
            ]
        },
    ]
}
_POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "annotations": {"token": _PLANTED}},
    "spec": {"containers": [{"name": "c", "env": [{"name": "A", "value": _PLANTED}]}]},
}
_AUTHENTICATION: dict[str, Any] = {
    "apiVersion": "security.istio.io/v1",
    "kind": "RequestAuthentication",
    "metadata": {"name": "jwt"},
    "spec": {"jwtRules": [{"issuer": "me", "jwks": _PLANTED}]},
}


@pytest.mark.parametrize("given", [_SECRET, _DUMP, _POD, _AUTHENTICATION])
@pytest.mark.parametrize("comment", ["", "# as YAML\n"])
def test_no_secret_value_is_kept(given: dict[str, Any], comment: str) -> None:
    found = read_configuration(["-"], io.BytesIO((comment + json.dumps(given)).encode()))

    assert found.documents == 1
    assert _PLANTED not in repr(found)
    assert _ENCODED not in repr(found)


def test_names_of_secrets_are_kept() -> None:
    text = json.dumps([_SECRET, *_DUMP["configs"]])

    found = read_configuration(["-"], io.BytesIO(text.encode()))

    assert found.credentials == ("istio-system/cert", "shop-cert")
    assert found.objects[0].spec == {"type": "kubernetes.io/tls"}


def test_names_of_secrets_are_null_where_nothing_says_them() -> None:
    found = read_configuration(["-"], io.BytesIO(json.dumps(_POD).encode()))

    assert found.credentials is None


@pytest.mark.parametrize("position", range(0, 500, 7))
@pytest.mark.parametrize("comment", ["", "# as YAML\n"])
def test_no_error_repeats_the_text(position: int, comment: str) -> None:
    # Wherever it is broken, at the secret too.
    text = comment + json.dumps(_SECRET, indent=1)
    broken = f"{text[:position]}{{{_PLANTED}\1{text[position:]}"

    try:
        said = repr(read_configuration(["-"], io.BytesIO(broken.encode())))
    except EnvoylogsError as error:
        said = str(error)

    assert _PLANTED not in said
    assert _ENCODED not in said


@pytest.mark.parametrize(
    "spec",
    [
        {"hosts": {"a": _PLANTED}},
        {"hosts": ["a"], "http": _PLANTED},
        {"hosts": ["a"], "http": [{"route": [{"weight": _PLANTED}]}]},
    ],
)
def test_no_warning_repeats_a_value(spec: dict[str, Any]) -> None:
    given = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "a"},
        "spec": spec,
    }
    found = read_configuration(["-"], io.BytesIO(json.dumps(given).encode()))

    assert found.warnings
    assert _PLANTED not in "".join(found.warnings)
