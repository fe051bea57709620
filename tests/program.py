"""The real program in a process of its own, without the half second of its imports.

Tests of what the program prints run it some hundred times. A process that has imported what
every command needs waits for requests and forks for each: what is forked has done nothing yet
but import, has the arguments, folder, environment and standard streams that it was asked for,
and is ended by the program itself. What a start costs, terminals, and readers that leave are
tested with ``python -m envoylogs`` and not with this.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from subprocess import CompletedProcess

__all__ = ["Running", "run", "start"]

_ROOT = Path(__file__).parents[1]
_IMPORTED = (
    "envoylogs.cli.app", "envoylogs.pipeline", "envoylogs.keyed.anonymize", "envoylogs.records",
    "envoylogs.cli.commands.explain", "envoylogs.cli.commands.lines",
    "envoylogs.cli.commands.summarize", "envoylogs.mesh.documents", "envoylogs.mesh.mesh",
    "envoylogs.render.explained_json", "envoylogs.summary.explanations",
    "envoylogs.summary.log_facts",
    "envoylogs.render.records", "envoylogs.render.terminal.screen", "envoylogs.sources.locate",
    "envoylogs.summary.summary", "envoylogs.tally.running", "pydantic.type_adapter",
)  # fmt: skip
"""What a summary needs; the last is typer's."""
_STREAMS = (("stdin", 0, "r", -1), ("stdout", 1, "w", -1), ("stderr", 2, "w", 1))
_LONGEST_S = 60
"""After so long a run is killed, which its test sees as the code -14."""


# --- What asks ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Running:
    """A run of the program, the only one of this process of tests at that moment."""

    pid: int
    answers: IO[str]

    def kill(self) -> None:
        """Kill it at whatever it is, unless it has ended."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        """Return its exit code, or minus the number of the signal that ended it."""
        return int(self.answers.readline())


def start(
    *arguments: str | Path,
    streams: tuple[int, int, int],
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Running:
    """Start the program; the one before must have ended, and been waited for.

    Args:
        arguments: Of the command.
        streams: Descriptors of its standard input, output and error, which stay open here.
        folder: In which it runs; that of the tests if null.
        environment: What it has besides, and instead of, the environment of the tests.
    """
    server, answers = _server()
    request = json.dumps([[*map(str, arguments)], str(folder or Path.cwd()),
                          {**os.environ, **(environment or {})}])  # fmt: skip
    socket.send_fds(server, [request.encode() + b"\n"], streams)
    return Running(int(answers.readline()), answers)


def run(
    *arguments: str | Path,
    pipe: bytes = b"",
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> CompletedProcess[bytes]:
    """Run the program to its end, its standard streams being pipes."""
    (stdin, feed), (output, stdout), (errors, stderr) = os.pipe(), os.pipe(), os.pipe()
    streams = (stdin, stdout, stderr)
    running = start(*arguments, streams=streams, folder=folder, environment=environment)
    for stream in streams:
        os.close(stream)
    with ThreadPoolExecutor() as pool:
        printed, said = pool.submit(_all_of, output), pool.submit(_all_of, errors)
        _feed(feed, pipe)
        code = running.wait()
    return subprocess.CompletedProcess([*arguments], code, printed.result(), said.result())


def _all_of(descriptor: int) -> bytes:
    with open(descriptor, "rb") as opened:
        return opened.read()


def _feed(descriptor: int, data: bytes) -> None:
    # It reads no more than it wants.
    with suppress(BrokenPipeError), open(descriptor, "wb", buffering=0) as opened:
        view = memoryview(data)
        while view:
            view = view[opened.write(view) :]


@cache
def _server() -> tuple[socket.socket, IO[str]]:
    """Start what forks, which ends with this process."""
    ours, theirs = socket.socketpair()
    process = subprocess.Popen([sys.executable, "-m", "tests.program", str(theirs.fileno())],
                               cwd=_ROOT, pass_fds=[theirs.fileno()])  # fmt: skip
    theirs.close()
    answers = ours.makefile()

    def end() -> None:
        answers.close()
        ours.close()
        process.wait()

    atexit.register(end)
    return ours, answers


# --- What forks ---------------------------------------------------------------------------------


def _serve(asked: socket.socket) -> None:
    """Fork for each request and say the process, then how it ended; or return in what is forked."""
    for name in _IMPORTED:
        importlib.import_module(name)
    # So that collecting garbage copies no memory that is shared.
    gc.freeze()
    for request, streams in _requests(asked):
        pid = os.fork()
        if not pid:
            asked.close()
            arguments, folder, environment = json.loads(request)
            _become(arguments, folder, environment, streams)
            return
        for stream in streams:
            os.close(stream)
        asked.sendall(b"%d\n" % pid)
        _, status = os.waitpid(pid, 0)
        asked.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))


def _requests(asked: socket.socket) -> Iterator[tuple[bytes, list[int]]]:
    while True:
        request, streams, *_ = socket.recv_fds(asked, 65536, 3)
        while request and not request.endswith(b"\n"):
            request += asked.recv(65536)
        if not request:
            return
        yield request, streams


def _become(
    arguments: list[str], folder: str, environment: dict[str, str], streams: list[int]
) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(folder)
    sys.path[0] = folder
    sys.argv = ["envoylogs", *arguments]
    # With the encoding that this process has been started with.
    for name, number, mode, buffering in _STREAMS:
        of_server = getattr(sys, name)
        opened = os.fdopen(
            number, mode, buffering, of_server.encoding, of_server.errors, closefd=False
        )
        setattr(sys, name, opened)
    signal.alarm(_LONGEST_S)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as of_tests:
        _serve(of_tests)
        is_server = of_tests.fileno() != -1
    if not is_server:
        runpy.run_module("envoylogs", run_name="__main__", alter_sys=True)
