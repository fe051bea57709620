"""Ending early: a signal may ask for it at any moment, and reading ends at a whole line.

The first Ctrl-C ends the reading, the second ends the program.
"""

from __future__ import annotations

import os
import select
import signal
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


class Stop:
    """A wish to end, which may come from a signal handler of the reading thread.

    Nothing that was read is lost to it: a handler interrupts no read, it only
    wakes a wait for more bytes.

    Attributes:
        requested: Whether it was asked for.
    """

    def __init__(self) -> None:
        self.requested = False
        self._woken, self._wake = os.pipe()

    def __del__(self) -> None:
        os.close(self._woken)
        os.close(self._wake)

    def request(self) -> None:
        """Ask for the end; a wait for more bytes is over at once."""
        if not self.requested:
            self.requested = True
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
    """Return a stop that the first Ctrl-C asks for; the next one is the system's."""
    stop = Stop()

    def on_interrupt(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        stop.request()

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield stop
    finally:
        if not stop.requested:
            signal.signal(signal.SIGINT, before)
