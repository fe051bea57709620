"""Which way to fail a record shows: by the most telling of its details, flags, code and outcome.

Details name the very reason and come first, then flags in the order of
``TELLING_FLAGS``, then the outcome with the code. Where all of them only say that
there was no connection, the transport's own reason says why. What a failure means,
whom it blames and what to do next stands in one row of ``FAILURES``; findings and
``envoylogs flags`` both read it there.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.details import reading_of, reading_of_reason
from envoylogs.envoy.failures.of_requests import FAILURES_OF_MANY, FAILURES_OF_REQUESTS
from envoylogs.envoy.failures.of_services import FAILURES_OF_SERVICES
from envoylogs.envoy.failures.of_the_gateway import FAILURES_OF_THE_GATEWAY
from envoylogs.envoy.flags import RESPONSE_FLAGS, has_flag
from envoylogs.envoy.harm import Actor, Failure, Harm
from envoylogs.envoy.outcomes import OUTCOMES, SWITCHING_PROTOCOLS, harm_of, harm_of_record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envoylogs.envoy.outcomes import Outcome

FAILURES: Mapping[str, Failure] = {
    failure.name: failure
    for failure in (
        *(failure._replace(of_service=True) for failure in FAILURES_OF_SERVICES),
        *FAILURES_OF_THE_GATEWAY,
        *FAILURES_OF_REQUESTS,
        *FAILURES_OF_MANY,
    )
}
"""All ways to fail by name; a closed list."""

OF_SERVICES = tuple(name for name, failure in FAILURES.items() if failure.of_service)
"""Failures that are told of the cluster, and not of the host that was asked for."""

_FAILURE_OF_FLAG = {flag.short: flag.failure for flag in RESPONSE_FLAGS if flag.failure}

TELLING_FLAGS = (
    "FI", "NC", "RLSE", "NFCF", "RL", "UAEX", "IH", "DPE", "UPE", "OM", "UO", "DO", "UDO", "UH",
    "DF", "UF", "UMSDR", "DT", "SI", "UT", "LH", "UC", "UR", "LR", "DC", "DR",
)  # fmt: skip
"""Flags that show a failure, the most telling first. ``DI`` and ``URX`` show none by themselves;
what ``NR`` shows the outcome says: a missing route, cluster or filter chain."""

FAILURE_OF_OUTCOME = {
    "no_filter_chain": "name_refused",
    "tcp_failed": "connection_failed",
    "fault_injected": "fault_injected",
    "no_route": "route_missing",
    "no_cluster": "cluster_missing",
    "dependency_failed": "authorization_down",
    "rate_limited": "over_rate_limit",
    "denied": "authorization_denied",
    "client_error": "broken_by_client",
    "overflow": "pool_full",
    "no_endpoints": "no_endpoints",
    "broken_response": "broken_off",
    "connect_failure": "connect_failed",
    "upstream_timeout": "response_timeout",
    "upstream_reset": "connection_closed",
    "client_gone": "client_left",
    "upstream_5xx": "upstream_5xx",
    "upstream_4xx": "upstream_4xx",
    "blackhole": "route_missing",
    "blocked": "unknown_destination",
    "unknown": "unattributed",
}
"""What outcomes are, where nothing says more, that are one failure whatever the code."""

_WITHOUT_REASON = ("connect_failed", "connection_failed")
"""What the transport's reason says more of."""

_OF_CONNECTIONS = {"stream_reset": "connection_closed"}
"""What it is of a connection, which has no streams."""

_BEGUN = {
    **dict.fromkeys(
        ("connection_closed", "stream_reset", "local_reset", "stream_refused"), "broken_off"
    ),
    "response_timeout": "answer_timeout",
}
"""What it is if the answer had begun."""
_LEAST_ERROR = 500


def with_failure(records: pl.DataFrame) -> pl.DataFrame:
    """Return records with the column ``failure``: a name of ``FAILURES``, null for no harm.

    Args:
        records: With ``outcome``, ``response_code``, ``response_flags``,
            ``response_code_details``, ``connection_termination_details``,
            ``upstream_transport_failure_reason`` and ``upstream_cluster``; rows keep their order.
    """
    keys = ("outcome", "response_code", "response_flags", "response_code_details",
            "connection_termination_details", "upstream_transport_failure_reason")  # fmt: skip
    # A log has few combinations of these, and most records none of harm.
    found = records.lazy().filter(harm_of_record().is_not_null()).select(keys).unique().collect()
    names = [failure_of(*row) for row in found.iter_rows()]
    failures = found.hstack([pl.Series("failure", names, dtype=pl.String)])
    nowhere = (pl.col("outcome") == "tcp_failed") & (
        pl.col("upstream_cluster") == "BlackHoleCluster"
    )
    failure = pl.when(nowhere).then(pl.lit("unknown_hop")).otherwise("failure").alias("failure")
    return (
        records.lazy()
        .join(failures.lazy(), on=keys, how="left", nulls_equal=True, maintain_order="left")
        .with_columns(failure)
        .collect()
    )


