"""The console that tables and findings are printed to: nothing from a log is markup there."""

from __future__ import annotations

import os
from typing import TextIO

from rich.console import Console

__all__ = ["new_console"]

_WIDTH_OF_A_FILE = 100


class _Console(Console):
    """Leaves it to the caller what a closed pipe means; Rich would end the program."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def new_console(out: TextIO, *, color: bool | None = None, width: int | None = None) -> Console:
    """Return a console that writes to a file.

    Args:
        out: The file.
        color: True and False decide; null leaves it to the terminal and to
            ``NO_COLOR`` and ``TERM``.
        width: In characters; null asks the terminal.
    """
    asked = width or os.environ.get("COLUMNS")
    return _Console(
        file=out,
        width=width if asked or out.isatty() else _WIDTH_OF_A_FILE,
        force_terminal=color,
        # Asked for, color is used whatever NO_COLOR and TERM say.
        color_system="standard" if color else "auto",
        no_color=None if color is None else not color,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
