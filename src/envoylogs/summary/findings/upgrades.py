"""Findings about upgraded connections, such as WebSockets, that a limit ends.

One that ends is no harm: either side may close it. Many that end after the
same time prove a limit that nobody meant for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.failures.lookup import FAILURES, upgrade_end
from envoylogs.envoy.outcomes import SWITCHING_PROTOCOLS
from envoylogs.summary.findings.conditions import all_of, is_one_of
from envoylogs.summary.findings.finding import Finding, Severity, told_alike
from envoylogs.summary.findings.proof import first_of, gateways_of, proof_of, sum_of
from envoylogs.summary.findings.subjects import SUBJECT, Subject, with_subject
from envoylogs.summary.parts import Parts

if TYPE_CHECKING:
    from envoylogs.summary.findings.whole_log import WholeLog

__all__ = ["upgrade_findings"]

_ENOUGH, _NEARLY_ALL = 12, 0.8


def upgrade_findings(log: WholeLog) -> list[Finding]:
    """Return whose upgraded connections all end after the same time."""
    nothing = pl.lit(None, pl.String)
    upgraded = log.requests.lazy().filter(pl.col("response_code") == SWITCHING_PROTOCOLS)
    rows = with_subject(
        upgraded.with_columns(
            nothing.alias("server_name"), nothing.alias("address"), upgrade_end().alias("failure")
        ),
        log.believed,
    ).collect()
    parts, found = Parts(rows), []
    for key, ended in sorted(
        rows.drop_nulls("failure").partition_by("failure", *SUBJECT, as_dict=True).items(), key=str
    ):
        took, subject, failure = log.durations.get(key), Subject(*key[1:]), FAILURES[key[0]]
        requests, of = sum_of(ended), sum_of(parts.of(**subject.place))
        limit = took and took.limit_text
        if not took or limit is None or requests < max(_ENOUGH, _NEARLY_ALL * of):
            continue
        found.append(
            Finding(
                code="upgrades_cut",
                severity=Severity.MEDIUM,
                who=failure.actor,
                subject=subject.name or subject.label,
                title=failure.says.format(label=subject.label),
                requests=requests,
                of=of,
                first_seen=first_of(ended),
                onset_unclear=True,
                gateways=gateways_of(log, ended),
                where=all_of(
                    subject.where(log.believed),
                    f"response_code = {SWITCHING_PROTOCOLS}",
                    is_one_of("outcome", ended["outcome"].unique().sort()),
                    is_one_of("response_flags", ended["response_flags"].unique().sort()),
                ),
                proof=f"{proof_of(ended)}; {took.proof(failure)}",
                failure=failure.name,
                of_many=told_alike(failure),
                next=f"The limit is {limit}. {failure.next}",
            )
        )
    return found
