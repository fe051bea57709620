"""Findings about what fails: services, the gateway itself, its policies, connections, clients.

Each is of one way to fail and one subject, so two causes are never one finding
and one cause is never two. What a missing route is about is told in ``routes``,
what refuses a TLS name in ``tls``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.failures.of_services import is_hbone
from envoylogs.envoy.harm import Actor, Harm
from envoylogs.envoy.outcomes import CONNECTION_OUTCOMES, FAILED_HARMS, UNROUTED
from envoylogs.summary.findings.bad_hosts import OF_ONE_HOST, bad_hosts, of_bad_host
from envoylogs.summary.findings.finding import Finding, Severity
from envoylogs.summary.findings.places import EVERYWHERE, at_gateways, place_of
from envoylogs.summary.findings.proof import first_of, names_in, sum_of, witnesses_among
from envoylogs.summary.findings.subjects import SUBJECT, with_subject
from envoylogs.summary.findings.suspects import Suspect, suspects
from envoylogs.summary.findings.weighing import A_CROWD, Askers, Weighing, is_burst
from envoylogs.summary.findings.wording import Shown, waited, words_of
from envoylogs.summary.judged import Parts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from envoylogs.summary.findings.onset import Stretch
    from envoylogs.summary.findings.whole_log import WholeLog
    from envoylogs.summary.findings.wording import Durations


class Failures:
    """Who or what fails in one log, and how."""

    def __init__(self, log: WholeLog) -> None:
        self._log = log
        self._bad_hosts = bad_hosts(log)
        connection = pl.col("kind") == "connection"
        records = log.everything.lazy().with_columns(
            pl.when(connection).then("requested_server_name").alias("server_name"),
            pl.when(connection).then("upstream_host").alias("address"),
            is_hbone(pl.col("upstream_host")).alias("over_hbone"),
        )
        rows = with_subject(records, log.believed).collect()
        of_connections = pl.col("outcome").is_in(CONNECTION_OUTCOMES)
        kind = pl.when(of_connections).then(pl.lit("connection")).otherwise(pl.lit("request"))
        evidence = log.evidence.lazy().with_columns(kind.alias("kind"))
        # What has no route is told in ``routes``, whatever its code.
        fails = pl.col("harm").is_in(FAILED_HARMS) & ~pl.col("outcome").is_in(UNROUTED)
        failed, kept = pl.collect_all(
            [
                rows.lazy().filter(fails, ~self._is_told()),
                with_subject(evidence, log.believed),
            ]
        )
        self._rows, self._failed, self._kept = Parts(rows), Parts(failed), Parts(kept)
        errors = rows["requests"].filter(rows["harm"].is_in([Harm.ERROR, Harm.FAILED]))
        self._weighing = Weighing(
            rows.select(SUBJECT).n_unique() if rows.height else 0,
            sum_of(rows),
            int(errors.sum()),
            kept["client"].drop_nulls().n_unique(),
        )

    def _is_told(self) -> pl.Expr:
        """Tell the failures of the hosts that have findings of their own."""
        of_bad_hosts = (
            (pl.col("upstream_cluster") == bad.cluster) & (pl.col("upstream_host") == bad.address)
            for bad in self._bad_hosts
        )
        told = pl.any_horizontal(pl.lit(value=False), *of_bad_hosts)
        return (told & pl.col("outcome").is_in(OF_ONE_HOST)).fill_null(value=False)

    def findings(self) -> list[Finding]:
        """Return all findings about it, in no order."""
        kept = Parts(self._kept.rows.filter(pl.col("outcome").is_in(OF_ONE_HOST)))
        of_hosts = [
            of_bad_host(self._log, bad, self._weighing, kept.of(upstream_host=bad.address))
            for bad in self._bad_hosts
        ]
        apart: dict[str | None, tuple[str, ...]] = {}
        for bad in self._bad_hosts:
            apart[bad.cluster] = (*apart.get(bad.cluster, ()), bad.address)
        suspected = suspects(self._rows.rows, self._failed.rows, apart)
        stretches = self._log.timelines.stretches_of_subjects(
            key
            for suspect in suspected
            for key in (suspect.key, *([suspect.key_among_all] if suspect.of_strangers else []))
        )
        found = (self._finding(suspect, stretches) for suspect in suspected)
        return of_hosts + [finding for finding in found if finding is not None]

    def _finding(
        self, suspect: Suspect, stretches: Mapping[tuple[Any, ...], Stretch]
    ) -> Finding | None:
        failure, subject = suspect.failure, suspect.subject
        crowd = _crowd(suspect, stretches)
        stretch = crowd or stretches[suspect.key]
        # Errors of strangers are told, refusals are their daily bread.
        if suspect.of_strangers and suspect.harm is not Harm.ERROR and crowd is None:
            return None
        if suspect.apart:
            # Time buckets know clusters and not their hosts, so what is left of a cluster beside a
            # host of its own finding is counted over the whole log.
            stretch = stretch._replace(episode=stretch.episode.whole())
        if stretch.episode.is_whole:
            stretch = stretch._replace(requests=suspect.failed, of=suspect.of)
        durations, when = self._log.durations.get((failure.name, *subject)), stretch.episode
        kept = self._kept.of(**_place(suspect))
        severity = self._severity(suspect, stretch, durations, kept)
        if severity is None:
            return None
        rows, all_rows = self._failed.of(**_place(suspect)), self._rows.of(**subject.place)
        at, told = EVERYWHERE, pl.col("about") == subject.about
        if suspect.harm in {Harm.ERROR, Harm.FAILED}:
            # Who is refused depends on who asks where.
            at = at_gateways(all_rows, told & (pl.col("failure") == failure.name), stretch)
        shown = Shown(
            durations,
            waited(self._log, suspect, rows, when, durations),
            place_of(rows, all_rows, self._log) if subject.about == "cluster" else None,
            when.bursts,
            kept,
            at,
        )
        words = words_of(suspect, rows, shown)
        if suspect.harm is Harm.ANSWERED_4XX and is_burst(stretch):
            # An application that turned to refusing is not its clients' doing.
            words["who"] = Actor.UPSTREAM
        return Finding(
            code=suspect.code,
            severity=Severity.INFO if suspect.of_strangers and crowd is None else severity,
            subject=subject.name or subject.label,
            **words,
            **(witnesses_among(kept).told(self._log, rows) | stretch.told(first_of(rows))),
            only_at=at.names,
            upstream_hosts=(len(names_in(rows, "upstream_host")), suspect.hosts),
            where=suspect.where(self._log.believed),
            failure=failure.name,
        )

    def _severity(
        self, suspect: Suspect, stretch: Stretch, durations: Durations | None, kept: pl.DataFrame
    ) -> Severity | None:
        """Return how bad a failure is; null if it is not worth telling."""
        failed, of, harm, failure = suspect.failed, suspect.of, suspect.harm, suspect.failure
        if harm in {Harm.ERROR, Harm.FAILED, Harm.INJECTED}:
            scattered = failure.name == "not_passed_on" or (
                failure.actor is Actor.UPSTREAM and failure.name != "no_endpoints"
            )
            found = self._weighing.of_failures(failed, of, stretch, scattered=scattered)
            least = Severity.HIGH if harm is Harm.INJECTED else Severity.CRITICAL
            return None if found is None else max(found, least)
        seen = set(zip(kept["client"].to_list(), kept["start"].to_list(), strict=True))
        clients, when = {client for client, _ in seen} - {None}, stretch.episode
        inside = {client for client, start in seen if start is not None and when.covers(start)}
        # 404 is what any stranger gets, and there may be many of them at a time.
        common = harm is Harm.ANSWERED_4XX and 2 * suspect.not_found >= failed
        alike = durations is not None and durations.limit_ms is not None
        known = min(len(clients), A_CROWD - 1) if common else len(clients)
        return self._weighing.of_refusals(
            harm, failed, of, stretch, Askers(known, len(inside & clients), alike)
        )


def _place(suspect: Suspect) -> dict[str, object]:
    """Return the values by which parts of failures find those of a suspect."""
    return {**suspect.subject._asdict(), "failure": suspect.failure.name}


def _crowd(suspect: Suspect, stretches: Mapping[tuple[Any, ...], Stretch]) -> Stretch | None:
    """Return the burst in which strangers are refused in place of everybody else, if any.

    Who breaks HTTP has no host: a load balancer that speaks another protocol since a moment
    looks like a crowd of strangers.
    """
    if not suspect.of_strangers:
        return None
    stretch = stretches[suspect.key_among_all]
    if 2 * stretch.requests < stretch.of:
        return None
    return stretch if is_burst(stretch) and stretch.replaced else None
