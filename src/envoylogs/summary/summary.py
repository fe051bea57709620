"""All tables of a log: the only thing that a renderer receives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envoylogs.summary.accounts import Accounts, accounts
from envoylogs.summary.breakdown import asked_table, breakdowns, groups
from envoylogs.summary.connections import Connections, connections
from envoylogs.summary.findings.all import all_findings
from envoylogs.summary.findings.slices import FindingSlice, slices_of
from envoylogs.summary.folds import Folds, folds
from envoylogs.summary.joint import joint_table
from envoylogs.summary.judged import Judged
from envoylogs.summary.metrics.families import Family, metric_families
from envoylogs.summary.overview import Overview, overview
from envoylogs.summary.paths import path_states
from envoylogs.summary.rejections import rejections
from envoylogs.summary.slices import SLICE_COLUMNS, Slices, slices
from envoylogs.summary.splits import splits
from envoylogs.summary.timeline import bucket_seconds, timeline
from envoylogs.summary.verdict import Verdict, verdict
from envoylogs.tally.revealed import revealed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from envoylogs.summary.findings.finding import Finding
    from envoylogs.tally.tally import Tally

__all__ = ["Summary", "summarize"]


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything there is to say of a log.

    Attributes:
        complete: Whether all of the input was read.
        accounts: Where every line went.
        overview: Totals.
        by: One table for each column of ``breakdown.TABLES``.
        groups: Requests by all group keys together.
        connections: Tables of connections.
        rejections: What the gateway answered by itself.
        splits: The observed split of each route.
        bucket_seconds: The width of the timeline's buckets; null for an empty log.
        timeline: Requests over time.
        findings: What is wrong, the worst first.
        verdict: Whether anything is.
        folds: What was folded to keep memory bounded.
        selection: Which records were counted, as options; null for all.
        asked_by: The columns that a table was asked by; empty without.
        asked: That table of requests, see ``breakdown.asked_table``; null
            without. ``connections`` has the one of connections.
        metrics: For monitoring, in a fixed order; null unless they were asked for.
        joint: Requests by time and columns together, see ``joint.joint_table``;
            null unless it is wanted.
        slices: What any slice is counted from; null unless the joint counts are
            by ``slices.SLICE_COLUMNS``.
        finding_slices: Of each of ``findings``; empty without slices.
        anonymized: Whether tokens stand for what may say who somebody is.
    """

    complete: bool
    accounts: Accounts
    overview: Overview
    by: Mapping[str, pl.DataFrame]
    groups: pl.DataFrame
    connections: Connections
    rejections: pl.DataFrame
    splits: pl.DataFrame
    bucket_seconds: int | None
    timeline: pl.DataFrame
    findings: tuple[Finding, ...]
    verdict: Verdict
    folds: Folds
    selection: str | None = None
    asked_by: tuple[str, ...] = ()
    asked: pl.DataFrame | None = None
    metrics: tuple[Family, ...] | None = None
    joint: pl.DataFrame | None = None
    slices: Slices | None = None
    finding_slices: tuple[FindingSlice | None, ...] = ()
    anonymized: bool = False


def summarize(
    tally: Tally,
    *,
    complete: bool = True,
    by: Sequence[str] = (),
    joint: bool = False,
    names_in_metrics: int | None = None,
) -> Summary:
    """Return all tables of a tally.

    Args:
        tally: Of any number of logs.
        complete: Whether reading was not broken off. A damaged source makes a summary
            incomplete in any case.
        by: Columns that one more table is wanted by.
        joint: Whether the table of joint counts is wanted.
        names_in_metrics: So many hosts, and so many clusters, are named in
            ``metrics`` at most; null if no metrics are wanted, which cost time.

    Raises:
        TallyError: If the tally has no counts by these columns.
    """
    tally = revealed(tally)
    judged = Judged(tally)
    paths = path_states(judged)
    totals, lines = overview(judged, paths), accounts(tally)
    observed = splits(judged)
    findings = all_findings(judged, paths, observed, lines, totals)
    folded = folds(tally)
    complete = complete and lines.damaged.is_empty()
    metrics = None
    if names_in_metrics is not None:
        metrics = metric_families(
            judged,
            accounts=lines,
            overview=totals,
            findings=findings,
            folds=folded,
            complete=complete,
            names=names_in_metrics,
        )
    sliced = slices(judged, paths) if tally.spec.joint == SLICE_COLUMNS else None
    return Summary(
        complete=complete,
        accounts=lines,
        overview=totals,
        by=breakdowns(judged),
        groups=groups(judged),
        connections=connections(judged, by),
        rejections=rejections(judged),
        splits=observed,
        bucket_seconds=bucket_seconds(tally),
        timeline=timeline(tally),
        findings=findings,
        verdict=verdict(findings, totals, lines, folded),
        folds=folded,
        selection=tally.spec.selection,
        asked_by=tuple(by),
        asked=asked_table(judged, by) if by else None,
        metrics=metrics,
        joint=joint_table(tally) if joint else None,
        slices=sliced,
        finding_slices=slices_of(findings, sliced) if sliced else (),
        anonymized=tally.spec.anonymized is not None,
    )
