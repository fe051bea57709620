"""Records that have the same keys, in columns, and what their keys are."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.fields import SECONDS_IF_DECIMAL, fold, is_address
from envoylogs.envoy.outcome_rules import EVIDENCE
from envoylogs.reading.logged_values import first_present, series_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from envoylogs.envoy.field_keys import FieldKeys

__all__ = ["Shape", "evidence", "frame_of", "shape_of"]

_OF_ADDRESSES = "upstream_host"
_SECONDS = frozenset(map(fold, SECONDS_IF_DECIMAL))
_SECONDS_OF_NGINX = re.compile(r"\d{1,9}\.\d{3}")
_LONGEST_SECONDS = 1e9


@dataclass(slots=True)
class Shape:
    """The records that have the same keys, in columns.

    Attributes:
        keys_of: The keys that are read for each column, the first in front.
        seen: All columns that these keys hold, whether wanted or not.
        values: A list for each key of ``keys_of``.
        holders: The keys under which there may be an object with keys that are known.
        unused: The keys that no column holds; those of ``holders`` hold no object here.
        unlike: How the values of a key are read for a column where they are not taken as they
            stand: ``address``, ``no_address`` or ``seconds``.
        places: The place of each record in the batch.
    """

    keys_of: dict[str, list[str]]
    seen: list[str]
    values: dict[str, list[object]]
    holders: list[str]
    unused: list[str]
    unlike: dict[tuple[str, str], str]
    places: list[int] = field(default_factory=list)


def shape_of(logged: Collection[str], keys: FieldKeys, wanted: Collection[str]) -> Shape:
    """Return the shape of records, without one.

    Args:
        logged: The keys of each of them; paths of nested ones.
        keys: Which keys hold which columns.
        wanted: The columns that are kept.
    """
    keys_of: dict[str, list[str]] = {}
    unlike: dict[tuple[str, str], str] = {}
    seen: dict[str, None] = {}
    for key in sorted(logged):
        for column in keys.columns_of(key):
            keys_of.setdefault(column, []).append(key)
            if keys.known_key(key) in _SECONDS:
                unlike[column, key] = "seconds"
            elif len(keys.columns_of(key)) > 1:
                unlike[column, key] = "address" if column == _OF_ADDRESSES else "no_address"
        seen |= dict.fromkeys(keys.columns_of(key)[:1])
    of_wanted = {
        column: sorted(spellings, key=keys.precedence)
        for column, spellings in keys_of.items()
        if column in wanted
    }
    return Shape(
        of_wanted,
        list(seen),
        {key: [] for spellings in of_wanted.values() for key in spellings},
        keys.holders(logged),
        [key for key in logged if not keys.columns_of(key)],
        unlike,
    )


def frame_of(shape: Shape) -> pl.DataFrame:
    """Return the values of a shape by column, and what of ``EVIDENCE`` was logged."""
    return pl.DataFrame(
        [
            *(
                series_of(column, first_present([_values(shape, column, key) for key in keys]))
                for column, keys in shape.keys_of.items()
            ),
            *evidence(shape.seen, len(shape.places)),
        ]
    )


def evidence(logged: Collection[str], height: int) -> Iterator[pl.Series]:
    """Yield for each column of ``EVIDENCE`` whether it was logged."""
    for alias, column in EVIDENCE.items():
        yield pl.repeat(column in logged, height, dtype=pl.Boolean, eager=True).alias(alias)


def _values(shape: Shape, column: str, key: str) -> list[object]:
    values, how = shape.values[key], shape.unlike.get((column, key))
    if how == "seconds":
        codes = [shape.values[key] for key in shape.keys_of.get("response_code", ())]
        beside = first_present(codes) if codes else [None] * len(values)
        return list(map(_milliseconds, values, beside))
    if how is not None:
        return [value if is_address(str(value)) == (how == "address") else None for value in values]
    return values


def _milliseconds(value: object, code: object) -> object:
    """Return a length of time in milliseconds, if it was written in seconds.

    Args:
        value: As it was logged. nginx writes seconds with three decimals.
        code: The code in the same record: Istio 1.22.0 to 1.22.2 write all
            numbers with decimals.
    """
    if isinstance(value, str) and _SECONDS_OF_NGINX.fullmatch(value):
        return round(float(value) * 1000)
    if isinstance(value, float) and not isinstance(code, float) and abs(value) < _LONGEST_SECONDS:
        return round(value * 1000)
    return value
