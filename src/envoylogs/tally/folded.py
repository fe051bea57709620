"""Keeping the names of a log apart from what stands for folded ones.

A column that strangers fill may have any number of names. Past a limit the
rest become a mark (``folded_marks``), so that totals stay exact; ``fold``
decides which. A state never takes a name that looks like a mark from a log,
whatever a client sent: ``kept_apart`` changes it first.
"""

from __future__ import annotations

import polars as pl

from envoylogs import schema
from envoylogs.tally.folded_marks import FOLDED_MARKS, FOLDED_NUMBER

__all__ = [
    "FOLDABLE",
    "is_folded",
    "kept_apart",
    "may_need_keeping_apart",
    "needs_keeping_apart",
]

_MAX_NAME = 2048
"""Where names are cut, in characters: host names have 253 at most, headers 60,000."""

_FINITE = {"outcome", "kind", "role", "response_code"}

_CUT = {"path", "x_forwarded_for", "user_agent", "request_id"}

FOLDABLE = {name: dtype for name, dtype in schema.COUNTABLE.items() if name not in _FINITE}
"""Columns of which a log may hold any number of values.

Outcomes, kinds and roles are a few; codes have three digits.
"""


def is_folded(column: str, dtype: pl.DataType | None = None) -> pl.Expr:
    """Tell the rows in which a column stands for folded names; false where it is null."""
    marks = (FOLDED_NUMBER,) if dtype == pl.Int64() else FOLDED_MARKS
    return pl.col(column).is_in(marks).fill_null(value=False)


def may_need_keeping_apart(frame: pl.DataFrame) -> bool:
    """Tell whether a name that is made of some records may have to be changed.

    Names of states come from these columns or are parts of them, and those of
    paths are cut in any case. Records are asked once, since states are many.
    """
    texts = [name for name in frame.columns if name in FOLDABLE and FOLDABLE[name] == pl.String()]
    numbers = [name for name in schema.INTEGERS if name in frame.columns]
    names = [name for name in texts if name not in _CUT]
    return bool(
        frame.select(
            pl.any_horizontal(
                (pl.col(names).str.len_bytes() > _MAX_NAME).any(),
                pl.col(texts).str.contains("\0", literal=True).any(),
                (pl.col(numbers) == FOLDED_NUMBER).any(),
            )
        ).item()
    )


def needs_keeping_apart(column: str, dtype: pl.DataType) -> pl.Expr:
    """Tell whether some value of a column looks like folded names, or is too long to be kept."""
    if dtype != pl.String():
        return (pl.col(column) == FOLDED_NUMBER).any()
    # Bytes are counted at no cost, and no text has fewer of them than characters.
    return (pl.col(column).str.len_bytes() > _MAX_NAME).any() | pl.col(column).is_in(
        FOLDED_MARKS
    ).any()


def kept_apart(column: str, dtype: pl.DataType) -> pl.Expr:
    """Return the values of a column, cut and such that none looks like folded names."""
    value = pl.col(column)
    if dtype != pl.String():
        return (
            pl.when(value == FOLDED_NUMBER).then(FOLDED_NUMBER + 1).otherwise(value).alias(column)
        )
    cut = value.str.head(_MAX_NAME)
    return pl.when(cut.is_in(FOLDED_MARKS)).then(cut + "?").otherwise(cut).alias(column)
