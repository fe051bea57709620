"""What is odd in the configuration given, whatever the log says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from envoylogs.mesh.diagnosis.credentials import missing_secrets
from envoylogs.mesh.diagnosis.host_index import HostIndex
from envoylogs.mesh.diagnosis.objects import GATEWAY_API, dicts, texts
from envoylogs.mesh.intent import Note
from envoylogs.mesh.intent.hosts import expanded
from envoylogs.mesh.services import Services

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envoylogs.mesh.configuration import Configuration
    from envoylogs.mesh.intent import GatewayFacts, Intent
    from envoylogs.mesh.intent.values import Server
    from envoylogs.mesh.objects import MeshObject

_USUAL_PORT = 80
_HOSTS_SHOWN = 5
_FOR_MESH_ONLY = "virtualservice_for_mesh_only"


def remarks(configuration: Configuration, intent: Intent, facts: GatewayFacts) -> tuple[Note, ...]:
    """Return what is odd, in the order of the objects' files, what the gateway has first.

    A VirtualService that is for the sidecars alone is odd only if it omits its gateways and
    lists a host that a Gateway accepts.
    """
    accepted = HostIndex((host, None) for server in intent.servers for _, host in server.hosts)
    by_name = {each.name: each for each in configuration.objects}

    def is_odd(note: Note) -> bool:
        if note.code != _FOR_MESH_ONLY:
            return True
        found = by_name.get(note.object)
        if found is None or texts(found.spec.get("gateways")):
            return False
        hosts = texts(found.spec.get("hosts"))
        return any(accepted.covering(host.lower(), with_any=False) for host in hosts)

    notes = [note for note in intent.notes if is_odd(note)]
    missing = _missing_credentials(configuration, intent)
    return (*notes, *missing, *_destinations(configuration, facts, intent.namespace))


def _missing_credentials(configuration: Configuration, intent: Intent) -> Iterator[Note]:
    """Yield the certificates of TLS servers that are not among the Secrets.

    A listener of Istio's own Gateways opens without them and handshakes fail, which no access log
    of Istio has; so it is said whatever the log holds.
    """
    for server in intent.servers:
        if server.tls_mode is None or server.in_force is False:
            continue
        for secret in missing_secrets(server, configuration.credentials, intent.namespace):
            hosts = ", ".join(host for _, host in server.hosts[:_HOSTS_SHOWN])
            yield Note(
                "credential_missing",
                server.gateway,
                _credential_field(server),
                secret,
                f"Secret {secret} is not among those given; without it no connection for "
                f"{hosts or 'its hosts'} gets past the handshake, and no log has such connections.",
                "open",
            )


def _credential_field(server: Server) -> str:
    if server.gateway.group == GATEWAY_API:
        return f"listeners[{server.index}].tls.certificateRefs"
    return f"servers[{server.index}].tls.credentialName"


def _destinations(
    configuration: Configuration, facts: GatewayFacts, namespace: str | None
) -> Iterator[Note]:
    """Yield destinations of VirtualServices that can't have a cluster, by the files."""
    services = Services(configuration, facts.mesh_domain)
    for each in configuration.objects:
        if each.kind != "VirtualService":
            continue
        for place, destination in _of_routes(each):
            cluster = _cluster(destination, each.namespace, facts.mesh_domain, services)
            if cluster is None:
                continue
            state = services.cluster_state(cluster, namespace)
            if state.status == "missing" and state.reason is not None:
                yield Note(state.reason, each.name, place, cluster, state.says)


def _of_routes(each: MeshObject) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the destinations that answers come from, and where they stand; no mirrors."""
    for number, rule in enumerate(dicts(each.spec.get("http"))):
        for place, route in enumerate(dicts(rule.get("route"))):
            destination = route.get("destination")
            if isinstance(destination, dict):
                yield f"http[{number}].route[{place}].destination", destination


def _cluster(
    destination: dict[str, Any], namespace: str, mesh_domain: str, services: Services
) -> str | None:
    """Return the cluster of a destination; null for one that names none."""
    written, subset, port = (destination.get(name) for name in ("host", "subset", "port"))
    if not isinstance(written, str) or not written:
        return None
    host = expanded(written, namespace, mesh_domain)
    number = port.get("number") if isinstance(port, dict) else None
    if not isinstance(number, int):
        number = services.first_port(host) or _USUAL_PORT
    return f"outbound|{number}|{subset if isinstance(subset, str) else ''}|{host}"
