"""What each of Envoy's 30 core response flags means.

The list and its order are those of Envoy's ``ResponseFlagUtils`` and
``CoreResponseFlag`` (``source/common/stream_info/utility.h``,
``envoy/stream_info/stream_info.h``); several flags in one record are joined
by ``,`` in this order up to at least 1.36 (Envoy 1.40 writes ``URX,UF``), so no
reader may rely on it. Extensions may register flags of their own, so an
unknown flag is legal. Flags are a hint, not a verdict: ``outcomes`` decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import polars as pl


class ResponseFlag(NamedTuple):
    """One response flag.

    Attributes:
        short: As ``%RESPONSE_FLAGS%`` prints it.
        long: As ``%RESPONSE_FLAGS_LONG%`` prints it.
        failure: The way to fail that it shows, one of ``failures``, which says whom it blames
            and what to do next; null if it shows none.
        meaning: What happened, in a sentence, with the usual code.
    """

    short: str
    long: str
    failure: str | None
    meaning: str


RESPONSE_FLAGS: tuple[ResponseFlag, ...] = tuple(
    ResponseFlag(*row)
    for row in (
        (
            "LH", "FailedLocalHealthCheck", "unhealthy_self",
            "The local service failed its health check (503).",
        ),
        (
            "UH", "NoHealthyUpstream", "no_endpoints",
            "The cluster has no healthy endpoint, or none at all (503).",
        ),
        (
            "UT", "UpstreamRequestTimeout", "response_timeout",
            "The upstream took longer than the route's or the try's time-out (504).",
        ),
        (
            "LR", "LocalReset", "local_reset",
            "The gateway reset the stream to the upstream (503).",
        ),
        (
            "UR", "UpstreamRemoteReset", "stream_reset",
            "The upstream reset the stream (503; a gRPC request shows 200).",
        ),
        (
            "UF", "UpstreamConnectionFailure", "connect_failed",
            "No connection to the upstream, or its TLS handshake failed (503).",
        ),
        (
            "UC", "UpstreamConnectionTermination", "connection_closed",
            "The upstream closed the connection before it answered (503).",
        ),
        (
            "UO", "UpstreamOverflow", "pool_full",
            "A circuit breaker or connection pool was full (503).",
        ),
        (
            "NR", "NoRouteFound", "route_missing",
            "No route for the request (404), or no filter chain for the connection (code 0).",
        ),
        (
            "DI", "DelayInjected", "delay_injected",
            "A fault rule delayed the request.",
        ),
        (
            "FI", "FaultInjected", "fault_injected",
            "A fault rule aborted the request.",
        ),
        (
            "RL", "RateLimited", "over_rate_limit",
            "The request was over a rate limit (429).",
        ),
        (
            "UAEX", "UnauthorizedExternalService", "authorization_denied",
            "External authorization denied the request, or its service failed (401, 403, 503).",
        ),
        (
            "RLSE", "RateLimitServiceError", "rate_limit_service_down",
            "The rate-limit service failed.",
        ),
        (
            "DC", "DownstreamConnectionTermination", "client_left",
            "The client went away (often code 0).",
        ),
        (
            "URX", "UpstreamRetryLimitExceeded", None,
            "The gateway gave up after its retries (HTTP) or connection attempts (TCP).",
        ),
        (
            "SI", "StreamIdleTimeout", "idle_limit",
            "The stream was idle for too long (408, 504).",
        ),
        (
            "IH", "InvalidEnvoyRequestHeaders", "client_headers",
            "An x-envoy-* request header was invalid (400).",
        ),
        (
            "DPE", "DownstreamProtocolError", "broken_by_client",
            "The client broke HTTP (400).",
        ),
        (
            "UMSDR", "UpstreamMaxStreamDurationReached", "duration_limit",
            "The stream reached its maximum duration (504, 408).",
        ),
        (
            "RFCF", "ResponseFromCacheFilter", None,
            "The answer came from the gateway's cache.",
        ),
        (
            "NFCF", "NoFilterConfigFound", "filter_config_missing",
            "The configuration of a filter never arrived (500).",
        ),
        (
            "DT", "DurationTimeout", "duration_limit",
            "The connection reached its maximum duration.",
        ),
        (
            "UPE", "UpstreamProtocolError", "broken_http",
            "The upstream broke HTTP (502).",
        ),
        (
            "NC", "NoClusterFound", "cluster_missing",
            "The route names a cluster that does not exist (503; 500 with the Gateway API).",
        ),
        (
            "OM", "OverloadManagerTerminated", "gateway_overloaded",
            "The gateway was out of memory or descriptors.",
        ),
        (
            "DF", "DnsResolutionFailed", "dns_failed",
            "The name of the upstream did not resolve.",
        ),
        (
            "DO", "DropOverload", "load_dropped",
            "Dropped by the control plane's drop_overload.",
        ),
        (
            "DR", "DownstreamRemoteReset", "client_left",
            "The client reset its stream.",
        ),
        (
            "UDO", "UnconditionalDropOverload", "load_dropped",
            "Dropped by drop_overload at 100 %.",
        ),
    )
)  # fmt: skip
"""All core flags in Envoy's own order."""

_SHORT = {flag.long: flag.short for flag in RESPONSE_FLAGS}


def short_flags(flags: str) -> str:
    """Return flags by their short names; ``%RESPONSE_FLAGS_LONG%`` logs the long ones."""
    return ",".join(_SHORT.get(flag, flag) for flag in flags.split(","))


def has_flag(*names: str) -> pl.Expr:
    """Tell the records that have one of these flags, by their short names; never null."""
    pattern = rf"(?:^|,)(?:{'|'.join(names)})(?:,|$)"
    # A shell that completes asks for the flags alone.
    import polars as pl

    return pl.col("response_flags").str.contains(pattern).fill_null(value=False)
