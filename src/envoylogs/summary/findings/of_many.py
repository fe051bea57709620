"""Findings about harm that takes many records to see: delays, upgrades, redirects, refusals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.failures.lookup import FAILURES, upgrade_end
from envoylogs.envoy.flags import has_flag
from envoylogs.envoy.outcomes import SWITCHING_PROTOCOLS, is_redirect
from envoylogs.envoy.paths import path_group
from envoylogs.summary.findings.conditions import all_of, equals, is_as_in, is_request, paths_of
from envoylogs.summary.findings.finding import (
    MOST_SUBJECTS,
    Finding,
    OfMany,
    Severity,
    severity_of,
    told_alike,
    worth_telling,
)
from envoylogs.summary.findings.proof import (
    codes_of,
    first_of,
    gateways_of,
    is_host,
    listed,
    path_groups,
    proof_of,
    sum_of,
    witnesses_among,
)
from envoylogs.summary.findings.slow import is_answered_request
from envoylogs.summary.findings.subjects import SUBJECT, Subject, with_subject
from envoylogs.summary.findings.timelines import between, stretches
from envoylogs.summary.findings.weighing import is_burst
from envoylogs.summary.findings.wording import seconds
from envoylogs.summary.judged import Parts, with_host
from envoylogs.summary.paths import refused_since
from envoylogs.tally.folding.marks import FOLDED_MARKS
from envoylogs.tally.slowness import DELAY
from envoylogs.tally.timeline import REDIRECT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envoylogs.summary.findings.whole_log import WholeLog

_FELT_MS = 100
"""Nobody feels less."""


def delay_findings(log: WholeLog) -> Iterator[Finding]:
    """Yield the hosts whose requests a fault rule delays so that users feel it.

    They are served, only later.
    """
    felt = (pl.col("measure") == DELAY) & (pl.col("from_ms") >= _FELT_MS)
    failure = FAILURES["delay_injected"]
    failed = pl.when(felt).then(pl.lit(failure.name))
    slowness = log.tally.slowness.frame
    if slowness.filter(felt).is_empty():
        return
    by_host = with_host(slowness.filter(pl.col("authority").is_not_null())).lazy()
    rows = by_host.with_columns(failed.alias("failure"), failed_as=failed, of="host")
    felt_rows = rows.filter(felt).collect()
    of_felt = rows.join(felt_rows.lazy().select("host").unique(), on="host", how="semi")
    parts = Parts(felt_rows)
    for (host, _), stretch in sorted(stretches(of_felt, log.timelines.width_us).items()):
        if not (is_burst(stretch) or worth_telling(stretch.requests, stretch.of)):
            continue
        when, delayed = stretch.episode, parts.of(host=host)
        inside = delayed if when.is_whole else between(delayed, when.since, when.until)
        longest = pl.col("from_ms").sort_by("from_ms").repeat_by("requests").explode()
        median_ms = int(inside.select(longest.median()).item())
        of_requests = log.requests_of(host).filter(has_flag("DI"))
        yield Finding(
            code="faults_injected",
            severity=max(severity_of(stretch.requests, stretch.of), Severity.HIGH),
            **told_alike(failure, host, f", half of them by {median_ms:,} ms or more"),
            **stretch.told(first_of(delayed)),
            gateways=gateways_of(log, of_requests),
            where=all_of(
                is_answered_request,
                equals("host", host),
                is_as_in(of_requests, "response_flags"),
                f"duration_ms - COALESCE(upstream_service_time_ms, 0) >= {_FELT_MS}",
            ),
            proof=f"Flag DI, and {sum_of(delayed):,} requests took {_FELT_MS} ms or more "
            "longer than the service.",
        )


_ENDED, _NEARLY_ALL_ENDED = 12, 0.8


def upgrade_findings(log: WholeLog) -> Iterator[Finding]:
    """Yield whose upgraded connections, such as WebSockets, all end after the same time.

    One that ends is no harm: either side may close it. Many that end after the same time prove a
    limit that nobody meant for them.
    """
    nothing = pl.lit(None, pl.String)
    upgraded = log.requests.lazy().filter(pl.col("response_code") == SWITCHING_PROTOCOLS)
    rows = with_subject(
        upgraded.with_columns(
            nothing.alias("server_name"), nothing.alias("address"), upgrade_end().alias("failure")
        ),
        log.believed,
    ).collect()
    parts = Parts(rows)
    upgrades = rows.drop_nulls("failure").partition_by("failure", *SUBJECT, as_dict=True)
    for key, ended in sorted(upgrades.items(), key=str):
        took, subject, failure = log.durations.get(key), Subject(*key[1:]), FAILURES[key[0]]
        requests, of = sum_of(ended), sum_of(parts.of(**subject.place))
        limit_ms = took and took.limit_ms
        if not took or limit_ms is None or requests < max(_ENDED, _NEARLY_ALL_ENDED * of):
            continue
        yield Finding(
            code="upgrades_cut",
            severity=Severity.MEDIUM,
            **told_alike(failure, subject.label)
            | {
                "subject": subject.name or subject.label,
                "next": f"The limit is {seconds(limit_ms)}. {failure.next}",
            },
            requests=requests,
            of=of,
            first_seen=first_of(ended),
            onset_unclear=True,
            gateways=gateways_of(log, ended),
            where=all_of(
                subject.where(log.believed),
                f"response_code = {SWITCHING_PROTOCOLS}",
                is_as_in(ended, "outcome", "response_flags"),
            ),
            proof=f"{proof_of(ended)}; {took.proof(failure)}",
        )


_ENOUGH, _NEARLY_ALL, _USUAL, _BEFORE = 50, 0.95, 0.2, 20
_LOOP = 3
"""So many times as many requests as usual speak for clients that go round in circles."""


def redirect_findings(log: WholeLog) -> Iterator[Finding]:
    """Yield the hosts that served their requests, and redirect all of them since."""
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
    parts = Parts(redirects)
    for host, stretch in log.timelines.stretches_of_hosts(often, redirected).items():
        when, (before, of_before) = stretch.episode, stretch.outside
        if (
            when.since is None
            or stretch.requests < max(_ENOUGH, _NEARLY_ALL * stretch.of)
            or of_before < _BEFORE
            or before > _USUAL * of_before
        ):
            continue
        of_host, rows = parts.of(host=host), log.timelines.requests_of(host).filter(redirected)
        inside = between(rows, when.since, when.until)
        by_gateway = sum_of(inside.filter(pl.col("outcome") == "direct_response"))
        by = "gateway" if 2 * by_gateway >= stretch.requests else "service"
        well, expected = stretch.went_well or (0, 0.0)
        loops = bool(expected) and well >= _LOOP * expected
        proof = proof_of(of_host)
        if loops:
            proof += f"; {well / expected:.0f} times as many requests as before: clients go round"
        yield Finding(
            code="redirects_jump",
            severity=Severity.HIGH if loops else Severity.MEDIUM,
            **told_alike(FAILURES[f"redirected_by_{by}"], host),
            **stretch.told(when.since),
            gateways=gateways_of(log, of_host),
            where=all_of(
                is_request,
                equals("host", host),
                is_as_in(of_host, "response_code", "outcome"),
            ),
            proof=proof,
        )


_REFUSED, _FEW, _FEW_CLIENTS = 20, 3, 3
_BY_CHANCE = 1e-3
_MOST, _NOT_ALL = 0.9, 0.9


def with_refused_paths(log: WholeLog, findings: list[Finding]) -> list[Finding]:
    """Return findings, and those about paths that were served, and that everybody is refused since.

    They stand in the place of what is told of their whole hosts. The rest of a host is served, so
    the share of the host may be small.
    """
    told = {(found.subject, found.failure): found for found in findings}
    instead: dict[tuple[str, str | None], Finding] = {}
    paths = refused_since(log).filter(pl.col("served") >= _FEW, pl.col("refused") >= _FEW)
    keys = paths.select("host", "refusal").unique(maintain_order=True).head(MOST_SUBJECTS)
    for key in keys.iter_rows():
        found = _refused(log, paths.filter(host=key[0], refusal=key[1]))
        if found is not None and _says_more(found, told.get(key)):
            instead[key] = found
    rest = [found for found in findings if (found.subject, found.failure) not in instead]
    return [*rest, *instead.values()]


def _says_more(found: Finding, of_host: Finding | None) -> bool:
    """Tell whether paths are what is refused of a host, and not all or any of its requests."""
    if of_host is None or of_host.severity is Severity.INFO:
        return True
    some = of_host.requests <= _NOT_ALL * of_host.of
    return some and found.requests >= _MOST * of_host.requests


def _refused(log: WholeLog, paths: pl.DataFrame) -> Finding | None:
    host, refusal = paths.select("host", "refusal").row(0)
    of_host = log.requests_of(host)
    rows = of_host.filter(pl.col("failure") == refusal)
    # Where others of the host are refused all the time, so are some that came last.
    elsewhere = (sum_of(rows) - sum_of(paths, "refused") + 1) / sum_of(of_host)
    n = log.tally.paths.frame.height
    chance = pl.col("refused") * math.log(min(elsewhere, 1.0)) + math.log(n)
    paths = paths.filter(chance < math.log(_BY_CHANCE))
    requests, since = sum_of(paths, "refused"), first_of(paths, "first_refused")
    if requests < _REFUSED or since is None:
        return None
    kept = log.evidence.with_columns(
        path_group(pl.col("path"), log.tally.spec.path_segments)
    ).filter(
        is_host(host), pl.col("path_group").is_in(paths["path_group"].implode()), failure=refusal
    )
    witnesses = witnesses_among(kept)
    told_apart = log.evidence["client"].drop_nulls().n_unique() > _FEW_CLIENTS
    visit = told_apart and witnesses.clients < _FEW_CLIENTS
    of = sum_of(between(log.timelines.requests_of(host), since, None))
    groups = path_groups(paths)
    failure, served = FAILURES[refusal], sum_of(paths, "served")
    return Finding(
        code="refused_jump",
        severity=Severity.INFO if visit else severity_of(requests, of),
        who=failure.actor,
        subject=host,
        title=failure.says.format(label=f"{listed(groups)} of {host}", codes=codes_of(rows)),
        requests=requests,
        of=of,
        **witnesses.told(log, rows, since),
        since=since,
        where=all_of(is_request, equals("host", host), equals("failure", refusal), paths_of(paths)),
        proof=f"{proof_of(rows)}; {served:,} requests of these paths were served before, none "
        "since",
        failure=refusal,
        of_many=OfMany(
            failure.says.replace("{label}", "some paths of {label}"),
            failure.next,
            codes=codes_of(rows),
        ),
        next=failure.next,
    )
