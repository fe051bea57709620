"""How many names were folded, at least.

Folded names are forgotten, so they can't be counted one by one. The smallest
hashes of them are kept, which tell how many different ones there were (Bar-Yossef
and others 2002). The hash is made here and not by Polars, whose hashes differ
from release to release.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Self

import polars as pl

from envoylogs.tally.state import Samples

if TYPE_CHECKING:
    from envoylogs.tally.spec import TallySpec

_KEPT = 1024
_LARGEST = 2**63
_BYTES, _HEAD, _PIECE = 64, 40, 8

# The constants of SplitMix64 (Steele, Lea, Flood 2014), whose steps the hash is made of.
_GAMMA, _MIX = (
    pl.Series([factor], dtype=pl.UInt64) for factor in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9)
)


class FoldedNames(Samples):
    """The smallest hashes of the names that were folded, by the kind of name."""

    @classmethod
    def columns(cls, spec: TallySpec) -> dict[str, pl.DataType]:
        """Return the column that they are names of, and the hash, from 0."""
        del spec
        return {"folded_column": pl.String(), "hash": pl.Int64()}

    @classmethod
    def reduced(cls, frame: pl.DataFrame, spec: TallySpec) -> pl.DataFrame:
        """Return the smallest hashes of each kind."""
        del spec
        if frame.is_empty():
            return frame
        place = pl.int_range(pl.len()).over("folded_column")
        return frame.unique().sort("folded_column", "hash").filter(place < _KEPT)

    def with_names(self, kind: str, names: pl.Series) -> Self:
        """Return the same with some more names that were folded."""
        hashes = pl.select(pl.lit(kind).alias("folded_column"), hash=_hashes_of(names))
        return self.merge(type(self)(self.reduced(hashes, self.spec), self.spec))

    def at_least(self) -> dict[str, int]:
        """Return how many names of each kind were folded, at least; almost sure of many."""
        counted = self.frame.group_by("folded_column").agg(pl.len(), pl.col("hash").max())
        return {
            kind: n if n < _KEPT else math.floor(_fewest(largest))
            for kind, n, largest in counted.sort("folded_column").iter_rows()
        }


def _fewest(largest: int) -> float:
    """Return a number of names that is almost surely reached, three standard errors below."""
    estimate = (_KEPT - 1) * _LARGEST / (largest + 1)
    return estimate * (1 - 3 / math.sqrt(_KEPT - 2))


def _hashes_of(names: pl.Series) -> pl.Series:
    """Return hashes of names: of their length, their first 40 and their last 24 bytes."""
    text = names.cast(pl.String)
    padded = text.str.pad_end(_BYTES, "\0").cast(pl.Binary)
    tail = padded.bin.tail(_BYTES - _HEAD)
    pieces = [padded.bin.slice(start, _PIECE) for start in range(0, _HEAD, _PIECE)]
    pieces += [tail.bin.slice(start, _PIECE) for start in range(0, _BYTES - _HEAD, _PIECE)]
    mixed = text.str.len_bytes().cast(pl.UInt64)
    # Step by step: as one expression, in which each step stands three times, it never ends.
    for piece in pieces:
        mixed = (mixed ^ piece.bin.reinterpret(dtype=pl.UInt64, endianness="little")) * _GAMMA
        mixed = (mixed ^ (mixed // (1 << 30))) * _MIX
        mixed ^= mixed // (1 << 27)
    return (mixed // 2).cast(pl.Int64)
