"""The example of pictures writes them in a real Chromium, and fails without one as it says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_PROJECT = Path(__file__).parents[2]
_PAGE = (_PROJECT / "docs" / "api.md").read_text(encoding="utf-8")
_PNG = b"\x89PNG\r\n\x1a\n"


def _section() -> str:
    found = re.search(r"^## Pictures\n(.*?)^## ", _PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def _run_in(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the example beside the sample logs."""
    pytest.importorskip("kaleido")
    code = re.search(r"^```python\n(.*?)^```", _section(), re.MULTILINE | re.DOTALL)
    assert code is not None
    (folder / "sample_logs").symlink_to(_PROJECT / "sample_logs")
    return subprocess.run(
        [sys.executable, "-c", code[1]],
        cwd=folder,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_example_of_pictures_writes_them(tmp_path: Path) -> None:
    program = shutil.which("chromium")
    if program is None:
        words = "needs Chromium: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)

    done = _run_in(tmp_path, BROWSER_PATH=program)

    assert done.returncode == 0, done.stderr
    for name in ("medians.png", "split.png"):
        picture = (tmp_path / name).read_bytes()
        assert picture.startswith(_PNG)
        assert len(picture) > 5000


def test_without_a_browser_the_example_fails_in_the_words_of_the_page(tmp_path: Path) -> None:
    done = _run_in(tmp_path, BROWSER_PATH=str(tmp_path / "no-browser"))

    assert "RuntimeError" in done.stderr
    (words,) = re.findall(r"a `RuntimeError`: \*(.*?)\*", _section())
    assert words in done.stderr
