"""The requests behind a finding as a condition in Polars SQL, which ``--where`` takes.

Whoever reads a finding can ask for its lines or count them in another way; a
test holds the number of the selected records against the finding's.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.outcomes import UNROUTED

if TYPE_CHECKING:
    from collections.abc import Iterable


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
is_request = "kind = 'request'"
"""The gateway's own traffic and connections are not counted by findings about requests."""


def _quoted(value: object) -> str:
    if isinstance(value, int):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


def equals(column: str, value: object) -> str:
    """Return that a column has a value; None is a missing one."""
    return f"{column} IS NULL" if value is None else f"{column} = {_quoted(value)}"


def is_one_of(column: str, values: Iterable[object]) -> str:
    """Return that a column has one of some values, at least one, which may be missing."""
    listed = list(values)
    present = [value for value in listed if value is not None]
    if len(present) == 1:
        found = [equals(column, present[0])]
    else:
        found = [f"{column} IN ({', '.join(map(_quoted, present))})"] if present else []
    return any_of(*found, *([f"{column} IS NULL"] if len(present) < len(listed) else []))


def is_none_of(column: str, values: Iterable[object]) -> str:
    """Return that a column has none of some values, at least one; it may be missing."""
    return any_of(f"{column} IS NULL", f"NOT ({is_one_of(column, values)})")


def all_of(*conditions: str) -> str:
    """Return that every condition holds."""
    return " AND ".join(conditions)


def any_of(*conditions: str) -> str:
    """Return that at least one condition holds."""
    return conditions[0] if len(conditions) == 1 else f"({' OR '.join(conditions)})"


def paths_of(rows: pl.DataFrame) -> str:
    """Return that a request has the method and the path group of one of some rows."""
    methods = rows["method"].unique().sort()
    if len(methods) == 1:
        return all_of(equals("method", methods[0]), is_one_of("path_group", rows["path_group"]))
    # One list, since strangers choose methods and thousands of ORs are more than a parser can nest.
    # A missing value is "-", which as a value is missing too; the first two conditions are for
    # methods and paths with spaces.
    both = rows.select(pl.col("method").fill_null("-") + " " + pl.col("path_group").fill_null("-"))
    return all_of(
        is_one_of("method", methods),
        is_one_of("path_group", rows["path_group"].unique().sort()),
        is_one_of("COALESCE(method, '-') || ' ' || COALESCE(path_group, '-')", both.to_series()),
    )


def unrouted_of(host: str | None, *conditions: str) -> str:
    """Return that a request of a host had no route and meets more conditions."""
    return all_of(is_request, is_one_of("outcome", UNROUTED), equals("host", host), *conditions)


def within(since_us: int | None, until_us: int | None) -> list[str]:
    """Return that a record is of a stretch of time, both ends included; null for no limit."""
    return [
        f"start_time::timestamp {sign} "
        f"'{_EPOCH + timedelta(microseconds=time_us):%Y-%m-%dT%H:%M:%S.%f}'::timestamp"
        for sign, time_us in ((">=", since_us), ("<=", until_us))
        if time_us is not None
    ]
