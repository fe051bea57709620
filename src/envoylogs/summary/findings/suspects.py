"""What may be failing: each way to fail of each subject that is more than a crumb."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from envoylogs.envoy.clusters import NAMELESS
from envoylogs.envoy.failures.lookup import FAILURES
from envoylogs.envoy.harm import Harm
from envoylogs.summary.findings.bad_hosts import OF_ONE_HOST
from envoylogs.summary.findings.conditions import all_of, equals, is_none_of, is_one_of
from envoylogs.summary.findings.subjects import (
    EVERYBODY,
    STRANGERS,
    SUBJECT,
    Subject,
    of_each_subject,
)
from envoylogs.summary.findings.weighing import may_be_told
from envoylogs.summary.overview import NOT_FOUND

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envoylogs.envoy.harm import Failure

_MOST_SUBJECTS = 1000

_SAME_CODE = ("no_cluster", "no_endpoints", "connect_failure", "upstream_reset", "upstream_timeout",
              "overflow", "broken_response", "dependency_failed")  # fmt: skip
_CODE_OF_OUTCOME = dict(zip(_SAME_CODE, _SAME_CODE, strict=True)) | {
    "upstream_5xx": "upstream_errors",
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
"""Codes of the findings about these: who must act is who the way to fail says."""


class Suspect(NamedTuple):
    """One way to fail of one subject, over the whole log.

    Outcome and harm are those of most of its failures, of which so many have code 404
    (``not_found``). There are so many records ``of`` the subject at so many upstream ``hosts``;
    those ``apart`` have findings of their own.
    """

    failure: Failure
    subject: Subject
    outcome: str
    harm: Harm
    failed: int
    not_found: int
    of: int
    hosts: int
    apart: tuple[str, ...]

    @property
    def of_strangers(self) -> bool:
        """Whether it is told of no host by name."""
        return self.subject.about == STRANGERS

    @property
    def key(self) -> tuple[str | None, ...]:
        """The values of ``SUBJECT`` and the failure."""
        return (*self.subject, self.failure.name)

    @property
    def key_among_all(self) -> tuple[str | None, ...]:
        """The same failure, of ``EVERYBODY``."""
        return (self.subject.kind, EVERYBODY, None, self.failure.name)

    @property
    def code(self) -> str:
        """The code of a finding about it."""
        of_harm = _CODE_OF_HARM[self.harm]
        return _CODE_OF_OUTCOME.get(self.outcome, of_harm) if self.harm is Harm.ERROR else of_harm

    def where(self, believed: Sequence[str | None]) -> str:
        """Return its failures as a condition in SQL."""
        conditions = [self.subject.where(believed), equals("failure", self.failure.name)]
        connection = self.subject.kind == "connection"
        if self.subject.about != "cluster" and (connection or self.failure.of_service):
            # Those of clusters are findings of their own.
            conditions.append(is_one_of("upstream_cluster", [None, *NAMELESS]))
        if connection and self.subject.about == "server_name":
            conditions.append("upstream_host IS NULL")
        if self.apart:
            conditions.append(is_none_of("upstream_host", self.apart))
        return all_of(*conditions)


def suspects(
    rows: pl.DataFrame,
    failed: pl.DataFrame,
    apart: Mapping[str | None, tuple[str, ...]],
) -> list[Suspect]:
    """Return what may be worth telling, whatever its times are; the most failures first.

    Rows are all requests and connections (see ``subjects.with_subject``), and those that failed;
    ``apart`` are upstream hosts that are told of by themselves, by cluster.
    """
    requests = pl.col("requests")
    by_outcome = (
        failed.lazy()
        .group_by("failure", *SUBJECT, "outcome", "harm")
        .agg(
            requests.sum(),
            requests.filter(pl.col("response_code") == NOT_FOUND).sum().alias("not_found"),
        )
        .sort(-requests, "outcome", "harm")
    )
    by_subject = (
        by_outcome.group_by("failure", *SUBJECT, maintain_order=True)
        .agg(pl.col("outcome", "harm").first(), pl.col("requests", "not_found").sum())
        .sort(-requests, "failure", *SUBJECT, nulls_last=True)
        .head(_MOST_SUBJECTS)
    )
    totals = (
        of_each_subject(rows.lazy())
        .group_by(SUBJECT)
        .agg(requests.sum().alias("of"), pl.col("upstream_host").drop_nulls().n_unique())
    )
    found = by_subject.join(
        totals, on=SUBJECT, how="left", nulls_equal=True, maintain_order="left"
    ).collect()
    return [
        Suspect(
            FAILURES[failure],
            Subject(kind, about, name),
            outcome,
            Harm(harm),
            n,
            not_found,
            of,
            hosts,
            apart.get(name, ()) if outcome in OF_ONE_HOST else (),
        )
        for failure, kind, about, name, outcome, harm, n, not_found, of, hosts in found.iter_rows()
        if may_be_told(Harm(harm), n, of)
    ]
