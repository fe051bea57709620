"""Ending early: a signal may ask for it at any moment, and reading ends at a whole line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Stop"]


class _WokenError(Exception):
    """Leaves a read that waits for a pipe."""


class Stop:
    """A wish to end, which may come from a signal handler of the reading thread.

    Attributes:
        requested: Whether it was asked for.
    """

    def __init__(self) -> None:
        self.requested = False
        self._waiting = False

    def request(self) -> None:
        """Ask for the end; a read that waits for more bytes returns at once.

        Raises:
            Exception: Inside such a read, which catches it; a signal handler
                must let it pass.
        """
        self.requested = True
        if self._waiting:
            self._waiting = False
            raise _WokenError

    def read(self, read: Callable[[int], bytes], size: int) -> bytes:
        """Read, or return nothing if the end is asked for before or meanwhile."""
        if self.requested:
            return b""
        try:
            self._waiting = True
            return read(size)
        except _WokenError:
            return b""
        finally:
            self._waiting = False
