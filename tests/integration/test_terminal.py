"""The program in a real (pseudo-)terminal: color, pager, progress, Ctrl-C."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from benchmarks import generator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ROOT = Path(__file__).parents[2]
_SAMPLE = str(_ROOT / "sample_logs" / "shop")
_TIMEOUT_S = 60.0


class _Terminal:
    """A program whose standard streams are a terminal of 100 columns and 40 lines.

    Args:
        arguments: Of ``envoylogs``.
        environment: Changes to the environment.
        stdin: Another standard input than the terminal.
    """

    def __init__(self, *arguments: str, stdin: int | None = None, **environment: str) -> None:
        self._terminal, inside = pty.openpty()
        cleared = {
            name: value
            for name, value in os.environ.items()
            if name not in {"NO_COLOR", "COLUMNS", "LINES", "FORCE_COLOR", "PAGER"}
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "envoylogs", *arguments],
            stdin=inside if stdin is None else stdin,
            stdout=inside,
            stderr=inside,
            cwd=_ROOT,
            start_new_session=True,
            env={**cleared, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40",
                 **environment},
        )  # fmt: skip
        os.close(inside)
        self._seen = b""

    def until(self, seen: Callable[[str], bool]) -> str:
        """Read until the screen shows something; return all that was written so far."""
        deadline = time.monotonic() + _TIMEOUT_S
        while not seen(self._seen.decode(errors="replace")):
            ready, _, _ = select.select([self._terminal], [], [], 0.2)
            assert time.monotonic() < deadline, self._seen.decode(errors="replace")[-2000:]
            if not ready:
                continue
            try:
                chunk = os.read(self._terminal, 65536)
            except OSError:  # the other side is closed
                break
            if not chunk:
                break
            self._seen += chunk
        return self._seen.decode(errors="replace")

    def all(self) -> tuple[str, int]:
        """Read to the end; return what was written and the exit code."""
        text = self.until(lambda _: False)
        return text, self.process.wait(timeout=_TIMEOUT_S)

    def close(self) -> None:
        """End the program and the terminal."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._terminal)


@pytest.fixture
def terminal() -> Iterator[Callable[..., _Terminal]]:
    opened: list[_Terminal] = []

    def open_terminal(*arguments: str, stdin: int | None = None, **environment: str) -> _Terminal:
        opened.append(_Terminal(*arguments, stdin=stdin, **environment))
        return opened[-1]

    yield open_terminal
    for one in opened:
        one.close()


_SLOWLY = {"ENVOYLOGS_DECODER": "reference"}
"""A log that the compiled decoder takes more than a second for would be too large for a test."""


