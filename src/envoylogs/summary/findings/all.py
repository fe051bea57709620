"""All findings of a log, the worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.summary.findings.alike import told_once
from envoylogs.summary.findings.failing import failing_findings
from envoylogs.summary.findings.finding import Finding, ranked
from envoylogs.summary.findings.log import log_findings
from envoylogs.summary.findings.of_many import (
    delay_findings,
    redirect_findings,
    upgrade_findings,
)
from envoylogs.summary.findings.refused_paths import with_refused_paths
from envoylogs.summary.findings.routes import route_findings
from envoylogs.summary.findings.slow import slow_findings
from envoylogs.summary.findings.stopped import stopped_findings
from envoylogs.summary.findings.tls import tls_findings
from envoylogs.tally.folding.marks import FOLDED_MARKS

if TYPE_CHECKING:
    from envoylogs.summary.accounts import Accounts
    from envoylogs.summary.findings.whole_log import WholeLog
    from envoylogs.summary.overview import Overview


def all_findings(log: WholeLog, lines: Accounts, totals: Overview) -> tuple[Finding, ...]:
    """Return the verdicts on a log, the worst first."""
    of_tls = tls_findings(log)
    reused = {found.subject for found in of_tls if found.code == "tls_reuse"}
    found = [
        *of_tls,
        *route_findings(log, reused),
        *with_refused_paths(log, failing_findings(log)),
        *slow_findings(log),
        *delay_findings(log),
        *upgrade_findings(log),
        *redirect_findings(log),
        *stopped_findings(log, {found.subject for found in of_tls}),
        *log_findings(log, lines, totals),
    ]
    # The rest of the names is nothing that anybody could look at or mend.
    named = [finding for finding in found if finding.subject not in FOLDED_MARKS]
    return tuple(ranked(told_once(named, log)))
