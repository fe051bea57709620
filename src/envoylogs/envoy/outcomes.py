"""What became of a request: one outcome each, and what each means.

The rows of ``OUTCOMES`` are in the order in which they are tried; the rules
themselves are in ``outcome_rules``.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import polars as pl

from envoylogs.envoy.harm import Actor, Harm


class Outcome(NamedTuple):
    """One outcome.

    Attributes:
        name: As in the column ``outcome``.
        actor: Who must act, the first where it may be two.
        must_act: The same in words.
        harm: What kind of harm it is whatever the code; null if the code decides, see
            ``harm_of``. What to look at first stands with the way to fail, in ``failures``.
        meaning: What happened, in a sentence.
    """

    name: str
    actor: Actor
    must_act: str
    harm: Harm | None
    meaning: str

    @property
    def error(self) -> bool:
        """Whether it counts as an error whatever the code."""
        return self.harm is Harm.ERROR


OUTCOMES: tuple[Outcome, ...] = (
    Outcome(
        "no_filter_chain", Actor.CONFIGURATION, "client or gateway configuration", Harm.TURNED_AWAY,
        "A connection whose TLS server name, protocol or port no listener filter chain "
        "accepts.",
    ),
    Outcome(
        "tcp_failed", Actor.UPSTREAM, "upstream or gateway configuration", Harm.FAILED,
        "A TCP connection that was not passed on, or that the upstream closed before a byte came "
        "from it.",
    ),
    Outcome(
        "tcp", Actor.NOBODY, "nobody", None,
        "A TCP connection that was passed on, or that its client ended before.",
    ),
    Outcome(
        "fault_injected", Actor.POLICY, "gateway policy", Harm.INJECTED,
        "A fault rule aborted the request on purpose.",
    ),
    Outcome(
        "no_cluster", Actor.CONFIGURATION, "gateway configuration", Harm.ERROR,
        "The route names a service, port or subset that does not exist.",
    ),
    Outcome(
        "no_route", Actor.CONFIGURATION, "gateway configuration", Harm.UNROUTED,
        "The gateway has no route for this host and path. From Istio 1.8 on the blackhole "
        "logs as this.",
    ),
    Outcome(
        "dependency_failed", Actor.OPERATOR, "gateway operator", Harm.ERROR,
        "A service that the gateway itself needs has failed: authorization, the keys of "
        "tokens, rate limit, Wasm.",
    ),
    Outcome(
        "rate_limited", Actor.POLICY, "gateway policy", Harm.REFUSED,
        "The request was over a rate limit.",
    ),
    Outcome(
        "denied", Actor.POLICY, "gateway policy or client", Harm.REFUSED,
        "A policy refused the request: authorization, token, origin.",
    ),
    Outcome(
        "client_error", Actor.CLIENT, "client", Harm.REFUSED,
        "The client broke HTTP or sent something that the gateway refuses.",
    ),
    Outcome(
        "overflow", Actor.POLICY, "gateway policy, upstream", Harm.ERROR,
        "A circuit breaker, connection pool or overload limit was full.",
    ),
    Outcome(
        "no_endpoints", Actor.UPSTREAM, "upstream", Harm.ERROR,
        "The cluster has no healthy endpoint.",
    ),
    Outcome(
        "broken_response", Actor.UPSTREAM, "upstream", Harm.ERROR,
        "The answer of the upstream began well and broke off.",
    ),
    Outcome(
        "connect_failure", Actor.UPSTREAM, "upstream", Harm.ERROR,
        "No connection to the upstream could be made.",
    ),
    Outcome(
        "upstream_timeout", Actor.UPSTREAM, "upstream", Harm.ERROR,
        "The upstream did not answer in time.",
    ),
    Outcome(
        "upstream_reset", Actor.UPSTREAM, "upstream", Harm.ERROR,
        "The upstream closed or reset the connection before it answered.",
    ),
    Outcome(
        "client_gone", Actor.CLIENT, "client, or a slow upstream", Harm.GONE,
        "The client left before the answer was complete.",
    ),
    Outcome(
        "upstream_5xx", Actor.UPSTREAM, "upstream", Harm.ERROR,
        "The upstream answered with a 5xx code, or with one that HTTP does not have (600 and "
        "above), which clients should take for a 5xx (RFC 9110, section 15).",
    ),
    Outcome(
        "upstream_4xx", Actor.CLIENT, "client", Harm.ANSWERED_4XX,
        "The upstream answered with a 4xx code; a 404 of this kind is the application's own.",
    ),
    Outcome(
        "passthrough", Actor.NOBODY, "nobody", None,
        "Passed on to an address that the mesh does not know.",
    ),
    Outcome(
        "served", Actor.NOBODY, "nobody", None,
        "The upstream answered below 400.",
    ),
    Outcome(
        "blackhole", Actor.CONFIGURATION, "gateway configuration", Harm.UNROUTED,
        "Istio 1.1 to 1.7: the port has no VirtualService at all, and its blackhole virtual "
        "host answered 404.",
    ),
    Outcome(
        "blocked", Actor.POLICY, "gateway policy", Harm.REFUSED,
        "An unknown destination, which REGISTRY_ONLY refuses.",
    ),
    Outcome(
        "direct_response", Actor.NOBODY, "nobody", None,
        "The gateway answered as it was told to: a redirect, CORS, a fixed response.",
    ),
    Outcome(
        "gateway_other", Actor.OPERATOR, "gateway operator", None,
        "The gateway answered for another reason; flag and detail say which.",
    ),
    Outcome(
        "unknown", Actor.UNKNOWN, "unknown: the log has too few columns", None,
        "Too little was logged to tell.",
    ),
)  # fmt: skip
"""All outcomes; the first three are those of connections."""

FAILED_CONNECTIONS = ("no_filter_chain", "tcp_failed")
CONNECTION_OUTCOMES = (*FAILED_CONNECTIONS, "tcp")
UNROUTED = ("blackhole", "no_route")
"""The gateway had no route for the request."""
UPSTREAM_ANSWERED = ("upstream_5xx", "upstream_4xx", "passthrough", "served", "broken_response")
"""The upstream sent an answer: the outcomes that latency is measured over."""

FAILED_HARMS = (Harm.ERROR, Harm.INJECTED, Harm.REFUSED, Harm.ANSWERED_4XX, Harm.GONE, Harm.FAILED)
"""Harm of which the way to fail says more; the others are about routes and TLS names."""

CLUSTER_EXISTS = (*UPSTREAM_ANSWERED, "no_endpoints", "connect_failure", "upstream_timeout",
                  "upstream_reset", "overflow")  # fmt: skip
"""The request was sent to its cluster, or would have been: the mesh has a cluster of that name."""

SELF_ANSWERED = ("no_filter_chain", "fault_injected", "no_cluster", "no_route", "dependency_failed",
                 "rate_limited", "denied", "client_error", "overflow", "no_endpoints", "blackhole",
                 "blocked", "direct_response", "gateway_other")  # fmt: skip
"""Outcomes in which the request never left the gateway."""

SWITCHING_PROTOCOLS = 101
"""The code of an upgraded connection, which lives on after its answer."""

OUTCOME_NAMES = tuple(outcome.name for outcome in OUTCOMES)
_REDIRECTS = (301, 302, 303, 307, 308)
_ERRORS = tuple(outcome.name for outcome in OUTCOMES if outcome.error)
# A route matched, whatever came of it. A redirect of a wildcard host answers strangers too, and
# denials and rate limits happen before or after routing, so for these and for clients that left
# only a logged cluster is proof.
_ROUTED = (*CLUSTER_EXISTS, "fault_injected", "no_cluster")


_LEAST_ERROR, _LEAST_REFUSAL = 500, 400
_HARM = {outcome.name: outcome.harm for outcome in OUTCOMES}
_WHATEVER_THE_CODE = tuple(
    outcome.name
    for outcome in OUTCOMES
    if outcome.harm in {Harm.ERROR, Harm.INJECTED, Harm.FAILED, Harm.TURNED_AWAY}
    or outcome.name in {"served", "passthrough", "tcp"}
)
"""Outcomes of which the code says nothing more."""
_REFUSED = tuple(outcome.name for outcome in OUTCOMES if outcome.harm is Harm.REFUSED)
_UNEXPLAINED = tuple(
    outcome.name
    for outcome in OUTCOMES
    if outcome.harm is None and outcome.name not in _WHATEVER_THE_CODE
)


def harm_of(outcome: str, code: int | None) -> Harm | None:
    """Return what kind of harm a record tells of, null for none.

    Every code from 500 on is an error, whoever made it, but for injected
    faults. A code from 400 on that no outcome explains is a refusal, and so is
    no answer at all.
    """
    harm = _HARM[outcome]
    if outcome in _WHATEVER_THE_CODE or code is None:
        return harm
    if code >= _LEAST_ERROR:
        return Harm.ERROR
    unanswered = code == 0 and outcome != "unknown"
    return Harm.REFUSED if harm is None and (unanswered or code >= _LEAST_REFUSAL) else harm


@cache
def harm_of_record() -> pl.Expr:
    """Return what ``harm_of`` does, as an expression over ``outcome`` and ``response_code``."""
    outcome, code = pl.col("outcome"), pl.col("response_code")
    names = [name for name, harm in _HARM.items() if harm is not None]
    harm = outcome.replace_strict(
        names, [str(_HARM[name]) for name in names], default=None, return_dtype=pl.String
    )
    unanswered = (code == 0) & (outcome != "unknown")
    return (
        pl.when(outcome.is_in(_WHATEVER_THE_CODE) | code.is_null())
        .then(harm)
        .when(code >= _LEAST_ERROR)
        .then(pl.lit(str(Harm.ERROR)))
        .when(harm.is_null() & (unanswered | (code >= _LEAST_REFUSAL)))
        .then(pl.lit(str(Harm.REFUSED)))
        .otherwise(harm)
    )


@cache
def is_error() -> pl.Expr:
    """Tell errors: what ``harm_of`` calls so, in less time; never null."""
    outcome = pl.col("outcome")
    by_code = ~outcome.is_in(_WHATEVER_THE_CODE) & (pl.col("response_code") >= _LEAST_ERROR)
    return outcome.is_in(_ERRORS) | by_code.fill_null(value=False)


@cache
def is_refused() -> pl.Expr:
    """Tell refusals: what ``harm_of`` calls so, in less time; never null."""
    outcome, code = pl.col("outcome"), pl.col("response_code")
    below = code < _LEAST_ERROR
    named = outcome.is_in(_REFUSED) & (
        outcome.is_in(_WHATEVER_THE_CODE) | below.fill_null(value=True)
    )
    unanswered = (code == 0) & (outcome != "unknown")
    by_code = outcome.is_in(_UNEXPLAINED) & below & (unanswered | (code >= _LEAST_REFUSAL))
    return named | by_code.fill_null(value=False)


@cache
def is_redirect() -> pl.Expr:
    """Tell answers that send the client elsewhere, of the upstream or the gateway; never null."""
    sent = pl.col("outcome").is_in(("served", "passthrough", "direct_response"))
    return (sent & pl.col("response_code").is_in(_REDIRECTS)).fill_null(value=False)


@cache
def is_routed() -> pl.Expr:
    """Tell the requests for which the gateway had a route, whatever came of them."""
    outcome = pl.col("outcome")
    cluster = pl.col("upstream_cluster")
    chosen = cluster.is_not_null() & (cluster != "BlackHoleCluster")
    return (outcome.is_in(_ROUTED) | chosen.fill_null(value=False)) & ~outcome.is_in(
        (*UNROUTED, "blocked", *CONNECTION_OUTCOMES)
    )
