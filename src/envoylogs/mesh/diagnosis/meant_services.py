"""Which Service a destination may mean that names none among the files.

Istio adds namespace and mesh domain to a host without a dot alone, and takes the namespace of
the VirtualService (``ResolveShortnameToFQDN`` in ``pilot/pkg/model/config.go``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from envoylogs.mesh.diagnosis.changes import name_destination
from envoylogs.mesh.diagnosis.objects import dicts
from envoylogs.mesh.explanation import Proof
from envoylogs.mesh.intent.hosts import expanded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envoylogs.mesh.explanation import Change
    from envoylogs.mesh.objects import MeshObject
    from envoylogs.mesh.services import Services
    from envoylogs.mesh.tables import Route

_SHOWN = 3


class Meant(NamedTuple):
    """A Service that a destination may mean.

    Attributes:
        services: Those that are called so, in other namespaces.
        says: Why the destination does not name it.
        proof: What the destination says, and where the Services are.
        change: That names the first of them.
    """

    services: tuple[MeshObject, ...]
    says: str
    proof: tuple[Proof, ...]
    change: Change


def meant_services(cluster: str, route: Route | None, services: Services) -> Meant | None:
    """Return the Services of other namespaces that a destination may mean; null for none.

    Args:
        cluster: ``outbound|80||web.shop.svc.cluster.local``, of a host that nothing declares.
        route: That sends there; null where only the record says so.
        services: What was given of services.
    """
    name = route.owner if route is not None else None
    origin = services.find(name) if name is not None else None
    host, mesh_domain = cluster.rpartition("|")[2], services.mesh_domain
    if origin is None or origin.kind != "VirtualService":
        return None
    read = ((each, expanded(each, origin.namespace, mesh_domain)) for each in _hosts(origin))
    written = next((each for each, meant in read if meant == host), None)
    others = services.called(host.partition(".")[0])
    if written is None or not others or services.declares(host):
        return None
    first = others[0]
    full = f"{first.name.name}.{first.namespace}.svc.{mesh_domain}"
    if "." not in written:
        why = f"it is short for {host}, in the namespace of the object"
    elif written.partition(".")[2] == first.namespace:
        why = f"with a dot it is read as it stands, and not as {full}"
    elif written.startswith(f"{first.name.name}.{first.namespace}."):
        why = f"names of Services end with {mesh_domain}"
    else:
        why = "it is in another namespace"
    named = ", ".join(str(each.name) for each in others[:_SHOWN])
    return Meant(
        tuple(others[:_SHOWN]),
        f"{origin.name} sends to {written}: {why}. The files have {named} alone.",
        (
            Proof(str(origin.name), "destination.host", written, f"{why}; no Service is so called"),
            *(
                Proof(str(each.name), "metadata.namespace", each.namespace, "is among the files")
                for each in others[:_SHOWN]
            ),
        ),
        name_destination(origin.name, full, _port(cluster)),
    )


def _hosts(origin: MeshObject) -> Iterator[str]:
    """Yield the hosts of the destinations of a VirtualService."""
    for rule in dicts(origin.spec.get("http")):
        for each in dicts(rule.get("route")):
            destination = each.get("destination")
            host = destination.get("host") if isinstance(destination, dict) else None
            if isinstance(host, str):
                yield host


def _port(cluster: str) -> int | None:
    number = cluster.split("|")[1]
    return int(number) if number.isdecimal() else None
