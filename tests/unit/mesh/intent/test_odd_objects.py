"""Objects that no one could apply, or that are not what their writer meant."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.intents import clusters, gateway, intent_of, notes, server, virtual_service

from envoylogs.mesh.configuration import Configuration
from envoylogs.mesh.intent import GatewayFacts, Intent, intended
from envoylogs.mesh.objects import MeshObject, ObjectName

_ISTIO = "networking.istio.io"
_GATEWAY_API = "gateway.networking.k8s.io"


def _object(kind: str, spec: Any, group: str = _ISTIO, order: int = 0) -> MeshObject:
    return MeshObject(ObjectName(kind, "shop", "x", group), spec, order=order)


def _intent(*objects: MeshObject) -> Intent:
    return intended(Configuration(objects), GatewayFacts())


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"hosts": "a.com"}, "hosts"),
        ({"hosts": ["a.com", 7]}, "hosts"),
        ({"hosts": ["a.com"], "http": {"route": []}}, "http"),
        ({"hosts": ["a.com"], "http": ["x"]}, "http"),
        ({"hosts": ["a.com"], "http": [{"match": {"uri": "/"}}]}, "http[0].match"),
        ({"hosts": ["a.com"], "http": [{"match": [{"uri": "/"}]}]}, "http[0].match[0].uri"),
        (
            {"hosts": ["a.com"], "http": [{"match": [{"ignoreUriCase": "no"}]}]},
            "http[0].match[0].ignoreUriCase",
        ),
        (
            {"hosts": ["a.com"], "http": [{"route": [{"destination": "a", "weight": "all"}]}]},
            "http[0].route[0].destination",
        ),
    ],
)
def test_a_field_of_a_wrong_type_is_named_and_counts_as_not_given(
    spec: dict[str, Any], field: str
) -> None:
    said = notes(_intent(_object("VirtualService", spec)), "malformed")
    assert (str(said[0].object), said[0].field) == ("VirtualService shop/x", field)


def test_digits_in_a_text_are_read_and_named() -> None:
    spec = {"servers": [{"port": {"number": "8080", "name": "a", "protocol": "HTTP"}}]}
    intent = _intent(_object("Gateway", spec))
    assert server(intent, "shop/x").port == 8080
    assert [note.field for note in notes(intent, "malformed")] == ["servers[0].port.number"]


def test_a_long_value_is_cut_in_its_note() -> None:
    (note,) = notes(_intent(_object("VirtualService", {"hosts": "a" * 1000})), "malformed")
    assert len(note.value) < 100


_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(["", "*", "a.com", "*.a.com", "./x", "a/b/c", "80", "http", "mesh", "/"]),
)
_KEYS = st.sampled_from(
    [
        *("hosts", "gateways", "http", "tls", "tcp", "match", "route", "destination", "port"),
        *("number", "name", "protocol", "servers", "selector", "uri", "exact", "prefix", "regex"),
        *("headers", "delegate", "weight", "exportTo", "listeners", "parentRefs", "hostnames"),
        *("rules", "backendRefs", "allowedRoutes", "namespaces", "from", "type", "value", "ports"),
        *("redirect", "fault", "abort", "percentage", "filters", "matches", "path", "method"),
    ]
)
_ANYTHING = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_KEYS, inner, max_size=4)),
    max_leaves=20,
)
_KINDS = [
    ("Gateway", _ISTIO),
    ("VirtualService", _ISTIO),
    ("ServiceEntry", _ISTIO),
    ("Gateway", _GATEWAY_API),
    ("HTTPRoute", _GATEWAY_API),
    ("GRPCRoute", _GATEWAY_API),
    ("TLSRoute", _GATEWAY_API),
    ("ReferenceGrant", _GATEWAY_API),
    ("GatewayClass", _GATEWAY_API),
    ("RequestAuthentication", "security.istio.io"),
    ("Service", ""),
    ("Pod", ""),
    ("Deployment", "apps"),
]


@pytest.mark.property
@given(st.lists(st.dictionaries(_KEYS, _ANYTHING, max_size=5), min_size=13, max_size=13))
def test_no_object_makes_it_fail(specs: list[dict[str, Any]]) -> None:
    objects = [
        _object(kind, spec, group, order)
        for order, ((kind, group), spec) in enumerate(zip(_KINDS, specs, strict=True))
    ]
    intent = _intent(*objects)
    assert {note.object for note in intent.notes} <= {each.name for each in objects}


def test_thousands_of_hosts_are_all_served() -> None:
    hosts = [f"h{number}.a.com" for number in range(3000)]
    intent = intent_of(gateway("edge/gw", "*.a.com"), virtual_service("shop/a", *hosts))
    assert clusters(intent, "h2999.a.com") is not None
    assert len(intent.tables[0].virtual_hosts) == 1


def _with_certificate(path: str, *hosts: str, credential: str = "cert", port: int = 443) -> str:
    tls = f"{{mode: SIMPLE, credentialName: {credential}}}"
    return gateway(path, *hosts, port=port, protocol="HTTPS", tls=tls)


def test_a_certificate_that_servers_of_other_hosts_share_is_noted_on_each() -> None:
    intent = intent_of(_with_certificate("edge/a", "a.com"), _with_certificate("edge/b", "b.com"))
    said = notes(intent, "shared_credential")
    assert [(str(note.object), note.value) for note in said] == [
        ("Gateway edge/a", "cert"),
        ("Gateway edge/b", "cert"),
    ]


@pytest.mark.parametrize(
    "other",
    [
        _with_certificate("edge/b", "b.com", credential="other"),
        _with_certificate("edge/b", "b.com", port=8443),
    ],
)
def test_certificates_and_ports_of_their_own_are_no_oddity(other: str) -> None:
    assert not notes(intent_of(_with_certificate("edge/a", "a.com"), other), "shared_credential")


def test_a_listener_is_named_as_its_object_has_it() -> None:
    listeners = ", ".join(
        f"{{name: {name}, hostname: {name}.com, port: 443, protocol: HTTPS,"
        f" tls: {{certificateRefs: [{{name: cert}}]}}}}"
        for name in ("a", "b")
    )
    intent = intent_of(
        f"""
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {{name: gw, namespace: edge}}
        spec: {{gatewayClassName: istio, listeners: [{listeners}]}}
        """
    )
    assert [note.field for note in notes(intent, "shared_credential")] == ["listeners[0].tls"]


_CLAIM = "[{match: [{headers: {'@request.auth.claims.role': {exact: x}}}], directResponse: {}}]"
_AUTHENTICATION = """
  apiVersion: security.istio.io/v1
  kind: RequestAuthentication
  metadata: {name: jwt, namespace: edge}
  spec: {selector: {matchLabels: {istio: ingressgateway}}}
