"""One source of log bytes: a name and how to open it."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from envoylogs.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LONGEST_MAGIC", "STDIN_NAME", "Source"]

STDIN_NAME = "<stdin>"

_ARCHIVES = (
    (b"\x1f\x8b", "gzip", "gzip -dc"),
    (b"\x28\xb5\x2f\xfd", "zstd", "zstd -dc"),
    (b"BZh", "bzip2", "bzip2 -dc"),
    (b"\xfd7zXZ\x00", "xz", "xz -dc"),
)
LONGEST_MAGIC = max(len(magic) for magic, _, _ in _ARCHIVES)


@dataclass(frozen=True, slots=True)
class Source:
    """A named source of bytes.

    Attributes:
        name: As shown to the user: the path as it was given, or ``<stdin>``.
        path: What to open; None is standard input.
        found: Whether it was found in a folder, where files that are no logs
            are passed over instead of being an error.
    """

    name: str
    path: str | None
    found: bool = False

    @property
    def size(self) -> int | None:
        """The number of bytes, if it is known before reading."""
        if self.path is None or not os.path.isfile(self.path):  # noqa: PTH113
            return None
        return os.path.getsize(self.path)  # noqa: PTH202

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open the source for reading; standard input stays open afterwards.

        Raises:
            SourceError: If it can't be opened, or is an archive.
        """
        if self.path is None:
            yield sys.stdin.buffer
            return
        try:
            stream = open(self.path, "rb", buffering=0)  # noqa: PTH123, SIM115
        except FileNotFoundError as error:
            raise SourceError.missing(self.name) from error
        except OSError as error:
            raise SourceError.unreadable(self.name, error) from error
        with stream:
            yield stream

    def check_start(self, start: bytes) -> None:
        """Refuse what is plainly an archive, with the command that unpacks it.

        Args:
            start: The first bytes of the source.

        Raises:
            SourceError: If the first bytes are those of a compressed file.
        """
        for magic, kind, command in _ARCHIVES:
            if start.startswith(magic):
                raise SourceError.compressed(self.name, kind, command)
