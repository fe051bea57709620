from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from tests.program import run

from envoylogs.cli.app import _with_command
from envoylogs.errors import UnknownKeyError


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["gateway.log"], ["summarize", "gateway.log"]),
        (["-"], ["summarize", "-"]),
        (["--format", "json", "a.log"], ["summarize", "--format", "json", "a.log"]),
        (["summarize", "a.log"], ["summarize", "a.log"]),
        (["flags", "NR"], ["flags", "NR"]),
        (["--version"], ["--version"]),
        (["--help"], ["--help"]),
        (["version"], ["--version"]),
        (["logs"], ["summarize", "logs"]),
        (["gateway"], ["summarize", "gateway"]),
    ],
)
def test_a_command_may_be_left_out(given: list[str], meant: list[str]) -> None:
    assert _with_command(given) == meant


@pytest.mark.parametrize(
    ("word", "command"),
    [("sumarize", "summarize"), ("querry", "query"), ("Merge", "merge"), ("flag", "flags")],
)
def test_a_word_that_is_nearly_a_command_is_no_source_unless_it_is_a_file(
    word: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    told = rf"no command and no file is called {word}. Did you mean {command}\?"
    with pytest.raises(UnknownKeyError, match=told):
        _with_command([word, "gateway.log"])

    Path(word).touch()
    assert _with_command([word]) == ["summarize", word]


@pytest.mark.parametrize("width", ["40", "80", "200"])
def test_no_line_of_the_help_is_cut(width: str) -> None:
    shown = run("--help", environment={"COLUMNS": width}).stdout.decode()

    assert "..." not in shown.partition("Commands:")[2]
    assert "next." in shown.partition("Commands:")[2]


@pytest.mark.parametrize(("arguments", "code"), [([], 0), (["summarize"], 2)])
def test_without_a_source_on_a_terminal_it_explains_itself(arguments: list[str], code: int) -> None:
    primary, terminal = pty.openpty()
    try:
        found = subprocess.run(
            [sys.executable, "-m", "envoylogs", *arguments],
            stdin=terminal,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(primary)
        os.close(terminal)

    assert found.returncode == code
    assert "Usage: envoylogs" in found.stdout + found.stderr


def test_on_a_terminal_text_has_color_unless_told_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "gateway.log"
    path.write_text('{"response_code": 200, "upstream_cluster": "a", "path": "/"}\n')

    def on_terminal(**environment: str) -> bytes:
        primary, terminal = pty.openpty()
        kept = {k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "TERM"}}
        with subprocess.Popen(
            [sys.executable, "-m", "envoylogs", str(path)],
            stdout=terminal,
            stderr=subprocess.DEVNULL,
            env={**kept, "TERM": "xterm-256color", **environment},
        ) as process:
            os.close(terminal)
            found = b""
            try:
                while chunk := os.read(primary, 65536):
                    found += chunk
            except OSError:
                pass
            process.wait(timeout=60)
        os.close(primary)
        return found

    assert b"\x1b[" in on_terminal()
    assert b"\x1b[3" not in on_terminal(NO_COLOR="1")
    assert b"\x1b[" not in on_terminal(TERM="dumb")
