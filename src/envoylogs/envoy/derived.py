"""Columns that are made from the normalized ones: the host, the client, the group of the path."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from envoylogs import schema
from envoylogs.envoy.outcome_rules import CONNECTION_COLUMNS
from envoylogs.envoy.paths import path_group
from envoylogs.envoy.traffic import client_of_record, host_of_record

if TYPE_CHECKING:
    from collections.abc import Iterable


class _Derived(NamedTuple):
    """How a column is made, and from which normalized ones."""

    expression: pl.Expr
    made_from: tuple[str, ...]


_DERIVED = {
    "host": _Derived(host_of_record(), ("requested_server_name", *CONNECTION_COLUMNS)),
    "client": _Derived(client_of_record(), ("downstream_remote_address", "x_forwarded_for")),
    "path_group": _Derived(path_group(pl.col("path")), ("path",)),
}


def column_expression(name: str) -> pl.Expr:
    """Return a column of ``schema.NORMALIZED`` or ``schema.DERIVED`` as an expression."""
    derived = _DERIVED.get(name)
    return pl.col(name) if derived is None else derived.expression.alias(name)


def columns_behind(names: Iterable[str]) -> set[str]:
    """Return the normalized columns that these columns are made from."""
    found: set[str] = set()
    for name in names:
        derived = _DERIVED.get(name)
        found |= {name} if derived is None else set(derived.made_from)
    return found & set(schema.NORMALIZED)
