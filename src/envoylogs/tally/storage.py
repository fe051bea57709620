"""A tally in a file: one Parquet table that plain Polars reads.

A row is a row of a state; the column ``state`` names the state, and the other
columns are those of all states, null where a state has no such column. The
file's own metadata holds a JSON object under ``envoylogs.tally``: the version
of the format and the specification; a checksum holds for every byte (see
``sealing``). ``docs/tally.md`` has the columns. Where days are kept apart, a
column ``day`` says of which one a row is.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from envoylogs import __version__, schema
from envoylogs.errors import SourceError, TallyError, first_line
from envoylogs.sources.remote.urls import may_be_tally
from envoylogs.tally.days import STATES_WITH_TIMES, newest_time, sum_of
from envoylogs.tally.sealing import (
    UNSEALED,
    SealError,
    is_sealed,
    place_of_seal,
    verify,
    write_sealed,
)
from envoylogs.tally.spec import TallySpec
from envoylogs.tally.tally import STATES, Tally

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from envoylogs.sources.source import Source
    from envoylogs.tally.state import State

TALLY_VERSION = 3
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

    Raises:
        OSError: If the system refuses to write it.
    """
    frames = [
        tally.state(name)
        .canonical()
        .select(*_keys(name, day, days), pl.all())
        .cast({pl.Categorical(): pl.String()})
        for day, tally in days.items()
        for name in STATES
    ]
    header = {
        "version": TALLY_VERSION,
        "tool": f"envoylogs {__version__}",
        "spec": asdict(next(iter(days.values())).spec),
    }
    rows = pl.concat(frames, how="diagonal")
    whole = BytesIO()
    rows.write_parquet(
        whole,
        compression="zstd",
        metadata={_KEY: json.dumps(header), **(metadata or {}), **UNSEALED},
    )
    # Not by Polars, which does not say of every error of the system which it was.
    write_sealed(whole.getvalue(), path)


def _keys(name: str, day: int | None, days: Mapping[int | None, Tally]) -> Iterator[pl.Expr]:
    """Yield the columns of a row besides those of its state; a day only where there are any."""
    yield pl.lit(name).alias("state")
    if any(of_tally is not None for of_tally in days):
        yield pl.lit(day, pl.Int64).alias("day")


def is_saved_tally(source: Source) -> bool:
    """Tell whether a source is a file in the format of tallies."""
    if not source.size or not _may_be_tally(source):
        return False
    with source.open_raw() as stream:
        return stream.read(len(_MAGIC)) == _MAGIC


def _may_be_tally(source: Source) -> bool:
    """Tell whether a source is a file at all; an object only by its name, as asking costs."""
    if source.remote is not None:
        return may_be_tally(source.remote.key)
    return source.path is not None


def file_of(source: Source) -> str | BytesIO:
    """Return a file as Polars reads it: its path, or all bytes of an object.

    Raises:
        SourceError: If the object can't be read.
    """
    if source.path is not None:
        return source.path
    with source.open_raw() as raw:
        try:
            return BytesIO(raw.read())
        except OSError as error:
            raise SourceError.unreadable(source.name, error) from error


def holds_counts(source: Source) -> bool:
    """Tell whether a file in the format of tallies says that it is one, of whatever version."""
    try:
        return _may_be_tally(source) and _KEY in pl.read_parquet_metadata(file_of(source))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
        return False


def holds_records(source: Source) -> bool:
    """Tell whether a source is a Parquet file of normalized records, as a log is converted to."""
    if not is_saved_tally(source):
        return False
    try:
        columns = pl.read_parquet_schema(file_of(source))
        return columns.keys() >= {*schema.OF_COUNTED_RECORDS} and "state" not in columns
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
        return False


def load_tally(source: Source) -> Tally:
    """Read a tally from a file.

    Raises:
        TallyError: If it is no tally, damaged, or of another version.
    """
    days, _ = load_days(source)
    return sum_of(days.values())


def load_spec(source: Source) -> TallySpec:
    """Read what a saved tally remembers, and nothing else of it.

    Raises:
        TallyError: If it is no tally, damaged, or of another version.
    """
    with _told(source.name):
        return _header(source.name, _verified(source))[0]


