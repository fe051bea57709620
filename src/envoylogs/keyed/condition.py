"""A condition in SQL: the columns that it names, and which records fit.

It is asked of a batch as a query is of its table, so all that a query can say
of one record a condition can say too. What looks at more than one record would
mean something else in each batch, and is refused.
"""

from __future__ import annotations

import re
from functools import lru_cache

import polars as pl

from envoylogs import schema
from envoylogs.errors import SelectionError
from envoylogs.keyed.closed_values import impossible_value
from envoylogs.keyed.sql import as_polars
from envoylogs.keyed.sql_errors import in_words, unknown_column
from envoylogs.keyed.sql_tokens import Tokens

# How Polars prints what looks at more than one record; it knows no way to ask for that which lets
# IN through. Texts of the condition that look like it are left out first.
_OF_SEVERAL = re.compile(
    r"\blen\(\)|\.(?:first|last|mean|sum|count|min|max|median|std|var|covariance|n_unique|quantile"
    r"|pearson_correlation|any_ignore_nulls|over|rank|shift|implode|cum_\w+)\("
)
_QUERIES = {"SELECT", "TABLE"}
_KNOWN = schema.NORMALIZED | schema.DERIVED
_FITS = "fits the condition"


@lru_cache(maxsize=8)
def columns_of(where: str) -> frozenset[str]:
    """Return the columns that a condition may name, derived ones too.

    Raises:
        SelectionError: If the condition can't be read, or asks about several records.
    """
    tokens = Tokens(where)
    if tokens.unopened:
        raise SelectionError.where(where, "closes a parenthesis that it does not open")
    if _QUERIES & {token.word for token in tokens.all}:
        raise SelectionError.where(where, "is a condition on records, with no query in it")
    try:
        none = pl.DataFrame(schema=_KNOWN)
        found = _asked(where, none).collect_schema()[_FITS]
        # Only now, since an unknown name is better told as such.
        if _OF_SEVERAL.search(_asked(_plain(where), none).explain(optimized=False)):
            raise SelectionError.where(where, "must ask about one record at a time")
        _asked(where, none).collect()
    except UnicodeEncodeError as error:
        raise SelectionError.where(where, "holds bytes that are no text") from error
    except pl.exceptions.PolarsError as error:
        name = unknown_column(error)
        if name is not None:
            if f'"{name}"' in where:
                why = f"there is no column {name!r}: texts stand in single quotes"
                raise SelectionError.where(where, why) from error
            raise SelectionError.value("--where column", name, _KNOWN) from error
        raise SelectionError.where(where, in_words(error)) from error
    if found != pl.Boolean:
        raise SelectionError.where(where, "is no condition: it must be true or false")
    impossible = impossible_value(where)
    if impossible is not None:
        raise SelectionError.where(where, impossible)
    return frozenset(tokens.names() & set(_KNOWN))


def fitting(where: str, records: pl.DataFrame) -> pl.Series:
    """Return for each record whether a condition holds; null where nobody can tell.

    Args:
        where: One that ``columns_of`` takes.
        records: With its columns.

    Raises:
        SelectionError: If it fails on a value that it does not expect.
    """
    try:
        return _asked(where, records).collect().get_column(_FITS)
    except pl.exceptions.PolarsError as error:
        raise SelectionError.where(where, in_words(error)) from error


def _asked(where: str, records: pl.DataFrame) -> pl.LazyFrame:
    # The line ends where a comment may be the last of the condition.
    question = f'SELECT ({as_polars(where)}\n) AS "{_FITS}" FROM logs'  # noqa: S608  # of one's own records
    return pl.SQLContext(frames={"logs": records}).execute(question, eager=False)


def _plain(where: str) -> str:
    """Return a condition without the texts that may look like what Polars prints."""
    parts = list(where)
    for token in Tokens(where).all:
        if token.kind == "text" and ("(" in token.text or '"' in token.text):
            parts[token.start : token.end] = ["''", *[""] * (len(token.text) - 1)]
    return "".join(parts)
