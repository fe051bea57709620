"""A real Envoy with listeners of a test, each on a free port of this machine."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab.envoy_config import EXTENSIONS
from lab.envoy_process import envoy_binary

_PATIENCE_S = 20.0
_ADDRESS = "127.0.0.1"


def listener(name: str, chains: list[dict[str, Any]], **settings: Any) -> dict[str, Any]:
    """Return a listener on any free port."""
    return {
        "name": name,
        "address": {"socket_address": {"address": _ADDRESS, "port_value": 0}},
        "filter_chains": chains,
        **settings,
    }


def extension(name: str, type_name: str, **settings: Any) -> dict[str, Any]:
    """Return a filter of any kind."""
    return {"name": name, "typed_config": {"@type": f"{EXTENSIONS}.{type_name}", **settings}}


@contextmanager
def judging_envoy(
    folder: Path, listeners: list[dict[str, Any]], clusters: list[dict[str, Any]]
) -> Iterator[dict[str, int]]:
    """Run an Envoy until its logs are written; give the port of each listener by its name.

    Its dump is in ``config_dump.json``.
    """
    admin = {"address": _ADDRESS, "port_value": 0}
    config = {
        "admin": {"address": {"socket_address": admin}},
        "static_resources": {"listeners": listeners, "clusters": clusters},
    }
    (folder / "bootstrap.json").write_text(json.dumps(config))
    with (
        (folder / "envoy.log").open("wb") as log,
        subprocess.Popen(
            [
                envoy_binary(), "-c", "bootstrap.json", "--concurrency", "1", "-l", "warning",
                "--disable-hot-restart", "--admin-address-path", "admin.txt",
                "--file-flush-interval-msec", "50",
            ],
            stdout=log,
            stderr=log,
            cwd=folder,
        ) as process,
    ):  # fmt: skip
        try:
            ports = _ports(folder, process, len(listeners))
            (folder / "config_dump.json").write_bytes(_admin(folder, "config_dump"))
            yield ports
        finally:
            process.terminate()
            process.wait(timeout=_PATIENCE_S)


def _ports(folder: Path, process: subprocess.Popen[bytes], expected: int) -> dict[str, int]:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            _admin(folder, "ready")
            statuses = json.loads(_admin(folder, "listeners?format=json"))["listener_statuses"]
        except (OSError, KeyError):
            statuses = []
        if len(statuses) == expected:
            return {
                each["name"]: each["local_address"]["socket_address"]["port_value"]
                for each in statuses
            }
        time.sleep(0.05)
    raise RuntimeError((folder / "envoy.log").read_text()[-3000:])


def _admin(folder: Path, page: str) -> bytes:
    address = (folder / "admin.txt").read_text()
    with urllib.request.urlopen(f"http://{address}/{page}", timeout=5) as answer:
        content: bytes = answer.read()
        return content