def load_days(source: Source) -> tuple[dict[int | None, Tally], Mapping[str, str]]:
    """Read tallies by day from a file, one of no day if it has none, and all its metadata.

    Raises:
        TallyError: If it is no tally, damaged, or of another version.
    """
    with _told(source.name):
        whole = _verified(source)
        spec, metadata = _header(source.name, whole)
        columns = pl.read_parquet_schema(whole)
        days = _days_of(whole) if "day" in columns else [None]
        return {day: _tally_of(whole, day, columns, spec) for day in days}, metadata


def _verified(source: Source) -> BytesIO:
    """Return all bytes of a file that are what was written, or are not sealed at all."""
    if not _may_be_tally(source):
        why = "a saved tally is read from a file, not from a pipe."
        raise TallyError.unreadable(source.name, why)
    found = file_of(source)
    whole = Path(found).read_bytes() if isinstance(found, str) else found.getvalue()
    if is_sealed(whole):
        verify(whole)
    return BytesIO(whole)


@contextmanager
def _told(label: str) -> Iterator[None]:
    """Say of what can't be read as a tally that it is damaged, or none."""
    try:
        yield
    except SealError as error:
        raise TallyError.unreadable(
            label, f"is a damaged tally: {error}. Read the logs again, or take a copy of it."
        ) from error
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise TallyError.unreadable(
            label, f"is a damaged Parquet file: {first_line(error)}"
        ) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        why = f"has a header or columns that are none of a tally: {first_line(error)}"
        raise TallyError.unreadable(label, why) from error


def _header(label: str, whole: BytesIO) -> tuple[TallySpec, Mapping[str, str]]:
    """Return what a file remembers, and all its metadata."""
    metadata = pl.read_parquet_metadata(whole)
    if _KEY not in metadata:
        why = (
            "is a Parquet file and no saved tally. What envoylogs convert wrote is read by "
            "summarize and analyze, if it has the columns outcome and kind; all other Parquet is "
            "read by pl.scan_parquet."
        )
        raise TallyError.unreadable(label, why)
    found = json.loads(metadata[_KEY])
    version = found["version"]
    if version != TALLY_VERSION:
        writer = found.get("tool", "another release")
        raise TallyError.unreadable(
            label,
            f"is a tally of format version {version} ({writer}); this is envoylogs "
            f"{__version__}, which reads version {TALLY_VERSION}. Read the logs again.",
        )
    # One that has a checksum was held against it before.
    place_of_seal(whole.getvalue())
    lists = {name: tuple(found["spec"].get(name, ())) for name in ("by", "joint", "turned_away")}
    return TallySpec(**{**found["spec"], **lists}), metadata


def newest_us_of(source: Source, now_us: int) -> int | None:
    """Return the newest time up to now that a saved tally knows of, null without any.

    Args:
        source: The tally.
        now_us: The time now.

    Raises:
        TallyError: If it is damaged, or no tally.
    """
    with _told(source.name):
        rows = pl.scan_parquet(_verified(source)).filter(pl.col("state").is_in(STATES_WITH_TIMES))
        times = rows.select("first", "last").collect()
    return newest_time([times], now_us)


def _days_of(whole: BytesIO) -> list[int | None]:
    days = pl.scan_parquet(whole).select("day").unique().collect()["day"]
    return days.sort(nulls_last=False).to_list()


def _tally_of(whole: BytesIO, day: int | None, columns: Collection[str], spec: TallySpec) -> Tally:
    """Return the tally of one day; each state is read with its own columns and rows."""
    rows = pl.scan_parquet(whole)
    if "day" in columns:
        rows = rows.filter(pl.col("day").eq_missing(pl.lit(day, pl.Int64)))

    def own(name: str, state: type[State]) -> pl.LazyFrame:
        return rows.filter(pl.col("state") == name).select(
            (pl.col(column) if column in columns else pl.lit(None).alias(column)).cast(dtype)
            for column, dtype in state.columns(spec).items()
        )

    # Together they take three fifths of the time of one after the other.
    frames = pl.collect_all([own(name, state) for name, state in STATES.items()])
    found = dict(zip(STATES, frames, strict=True))
    return Tally.made(spec, lambda name, state: state(found[name], spec))