@lru_cache(maxsize=4096)
def failure_of(  # noqa: PLR0913, PLR0917  # all that a record says of it
    outcome: str,
    code: int | None,
    flags: str | None,
    details: str | None,
    termination: str | None = None,
    reason: str | None = None,
) -> str | None:
    """Return in which way a record failed; null if nothing was harmed.

    All is as logged; ``termination`` are the ``connection_termination_details``, which are the
    details of a connection, and ``reason`` is the ``upstream_transport_failure_reason``.
    """
    harm = harm_of(outcome, code)
    if harm is None:
        return None
    if harm is Harm.FAILED:
        details = details or termination
    found = (
        _by_details(details) or _by_flags(flags, code, details) or _by_outcome(outcome, code, harm)
    )
    if harm is Harm.FAILED:
        # Without a flag nobody tried to reach the upstream.
        found = "not_passed_on" if found == "connection_failed" and flags is None else found
        found = _OF_CONNECTIONS.get(found, found)
    if found in _WITHOUT_REASON and reason is not None:
        told = reading_of_reason(reason)
        found = found if told is None or told.failure is None else told.failure
    return _BEGUN.get(found, found) if outcome == "broken_response" else found


def actor_of_record() -> pl.Expr:
    """Return who must act, from ``failure`` and ``outcome``.

    The way to fail says more than the outcome: a direct response may be an error.
    """
    by_failure, by_outcome = (
        pl.col(column).replace_strict(actors, default=None, return_dtype=pl.String)
        for column, actors in (("failure", _ACTOR_OF_FAILURE), ("outcome", _ACTOR_OF_OUTCOME))
    )
    return pl.coalesce(by_failure, by_outcome)


_ACTOR_OF_FAILURE = {name: str(failure.actor) for name, failure in FAILURES.items()}
_ACTOR_OF_OUTCOME = {outcome.name: str(outcome.actor) for outcome in OUTCOMES}


def must_act_on_errors(outcome: Outcome) -> str:
    """Return who must act on requests of an outcome that were errors, in words.

    Nobody must on a redirect, and somebody on a direct response that is an error.
    """
    failure = failure_of(outcome.name, _LEAST_ERROR, None, None)
    if outcome.actor is not Actor.NOBODY or failure is None:
        return outcome.must_act
    return str(FAILURES[failure].actor)


_HARMLESS = ("served", "passthrough", "tcp")


@cache
def upgrade_end() -> pl.Expr:
    """Return which side closed an upgraded connection, as the failure that many alike would be.

    Null for all other records, and for one that ended in order or in harm.
    """
    upgraded = (pl.col("response_code") == SWITCHING_PROTOCOLS) & pl.col("outcome").is_in(_HARMLESS)
    return (
        pl.when(upgraded & has_flag("UC", "UR"))
        .then(pl.lit("upgrades_closed"))
        .when(upgraded & has_flag("DC", "DR"))
        .then(pl.lit("upgrades_left"))
    )


def _by_details(details: str | None) -> str | None:
    detail = None if details is None else reading_of(details)
    return None if detail is None else detail.failure


def _by_flags(flags: str | None, code: int | None, details: str | None) -> str | None:
    if flags is None:
        return None
    given = set(flags.split(","))
    if details == "via_upstream":
        # A full pool of retries sets it beside an answer.
        given.discard("UO")
    shown = next((flag for flag in TELLING_FLAGS if flag in given), None)
    if shown == "UAEX" and details is None and (code or 0) >= _LEAST_ERROR:
        # Without details only the code tells an outage from a verdict.
        return "authorization_down"
    return _FAILURE_OF_FLAG[shown] if shown else None


def _by_outcome(outcome: str, code: int | None, harm: Harm) -> str:
    found = FAILURE_OF_OUTCOME.get(outcome)
    if found is not None:
        return found
    if outcome == "direct_response":
        return "direct_error" if (code or 0) >= _LEAST_ERROR else "direct_refusal"
    return "refused" if harm is Harm.REFUSED else "gateway_error"
