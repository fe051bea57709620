"""A log that grows and rotates in every way that logs do, in a folder of its own."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}


class RotatingLog:
    """Writes `gw.log` in a folder; what was rotated is `gw.log.1` and so on, the newest first.

    Attributes:
        path: The live log.
        pieces: What each file held when it was rotated, the oldest first, and
            what the live log holds.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "gw.log"
        self.pieces = [b""]
        self.path.touch()

    def append(self, data: bytes) -> None:
        """Write some more bytes, of whatever lines."""
        with self.path.open("ab") as log:
            log.write(data)
        self.pieces[-1] += data

    def rename(self) -> None:
        """Rotate by giving the log another name and beginning a new one."""
        self._shift()
        self.path.rename(self.folder / "gw.log.1")
        self.path.touch()
        self.pieces.append(b"")

    def copy_and_truncate(self) -> None:
        """Rotate by copying the log and cutting it, which keeps its inode."""
        self._shift()
        shutil.copyfile(self.path, self.folder / "gw.log.1")
        os.truncate(self.path, 0)
        self.pieces.append(b"")

    def pack(self, kind: str, *, keep: bool = False) -> None:
        """Pack the log that was rotated last; `keep` leaves it there, as while it is packed."""
        plain = self.folder / "gw.log.1"
        if not plain.exists():
            return
        beside = self.folder / f".{kind}"
        beside.write_bytes(PACKERS[kind](plain.read_bytes()))
        beside.rename(self.folder / f"gw.log.1.{kind}")
        if not keep:
            plain.unlink()

    def _shift(self) -> None:
        """Give every rotated log the next number, the oldest first."""
        rotated = [path for path in self.folder.iterdir() if path.name.startswith("gw.log.")]
        for path in sorted(rotated, key=lambda path: -int(path.name.split(".")[2])):
            _, _, number, *packed = path.name.split(".")
            path.rename(self.folder / ".".join(["gw.log", str(int(number) + 1), *packed]))
