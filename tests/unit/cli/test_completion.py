"""What a shell is offered is what the command takes, and costs no Polars."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from tests.program import run

from envoylogs import schema
from envoylogs.cli import completion
from envoylogs.cli.app import COMMANDS
from envoylogs.cli.pages import titles
from envoylogs.envoy.details import RESPONSE_CODE_DETAILS
from envoylogs.envoy.flags import RESPONSE_FLAGS
from envoylogs.envoy.outcomes import OUTCOME_NAMES
from envoylogs.frames import SCANNED
from envoylogs.keyed.selection import Selection
from envoylogs.mesh.causes import CAUSE_BY_CODE
from envoylogs.summary.findings.catalog import KIND_BY_CODE
from envoylogs.summary.sorting import Sort
from envoylogs.summary.summary import summarize
from envoylogs.summary.suppressing import CODES
from envoylogs.summary.tables import JOINT, TABLE_NAMES
from envoylogs.tally.tally import Tally


def _offered(words: str) -> list[str]:
    """Ask as bash does, for the last of some words."""
    asked = {
        "_ENVOYLOGS_COMPLETE": "complete_bash",
        "COMP_WORDS": f"envoylogs {words}",
        "COMP_CWORD": str(words.count(" ") + 1),
    }
    found = run(environment=asked)
    assert found.returncode == 0, found.stderr
    return found.stdout.decode().split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("summarize --outcome no_r", ["no_route"]),
        ("lines --outcome unr", ["unrouted"]),
        ("summarize --by met", ["method"]),
        ("summarize --by method,path", ["method,path", "method,path_group"]),
        ("summarize --by path,path", ["path,path_group"]),
        ("summarize --joint hos", ["host"]),
        ("summarize --table rej", ["rejections"]),
        ("summarize --format m", ["markdown"]),
        ("query --format c", ["csv"]),
        ("report --role way", ["waypoint"]),
        ("convert --columns start_time,lin", ["start_time,line"]),
        ("flags UR", ["UR", "URX"]),
        ("flags UF,UR", ["UF,UR", "UF,URX"]),
        ("help lost_h", ["lost_host"]),
        ("help summ", ["summarize"]),
        ("help query", ["query", "query.md"]),
        ("summarize --color al", ["always"]),
        ("summarize --sort p9", ["p90", "p95", "p99", "p999"]),
        ("summarize --every 1", ["1m", "15m", "1h", "1d"]),
        ("lines --finding lost_h", ["lost_host"]),
        ("explain --suppress sha", ["shadowed"]),
        ("flags shad", ["shadowed"]),
        ("help shad", ["shadowed"]),
        ("query --timezone Europe/Berl", ["Europe/Berlin"]),
    ],
)
def test_values_are_offered(words: str, offered: list[str]) -> None:
    assert _offered(words) == offered


def test_all_values_that_are_offered_are_taken_and_none_is_left_out() -> None:
    assert {*completion.TABLES} == {*TABLE_NAMES, JOINT}
    assert {*_offered("summarize --by ")} == {*schema.COUNTABLE}
    assert {*_offered("convert --columns ")} == {*SCANNED}
    assert {*_offered("flags ")} == {
        *(flag.short for flag in RESPONSE_FLAGS),
        *(detail.match for detail in RESPONSE_CODE_DETAILS),
        *OUTCOME_NAMES,
        *KIND_BY_CODE,
        *CAUSE_BY_CODE,
    }
    assert {*_offered("summarize --suppress ")} == {*CODES}
    assert {*_offered("help ")} >= {*COMMANDS, *titles(), *KIND_BY_CODE, *OUTCOME_NAMES}
    usual = summarize(Tally.empty()).table("authority")
    assert all(Sort.of(column).is_of(usual) for column in completion.SORTED_BY)
    assert {*_offered("lines --finding ")} == {*KIND_BY_CODE}
    outcomes = _offered("summarize --outcome ")
    assert {*outcomes} == {*OUTCOME_NAMES, *completion.OUTCOME_GROUPS}
    assert Selection.of({"outcome": outcomes}, roles=_offered("summarize --role "))


@pytest.mark.parametrize(
    "words", ["flags U", "summarize --by h", "help lost", "explain --suppress s"]
)
def test_completion_loads_nothing_heavy(words: str) -> None:
    code = (
        "import sys\n"
        "from envoylogs.cli.app import main\n"
        "sys.argv = ['envoylogs']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "print('\\n' + ' '.join({'polars', 'rich', 'pydantic'} & {*sys.modules}))"
    )
    asked = {
        "_ENVOYLOGS_COMPLETE": "complete_bash",
        "COMP_WORDS": f"envoylogs {words}",
        "COMP_CWORD": str(words.count(" ") + 1),
    }
    found = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | asked, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=True,
    )  # fmt: skip

    *offered, loaded = found.stdout.split("\n")[:-1]
    assert "".join(offered)
    assert loaded == ""
