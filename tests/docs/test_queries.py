"""Every query of the page on SQL has an answer."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from tests.program import run

import envoylogs

_ROOT = Path(__file__).parents[2]
_LOG = _ROOT / "sample_logs" / "shop" / "gateway.log"
_PAGE = (_ROOT / "docs" / "query.md").read_text(encoding="utf-8")
_BLOCKS = re.findall(r"^```\n(.*?)^```", _PAGE, re.MULTILINE | re.DOTALL)
_COMMANDS = [
    line
    for block in _BLOCKS
    for line in block.splitlines()
    if "envoylogs query" in line and "SELECT" in line
]
_NOT_IN_THE_LOG = ("--since 14:00", "severity = 'critical'")
"""Of what there need not be a row."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("page")
    (made / "gateway.log").write_bytes(_LOG.read_bytes())
    (made / "logs").symlink_to(_LOG.parent)
    envoylogs.analyze(_LOG).save_tally(made / "week.tally")
    return made


@pytest.mark.parametrize("command", _COMMANDS)
def test_a_query_of_the_page_has_an_answer(folder: Path, command: str) -> None:
    before, _, asked = command.partition("envoylogs ")
    pipe = _LOG.read_bytes() if before else b""
    arguments = shlex.split(asked)
    if "-f" not in arguments:
        arguments += ["-f", "ndjson"]
    ended = run(*arguments, folder=folder, pipe=pipe)

    assert ended.returncode == 0, ended.stderr
    rows = [json.loads(row) for row in ended.stdout.splitlines()]
    assert rows or any(text in command for text in _NOT_IN_THE_LOG)
    # A column of which no row has a value would be a misspelled one.
    for name in rows[0] if rows else ():
        assert any(row[name] is not None for row in rows), name


def test_the_page_has_queries() -> None:
    assert len(_COMMANDS) > 12
