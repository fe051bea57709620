"""Findings about hosts that turned to answering everything with redirects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.failures.lookup import FAILURES
from envoylogs.envoy.outcomes import is_redirect
from envoylogs.summary.findings.conditions import all_of, equals, is_one_of, is_request
from envoylogs.summary.findings.finding import Finding, Severity, told_alike
from envoylogs.summary.findings.proof import gateways_of, proof_of, sum_of
from envoylogs.summary.findings.timelines import between
from envoylogs.summary.parts import Parts
from envoylogs.tally.folding.marks import FOLDED_MARKS
from envoylogs.tally.timeline import REDIRECT

if TYPE_CHECKING:
    from envoylogs.summary.findings.whole_log import WholeLog

__all__ = ["redirect_findings"]

_ENOUGH, _NEARLY_ALL, _USUAL, _BEFORE = 50, 0.95, 0.2, 20
_LOOP = 3
"""So many times as many requests as usual speak for clients that go round in circles."""


def redirect_findings(log: WholeLog) -> list[Finding]:
    """Return the hosts that served their requests, and redirect all of them since."""
    redirects = log.requests.filter(is_redirect() & pl.col("host").is_not_null())
    often = (
        redirects.lazy()
        .group_by("host")
        .agg(pl.col("requests").sum())
        .filter(
            (pl.col("requests") >= _ENOUGH)
            & pl.col("host").is_in(log.known_hosts.implode())
            & ~pl.col("host").is_in(FOLDED_MARKS)
        )
        .sort("host")
        .collect()["host"]
    )
    redirected = pl.col("answer") == REDIRECT
    stretches = log.timelines.stretches_of_hosts(often, redirected)
    found, parts = [], Parts(redirects)
    for host, stretch in stretches.items():
        when, (before, of_before) = stretch.episode, stretch.outside
        if (
            when.since is None
            or stretch.requests < max(_ENOUGH, _NEARLY_ALL * stretch.of)
            or of_before < _BEFORE
            or before > _USUAL * of_before
        ):
            continue
        of_host = parts.of(host=host)
        rows = log.timelines.requests_of(host).filter(redirected)
        inside = between(rows, when.since, when.until)
        by_gateway = sum_of(inside.filter(pl.col("outcome") == "direct_response"))
        failure = FAILURES[
            "redirected_by_gateway"
            if 2 * by_gateway >= stretch.requests
            else "redirected_by_service"
        ]
        well, expected = stretch.went_well or (0, 0.0)
        loops = bool(expected) and well >= _LOOP * expected
        proof = proof_of(of_host)
        if loops:
            proof += f"; {well / expected:.0f} times as many requests as before: clients go round"
        found.append(
            Finding(
                code="redirects_jump",
                severity=Severity.HIGH if loops else Severity.MEDIUM,
                who=failure.actor,
                subject=host,
                title=failure.says.format(label=host),
                **stretch.told(when.since),
                gateways=gateways_of(log, of_host),
                where=all_of(
                    is_request,
                    equals("host", host),
                    is_one_of("response_code", of_host["response_code"].unique().sort()),
                    is_one_of("outcome", of_host["outcome"].unique().sort()),
                ),
                proof=proof,
                failure=failure.name,
                of_many=told_alike(failure),
                next=failure.next,
            )
        )
    return found
