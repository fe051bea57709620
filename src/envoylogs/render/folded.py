"""What the limits of memory did to the numbers, in words; the same in every renderer."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from envoylogs.render.formatting import FOLDED_WORDS, percent, span
from envoylogs.summary.in_words import counted, listing
from envoylogs.tally.folding.marks import FOLDED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envoylogs.summary.folds import FoldedColumn, JointDetail
    from envoylogs.summary.summary import Summary

__all__ = ["folded_of"]

_NAMES_OF = {
    "authority": "host",
    "requested_server_name": "server name",
    "upstream_cluster": "cluster",
    "route_name": "route",
    "response_flags": "flag",
    "response_code_details": "detail",
}
"""What names of a column are called, where it is not the name of the column."""


def folded_of(summary: Summary) -> str | None:
    """Return what the limits of memory did to the numbers, in sentences; null if nothing."""
    folds, words = summary.folds, []
    columns = _by_noun(folds.columns)
    if columns:
        names = listing(
            [
                f"{counted(found.names_at_least, noun)} ({counted(found.requests, 'record')})"
                for noun, found in columns.items()
            ]
        )
        words.append(f"At least {names} {_TOGETHER}. {_more('--max-names', 'keeps more names')}")
    if folds.latency_relative_error:
        error = percent(folds.latency_relative_error)
        more = _more("--max-latency-rows", "keeps them exact")
        words.append(f"Percentiles are within {error} of the exact ones. {more}")
    given_up = [] if folds.joint is None else _given_up(folds.joint, columns)
    if given_up:
        where = "On the page and in --table joint" if summary.slices else "In --table joint"
        more = _more("--max-joint-rows", "keeps more detail")
        words.append(f"{where} {listing(given_up)}. {more}")
    return " ".join(words) or None


_Found = TypeVar("_Found")
_TOGETHER = f"are counted together as {FOLDED_WORDS[FOLDED]}; totals are exact"


def _given_up(joint: JointDetail, everywhere: Mapping[str, FoldedColumn]) -> list[str]:
    """Return what joint counts gave up to have fewer rows, besides what is folded everywhere."""
    parts = [f"records are counted by {span(joint.width_s)}"] if joint.width_s > 1 else []
    if joint.latency_relative_error:
        parts.append(f"latencies are within {percent(joint.latency_relative_error)}")
    names = [
        f"{noun}s ({counted(records, 'record')})"
        for noun, records in _by_noun(joint.columns).items()
        if noun not in everywhere or records > everywhere[noun].requests
    ]
    if joint.has_fewer_names and names:
        parts.append(f"some {listing(names)} {_TOGETHER}")
    return parts


def _by_noun(columns: Mapping[str, _Found]) -> dict[str, _Found]:
    """Return what is said of columns by what their names are called, the first one of a word."""
    found: dict[str, _Found] = {}
    for column, of_column in columns.items():
        found.setdefault(_NAMES_OF.get(column, column.replace("_", " ")), of_column)
    return found


def _more(option: str, effect: str) -> str:
    # A saved tally has no more than it kept.
    return f"Counting the log again with a larger {option} {effect}."
