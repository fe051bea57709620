"""The kinds of objects that are kept, and the shapes of what is asked of them.

Fields are those of all API versions of a kind together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from envoylogs.mesh.documents.shapes import ANY

if TYPE_CHECKING:
    from envoylogs.mesh.documents.shapes import Shape

ISTIO = "networking.istio.io"
ISTIO_SECURITY = "security.istio.io"
GATEWAY_API = "gateway.networking.k8s.io"

TEXTS: dict[str, Shape] = {ANY: str}

_STRING_MATCH: dict[str, Shape] = {"exact": str, "prefix": str, "regex": str}
_DESTINATION: dict[str, Shape] = {"host": str, "subset": str, "port": {"number": int}}
_DESTINATIONS: list[Shape] = [{"destination": _DESTINATION, "weight": int}]
_HTTP_MATCH: dict[str, Shape] = {
    "name": str,
    "uri": _STRING_MATCH,
    "scheme": _STRING_MATCH,
    "method": _STRING_MATCH,
    "authority": _STRING_MATCH,
    "headers": {ANY: _STRING_MATCH},
    "withoutHeaders": {ANY: _STRING_MATCH},
    "queryParams": {ANY: _STRING_MATCH},
    "port": int,
    "ignoreUriCase": bool,
    "gateways": [str],
    "sourceLabels": TEXTS,
    "sourceNamespace": str,
}
_L4_MATCH: dict[str, Shape] = {
    "sniHosts": [str],
    "destinationSubnets": [str],
    "port": int,
    "gateways": [str],
    "sourceLabels": TEXTS,
    "sourceNamespace": str,
}
_HTTP_RULE: dict[str, Shape] = {
    "name": str,
    "match": [_HTTP_MATCH],
    "route": _DESTINATIONS,
    "redirect": {},
    "directResponse": {"status": int},
    "delegate": {"name": str, "namespace": str},
    "rewrite": {},
    "fault": {},
}
_ISTIO_PORT: dict[str, Shape] = {"number": int, "name": str, "protocol": str, "targetPort": int}
_SERVER: dict[str, Shape] = {
    "port": _ISTIO_PORT,
    "hosts": [str],
    "bind": str,
    "name": str,
    "tls": {
        "mode": str,
        "credentialName": str,
        "credentialNames": [str],
        "httpsRedirect": bool,
    },
}
_PARENT: dict[str, Shape] = {
    "group": str,
    "kind": str,
    "name": str,
    "namespace": str,
    "sectionName": str,
    "port": int,
}
_BACKEND: dict[str, Shape] = {
    "group": str,
    "kind": str,
    "name": str,
    "namespace": str,
    "port": int,
    "weight": int,
}
_NAMED_MATCH: dict[str, Shape] = {"type": str, "name": str, "value": str}


def _route_of_gateway_api(matches: dict[str, Shape]) -> dict[str, Shape]:
    rule: dict[str, Shape] = {
        "name": str,
        "matches": [matches],
        "backendRefs": [_BACKEND],
        "filters": [{"type": str}],
    }
    return {"parentRefs": [_PARENT], "hostnames": [str], "rules": [rule]}


_CONTAINERS: list[Shape] = [{"name": str, "ports": [{"name": str, "containerPort": int}]}]
_TEMPLATED: dict[str, Shape] = {"replicas": int, "template": {"spec": {"containers": _CONTAINERS}}}


@dataclass(frozen=True, slots=True)
class Kind:
    """What is known of a kind.

    Attributes:
        shape: Of its ``spec``.
        is_namespaced: Whether its objects are in namespaces.
        kept: The fields of ``spec`` that are kept; null for all.
        needed: A field of ``spec`` and what an object is without it; null for none. What only
            all objects together decide is none: a VirtualService without hosts may be a delegate.
        is_templated: Whether its pods are described by a template.
    """

    shape: dict[str, Shape] = field(default_factory=dict)
    is_namespaced: bool = True
    kept: frozenset[str] | None = None
    needed: tuple[str, str] | None = None
    is_templated: bool = False


_WORKLOAD = Kind(_TEMPLATED, kept=frozenset({"replicas", "containers"}), is_templated=True)

KINDS: dict[tuple[str, str], Kind] = {
    (ISTIO, "Gateway"): Kind(
        {"selector": TEXTS, "servers": [_SERVER]}, needed=("servers", "it opens no port")
    ),
    (ISTIO, "VirtualService"): Kind(
        {
            "hosts": [str],
            "gateways": [str],
            "exportTo": [str],
            "http": [_HTTP_RULE],
            "tls": [{"match": [_L4_MATCH], "route": _DESTINATIONS}],
            "tcp": [{"match": [_L4_MATCH], "route": _DESTINATIONS}],
        },
    ),
    (ISTIO, "DestinationRule"): Kind(
        {
            "host": str,
            "subsets": [{"name": str, "labels": TEXTS}],
            "exportTo": [str],
            "trafficPolicy": {},
            "workloadSelector": {"matchLabels": TEXTS},
        },
        needed=("host", "it is about no service"),
    ),
    (ISTIO, "ServiceEntry"): Kind(
        {
            "hosts": [str],
            "addresses": [str],
            "ports": [_ISTIO_PORT],
            "location": str,
            "resolution": str,
            "endpoints": [{"address": str, "labels": TEXTS, "ports": {ANY: int}}],
            "workloadSelector": {"labels": TEXTS},
            "exportTo": [str],
        },
        needed=("hosts", "it is about no service"),
    ),
    (ISTIO, "WorkloadEntry"): Kind({"address": str, "labels": TEXTS, "ports": {ANY: int}}),
    (ISTIO_SECURITY, "RequestAuthentication"): Kind(
        {"selector": {"matchLabels": TEXTS}, "jwtRules": [{"issuer": str}]}
    ),
    # What it denies is not worked out: it is known when it was changed.
    (ISTIO_SECURITY, "AuthorizationPolicy"): Kind(
        {"selector": {"matchLabels": TEXTS}}, kept=frozenset({"selector"})
    ),
    (GATEWAY_API, "Gateway"): Kind(
        {
            "gatewayClassName": str,
            "listeners": [
                {
                    "name": str,
                    "hostname": str,
                    "port": int,
                    "protocol": str,
                    "tls": {"mode": str, "certificateRefs": [_BACKEND]},
                    "allowedRoutes": {"namespaces": {"from": str}, "kinds": [{"kind": str}]},
                }
            ],
            "addresses": [{"type": str, "value": str}],
        },
        needed=("listeners", "it opens no port"),
    ),
    (GATEWAY_API, "GatewayClass"): Kind({"controllerName": str}, is_namespaced=False),
    (GATEWAY_API, "HTTPRoute"): Kind(
        _route_of_gateway_api(
            {
                "path": {"type": str, "value": str},
                "headers": [_NAMED_MATCH],
                "queryParams": [_NAMED_MATCH],
                "method": str,
            }
        ),
        needed=("parentRefs", "it is bound to no Gateway"),
    ),
    (GATEWAY_API, "GRPCRoute"): Kind(
        _route_of_gateway_api(
            {
                "method": {"type": str, "service": str, "method": str},
                "headers": [_NAMED_MATCH],
            }
        ),
        needed=("parentRefs", "it is bound to no Gateway"),
    ),
    (GATEWAY_API, "TLSRoute"): Kind(
        _route_of_gateway_api({}), needed=("parentRefs", "it is bound to no Gateway")
    ),
    (GATEWAY_API, "TCPRoute"): Kind(
        _route_of_gateway_api({}), needed=("parentRefs", "it is bound to no Gateway")
    ),
    (GATEWAY_API, "ReferenceGrant"): Kind({"from": [_PARENT], "to": [_PARENT]}),
    ("", "Service"): Kind(
        {
            "selector": TEXTS,
            "ports": [{"name": str, "port": int, "protocol": str, "nodePort": int}],
            "type": str,
            "clusterIP": str,
            "externalName": str,
        }
    ),
    ("", "Pod"): Kind({"containers": _CONTAINERS}, kept=frozenset({"containers"})),
    ("", "Namespace"): Kind(is_namespaced=False, kept=frozenset()),
    ("", "Secret"): Kind(kept=frozenset({"type"})),
    ("apps", "Deployment"): _WORKLOAD,
    ("apps", "DaemonSet"): _WORKLOAD,
    ("apps", "StatefulSet"): _WORKLOAD,
    ("apps", "ReplicaSet"): _WORKLOAD,
}
"""By the group of the API and the kind."""

RENAMED_GROUPS = {
    ("extensions", "Deployment"): "apps",
    ("extensions", "DaemonSet"): "apps",
    ("extensions", "ReplicaSet"): "apps",
}
"""Groups that kinds were in before, and what they are in since."""
