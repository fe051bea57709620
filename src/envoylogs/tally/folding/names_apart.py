"""Keeping the names of a log apart from what stands for folded ones.

A column that strangers fill may have any number of names. Past a limit the
rest become a mark (``marks``), so that totals stay exact; ``fold``
decides which. No name of a log holds a mark, whatever a client sent, and none
is longer than names may be: ``kept_apart`` changes the records before any
state is made of them, so that a name is the same in all states and in what is
made of it, such as the host of an authority.
"""

from __future__ import annotations

import polars as pl

from envoylogs import schema
from envoylogs.tally.folding.marks import FOLDED_MARKS, FOLDED_NUMBER

_MAX_NAME = 2048
"""Where names are cut, in characters: host names have 253 at most, headers 60,000."""

SHORT_TEXTS = frozenset({"path", "x_forwarded_for", "client", "user_agent", "request_id"})
"""Texts that are no names, which states cut after ``envoy.paths.MAX_TEXT`` characters."""

# In any case of letters, since hosts are made in lower case.
_MARK = r"(?i)\x00(:folded)"

_FINITE = {"outcome", "failure", "kind", "role", "response_code"}

FOLDABLE = {name: dtype for name, dtype in schema.COUNTABLE.items() if name not in _FINITE}
"""Columns of which a log may hold any number of values.

Outcomes, failures, kinds and roles are a few; codes have three digits.
"""


def is_folded(column: str, dtype: pl.DataType | None = None) -> pl.Expr:
    """Tell the rows in which a column stands for folded names; false where it is null."""
    marks = (FOLDED_NUMBER,) if dtype == pl.Int64() else FOLDED_MARKS
    return pl.col(column).is_in(marks).fill_null(value=False)


def _columns(columns: pl.Schema) -> tuple[list[str], list[str], list[str]]:
    """Return those of some columns that hold texts, those of these that are names, and numbers."""
    known = [name for name in columns if name in FOLDABLE]
    texts = [name for name in known if columns[name] == pl.String()]
    numbers = [name for name in known if FOLDABLE[name] == pl.Int64()]
    return texts, [name for name in texts if name not in SHORT_TEXTS], numbers


def may_be_mixed_up(columns: pl.Schema) -> pl.Expr:
    """Tell whether any of some records must be changed to be kept apart; nearly none must."""
    texts, names, numbers = _columns(columns)
    # Bytes are counted at no cost, and are no fewer than characters.
    return pl.any_horizontal(
        (pl.col(names).str.len_bytes() > _MAX_NAME).any(),
        pl.col(texts).str.contains("\0", literal=True).any(),
        (pl.col(numbers) == FOLDED_NUMBER).any(),
    )


def kept_apart(records: pl.DataFrame) -> pl.DataFrame:
    """Return records with their names cut, and such that none holds what marks folded names.

    Args:
        records: Any columns. Numbers that stand for names are let be.
    """
    if not records.select(may_be_mixed_up(records.schema)).item():
        return records
    texts, names, numbers = _columns(records.schema)
    broken = {name: pl.col(name).str.replace_all(_MARK, "\0?${1}") for name in texts}
    number = pl.col(numbers)
    return records.with_columns(
        *(text.str.head(_MAX_NAME) if name in names else text for name, text in broken.items()),
        pl.when(number == FOLDED_NUMBER).then(FOLDED_NUMBER + 1).otherwise(number).name.keep(),
    )
