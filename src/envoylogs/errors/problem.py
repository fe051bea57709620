"""What all errors are, and what their messages have in common."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["EnvoylogsError", "first_line", "nearest"]


class EnvoylogsError(Exception):
    """A problem that a user can understand and mend; the message says how."""

    slug: ClassVar[str] = "error"


def first_line(error: BaseException) -> str:
    """Return the first line of another library's error, to be repeated in a message."""
    return str(error).partition("\n")[0]


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the nearest of the known names as a question, nothing if none is near."""
    names = list(known)
    near = difflib.get_close_matches(name.lower(), [k.lower() for k in names], n=3, cutoff=0.5)
    suggestions = [k for k in names if k.lower() in near]
    return f" Did you mean {' or '.join(suggestions)}?" if suggestions else ""
