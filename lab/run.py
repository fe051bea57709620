"""Run gateways and upstreams, tell a story, keep the logs and what was counted.

``python -m lab.run STORY -o FOLDER``
"""

from __future__ import annotations

import argparse
import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trustme

from lab.client import Client
from lab.clusters import AGENT, NOBODY, SILENT, Service, clusters
from lab.envoy_process import running_gateway
from lab.gateway import Gateway
from lab.listeners import ANY_NAME
from lab.stories import STORIES
from lab.story import Lab
from lab.upstreams import UPSTREAM_PORT, running_upstreams

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["run_story"]

_FIRST_GATEWAY, _LOAD_BALANCER, _AGENT, _FIRST_UPSTREAM = 2, 8, 10, 11
_DEAD_ADDRESS = (9, 9)
"""The last part of an address and the port; the port is that of discard, where nobody listens."""


def run_story(
    name: str, folder: Path, *, seed: int = 1, scale: float = 1.0, network: str = "127.0.0"
) -> dict[str, Any]:
    """Tell a story and return its manifest, which is written too.

    Args:
        name: One of ``STORIES``.
        folder: Where logs, route tables and the manifest go.
        seed: Of the traffic.
        scale: Less than 1 for a smaller and shorter one.
        network: The first three parts of all loopback addresses that are used.
    """
    story = STORIES[name]
    folder.mkdir(parents=True, exist_ok=True)
    for old in (*folder.glob("*.log"), *folder.glob("*.json")):
        old.unlink()
    _write_identity(folder, story.layout.tls)
    addresses = _addresses(story.services, network)
    grpc = frozenset(
        name
        for service in story.services
        if service.http2 != service.misnamed
        for name in service.upstreams
    )
    with ExitStack() as stack:
        received = stack.enter_context(running_upstreams(addresses, grpc=grpc))
        config = clusters(story.services, addresses)
        gateways = tuple(
            stack.enter_context(
                running_gateway(
                    Gateway(f"gateway-{n + 1}", f"{network}.{_FIRST_GATEWAY + n}", folder),
                    story.layout,
                    config,
                )
            )
            for n in range(story.gateways)
        )
        client = Client(folder / "ca.pem", f"{network}.{_LOAD_BALANCER}")
        stack.callback(client.close)
        lab = Lab(client, gateways, seed, scale)
        story.tell(lab)
        for gateway in gateways:
            path = folder / f"{gateway.gateway.name}.routes.json"
            path.write_text(json.dumps(gateway.routes(), indent=1) + "\n")
    manifest = {
        "story": name,
        "seed": seed,
        "changes": lab.changes,
        "codes": _by_host(client),
        "connections": dict(sorted(client.connections.items())),
        "clusters": {s.cluster: list(s.upstreams) for s in story.services},
        "received": {name: received[name] for name in addresses if name not in (NOBODY, SILENT)},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    return manifest


def _by_host(client: Client) -> dict[str, dict[str, int]]:
    """Return what the client counted, as JSON has it: the code is a string."""
    found: dict[str, dict[str, int]] = {}
    for (host, code), n in sorted(client.codes.items()):
        found.setdefault(host, {})[str(code)] = n
    return found


def _write_identity(folder: Path, server_names: Iterable[str]) -> None:
    """Write a certificate authority, and a certificate of it for some names."""
    names = [name for name in server_names if name != ANY_NAME]
    authority = trustme.CA()
    identity = authority.issue_cert(*(names or ("localhost",)))
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    identity.cert_chain_pems[0].write_to_path(str(folder / "tls.pem"))
    identity.private_key_pem.write_to_path(str(folder / "tls.key"))


def _addresses(services: Iterable[Service], network: str) -> dict[str, tuple[str, int]]:
    """Return an address for each upstream, as pods have one each."""
    names = dict.fromkeys(name for service in services for name in service.upstreams)
    listening = [name for name in names if name != NOBODY]
    found = {
        name: (f"{network}.{_FIRST_UPSTREAM + n}", UPSTREAM_PORT)
        for n, name in enumerate(listening)
    }
    found[AGENT] = (f"{network}.{_AGENT}", UPSTREAM_PORT)
    found[NOBODY] = (f"{network}.{_DEAD_ADDRESS[0]}", _DEAD_ADDRESS[1])
    return found


def main() -> None:
    """Tell one story from the command line."""
    parser = argparse.ArgumentParser(prog="python -m lab.run", description=__doc__)
    parser.add_argument("story", choices=sorted(STORIES))
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0)
    arguments = parser.parse_args()
    run_story(arguments.story, arguments.output, seed=arguments.seed, scale=arguments.scale)


if __name__ == "__main__":
    main()
