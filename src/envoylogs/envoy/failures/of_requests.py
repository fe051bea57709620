"""How requests are refused, and what is wrong with many that each may be as they should.

Refused by policy, by a limit, or because the client broke something; many are
slow, redirected or missing.
"""

from __future__ import annotations

from envoylogs.envoy.harm import Actor, Failure, unasked

FAILURES_OF_REQUESTS: tuple[Failure, ...] = (
    unasked(
        "over_rate_limit", Actor.POLICY,
        "the rate limit, or the volume of some clients",
        "{label}: requests are over a rate limit",
        "Which clients send so much (--by client), and is the limit right for the usual traffic?",
    ),
    unasked(
        "over_local_rate_limit", Actor.POLICY,
        "the gateway's local rate limit, or the volume of some clients",
        "{label}: requests are over a local rate limit of the gateway",
        "It counts for each gateway pod by itself: compare token_bucket in the EnvoyFilter or "
        "policy with the traffic and the number of replicas.",
    ),
    unasked(
        "policy_denied", Actor.POLICY,
        "an AuthorizationPolicy, or who asks",
        "{label}: an AuthorizationPolicy denies access",
        "The bracket in response_code_details (of connections, connection_termination_details) "
        "names the policy; none means that no ALLOW policy matched. What was applied just before? "
        "kubectl get authorizationpolicy -A",
    ),
    unasked(
        "authorization_denied", Actor.POLICY,
        "the external authorization's verdict, or the client's credentials",
        "{label}: external authorization denies access",
        "ext_authz_denied is a verdict, and ext_authz_error an outage: read the log of the "
        "ext_authz service for these requests; did its policy change, or the clients' "
        "credentials expire?",
    ),
    unasked(
        "unknown_token_key", Actor.POLICY,
        "the RequestAuthentication, or who issues the tokens",
        "{label}: tokens are signed with a key that the gateway does not know",
        "The issuer rotated its keys, or tokens come from another issuer: compare kid and iss of "
        "a token with the jwksUri or jwks of the RequestAuthentication; istiod fetches keys anew "
        "every 20 minutes.",
    ),
    unasked(
        "token_missing", Actor.POLICY,
        "the client, or a policy that now asks for a token",
        "{label}: requests come without the token that is asked for",
        "Did the policy change to require a token, or did a client or a proxy before the gateway "
        "stop sending it?",
    ),
    unasked(
        "token_expired", Actor.POLICY,
        "the client, or the issuer's clock or lifetimes",
        "{label}: tokens have expired",
        "Do clients still renew their tokens? Compare the clocks of issuer and gateway, and exp "
        "of a token.",
    ),
    unasked(
        "token_refused", Actor.POLICY,
        "the RequestAuthentication, or the client's token",
        "{label}: tokens are refused",
        "The brace in response_code_details says why (issuer, audience, signature): compare a "
        "token with the RequestAuthentication.",
    ),
    unasked(
        "origin_refused", Actor.POLICY,
        "the CSRF policy, or the pages that call",
        "{label}: the origin of requests is not allowed",
        "Compare the origins of the pages that call with the csrf policy.",
    ),
    unasked(
        "body_too_large", Actor.POLICY,
        "the client, or the gateway's limit of bodies",
        "{label}: bodies of requests are larger than the gateway accepts",
        "A filter buffers whole requests: is its limit (max_request_bytes, "
        "per_connection_buffer_limit_bytes) right for what clients upload?",
    ),
    unasked(
        "broken_by_client", Actor.CLIENT,
        "the client, often a scanner",
        "{label}: clients break HTTP",
        "Plain text sent to a TLS port or TLS to a plain one, illegal headers, an old HTTP "
        "version: look at which clients do it, and at a load balancer that was changed.",
    ),
    unasked(
        "upgrade_refused", Actor.CONFIGURATION,
        "the gateway's configuration: the upgrade is not enabled there",
        "{label}: upgrades, such as WebSockets, are refused",
        "Upgrades must be enabled on the listener or route (upgrade_configs): what changed in "
        "EnvoyFilter or in the Gateway's server?",
    ),
    unasked(
        "headers_too_large", Actor.CLIENT,
        "the client, or the gateway's limit of headers",
        "{label}: headers of requests are larger than the gateway accepts",
        "Cookies that grow are the usual cause; max_request_headers_kb (60 by default) and "
        "max_headers_count are the limits.",
    ),
    unasked(
        "old_http", Actor.CLIENT,
        "the client, or a load balancer before the gateway that speaks HTTP/1.0",
        "{label}: requests of HTTP/1.0 are refused",
        "Let the client or the load balancer speak HTTP/1.1, or accept HTTP/1.0 "
        "(accept_http_10, PILOT_HTTP10).",
    ),
    unasked(
        "client_headers", Actor.CLIENT,
        "the client",
        "{label}: clients send x-envoy-* headers that are invalid",
        "Who sets x-envoy-* headers: a client, or a proxy before the gateway?",
    ),
    unasked(
        "client_too_slow", Actor.CLIENT,
        "the client, or the network before the gateway",
        "{label}: clients take too long to send their requests",
        "Slow uploads or a stalled load balancer; request_timeout and request_headers_timeout of "
        "the listener are the limits.",
    ),
    Failure(
        "refused", Actor.OPERATOR,
        "the gateway itself",
        "The gateway itself answers {codes} for {label}",
        "If the record has a flag or a detail, it names the reason; what changed in the gateway's "
        "filters and policies at that time?",
    ),
)  # fmt: skip

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
