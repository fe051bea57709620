"""The whole log, as findings ask it, and all findings of it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from envoylogs.summary.findings.alike import told_once
from envoylogs.summary.findings.failing import Failures
from envoylogs.summary.findings.finding import Finding, ranked
from envoylogs.summary.findings.log import log_findings
from envoylogs.summary.findings.of_many import (
    delay_findings,
    redirect_findings,
    upgrade_findings,
    with_refused_paths,
)
from envoylogs.summary.findings.routes import route_findings
from envoylogs.summary.findings.slow import slow_findings
from envoylogs.summary.findings.stopped import stopped_findings
from envoylogs.summary.findings.subjects import believed_hosts
from envoylogs.summary.findings.timelines import Timelines
from envoylogs.summary.findings.tls import tls_findings
from envoylogs.summary.findings.wording import durations_by_subject
from envoylogs.summary.judged import Judged, Parts
from envoylogs.summary.paths import path_states
from envoylogs.summary.splits import splits
from envoylogs.tally.folding.marks import FOLDED_MARKS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from envoylogs.summary.accounts import Accounts
    from envoylogs.summary.findings.wording import Durations
    from envoylogs.summary.overview import Overview


class WholeLog(Judged):
    """A log with what several findings rest on; each part is made when it is asked for, once."""

    @cached_property
    def path_states(self) -> pl.DataFrame:
        """What became of each path, see ``paths.path_states``."""
        return path_states(self)

    @cached_property
    def failed_paths(self) -> Parts:
        """How many requests of hosts were ``routed``, and how many ``failed``, by path group."""
        paths = self.paths.lazy().group_by("host", "path_group")
        return Parts(paths.agg(pl.col("routed", "failed").sum()).collect())

    @cached_property
    def splits(self) -> pl.DataFrame:
        """How routes were split, see ``splits.splits``."""
        return splits(self)

    @cached_property
    def believed(self) -> list[str | None]:
        """The hosts that failures are told of by name, see ``subjects.believed_hosts``."""
        return believed_hosts(self)

    @cached_property
    def timelines(self) -> Timelines:
        """When something failed."""
        return Timelines(self, self.believed)

    @cached_property
    def durations(self) -> Mapping[tuple[Any, ...], Durations]:
        """How long failures took, see ``wording.durations_by_subject``."""
        return durations_by_subject(self, self.believed)


def all_findings(log: WholeLog, lines: Accounts, totals: Overview) -> tuple[Finding, ...]:
    """Return the verdicts on a log, the worst first."""
    of_tls = tls_findings(log)
    reused = {found.subject for found in of_tls if found.code == "tls_reuse"}
    found = [
        *of_tls,
        *route_findings(log, reused),
        *with_refused_paths(log, Failures(log).findings()),
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
