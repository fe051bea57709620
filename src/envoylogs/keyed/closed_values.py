"""Texts in SQL that no record can have, in columns whose values are known beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs import schema
from envoylogs.envoy.clusters import DIRECTIONS
from envoylogs.envoy.failures.lookup import FAILURES
from envoylogs.envoy.outcomes import OUTCOME_NAMES
from envoylogs.envoy.roles import ROLES
from envoylogs.envoy.traffic import KINDS
from envoylogs.errors import nearest
from envoylogs.keyed.sql_tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

CLOSED: dict[str, tuple[str, ...]] = {
    "upstream_direction": DIRECTIONS,
    "role": tuple(ROLES),
    "outcome": tuple(OUTCOME_NAMES),
    "failure": tuple(FAILURES),
    "kind": tuple(KINDS),
}
"""All values of the columns that have no others."""

_GROUPS = {
    "error": "is_error is true for every error",
    "unrouted": "is_unrouted is true for every request without a route",
    "refused": "is_refused is true for every request that was refused",
}
_FEW = 10
_MISSING = "-"
_TEXTS = frozenset(
    name for name, dtype in (schema.NORMALIZED | schema.DERIVED).items() if dtype == pl.String()
)
_EQUALS = {"=", "==", "!=", "<>"}


def impossible_value(sql: str) -> str | None:
    """Return what is wrong with the first comparison with a value that there is not.

    A column that the SQL makes itself, by the same name, may have any value.
    """
    tokens = Tokens(sql)
    own = {tokens[at + 1].name for at in range(len(tokens)) if tokens[at].word == "AS"}
    for at in range(len(tokens)):
        column = tokens[at].name
        if column not in _TEXTS or column in own:
            continue
        for value in _compared(tokens, at):
            if value == _MISSING:
                return f"what is missing in a log is null here: write {column} IS NULL for '-'."
            if value not in CLOSED.get(column, (value,)):
                return _in_words(column, value)
    return None


def _compared(tokens: Tokens, at: int) -> Iterator[str]:
    """Yield the texts that the column at a number is compared with."""
    behind = at + 1
    if tokens[behind].word in _EQUALS and tokens[behind + 1].kind == "text":
        yield tokens[behind + 1].value
    before = at - 1
    while tokens[before].word == "." and tokens[before - 1].name:
        before -= 2
    if tokens[before].word in _EQUALS and tokens[before - 1].kind == "text":
        yield tokens[before - 1].value
    behind += tokens[behind].word == "NOT"
    if tokens[behind].word == "IN":
        last = tokens.closing.get(behind + 1, behind + 1)
        listed = [tokens[n] for n in range(behind + 2, last)]
        if all(token.kind == "text" or token.word == "," for token in listed):
            yield from (token.value for token in listed if token.kind == "text")


def _in_words(column: str, value: str) -> str:
    known = CLOSED[column]
    all_known = ", ".join(known) if len(known) <= _FEW else f"those of envoylogs help {column}s"
    near = nearest(value, known) or f" There are {all_known}."
    group = _GROUPS.get(value.lower().removesuffix("s")) if column == "outcome" else None
    return f"no {column} is called {value!r}.{near}{f' {group}.' if group else ''}"
