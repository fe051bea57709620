"""Processes that were forked after Polars was used, in which it would wait for ever.

A fork copies one thread of a process and the locks of all of them. Polars can't work
in such a child; its documentation has processes spawned instead.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from envoylogs.errors import ForkError

_THREAD = re.compile(r"polars-\d+$")
_THREADS = Path("/proc/self/task")


class _Forks:
    """What this process was when it was forked.

    Attributes:
        is_used: Whether this process has called this package, which uses Polars.
        is_cut_off: Whether it is a child without its parent's threads of Polars.
    """

    is_used = False
    is_cut_off = False


def _before() -> None:
    _Forks.is_used = _Forks.is_used or any(map(_THREAD.match, _names_of_threads()))


def _in_child() -> None:
    _Forks.is_cut_off = _Forks.is_cut_off or _Forks.is_used


def _names_of_threads() -> list[str]:
    """Return the names of the threads of this process; none where the system does not tell."""
    try:
        return [(thread / "comm").read_text().strip() for thread in _THREADS.iterdir()]
    except OSError:
        return []


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_child=_in_child)


def refuse_after_fork() -> None:
    """Raise an error where Polars would wait for ever.

    Raises:
        ForkError: In a process that was forked from one that had used Polars.
    """
    if _Forks.is_cut_off:
        raise ForkError(
            "this process was forked from one that had used Polars, which can't work here. Start "
            "processes with multiprocessing.get_context('spawn') or 'forkserver', or fork before "
            "the first call."
        )
    _Forks.is_used = True
