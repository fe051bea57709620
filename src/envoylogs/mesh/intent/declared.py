"""Servers as they are declared, before Istio merges those of one port."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from envoylogs.mesh.intent.workloads import Selection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envoylogs.mesh.intent.values import ServerReason
    from envoylogs.mesh.objects import MeshObject

GATEWAY_API = "gateway.networking.k8s.io"
ANY_NAMESPACE = "*"
NO_NAMESPACE = "~"

_HTTP = frozenset({"HTTP", "HTTP2", "GRPC", "GRPC-WEB", "HTTP_PROXY"})
_PASSTHROUGH = frozenset({"PASSTHROUGH", "AUTO_PASSTHROUGH"})


@dataclass(frozen=True, slots=True)
class DeclaredServer:
    """A server of a Gateway of Istio, or a listener of one of the Gateway API.

    The questions are those of ``pkg/config/gateway/gateway.go`` of Istio.

    Attributes:
        source: The Gateway.
        key: What routes bind to, ``namespace/name``; of the Gateway API the name that Istio
            generates for a listener.
        index: Which one of the Gateway.
        name: Of the port, or of the listener.
        port_name: What the route table is named by.
        port: The number in the Gateway; 0 for none.
        pod_ports: What the pod listens on.
        bind: The address; empty for all.
        protocol: In upper case.
        hosts: Each with the namespace whose routes it takes.
        has_tls: Whether TLS is set, if only for redirects to HTTPS.
        tls_mode: ``SIMPLE`` if TLS is set without a mode; null without TLS, and for redirects.
        credentials: Names of secrets.
        https_redirect: Whether plain requests are sent to HTTPS.
        selector: Labels of the pods it is for; of the Gateway API what names them.
        selection: Whether it is for the gateway of the log.
        reason: Why it is in force nowhere, or not known to be; null for nothing.
        why: One sentence for ``reason``.
        kinds: Of routes that may bind to it.
    """

    source: MeshObject
    key: str
    index: int
    name: str
    port_name: str
    port: int
    pod_ports: tuple[int, ...]
    bind: str
    protocol: str
    hosts: tuple[tuple[str, str], ...]
    has_tls: bool = False
    tls_mode: str | None = None
    credentials: tuple[str, ...] = ()
    https_redirect: bool = False
    selector: Mapping[str, str] = field(default_factory=dict)
    selection: Selection = field(default=Selection(selected=None, why=""))
    reason: ServerReason | None = None
    why: str = ""
    kinds: frozenset[str] = frozenset({"VirtualService"})

    @classmethod
    def nothing(
        cls, gateway: MeshObject, selector: Mapping[str, str], selection: Selection, why: str
    ) -> DeclaredServer:
        """Return what stands for the servers of a Gateway that has none."""
        return cls(
            source=gateway,
            key=gateway.name.path,
            index=0,
            name="",
            port_name="",
            port=0,
            pod_ports=(),
            bind="",
            protocol="",
            hosts=(),
            selector=selector,
            selection=selection,
            reason="no_servers",
            why=why,
        )

    @property
    def place(self) -> str:
        """Where it stands in the spec of its object."""
        listed = "listeners" if self.source.name.group == GATEWAY_API else "servers"
        return f"{listed}[{self.index}]"

    @property
    def is_plain_http(self) -> bool:
        """Whether requests come without TLS."""
        return self.protocol in _HTTP

    @property
    def passes_tls_on(self) -> bool:
        """Whether TLS is passed on as it comes."""
        return self.tls_mode in _PASSTHROUGH

    @property
    def terminates_https(self) -> bool:
        """Whether it takes HTTP in TLS that ends here."""
        return self.protocol == "HTTPS" and self.has_tls and not self.passes_tls_on

    @property
    def is_tls(self) -> bool:
        """Whether connections are TLS, and told apart by their server names."""
        return self.has_tls and not self.is_plain_http

    def hosts_for(self, namespace: str) -> tuple[str, ...]:
        """Return the hosts that routes of a namespace may serve."""
        return tuple(host for owner, host in self.hosts if owner in {ANY_NAMESPACE, namespace})

    def table(self, pod_port: int, release: tuple[int, int] | None) -> str | None:
        """Return the name of its route table, as ``gatewayRDSRouteName`` has it.

        Tables for plain HTTP are named by the pod's port since Istio 1.11, and by the
        Gateway's before.
        """
        bind = f".{self.bind}" if self.bind else ""
        if self.is_plain_http:
            number = self.port if release is not None and release < (1, 11) else pod_port
            return f"http.{number}{bind}"
        if self.terminates_https:
            namespace, _, name = self.key.partition("/")
            return f"https.{self.port}.{self.port_name}.{name}.{namespace}{bind}"
        return None


def allowed_hosts(hosts: tuple[str, ...], namespace: str) -> tuple[tuple[str, str], ...]:
    """Return the hosts of a Gateway, each with the namespace whose routes it takes.

    ``*/*`` stands for all hosts, and takes the place of all others
    (``sanitizeServerHostNamespace``).
    """
    found: list[tuple[str, str]] = []
    for each in hosts:
        owner, slash, host = each.partition("/")
        if not slash:
            found.append((ANY_NAMESPACE, each))
        elif owner == ANY_NAMESPACE and host == "*":
            return ((ANY_NAMESPACE, "*"),)
        else:
            found.append((namespace if owner == "." else owner, host))
    return tuple(dict.fromkeys(found))
