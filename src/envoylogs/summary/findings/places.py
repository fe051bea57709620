"""Where within a service its failures are: a path, a host that was asked for, an upstream host.

"One in 20 fails" hides that one path fails always and the others never do.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from envoylogs.summary.findings.proof import sum_of
from envoylogs.tally.folding.marks import FOLDED_MARKS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from envoylogs.summary.findings.whole_log import WholeLog

_ENOUGH, _NEARLY_ALL, _AGAINST_OTHERS, _BY_CHANCE = 10, 0.9, 5, 0.01


def place_of(failed: pl.DataFrame, of: pl.DataFrame, log: WholeLog) -> str | None:
    """Return where nearly all failures of a service are while it does well elsewhere, in words.

    Args:
        failed: The rows of ``TrafficCounts`` that failed, with ``host`` and ``error``.
        of: All rows of the service.
        log: Of which.
    """
    all_failed, of_service = sum_of(failed), sum_of(of)
    if all_failed < _ENOUGH:
        return None
    for column, word in (("upstream_host", "at"), ("host", "for")):
        requests, failures = _by_name(of, column), _by_name(failed, column)
        counts: dict[str | None, tuple[int, int]] = {
            name: (requests[name], n) for name, n in failures.items() if name is not None
        }
        place = _place(counts, of_service, all_failed)
        if place is not None:
            return f"{word} {place}"
    if not failed["error"].all():
        return None
    # Paths are counted by host, over all that fails there, so of another service too.
    by_path: dict[str | None, tuple[int, int]] = {}
    for host in set(failed["host"]):
        for path, asked, failures in log.failed_paths.of(host=host).drop("host").iter_rows():
            before = by_path.get(path, (0, 0))
            by_path[path] = (before[0] + asked, before[1] + failures)
    # Some were only refused or unrouted, and had no request that could fail.
    by_path = {path: counts for path, counts in by_path.items() if counts[0] > 0}
    place = _place(by_path, sum(asked for asked, _ in by_path.values()), all_failed)
    return None if place is None else f"for {place}"


def _by_name(rows: pl.DataFrame, column: str) -> Mapping[str | None, int]:
    counted: defaultdict[str | None, int] = defaultdict(int)
    for name, n in zip(rows[column], rows["requests"], strict=True):
        counted[name] += n
    return counted


def _place(
    places: Mapping[str | None, tuple[int, int]], of_all: int, all_failed: int
) -> str | None:
    """Return the place, by its requests and failures, of nearly all failures; null if none."""
    if not places:
        return None
    name = min(places, key=lambda name: (-places[name][1], name is not None, name or ""))
    requests, failed = places[name]
    others, failed_of_others = of_all - requests, sum(n for _, n in places.values()) - failed
    if name is None or name in FOLDED_MARKS or not others:
        return None
    # More may fail at these paths than is told of here; what fails elsewhere bounds it.
    failed = min(failed, all_failed)
    nearly_all = failed_of_others <= (1 - _NEARLY_ALL) * all_failed
    alone = failed / requests >= _AGAINST_OTHERS * failed_of_others / others
    # Failures fall on one place by chance, the more easily the more requests it has.
    chance = (requests / (requests + others)) ** failed
    return name if nearly_all and alone and chance < _BY_CHANCE else None
