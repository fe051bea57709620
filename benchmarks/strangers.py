"""A log in which strangers choose the names, for the limits of memory.

Every other request is a scanner's, for a host that nobody else asks for; most
of the others are sent to a cluster of their own, as a route by header does it;
the rest are ordinary. Each has its own path and user agent. The same arguments
give the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["KNOWN_HOSTS", "ORDINARY_EVERY", "lines", "write"]

KNOWN_HOSTS = tuple(f"shop-{number}.example.com" for number in range(50))
ORDINARY_EVERY = 40

_SCANNED = {
    "response_code": 404, "response_code_details": "route_not_found", "response_flags": "NR",
    "upstream_cluster": None, "upstream_host": None, "upstream_service_time": None,
}  # fmt: skip
_NO_CLUSTER = {
    "response_code": 503, "response_code_details": "cluster_not_found", "response_flags": "NC",
    "upstream_host": None, "upstream_service_time": None,
}  # fmt: skip
_SERVED = {
    "response_code": 200, "response_code_details": "via_upstream", "response_flags": "-",
    "upstream_cluster": "outbound|80||shop.shop.svc.cluster.local",
    "upstream_host": "192.0.2.33:8080",
}  # fmt: skip


def _record(number: int) -> dict[str, object]:
    """Return one record; ``shop-`` hosts are routed, ``scan-`` hosts never."""
    seconds, milliseconds = divmod(number * 5, 1000)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    known = KNOWN_HOSTS[number // ORDINARY_EVERY % len(KNOWN_HOSTS)]
    record: dict[str, object] = {
        "authority": known,
        "bytes_received": 10,
        "bytes_sent": 100,
        "downstream_local_address": "192.0.2.10:8443",
        "downstream_remote_address": f"198.51.100.{number % 250}:40312",
        "duration": 1 + number % 997,
        "method": "GET",
        "path": f"/p{number}x/a",
        "protocol": "HTTP/1.1",
        "request_id": f"{number:032x}",
        "requested_server_name": None,
        "route_name": None,
        "start_time": f"2026-11-01T{hours:02}:{minute:02}:{second:02}.{milliseconds:03}Z",
        "upstream_service_time": str(number % 997),
        "user_agent": f"agent/{number}",
        "x_forwarded_for": None,
    }
    if number % 2 == 0:
        return record | _SCANNED | {"authority": f"scan-{number}.example.net"}
    if number % ORDINARY_EVERY == 1:
        return record | _SERVED
    return record | _NO_CLUSTER | {"upstream_cluster": f"outbound|80||c{number}.example.org"}


def lines(count: int) -> Iterator[bytes]:
    """Yield so many lines."""
    for number in range(count):
        yield orjson.dumps(_record(number)) + b"\n"


def write(path: Path, count: int) -> None:
    """Write so many lines to a file."""
    with path.open("wb") as out:
        out.writelines(lines(count))
