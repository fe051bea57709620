"""What is known from the log of what is to be explained."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envoylogs.mesh.requests import Request


USUAL_GATEWAY = "deploy/istio-ingressgateway -n istio-system"
"""What a stock installation calls its gateway."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Requests that are alike, or connections, that the gateway answered by itself.

    Attributes:
        request: What the record holds of what routes ask for.
        host: The authority without its port, or the server name of a connection; null for none.
        is_connection: Whether it is a connection, which has no request.
        outcome: One of ``envoy.outcomes.SELF_ANSWERED``.
        failure: The way to fail, of ``envoy.failures``; null if nothing is known of it.
        code: Of the response; null if it was not logged.
        details: ``response_code_details``; null if they were not logged.
        route_name: As it was logged; null for none.
        cluster: ``upstream_cluster``; null for none.
        path_group: Of the path, as ``Seen`` has them; null for none.
        gateway: Who wrote it, a pod or an address; null if that is not known.
        first_us: When the first of them was, in microseconds since 1970; null without times.
        last_us: Likewise of the last.
    """

    request: Request
    host: str | None
    outcome: str
    is_connection: bool = False
    failure: str | None = None
    code: int | None = None
    details: str | None = None
    route_name: str | None = None
    cluster: str | None = None
    path_group: str | None = None
    gateway: str | None = None
    first_us: int | None = None
    last_us: int | None = None


class Routed(NamedTuple):
    """When a host or a path was routed in the log, in microseconds since 1970; null without times.

    ``until`` is the last of them as RFC 3339 in UTC.
    """

    first_us: int | None
    last_us: int | None
    until: str | None


@dataclass(frozen=True)
class Seen:
    """What else the log shows.

    Attributes:
        hosts: Hosts that were routed, with when; only those whose names were kept.
        paths: The same by host and path group.
        server_names: TLS server names that were accepted.
        logs_server_names: Whether the log holds TLS server names at all.
        gateway: What a command of istioctl is to ask: a pod of the log, or what is usual.
    """

    hosts: Mapping[str, Routed] = field(default_factory=dict)
    paths: Mapping[tuple[str, str], Routed] = field(default_factory=dict)
    server_names: frozenset[str] = frozenset()
    gateway: str = USUAL_GATEWAY
    logs_server_names: bool = True

    @cached_property
    def domains(self) -> frozenset[str]:
        """The domains that these hosts are in, at whatever depth, but for those of the top."""
        found: set[str] = set()
        for host in self.hosts:
            parent = host.partition(".")[2]
            while "." in parent and parent not in found:
                found.add(parent)
                parent = parent.partition(".")[2]
        return frozenset(found)