@pytest.fixture(scope="module")
def big_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a log that takes a few seconds to read."""
    path = tmp_path_factory.mktemp("big") / "gateway.log"
    data = b"".join(generator.lines(20_000))
    with path.open("wb") as file:
        for _ in range(20):
            file.write(data)
    return path


def test_a_terminal_gets_color_and_a_file_none(terminal: Callable[..., _Terminal]) -> None:
    colored, code = terminal(_SAMPLE, PAGER="cat").all()
    plain, _ = terminal(_SAMPLE, PAGER="cat", NO_COLOR="1").all()
    dumb, _ = terminal(_SAMPLE, PAGER="cat", TERM="dumb").all()

    assert code == 0
    assert (
        "\x1b[1;7;31m" in colored
        or "\x1b[1;31;7m" in colored
        or re.search(r"\x1b\[[0-9;]*31m? CRITICAL", colored)
    )
    for text in (plain, dumb):
        assert not re.search(r"\x1b\[[0-9;]*3[0-9]", text)
        assert "CRITICAL" in text


def test_text_longer_than_the_screen_goes_through_the_pager(
    terminal: Callable[..., _Terminal], tmp_path: Path
) -> None:
    pager = tmp_path / "pager"
    pager.write_text('#!/bin/sh\necho PAGED "$LESS"\ncat\n')
    pager.chmod(0o755)

    long, code = terminal(_SAMPLE, PAGER=str(pager)).all()
    short, _ = terminal(_SAMPLE, "--table", "outcome", PAGER=str(pager)).all()

    assert code == 0
    assert "PAGED FRX" in long
    assert long.index("PAGED") < long.index("CRITICAL") < long.index("600 records of 600 lines")
    assert "PAGED" not in short
    assert "served" in short


@pytest.mark.parametrize("pager", ["", "/no/such/pager", "cat"])
def test_without_a_pager_the_text_is_printed(
    terminal: Callable[..., _Terminal], pager: str
) -> None:
    text, code = terminal(_SAMPLE, PAGER=pager).all()

    assert code == 0
    assert "CRITICAL" in text


def test_a_pager_that_ends_early_is_no_error(terminal: Callable[..., _Terminal]) -> None:
    text, code = terminal(_SAMPLE, "--limit", "0", PAGER="head -2").all()

    assert code == 0
    assert "Traceback" not in text
    assert "600 records of 600 lines" in text


def test_long_work_shows_its_progress_and_removes_it(
    terminal: Callable[..., _Terminal], big_log: Path
) -> None:
    text, code = terminal(str(big_log), "--table", "outcome", **_SLOWLY).all()

    assert code == 0
    total = f"{big_log.stat().st_size / 1e6:.1f} MB"
    assert re.search(rf"[\d.]+ MB of {total}, [\d,]+ lines/s, [\d.]+ MB/s, \d+ s left", text)
    assert "\x1b[2K" in text
    assert "400,000 records of 400,000 lines" in text


def test_short_work_and_other_places_show_none(terminal: Callable[..., _Terminal]) -> None:
    text, _ = terminal(_SAMPLE, "--table", "outcome").all()

    assert "lines/s" not in text


def test_ctrl_c_prints_what_was_read_until_then(
    terminal: Callable[..., _Terminal], tmp_path: Path
) -> None:
    read_end, write_end = os.pipe()
    tally = tmp_path / "part.tally"
    one = terminal("-", "--save-tally", str(tally), "-o", str(tmp_path / "out.txt"), stdin=read_end)
    os.close(read_end)
    whole = b"".join(generator.lines(300))
    os.write(write_end, whole[:200_000])
    complete = whole[:200_000].count(b"\n")
    time.sleep(2.0)

    one.process.send_signal(signal.SIGINT)
    text, code = one.all()
    os.close(write_end)

    assert code == 130
    assert f"{complete} records of {complete} lines" in text
    assert "only a part was read" in (tmp_path / "out.txt").read_text()
    assert tally.exists()


def test_ctrl_c_in_a_file_ends_within_a_block_and_says_so(
    terminal: Callable[..., _Terminal], big_log: Path
) -> None:
    one = terminal(str(big_log), "--format", "json", **_SLOWLY)
    one.until(lambda text: "lines/s" in text)

    one.process.send_signal(signal.SIGINT)
    text, code = one.all()

    assert code == 130
    assert '"complete": false' in text
    assert re.search(r"[\d,]+ records of [\d,]+ lines", text)
    assert "malformed" not in text.rpartition("records of")[2]


def test_a_second_ctrl_c_ends_at_once(terminal: Callable[..., _Terminal], big_log: Path) -> None:
    one = terminal(str(big_log), **_SLOWLY)
    one.until(lambda text: "lines/s" in text)
    one.process.send_signal(signal.SIGINT)
    # On a busy machine two that are near each other arrive as one.
    for _ in range(100):
        time.sleep(0.05)
        if one.process.poll() is not None:
            break
        one.process.send_signal(signal.SIGINT)
    text, code = one.all()

    assert code == 130
    assert "records of" not in text


def test_no_source_and_a_terminal_prints_the_usage(terminal: Callable[..., _Terminal]) -> None:
    text, code = terminal("summarize").all()

    assert code == 2
    assert "Usage: envoylogs summarize" in text


def test_lines_shows_a_terminal_nothing_that_acts_on_it(
    terminal: Callable[..., _Terminal], tmp_path: Path
) -> None:
    log = tmp_path / "gw.log"
    agent = b"\x1b]0;title\x07\x1b[31m\xe2\x80\xae\xc2\x9b\xff"
    text = b'[2026-11-01T12:00:00.000Z] "GET / HTTP/1.1" 404 NR route_not_found - "-" 0 0 1 - "-" '
    text += b'"' + agent + b'" "id" "shop.example.com" "-" - - - - - -'
    log.write_bytes(text + b"\r\n")

    shown, code = terminal("lines", str(log), "--code", "404", "--bare").all()
    piped = subprocess.run(
        [sys.executable, "-m", "envoylogs", "lines", str(log), "--code", "404", "--bare"],
        capture_output=True,
        check=True,
    )

    assert code == 0
    assert r"\x1b]0;title\x07\x1b[31m\u202e\x9b\xff" in shown
    assert all(character.isprintable() or character in "\r\n" for character in shown)
    assert piped.stdout == text + b"\r\n"


def test_lines_shows_a_terminal_tabs_as_they_are(
    terminal: Callable[..., _Terminal], tmp_path: Path
) -> None:
    log = tmp_path / "gw.log"
    log.write_bytes(b'{"response_code":404,\t  \t"path":"/a\x0bb",\r\n"response_flags":"NR"}\r\n')

    shown, code = terminal("lines", str(log), "--code", "404", "--bare").all()

    assert code == 0
    # The terminal makes columns of tabs by itself, if it does.
    assert shown.expandtabs().splitlines() == [
        '{"response_code":404,\t  \t"path":"/a\\x0bb",'.expandtabs(),
        '"response_flags":"NR"}',
    ]
