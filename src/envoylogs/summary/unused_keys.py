"""Keys that nothing used: how often they were logged, and which columns they may hold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.field_keys import DEFAULT_KEYS, is_log_line
from envoylogs.envoy.resembling import column_resembling

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_KEYS_SHOWN = 50
"""How many keys are listed at most."""

_PLAIN = re.compile(r"[A-Za-z0-9_.@:-]+")
"""Keys that can be pasted into a shell and that hold none of the signs of ``--map``."""

_CODE = "response_code"
_OF_A_REQUEST = frozenset({"authority", "method", "path", "protocol", "start_time"})
_FEWEST = 2
"""How many of ``_OF_A_REQUEST`` an object has at least that may be a record with other keys."""


def unused_keys(lines: pl.DataFrame) -> pl.DataFrame:
    """Return the keys of records that no column holds.

    Args:
        lines: The frame of ``tally.accounts.LineCounts``.

    Returns:
        One row per key: ``key``, ``records``, ``looks_like`` (a column; null if
        it is like none), by ``records`` descending, then ``key``; the first few.
    """
    found = _keys(lines, "key_unused", ["detail"]).rename({"detail": "key", "n": "records"})
    columns = [column_resembling(key) for key in found["key"]]
    return found.with_columns(pl.Series("looks_like", columns, dtype=pl.String))


def other_keys(lines: pl.DataFrame) -> pl.DataFrame:
    """Return the keys of JSON objects that are no records.

    Returns:
        One row per source and key: ``source``, ``key``, ``lines``, by source,
        then ``lines`` descending, then ``key``; the first few of each source.
    """
    found = _keys(lines, "key_other", ["source", "detail"])
    return found.rename({"detail": "key", "n": "lines"})


def _keys(lines: pl.DataFrame, fate: str, by: list[str]) -> pl.DataFrame:
    *within, _ = by
    found = (
        lines.lazy()
        .filter((pl.col("fate") == fate) & (pl.col("n") > 0))
        .group_by(by)
        .agg(pl.col("n").sum())
        .sort(*within, -pl.col("n"), "detail")
        .collect()
    )
    return (found.group_by(within, maintain_order=True) if within else found).head(_KEYS_SHOWN)


def keys_for(columns: Collection[str], unused: pl.DataFrame) -> dict[str, str]:
    """Return for columns the most frequent unused key that looks like each of them.

    Returns:
        Keys by column, only such as can be pasted.
    """
    return _first_of_each(
        (column, key)
        for key, column in unused.select("key", "looks_like").iter_rows()
        if column in columns
    )


def keys_that_make_records(keys: Collection[str]) -> dict[str, str]:
    """Return which keys to map so that objects with these keys are records.

    Args:
        keys: Of objects that are none, the most frequent first.

    Returns:
        Keys by column, that of the code and those that are not known anyway;
        nothing if the objects don't look like requests with a code, or are
        lines of an application.
    """
    if is_log_line(keys):
        return {}
    known = {key: DEFAULT_KEYS.column_of(key) for key in keys}
    looking = _first_of_each((known[key] or column_resembling(key), key) for key in keys)
    if _CODE not in looking or len(_OF_A_REQUEST & looking.keys()) < _FEWEST:
        return {}
    have = set(known.values()) - {_CODE}
    return {column: key for column, key in looking.items() if column not in have}


def _first_of_each(pairs: Iterable[tuple[str | None, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for column, key in pairs:
        if column is not None and _PLAIN.fullmatch(key):
            found.setdefault(column, key)
    return found
