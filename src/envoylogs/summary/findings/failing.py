"""Findings about what fails: services, the gateway itself, its policies, connections, clients.

Each is of one way to fail and one subject, so two causes are never one finding
and one cause is never two. What a missing route is about is told in ``routes``,
what refuses a TLS name in ``tls``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from envoylogs.envoy.clusters import NAMELESS
from envoylogs.envoy.failures.lookup import FAILURES
from envoylogs.envoy.outcomes import (
    CONNECTION_OUTCOMES,
    FAILED_HARMS,
    UNROUTED,
    UPSTREAM_ANSWERED,
    Actor,
    Harm,
)
from envoylogs.summary.findings.at_gateways import EVERYWHERE, AtGateways, at_gateways
from envoylogs.summary.findings.bad_hosts import OF_ONE_HOST, bad_hosts, of_bad_host
from envoylogs.summary.findings.conditions import all_of, any_of, equals, is_one_of
from envoylogs.summary.findings.finding import Finding, Severity
from envoylogs.summary.findings.places import place_of
from envoylogs.summary.findings.proof import (
    first_of,
    gateways_of,
    sum_of,
    witnesses_among,
)
from envoylogs.summary.findings.subjects import SUBJECT, Subject, with_subject
from envoylogs.summary.findings.waiting import waited
from envoylogs.summary.findings.weighing import A_CROWD, Askers, Weighing, is_burst, may_be_told
from envoylogs.summary.findings.wording import Shown, words_of
from envoylogs.summary.ledger import NOT_FOUND

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from envoylogs.envoy.failures.failure import Failure
    from envoylogs.summary.facts import Facts
    from envoylogs.summary.findings.durations import Durations
    from envoylogs.summary.findings.timelines import Stretch, Timelines

__all__ = ["FAILING_CODES", "failing_findings"]

_MOST_SUBJECTS = 1000
_NEVER_US = 2**62

_CODE_OF_OUTCOME = {
    "no_cluster": "no_cluster",
    "no_endpoints": "no_endpoints",
    "connect_failure": "connect_failure",
    "upstream_reset": "upstream_reset",
    "upstream_timeout": "upstream_timeout",
    "overflow": "overflow",
    "broken_response": "broken_response",
    "upstream_5xx": "upstream_errors",
    "dependency_failed": "dependency_failed",
    "unknown": "unattributed_errors",
    "client_gone": "clients_give_up",
}
_CODE_OF_HARM = {
    Harm.ERROR: "gateway_errors",
    Harm.INJECTED: "faults_injected",
    Harm.REFUSED: "refused_jump",
    Harm.ANSWERED_4XX: "refused_jump",
    Harm.GONE: "clients_give_up",
    Harm.FAILED: "connections_failed",
}

FAILING_CODES = frozenset({*_CODE_OF_OUTCOME.values(), *_CODE_OF_HARM.values()})
"""Codes of the findings that are made here: who must act is who the way to fail says."""


class _Failing(NamedTuple):
    """One way to fail of one subject, over the whole log.

    Attributes:
        failure: In which way.
        subject: Of whom.
        outcome: That of most of the failures.
        harm: That of most of them.
        failed: How many.
        of: How many records there are of the subject.
        apart: Upstream hosts of it that have findings of their own.
    """

    failure: Failure
    subject: Subject
    outcome: str
    harm: Harm
    failed: int
    of: int
    apart: tuple[str, ...]


def failing_findings(
    facts: Facts,
    believed: Sequence[str | None],
    timelines: Timelines,
    durations: Mapping[tuple[Any, ...], Durations],
) -> list[Finding]:
    """Return who or what fails, and how.

    Args:
        facts: Of the log.
        believed: See ``subjects.believed_hosts``.
        timelines: Of the log.
        durations: See ``durations.durations_by_subject``.
    """
    return _Failures(facts, believed, timelines, durations).findings()


class _Failures:
    """What the findings about failures of one log are made of."""

    def __init__(
        self,
        facts: Facts,
        believed: Sequence[str | None],
        timelines: Timelines,
        durations: Mapping[tuple[Any, ...], Durations],
    ) -> None:
        self._facts = facts
        self._believed = believed
        self._timelines = timelines
        self._rows = with_subject(_records(facts), self._believed)
        self._bad_hosts = bad_hosts(facts)
        told = pl.any_horizontal(
            pl.lit(value=False),
            *(
                (pl.col("upstream_cluster") == bad.cluster)
                & (pl.col("upstream_host") == bad.address)
                for bad in self._bad_hosts
            ),
        ) & pl.col("outcome").is_in(OF_ONE_HOST)
        self._failed = self._rows.filter(
            # What has no route is told in ``routes``, whatever its code.
            pl.col("harm").is_in(FAILED_HARMS)
            & ~pl.col("outcome").is_in(UNROUTED)
            & ~told.fill_null(value=False)
        )
        evidence = facts.tally.evidence.frame.with_columns(
            facts.host_of_authority,
            pl.when(pl.col("outcome").is_in(CONNECTION_OUTCOMES))
            .then(pl.lit("connection"))
            .otherwise(pl.lit("request"))
            .alias("kind"),
        )
        self._evidence = with_subject(evidence, self._believed)
        self._durations = durations
        subjects = self._rows.select(SUBJECT).n_unique() if self._rows.height else 0
        errors = self._rows.filter(pl.col("harm").is_in([Harm.ERROR, Harm.FAILED]))
        clients = evidence["client"].drop_nulls().n_unique()
        self._weighing = Weighing(subjects, sum_of(self._rows), sum_of(errors), clients)

    def findings(self) -> list[Finding]:
        """Return all of them, in no order."""
        of_hosts = [
            of_bad_host(
                self._facts, bad, self._timelines, self._weighing, self._kept_of_host(bad.address)
            )
            for bad in self._bad_hosts
        ]
        found = (self._finding(failing) for failing in self._failing())
        return of_hosts + [finding for finding in found if finding is not None]

    def _kept_of_host(self, address: str) -> pl.DataFrame:
        return self._evidence.filter(
            (pl.col("upstream_host") == address) & pl.col("outcome").is_in(OF_ONE_HOST)
        )

    def _failing(self) -> list[_Failing]:
        requests = pl.col("requests")
        by_outcome = (
            self._failed.group_by("failure", *SUBJECT, "outcome", "harm")
            .agg(requests.sum())
            .sort("requests", "outcome", "harm", descending=[True, False, False])
        )
        by_subject = (
            by_outcome.group_by("failure", *SUBJECT, maintain_order=True)
            .agg(pl.col("outcome").first(), pl.col("harm").first(), requests.sum())
            .sort("requests", "failure", *SUBJECT, descending=[True, False, False, False, False],
                  nulls_last=True)
            .head(_MOST_SUBJECTS)
        )  # fmt: skip
        totals = self._totals()
        apart: dict[str, tuple[str, ...]] = {}
        for bad in self._bad_hosts:
            apart[bad.cluster] = (*apart.get(bad.cluster, ()), bad.address)
        return [
            _Failing(
                FAILURES[failure],
                subject := Subject(kind, about, name),
                outcome,
                Harm(harm),
                failed,
                totals[subject],
                apart.get(name or "", ()) if outcome in OF_ONE_HOST else (),
            )
            for failure, kind, about, name, outcome, harm, failed in by_subject.rows()
        ]

    def _totals(self) -> dict[Subject, int]:
        """Return how many records each subject has, whatever became of them."""
        totals: dict[Subject, int] = {}
        for about, column in (
            ("cluster", "upstream_cluster"),
            ("host", "host"),
            ("address", "address"),
            ("server_name", "server_name"),
        ):
            counted = self._rows.group_by("kind", column).agg(pl.col("requests").sum())
            totals |= {Subject(kind, about, name): n for kind, name, n in counted.iter_rows()}
        strangers = self._rows.filter(~pl.col("believed")).group_by("kind")
        counted = strangers.agg(pl.col("requests").sum())
        return totals | {Subject(kind, "strangers", None): n for kind, n in counted.iter_rows()}

    def _stretch(self, failing: _Failing) -> Stretch:
        subject = failing.subject
        if subject.about == "strangers":
            rows = self._timelines.rows.filter(subject.belongs)
        else:
            column = "upstream_cluster" if subject.about == "cluster" else subject.about
            rows = self._timelines.of(column, subject.name).filter(pl.col("kind") == subject.kind)
        return self._timelines.stretch(rows, _is(failing))

    def _finding(self, failing: _Failing) -> Finding | None:
        facts, failure, subject = self._facts, failing.failure, failing.subject
        strangers = subject.about == "strangers"
        if not may_be_told(failing.harm, failing.failed, failing.of):
            return None
        stretch = self._stretch(failing)
        crowd = self._crowd(failing) if strangers else None
        if strangers and not _tells(failing) and crowd is None:
            return None
        stretch = stretch if crowd is None else crowd
        if failing.apart:
            # Time buckets know clusters and not their hosts, so what is left of a cluster beside a
            # host of its own finding is counted over the whole log.
            stretch = stretch._replace(
                episode=stretch.episode.whole(), requests=failing.failed, of=failing.of
            )
        elif stretch.episode.is_whole:
            stretch = stretch._replace(requests=failing.failed, of=failing.of)
        kept = self._evidence.filter(_is(failing))
        when = stretch.episode
        durations = self._durations.get((failure.name, *subject))
        severity = self._severity(failing, stretch, kept, durations)
        if severity is None:
            return None
        witnesses = witnesses_among(kept)
        rows = self._failed.filter(_is(failing))
        all_rows = self._rows.filter(subject.belongs)
        shown = Shown(
            durations,
            waited(facts, subject.name, rows, when, durations),
            place_of(facts, rows, all_rows) if subject.about == "cluster" else None,
            when.bursts,
            kept,
            at := self._at(failing, stretch),
            failing.outcome in UPSTREAM_ANSWERED,
        )
        words = words_of(failure, subject, rows, shown)
        hosts = all_rows["upstream_host"].drop_nulls().n_unique()
        return Finding(
            code=_code(failing),
            severity=max(severity, Severity.INFO) if strangers and crowd is None else severity,
            # An application that turned to refusing is not its clients' doing.
            who=Actor.UPSTREAM
            if failing.harm is Harm.ANSWERED_4XX and is_burst(stretch)
            else words.who,
            subject=subject.name or subject.label,
            title=words.title,
            requests=stretch.requests,
            of=stretch.of,
            clients_at_least=witnesses.clients,
            first_seen=first_of(rows) if when.since is None else when.since,
            since=when.since,
            until=when.until,
            onset_unclear=when.onset_unclear,
            gateways=gateways_of(facts, rows),
            only_at=at.names,
            upstream_hosts=(rows["upstream_host"].drop_nulls().n_unique(), hosts),
            where=_where(failing, self._believed),
            timed=not when.is_whole,
            proof=words.proof,
            examples=witnesses.examples,
            failure=failure.name,
            of_many=replace(words.of_many, by_share=failing.harm is not Harm.INJECTED),
            next=words.next,
        )

    def _at(self, failing: _Failing, stretch: Stretch) -> AtGateways:
        """Return the gateways that alone fail; who is refused depends on who asks where."""
        if failing.harm not in {Harm.ERROR, Harm.FAILED}:
            return EVERYWHERE
        rows = self._rows.filter(failing.subject.belongs)
        return at_gateways(rows, _is(failing), stretch)

    def _crowd(self, failing: _Failing) -> Stretch | None:
        """Return the burst in which strangers are refused in place of everybody else, if any.

        Who breaks HTTP has no host: a load balancer that speaks another protocol since a moment
        looks like a crowd of strangers.
        """
        requests = self._timelines.rows.filter(pl.col("kind") == failing.subject.kind)
        stretch = self._timelines.stretch(requests, _is(failing))
        most = 2 * stretch.requests >= stretch.of
        return stretch if is_burst(stretch) and stretch.replaced and most else None

    def _severity(
        self, failing: _Failing, stretch: Stretch, kept: pl.DataFrame, durations: Durations | None
    ) -> Severity | None:
        """Return how bad a failure is; null if it is not worth telling."""
        failed, of, harm = failing.failed, failing.of, failing.harm
        if harm in {Harm.ERROR, Harm.FAILED, Harm.INJECTED}:
            failure = failing.failure
            scattered = failure.name == "not_passed_on" or (
                failure.actor is Actor.UPSTREAM and failure.name != "no_endpoints"
            )
            found = self._weighing.of_failures(failed, of, stretch, scattered=scattered)
            return (
                found if found is None or harm is not Harm.INJECTED else max(found, Severity.HIGH)
            )
        when = stretch.episode
        inside = kept.filter(
            (pl.col("start") >= (when.since or 0)) & (pl.col("start") <= (when.until or _NEVER_US))
        )
        clients, inside_clients = (
            frame["client"].drop_nulls().n_unique() for frame in (kept, inside)
        )
        if harm is Harm.ANSWERED_4XX:
            # 404 is what any stranger gets, and there may be many of them at a time.
            not_found = self._failed.filter(_is(failing) & (pl.col("response_code") == NOT_FOUND))
            clients = min(clients, A_CROWD - 1) if 2 * sum_of(not_found) >= failed else clients
        alike = durations is not None and durations.limit_ms is not None
        askers = Askers(clients, inside_clients, alike)
        return self._weighing.of_refusals(harm, failed, of, stretch, askers)


def _records(facts: Facts) -> pl.DataFrame:
    """Return requests and connections, with the columns that subjects are made of."""
    nothing = pl.lit(None, pl.String)
    requests = facts.requests.with_columns(
        nothing.alias("server_name"), nothing.alias("address"), pl.lit("request").alias("kind")
    )
    connections = facts.connections.with_columns(
        nothing.alias("host"),
        pl.col("requested_server_name").alias("server_name"),
        pl.col("upstream_host").alias("address"),
        pl.lit("connection").alias("kind"),
    )
    return pl.concat([requests, connections], how="diagonal")


def _is(failing: _Failing) -> pl.Expr:
    """Tell the rows of a failure, of frames ``with_subject``."""
    kind, about, name = failing.subject
    return (
        (pl.col("failure") == failing.failure.name)
        & (pl.col("kind") == kind)
        & (pl.col("about") == about)
        & pl.col("name").eq_missing(pl.lit(name, pl.String))
    )


def _tells(failing: _Failing) -> bool:
    """Tell whether a failure of strangers is told: errors are, refusals are their daily bread."""
    return failing.harm is Harm.ERROR


def _code(failing: _Failing) -> str:
    if failing.harm is Harm.ERROR:
        return _CODE_OF_OUTCOME.get(failing.outcome, _CODE_OF_HARM[failing.harm])
    return _CODE_OF_HARM[failing.harm]


def _where(failing: _Failing, believed: Sequence[str | None]) -> str:
    subject, failure = failing.subject, equals("failure", failing.failure.name)
    conditions = [subject.where(believed), failure]
    connection = subject.kind == "connection"
    if subject.about != "cluster" and (connection or failing.failure.of_service):
        # Those of clusters are findings of their own.
        conditions.append(is_one_of("upstream_cluster", [None, *NAMELESS]))
    if connection and subject.about == "server_name":
        conditions.append("upstream_host IS NULL")
    if failing.apart:
        apart = is_one_of("upstream_host", failing.apart)
        conditions.append(any_of("upstream_host IS NULL", f"NOT ({apart})"))
    return all_of(*conditions)
