"""What is known of Istio's intent: servers, bindings, and what is odd in the objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envoylogs.mesh.objects import ObjectName
    from envoylogs.mesh.tables import Listener, RouteTable

Certainty = Literal["proved", "open"]

ServerReason = Literal[
    "selects_other_pods",
    "other_class",
    "tls_host_taken",
    "protocol_conflict",
    "no_servers",
    "invalid",
]
BindingStatus = Literal[
    "bound",
    "mesh_only",
    "gateway_not_in_files",
    "gateway_elsewhere",
    "generated_gateway",
    "not_exported",
    "namespace_not_allowed",
    "kind_not_allowed",
    "hosts_disjoint",
    "section_not_found",
    "no_hosts",
    "no_rules",
    "invalid",
]


@dataclass(frozen=True, slots=True)
class GatewayFacts:
    """What the log tells of the gateway that wrote it.

    Attributes:
        pods: Names of its pods; empty where the log does not hold them.
        ports: Of the pod, as in ``downstream_local_address``.
        mesh_domain: What names of Services end with.
        namespace: Of its pods; null where it is not known.
        release: The newest release of Istio, major and minor, that wrote such records; null
            where it is not known, which takes the newest rules.
    """

    pods: frozenset[str] = frozenset()
    ports: frozenset[int] = frozenset()
    mesh_domain: str = "cluster.local"
    namespace: str | None = None
    release: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """A server of a Gateway of Istio, or a listener of one of the Gateway API.

    Attributes:
        gateway: The object it stands in.
        index: Which one of it, counted from 0; 0 for the one that stands for an object
            without servers.
        name: Of its port, or of the listener.
        port: The number in the Gateway; 0 for none.
        pod_ports: What the pod listens on, after the gateway's Service translated ``port``.
        protocol: As it is written, in upper case.
        hosts: Each with the namespace whose routes it takes, ``*`` for all and ``~`` for
            none; ``.`` is resolved.
        tls_mode: ``SIMPLE``, ``MUTUAL``, ``PASSTHROUGH``, ...; null without TLS.
        credentials: Names of secrets, of the Gateway API with their namespace.
        https_redirect: Whether plain requests are sent to HTTPS.
        table: The route table of its requests; null if it has none.
        in_force: Whether the gateway of the log has it; null where the files do not decide.
            With ``reason`` null, null means that its pods are not in the files and it is
            taken as selected.
        why: One sentence.
        excluded_by: The object that keeps it out, or may.
        reason: A code for why it is not in force, or may not be.
    """

    gateway: ObjectName
    index: int
    name: str
    port: int
    pod_ports: tuple[int, ...]
    protocol: str
    hosts: tuple[tuple[str, str], ...]
    tls_mode: str | None = None
    credentials: tuple[str, ...] = ()
    https_redirect: bool = False
    table: str | None = None
    in_force: bool | None = None
    why: str = ""
    excluded_by: ObjectName | None = None
    reason: ServerReason | None = None

    @property
    def is_taken(self) -> bool:
        """Whether the tables have it: unless it is known, or assumed, to be left out."""
        return self.in_force is not False and self.reason != "other_class"


@dataclass(frozen=True, slots=True)
class Binding:
    """What became of one reference of a route object to a gateway.

    Attributes:
        route: The VirtualService, HTTPRoute, GRPCRoute or TLSRoute.
        reference: As it is written, ``mesh`` where it is omitted; of the Gateway API
            ``namespace/name``, with ``/section`` and ``:port`` where they are given.
        gateway: The object it means; null if it is not in the files, and for ``mesh``.
        status: ``bound``, or why it is not.
        hosts: What the gateway's tables have of it: hosts that both sides cover.
        why: One sentence.
        suggestion: The object that may have been meant.
    """

    route: ObjectName
    reference: str
    gateway: ObjectName | None
    status: BindingStatus
    hosts: tuple[str, ...] = ()
    why: str = ""
    suggestion: ObjectName | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """What is odd in an object, whatever the log says.

    Attributes:
        code: Of the kind of oddity, ``rule_never_sent``.
        object: Where it is.
        field: The place in its spec, ``http[1].match[0]``.
        value: What stands there, in words.
        says: One sentence.
        certainty: ``open`` where the files do not decide.
    """

    code: str
    object: ObjectName
    field: str
    value: str
    says: str
    certainty: Certainty = "proved"


@dataclass(frozen=True, slots=True)
class Intent:
    """What Istio would send to the gateway of the log, by the objects.

    Attributes:
        listeners: By port; those of servers that are in force or taken to be.
        tables: By name; of these listeners.
        servers: Of all Gateways, as Istio merges them: by age.
        bindings: Of all route objects, in the order of the files.
        notes: In the order of the files.
        namespace: Of the gateway's pods; null where neither log nor files tell.
        pod_labels: Of the gateway's pods; null where they are not in the files, or not alike.
    """

    listeners: tuple[Listener, ...] = ()
    tables: tuple[RouteTable, ...] = ()
    servers: tuple[Server, ...] = ()
    bindings: tuple[Binding, ...] = ()
    notes: tuple[Note, ...] = ()
    namespace: str | None = None
    pod_labels: Mapping[str, str] | None = None
