"""All findings of a log, the worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.summary.findings.alike import told_once
from envoylogs.summary.findings.delays import delay_findings
from envoylogs.summary.findings.durations import durations_by_subject
from envoylogs.summary.findings.failing import failing_findings
from envoylogs.summary.findings.finding import Finding, ranked
from envoylogs.summary.findings.log import log_findings
from envoylogs.summary.findings.redirects import redirect_findings
from envoylogs.summary.findings.refused_paths import with_refused_paths
from envoylogs.summary.findings.routes import route_findings
from envoylogs.summary.findings.slow import slow_findings
from envoylogs.summary.findings.stopped import stopped_findings
from envoylogs.summary.findings.subjects import believed_hosts
from envoylogs.summary.findings.timelines import Timelines
from envoylogs.summary.findings.tls import tls_findings
from envoylogs.summary.findings.upgrades import upgrade_findings
from envoylogs.tally.folding.marks import FOLDED_MARKS

if TYPE_CHECKING:
    import polars as pl

    from envoylogs.summary.accounts import Accounts
    from envoylogs.summary.judged import Judged
    from envoylogs.summary.overview import Overview

__all__ = ["all_findings"]


def all_findings(
    judged: Judged, paths: pl.DataFrame, splits: pl.DataFrame, lines: Accounts, totals: Overview
) -> tuple[Finding, ...]:
    """Return the verdicts on a log, the worst first.

    Args:
        judged: Of the log.
        paths: See ``paths.path_states``.
        splits: See ``splits.splits``.
        lines: Where its lines went.
        totals: Its totals.
    """
    believed = believed_hosts(judged)
    timelines = Timelines(judged, believed)
    durations = durations_by_subject(judged, believed)
    of_tls = tls_findings(judged, paths, timelines)
    reused = {found.subject for found in of_tls if found.code == "tls_reuse"}
    found = [
        *of_tls,
        *route_findings(judged, paths, timelines, reused),
        *with_refused_paths(
            judged, timelines, failing_findings(judged, believed, timelines, durations)
        ),
        *slow_findings(judged, splits, timelines),
        *delay_findings(judged, timelines),
        *upgrade_findings(judged, believed, durations),
        *redirect_findings(judged, timelines),
        *stopped_findings(judged, timelines, {found.subject for found in of_tls}),
        *log_findings(judged, lines, totals),
    ]
    # The rest of the names is nothing that anybody could look at or mend.
    named = [finding for finding in found if finding.subject not in FOLDED_MARKS]
    return tuple(ranked(told_once(named, judged)))
