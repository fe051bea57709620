"""A log in memory as a source."""

from __future__ import annotations

import io
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from envoylogs.sources.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class InMemory(Source):
    """A source whose bytes are in memory."""

    data: bytes = b""

    @contextmanager
    def open_raw(self) -> Iterator[BinaryIO]:
        """Open the bytes."""
        yield io.BytesIO(self.data)
