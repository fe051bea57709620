"""A case for each cause, the nearest configuration in which it must not be said, and the change.

A folder holds ``log.jsonl``, what the gateway was told (``config.yaml``, ``routes.json``,
``listeners.json``), the same with one thing right (``harmless.*``, in place of the file of that
format; of a cause that no configuration decides it is the log), and ``expected.json``: what must
be said of the first, never, and of the second.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.applied_changes import with_change
from tests.program import run

from envoylogs.mesh.causes import CAUSE_KINDS

_FOLDER = Path(__file__).parents[1] / "cases" / "explain"
_CASES = sorted(path.parent for path in _FOLDER.glob("*/*/expected.json"))
_IN_WHOLE = ("host", "host_kind", "outcome", "certainty", "requests", "paths", "server_names")

each_case = pytest.mark.parametrize(
    "folder", _CASES, ids=[str(each.relative_to(_FOLDER)) for each in _CASES]
)


def _expected(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "expected.json").read_text())
    return found


def _given(folder: Path) -> list[Path]:
    return [
        path for name in ("config.yaml", "routes.json", "listeners.json", "clusters.json")
        if (path := folder / name).exists()
    ]  # fmt: skip


def _explained(log: Path, given: list[Path]) -> tuple[dict[str, Any], str]:
    """Return what is said of the log's first host, and all that is printed."""
    options = [word for path in given for word in ("--config", path)]
    found = run("explain", log, *options, "--format", "json")
    assert found.returncode == 0, found.stderr.decode()
    printed = found.stdout.decode()
    explanation: dict[str, Any] = json.loads(printed)["explanations"][0]
    return explanation, printed


def _names(explanation: dict[str, Any]) -> list[str]:
    return [f"{each['kind']} {each['namespace']}/{each['name']}" for each in explanation["objects"]]


def _remarks(printed: str) -> set[tuple[str, str]]:
    """Return codes and objects of what is odd in the configuration, whatever the log says."""
    remarks = json.loads(printed)["configuration"]["remarks"]
    return {(each["code"], each["object"]) for each in remarks}


def _check(explanation: dict[str, Any], expected: dict[str, Any]) -> None:
    assert explanation["cause"] == expected["cause"], explanation["says"]
    for name in _IN_WHOLE:
        if name in expected:
            assert explanation[name] == expected[name], explanation["says"]
    for text in expected.get("says", ()):
        assert text in explanation["says"]
    for text in expected.get("proof", ()):
        assert any(text in " ".join(step.values()) for step in explanation["proof"]), text
    if "objects" in expected:
        assert _names(explanation)[: len(expected["objects"])] == expected["objects"]
    if "change" in expected:
        change = explanation["change"]
        assert (change and change["yaml"]) == expected["change"]
    for name, value in expected.get("now", {}).items():
        assert (explanation["now"] or {}).get(name) == value, explanation["now"]


@each_case
def test_the_cause_is_said_with_its_objects_and_the_change(folder: Path) -> None:
    expected = _expected(folder)

    explanation, printed = _explained(folder / "log.jsonl", _given(folder))

    _check(explanation, expected["explanation"])
    for text in expected["must_not_say"]:
        assert text not in printed
    assert _remarks(printed) >= {tuple(each) for each in expected.get("remarks", ())}


@each_case
def test_the_nearest_harmless_configuration_is_not_blamed(folder: Path) -> None:
    expected = _expected(folder)
    harmless = {path.suffix: path for path in folder.glob("harmless.*")}
    assert harmless
    given = [harmless.get(path.suffix, path) for path in _given(folder)]

    explanation, printed = _explained(harmless.get(".jsonl", folder / "log.jsonl"), given)

    if "remarks" in expected:
        assert _remarks(printed).isdisjoint(tuple(each) for each in expected["remarks"])
    assert expected["harmless"]["cause"] != folder.parent.name
    _check(explanation, expected["harmless"])


@each_case
def test_the_change_cures_it(folder: Path, tmp_path: Path) -> None:
    expected = _expected(folder)
    change = expected["explanation"]["change"]
    if change is None or not (folder / "config.yaml").exists():
        assert "after_the_change" not in expected
        return
    explanation, _ = _explained(folder / "log.jsonl", _given(folder))
    changed = tmp_path / "config.yaml"
    changed.write_text(with_change((folder / "config.yaml").read_text(), explanation["change"]))

    after, _ = _explained(
        folder / "log.jsonl",
        [changed if path.name == "config.yaml" else path for path in _given(folder)],
    )

    assert yaml.safe_load(change)
    cured = expected["after_the_change"]
    assert after["cause"] == cured.get("cause", "routed_now"), after["says"]
    _check(after, {"cause": after["cause"], "now": {
        key: value for key, value in cured.items() if key != "cause"
    }})  # fmt: skip


def test_every_cause_has_a_case() -> None:
    assert {folder.parent.name for folder in _CASES} == {kind.code for kind in CAUSE_KINDS}


def test_every_case_says_what_it_is_for() -> None:
    assert all(_expected(folder)["note"] for folder in _CASES)
