"""The output for the sample logs, compared with files that people have looked at."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_GOLDEN = _ROOT / "tests" / "golden"
_SHOP, _ARTICLE = "sample_logs/shop", "sample_logs/article"


def _output(*arguments: str, columns: int = 80) -> str:
    found = subprocess.run(
        [sys.executable, "-m", "envoylogs", "summarize", *arguments],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": str(columns)},
        check=True,
    )
    return found.stdout


@pytest.mark.parametrize(
    ("name", "arguments", "columns"),
    [
        ("shop-80.txt", [_SHOP], 80),
        ("shop-140.txt", [_SHOP], 140),
        ("article-80.txt", [_ARTICLE], 80),
        ("article.json", [_ARTICLE, "--format", "json"], 80),
        ("article.prom", [_ARTICLE, "--format", "prometheus", "--limit", "1"], 80),
    ],
)
def test_output_is_as_it_was_looked_at(
    name: str, arguments: list[str], columns: int, request: pytest.FixtureRequest
) -> None:
    path = _GOLDEN / name

    found = _output(*arguments, columns=columns)

    if request.config.getoption("--update-golden"):
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8"), (
        f"{name} differs; --update-golden writes it anew"
    )


def test_text_fits_its_columns_but_for_commands_to_be_pasted() -> None:
    for columns in (80, 140):
        for line in _output(_SHOP, columns=columns).splitlines():
            is_command = line.lstrip().startswith(("kubectl ", "Lines: envoylogs "))
            assert is_command or len(line) <= columns


def test_the_first_finding_of_each_sample_is_its_story() -> None:
    assert "1.  CRITICAL  checkout.example.com lost its route" in _output(_SHOP)
    assert "1.  ENDED, was MEDIUM  No route for echo-service" in _output(_ARTICLE)
