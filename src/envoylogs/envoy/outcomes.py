"""What became of a request: one outcome each, and what each means.

The rows of ``OUTCOMES`` are in the order in which they are tried; the rules
themselves are in ``outcome_rules``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import polars as pl

__all__ = [
    "CLUSTER_EXISTS",
    "CONNECTION_OUTCOMES",
    "FAILED_CONNECTIONS",
    "OUTCOMES",
    "OUTCOME_NAMES",
    "SWITCHING_PROTOCOLS",
    "UNROUTED",
    "UPSTREAM_ANSWERED",
    "Actor",
    "Outcome",
    "is_error",
    "is_routed",
]


class Actor(StrEnum):
    """Who must act."""

    CLIENT = "client"
    CONFIGURATION = "gateway configuration"
    POLICY = "gateway policy"
    OPERATOR = "gateway operator"
    UPSTREAM = "upstream"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One outcome.

    Attributes:
        name: As in the column ``outcome``.
        actor: Who must act, the first where it may be two.
        must_act: The same in words.
        meaning: What happened, in a sentence.
        look_at: What to look at first.
        error: Whether it counts as an error whatever the code.
    """

    name: str
    actor: Actor
    must_act: str
    meaning: str
    look_at: str
    error: bool = False


OUTCOMES: tuple[Outcome, ...] = (
    Outcome(
        "no_filter_chain", Actor.CONFIGURATION, "client or gateway configuration",
        "A connection whose TLS server name, protocol or port no listener filter chain accepts.",
        "The server name: is it one of the hosts of a Gateway with TLS? Else a stray client.",
    ),
    Outcome(
        "tcp_failed", Actor.UPSTREAM, "upstream or gateway configuration",
        "A TCP connection that the proxy could not pass on.",
        "The cluster's endpoints; BlackHoleCluster means that no service is known there.",
    ),
    Outcome("tcp", Actor.NOBODY, "nobody", "A TCP connection that was passed on.", "Nothing."),
    Outcome(
        "fault_injected", Actor.POLICY, "gateway policy",
        "A fault rule aborted the request on purpose.",
        "fault.abort of the VirtualService: is the test still wanted?",
    ),
    Outcome(
        "no_route", Actor.CONFIGURATION, "gateway configuration",
        "The gateway has no route for this host and path. From Istio 1.8 on the blackhole logs "
        "as this.",
        "The hosts of the Gateway and the VirtualService, and that it names the gateway; then "
        "its path matches.",
    ),
    Outcome(
        "no_cluster", Actor.CONFIGURATION, "gateway configuration",
        "The route names a service, port or subset that does not exist.",
        "The destination of the VirtualService or HTTPRoute, and the subsets of the "
        "DestinationRule.",
        error=True,
    ),
    Outcome(
        "dependency_failed", Actor.OPERATOR, "gateway operator",
        "A service that the gateway itself needs has failed: authorization, rate limit, Wasm.",
        "The health of that service; failure modes that let requests pass.",
        error=True,
    ),
    Outcome(
        "rate_limited", Actor.POLICY, "gateway policy",
        "The request was over a rate limit.",
        "Which client sends so much, and whether the limit is right.",
    ),
    Outcome(
        "denied", Actor.POLICY, "gateway policy or client",
        "A policy refused the request: authorization, token, origin.",
        "response_code_details names the policy or what is wrong with the token.",
    ),
    Outcome(
        "client_error", Actor.CLIENT, "client",
        "The client broke HTTP or sent something that the gateway refuses.",
        "The client; scanners do this all day.",
    ),
    Outcome(
        "overflow", Actor.POLICY, "gateway policy, upstream",
        "A circuit breaker, connection pool or overload limit was full.",
        "connectionPool of the DestinationRule, and the latency of the upstream.",
        error=True,
    ),
    Outcome(
        "no_endpoints", Actor.UPSTREAM, "upstream",
        "The cluster has no healthy endpoint.",
        "kubectl get endpointslices of the service; the subset's labels; outlier ejection.",
        error=True,
    ),
    Outcome(
        "broken_response", Actor.UPSTREAM, "upstream",
        "The answer of the upstream began well and broke off.",
        "Crashes, restarts and time-outs of the upstream while it answers.",
        error=True,
    ),
    Outcome(
        "connect_failure", Actor.UPSTREAM, "upstream",
        "No connection to the upstream could be made.",
        "Whether the pod runs and listens on that port; mTLS modes on both sides.",
        error=True,
    ),
    Outcome(
        "upstream_timeout", Actor.UPSTREAM, "upstream",
        "The upstream did not answer in time.",
        "The upstream's latency, then the route's time-out.",
        error=True,
    ),
    Outcome(
        "upstream_reset", Actor.UPSTREAM, "upstream",
        "The upstream closed or reset the connection before it answered.",
        "Restarts of the pod; its keep-alive time-out, which must be longer than the gateway's.",
        error=True,
    ),
    Outcome(
        "client_gone", Actor.CLIENT, "client, or a slow upstream",
        "The client left before the answer was complete.",
        "After what time they leave: a round number is a client's time-out.",
    ),
    Outcome(
        "upstream_5xx", Actor.UPSTREAM, "upstream",
        "The upstream answered with a 5xx code, or with one that HTTP does not have (600 and "
        "above), which clients should take for a 5xx (RFC 9110, section 15).",
        "The application's own log.",
        error=True,
    ),
    Outcome(
        "upstream_4xx", Actor.CLIENT, "client",
        "The upstream answered with a 4xx code; a 404 of this kind is the application's own.",
        "The client's request; after a release, the application.",
    ),
    Outcome(
        "passthrough", Actor.NOBODY, "nobody",
        "Passed on to an address that the mesh does not know.",
        "Nothing; add a ServiceEntry if it should be known.",
    ),
    Outcome("served", Actor.NOBODY, "nobody", "The upstream answered below 400.", "Nothing."),
    Outcome(
        "blackhole", Actor.CONFIGURATION, "gateway configuration",
        "Istio 1.1 to 1.7: the port has no VirtualService at all, and its blackhole virtual host "
        "answered 404.",
        "That the VirtualService lists a host of the Gateway and names the gateway.",
    ),
    Outcome(
        "blocked", Actor.POLICY, "gateway policy",
        "An unknown destination, which REGISTRY_ONLY refuses.",
        "Whether the host should be known: a ServiceEntry.",
    ),
    Outcome(
        "direct_response", Actor.NOBODY, "nobody",
        "The gateway answered as it was told to: a redirect, CORS, a fixed response.",
        "Nothing.",
    ),
    Outcome(
        "gateway_other", Actor.OPERATOR, "gateway operator",
        "The gateway answered for another reason; flag and detail say which.",
        "The flag and the detail of the record.",
    ),
    Outcome(
        "unknown", Actor.NOBODY, "unknown: the log has too few columns",
        "Too little was logged to tell.",
        "Log response_flags, response_code_details, upstream_cluster and upstream_host.",
    ),
)  # fmt: skip
"""All outcomes; the first three are those of connections."""

