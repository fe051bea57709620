"""What a message says about records inside other objects works as it is printed, by the real jq."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.builders import line, record

_CRI = "2026-01-02T03:04:05.678901234Z stdout F "
_COMMAND = f"{sys.executable} -m envoylogs"

pytestmark = pytest.mark.skipif(
    shutil.which("jq") is None and "CI" not in os.environ, reason="needs jq"
)


def _record(path: str = "/cart") -> dict[str, Any]:
    return record(path=path)


def _text(path: str = "/cart") -> str:
    return line(record(path=path)).decode()


def _shell(line: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = ["/bin/sh", "-c", line]
    found = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert found.returncode == code, found.stderr
    return found


@pytest.mark.parametrize(
    "wrapped",
    [
        {"log": _CRI + _text(), "kubernetes": {"pod_name": "gw"}},
        {"@timestamp": "x", "@message": _text()},
        {"insertId": "a", "jsonPayload": _record(), "resource": {"labels": {}}},
        {"_index": "f", "_source": {"message": _text(), "kubernetes": {"pod_name": "gw"}}},
        {"hits": {"hits": [{"_source": {"it's": _text()}}, {"_source": {"it's": _text()}}]}},
        [{"jsonPayload": _record()}, {"jsonPayload": _record()}],
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_the_advice_reads_the_records(
    wrapped: object, indent: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a b.log").write_text(json.dumps(wrapped, indent=indent) + "\n", encoding="utf-8")

    failed = _shell(f"{_COMMAND} 'a b.log'", code=1)
    advice = re.search(r"Take them out: (jq .*) \| envoylogs\n", failed.stderr)
    assert advice is not None, failed.stderr
    read = _shell(f"{advice[1]} | {_COMMAND} --format json")

    found = json.loads(read.stdout)
    assert found["accounts"]["records"] == json.dumps(wrapped).count("/cart")
    assert found["by"]["authority"][0]["authority"] == "shop.example.com"
