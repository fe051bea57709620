"""The wheel by itself: built, installed without development tools, and run."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]


def test_the_wheel_runs_without_development_dependencies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It would find the source in the place of the wheel.
    monkeypatch.delenv("PYTHONPATH", raising=False)
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", tmp_path, _ROOT],
        check=True,
    )
    wheel = next(tmp_path.glob("*.whl"))
    venv.create(tmp_path / "venv", with_pip=True)
    bin_folder = tmp_path / "venv" / "bin"
    subprocess.run([bin_folder / "pip", "install", "--quiet", wheel], check=True)

    version = subprocess.run(
        [bin_folder / "envoylogs", "--version"], capture_output=True, text=True, check=True
    )
    summary = subprocess.run(
        [bin_folder / "envoylogs", "summarize", _ROOT / "sample_logs" / "article"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    page = subprocess.run(
        [bin_folder / "envoylogs", "help", "lost_route"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    installed = subprocess.run(
        [bin_folder / "pip", "list", "--format", "freeze"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert version.stdout.startswith("envoylogs ")
    assert "No route for echo-service" in summary.stdout
    assert page.stdout.startswith("# lost_route\n")
    manual = tmp_path / "venv" / "share" / "man" / "man1" / "envoylogs.1"
    assert ".SH NAME" in manual.read_text(encoding="utf-8")
    assert "pytest" not in installed.stdout
    assert "hypothesis" not in installed.stdout
