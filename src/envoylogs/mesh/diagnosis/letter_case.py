"""Why a host that both sides list is bound to nothing: they write it in different letters.

Istio compares the hosts of Gateways and route objects letter by letter (``SubsetOf`` in
``pkg/config/host/name.go``), and writes them in lower case only after that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.mesh.diagnosis.changes import respell_hosts
from envoylogs.mesh.diagnosis.objects import hosts_of_server
from envoylogs.mesh.explanation import Diagnosis, Now, Proof

if TYPE_CHECKING:
    from envoylogs.mesh.diagnosis.objects import Objects
    from envoylogs.mesh.intent.values import Binding, Server

_SHOWN = 5


def differs_in_letters(binding: Binding, objects: Objects) -> bool:
    """Tell whether a route object and the Gateway that it names have a host but for the case.

    Of the Gateway API no host has upper case: another listener is named there.
    """
    return (
        binding.status == "hosts_disjoint"
        and binding.route.kind == "VirtualService"
        and binding.route in objects.by_name
    )


def explained_letter_case(
    host: str, server: Server, binding: Binding, objects: Objects
) -> Diagnosis:
    """Return what is said of a route object that the Gateway would have but for the case.

    Args:
        host: That was asked for, in lower case.
        server: That accepts it.
        binding: Of the route object to the Gateway of the server, without a common host.
        objects: What was given.
    """
    route, gateway = binding.route, server.gateway
    field = objects.host_field(route)
    listed = objects.hosts_of(route)
    target = objects.by_name.get(route)
    spelled = next(filter(None, (_spelled(host, as_in) for _, as_in in server.hosts)), host)
    return Diagnosis(
        "host_not_in_virtualservice",
        "proved",
        f"{gateway} accepts {host}, and {route}, which names it, lists it in other letters: Istio "
        f"compares hosts with their case. {binding.why}",
        (
            objects.step_of(server, f"accepts {host}"),
            Proof(
                str(route), f"spec.{field}", ", ".join(listed[:_SHOWN]),
                f"not in the letters of {hosts_of_server(server)}",
            ),
        ),
        (route, gateway),
        None if target is None else respell_hosts(target, spelled, field),
        Now(routed=False, why="the hosts of both differ in upper and lower case"),
    )  # fmt: skip


def _spelled(host: str, as_in: str) -> str:
    """Return a host in the letters of one that covers it; empty if it does not cover it."""
    if not as_in.startswith("*"):
        return as_in if as_in.lower() == host else ""
    end = as_in[1:]
    return host[: len(host) - len(end)] + end if host.endswith(end.lower()) else ""
