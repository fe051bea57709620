"""Commands that a finding suggests; a name from a log stands in one only if it is harmless there.

Clients choose names.
"""

from __future__ import annotations

import re

ENDPOINTS = "Look at the endpoints of the services"
"""What to look at where no command lists them."""

_ADDRESS = re.compile(r"\[?([0-9A-Fa-f:.]+?)\]?(?::\d+)?")


def is_plain(host: str) -> bool:
    """Tell host names that are safe inside a command."""
    return host.replace(".", "").replace("-", "").isalnum() and not host.startswith("-")


def endpoints_command(cluster: str | None) -> str:
    """Return the command that lists the endpoints of a Kubernetes service."""
    host = (cluster or "").rsplit("|", maxsplit=1)[-1]
    name, _, rest = host.partition(".")
    namespace = rest.split(".svc.")[0] if ".svc." in rest else ""
    if not namespace or not is_plain(host):
        return "Look at the endpoints of the service"
    return f"kubectl -n {namespace} get endpointslices -l kubernetes.io/service-name={name}"


def pods_command(upstream_host: str) -> str:
    """Return the command that finds a pod by its address; none for what is no address."""
    address = _ADDRESS.fullmatch(upstream_host)
    return f" (kubectl get pods -A -o wide | grep -F {address[1]})" if address else ""


def find_pod_command(gateway: str) -> str:
    """Return the command that finds a gateway by its pod or address; none for other names."""
    found = f" (kubectl get pods -A -o wide | grep -F {gateway})" if is_plain(gateway) else ""
    return found or pods_command(gateway)
