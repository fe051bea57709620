"""How far a run is, on standard error: for work of more than a second, on a terminal only."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from envoylogs.cli.console import kept_bytes
from envoylogs.render.formatting import size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from rich.progress import Progress as Display

    from envoylogs.keyed.plan import Hooks
    from envoylogs.sources.source import Source

_SHOWN_AFTER_S = 1.0
_BETWEEN_S = 0.2


class _Progress:
    """Counts, of a total of bytes if it is known, and shows that once work has taken a while."""

    def __init__(self, total: int | None) -> None:
        self._total = total
        self._bytes = self._lines = 0
        self._started = time.monotonic()
        self._next = self._started + _SHOWN_AFTER_S
        self._display: Display | None = None

    def bytes_read(self, n: int) -> None:
        """Take note of bytes."""
        self._bytes += n
        self._show()

    def lines_read(self, n: int) -> None:
        """Take note of lines."""
        self._lines += n

    def close(self) -> None:
        """Remove what is shown."""
        if self._display is not None:
            self._display.stop()

    def _show(self) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _BETWEEN_S
        if self._display is None:
            self._display = _display(self._total)
            self._display.start()
        (task,) = self._display.task_ids
        self._display.update(task, completed=self._bytes, words=self._words(now - self._started))
        self._display.refresh()

    def _words(self, seconds: float) -> str:
        """Return how much was read, how fast, and how long it will still take."""
        speed = self._bytes / seconds
        of_total = "" if self._total is None else f" of {size(self._total)}"
        words = [
            f"{size(self._bytes)}{of_total}",
            # Of lines that others have read nothing is known meanwhile.
            *([f"{self._lines / seconds:,.0f} lines/s"] if self._lines else []),
            f"{size(round(speed))}/s",
        ]
        if self._total is not None and speed:
            words.append(f"{max(self._total - self._bytes, 0) / speed:.0f} s left")
        return ", ".join(words)


def _display(total: int | None) -> Display:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    display = Progress(
        *([] if total is None else [BarColumn(bar_width=20)]),
        TextColumn("{task.fields[words]}", markup=False),
        console=Console(stderr=True),
        auto_refresh=False,
        transient=True,
    )
    display.add_task("", total=total, words="")
    return display


@contextmanager
def shown_progress(sizes: list[int | None]) -> Iterator[_Progress | None]:
    """Return what shows the progress over sources of these sizes; None if nobody would see it."""
    if not sys.stderr.isatty():
        yield None
        return
    known = [size for size in sizes if size is not None]
    progress = _Progress(sum(known) if len(known) == len(sizes) else None)
    try:
        yield progress
    finally:
        progress.close()


@contextmanager
def told(hooks: Hooks, sources: Sequence[Source], rejects: Path | None) -> Iterator[Hooks]:
    """Return hooks that show progress too, and keep malformed lines in a file if one is given."""
    with ExitStack() as opened:
        on_malformed: Callable[[bytes], None] | None = None
        if rejects is not None:
            kept = opened.enter_context(kept_bytes(rejects))
            on_malformed = lambda line: kept.writelines((line, b"\n"))  # noqa: E731
        progress = opened.enter_context(shown_progress([source.size for source in sources]))
        yield replace(hooks, on_malformed=on_malformed, progress=progress)
