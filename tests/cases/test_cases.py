"""Whole-program cases: each TOML file is arguments, input and what must come out.

In the environment and in what comes out, ``{folder}`` is the working directory.
"""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from tests.program import run

_FOLDER = Path(__file__).parent
_CASES = sorted(_FOLDER.glob("*.toml"))


def _value_at(document: Any, path: str) -> Any:
    """Return what stands at a path such as ``by.authority.0.requests``; ``#`` is the length."""
    for step in path.split("."):
        if step == "#":
            document = len(document)
        else:
            document = document[int(step)] if isinstance(document, list) else document[step]
    return document


def _run(case: dict[str, Any], folder: Path) -> subprocess.CompletedProcess[bytes]:
    texts = {name: text.encode() for name, text in case.get("files", {}).items()}
    packed = {name: bytes.fromhex(number) for name, number in case.get("hex_files", {}).items()}
    for name, data in (texts | packed).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    environment = {
        name: value.replace("{folder}", str(folder))
        for name, value in case.get("environment", {}).items()
    }
    return run(
        *case["arguments"],
        folder=folder,
        pipe=case.get("input", "").encode(),
        environment=environment,
    )


@pytest.mark.parametrize("path", _CASES, ids=lambda path: path.stem)
def test_case(path: Path, tmp_path: Path) -> None:
    case = tomllib.loads(path.read_text(encoding="utf-8"))

    found = _run(case, tmp_path)

    output, errors = (
        printed.decode().replace(str(tmp_path), "{folder}")
        for printed in (found.stdout, found.stderr)
    )
    assert found.returncode == case.get("exit", 0), errors
    assert "Traceback" not in errors
    for text in case.get("output_has", []):
        assert text in output
    for text in case.get("output_lacks", []):
        assert text not in output
    for pattern in case.get("errors_match", []):
        assert re.search(pattern, errors), errors
    if "output" in case:
        assert output == case["output"]
    if "json" in case:
        document = json.loads(output)
        for place, expected in case["json"].items():
            assert _value_at(document, place) == expected, place
    for name, text in case.get("files_after", {}).items():
        assert (tmp_path / name).read_text(encoding="utf-8") == text


def test_every_case_says_what_it_is_for() -> None:
    notes = [tomllib.loads(path.read_text(encoding="utf-8")).get("note") for path in _CASES]

    assert len(_CASES) >= 25
    assert all(notes)
