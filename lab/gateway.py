"""One gateway: where it listens, where it writes, and the files that configure it.

Envoy reads listeners and route tables from files of its folder and takes a
change of them without a restart, as it takes one from Istio's control plane.
All paths are relative to that folder, so that no configuration names a machine.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.listeners import Layout, listeners, route_tables

if TYPE_CHECKING:
    from pathlib import Path

    from lab.routes import Config

__all__ = ["Gateway", "bootstrap", "write_discovery"]

_LISTENERS = "listeners"
_ROUTES = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"


@dataclass(frozen=True, slots=True)
class Gateway:
    """One gateway.

    Attributes:
        name: As in its file names.
        address: A loopback address of its own, so that logs tell gateways apart.
        folder: Where it runs and writes.
    """

    name: str
    address: str
    folder: Path

    @property
    def json_log(self) -> Path:
        """The JSON access log."""
        return self.folder / f"{self.name}.json.log"

    @property
    def text_log(self) -> Path:
        """The TEXT access log."""
        return self.folder / f"{self.name}.text.log"

    @property
    def envoy_log(self) -> Path:
        """What Envoy says of itself."""
        return self.folder / f"{self.name}.envoy.log"

    @property
    def admin_address(self) -> Path:
        """Where Envoy says on which port its admin page is."""
        return self.folder / f"{self.name}.admin"

    def discovery(self, name: str) -> str:
        """Return the file of the listeners or of a route table, relative to the folder."""
        # Envoy watches no path without a slash.
        return f"./{self.name}.{name}.json"


def bootstrap(gateway: Gateway, clusters: list[Config]) -> Config:
    """Return what Envoy starts with; listeners and routes come from files."""
    # Any free port: on a fixed one the gateway of another run might answer.
    admin = {"address": gateway.address, "port_value": 0}
    return {
        "node": {"id": gateway.name, "cluster": "istio-ingressgateway"},
        "admin": {"address": {"socket_address": admin}},
        "dynamic_resources": {
            "lds_config": {"path_config_source": {"path": gateway.discovery(_LISTENERS)}}
        },
        "static_resources": {"clusters": clusters},
    }


def write_discovery(gateway: Gateway, layout: Layout, version: int) -> set[str]:
    """Write the files that differ from a layout; return the names that Envoy will take anew.

    Args:
        gateway: Whose.
        layout: What it is to serve.
        version: Of this change.

    Returns:
        Names of route tables, and ``listeners``.
    """
    tables = {name: [{"@type": _ROUTES, **table}] for name, table in route_tables(layout).items()}
    changed = set()
    # Listeners come last: a new one needs its table.
    for name, resources in {**tables, _LISTENERS: listeners(gateway, layout)}.items():
        path = gateway.folder / gateway.discovery(name)
        if path.exists() and json.loads(path.read_text())["resources"] == resources:
            continue
        answer = {"version_info": str(version), "resources": resources}
        # Envoy watches for files that are moved to the path, and for nothing else.
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(answer, indent=1))
        partial.replace(path)
        changed.add(name)
    return changed
