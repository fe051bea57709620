"""Ctrl-C: the first ends the reading at a whole line, the second ends the program."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from envoylogs.sources.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

__all__ = ["stopped_by_interrupt"]


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
