"""A tally in a file: one Parquet table that plain Polars reads.

A row is a row of a state; the column ``state`` names the state, and the other
columns are those of all states, null where a state has no such column. The
file's own metadata holds a JSON object under ``envoylogs.tally``: the version
of the format and the specification. ``docs/tally.md`` has the columns. Where
days are kept apart, a column ``day`` says of which one a row is.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import polars as pl

from envoylogs import __version__
from envoylogs.errors import TallyError, first_line
from envoylogs.tally.days import sum_of
from envoylogs.tally.state import State, TallySpec
from envoylogs.tally.tally import STATES, Tally

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from envoylogs.sources.source import Source

__all__ = [
    "TALLY_VERSION",
    "is_saved_tally",
    "load_days",
    "load_tally",
    "save_days",
    "save_tally",
]

TALLY_VERSION = 1
"""Raised when a file of before can no longer be read as it was meant."""

_KEY = "envoylogs.tally"
_MAGIC = b"PAR1"


def save_tally(tally: Tally, path: Path) -> None:
    """Write a tally to a file, which must be moved into place by the caller."""
    save_days({None: tally}, path)


def save_days(
    days: Mapping[int | None, Tally], path: Path, metadata: Mapping[str, str] | None = None
) -> None:
    """Write tallies by day to one file, which is read like a tally: as their sum.

    Args:
        days: One at least, of one specification, by days since 1970 or null.
        path: Is moved into place by the caller.
        metadata: More to keep, by key.
    """
    frames = [
        tally.state(name).canonical().select(*_keys(name, day, days), pl.all())
        for day, tally in days.items()
        for name in STATES
    ]
    header = {
        "version": TALLY_VERSION,
        "tool": f"envoylogs {__version__}",
        "spec": asdict(next(iter(days.values())).spec),
    }
    pl.concat(frames, how="diagonal").write_parquet(
        path, compression="zstd", metadata={_KEY: json.dumps(header), **(metadata or {})}
    )


def _keys(name: str, day: int | None, days: Mapping[int | None, Tally]) -> Iterator[pl.Expr]:
    """Yield the columns of a row besides those of its state; a day only where there are any."""
    yield pl.lit(name).alias("state")
    if any(of_tally is not None for of_tally in days):
        yield pl.lit(day, pl.Int64).alias("day")


def is_saved_tally(source: Source) -> bool:
    """Tell whether a source is a file in the format of tallies."""
    if source.path is None or not source.size:
        return False
    with source.open_raw() as stream:
        return stream.read(len(_MAGIC)) == _MAGIC


def load_tally(source: Source) -> Tally:
    """Read a tally from a file.

    Raises:
        TallyError: If it is no tally, damaged, or of another version.
    """
    days, _ = load_days(source)
    return sum_of(days.values(), next(iter(days.values())).spec)


def load_days(source: Source) -> tuple[dict[int | None, Tally], Mapping[str, str]]:
    """Read tallies by day from a file, one of no day if it has none, and all its metadata.

    Raises:
        TallyError: If it is no tally, damaged, or of another version.
    """
    label, path = source.name, source.path
    if path is None:
        raise TallyError.unreadable(label, "a saved tally is read from a file, not from a pipe.")
    try:
        metadata = pl.read_parquet_metadata(path)
        rows = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise TallyError.unreadable(
            label, f"is a damaged Parquet file: {first_line(error)}"
        ) from error
    if _KEY not in metadata:
        raise TallyError.unreadable(
            label, "is a Parquet file and no saved tally. envoylogs reads logs and saved tallies."
        )
    try:
        found = json.loads(metadata[_KEY])
        version = found["version"]
        if version != TALLY_VERSION:
            writer = found.get("tool", "another release")
            raise TallyError.unreadable(
                label,
                f"is a tally of format version {version} ({writer}); this is envoylogs "
                f"{__version__}, which reads version {TALLY_VERSION}. Read the logs again.",
            )
        columns = {name: tuple(found["spec"].get(name, ())) for name in ("by", "joint")}
        spec = TallySpec(**{**found["spec"], **columns})
        return {day: _tally_of(part, spec) for day, part in _by_day(rows)}, metadata
    except (ValueError, TypeError, KeyError, AttributeError, pl.exceptions.PolarsError) as error:
        why = f"has a header or columns that are none of a tally: {first_line(error)}"
        raise TallyError.unreadable(label, why) from error


def _by_day(rows: pl.DataFrame) -> Iterator[tuple[int | None, pl.DataFrame]]:
    if "day" not in rows.columns:
        yield None, rows
        return
    for (day,), part in sorted(
        rows.group_by("day"), key=lambda pair: (pair[0][0] is not None, pair[0][0])
    ):
        yield None if day is None else int(str(day)), part


def _tally_of(rows: pl.DataFrame, spec: TallySpec) -> Tally:
    return Tally.made(spec, lambda name, state: state(_rows_of(rows, name, state, spec), spec))


def _rows_of(rows: pl.DataFrame, name: str, state: type[State], spec: TallySpec) -> pl.DataFrame:
    """Return the rows of one state with its own columns."""
    columns = state.columns(spec)
    of_state = rows.filter(pl.col("state") == name)
    return of_state.select(
        (pl.col(column) if column in rows.columns else pl.lit(None).alias(column)).cast(dtype)
        for column, dtype in columns.items()
    )
