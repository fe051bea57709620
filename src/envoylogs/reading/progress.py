"""Who wants to know how far the reading is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Is told of every read; calls come from the reading thread."""

    def bytes_read(self, n: int) -> None:
        """Take note of bytes as they stand in the source, compressed or not."""

    def lines_read(self, n: int) -> None:
        """Take note of lines."""
