"""One source of log bytes: a name and how to open it; pipes that are read more than once."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from envoylogs.errors import OutputError, SourceError
from envoylogs.sources.compression import READ_BYTES, UnpackedStream
from envoylogs.sources.remote.urls import is_url
from envoylogs.sources.temporary import temporary_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from envoylogs.sources.parts import Part
    from envoylogs.sources.remote.file import Piece
    from envoylogs.sources.remote.urls import RemoteObject
    from envoylogs.sources.stop import Stop

STDIN_NAME = "<stdin>"


@dataclass(frozen=True, slots=True)
class Source:
    """A named source of bytes.

    Attributes:
        name: As shown to the user: the path as it was given, a URL, or ``<stdin>``.
        path: What to open; None is standard input, unless it is an object of a store.
        found: Whether it was found in a folder, where files that are no logs
            are passed over instead of being an error.
        problem: Why there is nothing to read though there may be something, such as
            ``unlisted_folder`` (see ``problems.PROBLEMS``); null for what can be opened.
        part: Which lines of a plain file are meant; null for all.
        remote: The object of a store that it is; null for what is on this machine.
        listing: A URL that means many objects, which are listed where they are read: then it
            stands for them, and is nothing that can be opened.
        begun: The beginning of that object, if it was asked for; of this process.
    """

    name: str
    path: str | None
    found: bool = False
    problem: str | None = None
    part: Part | None = None
    remote: RemoteObject | None = None
    listing: str | None = None
    begun: Piece | None = field(default=None, compare=False, repr=False)

    @property
    def size(self) -> int | None:
        """The number of raw bytes, if it is known before reading."""
        if self.problem is not None:
            return 0
        if self.listing is not None:
            return None
        if self.remote is not None:
            return self.remote.size
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
        broken: list[str] = []

        def read(size: int) -> bytes:
            try:
                if stop is not None:
                    stop.wait_for(raw)
                    if stop.requested:
                        return b""
                data = read_raw(size)
            except OSError as error:
                problem = self.problem_of(error)
                if problem is None:
                    raise SourceError.unreadable(self.name, error) from error
                broken.append(problem)
                return b""
            if data and on_bytes is not None:
                on_bytes(len(data))
            return data

        if start:
            raw.seek(start)
            if on_bytes is not None:
                on_bytes(start)
        return UnpackedStream(read, plain=start > 0, broken=broken)

    def problem_of(self, error: Exception) -> str | None:
        """Return the problem that an error of a store is, if the rest is read without the object.

        It is one of the store, or what was told of it.

        That is so of objects that were found, as of files in a folder; one that was named is
        missed.
        """
        from envoylogs.sources.remote.errors import StoreError

        if self.remote is None or not self.found:
            return None
        cause = error.__cause__ if isinstance(error, SourceError) else error
        if isinstance(cause, StoreError):
            return cause.problem
        return "vanished_object" if isinstance(cause, FileNotFoundError) else None

    @property
    def is_pipe(self) -> bool:
        """Whether it can be read once only."""
        return self.size is None and self.listing is None

    @property
    def place(self) -> str:
        """Where it is, whatever name was given: a path without links, or a URL."""
        return self.name if self.remote is not None else os.path.realpath(self.path or "")

    @contextmanager
    def open_raw(self) -> Iterator[BinaryIO]:
        """Open the source as it is; standard input stays open afterwards.

        Raises:
            SourceError: If it can't be opened.
        """
        if self.remote is not None and self.problem is None:
            from envoylogs.sources.remote.file import RemoteFile

            with RemoteFile(self.remote, self.begun) as file:
                yield cast("BinaryIO", file)
            return
        if self.path is None and self.problem is None:
            # Without its buffer: bytes that wait there would not be seen by a wait for the pipe.
            yield getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)
            return
        path = os.devnull if self.problem is not None or self.path is None else self.path
        try:
            stream = open(path, "rb", buffering=0)  # noqa: PTH123, SIM115
        except FileNotFoundError as error:
            raise SourceError.missing(self.name) from error
        except OSError as error:
            raise SourceError.unreadable(self.name, error) from error
        with stream:
            yield stream


@contextmanager
def opened_again(place: str) -> Iterator[BinaryIO]:
    """Open what was read before, by its place, as it is now.

    Raises:
        OSError: If it is not there any more, or can't be read.
    """
    if is_url(place):
        from envoylogs.sources.remote.file import RemoteFile
        from envoylogs.sources.remote.listing import object_at

        with RemoteFile(object_at(place)) as file:
            yield cast("BinaryIO", file)
        return
    with open(place, "rb", buffering=0) as raw:  # noqa: PTH123
        yield raw


@contextmanager
def rereadable(sources: list[Source]) -> Iterator[list[Source]]:
    """Return sources that can be read again: pipes are read to their end, and kept meanwhile.

    Raises:
        SourceError: If a pipe can't be read.
        OutputError: If there is no room for it.
    """
    if not any(source.is_pipe for source in sources):
        yield sources
        return
    place = Path(tempfile.gettempdir())
    with ExitStack() as opened:
        try:
            folder = opened.enter_context(temporary_folder(place, "envoylogs"))
            kept = [
                _kept(source, folder / str(number)) if source.is_pipe else source
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
