"""Ending early: a signal may ask for it at any moment, and reading ends at a whole line."""

from __future__ import annotations

import os
import select
import stat
from typing import BinaryIO

__all__ = ["Stop"]


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
        """Wait until a stream has bytes or is at its end, or until the end is asked for.

        Args:
            stream: Unbuffered; one that never waits is not waited for.
        """
        try:
            number = stream.fileno()
        except OSError:
            return
        # Files are always ready, and Windows can only wait for sockets.
        if os.name == "posix" and not stat.S_ISREG(os.fstat(number).st_mode):
            select.select([number, self._woken], [], [])
