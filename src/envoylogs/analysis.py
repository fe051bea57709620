"""What a log says, as an object: findings, tables as frames, figures, a page."""

from __future__ import annotations

import os
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from polars import selectors as cs

from envoylogs.errors import ArgumentError, TallyQuestionError, UnknownKeyError
from envoylogs.forking import refuse_after_fork
from envoylogs.outputs import replaced_file
from envoylogs.render.caveats import notes_of
from envoylogs.render.formatting import count, percent, printable
from envoylogs.render.table_frames import frame_of_table, unfolded
from envoylogs.render.words import (
    facts_of_finding,
    findings_shown,
    headline_of,
    lesser_findings,
    noise_of,
    severity_words,
    verdict_of,
)
from envoylogs.summary.breakdown import COLUMNS, compared
from envoylogs.summary.splits import one_split
from envoylogs.summary.summary import Summary, summarize
from envoylogs.summary.tables import (
    ASKED,
    ASKED_CONNECTIONS,
    SPLITS_OVER_TIME,
    TABLE_NAMES,
)
from envoylogs.tally.storage import save_tally

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    import plotly.graph_objects as go
    import polars as pl

    from envoylogs.mesh.mesh import Mesh
    from envoylogs.summary.accounts import Accounts
    from envoylogs.summary.explanations import Explanation
    from envoylogs.summary.findings.finding import Finding
    from envoylogs.summary.overview import Overview
    from envoylogs.summary.slices import Slices
    from envoylogs.tally.ladder import Buckets
    from envoylogs.tally.tally import Tally

_ASKED = (ASKED, ASKED_CONNECTIONS)


class Analysis:
    """What a log says.

    It shows itself in a notebook: facts, findings, totals.

    Args:
        tally: What is remembered of the log.
        by: The columns of the table ``by``; without any there is none.
        buckets: How wide what is shown by time is; null for what the tally has.
        mesh: The configuration given; null for none.
        suppress: See ``summarize``.

    Raises:
        TallyError: If the tally has no counts by these columns.
        UnknownKeyError: If there is no such cause or finding to suppress.
    """

    def __init__(
        self,
        tally: Tally,
        *,
        by: Sequence[str] = (),
        buckets: Buckets | None = None,
        mesh: Mesh | None = None,
        suppress: Sequence[str] = (),
    ) -> None:
        self._tally = tally
        self._summary = summarize(tally, by=by, buckets=buckets, mesh=mesh, suppress=suppress)

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
    def explanations(self) -> tuple[Explanation, ...]:
        """Why requests were turned away, known hosts and then most requests first.

        Empty unless a configuration was given.
        """
        return self.summary.explanations

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
        return (*TABLE_NAMES, *(_ASKED if self.summary.asked_by else ()))

    def table(self, name: str) -> pl.DataFrame:
        """Return a table as a frame.

        Args:
            name: One of ``tables``, such as ``authority`` or ``rejections``.

        Returns:
            The rows of the command's table in its order; times are UTC. A
            column of latency is a struct of ``count``, ``exact``, percentiles,
            ``max`` and ``mean`` in milliseconds. Folded names are null, with a
            column ``folded`` that tells. ``splits`` has a row a part. ``by`` is the
            table that ``analyze`` was asked for, and ``connections_by`` that of connections.

        Raises:
            UnknownKeyError: If there is no such table.
            TallyQuestionError: If it is one that was not asked for.
        """
        if name in _ASKED and name not in self.tables:
            raise TallyQuestionError(
                f"the table {name!r} is what analyze is asked for with by= or every=, and nothing "
                "was counted by these here."
            )
        if not isinstance(name, str) or name not in self.tables:
            raise UnknownKeyError.of("table", name, self.tables)
        return frame_of_table(self.summary, name)

    def flat_table(self, name: str) -> pl.DataFrame:
        """Return a table with a column for each field of its structs: ``latency_ms_p99``."""
        return self.table(name).unnest(cs.struct(), separator="_")

    def timeline_figure(self) -> go.Figure:
        """Return requests over time, stacked by who must act."""
        return self._figure("timeline")

    def latency_figure(self) -> go.Figure:
        """Return percentiles of latency over time."""
        return self._figure("latency")

    def heat_map_figure(self) -> go.Figure:
        """Return how many requests took how long, over time."""
        return self._figure("heat_map")

    def split_figure(
        self, authority: str | None = None, route_name: str | None = None
    ) -> go.Figure:
        """Return the share of each cluster of one split over time.

        Args:
            authority: Whose split it is, without port; ``-`` for a missing one.
            route_name: Likewise. Of several splits, and without either, it is that of
                the most requests that has several parts.

        Raises:
            UnknownKeyError: If there is none.
        """
        from envoylogs.render.split_figure import split_figure

        for name, given in (("authority", authority), ("route_name", route_name)):
            if not isinstance(given, str | None):
                raise ArgumentError(f"{name}: {given!r} is no name.")
        shares = one_split(self.summary.table(SPLITS_OVER_TIME), authority, route_name)
        return split_figure(shares, self.summary.bucket_seconds or 1)

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
        return unfolded(compared(self.summary, other.summary, by))

    def save_tally(self, path: str | PathLike[str]) -> None:
        """Keep all counts in a file, which ``analyze`` and the command read like a log.

        Raises:
            OutputError: If it can't be written; what was there before stays.
            ArgumentError: If it is no path.
        """
        with replaced_file(_named_file(path)) as beside:
            save_tally(self.tally, beside)

    def report(self, path: str | PathLike[str]) -> None:
        """Write the offline HTML page, as ``envoylogs report`` does.

        Raises:
            OutputError: If it can't be written; what was there before stays.
            ArgumentError: If it is no path.
            TallyQuestionError: If the tally has no counts for pages.
        """
        from envoylogs.render.html.page import write_page

        self._slices()
        with (
            replaced_file(_named_file(path)) as beside,
            beside.open("w", encoding="utf-8") as page,
        ):
            write_page(self.summary, page)

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


def _named_file(path: str | PathLike[str]) -> Path:
    named = os.fspath(path) if isinstance(path, str | os.PathLike) else None
    if not isinstance(named, str) or not named or "\0" in named:
        raise ArgumentError(f"{path!r} is no path of a file to write.")
    return Path(named)
