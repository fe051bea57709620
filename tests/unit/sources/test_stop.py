"""A signal that asks for the end wakes a wait and loses nothing that was read."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

from envoylogs.sources.source import Source
from envoylogs.sources.stop import Stop, stopped_by_interrupt

if TYPE_CHECKING:
    from pathlib import Path


def _fifo(folder: Path) -> Source:
    path = folder / "pipe"
    os.mkfifo(path)
    return Source("pipe", str(path))


def test_a_wait_for_a_pipe_is_over_at_once(tmp_path: Path) -> None:
    source, stop = _fifo(tmp_path), Stop()
    # A writer that never writes: without it the pipe would be at its end.
    held: list[int] = []
    writer = threading.Thread(target=lambda: held.append(os.open(source.path or "", os.O_WRONLY)))
    writer.start()
    timer = threading.Timer(0.1, stop.request)
    timer.start()

    with source.open_raw() as raw:
        assert source.unpacked(raw, stop=stop).read1(100) == b""

    writer.join()
    timer.join()
    os.close(held[0])


def test_a_request_before_the_read_reads_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"a line\n")
    stop = Stop()
    stop.request()

    source = Source("a.log", str(path))
    with source.open_raw() as raw:
        assert source.unpacked(raw, stop=stop).read1(100) == b""


def test_bytes_that_were_read_as_the_signal_came_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"a line\n")

    def interrupt(_: int) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    source = Source("a.log", str(path))
    with stopped_by_interrupt() as stop, source.open_raw() as raw:
        stream = source.unpacked(raw, interrupt, stop)
        assert stream.read1(100) == b"a line\n"
        assert stop.requested
        assert stream.read1(100) == b""


def test_asking_twice_is_asking_once() -> None:
    stop = Stop()
    stop.request()
    stop.request()

    assert stop.requested
