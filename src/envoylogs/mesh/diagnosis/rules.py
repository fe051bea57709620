"""Why a route object that is bound to a Gateway makes no routes for a host of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.mesh.diagnosis.objects import dicts
from envoylogs.mesh.explanation import Diagnosis, Now, Proof

if TYPE_CHECKING:
    from envoylogs.mesh.diagnosis.objects import Objects
    from envoylogs.mesh.intent.values import Server
    from envoylogs.mesh.objects import ObjectName

_SHOWN = 5


def explained_rules(host: str, server: Server, route: ObjectName, objects: Objects) -> Diagnosis:
    """Return what is said where everything is bound, and no rule is left for the Gateway."""
    binding = next(
        (each for each in objects.bindings[route] if each.gateway == server.gateway), None
    )
    ports = _ports_of_matches(route, objects)
    if ports and server.port not in ports:
        return _for_another_port(host, server, route, ports, objects)
    why = binding.why if binding else ""
    if binding is not None and binding.status == "bound":
        return Diagnosis(
            "not_in_files",
            "log_only",
            f"{route} lists {host} and is bound to {server.gateway}: by which port or connection "
            "the request came, and why it was not routed there, is not in what was given.",
            (objects.step_of_route(route, host),),
            (route, server.gateway),
        )
    hosts = ", ".join(objects.hosts_of(route)[:_SHOWN])
    return Diagnosis(
        "condition_not_met",
        "likely",
        f"{route} lists {host} and is bound to {server.gateway}, and none of its rules is for port "
        f"{server.port} of it.{f' {why}' if why else ''}",
        (
            objects.step_of(server, f"accepts {host}"),
            Proof(str(route), f"spec.{objects.host_field(route)}", hosts, why or f"lists {host}"),
        ),
        (route, server.gateway),
        None,
        Now(routed=False, why=f"no rule is for port {server.port}"),
    )


def _ports_of_matches(route: ObjectName, objects: Objects) -> list[int]:
    """Return the ports that all rules of a VirtualService are for; empty if one is for any."""
    found = objects.by_name.get(route)
    rules = dicts(found.spec.get("http")) if found is not None else []
    matches = [match for rule in rules for match in dicts(rule.get("match")) or [{}]]
    ports = [match.get("port") for match in matches]
    numbers = [port for port in ports if isinstance(port, int)]
    return list(dict.fromkeys(numbers)) if len(numbers) == len(ports) else []


def _for_another_port(
    host: str, server: Server, route: ObjectName, ports: list[int], objects: Objects
) -> Diagnosis:
    listed = ", ".join(map(str, ports))
    return Diagnosis(
        "port_not_served",
        "proved",
        f"{route} lists {host} and is bound to {server.gateway}, and its rules are for port "
        f"{listed} of it; the request came to the server of port {server.port}.",
        (
            objects.step_of(server, f"accepts {host}"),
            Proof(str(route), "http[].match[].port", listed, f"none is for port {server.port}"),
        ),
        (route, server.gateway),
        None,
        Now(routed=False, why=f"no rule is for port {server.port}"),
    )
