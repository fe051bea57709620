"""What the how-to pages have others start is what is there to be started."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

_PAGE = Path("docs/how-to/dask-kubernetes.md").read_text(encoding="utf-8")
_CLUSTER = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", _PAGE, re.DOTALL)[0])


@pytest.mark.parametrize("part", ["worker", "scheduler"])
def test_dask_has_the_options_that_its_pods_are_started_with(part: str) -> None:
    (container,) = _CLUSTER["spec"][part]["spec"]["containers"]
    program, command, *options = container["args"]

    said = subprocess.run(
        [sys.executable, "-m", program, command, "--help"], capture_output=True, check=True
    ).stdout.decode()

    assert command == part
    given = [word for word in options if word.startswith("--")]
    assert given
    assert all(f"{option} " in said or f"{option} /" in said for option in given), given


def test_the_service_reaches_the_scheduler() -> None:
    name = _CLUSTER["metadata"]["name"]
    service = _CLUSTER["spec"]["scheduler"]["service"]
    (container,) = _CLUSTER["spec"]["scheduler"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}

    assert service["selector"]["dask.org/cluster-name"] == name
    assert all(ports[port["targetPort"]] == port["port"] for port in service["ports"])
    assert f"svc/{name}-scheduler 8786:{ports['tcp-comm']}" in _PAGE
