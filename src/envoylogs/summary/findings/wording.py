"""What a finding about a failure says: title, proof, what to do next, and of many alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from envoylogs.envoy.clusters import cluster_parts
from envoylogs.envoy.failures.lookup import FAILURES
from envoylogs.envoy.failures.of_services import (
    HBONE_NEXT,
    KEPT_WAITING,
    MAYBE_THE_SIDECAR,
    NEEDS_RESOLUTION,
    OF_A_SUBSET,
)
from envoylogs.envoy.harm import Actor, Harm
from envoylogs.envoy.outcomes import UPSTREAM_ANSWERED
from envoylogs.summary.findings.commands import ENDPOINTS, endpoints_command
from envoylogs.summary.findings.durations import Durations, seconds
from envoylogs.summary.findings.finding import OfMany
from envoylogs.summary.findings.proof import codes_of, listed, proof_of, witnesses_among

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envoylogs.envoy.harm import Failure
    from envoylogs.summary.findings.at_gateways import AtGateways
    from envoylogs.summary.findings.subjects import Subject
    from envoylogs.summary.findings.suspects import Suspect

_NOUNS = {"cluster": "services", "address": "addresses", "server_name": "TLS server names"}


class Shown(NamedTuple):
    """What the records of a failure show besides.

    Attributes:
        durations: How long they had taken; null if that was not logged.
        waited: See ``durations.waited``.
        place: See ``places.place_of``.
        bursts: See ``onset.Episode``.
        kept: The examples of it.
        at: The gateways that alone show it.
    """

    durations: Durations | None
    waited: str | None
    place: str | None
    bursts: int
    kept: pl.DataFrame
    at: AtGateways


def words_of(suspect: Suspect, rows: pl.DataFrame, shown: Shown) -> dict[str, Any]:
    """Return what a ``Finding`` says of a failure, and who must act; rows have ``over_hbone``."""
    failure, subject = suspect.failure, suspect.subject
    durations, waited, place, bursts, kept, at = shown
    again = f"it comes and goes, {bursts} times so far" if bursts > 1 else None
    limit = durations and durations.limit_ms
    if failure.name == "connect_failed" and limit is not None:
        # Without details only the time tells that nothing answered.
        failure = FAILURES["connect_timeout"]
    if waited is not None:
        failure = KEPT_WAITING
    took = durations and durations.proof(failure)
    nowhere = failure.name == "not_passed_on" and "neither upstream_cluster nor upstream_host"
    said = (proof_of(rows, kept), nowhere, again, took, waited)
    # What a service answers, or a policy limits, may differ by who asks at which gateway.
    theirs = suspect.outcome not in UPSTREAM_ANSWERED and failure.actor is not Actor.POLICY
    next_step = failure.next
    if failure.in_between and durations and limit is not None:
        next_step = durations.next() or next_step
    elif limit is not None and failure.name in {"duration_limit", "idle_limit", "response_timeout"}:
        next_step = f"The limit is {seconds(limit)}. {next_step}"
    if set(rows["over_hbone"]) - {None} == {True}:
        # What stands in between closes, resets and answers like the application behind it.
        blurred = failure.in_between and limit is None
        next_step = HBONE_NEXT if blurred else f"{HBONE_NEXT} {next_step}"
    next_step = " ".join([next_step, *_besides(failure, subject, rows)])
    codes = codes_of(rows)
    title = failure.says.format(label=_label(subject, rows, kept), codes=codes)
    title = title if place is None else f"{title}, nearly all {place}"
    here = next_step.format(endpoints=endpoints_command(subject.name))
    return {
        "who": Actor.OPERATOR if theirs and at.blamed else failure.actor,
        "title": f"{title}{at.title}",
        "proof": "; ".join(part for part in said if part),
        "next": at.next(here) if theirs else here,
        "of_many": OfMany(
            failure.says,
            next_step.format(endpoints=ENDPOINTS),
            noun=_NOUNS.get(subject.about, "hosts"),
            codes=codes,
            by_share=suspect.harm is not Harm.INJECTED,
        ),
    }


def _besides(failure: Failure, subject: Subject, rows: pl.DataFrame) -> Iterator[str]:
    """Yield what else to do next, of some records and clusters only."""
    if failure.name == "upstream_5xx" and (rows["response_code"] == _UNAVAILABLE).any():
        yield MAYBE_THE_SIDECAR
    if failure.name == "no_endpoints" and subject.about == "cluster":
        cluster = pl.select(pl.lit(subject.name).alias("cluster"))
        parts = cluster.select(cluster_parts(pl.col("cluster"))).row(0, named=True)
        if parts["upstream_subset"]:
            yield OF_A_SUBSET
        if ".svc." not in (parts["upstream_service"] or ".svc."):
            yield NEEDS_RESOLUTION


_UNAVAILABLE = 503


def _label(subject: Subject, rows: pl.DataFrame, kept: pl.DataFrame) -> str:
    """Return what people call a subject; one without a name by its route, if it has one."""
    if subject.name is None and subject.about == "host":
        routes = set(rows["route_name"])
        if len(routes) == 1 and (route := routes.pop()):
            return f"route {route}"
    if subject.about == "server_name" and subject.name is None:
        ports = [f":{port}" for port in witnesses_among(kept).ports]
        return listed(ports) if ports else "an unknown address"
    return subject.label
