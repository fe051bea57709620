"""How long a large dump of a proxy takes to read, and how much memory.

``python -m benchmarks.mesh_dumps`` writes the dump of a gateway with very many hosts, as
Envoy's ``/config_dump`` prints it, and a list of objects as ``kubectl get -o yaml`` does. Each is
read in a process of its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import yaml

from envoylogs.mesh.documents import read_configuration

if TYPE_CHECKING:
    from collections.abc import Iterable

_SUBSETS = ("v1", "v2")
_ROUTES_PER_HOST = 5
_KIB = 1024
_LOADERS = ("read_configuration", "json", "yaml")


def virtual_host(number: int) -> dict[str, Any]:
    """Return a virtual host as a gateway has it for one VirtualService."""
    namespace = f"team-{number % 50}"
    name = f"shop-{number}"
    cluster = f"outbound|80|{{}}|{name}.{namespace}.svc.cluster.local"
    config = f"/apis/networking.istio.io/v1alpha3/namespaces/{namespace}/virtual-service/{name}"
    routes = [
        {
            "match": {"prefix": f"/api/v{path}/", "case_sensitive": True},
            "route": {
                "weighted_clusters": {
                    "clusters": [
                        {"name": cluster.format(subset), "weight": 50} for subset in _SUBSETS
                    ]
                },
                "timeout": "0s",
                "retry_policy": {
                    "retry_on": "connect-failure,refused-stream,unavailable,cancelled",
                    "num_retries": 2,
                    "retry_host_predicate": [
                        {"name": "envoy.retry_host_predicates.previous_hosts"}
                    ],
                    "host_selection_retry_max_attempts": "5",
                },
                "max_grpc_timeout": "0s",
            },
            "metadata": {"filter_metadata": {"istio": {"config": config}}},
            "decorator": {"operation": f"{name}.{namespace}.svc.cluster.local:80/api/v{path}/*"},
        }
        for path in range(_ROUTES_PER_HOST)
    ]
    host = f"{name}.example.com"
    return {
        "name": f"{host}:80",
        "domains": [host, f"{host}:*"],
        "routes": routes,
        "include_request_attempt_count": True,
    }


def cluster(number: int) -> dict[str, Any]:
    """Return a cluster of such a dump."""
    name = f"outbound|80|v1|shop-{number}.team-{number % 50}.svc.cluster.local"
    return {
        "version_info": "2026-01-01T00:00:00Z/1",
        "cluster": {
            "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
            "name": name,
            "type": "EDS",
            "eds_cluster_config": {"eds_config": {"ads": {}}, "service_name": name},
            "connect_timeout": "10s",
            "circuit_breakers": {"thresholds": [{"max_connections": 4294967295}]},
            "transport_socket": {"name": "envoy.transport_sockets.tls"},
        },
        "last_updated": "2026-01-01T00:00:00.000Z",
    }


def write_dump(path: Path, hosts: int) -> None:
    """Write the dump of a gateway with so many hosts."""
    table = {
        "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
        "name": "http.8080",
        "virtual_hosts": [virtual_host(number) for number in range(hosts)],
    }
    dump = {
        "configs": [
            {
                "@type": "type.googleapis.com/envoy.admin.v3.ClustersConfigDump",
                "dynamic_active_clusters": [cluster(number) for number in range(hosts)],
            },
            {
                "@type": "type.googleapis.com/envoy.admin.v3.RoutesConfigDump",
                "dynamic_route_configs": [{"version_info": "1", "route_config": table}],
            },
        ]
    }
    path.write_bytes(orjson.dumps(dump, option=orjson.OPT_INDENT_2))


def objects(count: int) -> Iterable[dict[str, Any]]:
    """Yield so many VirtualServices as ``kubectl`` prints them."""
    for number in range(count):
        name, namespace = f"shop-{number}", f"team-{number % 50}"
        yield {
            "apiVersion": "networking.istio.io/v1",
            "kind": "VirtualService",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "creationTimestamp": "2026-01-01T00:00:00Z",
                "managedFields": [
                    {
                        "manager": "kubectl-client-side-apply",
                        "operation": "Update",
                        "time": "2026-01-02T00:00:00Z",
                        "fieldsType": "FieldsV1",
                        "fieldsV1": {"f:spec": {".": {}, "f:hosts": {}, "f:http": {}}},
                    }
                ],
            },
            "spec": {
                "hosts": [f"{name}.example.com"],
                "gateways": ["istio-system/public"],
                "http": [
                    {
                        "match": [{"uri": {"prefix": f"/api/v{path}/"}}],
                        "route": [
                            {
                                "destination": {"host": name, "subset": subset},
                                "weight": 50,
                            }
                            for subset in _SUBSETS
                        ],
                    }
                    for path in range(_ROUTES_PER_HOST)
                ],
            },
        }


def write_objects(path: Path, count: int) -> None:
    """Write a list of so many objects."""
    given = {"apiVersion": "v1", "items": list(objects(count)), "kind": "List"}
    with path.open("w") as file:
        yaml.dump(given, file, Dumper=yaml.CSafeDumper, sort_keys=False)


def main() -> None:
    """Write the files and measure, or read one file and print what that took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=30_000)
    parser.add_argument("--objects", type=int, default=5_000)
    parser.add_argument("--read", type=Path, help="only read this file, and say what it took")
    parser.add_argument("--with", dest="loader", choices=_LOADERS, default=_LOADERS[0])
    given = parser.parse_args()
    if given.read is not None:
        _measure(given.read, given.loader)
        return
    with tempfile.TemporaryDirectory() as folder:
        dump, listed = Path(folder) / "dump.json", Path(folder) / "objects.yaml"
        for path, write, count, whole in (
            (dump, write_dump, given.hosts, "json"),
            (listed, write_objects, given.objects, "yaml"),
        ):
            # A process is said to have needed what the one had that started it.
            writing = multiprocessing.get_context("spawn").Process(target=write, args=(path, count))
            writing.start()
            writing.join()
            for loader in (_LOADERS[0], whole):
                command: list[str] = [
                    sys.executable,
                    "-m",
                    "benchmarks.mesh_dumps",
                    "--read",
                    str(path),
                    "--with",
                    loader,
                ]
                subprocess.run(command, check=True)


def _measure(path: Path, loader: str) -> None:
    start = time.perf_counter()
    if loader == "json":
        orjson.loads(path.read_bytes())
    elif loader == "yaml":
        yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
    else:
        read_configuration([str(path)])
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIB
    size = path.stat().st_size / _KIB / _KIB
    print(f"{path.name} {size:.0f} MiB by {loader}: {seconds:.2f} s, peak {peak:.0f} MiB")


if __name__ == "__main__":
    main()
