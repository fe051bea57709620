"""Holding the states of a tally to its limits.

There are two limits of names. A column has ``max_names`` of them: what is more
is folded while states are added up, before it costs memory. And a state has so
many rows: combinations of few names can be many, so the names of the column
that has most are halved until the rows fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs.tally.folding.fold import Fold, Names, fold_of, known_of, names_of
from envoylogs.tally.folding.folded_names import FoldedNames
from envoylogs.tally.known_names import KnownNames

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envoylogs.tally.spec import TallySpec
    from envoylogs.tally.state import State

STATES_OF_NAMES = ("traffic", "paths", "asked_traffic", "known_names", "joint")
"""The states that together have all names, and say which of them are known; joint counts last,
whose names are folded by what the others know."""

_OF_THEIR_OWN = {"evidence", "joint"}
"""States with limits of their own, which no table has numbers of: in them alone names are folded
to have fewer rows."""


def too_many_names(states: Mapping[str, State], spec: TallySpec) -> Fold:
    """Return what becomes of the columns that have more names than they may.

    Args:
        states: At least ``STATES_OF_NAMES``.
        spec: With the limit.
    """
    fold = {}
    for kind in _kinds(states, spec):
        names = _names(kind, states)
        if names is not None and names.frame.height > spec.max_names:
            fold[kind] = fold_of(names, names.frame[spec.max_names :])
    return fold


def within_limits(states: Mapping[str, State], fold: Fold, spec: TallySpec) -> dict[str, State]:
    """Return states whose rows are no more than they may be.

    Args:
        states: All of a tally, names folded already.
        fold: How they were folded.
        spec: With the limits.
    """
    found = dict(states)
    _remember(found, fold)
    for name in states:
        if name in _OF_THEIR_OWN:
            found[name] = held_alone(name, found, spec)
            continue
        while found[name].frame.height > found[name].most_rows(spec):
            coarser = found[name].coarser(names_left=True)
            fewer = {} if coarser else _fewer_names(found[name], found)
            if not fewer:
                coarser = coarser or found[name].coarser(names_left=False)
                if coarser is None:
                    break
                found[name] = coarser
                continue
            for other in states:
                found[other] = found[other].merge(fold=fewer)
            _remember(found, fewer)
    known = found["known_names"]
    assert isinstance(known, KnownNames)  # noqa: S101
    return {**found, "known_names": known.bounded()}


def held_alone(name: str, states: Mapping[str, State], spec: TallySpec) -> State:
    """Return a state with limits of its own whose rows are no more than they may be.

    Args:
        name: Of the state.
        states: It, and at least ``STATES_OF_NAMES``.
        spec: With the limits.
    """
    state = states[name]
    while state.frame.height > state.most_rows(spec):
        less = state.coarser(names_left=True)
        if less is None and (fewer := _fewer_names(state, {**states, name: state})):
            less = state.merge(fold=fewer)
        if less is None:
            less = state.coarser(names_left=False)
        if less is None:
            break
        state = less
    return state


def _remember(states: dict[str, State], fold: Fold) -> None:
    folded = states["folded_names"]
    assert isinstance(folded, FoldedNames)  # noqa: S101
    for kind, renaming in fold.items():
        folded = folded.with_names(kind, renaming.folded)
    states["folded_names"] = folded


def _kinds(states: Mapping[str, State], spec: TallySpec) -> set[str]:
    """Return the kinds of which there may be too many names."""
    return {
        kind
        for name in STATES_OF_NAMES
        for kind in states[name].names(spec).values()
        if states[name].frame.height > spec.max_names
    }


def _names(kind: str, states: Mapping[str, State]) -> Names | None:
    """Return all names of a kind from the state that has them; None if none has."""
    for home, requests in (
        ("traffic", pl.col("requests")),
        ("asked_traffic", pl.col("requests")),
        ("paths", pl.col("routed") + pl.col("unrouted")),
        ("joint", pl.col("requests") + pl.col("connections")),
    ):
        rows = states[home].frame
        if kind in rows.columns:
            known = known_of(kind, states["known_names"].frame, states["paths"].frame)
            return names_of(kind, rows, requests, known)
    return None


def _fewer_names(state: State, states: Mapping[str, State]) -> Fold:
    """Return the fold that halves the most frequent kind of names of a state; empty for none."""
    found: list[tuple[int, int, Names, pl.DataFrame]] = []
    for kind, names_here in state.names_by_kind().items():
        names = _names(kind, states)
        if names is not None:
            here = names.frame.filter(pl.col("name").is_in(names_here.implode()))
            known = int(here["known"].sum())
            found.append((here.height - known, known, names, here))
    if not found:
        return {}
    unknown, known, names, here = max(found, key=lambda of_kind: of_kind[:2])
    # Unknown names stand last. While there are any, known ones stay.
    n = unknown or known
    return {names.kind: fold_of(names, here.tail((n + 1) // 2))} if n else {}
