"""Route tables and listeners as Envoy has them, read from dumps or made from objects.

Only what decides which route takes a request, and what the route does with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from envoylogs.mesh.objects import ObjectName

StringKind = Literal["exact", "prefix", "suffix", "contains", "regex", "range", "present"]
PathKind = Literal["prefix", "exact", "path_separated_prefix", "regex", "uri_template", "connect"]
ActionKind = Literal[
    "cluster", "weighted", "cluster_header", "redirect", "direct_response", "none", "unknown"
]


@dataclass(frozen=True, slots=True)
class StringMatch:
    """What a header or a query parameter must be.

    Attributes:
        kind: How ``value`` is compared. A regular expression must cover the whole value;
            ``present`` has no value; ``range`` is ``start,end`` of whole numbers, without the end.
        value: What with.
        ignore_case: Whether upper and lower case are one; never for regular expressions.
    """

    kind: StringKind
    value: str = ""
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class NamedMatch:
    """A condition on one header or one query parameter.

    Attributes:
        name: Of the header in lower case, or of the parameter.
        match: What its value must be.
        invert: Whether the condition holds where ``match`` does not.
        missing_as_empty: Whether one that is not there counts as empty.
    """

    name: str
    match: StringMatch
    invert: bool = False
    missing_as_empty: bool = False


@dataclass(frozen=True, slots=True)
class RouteMatch:
    """What a request must be for a route to take it; all of it.

    Attributes:
        path_kind: How ``path`` is compared with the path without its query.
        path: What with; an empty prefix takes every path.
        ignore_case: Whether the path is compared without case.
        headers: Conditions on headers, those on ``:method`` and ``:authority`` among them.
        query: Conditions on query parameters.
        conditions: What no log holds, each in words that name it: ``gRPC requests only``,
            ``claim group of the JWT``, ``runtime fraction 10 %``.
    """

    path_kind: PathKind = "prefix"
    path: str = "/"
    ignore_case: bool = False
    headers: tuple[NamedMatch, ...] = ()
    query: tuple[NamedMatch, ...] = ()
    conditions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Action:
    """What a route does with a request.

    Attributes:
        kind: ``none`` for a route that forwards nothing (``non_forwarding_action``),
            ``unknown`` for what this version does not know.
        clusters: Names with weights, of ``weighted`` and ``cluster`` (weight 1).
        status: The code of a redirect or a direct response.
        location: Where a redirect sends, in words as far as it is set: ``https://``, ``/new``.
        header: The header that names the cluster, of ``cluster_header``.
        fault: What the route injects, in words (``abort 503 for 10 %``); null for nothing.
    """

    kind: ActionKind = "unknown"
    clusters: tuple[tuple[str, int], ...] = ()
    status: int | None = None
    location: str = ""
    header: str = ""
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """One route of a virtual host.

    Attributes:
        name: As logged in ``route_name``; empty for none.
        match: Which requests it takes.
        action: What it does with them.
        origin: The object it was made from, as Istio notes it in the metadata; null for none.
        rule: Which rule of the object that it stands in, counted from 0, and for a match in it
            the second; null in dumps, which do not say it.
        written_in: The delegate that the rule stands in; null for a rule of ``origin`` itself.
    """

    name: str
    match: RouteMatch
    action: Action
    origin: ObjectName | None = None
    rule: tuple[int, int] | None = None
    written_in: ObjectName | None = None

    @property
    def owner(self) -> ObjectName | None:
        """The object that is changed to change it; null where that is not known."""
        return self.written_in or self.origin


@dataclass(frozen=True, slots=True)
class VirtualHost:
    """The routes of some domains.

    Attributes:
        name: Of the virtual host. Istio puts virtual hosts with equal routes together, so
            it says nothing of what the domains are.
        domains: As given: names, with or without ports, ``*.suffix``, ``prefix.*``, ``*``.
        routes: In the order in which they are asked.
        require_tls: Which requests are redirected to HTTPS before any route is asked.
        has_matcher: Whether a matcher tree decides instead of the list of routes.
    """

    name: str
    domains: tuple[str, ...]
    routes: tuple[Route, ...] = ()
    require_tls: Literal["none", "external_only", "all"] = "none"
    has_matcher: bool = False


@dataclass(frozen=True, slots=True)
class RouteTable:
    """A route configuration.

    Attributes:
        name: ``http.8080``, ``https.443.https.gateway.namespace``; empty for one without a name.
        virtual_hosts: Of which one takes a request, by its host.
        ignore_port: Whether the port in the host is not compared
            (``ignore_port_in_host_matching``).
        vhost_header: The header that is compared in place of the host; empty for the host.
        ignore_path_parameters: Whether ``;`` and what follows is no part of the path.
        source: The file that it was read from, or empty for one made from objects.
    """

    name: str
    virtual_hosts: tuple[VirtualHost, ...] = ()
    ignore_port: bool = False
    vhost_header: str = ""
    ignore_path_parameters: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class FilterChain:
    """What becomes of a connection.

    Attributes:
        name: Of the chain.
        server_names: Names of the TLS handshake that it takes, with ``*.suffix``; none takes all.
        transport_protocol: ``tls``, ``raw_buffer``, or empty for both.
        application_protocols: Of ALPN; none takes all.
        conditions: What else must be true and the log may not hold: ``source 10.0.0.0/8``.
        table: The name of the route table that its requests are asked of; null without HTTP.
        inline: That table itself where it stands in the listener.
        clusters: Where bytes of a TCP proxy go, with weights.
        terminates_tls: Whether TLS ends here.
        origin: The object it was made from; null where that is not known.
    """

    name: str = ""
    server_names: tuple[str, ...] = ()
    transport_protocol: str = ""
    application_protocols: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    table: str | None = None
    inline: RouteTable | None = None
    clusters: tuple[tuple[str, int], ...] = ()
    terminates_tls: bool = False
    origin: ObjectName | None = None


@dataclass(frozen=True, slots=True)
class Listener:
    """A port that the gateway listens on.

    Attributes:
        name: ``0.0.0.0_8080``.
        address: The address it is bound to.
        port: The port of the pod, as in ``downstream_local_address``.
        chains: Of which one takes a connection.
        default_chain: The one for connections that no other takes; null for none.
        source: The file that it was read from, or empty for one made from objects.
    """

    name: str
    address: str
    port: int
    chains: tuple[FilterChain, ...] = ()
    default_chain: FilterChain | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that a dump holds.

    Attributes:
        name: ``outbound|80|v2|httpbin.default.svc.cluster.local``.
        type: ``EDS``, ``STRICT_DNS``, ``ORIGINAL_DST``, ``STATIC``, ...; empty if it is not said.
        source: The file that it was read from.
    """

    name: str
    type: str = ""
    source: str = field(default="", compare=False)
