"""Giving known hosts their names back in an anonymized tally.

While logs are counted every host is a token, since which ones the gateway
routes is known at the end only, of all logs that are added up. Tokens of
strangers stay what they are: their names were never kept.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.traffic import host_of
from envoylogs.tally.tally import Tally

if TYPE_CHECKING:
    from envoylogs.tally.known_names import KnownNames
    from envoylogs.tally.state import State

_TOKEN = re.compile(r"host-[0-9a-f]{16}(?:-shadow)?")
_HOSTS = ("authority", "requested_server_name", "server_name", "host")
"""Columns of states and records that hold hosts, with or without a port."""


def revealed(tally: Tally) -> Tally:
    """Return an anonymized tally with the names of known hosts; any other as it is."""
    if tally.spec.anonymized is None:
        return tally
    names = names_by_token(tally.known_names)
    selection = tally.spec.selection
    if selection is not None:
        selection = _TOKEN.sub(lambda token: names.get(token[0], token[0]), selection)
    spec = replace(tally.spec, selection=selection)

    def state_of(name: str, state: type[State]) -> State:
        columns = (*_HOSTS, "name") if name == "known_names" else _HOSTS
        return state(with_names(tally.state(name).frame, names, columns), spec)

    return Tally.made(spec, state_of)


def names_by_token(known: KnownNames) -> dict[str, str]:
    """Return the names of known hosts that may be shown, by token."""
    shown = known.frame.filter(pl.col("shown").is_not_null()).select("name", "shown")
    return dict(shown.iter_rows())


def with_names(
    frame: pl.DataFrame, names: dict[str, str], columns: tuple[str, ...] = _HOSTS
) -> pl.DataFrame:
    """Return rows with the names of hosts in the place of their tokens.

    Args:
        frame: Any columns, in their order.
        names: By token.
        columns: Which of them hold hosts.
    """
    if not names:
        return frame
    tokens, shown = pl.Series(list(names)), pl.Series(list(names.values()))
    found = []
    for column in columns:
        if column in frame.columns:
            name = pl.col(column).cast(pl.String)
            host = host_of(name)
            named = host.replace(tokens, shown) + name.str.strip_prefix(host)
            found.append(named.cast(frame.schema[column]).alias(column))
    return frame.with_columns(found)
