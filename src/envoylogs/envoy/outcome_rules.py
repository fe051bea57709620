"""Which outcome a record has, as one expression over normalized columns.

The first of ``outcomes.OUTCOMES`` that fits wins. The rules read flags,
details, code, route and cluster together, because none of these is proof
alone: RBAC denials set no flag, a gRPC request that failed is logged with code
200, ``route_name`` is ``default`` for much besides the blackhole. A column
that was never logged is not evidence: where an outcome rests on a value being
absent, the ``logged_*`` columns must say that its key was there.
"""

from __future__ import annotations

from functools import cache

import polars as pl

from envoylogs.envoy.details import reading_of
from envoylogs.envoy.flags import has_flag
from envoylogs.envoy.outcomes import SWITCHING_PROTOCOLS

LOGGED_KEYS: dict[str, str] = {
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
_SENT = pl.col("bytes_sent")


CONNECTION_COLUMNS = ("response_code", "method", "path", "authority", "protocol")
"""What tells connections from requests."""


def is_connection() -> pl.Expr:
    """Tell the records of connections (TCP, no filter chain) from those of requests.

    Null-free. A record without a code and without method, path, authority
    and protocol is a connection too.
    """
    code, *http = CONNECTION_COLUMNS
    return pl.all_horizontal(pl.col(code).fill_null(0) == 0, pl.col(http).is_null())


_TELLING_ROUTES = ("default", "allow_any", "block_all")
_TELLING_CLUSTERS = ("PassthroughCluster", "BlackHoleCluster")


@cache
def ending_of_record() -> tuple[pl.Expr, ...]:
    """Return all that outcome and failure rest on, as columns of the same names.

    They have few values together, since most names stand for any other one: what two records with
    the same ending are is the same.
    """
    _, *http = CONNECTION_COLUMNS
    return (
        pl.col("response_code", "response_flags", "response_code_details"),
        pl.col("connection_termination_details", "upstream_transport_failure_reason"),
        _one_of("route_name", _TELLING_ROUTES),
        _one_of("upstream_cluster", _TELLING_CLUSTERS),
        *(_any(name) for name in (*http, "upstream_host", "upstream_service_time_ms")),
        pl.when(pl.col("bytes_sent") == 0).then(pl.lit(0)).alias("bytes_sent"),
        pl.col(*LOGGED_KEYS),
    )


def _one_of(name: str, telling: tuple[str, ...]) -> pl.Expr:
    return pl.when(pl.col(name).is_in(telling)).then(name).otherwise(_any(name)).alias(name)


def _any(name: str) -> pl.Expr:
    return pl.when(pl.col(name).is_not_null()).then(pl.lit("any")).alias(name)


def with_outcome(records: pl.DataFrame) -> pl.DataFrame:
    """Return records with the column ``outcome``; see ``outcome_of_record`` for what it needs."""
    readings = {text: reading_of(text) for text in set(records["response_code_details"]) - {None}}
    groups = {text: reading and reading.group for text, reading in readings.items()}
    group = _DETAILS.replace_strict(groups, default=None, return_dtype=pl.String)
    with_group = records.lazy().with_columns(details_group=group)
    outcome = outcome_of_record().alias("outcome")
    return with_group.with_columns(outcome).drop("details_group").collect()


def _details(group: str) -> pl.Expr:
    """Tell whether the details belong to a group of ``RESPONSE_CODE_DETAILS``."""
    return (pl.col("details_group") == group).fill_null(value=False)


def _code(low: int, high: int) -> pl.Expr:
    return _CODE.is_between(low, high).fill_null(value=False)


@cache
def outcome_of_record() -> pl.Expr:
    """Return the outcome of every record, as an expression over normalized columns.

    Needs the columns named in ``LOGGED_KEYS``, keys and values, those that
    ``is_connection`` reads, ``bytes_sent`` and ``details_group`` (see ``details``).
    Every combination gets exactly one outcome.
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
        (has_flag("DC", "DR", "UC", "UR") & _DETAILS.is_null())
        | _details("reset_after")
        | _details("client_gone")
        | _details("via_upstream")
    )

    passed_through = (_CLUSTER == "PassthroughCluster").fill_null(value=False) | (
        _ROUTE == "allow_any"
    ).fill_null(value=False)

    # Before Envoy 1.18 a missing cluster has the flag of a missing route, and the code of its own.
    missing = _code(503, 503)
    # Without details only the code tells an outage of the authorization service from its verdict.
    outage = has_flag("UAEX") & _DETAILS.is_null() & (_CODE >= 500).fill_null(value=False)  # noqa: PLR2004

    # A full pool of retries sets UO beside what ended the request, which the details name.
    told_by_details = _details("via_upstream") | _details("connect_failure") | _details("timeout")

    connection = is_connection()
    # TCP proxy chooses the cluster before it connects, so without one another filter ended the
    # connection first; or the client did, which is its own doing, as breaking the protocol is.
    unsent = (
        _CLUSTER.is_null()
        & _HOST.is_null()
        & nowhere_logged
        & has_flag("DC", "DR", "DPE", "IH").not_()
    )
    # An upstream that closes is the usual end of a connection, unless nothing ever came from it.
    closed_at_once = has_flag("UC", "UR") & (_SENT == 0).fill_null(value=False)
    return (
        pl.when(connection & has_flag("NR")).then(pl.lit("no_filter_chain"))
        .when(
            connection
            & (
                has_flag("UF", "UH", "UO", "NC", "UT", "URX", "DF")
                | (_CLUSTER == "BlackHoleCluster").fill_null(value=False)
                | unsent
                | closed_at_once
            )
        ).then(pl.lit("tcp_failed"))
        .when(connection).then(pl.lit("tcp"))
        .when(has_flag("FI") | _details("fault")).then(pl.lit("fault_injected"))
        .when(
            has_flag("NC")
            | _details("no_cluster")
            | (has_flag("NR") & _DETAILS.is_null() & missing)
        ).then(pl.lit("no_cluster"))
        .when(has_flag("NR") | _details("no_route")).then(pl.lit("no_route"))
        .when(has_flag("RLSE", "NFCF") | _details("dependency") | outage)
        .then(pl.lit("dependency_failed"))
        .when(has_flag("RL") | _details("rate_limited")).then(pl.lit("rate_limited"))
        .when(has_flag("UAEX") | _details("denied")).then(pl.lit("denied"))
        .when(has_flag("DPE", "IH") | _details("client_error")).then(pl.lit("client_error"))
        .when(
            has_flag("OM", "DO", "UDO") | (has_flag("UO") & ~told_by_details) | _details("overflow")
        ).then(pl.lit("overflow"))
        .when(has_flag("UH") | _details("no_endpoints")).then(pl.lit("no_endpoints"))
        .when(upgrade_ended & passed_through).then(pl.lit("passthrough"))
        .when(upgrade_ended).then(pl.lit("served"))
        .when(
            (began | _details("reset_after"))
            & (has_flag("UC", "UR", "UPE", "LR", "UT", "SI", "UMSDR", "DT") | _details("timeout"))
        ).then(pl.lit("broken_response"))
        .when(has_flag("UF", "DF") | _details("connect_failure")).then(pl.lit("connect_failure"))
        .when(has_flag("UT", "UMSDR", "SI", "DT") | _details("timeout"))
        .then(pl.lit("upstream_timeout"))
        .when(
            has_flag("UC", "UR", "UPE", "LR") | _details("reset_after") | _details("reset_before")
        ).then(pl.lit("upstream_reset"))
        .when(has_flag("DC", "DR") | _details("client_gone")).then(pl.lit("client_gone"))
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
            | has_flag("RFCF")
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
