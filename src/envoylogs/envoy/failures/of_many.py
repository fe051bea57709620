"""What is wrong with many requests of which each may be as it should: slow, redirected, missing."""

from __future__ import annotations

from envoylogs.envoy.failures.failure import Failure
from envoylogs.envoy.harm import Actor

FAILURES_OF_MANY: tuple[Failure, ...] = (
    Failure(
        "delay_injected", Actor.CONFIGURATION,
        "the gateway's configuration: a test",
        "A fault rule delays requests for {label}",
        "Is the test still wanted? fault.delay of the VirtualService ends it.",
    ),
    Failure(
        "gateway_slow", Actor.OPERATOR,
        "a filter of the gateway that waits for somebody, or the gateway's own capacity",
        "The gateway itself holds up requests for {label}",
        "The time is not the service's: look at the latency and time-outs of what filters ask "
        "(ext_authz, ext_proc, the rate-limit service), at Wasm and Lua, then at CPU throttling of "
        "the gateway. A service that sends its headers at once and its body late looks the same: "
        "%RESPONSE_DURATION% and %RESPONSE_TX_DURATION% in the log format tell them apart.",
    ),
    Failure(
        "upgrades_closed", Actor.UPSTREAM,
        "a limit of the service or of what stands before it",
        "WebSockets of {label} are all closed after the same time, from behind the gateway",
        "Look for a limit of that time in the application's server, its sidecar and proxies "
        "before it; or let both sides send pings more often than that.",
    ),
    Failure(
        "upgrades_left", Actor.CLIENT,
        "a limit of clients, or of a load balancer before the gateway",
        "WebSockets of {label} are all closed after the same time, from before the gateway",
        "Look for a limit of that time in load balancers and proxies before the gateway, and in "
        "clients; or let both sides send pings more often than that.",
    ),
    Failure(
        "redirected_by_service", Actor.UPSTREAM,
        "upstream: the application, or what it is told of scheme and host",
        "{label} answers all requests with redirects",
        "Follow one: curl -sIL. A service that redirects to the URL that was asked for is told "
        "another scheme, host or path than the client sees (x-forwarded-proto behind a load "
        "balancer that ends TLS, a rewrite of the route), or asks for a login that nobody gets.",
    ),
    Failure(
        "redirected_by_gateway", Actor.CONFIGURATION,
        "the gateway's configuration: a redirect of the route or listener",
        "The gateway itself answers all requests for {label} with redirects",
        "Follow one: curl -sIL. Look at redirect of the VirtualService or HTTPRoute, and at "
        "tls.httpsRedirect of the Gateway: behind a load balancer that ends TLS it redirects "
        "for ever.",
    ),
    Failure(
        "traffic_stopped", Actor.UNKNOWN,
        "what stands before the gateway, or the clients: nothing arrives",
        "Nothing asks for {label} any more",
        "No request of it reaches this gateway: look at its DNS record, at the load balancer or "
        "CDN before the gateway, at its certificate, at other gateways that may serve it now, and "
        "whether its clients were stopped on purpose.",
    ),
)  # fmt: skip
"""No record shows one of these by itself: it takes durations, or many records over time."""
