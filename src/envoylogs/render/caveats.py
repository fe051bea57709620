"""What numbers can't say: what was not read, and what the limits of memory did to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from envoylogs.render.formatting import FOLDED_WORDS, percent, printable, span
from envoylogs.summary.in_words import counted, listing
from envoylogs.tally.folding.marks import FOLDED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envoylogs.summary.accounts import Accounts
    from envoylogs.summary.folds import FoldedColumn, JointDetail
    from envoylogs.summary.summary import Summary

_NAMES_OF = {
    "authority": "host",
    "requested_server_name": "server name",
    "upstream_cluster": "cluster",
    "route_name": "route",
    "response_flags": "flag",
    "response_code_details": "detail",
}
"""What names of a column are called, where it is not the name of the column."""

_VALUE_SHOWN = 60


def notes_of(summary: Summary) -> list[str]:
    """Return what could not be read and what was folded, each in sentences."""
    return list(filter(None, (unread_of(summary), folded_of(summary))))


def unread_facts(accounts: Accounts) -> list[str]:
    """Return how many values can't be read, and how many records have no time, each in a few words.

    Records whose time is there and can't be read are among the values.
    """
    values = sum(accounts.unreadable.values())
    untimed = accounts.untimed - accounts.unreadable.get("start_time", 0)
    return [
        words
        for n, words in (
            (values, counted(values, "unreadable value")),
            (untimed, f"{counted(untimed, 'record')} without a time"),
        )
        if n
    ]


def reasons_of(malformed_by_reason: Mapping[str, int]) -> str:
    """Return for which reasons lines are malformed, by their names: ``invalid_json 2``."""
    return ", ".join(f"{reason} {n:,}" for reason, n in malformed_by_reason.items())


def unread_of(summary: Summary) -> str | None:
    """Return what could not be read, with an example of each column; null if all could."""
    accounts = summary.accounts
    parts = [
        f"{counted(row['records'], 'value')} of {row['column']}{_example(row)}"
        for row in accounts.unreadable_examples.iter_rows(named=True)
    ]
    words = [f"Can't be read: {'; '.join(parts)}."] if parts else []
    if accounts.untimed:
        has = "has" if accounts.untimed == 1 else "have"
        words.append(
            f"{counted(accounts.untimed, 'record')} {has} no time that can be read: counted, and "
            "in no window of time."
        )
    words += filter(None, [untimed_left_out(accounts.untimed_left_out)])
    return " ".join(words) or None


def untimed_left_out(n: int) -> str | None:
    """Return in a sentence how many records a window left out since they have no time."""
    if not n:
        return None
    left = "was left out since it has" if n == 1 else "were left out since they have"
    return f"{counted(n, 'record')} {left} no time that can be read."


def _example(row: dict[str, object]) -> str:
    if row["value"] is None:
        return ""
    value = str(row["value"])
    shown = f"{value[:_VALUE_SHOWN]}…" if len(value) > _VALUE_SHOWN else value
    return f', such as "{printable(shown)}" ({printable(row["source"])}:{row["line"]})'


def unused_keys_of(accounts: Accounts) -> tuple[str, str] | None:
    """Return a sentence and the option that reads these keys; null without such keys."""
    from envoylogs.summary.unused_keys import keys_for  # with Polars, which no help text needs

    keys = keys_for(accounts.columns_never_seen, accounts.unused_keys)
    if not keys:
        return None
    which = (
        "Keys that are not read look like columns that the log lacks. If they are, give"
        if len(keys) > 1
        else "A key that is not read looks like a column that the log lacks. If it is one, give"
    )
    return which, map_option(keys)


def map_option(keys: Mapping[str, str]) -> str:
    """Return the option that maps keys, by column, to columns; fit to paste."""
    return f"--map {','.join(f'{column}={key}' for column, key in keys.items())}"


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
    if folds.bytes_stopped:
        words.append("Sums of bytes stop at 2^63 - 1: one that is as large may be larger.")
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