FAILED_CONNECTIONS = ("no_filter_chain", "tcp_failed")
CONNECTION_OUTCOMES = (*FAILED_CONNECTIONS, "tcp")
UNROUTED = ("blackhole", "no_route")
"""The gateway had no route for the request."""
UPSTREAM_ANSWERED = ("upstream_5xx", "upstream_4xx", "passthrough", "served", "broken_response")
"""The upstream sent an answer: the outcomes that latency is measured over."""

CLUSTER_EXISTS = (*UPSTREAM_ANSWERED, "no_endpoints", "connect_failure", "upstream_timeout",
                  "upstream_reset", "overflow")  # fmt: skip
"""The request was sent to its cluster, or would have been: the mesh has a cluster of that name."""

SWITCHING_PROTOCOLS = 101
"""The code of an upgraded connection, which lives on after its answer."""

OUTCOME_NAMES = tuple(outcome.name for outcome in OUTCOMES)
_ERRORS = tuple(outcome.name for outcome in OUTCOMES if outcome.error)
# A route matched, whatever came of it. A redirect of a wildcard host answers strangers too, and
# denials and rate limits happen before or after routing, so for these and for clients that left
# only a logged cluster is proof.
_ROUTED = (*CLUSTER_EXISTS, "fault_injected", "no_cluster")


def is_error() -> pl.Expr:
    """Tell errors: the outcomes so marked, and ``gateway_other`` from code 500 on."""
    outcome = pl.col("outcome")
    other = (outcome == "gateway_other") & (pl.col("response_code").fill_null(0) >= 500)  # noqa: PLR2004
    return outcome.is_in(_ERRORS) | other


def is_routed() -> pl.Expr:
    """Tell the requests for which the gateway had a route, whatever came of them."""
    outcome = pl.col("outcome")
    cluster = pl.col("upstream_cluster")
    chosen = cluster.is_not_null() & (cluster != "BlackHoleCluster")
    return (outcome.is_in(_ROUTED) | chosen.fill_null(value=False)) & ~outcome.is_in(
        (*UNROUTED, "blocked", *CONNECTION_OUTCOMES)
    )
