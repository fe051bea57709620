"""Ending early: a signal may ask for it at any moment, and reading ends at a whole line.

The first Ctrl-C ends the reading. The second ends the program, as those signals
do that a system sends to programs that must go; nothing temporary is left.
"""

from __future__ import annotations

import os
import select
import signal
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from envoylogs.sources.temporary import take_away_own

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


class Stop:
    """A wish to end, which may come from a signal handler of the reading thread.

    Nothing that was read is lost to it: a handler interrupts no read, it only
    wakes a wait for more bytes.

    Args:
        of_all: Another one, of work of which this is a part; it ends the part too.
    """

    def __init__(self, of_all: Stop | None = None) -> None:
        self._of_all = of_all
        self._requested = False
        self._woken, self._wake = os.pipe()

    def __del__(self) -> None:
        os.close(self._woken)
        os.close(self._wake)

    @property
    def requested(self) -> bool:
        """Whether it was asked for."""
        return self._requested or (self._of_all is not None and self._of_all.requested)

    def request(self) -> None:
        """Ask for the end; a wait for more bytes is over at once."""
        if not self._requested:
            self._requested = True
            os.write(self._wake, b"\0")

    def wait_for(self, stream: BinaryIO) -> None:
        """Wait until an unbuffered stream has bytes or is at its end, or the end is asked for."""
        try:
            number = stream.fileno()
        except OSError:
            return
        # Files are always ready, and Windows can only wait for sockets.
        if os.name == "posix" and not stat.S_ISREG(os.fstat(number).st_mode):
            select.select([number, self._woken], [], [])


@contextmanager
def stopped_by_interrupt() -> Iterator[Stop]:
    """Return a stop that the first Ctrl-C asks for; the next one ends the program."""
    stop = Stop()

    def on_interrupt(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, _end)
        stop.request()

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield stop
    finally:
        if not stop.requested:
            signal.signal(signal.SIGINT, before)


def end_at_signals() -> None:
    """Have the program end without temporary files at the signals by which others end it.

    Those that are ignored stay so, as ``nohup`` wants it.
    """
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)


def _end(number: int, _frame: FrameType | None) -> None:
    """End at once with the exit code that shells give to a signal.

    Nothing is unwound: a thread may be waiting for a pipe that says nothing.
    """
    take_away_own()
    os._exit(128 + number)
