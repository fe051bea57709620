"""Where a log went that was renamed since it was read last.

Only logs that are named are looked for: a folder or a glob has the renamed
ones itself. A log rotates to its own name with a number or a time behind it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from envoylogs.sources.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envoylogs.sources.known_logs import KnownLogs

# logrotate writes .1 and -20261125, the kubelet .20261125-120000; anything else beside a log may be
# another log, or what was made of it.
_BEHIND_NAME = re.compile(r"[.\-_]\d[\dT:.\-_]*(\.(gz|zst|bz2|xz))?")


def with_rotated(
    sources: Sequence[Source], logs: KnownLogs
) -> tuple[list[Source], list[tuple[str, int]]]:
    """Return sources with the rest of those that were rotated before each of them.

    Returns:
        The sources, the older ones first, and those whose older content is
        not beside them, each with how many bytes it still begins with.
    """
    found: list[Source] = []
    lost: list[tuple[str, int]] = []
    given = {os.path.realpath(source.path) for source in sources if source.path is not None}
    for source in sources:
        before = None if source.found or source.path is None else logs.read_as(source.path)
        if before is not None and logs.number_of(source) != before:
            older = [
                rotated
                for rotated in _beside(Path(os.path.realpath(source.path or "")))
                if rotated.path not in given
            ]
            numbers = [logs.number_of(rotated) for rotated in older]
            if before in numbers:
                # What is older than that was there before anything was counted.
                found += older[numbers.index(before) :]
            elif all(logs.number_of(other) != before for other in sources):
                lost.append((source.name, logs.same_bytes(source, before)))
        found.append(source)
    return found, lost


def _beside(path: Path) -> Iterator[Source]:
    """Yield files that a log may have been renamed to, the oldest first."""
    others = [
        other
        for other in path.parent.iterdir()
        if other.name.startswith(path.name)
        and _BEHIND_NAME.fullmatch(other.name, len(path.name))
        and other.is_file()
    ]
    for other in sorted(others, key=lambda other: (other.stat().st_mtime_ns, other.name)):
        yield Source(str(other), str(other), found=True)
