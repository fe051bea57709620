"""Globs of ``*`` and ``?`` for the columns of a selection; ``-`` is a missing value."""

from __future__ import annotations

import re

import polars as pl

from envoylogs import schema
from envoylogs.envoy.outcomes import OUTCOME_NAMES, OUTCOMES, UNROUTED, is_error
from envoylogs.envoy.paths import without_query

COLUMN_OF = {
    "host": "host",
    "path": "path",
    "code": "response_code",
    "outcome": "outcome",
    "subset": "upstream_subset",
    "route": "route_name",
    "cluster": "upstream_cluster",
    "client": "client",
    "gateway": "gateway",
}
"""The column that each word of a selection is about; ``path`` is compared without its query."""

OUTCOME_GROUPS = {
    "unrouted": UNROUTED,
    "error": tuple(outcome.name for outcome in OUTCOMES if outcome.error),
}
"""What a word for several outcomes means; see ``ERRORS``."""

ERRORS = "error"
"""The group that codes are in too: every code from 500 on, whoever made it."""

_MISSING = "-"
_CODE = re.compile(r"[0-9xX?*]+")
MOST_CODE = schema.INTEGERS["response_code"][1]
_CODES = ("0", *map(str, range(100, MOST_CODE + 1)))
"""What can be a response code: none that was sent, or one of three digits."""


def pattern_of(word: str, value: str) -> pl.Expr:
    """Return whether a record fits a glob for the column of a word."""
    column = pl.col(COLUMN_OF[word])
    if value == _MISSING:
        return column.is_null()
    if word == "outcome":
        found = column.is_in(outcomes_of(value))
        return found | is_error() if value == ERRORS else found
    if word == "code":
        column, value = column.cast(pl.String), _digits(value)
    elif word == "host":
        value = value.lower()
    elif word == "path":
        column = without_query(column)
    if "*" in value or "?" in value:
        return column.str.contains(_regex(value)).fill_null(value=False)
    return (column == value).fill_null(value=False)


def _regex(glob: str) -> str:
    parts = {"*": ".*", "?": "."}
    return "(?s)^" + "".join(parts.get(c) or re.escape(c) for c in glob) + "$"


def can_be_code(glob: str) -> bool:
    """Tell whether there is a code that a pattern fits, or it asks for none."""
    if glob == _MISSING:
        return True
    fits = re.compile(_regex(_digits(glob))).match
    return _CODE.fullmatch(glob) is not None and any(map(fits, _CODES))


def _digits(code: str) -> str:
    """Return a pattern of codes, in which ``x`` is any digit, as a glob."""
    return code.lower().replace("x", "?")


def outcomes_of(glob: str) -> set[str]:
    """Return the outcomes that a glob means, by their names or by those of groups."""
    fits = re.compile(_regex(glob)).match
    found = {name for name in OUTCOME_NAMES if fits(name)}
    return found.union(*(members for name, members in OUTCOME_GROUPS.items() if fits(name)))
