"""Rows that answer a question in SQL, with numbers that every output can hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
from polars import selectors as cs

from envoylogs.errors import QueryError, nearest
from envoylogs.keyed.closed_values import impossible_value
from envoylogs.keyed.sql import as_polars, is_question, reader_in
from envoylogs.keyed.sql_errors import in_words, unknown_column, unknown_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_BITS = 63


LOGS = "logs"
"""The table of the records of logs."""


def answer(
    sql: str,
    tables: Mapping[str, pl.LazyFrame],
    most: int | None = None,
    known: Sequence[str] = (LOGS,),
) -> pl.DataFrame:
    """Return the rows of the answer to a question in SQL.

    Args:
        sql: One ``SELECT``.
        tables: What it may ask, by name.
        most: How many rows are shown; there is one more if there are more. Null for
            all.
        known: The names of all tables that there are, also those that the SQL does not
            name.

    Raises:
        QueryError: If it is no question, names what there is not, asks for a value that no
            record can have, or can't be answered.
    """
    if not is_question(sql):
        raise QueryError(
            "a query is one SELECT, with WITH in front where it has parts; no other "
            "statement, and no WITH RECURSIVE."
        )
    reader = reader_in(sql)
    if reader is not None:
        raise QueryError(
            f"{reader} reads files: a query reads what it is given, in the table {known[0]}."
        )
    impossible = impossible_value(sql) if LOGS in tables else None
    if impossible is not None:
        raise QueryError(impossible)
    try:
        found = pl.SQLContext(frames=tables).execute(as_polars(sql), eager=False)
        return with_plain_numbers(
            (found if most is None else found.head(most + 1)).collect(engine="streaming")
        )
    except UnicodeEncodeError as error:
        raise QueryError("the query holds bytes that are no text.") from error
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        column, table = unknown_column(error), unknown_table(error)
        if column is not None:
            raise QueryError(_no_column(column, tables)) from error
        if table is not None:
            raise QueryError(_no_table(table, known)) from error
        why = in_words(error)
        end = "" if why.endswith("?") else "."
        raise QueryError(f"the query can't be answered: {why}{end}") from error


def _no_column(name: str, tables: Mapping[str, pl.LazyFrame]) -> str:
    columns = [column for frame in tables.values() for column in frame.collect_schema()]
    near = nearest(name, columns)
    if LOGS in tables:
        return f"there is no column {name!r}.{near} 'envoylogs columns' says which there are."
    all_of_them = f" The columns are {', '.join(dict.fromkeys(columns))}."
    return f"there is no column {name!r}.{near or all_of_them}"


def _no_table(name: str, known: Sequence[str]) -> str:
    if known == (LOGS,):
        return f"there is no table {name!r}: the records are in the table {LOGS}."
    why = ": a saved tally has counts and no records" if name == LOGS else ""
    all_of_them = f" There are {', '.join(known)}."
    return f"there is no table {name!r}{why}.{nearest(name, known) or all_of_them}"


def with_plain_numbers(table: pl.DataFrame) -> pl.DataFrame:
    """Return rows in which numbers are what JSON, CSV and databases call numbers.

    Decimals are floats, and what is infinite or no number is null, since JSON has
    neither. Whole numbers of 128 bits, as sums and products are, have 64 if all of
    the column fit.
    """
    plain = table.with_columns(cs.decimal().cast(pl.Float64))
    finite = plain.with_columns(
        pl.when(pl.col(name).is_finite()).then(name).alias(name)
        for name in plain.select(cs.float()).columns
    )
    return finite.with_columns(
        finite[name].cast(pl.Int64)
        for name in finite.select(cs.by_dtype(pl.Int128)).columns
        if finite[name].is_between(-(2**_BITS), 2**_BITS - 1).all()
    )
