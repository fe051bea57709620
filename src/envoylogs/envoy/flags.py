"""What each of Envoy's 30 core response flags means.

The list and its order are those of Envoy's ``ResponseFlagUtils`` and
``CoreResponseFlag`` (``source/common/stream_info/utility.h``,
``envoy/stream_info/stream_info.h``); several flags in one record are joined
by ``,`` in this order up to at least 1.36 (Envoy 1.40 writes ``URX,UF``), so no
reader may rely on it. Extensions may register flags of their own, so an
unknown flag is legal. Flags are a hint, not a verdict: ``outcomes`` decides.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["RESPONSE_FLAGS", "ResponseFlag"]


@dataclass(frozen=True, slots=True)
class ResponseFlag:
    """One response flag.

    Attributes:
        short: As ``%RESPONSE_FLAGS%`` prints it.
        long: As ``%RESPONSE_FLAGS_LONG%`` prints it.
        meaning: What happened, in a sentence, with the usual code.
        blame: Where the cause is, in words.
        look_at: What to look at first.
    """

    short: str
    long: str
    meaning: str
    blame: str
    look_at: str


RESPONSE_FLAGS: tuple[ResponseFlag, ...] = tuple(
    ResponseFlag(*row)
    for row in (
        (
            "LH", "FailedLocalHealthCheck",
            "The local service failed its health check (503).",
            "the proxy's own application",
            "The health check of the application beside this proxy.",
        ),
        (
            "UH", "NoHealthyUpstream",
            "The cluster has no healthy endpoint, or none at all (503).",
            "upstream: endpoints, selector, subset labels, outlier ejection",
            "kubectl get endpointslices of the service; the subset's labels in the "
            "DestinationRule; outlier ejections in the gateway's stats.",
        ),
        (
            "UT", "UpstreamRequestTimeout",
            "The upstream took longer than the route's or the try's time-out (504).",
            "upstream, or a time-out that is too tight",
            "The upstream's own latency; timeout and retries.perTryTimeout of the route.",
        ),
        (
            "LR", "LocalReset",
            "The gateway reset the stream to the upstream (503).",
            "the gateway",
            "The gateway's own log around that time.",
        ),
        (
            "UR", "UpstreamRemoteReset",
            "The upstream reset the stream (503; a gRPC request shows 200).",
            "upstream",
            "Crashes and restarts of the upstream; its HTTP/2 limits.",
        ),
        (
            "UF", "UpstreamConnectionFailure",
            "No connection to the upstream, or its TLS handshake failed (503).",
            "upstream, or the mTLS or port configuration",
            "Whether the pod listens on that port; PeerAuthentication against the "
            "DestinationRule's tls mode; the reason in response_code_details.",
        ),
        (
            "UC", "UpstreamConnectionTermination",
            "The upstream closed the connection before it answered (503).",
            "upstream: keep-alive race, mTLS mismatch, crash",
            "Restarts of the pod; its keep-alive time-out must be longer than the gateway's.",
        ),
        (
            "UO", "UpstreamOverflow",
            "A circuit breaker or connection pool was full (503).",
            "the gateway's policy (DestinationRule) under the upstream's pressure",
            "connectionPool limits of the DestinationRule; the upstream's latency.",
        ),
        (
            "NR", "NoRouteFound",
            "No route for the request (404), or no filter chain for the connection (code 0).",
            "the gateway's configuration, or a stray client",
            "The hosts of the Gateway and of the VirtualService, and that it names the gateway.",
        ),
        (
            "DI", "DelayInjected",
            "A fault rule delayed the request.",
            "the gateway's configuration: a test",
            "fault.delay of the VirtualService.",
        ),
        (
            "FI", "FaultInjected",
            "A fault rule aborted the request.",
            "the gateway's configuration: a test",
            "fault.abort of the VirtualService.",
        ),
        (
            "RL", "RateLimited",
            "The request was over a rate limit (429).",
            "the client's volume, or the policy",
            "The rate limit's numbers, and which client sends so much.",
        ),
        (
            "UAEX", "UnauthorizedExternalService",
            "External authorization denied the request, or its service failed (401, 403, 503).",
            "authorization policy, or the client's credentials",
            "response_code_details: ext_authz_denied is a verdict, ext_authz_error an outage.",
        ),
        (
            "RLSE", "RateLimitServiceError",
            "The rate-limit service failed.",
            "a dependency of the gateway",
            "Health of the rate-limit service.",
        ),
        (
            "DC", "DownstreamConnectionTermination",
            "The client went away (often code 0).",
            "the client, or an upstream too slow to wait for",
            "After how many milliseconds clients leave; their time-outs.",
        ),
        (
            "URX", "UpstreamRetryLimitExceeded",
            "The gateway gave up after its retries (HTTP) or connection attempts (TCP).",
            "upstream",
            "The other flag beside it: URX alone changes nothing.",
        ),
        (
            "SI", "StreamIdleTimeout",
            "The stream was idle for too long (408, 504).",
            "the client's or the upstream's silence",
            "Long polls and streams; the route's idle time-out.",
        ),
        (
            "IH", "InvalidEnvoyRequestHeaders",
            "An x-envoy-* request header was invalid (400).",
            "the client",
            "The x-envoy-* headers that the client sends.",
        ),
        (
            "DPE", "DownstreamProtocolError",
            "The client broke HTTP (400).",
            "the client, often a scanner",
            "Plain text sent to a TLS port, or TLS to a plain one; scanners.",
        ),
        (
            "UMSDR", "UpstreamMaxStreamDurationReached",
            "The stream reached its maximum duration (504, 408).",
            "the gateway's policy",
            "maxStreamDuration of the route.",
        ),
        (
            "RFCF", "ResponseFromCacheFilter",
            "The answer came from the gateway's cache.",
            "nobody",
            "Nothing: this is no failure.",
        ),
        (
            "NFCF", "NoFilterConfigFound",
            "The configuration of a filter never arrived (500).",
            "the control plane",
            "istiod and the Wasm or extension configuration it should send.",
        ),
        (
            "DT", "DurationTimeout",
            "The connection reached its maximum duration.",
            "the gateway's policy",
            "max_connection_duration.",
        ),
        (
            "UPE", "UpstreamProtocolError",
            "The upstream broke HTTP (502).",
            "upstream",
            "Port naming (http, http2, grpc) of the Service; what the upstream speaks.",
        ),
        (
            "NC", "NoClusterFound",
            "The route names a cluster that does not exist (503; 500 with the Gateway API).",
            "the gateway's configuration",
            "The destination of the VirtualService or HTTPRoute: service, port and subset.",
        ),
        (
            "OM", "OverloadManagerTerminated",
            "The gateway was out of memory or descriptors.",
            "the gateway's capacity",
            "Memory and replicas of the gateway.",
        ),
        (
            "DF", "DnsResolutionFailed",
            "The name of the upstream did not resolve.",
            "the upstream's name, or DNS",
            "The host of the ServiceEntry; DNS inside the cluster.",
        ),
        (
            "DO", "DropOverload",
            "Dropped by the control plane's drop_overload.",
            "the control plane's policy",
            "Who sends load reports and drop_overload.",
        ),
        (
            "DR", "DownstreamRemoteReset",
            "The client reset its stream.",
            "the client",
            "After how many milliseconds clients cancel; their time-outs.",
        ),
        (
            "UDO", "UnconditionalDropOverload",
            "Dropped by drop_overload at 100 %.",
            "the control plane's policy",
            "Who sends load reports and drop_overload.",
        ),
    )
)  # fmt: skip
"""All core flags in Envoy's own order."""
