"""Where within a service its failures are: a path, a host that was asked for, an upstream host.

"One in 20 fails" hides that one path fails always and the others never do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs.summary.findings.proof import sum_of
from envoylogs.tally.folding.marks import FOLDED_MARKS

if TYPE_CHECKING:
    from envoylogs.summary.facts import Facts

__all__ = ["place_of"]

_ENOUGH, _NEARLY_ALL, _AGAINST_OTHERS, _BY_CHANCE = 10, 0.9, 5, 0.01


def place_of(facts: Facts, failed: pl.DataFrame, of: pl.DataFrame) -> str | None:
    """Return where nearly all failures of a service are while it does well elsewhere, in words.

    Args:
        facts: Of the log.
        failed: The rows of ``TrafficCounts`` that failed, with ``host`` and ``error``.
        of: All rows of the service.
    """
    all_failed = sum_of(failed)
    if all_failed < _ENOUGH:
        return None
    requests = pl.col("requests").sum()
    for column, word in (("upstream_host", "at"), ("host", "for")):
        counted = of.group_by(column).agg(requests)
        of_failed = failed.group_by(column).agg(requests.alias("failed"))
        place = _place(counted.join(of_failed, on=column), of, all_failed)
        if place is not None:
            return f"{word} {place}"
    if not failed["error"].all():
        return None
    # Paths are counted by host, over all that fails there, so of another service too.
    paths = facts.tally.paths.frame.with_columns(facts.host_of_authority).filter(
        pl.col("host").is_in(failed["host"].unique().implode(), nulls_equal=True)
    )
    # Some were only refused or unrouted, and had no request that could fail.
    by_path = (
        paths.group_by("path_group")
        .agg(pl.col("routed").sum().alias("requests"), pl.col("failed").sum())
        .filter(pl.col("requests") > 0)
    )
    place = _place(by_path, by_path, all_failed)
    return None if place is None else f"for {place}"


def _place(places: pl.DataFrame, of: pl.DataFrame, all_failed: int) -> str | None:
    """Return the first column of the place that nearly all failures are at; null if there is none.

    Args:
        places: The name of each, ``requests`` and ``failed``.
        of: With all ``requests``.
        all_failed: How many failures there are to be told of.
    """
    first = places.sort("failed", places.columns[0], descending=[True, False]).head(1)
    if first.is_empty():
        return None
    name, requests, failed = first.select(places.columns[0], "requests", "failed").row(0)
    others, failed_of_others = sum_of(of) - requests, places["failed"].sum() - failed
    if name is None or name in FOLDED_MARKS or not others:
        return None
    # More may fail at these paths than is told of here; what fails elsewhere bounds it.
    failed = min(failed, all_failed)
    nearly_all = failed_of_others <= (1 - _NEARLY_ALL) * all_failed
    alone = failed / requests >= _AGAINST_OTHERS * failed_of_others / others
    # Failures fall on one place by chance, the more easily the more requests it has.
    chance = (requests / (requests + others)) ** failed
    return str(name) if nearly_all and alone and chance < _BY_CHANCE else None