"""


def test_a_claim_without_anything_that_reads_a_token_is_odd() -> None:
    route = virtual_service("shop/a", "*", http=_CLAIM)
    (note,) = notes(intent_of(gateway("edge/gw"), route), "jwt_without_request_authentication")
    assert (note.value, note.certainty) == ("role", "open")
    with_one = intent_of(gateway("edge/gw"), route, _AUTHENTICATION)
    assert not notes(with_one, "jwt_without_request_authentication")


def test_what_reads_tokens_of_other_pods_does_not_help() -> None:
    pod = """
      apiVersion: v1
      kind: Pod
      metadata: {name: ingress-1, namespace: edge, labels: {app: other}}
    """
    route = virtual_service("shop/a", "*", http=_CLAIM)
    intent = intent_of(route, _AUTHENTICATION, pod, pods=frozenset({"ingress-1"}))
    assert len(notes(intent, "jwt_without_request_authentication")) == 1


def test_notes_stand_in_the_order_of_the_files() -> None:
    intent = intent_of(
        virtual_service("shop/late", "*", gateways=None),
        gateway("edge/gw"),
        virtual_service("shop/early", "*", gateways=None),
    )
    assert [note.object.name for note in intent.notes] == ["late", "gw", "early"]


def test_gateways_of_different_pods_on_one_port_are_noted_if_the_pods_are_not_known() -> None:
    one, two = (gateway(f"edge/{name}", selector=f"{{app: {name}}}") for name in ("one", "two"))
    (note,) = notes(intent_of(one, two), "several_gateways")
    assert (str(note.object), note.certainty) == ("Gateway edge/two", "open")
    elsewhere = gateway("edge/two", port=81, selector="{app: two}")
    assert not notes(intent_of(one, elsewhere), "several_gateways")
    pod = """
      apiVersion: v1
      kind: Pod
      metadata: {name: p-1, namespace: edge, labels: {app: one}}
    """
    known = intent_of(one, two, pod, pods=frozenset({"p-1"}))
    assert not notes(known, "several_gateways")
    within = gateway("edge/two", selector="{app: one, tier: web}")
    assert not notes(intent_of(one, within), "several_gateways")
