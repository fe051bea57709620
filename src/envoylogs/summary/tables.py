"""The tables of a summary: what each is called, how it is made, and what its rows count.

Whatever shows tables finds them here, so one more table is one more line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from envoylogs import schema
from envoylogs.errors import UnknownKeyError
from envoylogs.summary.breakdown import (
    COLUMNS,
    CONNECTION_KEYS,
    CONNECTION_TABLES,
    asked_connections,
    asked_table,
    breakdown,
    failed_connections,
)
from envoylogs.summary.over_time import joint_table, timeline
from envoylogs.summary.overview import LEDGER_KINDS
from envoylogs.summary.rejections import rejections
from envoylogs.summary.splits import parts_of, splits_over_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from envoylogs.summary.summary import Summary

ASKED = "by"
"""The table of requests that ``--by`` asks for."""

CONNECTIONS = "connections"
"""The table of connections by several columns together."""

ASKED_CONNECTIONS = "connections_by"
"""The table of connections that ``--by`` asks for."""

TIMELINE, SPLITS, SPLITS_OVER_TIME = "timeline", "splits", "splits_over_time"
"""The tables of what happened when, and of splits whenever they were."""

OVER_TIME = {TIMELINE: TIMELINE, SPLITS: SPLITS_OVER_TIME, SPLITS_OVER_TIME: SPLITS_OVER_TIME}
"""The tables that can be asked for by time, each with what it is then."""

JOINT = "joint"
"""The table of what ``--joint`` counted."""


class Table(NamedTuple):
    """A table.

    Attributes:
        name: As ``--table`` takes it.
        make: Makes it; null for findings, which are no frame.
        keys: The columns that tell its rows apart, if it counts by columns.
        title: Its heading, with ``{columns}`` for what it is by; null for its name.
        counts: What these rows count: ``requests`` or ``connections``; null for a table with
            a form of its own.
        json: Where it stands in the JSON; null for what is written there by itself.
        flat: Makes rows of it that need no lists, for CSV and frames; null if it has such rows.
        listed: Whether every summary has it, and people know it by its name.
    """

    name: str
    make: Callable[[Summary], pl.DataFrame] | None = None
    keys: tuple[str, ...] = ()
    title: str | None = None
    counts: str | None = None
    json: tuple[str, ...] | None = None
    flat: Callable[[pl.DataFrame], pl.DataFrame] | None = None
    listed: bool = True


def _of_requests(by: tuple[str, ...], name: str, title: str | None, *json: str) -> Table:
    """Return a table of requests by some columns; without any by those that were asked for."""

    def make(summary: Summary) -> pl.DataFrame:
        return asked_table(summary.judged, by or summary.asked_by)

    return Table(name, make, by, title, "requests", json or None, listed=bool(by))


def _of_connections(by: tuple[str, ...], name: str, title: str | None, *json: str) -> Table:
    def make(summary: Summary) -> pl.DataFrame:
        return asked_connections(summary.judged, by or summary.asked_by)

    return Table(name, make, by, title, CONNECTIONS, json or None, listed=name == CONNECTIONS)


def _by(column: str) -> Table:
    def make(summary: Summary) -> pl.DataFrame:
        return breakdown(summary.judged, column)

    return Table(column, make, (column,), "By {columns}", "requests", ("by", column))


def _ledger(summary: Summary) -> pl.DataFrame:
    ledger = summary.overview.not_found_ledger
    counts = [ledger[kind] for kind in LEDGER_KINDS]
    return pl.DataFrame({"kind": LEDGER_KINDS, "requests": counts})


_CONNECTIONS_BY = "Connections by {columns}"
_ALL = (
    _of_requests(schema.GROUP_KEYS, "groups", None, "groups"),
    *map(_by, COLUMNS),
    _of_connections(CONNECTION_KEYS, CONNECTIONS, None, CONNECTIONS, "groups"),
    Table(
        "connection_failures",
        lambda summary: failed_connections(summary.judged),
        json=(CONNECTIONS, "failures"),
    ),
    Table("rejections", lambda summary: rejections(summary.judged), json=("rejections",)),
    Table(SPLITS, lambda summary: summary.judged.splits, flat=parts_of),
    Table(SPLITS_OVER_TIME, lambda summary: splits_over_time(summary.judged)),
    Table(TIMELINE, lambda summary: timeline(summary.judged)),
    Table("findings"),
    Table("not_found_ledger", _ledger),
    Table("sources", lambda summary: summary.accounts.sources),
    Table("gateways", lambda summary: summary.accounts.gateways),
    Table("examples", lambda summary: summary.accounts.examples),
    *(
        _of_connections(
            (column,), f"{CONNECTIONS} by {column}", _CONNECTIONS_BY, CONNECTIONS, "by", column
        )
        for column in CONNECTION_TABLES
    ),
    Table(JOINT, lambda summary: joint_table(summary.judged.tally), listed=False),
    _of_requests((), ASKED, "By {columns}"),
    _of_connections((), ASKED_CONNECTIONS, _CONNECTIONS_BY),
)

TABLES = {table.name: table for table in _ALL}
"""All tables by name."""

TABLE_NAMES = tuple(table.name for table in _ALL if table.listed)
"""The tables that every summary has."""


def known_table(name: str) -> str:
    """Return the name of a table.

    Raises:
        UnknownKeyError: If there is no such table.
    """
    if name not in {*TABLE_NAMES, JOINT}:
        raise UnknownKeyError.of("table", name, (*TABLE_NAMES, JOINT))
    return name
