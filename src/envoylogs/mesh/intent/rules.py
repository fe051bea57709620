"""The rules of VirtualServices and of routes of the Gateway API, before they become routes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envoylogs.mesh.objects import MeshObject, ObjectName
    from envoylogs.mesh.tables import Action, StringMatch

MESH = "mesh"
"""What a VirtualService names for the sidecars."""


@dataclass(frozen=True, slots=True)
class Match:
    """An ``HTTPMatchRequest``, or one match of a rule of an HTTPRoute.

    Attributes:
        number: Which one of its rule.
        name: Of the match; empty for none.
        uri: What the path must be; null for any.
        ignore_case: Whether the path is compared without case.
        method: What the method must be; null for any.
        authority: What the host must be; null for any.
        scheme: What the scheme must be; null for any.
        headers: By name.
        without_headers: By name; what must not be so.
        query: By the name of the parameter.
        port: The number in the Gateway; null for any.
        gateways: As ``namespace/name`` or ``mesh``; none for all that the object names.
        source_labels: Of the pod that asks.
        source_namespace: Of the pod that asks; empty for any.
    """

    number: int = 0
    name: str = ""
    uri: StringMatch | None = None
    ignore_case: bool = False
    method: StringMatch | None = None
    authority: StringMatch | None = None
    scheme: StringMatch | None = None
    headers: Mapping[str, StringMatch] = field(default_factory=dict)
    without_headers: Mapping[str, StringMatch] = field(default_factory=dict)
    query: Mapping[str, StringMatch] = field(default_factory=dict)
    port: int | None = None
    gateways: tuple[str, ...] = ()
    source_labels: Mapping[str, str] = field(default_factory=dict)
    source_namespace: str = ""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a rule sends.

    Attributes:
        host: The full name; empty for a backend that does not resolve.
        subset: Empty for none.
        port: Null where it is not given.
        weight: As given, 0 where it is not.
    """

    host: str
    subset: str = ""
    port: int | None = None
    weight: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule for HTTP.

    Attributes:
        number: Which one of its object.
        name: Empty for none.
        matches: Of which one must fit; none takes everything.
        destinations: As given, with those of weight 0.
        answer: A redirect or a direct response, which goes before ``destinations``.
        fault: What is injected, in words; null for nothing.
        delegate: The VirtualService that has the routes, as ``namespace/name``; null for none.
        written: The delegate that it stands in, and which rule of it it is; null for a rule of
            the object itself.
    """

    number: int
    name: str = ""
    matches: tuple[Match, ...] = ()
    destinations: tuple[Destination, ...] = ()
    answer: Action | None = None
    fault: str | None = None
    delegate: str | None = None
    written: tuple[ObjectName, int] | None = None


@dataclass(frozen=True, slots=True)
class ConnectionMatch:
    """A match of a rule for TLS or TCP.

    Attributes:
        server_names: Of the TLS handshake; none for TCP.
        port: The number in the Gateway; null for any.
        gateways: As ``namespace/name`` or ``mesh``; none for all that the object names.
    """

    server_names: tuple[str, ...] = ()
    port: int | None = None
    gateways: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConnectionRule:
    """One rule for connections that are passed on.

    Attributes:
        matches: Of which one must fit; none takes everything of TCP, and nothing of TLS.
        destinations: As given.
    """

    matches: tuple[ConnectionMatch, ...] = ()
    destinations: tuple[Destination, ...] = ()


@dataclass(frozen=True, slots=True)
class RouteSet:
    """What one object sends to one or several Gateways: a VirtualService as Istio sees it.

    Attributes:
        source: The object; the oldest one where routes of the Gateway API were merged.
        hosts: Full names.
        keys: The Gateways it is bound to, as ``namespace/name``; ``mesh`` is left out.
        rules: For HTTP, with the object each comes from.
        tls: For passed-on TLS.
        tcp: For TCP.
        exported_to: Namespaces, ``*`` for all, ``~`` for none.
        is_of_gateway_api: Whether prefixes end at a slash, as the Gateway API has it.
    """

    source: MeshObject
    hosts: tuple[str, ...]
    keys: tuple[str, ...]
    rules: tuple[tuple[Rule, ObjectName], ...] = ()
    tls: tuple[ConnectionRule, ...] = ()
    tcp: tuple[ConnectionRule, ...] = ()
    exported_to: frozenset[str] = frozenset({"*"})
    is_of_gateway_api: bool = False
