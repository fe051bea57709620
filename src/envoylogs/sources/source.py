"""One source of log bytes: a name and how to open it; pipes that are read more than once."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from envoylogs.errors import OutputError, SourceError
from envoylogs.sources.compression import READ_BYTES, UnpackedStream
from envoylogs.sources.temporary import temporary_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from envoylogs.sources.parts import Part
    from envoylogs.sources.stop import Stop

STDIN_NAME = "<stdin>"


@dataclass(frozen=True, slots=True)
class Source:
    """A named source of bytes.

    Attributes:
        name: As shown to the user: the path as it was given, or ``<stdin>``.
        path: What to open; None is standard input.
        found: Whether it was found in a folder, where files that are no logs
            are passed over instead of being an error.
        problem: Why there is nothing to read though there may be something, such as
            ``unlisted_folder`` (see ``errors.PROBLEMS``); null for what can be opened.
        part: Which lines of a plain file are meant; null for all.
    """

    name: str
    path: str | None
    found: bool = False
    problem: str | None = None
    part: Part | None = None

    @property
    def size(self) -> int | None:
        """The number of raw bytes, if it is known before reading."""
        if self.problem is not None:
            return 0
        if self.path is None or not os.path.isfile(self.path):  # noqa: PTH113
            return None
        return os.path.getsize(self.path)  # noqa: PTH202

    def unpacked(
        self,
        raw: BinaryIO,
        on_bytes: Callable[[int], None] | None = None,
        stop: Stop | None = None,
        *,
        start: int = 0,
    ) -> UnpackedStream:
        """Return the bytes of the source, which is open already, unpacked if it is compressed.

        Args:
            raw: What ``open_raw`` gave, at its beginning.
            on_bytes: Called with the number of raw bytes of each read; they
                add up to ``size`` if all of it is read or passed over.
            stop: Ends the stream where it stands.
            start: How many bytes are passed over of a source that is no archive.

        Raises:
            SourceError: Also by the stream, if it can't be read further.
        """
        read_raw: Callable[[int], bytes] = getattr(raw, "read1", raw.read)

        def read(size: int) -> bytes:
            try:
                if stop is not None:
                    stop.wait_for(raw)
                    if stop.requested:
                        return b""
                data = read_raw(size)
            except OSError as error:
                raise SourceError.unreadable(self.name, error) from error
            if data and on_bytes is not None:
                on_bytes(len(data))
            return data

        if start:
            raw.seek(start)
            if on_bytes is not None:
                on_bytes(start)
        return UnpackedStream(read, plain=start > 0)

    @contextmanager
    def open_raw(self) -> Iterator[BinaryIO]:
        """Open the source as it is; standard input stays open afterwards.

        Raises:
            SourceError: If it can't be opened.
        """
        if self.path is None:
            # Without its buffer: bytes that wait there would not be seen by a wait for the pipe.
            yield getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)
            return
        path = self.path if self.problem is None else os.devnull
        try:
            stream = open(path, "rb", buffering=0)  # noqa: PTH123, SIM115
        except FileNotFoundError as error:
            raise SourceError.missing(self.name) from error
        except OSError as error:
            raise SourceError.unreadable(self.name, error) from error
        with stream:
            yield stream


@contextmanager
def rereadable(sources: list[Source]) -> Iterator[list[Source]]:
    """Return sources that can be read again: pipes are read to their end, and kept meanwhile.

    Raises:
        SourceError: If a pipe can't be read.
        OutputError: If there is no room for it.
    """
    if all(source.size is not None for source in sources):
        yield sources
        return
    place = Path(tempfile.gettempdir())
    with ExitStack() as opened:
        try:
            folder = opened.enter_context(temporary_folder(place, "envoylogs"))
            kept = [
                source if source.size is not None else _kept(source, folder / str(number))
                for number, source in enumerate(sources)
            ]
        except OSError as error:
            raise OutputError.unwritable(f"{place}, where pipes are kept", error) from error
        yield kept


def _kept(source: Source, path: Path) -> Source:
    """Return a pipe that is read to its end, and kept in a file."""
    with source.open_raw() as raw, path.open("wb") as file:
        while data := _read(source, raw):
            file.write(data)
    return replace(source, path=str(path))


def _read(source: Source, raw: BinaryIO) -> bytes:
    try:
        return raw.read(READ_BYTES)
    except OSError as error:
        raise SourceError.unreadable(source.name, error) from error
