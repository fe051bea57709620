"""Values of one field, as orjson read them, as a Polars series."""

from __future__ import annotations

import re

import orjson
import polars as pl

from envoylogs import schema

_SECONDS_OF_NGINX = re.compile(r"\d{1,9}\.\d{3}")
_LONGEST_SECONDS = 1e9

MISSING = (None, "-", "")


def first_present(values: list[list[object]]) -> list[object]:
    """Return for each record the first of several values that is not missing."""
    if len(values) == 1:
        return values[0]
    return [
        next((value for value in of_record if value not in MISSING), None)
        for of_record in zip(*values, strict=True)
    ]


_NUMBERS: tuple[tuple[set[type], pl.DataType], ...] = (
    ({int, type(None)}, pl.Int64()),
    ({float, type(None)}, pl.Float64()),
)
_TOO_DEEP = "[...]"


def series_of(name: str, values: list[object]) -> pl.Series:
    """Return the values of one field: numbers if all are, else text.

    A column of text is text even where a log has numbers in it, so that a
    value does not depend on those beside it.
    """
    dtype: pl.DataType = pl.String()
    if name in schema.INTEGERS or name == "start_time":
        types = set(map(type, values))
        dtype = next((number for allowed, number in _NUMBERS if types <= allowed), dtype)
    try:
        return pl.Series(name, values, dtype=dtype, strict=True)
    except (TypeError, OverflowError, pl.exceptions.PolarsError):
        # Mixed types: several eras in one log, or values that nobody expects.
        return pl.Series(name, [text_of(value) for value in values], dtype=pl.String)


def as_text(logged: pl.Series) -> pl.Series:
    """Return the values of one field as text, each as ``text_of`` has it.

    Args:
        logged: Text or numbers.
    """
    if logged.dtype.is_float():
        # Polars writes 1e16 in another way than JSON.
        return pl.Series(logged.name, list(map(text_of, logged)), dtype=pl.String)
    return logged.cast(pl.String)


def text_of(value: object) -> str | None:
    """Return a value as text: what JSON would print for anything but a string."""
    if value is None or isinstance(value, str):
        return value
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        # orjson reads values that are nested deeper than it writes; nobody needs these whole.
        return _TOO_DEEP


def milliseconds_of(value: object, code: object) -> object:
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
