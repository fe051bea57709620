"""The tables of a summary as frames, for programs: flat rows, times as times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs.render.named_tables import rows_of_table
from envoylogs.render.words import LEDGER
from envoylogs.summary.tables import TABLES
from envoylogs.tally.folding.marks import FOLDED_MARKS

if TYPE_CHECKING:
    from envoylogs.summary.summary import Summary

_TEXT, _NUMBER = pl.String(), pl.Int64()
_OF_A_FINDING: dict[str, pl.DataType] = {
    "code": _TEXT,
    "severity": _TEXT,
    "who": _TEXT,
    "subject": _TEXT,
    "title": _TEXT,
    "requests": _NUMBER,
    "of": _NUMBER,
    "clients_at_least": _NUMBER,
    "first_seen": _TEXT,
    "since": _TEXT,
    "until": _TEXT,
    "state": _TEXT,
    "gateways": pl.List(_NUMBER),
    "only_at": pl.List(_TEXT),
    "upstream_hosts": pl.List(_NUMBER),
    "failure": _TEXT,
    "proof": _TEXT,
    "change": _TEXT,
    "where": _TEXT,
    "examples": pl.List(pl.Struct({"source": _TEXT, "line": _NUMBER, "request_id": _TEXT})),
    "next": _TEXT,
    "shared": _TEXT,
}
_FINDING_TYPES = _OF_A_FINDING | {"members": pl.List(pl.Struct(_OF_A_FINDING))}
"""The columns of the table of findings, also without one; times are made of text."""

_TIMES = ("first", "last", "last_routed", "start", "start_time", "since", "until")


def frame_of_table(summary: Summary, name: str) -> pl.DataFrame:
    """Return a table; ``Analysis.table`` says what is in it."""
    return _timed(unfolded(_rows(summary, name)))


def _rows(summary: Summary, name: str) -> pl.DataFrame:
    if name == "findings":
        frame = pl.DataFrame(rows_of_table(summary, name), schema=_FINDING_TYPES)
        return frame.with_columns(
            pl.col("since", "until").str.to_datetime(time_unit="us", time_zone="UTC")
        )
    frame, flat = summary.table(name), TABLES[name].flat
    if name == "not_found_ledger":
        meaning = pl.col("kind").replace_strict(LEDGER, return_dtype=pl.String)
        return frame.select("kind", meaning.alias("meaning"), "requests")
    if name == "timeline":
        return frame.unnest("by_actor")
    return flat(frame) if flat else frame


def unfolded(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a table with null for folded names, and ``folded`` if there are any."""
    texts = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    is_mark = {name: frame[name].is_in(list(FOLDED_MARKS)).fill_null(value=False) for name in texts}
    folded = [name for name, marks in is_mark.items() if marks.any()]
    if not folded:
        return frame
    return frame.with_columns(
        pl.any_horizontal(is_mark[name] for name in folded).alias("folded"),
        *(pl.when(~is_mark[name]).then(pl.col(name)).alias(name) for name in folded),
    )


def _timed(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a table whose times, microseconds since 1970, are times."""
    times = [name for name in _TIMES if frame.schema.get(name) == pl.Int64]
    return frame.with_columns(pl.col(times).cast(pl.Datetime("us", "UTC")))
