"""How requests are refused: by policy, by a limit, or because the client broke something."""

from __future__ import annotations

from envoylogs.envoy.failures.failure import Failure
from envoylogs.envoy.harm import Actor

FAILURES_OF_REQUESTS: tuple[Failure, ...] = (
    Failure(
        "over_rate_limit", Actor.POLICY,
        "the rate limit, or the volume of some clients",
        "{label}: requests are over a rate limit",
        "Which clients send so much (--by client), and is the limit right for the usual traffic?",
        unasked=True,
    ),
    Failure(
        "over_local_rate_limit", Actor.POLICY,
        "the gateway's local rate limit, or the volume of some clients",
        "{label}: requests are over a local rate limit of the gateway",
        "It counts for each gateway pod by itself: compare token_bucket in the EnvoyFilter or "
        "policy with the traffic and the number of replicas.",
        unasked=True,
    ),
    Failure(
        "policy_denied", Actor.POLICY,
        "an AuthorizationPolicy, or who asks",
        "{label}: an AuthorizationPolicy denies access",
        "The bracket in response_code_details (of connections, connection_termination_details) "
        "names the policy; none means that no ALLOW policy matched. What was applied just before? "
        "kubectl get authorizationpolicy -A",
        unasked=True,
    ),
    Failure(
        "authorization_denied", Actor.POLICY,
        "the external authorization's verdict, or the client's credentials",
        "{label}: external authorization denies access",
        "ext_authz_denied is a verdict, and ext_authz_error an outage: read the log of the "
        "ext_authz service for these requests; did its policy change, or the clients' "
        "credentials expire?",
        unasked=True,
    ),
    Failure(
        "unknown_token_key", Actor.POLICY,
        "the RequestAuthentication, or who issues the tokens",
        "{label}: tokens are signed with a key that the gateway does not know",
        "The issuer rotated its keys, or tokens come from another issuer: compare kid and iss of "
        "a token with the jwksUri or jwks of the RequestAuthentication; istiod fetches keys anew "
        "every 20 minutes.",
        unasked=True,
    ),
    Failure(
        "token_missing", Actor.POLICY,
        "the client, or a policy that now asks for a token",
        "{label}: requests come without the token that is asked for",
        "Did the policy change to require a token, or did a client or a proxy before the gateway "
        "stop sending it?",
        unasked=True,
    ),
    Failure(
        "token_expired", Actor.POLICY,
        "the client, or the issuer's clock or lifetimes",
        "{label}: tokens have expired",
        "Do clients still renew their tokens? Compare the clocks of issuer and gateway, and exp "
        "of a token.",
        unasked=True,
    ),
    Failure(
        "token_refused", Actor.POLICY,
        "the RequestAuthentication, or the client's token",
        "{label}: tokens are refused",
        "The brace in response_code_details says why (issuer, audience, signature): compare a "
        "token with the RequestAuthentication.",
        unasked=True,
    ),
    Failure(
        "origin_refused", Actor.POLICY,
        "the CSRF policy, or the pages that call",
        "{label}: the origin of requests is not allowed",
        "Compare the origins of the pages that call with the csrf policy.",
        unasked=True,
    ),
    Failure(
        "body_too_large", Actor.POLICY,
        "the client, or the gateway's limit of bodies",
        "{label}: bodies of requests are larger than the gateway accepts",
        "A filter buffers whole requests: is its limit (max_request_bytes, "
        "per_connection_buffer_limit_bytes) right for what clients upload?",
        unasked=True,
    ),
    Failure(
        "broken_by_client", Actor.CLIENT,
        "the client, often a scanner",
        "{label}: clients break HTTP",
        "Plain text sent to a TLS port or TLS to a plain one, illegal headers, an old HTTP "
        "version: look at which clients do it, and at a load balancer that was changed.",
        unasked=True,
    ),
    Failure(
        "upgrade_refused", Actor.CONFIGURATION,
        "the gateway's configuration: the upgrade is not enabled there",
        "{label}: upgrades, such as WebSockets, are refused",
        "Upgrades must be enabled on the listener or route (upgrade_configs): what changed in "
        "EnvoyFilter or in the Gateway's server?",
        unasked=True,
    ),
    Failure(
        "headers_too_large", Actor.CLIENT,
        "the client, or the gateway's limit of headers",
        "{label}: headers of requests are larger than the gateway accepts",
        "Cookies that grow are the usual cause; max_request_headers_kb (60 by default) and "
        "max_headers_count are the limits.",
        unasked=True,
    ),
    Failure(
        "old_http", Actor.CLIENT,
        "the client, or a load balancer before the gateway that speaks HTTP/1.0",
        "{label}: requests of HTTP/1.0 are refused",
        "Let the client or the load balancer speak HTTP/1.1, or accept HTTP/1.0 "
        "(accept_http_10, PILOT_HTTP10).",
        unasked=True,
    ),
    Failure(
        "client_headers", Actor.CLIENT,
        "the client",
        "{label}: clients send x-envoy-* headers that are invalid",
        "Who sets x-envoy-* headers: a client, or a proxy before the gateway?",
        unasked=True,
    ),
    Failure(
        "client_too_slow", Actor.CLIENT,
        "the client, or the network before the gateway",
        "{label}: clients take too long to send their requests",
        "Slow uploads or a stalled load balancer; request_timeout and request_headers_timeout of "
        "the listener are the limits.",
        unasked=True,
    ),
    Failure(
        "refused", Actor.OPERATOR,
        "the gateway itself",
        "The gateway itself answers {codes} for {label}",
        "If the record has a flag or a detail, it names the reason; what changed in the gateway's "
        "filters and policies at that time?",
    ),
)  # fmt: skip
