"""Work that is done side by side, a thread each.

The compiled decoder, Polars and the counting of records all let go of the interpreter, so threads
are enough. Each has keys and counts of its own; tallies add up whatever the parts.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from envoylogs.engines.apart import Asked, Read, count_unread, read_apart
from envoylogs.keyed.decoding import BATCH_RECORDS, COMPACT_RECORDS
from envoylogs.reading.part_reader import NotSeparableError
from envoylogs.sources.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envoylogs.keyed.plan import Hooks
    from envoylogs.reading.source_reader import Progress
    from envoylogs.sources.source import Source


class _SharedProgress:
    """Passes on what several threads have read, one at a time.

    Args:
        progress: Is told of it.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._lock = threading.Lock()
        self._bytes = self._lines = 0

    def bytes_read(self, n: int) -> None:
        """Take note of bytes."""
        with self._lock:
            self._bytes += n
            self._progress.bytes_read(n)

    def lines_read(self, n: int) -> None:
        """Take note of lines."""
        with self._lock:
            self._lines += n
            self._progress.lines_read(n)

    def take_back(self) -> None:
        """Take back all that was read, since it is read again."""
        self._progress.bytes_read(-self._bytes)
        self._progress.lines_read(-self._lines)


def read_side_by_side(jobs: Sequence[Sequence[Source]], asked: Asked, hooks: Hooks) -> list[Read]:
    """Read parts of sources, or all of them; nothing is returned if that must be in order.

    Args:
        jobs: What each thread reads. All have a part.
        asked: What is counted.
        hooks: What is told of the reading.

    Raises:
        SourceError: If one can't be opened or read.
    """
    progress = None if hooks.progress is None else _SharedProgress(hooks.progress)
    records = max(BATCH_RECORDS, COMPACT_RECORDS // len(jobs))
    # The first that can't be read by itself ends the others.
    stop = Stop(hooks.stop)
    shared = replace(hooks, stop=stop, progress=progress)

    def read(sources: Sequence[Source]) -> Read:
        try:
            found = read_apart(sources, asked, hooks=shared, compact_records=records)
            count_unread(sources, asked, found)
        except BaseException:
            stop.request()
            raise
        return found

    with ThreadPoolExecutor(max_workers=len(jobs)) as pool:
        running = [pool.submit(read, sources) for sources in jobs]
        try:
            return [one.result() for one in running]
        except NotSeparableError:
            if progress is not None:
                progress.take_back()
            return []
        finally:
            # Ctrl-C ends this wait too.
            stop.request()


def cores() -> int:
    """Return how many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1
