"""Every shared option, declared once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "ColorOption",
    "Format",
    "FormatOption",
    "LimitOption",
    "OutputOption",
    "RejectsOption",
    "SourcesArgument",
    "StrictOption",
    "When",
]


class Format(StrEnum):
    """Formats of a summary."""

    TEXT = "text"
    JSON = "json"


class When(StrEnum):
    """When to use color."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


SourcesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SOURCE",
        help="Files, folders, globs, or - for a pipe; plain or compressed.",
        show_default=False,
    ),
]
FormatOption = Annotated[
    Format, typer.Option("--format", "-f", help="text for people, json for programs.")
]
LimitOption = Annotated[
    int | None,
    typer.Option(
        "--limit", "-n", min=0,
        help="Rows a table at most; 0 for all. Text shows 10, JSON all.", show_default=False,
    ),
]  # fmt: skip
OutputOption = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Write to this file instead of standard output.",
                 show_default=False),
]  # fmt: skip
StrictOption = Annotated[
    bool, typer.Option("--strict", help="Exit with 1 if any line is malformed.")
]
RejectsOption = Annotated[
    Path | None,
    typer.Option(
        "--rejects", show_default=False,
        help="Keep malformed lines as they were in this file; of lines over 1 MiB the beginning.",
    ),
]  # fmt: skip
ColorOption = Annotated[
    When, typer.Option("--color", help="Color of text: auto follows the terminal and NO_COLOR.")
]
