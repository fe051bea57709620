"""How services behind the gateway fail: unreachable, silent, broken, or answering with errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.envoy.harm import Actor, Failure, unasked

if TYPE_CHECKING:
    import polars as pl

MAYBE_THE_SIDECAR = "A 503 may also be the sidecar's: its access log has the same request_id."
"""To ``upstream_5xx`` with a code 503."""

OF_A_SUBSET = "Compare the labels of the subset in the DestinationRule with those of the pods."
"""To ``no_endpoints`` of a cluster with a subset."""

NEEDS_RESOLUTION = "A ServiceEntry needs a resolution to have endpoints at a gateway."
"""To ``no_endpoints`` of a host that is no Kubernetes service."""

HBONE_NEXT = (
    "The gateway reaches it over HBONE, so a ztunnel or a waypoint stands in between: look at "
    "their logs first (kubectl -n istio-system logs -l app=ztunnel --tail=-1; waypoints: "
    "kubectl get gateways.gateway.networking.k8s.io -A), then at the application."
)
"""Whom to look at first where what failed went over HBONE."""

KEPT_WAITING = Failure(
    "client_left", Actor.UPSTREAM,
    "upstream: too slow to wait for",
    "{label} keeps clients waiting until they leave",
    "It became slow or hangs: look at what it waits for (its traces, database, own upstreams), at "
    "CPU throttling, and whether it was released or got more traffic at that time. The time after "
    "which clients leave is only their time-out, or that of a load balancer before the gateway.",
)  # fmt: skip
"""What ``client_left`` is where clients waited far longer than the service usually takes."""

FAILURES_OF_SERVICES: tuple[Failure, ...] = (
    unasked(
        "cluster_missing", Actor.CONFIGURATION,
        "the gateway's configuration",
        "{label}: the route names a cluster that does not exist",
        "Compare the destination (host, port, subset) of the VirtualService or HTTPRoute with the "
        "Service and the DestinationRule's subsets.",
    ),
    unasked(
        "no_endpoints", Actor.UPSTREAM,
        "upstream: endpoints, selector, subset labels, outlier ejection",
        "{label} has no healthy endpoint",
        "{endpoints}; do pods match its selector, are they ready, and were they ejected (outlier "
        "detection)?",
    ),
    unasked(
        "connect_refused", Actor.UPSTREAM,
        "upstream: nothing listens there, or nothing lets the gateway through",
        "No connection to {label}: it is refused",
        "{endpoints}; check that the pods run and listen on that port (targetPort of the Service), "
        "and on more than localhost.",
    ),
    unasked(
        "connect_timeout", Actor.UPSTREAM,
        "upstream, or a network policy or firewall that drops packets",
        "No connection to {label}: nothing answers in time",
        "{endpoints}; is the address among them and alive? If so, packets are dropped on the way: "
        "look at NetworkPolicy, firewalls and security groups.",
    ),
    unasked(
        "connect_unreachable", Actor.UPSTREAM,
        "upstream: a dead address, node or network",
        "No connection to {label}: there is no route to its address",
        "{endpoints}; is that address one of a pod that runs, and its node alive (kubectl get "
        "nodes)?",
    ),
    unasked(
        "connect_tls", Actor.UPSTREAM,
        "the TLS or mTLS modes of the two sides",
        "No connection to {label}: the TLS handshake fails",
        "Compare tls.mode of the DestinationRule with PeerAuthentication and with what the port "
        "speaks; WRONG_VERSION_NUMBER is plain text on a port that was asked for TLS, "
        "CERTIFICATE_VERIFY_FAILED the wrong certificate or CA.",
    ),
    unasked(
        "connect_failed", Actor.UPSTREAM,
        "upstream, or the mTLS or port configuration",
        "No connection to {label}",
        "{endpoints}; check that the pods listen on that port and that the mTLS modes of both "
        "sides agree. upstream_transport_failure_reason says more where it is logged.",
        in_between=True,
    ),
    unasked(
        "dns_failed", Actor.UPSTREAM,
        "the upstream's name, or DNS",
        "The name of {label} does not resolve",
        "Look up the host of the ServiceEntry or ExternalName from inside the cluster, then at "
        "CoreDNS.",
    ),
    Failure(
        "connection_closed", Actor.UPSTREAM,
        "upstream: crash, keep-alive race, mTLS mismatch",
        "{label} closes connections before it answers",
        "Look for restarts and crashes of its pods; then at its keep-alive time-out, which must be "
        "longer than the gateway's idle time-out; if all requests end so at once, at mTLS: "
        "plain text may meet a sidecar that wants TLS.",
        in_between=True,
    ),
    Failure(
        "stream_reset", Actor.UPSTREAM,
        "upstream: it resets the stream",
        "{label} resets requests before it answers",
        "The upstream or its sidecar sent the reset: read its log for the same request_id; look "
        "for crashes, restarts and its HTTP/2 limits (streams, header size).",
        in_between=True,
    ),
    Failure(
        "stream_refused", Actor.UPSTREAM,
        "upstream: it takes no more streams",
        "{label} refuses new HTTP/2 streams",
        "It is over its max_concurrent_streams or shutting down: look at both, and at "
        "maxRequestsPerConnection and retries on refused-stream.",
    ),
    Failure(
        "local_reset", Actor.OPERATOR,
        "the gateway",
        "The gateway resets requests to {label}",
        "Read the gateway's own log around that time; a filter or a limit of the gateway ended "
        "the stream.",
    ),
    Failure(
        "broken_http", Actor.UPSTREAM,
        "upstream: what it sends is no valid HTTP of the expected version",
        "{label} breaks HTTP",
        "The gateway can't parse what comes back: duplicate or illegal headers (two "
        "content-length or transfer-encoding, say), a body shorter than its content-length (a "
        "crash while it answers), or another protocol than the Service's port name or appProtocol "
        "promises (http, http2, grpc). Ask the pod directly: curl -v.",
    ),
    Failure(
        "response_timeout", Actor.UPSTREAM,
        "upstream, or a time-out of the route that is too tight",
        "{label} does not answer in time",
        "Look at its own latency first, then at timeout and retries.perTryTimeout of the route.",
    ),
    Failure(
        "answer_timeout", Actor.UPSTREAM,
        "upstream, or a time-out of the route that is too tight for long answers",
        "Answers of {label} are not whole in time",
        "The route's timeout covers the whole answer, also of downloads and streams: look at the "
        "latency of the service, then raise or switch off timeout for routes that stream.",
    ),
    Failure(
        "duration_limit", Actor.POLICY,
        "the gateway's policy: a maximum duration of streams or connections",
        "Streams of {label} are ended at their maximum duration",
        "max_stream_duration (of route or cluster, set by an EnvoyFilter; or grpc-timeout of the "
        "client) or max_connection_duration ends them: where the service was answering (code 200), "
        "raise it or let clients open the stream again; where no answer had begun (504), look at "
        "the service's latency first, and where the request was not whole (408) at the client.",
    ),
    Failure(
        "idle_limit", Actor.POLICY,
        "the gateway's idle time-out, met by silence of client and upstream",
        "Streams of {label} are ended because nothing was sent for too long",
        "Raise the stream idle time-out (idle_timeout of the route, stream_idle_timeout of the "
        "listener, 5 minutes by default), or send keep-alives on long polls and streams.",
    ),
    Failure(
        "broken_off", Actor.UPSTREAM,
        "upstream: crashes, restarts, limits while it answers",
        "Answers of {label} break off",
        "The code looks fine but the body is cut short: look for crashes, restarts and limits of "
        "its pods and sidecars while they answer.",
        in_between=True,
    ),
    Failure(
        "upstream_5xx", Actor.UPSTREAM,
        "upstream: the application, or another proxy before it",
        "{label} answers with {codes}",
        "Read the application's own log from then on; was there a release?",
        in_between=True,
    ),
    Failure(
        "upstream_4xx", Actor.CLIENT,
        "the client; after a release, the application",
        "{label} answers with {codes}",
        "Was there a release of the application, of a client, or of what checks tokens in the "
        "application? Its own log says why it refuses.",
    ),
    unasked(
        "unknown_hop", Actor.UPSTREAM,
        "the mesh: no service is known at that address",
        "Connections to {label} go nowhere: the mesh knows no service there",
        "Add a ServiceEntry for the destination, or look at REGISTRY_ONLY "
        "(outboundTrafficPolicy).",
    ),
    Failure(
        "connection_failed", Actor.UPSTREAM,
        "upstream, or the gateway's configuration",
        "Connections to {label} fail",
        "{endpoints}; connection_termination_details and upstream_transport_failure_reason say "
        "more where they are logged.",
        in_between=True,
    ),
    Failure(
        "not_passed_on", Actor.OPERATOR,
        "the gateway, whose filters end the connection, or clients that end it before it is passed "
        "on",
        "Connections for {label} are ended before they are passed on",
        "connection_termination_details says why where it is logged: look at TCP rules of "
        "AuthorizationPolicies and at network filters (EnvoyFilter) of that listener. Probes, and "
        "handshakes that clients break off, look the same.",
    ),
    Failure(
        "client_left", Actor.CLIENT,
        "the client, or an upstream too slow to wait for",
        "Clients of {label} leave before the answer",
        "Look at the service's latency over the same time, then at the time-outs of clients and "
        "of load balancers before the gateway.",
        in_between=True,
    ),
    unasked(
        "pool_full", Actor.POLICY,
        "the gateway's policy (DestinationRule) under the upstream's pressure",
        "{label}: a circuit breaker or connection pool is full",
        "Compare connectionPool in its DestinationRule with its traffic and latency.",
    ),
    unasked(
        "load_dropped", Actor.POLICY,
        "the control plane's policy",
        "Requests for {label} are dropped by drop_overload",
        "Who sends load assignments with drop_overload? It is set by the control plane.",
    ),
    unasked(
        "maintenance_mode", Actor.POLICY,
        "the gateway's policy: maintenance mode",
        "{label} is in maintenance mode",
        "Runtime key upstream.maintenance_mode of the cluster ends it.",
    ),
)  # fmt: skip


def is_hbone(upstream_host: pl.Expr) -> pl.Expr:
    """Tell upstream hosts that are reached over HBONE, the tunnel of ambient mode.

    Null for missing ones. A proxy that reaches a workload through a ztunnel or a
    waypoint logs the internal listener ``envoy://connect_originate/ADDRESS:15008``,
    or port 15008 itself (Istio's ``pilot/pkg/networking/core/waypoint.go``).
    """
    return upstream_host.str.contains(r"^envoy://(?:\w*_)?connect_originate/|:15008$")
