"""What became of a request: one outcome each, as one expression.

The rows of ``OUTCOMES`` are in the order in which they are tried; the first
that fits wins. They read flags, details, code, route and cluster together,
because none of these is proof alone: RBAC denials set no flag, a gRPC
request that failed is logged with code 200, ``route_name`` is ``default`` for
much besides the blackhole. A column that was never logged is not evidence:
where an outcome rests on a value being absent, the ``logged_*`` columns must
say that its key was there.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import polars as pl

from envoylogs.envoy.details import reading_of
from envoylogs.envoy.distinct import with_columns_by

__all__ = [
    "CONNECTION_OUTCOMES",
    "EVIDENCE",
    "OUTCOMES",
    "OUTCOME_NAMES",
    "SWITCHING_PROTOCOLS",
    "UNROUTED",
    "UPSTREAM_ANSWERED",
    "Actor",
    "Outcome",
    "is_connection",
    "is_error",
    "is_routed",
    "outcome_of_record",
    "with_outcome",
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
        "no_filter_chain", Actor.CLIENT, "client or gateway configuration",
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
        "The upstream answered with a 5xx code.",
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

CONNECTION_OUTCOMES = ("no_filter_chain", "tcp_failed", "tcp")
UNROUTED = ("blackhole", "no_route")
"""The gateway had no route for the request."""
UPSTREAM_ANSWERED = ("upstream_5xx", "upstream_4xx", "passthrough", "served", "broken_response")
"""The upstream sent an answer: the outcomes that latency is measured over."""

SWITCHING_PROTOCOLS = 101
"""The code of an upgraded connection, which lives on after its answer."""

OUTCOME_NAMES = tuple(outcome.name for outcome in OUTCOMES)
_ERRORS = tuple(outcome.name for outcome in OUTCOMES if outcome.error)
# A route matched, whatever came of it. A redirect of a wildcard host answers strangers too, and
# denials and rate limits happen before or after routing, so for these and for clients that left
# only a logged cluster is proof.
_ROUTED = (*UPSTREAM_ANSWERED, "fault_injected", "no_cluster", "no_endpoints", "connect_failure",
           "upstream_timeout", "upstream_reset", "overflow")  # fmt: skip

EVIDENCE: dict[str, str] = {
    "logged_route_name": "route_name",
    "logged_response_flags": "response_flags",
    "logged_response_code_details": "response_code_details",
    "logged_upstream_cluster": "upstream_cluster",
    "logged_upstream_host": "upstream_host",
    "logged_upstream_service_time": "upstream_service_time_ms",
}
"""Boolean columns that say whether the key of a column was in the log object at all."""

_CODE = pl.col("response_code")
_FLAGS = pl.col("response_flags")
_DETAILS = pl.col("response_code_details")
_ROUTE = pl.col("route_name")
_CLUSTER = pl.col("upstream_cluster")
_HOST = pl.col("upstream_host")
_SERVICE_TIME = pl.col("upstream_service_time_ms")


def is_connection() -> pl.Expr:
    """Tell the records of connections (TCP, no filter chain) from those of requests.

    Null-free. A record without a code and without method, path, authority
    and protocol is a connection too.
    """
    http = [pl.col(name).is_null() for name in ("method", "path", "authority", "protocol")]
    return pl.all_horizontal(_CODE.fill_null(0) == 0, *http)


def is_error() -> pl.Expr:
    """Tell errors: the outcomes so marked, and ``gateway_other`` from code 500 on."""
    outcome = pl.col("outcome")
    other = (outcome == "gateway_other") & (_CODE.fill_null(0) >= 500)  # noqa: PLR2004
    return outcome.is_in(_ERRORS) | other


def is_routed() -> pl.Expr:
    """Tell the requests for which the gateway had a route, whatever came of them."""
    outcome = pl.col("outcome")
    chosen = _CLUSTER.is_not_null() & (_CLUSTER != "BlackHoleCluster")
    return (outcome.is_in(_ROUTED) | chosen.fill_null(value=False)) & ~outcome.is_in(
        (*UNROUTED, "blocked", *CONNECTION_OUTCOMES)
    )


def with_outcome(records: pl.DataFrame) -> pl.DataFrame:
    """Return records with the column ``outcome``; see ``outcome_of_record`` for what it needs."""
    groups = _DETAILS.map_elements(_group_of, return_dtype=pl.String)
    grouped = with_columns_by(records, "response_code_details", [groups.alias("details_group")])
    return grouped.with_columns(outcome_of_record().alias("outcome")).drop("details_group")


def _group_of(details: str) -> str | None:
    detail = reading_of(details)
    return detail.group if detail else None


def _flag(*names: str) -> pl.Expr:
    """Tell whether one of these flags is set."""
    return _FLAGS.str.contains(rf"(?:^|,)(?:{'|'.join(names)})(?:,|$)").fill_null(value=False)


def _details(group: str) -> pl.Expr:
    """Tell whether the details belong to a group of ``RESPONSE_CODE_DETAILS``."""
    return (pl.col("details_group") == group).fill_null(value=False)


def _code(low: int, high: int) -> pl.Expr:
    return _CODE.is_between(low, high).fill_null(value=False)


def outcome_of_record() -> pl.Expr:
    """Return the outcome of every record, as an expression over normalized columns.

    Needs the columns named in ``EVIDENCE``, keys and values, those that
    ``is_connection`` reads, and ``details_group`` (see ``details``). Every
    combination gets exactly one outcome.
    """
    # DI never decides, and URX alone changes nothing.
    harmless = _FLAGS.is_null() | _FLAGS.str.contains(r"^(?:DI|URX)(?:,(?:DI|URX))*$")
    unexplained = _DETAILS.is_null() & harmless
    # The service time is a header of the upstream's answer, so it is proof. A chosen host is proof
    # only beside a logged empty flag; without that key a 5xx may be the gateway's own.
    seen_host = _HOST.is_not_null() & (pl.col("logged_response_flags") | _code(100, 499))
    answered = _details("via_upstream") | (unexplained & (_SERVICE_TIME.is_not_null() | seen_host))
    # A gRPC request that the gateway answers itself logs 200, so the code alone does not say that
    # the upstream began to answer.
    began = _code(100, 399) & (
        _details("via_upstream")
        | _SERVICE_TIME.is_not_null()
        | (_DETAILS.is_null() & _HOST.is_not_null() & pl.col("logged_upstream_service_time").not_())
    )
    nowhere = _CLUSTER.is_null() & _HOST.is_null() & _SERVICE_TIME.is_null()
    nowhere_logged = pl.col("logged_upstream_cluster") & pl.col("logged_upstream_host")
    legacy = (_ROUTE == "default").fill_null(value=False)
    unnamed_era = (
        pl.col("logged_route_name").not_()
        & pl.col("logged_response_code_details").not_()
        & _DETAILS.is_null()
    )
    blackhole = (
        _code(404, 404)
        & nowhere
        & nowhere_logged
        & harmless
        & pl.col("logged_response_flags")
        & (legacy | unnamed_era)
    )
    told = (
        unexplained.not_()
        | (
            pl.col("logged_response_flags")
            & (pl.col("logged_upstream_host") | pl.col("logged_upstream_service_time"))
        )
    ) & _CODE.is_not_null()

    # A WebSocket ends when either side closes it, which Envoy logs as a reset or a disconnect
    # (seen with Envoy 1.40: 101 DC and 101 UC for orderly ends).
    upgrade_ended = (_CODE == SWITCHING_PROTOCOLS) & (
        (_flag("DC", "DR", "UC", "UR") & _DETAILS.is_null())
        | _details("reset_after")
        | _details("client_gone")
        | _details("via_upstream")
    )

    passed_through = (_CLUSTER == "PassthroughCluster").fill_null(value=False) | (
        _ROUTE == "allow_any"
    ).fill_null(value=False)

    connection = is_connection()
    return (
        pl.when(connection & _flag("NR")).then(pl.lit("no_filter_chain"))
        .when(
            connection
            & (
                _flag("UF", "UH", "UO", "NC", "UT", "URX", "DF")
                | (_CLUSTER == "BlackHoleCluster").fill_null(value=False)
            )
        ).then(pl.lit("tcp_failed"))
        .when(connection).then(pl.lit("tcp"))
        .when(_flag("FI") | _details("fault")).then(pl.lit("fault_injected"))
        .when(_flag("NR") | _details("no_route")).then(pl.lit("no_route"))
        .when(_flag("NC") | _details("no_cluster")).then(pl.lit("no_cluster"))
        .when(_flag("RLSE", "NFCF") | _details("dependency")).then(pl.lit("dependency_failed"))
        .when(_flag("RL") | _details("rate_limited")).then(pl.lit("rate_limited"))
        .when(_flag("UAEX") | _details("denied")).then(pl.lit("denied"))
        .when(_flag("DPE", "IH") | _details("client_error")).then(pl.lit("client_error"))
        .when(_flag("UO", "OM", "DO", "UDO") | _details("overflow")).then(pl.lit("overflow"))
        .when(_flag("UH") | _details("no_endpoints")).then(pl.lit("no_endpoints"))
        .when(upgrade_ended & passed_through).then(pl.lit("passthrough"))
        .when(upgrade_ended).then(pl.lit("served"))
        .when(
            (began | _details("reset_after"))
            & _flag("UC", "UR", "UPE", "LR", "UT", "SI", "UMSDR", "DT")
        ).then(pl.lit("broken_response"))
        .when(_flag("UF", "DF") | _details("connect_failure")).then(pl.lit("connect_failure"))
        .when(_flag("UT", "UMSDR", "SI", "DT") | _details("timeout"))
        .then(pl.lit("upstream_timeout"))
        .when(
            _flag("UC", "UR", "UPE", "LR") | _details("reset_after") | _details("reset_before")
        ).then(pl.lit("upstream_reset"))
        .when(_flag("DC", "DR") | _details("client_gone")).then(pl.lit("client_gone"))
        .when(answered & (_CODE >= 500)).then(pl.lit("upstream_5xx"))  # noqa: PLR2004
        .when(answered & _code(400, 499)).then(pl.lit("upstream_4xx"))
        .when(answered & (_CODE > 0) & passed_through).then(pl.lit("passthrough"))
        .when(answered & (_CODE > 0)).then(pl.lit("served"))
        .when(blackhole).then(pl.lit("blackhole"))
        .when(
            (_ROUTE == "block_all").fill_null(value=False)
            | (_CLUSTER == "BlackHoleCluster").fill_null(value=False)
        ).then(pl.lit("blocked"))
        .when(
            _details("direct_response")
            | _flag("RFCF")
            | (
                _DETAILS.is_null()
                & _code(100, 399)
                & _HOST.is_null()
                & _SERVICE_TIME.is_null()
                & pl.col("logged_upstream_host")
                & pl.col("logged_response_flags")
            )
        ).then(pl.lit("direct_response"))
        .when(told).then(pl.lit("gateway_other"))
        .otherwise(pl.lit("unknown"))
    )  # fmt: skip
