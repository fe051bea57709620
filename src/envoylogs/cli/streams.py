"""The standard streams of the program: what an answer loses is told, and what is said never fails.

Click, Rich and Python write to them too, so this is asked of the streams and
not of what writes.
"""

from __future__ import annotations

import io
import os
import select
import sys
from typing import TYPE_CHECKING

from envoylogs.cli.console import Exit
from envoylogs.errors import OutputError

if TYPE_CHECKING:
    from typing import TextIO

    from _typeshed import ReadableBuffer


class _Waiting(io.FileIO):
    """A stream that waits for room where its writer is told that there is none (``O_NONBLOCK``)."""

    def write(self, data: ReadableBuffer, /) -> int:
        """Write what the system takes of bytes; return how many these are."""
        while (written := super().write(data)) is None:
            select.select([], [self], [])
        return written


class _Answers(_Waiting):
    """Standard output: the answer of a command, which is there to its end or an error."""

    _is_lost = False

    def write(self, data: ReadableBuffer, /) -> int:
        """Write bytes; nothing is written any more after an error.

        Raises:
            OutputError: If the system refuses them, on a full disk say.
            SystemExit: With the code of success, if the reader has seen enough (``| head``).
        """
        if self._is_lost:
            return memoryview(data).nbytes
        try:
            return super().write(data)
        except BrokenPipeError:
            self._is_lost = True
            raise SystemExit(Exit.OK) from None
        except OSError as error:
            self._is_lost = True
            raise OutputError.unwritable("standard output", error) from error


class _Words(_Waiting):
    """Standard error: words about the work, which is done whether they are heard or not."""

    def write(self, data: ReadableBuffer, /) -> int:
        """Write bytes, if the system takes them."""
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def open_streams() -> None:
    """Open the standard streams anew, also those that a shell has closed.

    A closed input is empty. A closed output takes nothing, which is an error
    once there is something to write; another file must not get its number.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            # Of which one can be read only.
            descriptor = os.open(os.devnull, os.O_RDONLY)
            if descriptor != number:
                os.dup2(descriptor, number)
                os.close(descriptor)
            mode = "w" if number else "r"
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))
    if os.name == "posix":
        answers, words = _Answers(1, "w", closefd=False), _Words(2, "w", closefd=False)
        sys.stdout = _text(answers, sys.stdout, by_line=answers.isatty())
        sys.stderr = _text(words, sys.stderr, by_line=True)


def _text(raw: io.FileIO, like: TextIO, *, by_line: bool) -> TextIO:
    """Return a stream of text, which has a buffer even with ``PYTHONUNBUFFERED``.

    Without one, what the system did not take of a write would be lost without a word.
    """
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=like.encoding,
        errors=like.errors,
        line_buffering=by_line,
    )
