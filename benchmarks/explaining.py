"""How long ``explain`` takes where many hosts and paths have no route and many objects are given.

``python -m benchmarks.explaining`` writes a log in which no host and path stands twice and
VirtualServices for half of its hosts, and runs the program on them in a process of its own: a
Gateway that accepts most hosts, paths that none of a host's rules takes, hosts that no
VirtualService lists, and strangers.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

_KIB = 1024
_DOMAINS = 50
_NAMESPACES = 100
_UNLISTED = 7_000

_RECORD: dict[str, Any] = {
    "bytes_received": 0,
    "bytes_sent": 0,
    "downstream_local_address": "10.20.9.31:8080",
    "downstream_remote_address": "10.20.4.17:51022",
    "duration": 0,
    "method": "GET",
    "protocol": "HTTP/1.1",
    "requested_server_name": None,
    "response_code": 404,
    "response_code_details": "route_not_found",
    "response_flags": "NR",
    "route_name": None,
    "upstream_cluster": None,
    "upstream_host": None,
    "user_agent": "curl/8.0.1",
}


def _host(number: int) -> str:
    return f"host{number}.shop{number % _DOMAINS}.example.com"


def records(pairs: int, services: int) -> Iterator[dict[str, Any]]:
    """Yield requests without a route: two of five for a host that a VirtualService lists."""
    for number in range(pairs):
        host = (
            _host(number % services),
            _host(number % services),
            f"scan{number}.net",
            f"x{number % _UNLISTED}.shop{number % _DOMAINS}.example.com",
            f"host{number % services}.example.org",
        )[number % 5]
        minute, second = number // 60 % 60, number % 60
        yield {
            **_RECORD,
            "authority": host,
            "path": f"/v{number}/x/{number * 7}",
            "start_time": f"2026-11-01T09:{minute:02}:{second:02}.101Z",
            "request_id": f"r{number}",
        }


def objects(services: int) -> Iterator[dict[str, Any]]:
    """Yield a Gateway and so many VirtualServices that are bound to it."""
    yield {
        "apiVersion": "networking.istio.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "edge", "namespace": "istio-system"},
        "spec": {
            "selector": {"istio": "ingressgateway"},
            "servers": [
                {
                    "port": {"number": 80, "name": "http", "protocol": "HTTP"},
                    "hosts": ["*.example.com", "*.example.org"],
                }
            ],
        },
    }
    for number in range(services):
        route = [{"destination": {"host": f"service{number}", "port": {"number": 80}}}]
        taken = [{"uri": {"prefix": f"/api/{number}"}}, {"uri": {"exact": "/healthz"}}]
        yield {
            "apiVersion": "networking.istio.io/v1",
            "kind": "VirtualService",
            "metadata": {"name": f"shop{number}", "namespace": f"team-{number % _NAMESPACES}"},
            "spec": {
                "hosts": [_host(number)],
                "gateways": ["istio-system/edge"],
                "http": [
                    {"match": taken, "route": route},
                    {"match": [{"uri": {"regex": "/user/[0-9]+/.*"}}], "route": route},
                ],
            },
        }


def main() -> None:
    """Write the files and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--services", type=int, default=5_000)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        log, mesh = Path(folder) / "gateway.log", Path(folder) / "mesh.yaml"
        with log.open("wb") as file:
            for record in records(given.pairs, given.services):
                file.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
        with mesh.open("w") as text:
            yaml.dump_all(objects(given.services), text, Dumper=yaml.CSafeDumper, sort_keys=False)
        arguments = ["explain", str(log), "--config", str(mesh), "-f", "json"]
        for _ in range(given.runs):
            for more in ((), ("--max-names", str(given.pairs * 2))):
                _measure([*arguments, *more], "all names" if more else "names folded")


def _measure(arguments: list[str], what: str) -> None:
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-m", "envoylogs", *arguments], check=True, capture_output=True)
    seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    # The peak of children is that of the largest so far.
    peak = used.ru_maxrss / _KIB
    print(f"{what}: {seconds:.1f} s, {processor:.1f} s of processor time, at most {peak:.0f} MiB")


if __name__ == "__main__":
    main()
