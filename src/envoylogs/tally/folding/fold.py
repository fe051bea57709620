"""Which names are folded when there are too many, decided once for all states of a tally.

A *kind* of names is the column that they are names of; several states have
it, and all fold the same names, or their tables would disagree. Unknown names
go first and never a known one while an unknown one is left; among equals
those with the fewest requests go. What is folded stays in every total.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from envoylogs.envoy.traffic import host_of
from envoylogs.tally.folding.marks import FOLDED, FOLDED_KNOWN, FOLDED_NUMBER


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one kind, the first to be kept first: ``name``, ``requests``, ``known``."""

    kind: str
    frame: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Renaming:
    """The names of one kind that are kept, and those that are not.

    Attributes:
        kept: Names.
        known: Names that are folded although they are known.
        folded: All names that are folded.
    """

    kept: pl.Series
    known: pl.Series
    folded: pl.Series

    def of(self, name: pl.Expr) -> pl.Expr:
        """Return names with those that are not kept replaced; missing ones stay missing."""
        if self.kept.dtype != pl.String:
            stays = name.is_in(self.kept.implode()) | (name == FOLDED_NUMBER) | name.is_null()
            return pl.when(stays).then(name).otherwise(FOLDED_NUMBER)
        marks = pl.Series([FOLDED, FOLDED_KNOWN])
        stays = name.is_in(pl.concat([self.kept, marks]).implode()) | name.is_null()
        mark = pl.lit(FOLDED)
        if self.known.len():
            known = name.is_in(self.known.implode())
            mark = pl.when(known).then(pl.lit(FOLDED_KNOWN)).otherwise(mark)
        return pl.when(stays).then(name).otherwise(mark)


Fold = Mapping[str, Renaming]
"""What becomes of the names of each kind; kinds that are missing are left alone."""


def names_of(kind: str, rows: pl.DataFrame, requests: pl.Expr, known: pl.Expr) -> Names:
    """Return the names of a kind in an order that depends on nothing but them.

    Args:
        kind: A column of the rows.
        rows: Of the state that has all names of this kind.
        requests: How often each row was asked for.
        known: Whether ``name`` is known.
    """
    name = pl.col(kind)
    marks = [FOLDED_NUMBER] if rows.schema[kind] == pl.Int64 else [FOLDED, FOLDED_KNOWN]
    counted = (
        rows.filter(name.is_not_null() & ~name.is_in(marks))
        .group_by(name.alias("name"))
        .agg(requests.sum().alias("requests"))
        .cast({pl.Categorical(): pl.String()})
        .with_columns(known.fill_null(value=False).alias("known"))
    )
    return Names(kind, counted.sort("known", "requests", "name", descending=[True, True, False]))


def known_of(kind: str, known_names: pl.DataFrame, paths: pl.DataFrame) -> pl.Expr:
    """Return whether ``name`` is a known name of its kind.

    Args:
        kind: See ``names_of``.
        known_names: See ``known_names.KnownNames``.
        paths: See ``paths.PathCounts``.
    """
    name = pl.col("name")
    if kind in {"authority", "host"}:
        hosts = known_names.filter(pl.col("name_kind") == "host")["name"]
        return host_of(name).is_in(hosts.implode())
    if kind == "requested_server_name":
        return name.str.to_lowercase().is_in(known_names["name"].unique().implode())
    if kind == "path_group":
        routed = paths.filter(pl.col("routed") > 0)["path_group"].drop_nulls().unique()
        return name.is_in(routed.implode())
    return pl.lit(value=False)


def fold_of(names: Names, dropped: pl.DataFrame) -> Renaming:
    """Return the fold of some names.

    Args:
        names: All of the kind.
        dropped: Rows of ``names``: those to be folded.
    """
    name = pl.col("name")
    kept = names.frame.filter(~name.is_in(dropped["name"].implode()))
    return Renaming(kept["name"], dropped.filter("known")["name"], dropped["name"])
