"""Whatever is given comes to a configuration, or to an error that says what is wrong."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoylogs.errors import EnvoylogsError
from envoylogs.mesh.configuration import Configuration
from envoylogs.mesh.documents import read_configuration
from envoylogs.mesh.documents.kinds import KINDS

_NAMES = """
    kind apiVersion metadata name namespace labels managedFields spec hosts http match route uri
    prefix headers destination items configs @type virtual_hosts virtualHosts domains routes
    dynamic_route_configs route_config dynamic_listeners active_state listener filter_chains
    filterChainMatch filters typed_config rds static_clusters cluster type redirect direct_response
    weighted_clusters clusters weight safe_regex regex string_match runtime_fraction default_value
    numerator denominator dynamic_metadata path key metadata filter_metadata istio config servers
    port selector template listeners parentRefs rules backendRefs ports data require_tls matcher
    prefix_ranges range_match start end typed_per_filter_config envoy.fault abort percentage
    dynamic_active_secrets containers replicas env jwtRules jwks
    secret address socket_address port_value response_code
"""
_KEYS = st.sampled_from(_NAMES.split())
_KINDS = st.sampled_from(sorted({kind for _, kind in KINDS}))
_VERSIONS = st.sampled_from(
    ["v1", "apps/v1", "networking.istio.io/v1", "gateway.networking.k8s.io/v1", "x/y/z", ""]
)
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | _KINDS
    | _VERSIONS
    | st.just("/apis/a/b/namespaces/c/virtual-service/d")
)
_DOCUMENTS = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=5),
    max_leaves=25,
)
_OBJECTS = st.fixed_dictionaries(
    {"kind": _KINDS, "apiVersion": _VERSIONS},
    optional={"metadata": _DOCUMENTS, "spec": _DOCUMENTS, "items": _DOCUMENTS},
)
_TABLES = st.fixed_dictionaries(
    {"name": _SCALARS, "virtual_hosts": st.lists(_DOCUMENTS, max_size=3)},
)


def _read(data: bytes) -> None:
    try:
        found = read_configuration(["-"], io.BytesIO(data))
    except EnvoylogsError:
        return
    assert isinstance(found, Configuration)
    # Whatever stood in it, what came of it are values.
    assert {found.tables, found.listeners, found.clusters}
    assert all(isinstance(text, str) for each in found.objects for text in each.labels.values())


@pytest.mark.property
@given(_DOCUMENTS | _OBJECTS | _TABLES | st.lists(_OBJECTS | _TABLES, max_size=3), st.booleans())
def test_documents_of_any_shape_never_crash(document: Any, as_yaml: bool) -> None:  # noqa: FBT001 - drawn
    _read((b"# yaml\n" if as_yaml else b"") + json.dumps(document).encode())


@pytest.mark.property
@given(st.binary(max_size=60) | st.text("{}[]:,-&*!|>'\"%@`#?<~ \n\tab0\0", max_size=60))
def test_bytes_of_any_kind_never_crash(given_bytes: bytes | str) -> None:
    _read(given_bytes if isinstance(given_bytes, bytes) else given_bytes.encode())
