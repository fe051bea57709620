"""Whether a TLS server lacks its certificate, as far as it is known which Secrets there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.mesh.diagnosis.objects import GATEWAY_API
from envoylogs.mesh.explanation import Diagnosis, Now, Proof

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from envoylogs.mesh.diagnosis.objects import Objects
    from envoylogs.mesh.intent.values import Server

_SHOWN = 5
_SCHEME = "kubernetes://"


def explained_credential(
    shown: str, servers: Iterable[Server], objects: Objects
) -> Diagnosis | None:
    """Return what is said of a connection whose server's Secret is not known; null if all are.

    A listener of Istio's own Gateways waits for its certificate up to 15 seconds, in which the one
    before it goes on and refuses the name; then it takes the name, and handshakes fail, which no
    log has. A listener of the Gateway API is not programmed without it, by its status.

    Args:
        shown: The server name of the connection, in words.
        servers: The TLS servers that accept it.
        objects: What was given.
    """
    for server in servers:
        for missing in missing_secrets(server, objects.credentials, objects.intent.namespace):
            return _of_secret(shown, server, missing, objects)
    return None


def missing_secrets(
    server: Server, known: Collection[str] | None, namespace: str | None
) -> Iterator[str]:
    """Yield the full names of the Secrets of a server that are not among those known.

    Nothing is known of a namespace of which no Secret was given, unless a proxy said which it has.

    Args:
        server: One with TLS.
        known: Names of Secrets, as ``Configuration.credentials``.
        namespace: Of the gateway's pods, where Istio looks for them; null where it is not known,
            so that the Gateway's own is meant unless another one has it.
    """
    for written in server.credentials:
        missing = _missing(written, server, known, namespace)
        if missing is not None:
            yield missing


def _missing(
    written: str, server: Server, known: Collection[str] | None, namespace: str | None
) -> str | None:
    name = written.removeprefix(_SCHEME)
    if known is None or "://" in name:
        return None
    full = name if "/" in name else f"{namespace or server.gateway.namespace}/{name}"
    bare = full.rpartition("/")[2]
    if full in known or (bare in known and "/" not in name):
        return None
    is_open = namespace is None and "/" not in name
    if is_open and any(each.endswith(f"/{bare}") for each in known):
        # The gateway's pods may be in the namespace of that one.
        return None
    of_namespace = any(each.partition("/")[0] == full.partition("/")[0] for each in known)
    return full if of_namespace or _is_dumped(known) else None


def _is_dumped(known: Iterable[str]) -> bool:
    """Tell whether a proxy said which Secrets it has: it knows those of its own by name alone."""
    return any("/" not in each for each in known)


def _of_secret(shown: str, server: Server, secret: str, objects: Objects) -> Diagnosis:
    known = sorted(objects.credentials or ())
    is_dumped = _is_dumped(known)
    whose = "the gateway has" if is_dumped else "are given"
    field = "tls.certificateRefs" if server.gateway.group == GATEWAY_API else "tls.credentialName"
    part = "listeners" if server.gateway.group == GATEWAY_API else "servers"
    listed = ", ".join(known[:_SHOWN]) or "(none)"
    more = f" and {len(known) - _SHOWN:,} more" if len(known) > _SHOWN else ""
    return Diagnosis(
        "credential_missing",
        "proved" if is_dumped else "likely",
        f"{server.gateway} takes {shown} with the certificate of Secret {secret}, which is not "
        f"among the Secrets that {whose}.",
        (
            Proof(str(server.gateway), f"{part}[{server.index}].{field}",
                  ", ".join(server.credentials), f"means Secret {secret}"),
            Proof("Secrets", "metadata.name", f"{listed}{more}", f"none is {secret}"),
        ),
        (server.gateway,),
        None,
        Now(routed=False, why=f"a listener without its certificate, {secret}, takes no effect"),
    )  # fmt: skip
