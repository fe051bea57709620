"""The files that configure a gateway.

Envoy reads listeners and route tables from files of its folder and takes a
change of them without a restart, as it takes one from Istio's control plane.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lab.envoy_config import EXTENSIONS, Config
from lab.listeners import Layout, listeners, route_tables

if TYPE_CHECKING:
    from pathlib import Path

    from lab.gateway import Gateway

__all__ = ["OVERLOADED", "bootstrap", "write_discovery", "write_pressure"]

OVERLOADED = "stop_accepting_requests"
"""What a gateway does under pressure."""

_PRESSURE = "envoy.resource_monitors.injected_resource"
_LISTENERS = "listeners"
_ROUTES = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"


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
        "overload_manager": {
            "refresh_interval": "0.1s",
            "resource_monitors": [
                {
                    "name": _PRESSURE,
                    "typed_config": {
                        "@type": f"{EXTENSIONS}.resource_monitors.injected_resource.v3"
                        ".InjectedResourceConfig",
                        "filename": f"./{gateway.pressure.name}",
                    },
                }
            ],
            "actions": [
                {
                    "name": f"envoy.overload_actions.{OVERLOADED}",
                    "triggers": [{"name": _PRESSURE, "threshold": {"value": 0.9}}],
                }
            ],
        },
    }


def write_pressure(gateway: Gateway, pressure: float) -> None:
    """Write how much of its memory a gateway is to believe in use, from 0 to 1."""
    _move_to(gateway.pressure, f"{pressure}\n")


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
        _move_to(path, json.dumps(answer, indent=1))
        changed.add(name)
    return changed


def _move_to(path: Path, content: str) -> None:
    """Write a file that Envoy watches: it sees what is moved to the path, and nothing else."""
    partial = path.with_suffix(".partial")
    partial.write_text(content)
    partial.replace(path)
