"""Findings about paths that were served, and that the gateway refuses to everybody since.

The rest of their host is served, so the share of the host may be small.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.failures.lookup import FAILURES
from envoylogs.envoy.paths import path_group
from envoylogs.summary.findings.conditions import all_of, equals, is_request, paths_of
from envoylogs.summary.findings.finding import MOST_SUBJECTS, Finding, OfMany, Severity, severity_of
from envoylogs.summary.findings.proof import (
    codes_of,
    first_of,
    is_host,
    listed,
    path_groups,
    proof_of,
    sum_of,
    witnesses_among,
)
from envoylogs.summary.findings.timelines import between
from envoylogs.summary.paths import refused_since

if TYPE_CHECKING:
    from envoylogs.summary.findings.whole_log import WholeLog

_ENOUGH, _FEW, _FEW_CLIENTS = 20, 3, 3
_BY_CHANCE = 1e-3
_MOST, _NOT_ALL = 0.9, 0.9


def with_refused_paths(log: WholeLog, findings: list[Finding]) -> list[Finding]:
    """Return findings, and those about paths in the place of what is told of their whole hosts."""
    told = {(found.subject, found.failure): found for found in findings}
    instead: dict[tuple[str, str | None], Finding] = {}
    paths = refused_since(log).filter(pl.col("served") >= _FEW, pl.col("refused") >= _FEW)
    keys = paths.select("host", "refusal").unique(maintain_order=True).head(MOST_SUBJECTS)
    for key in keys.iter_rows():
        found = _of(log, paths.filter(host=key[0], refusal=key[1]))
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


def _of(log: WholeLog, paths: pl.DataFrame) -> Finding | None:
    host, refusal = paths.select("host", "refusal").row(0)
    of_host = log.requests_of(host)
    rows = of_host.filter(pl.col("failure") == refusal)
    # Where others of the host are refused all the time, so are some that came last.
    elsewhere = (sum_of(rows) - sum_of(paths, "refused") + 1) / sum_of(of_host)
    n = log.tally.paths.frame.height
    chance = pl.col("refused") * math.log(min(elsewhere, 1.0)) + math.log(n)
    paths = paths.filter(chance < math.log(_BY_CHANCE))
    requests, since = sum_of(paths, "refused"), first_of(paths, "first_refused")
    if requests < _ENOUGH or since is None:
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
