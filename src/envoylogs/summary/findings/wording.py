"""What a finding about a failure says: title, proof, what to do next, and of many alike.

Durations of failures prove a limit which ends them all, that nothing was asked, or that a service
kept its clients waiting until they left: its doing and not theirs.
"""

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
from envoylogs.summary.findings.became_slow import median_class
from envoylogs.summary.findings.conditions import ENDPOINTS, endpoints_command
from envoylogs.summary.findings.finding import OfMany
from envoylogs.summary.findings.proof import codes_of, listed, proof_of, sum_of, witnesses_among
from envoylogs.summary.findings.subjects import SUBJECT, with_subject
from envoylogs.summary.judged import with_host
from envoylogs.summary.percentiles import latency_by
from envoylogs.tally.slowness import class_end_ms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from envoylogs.envoy.harm import Failure
    from envoylogs.summary.findings.onset import Episode
    from envoylogs.summary.findings.places import AtGateways
    from envoylogs.summary.findings.subjects import Subject
    from envoylogs.summary.findings.suspects import Suspect
    from envoylogs.summary.judged import Judged

_LEAST_LIMIT_MS, _ENOUGH = 500, 3
_SPREAD, _MEAN_OFF, _SPREAD_MS = 0.02, 0.03, 20
_AT_ONCE_MS = 1


class Durations(NamedTuple):
    """How long the failures of a subject had taken, in milliseconds."""

    records: int
    median_ms: int
    p90_ms: int
    max_ms: int
    mean_ms: float

    @property
    def limit_ms(self) -> int | None:
        """What nearly all of them took, if it is the same and long enough to be a limit."""
        alike = (
            self.records >= _ENOUGH
            and self.median_ms >= _LEAST_LIMIT_MS
            and self.p90_ms - self.median_ms <= max(_SPREAD * self.median_ms, _SPREAD_MS)
            and abs(self.mean_ms - self.median_ms) <= max(_MEAN_OFF * self.median_ms, _SPREAD_MS)
        )
        return self.median_ms if alike else None

    @property
    def at_once(self) -> bool:
        """Whether nearly all of them took no time."""
        return self.p90_ms <= _AT_ONCE_MS

    def proof(self, failure: Failure) -> str | None:
        """Return what they prove, in words; null if nothing."""
        limit = self.limit_ms
        if limit is not None:
            alike = self.max_ms - limit <= max(_SPREAD * limit, _SPREAD_MS)
            return f"{'all' if alike else 'nearly all'} ended after {seconds(limit)}"
        if failure.unasked and self.at_once:
            return "at once (0 ms), so the service was never asked"
        return None

    def next(self) -> str | None:
        """Return what to look for if something ends them all after the same time."""
        limit = self.limit_ms
        if limit is None:
            return None
        return (
            f"Look for a limit of {seconds(limit)} in between: idle or request time-outs of load "
            "balancers, NAT, proxies and sidecars, and of the application's server."
        )


def seconds(milliseconds: int) -> str:
    """Return a duration in seconds with one decimal place."""
    return f"{milliseconds / 1000:,.1f} s"


def durations_by_subject(
    judged: Judged, believed: Sequence[str | None]
) -> Mapping[tuple[Any, ...], Durations]:
    """Return the durations of each failure, by failure and subject."""
    counts = judged.tally.failure_durations.frame
    if counts.is_empty():
        return {}
    keys = ["failure", *SUBJECT]
    rows = with_subject(with_host(counts).lazy(), believed).collect()
    found = latency_by(rows, keys, "took")
    wanted = ("count", "p50", "p90", "max", "mean")
    return {
        tuple(key): Durations(*(took[name] for name in wanted)) for *key, took in found.iter_rows()
    }


_TIMES_LONGER, _LONGER_MS, _ENOUGH_USUAL = 3, 500, 20


def waited(
    judged: Judged, suspect: Suspect, rows: pl.DataFrame, when: Episode, durations: Durations | None
) -> str | None:
    """Return that clients waited far longer than a service usually takes, in words; null if not.

    Only where they did for a while: all along some wait long for what is long.
    """
    if suspect.failure.name != KEPT_WAITING.name or when.is_whole or durations is None:
        return None
    left = rows["requests"].filter(rows["response_code"] == 0)
    if 2 * int(left.sum()) < suspect.failed:
        return None
    at_other_times = pl.any_horizontal(
        pl.lit(value=False) if when.since is None else pl.col("last") < when.since,
        pl.lit(value=False) if when.until is None else pl.col("first") > when.until,
    )
    usually = judged.tally.slowness.frame.filter(
        pl.col("upstream_cluster") == suspect.subject.name, at_other_times
    )
    if sum_of(usually) < _ENOUGH_USUAL:
        return None
    by_class = usually.group_by("from_ms").agg(pl.col("requests").sum())
    usual_ms = class_end_ms(int(by_class.select(median_class()).item()))
    if durations.median_ms < max(_TIMES_LONGER * usual_ms, usual_ms + _LONGER_MS):
        return None
    longer = "" if durations.limit_ms else f"half of them waited {seconds(durations.median_ms)}, "
    return f"{longer}half of its answers usually take less than {usual_ms:,} ms"


_NOUNS = {"cluster": "services", "address": "addresses", "server_name": "TLS server names"}


class Shown(NamedTuple):
    """What the records of a failure show besides.

    Attributes:
        durations: How long they had taken; null if that was not logged.
        waited: See ``waited``.
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
