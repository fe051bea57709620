"""Text on the terminal: at once if it fits, else through ``PAGER``."""

from __future__ import annotations

import io
import os
import shlex
import shutil
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from envoylogs.cli.console import output_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO


class ScreenText(io.StringIO):
    """Text that is kept to be shown on the terminal, and made as if written to it."""

    def isatty(self) -> bool:
        """Tell that this ends on a terminal."""
        return True


@contextmanager
def shown_or_written(output: Path | None, *, is_text: bool) -> Iterator[TextIO]:
    """Open what an answer is written to: the terminal, through a pager, or ``output_file``.

    Args:
        output: The file; null is standard output, which may be a terminal.
        is_text: Whether it is for people.

    Raises:
        OutputError: If it can't be written.
    """
    if output is None and is_text and sys.stdout.isatty():
        screen = ScreenText()
        yield screen
        show(screen.getvalue())
        return
    with output_file(output) as out:
        yield out


def show(text: str) -> None:
    """Show text on the terminal: at once if it fits, else through ``PAGER`` (``less``)."""
    fits = text.count("\n") < shutil.get_terminal_size().lines
    command = [] if fits else shlex.split(os.environ.get("PAGER", "less"))
    program = shutil.which(command[0]) if command else None
    if program is None:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    # Quit if it fits after all, pass colors on, leave the text on the screen.
    environment = {"LESS": "FRX", "LESSCHARSET": "utf-8", **os.environ}
    with (
        subprocess.Popen(  # noqa: S603  # the user's own pager
            [program, *command[1:]], stdin=subprocess.PIPE, env=environment
        ) as pager
    ):
        try:
            pager.communicate(text.encode())
        except KeyboardInterrupt:
            pager.wait()
