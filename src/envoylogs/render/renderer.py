"""What a renderer is: it writes one summary to an open text file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from envoylogs.summary.summary import Summary

__all__ = ["Renderer"]


class Renderer(Protocol):
    """Writes a summary; its options went to its constructor."""

    def render(self, summary: Summary, out: TextIO) -> None:
        """Write the summary to an open file, without closing it."""
