"""What is not asked of a file takes no memory, and what is equal takes it once."""

from __future__ import annotations

import json
import tracemalloc
from typing import TYPE_CHECKING, Any

from envoylogs.mesh.documents import read_configuration

if TYPE_CHECKING:
    from pathlib import Path

    from envoylogs.mesh.configuration import Configuration

_HOSTS = 500
_UNASKED = {f"setting {number}": [number, {"value": str(number)}] for number in range(60)}


def _peak(path: Path) -> tuple[Configuration, int]:
    tracemalloc.start()
    try:
        return read_configuration([str(path)]), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_dump_is_decoded_a_part_at_a_time(tmp_path: Path) -> None:
    route = {"match": {"prefix": "/"}, "route": {"cluster": "c"}, "typed_per_filter_config": {}}
    hosts: list[dict[str, Any]] = [
        {"name": str(n), "domains": [f"{n}.com"], "routes": [route], "metadata": _UNASKED}
        for n in range(_HOSTS)
    ]
    path = tmp_path / "dump.json"
    path.write_text(json.dumps({"configs": [{"static_route_configs": [
        {"route_config": {"name": "x", "virtual_hosts": hosts}}]}]}))  # fmt: skip

    found, peak = _peak(path)

    assert len(found.tables[0].virtual_hosts) == _HOSTS
    assert peak < path.stat().st_size / 2


def test_a_list_of_objects_in_yaml_is_read_an_item_at_a_time(tmp_path: Path) -> None:
    items = [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": f"s{n}", "managedFields": [{"fieldsV1": _UNASKED}]},
            "spec": {"ports": [{"port": 80}]},
        }
        for n in range(_HOSTS // 5)
    ]
    path = tmp_path / "list.yaml"
    path.write_text(f"# YAML\n{json.dumps({'items': items, 'kind': 'List'}, indent=1)}")

    found, peak = _peak(path)

    assert len(found.objects) == len(items)
    # The text itself is read whole.
    assert peak < path.stat().st_size * 2.5
