"""What a log says, as an object: findings, tables as frames, figures, a page."""

from __future__ import annotations

import io
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from envoylogs.errors import TallyQuestionError, UnknownKeyError
from envoylogs.forking import refuse_after_fork
from envoylogs.render.caveats import notes_of
from envoylogs.render.formatting import count, percent, printable
from envoylogs.render.named_tables import rows_of_table
from envoylogs.render.words import (
    LEDGER,
    facts_of_finding,
    findings_shown,
    headline_of,
    lesser_findings,
    noise_of,
    severity_words,
    verdict_of,
)
from envoylogs.summary.breakdown import COLUMNS, compared
from envoylogs.summary.summary import Summary, summarize
from envoylogs.summary.tables import TABLE_NAMES, TABLES
from envoylogs.tally.folding.marks import FOLDED_MARKS
from envoylogs.tally.storage import save_tally

if TYPE_CHECKING:
    from os import PathLike

    import plotly.graph_objects as go

    from envoylogs.summary.accounts import Accounts
    from envoylogs.summary.findings.finding import Finding
    from envoylogs.summary.overview import Overview
    from envoylogs.summary.slices import Slices
    from envoylogs.tally.tally import Tally

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

_TIMES = ("first", "last", "last_routed", "start", "since", "until")


class Analysis:
    """What a log says.

    It shows itself in a notebook: facts, findings, totals.

    Args:
        tally: What is remembered of the log.
    """

    def __init__(self, tally: Tally) -> None:
        self._tally, self._summary = tally, summarize(tally)

    @property
    def tally(self) -> Tally:
        """What is remembered of the log."""
        refuse_after_fork()
        return self._tally

    @property
    def summary(self) -> Summary:
        """All results; ``tables`` are made of them."""
        refuse_after_fork()
        return self._summary

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The verdicts, the worst first."""
        return self.summary.findings

    @property
    def overview(self) -> Overview:
        """The whole log in a few numbers."""
        return self.summary.overview

    @property
    def accounts(self) -> Accounts:
        """Where every line went."""
        return self.summary.accounts

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of all tables, for ``table``."""
        return TABLE_NAMES

    def table(self, name: str) -> pl.DataFrame:
        """Return a table as a frame.

        Args:
            name: One of ``tables``, such as ``authority`` or ``rejections``.

        Returns:
            The rows of the command's table in its order; times are UTC. A
            column of latency is a struct of ``count``, ``exact``, percentiles,
            ``max`` and ``mean`` in milliseconds. Folded names are null, with a
            column ``folded`` that tells. ``splits`` has a row a part.

        Raises:
            UnknownKeyError: If there is no such table.
        """
        if not isinstance(name, str) or name not in TABLE_NAMES:
            raise UnknownKeyError.of("table", name, TABLE_NAMES)
        return _timed(_unfolded(self._rows(name)))

    def flat_table(self, name: str) -> pl.DataFrame:
        """Return a table with a column for each field of its structs: ``latency_ms_p99``."""
        frame = self.table(name)
        return frame.select(
            expression
            for column, dtype in frame.schema.items()
            for expression in (
                [
                    pl.col(column).struct.field(field.name).alias(f"{column}_{field.name}")
                    for field in dtype.fields
                ]
                if isinstance(dtype, pl.Struct)
                else [pl.col(column)]
            )
        )

    def _rows(self, name: str) -> pl.DataFrame:
        if name == "findings":
            frame = pl.DataFrame(rows_of_table(self.summary, name), schema=_FINDING_TYPES)
            return frame.with_columns(
                pl.col("since", "until").str.to_datetime(time_unit="us", time_zone="UTC")
            )
        frame, flat = self.summary.table(name), TABLES[name].flat
        if name == "not_found_ledger":
            meaning = pl.col("kind").replace_strict(LEDGER, return_dtype=pl.String)
            return frame.select("kind", meaning.alias("meaning"), "requests")
        if name == "timeline":
            return frame.unnest("by_actor")
        return flat(frame) if flat else frame

    def timeline_figure(self) -> go.Figure:
        """Return requests over time, stacked by who must act."""
        return self._figure("timeline")

    def latency_figure(self) -> go.Figure:
        """Return percentiles of latency over time."""
        return self._figure("latency")

    def heat_map_figure(self) -> go.Figure:
        """Return how many requests took how long, over time."""
        return self._figure("heat_map")

    def _figure(self, name: str) -> go.Figure:
        from envoylogs.render.figures import FIGURES

        return FIGURES[name](self._slices())

    def _slices(self) -> Slices:
        if self.summary.slices is None:
            raise TallyQuestionError(
                "this tally has no counts for figures and pages. Analyze the logs, or save the "
                "tally from an analysis."
            )
        return self.summary.slices

    def compare(self, other: Analysis, by: str = "outcome") -> pl.DataFrame:
        """Return a table of two analyses side by side.

        Args:
            other: What to compare with, such as the day before.
            by: A table by one column: ``outcome``, ``authority``, ``upstream_cluster``, ...

        Returns:
            A row for each value that one of them has: the column, then of each
            measure (``requests``, ``share`` of all requests, ``errors``,
            ``error_share``, ``p50_ms``, ``p90_ms``, ``p99_ms``) this value,
            that of the other (``_other``), and this less that (``_change``).
            Counts that one lacks are 0, percentiles null. Ordered by the size of
            the change of ``share``, descending, then by the column. Differences
            are not tested for chance.

        Raises:
            UnknownKeyError: If there is no such table.
        """
        if not isinstance(by, str) or by not in COLUMNS:
            raise UnknownKeyError.of("table by one column", by, COLUMNS)
        return _unfolded(compared(self.summary, other.summary, by))

    def save_tally(self, path: str | PathLike[str]) -> None:
        """Keep all counts in a file, which ``analyze`` and the command read like a log.

        Raises:
            OSError: If it can't be written.
        """
        save_tally(self.tally, Path(path))

    def report(self, path: str | PathLike[str]) -> None:
        """Write the offline HTML page, as ``envoylogs report`` does.

        Raises:
            OSError: If it can't be written.
        """
        from envoylogs.render.html.page import write_page

        page = io.StringIO()
        self._slices()
        write_page(self.summary, page)
        Path(path).write_text(page.getvalue(), encoding="utf-8")

    def __repr__(self) -> str:
        facts = " · ".join(text for text, _ in headline_of(self.summary))
        codes = ", ".join(found.code for found in findings_shown(self.summary))
        verdict = verdict_of(self.summary)
        return f"<Analysis {facts}; {verdict[0] if verdict else codes}>"

    def _repr_html_(self) -> str:
        """Return facts, findings and totals for a notebook, without a script or a style sheet."""
        summary, overview = self.summary, self.overview
        facts = " · ".join(escape(text) for text, _ in headline_of(summary))
        findings = "".join(map(self._finding_html, findings_shown(summary)))
        words = (lesser_findings(summary), noise_of(summary), *notes_of(summary))
        notes = "".join(f"<p>{escape(printable(note))}</p>" for note in words if note)
        totals = {
            "requests": count(overview.requests),
            "errors": f"{count(overview.errors)} ({percent(overview.error_share)})",
            "refused": count(overview.refused),
            "unrouted": count(overview.unrouted),
            "connections": count(overview.connections),
            **{
                f"{quantile} ms": printable(overview.latency_ms[quantile])
                for quantile in ("p50", "p90", "p99")
            },
        }
        head = "".join(f"<th>{name}</th>" for name in totals)
        cells = "".join(f"<td>{value}</td>" for value in totals.values())
        verdict = verdict_of(summary)
        told = f"<p>{escape(printable(verdict[0]))}</p>" if verdict else ""
        told += f"<ol>{findings}</ol>" if findings else ""
        return (
            f"<div><p><strong>{facts}</strong></p>{told}{notes}"
            f"<table><thead><tr>{head}</tr></thead><tbody><tr>{cells}</tr></tbody></table></div>"
        )

    def _finding_html(self, found: Finding) -> str:
        said = (f"Must act: {found.who}", *facts_of_finding(found, self.overview))
        return (
            f"<li><strong>{severity_words(found)} {escape(printable(found.title))}</strong><br>"
            f"{escape(printable('; '.join(said)))}.<br>{escape(printable(found.next))}</li>"
        )


def _unfolded(frame: pl.DataFrame) -> pl.DataFrame:
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
