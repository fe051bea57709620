"""How the gateway itself, what it depends on or what it was told ends traffic."""

from __future__ import annotations

from envoylogs.envoy.harm import Actor, Failure, unasked

FAILURES_OF_THE_GATEWAY: tuple[Failure, ...] = (
    unasked(
        "fault_injected", Actor.POLICY,
        "the gateway's configuration: a test",
        "A fault rule aborts requests for {label}",
        "Is the test still wanted? fault.abort of the VirtualService ends it.",
    ),
    unasked(
        "route_missing", Actor.CONFIGURATION,
        "the gateway's configuration, or a stray client",
        "No route for {label}",
        "A VirtualService must list the host in spec.hosts, the Gateway must accept it in "
        "servers[].hosts, and the VirtualService must name the Gateway in spec.gateways; then "
        "comes what it matches of paths.",
    ),
    unasked(
        "route_table_missing", Actor.OPERATOR,
        "the control plane: the gateway never got its routes",
        "The gateway has no route table for {label}",
        "Is RDS in step (istioctl proxy-status)? Look at istiod and at the listener's route name.",
    ),
    unasked(
        "name_refused", Actor.CONFIGURATION,
        "the gateway's configuration, or a stray client",
        "Connections for {label} are refused: no filter chain accepts them",
        "Check that a Gateway server with TLS lists the name and that its credentialName exists: "
        "kubectl get gateways.networking.istio.io -A; kubectl get secret -n istio-system",
    ),
    unasked(
        "direct_error", Actor.CONFIGURATION,
        "the gateway's configuration: the route itself answers with an error",
        "The gateway itself answers {codes} for {label}, as its route says",
        "Look at the route: a directResponse of the VirtualService; with the Gateway API a "
        "backendRef that does not resolve (Service, port, ReferenceGrant) or weights that are all "
        "0, as its condition ResolvedRefs says: kubectl describe httproute.",
    ),
    unasked(
        "direct_refusal", Actor.CONFIGURATION,
        "the gateway's configuration: the route itself refuses",
        "The gateway itself answers {codes} for {label}, as its route says",
        "Look at the route: a directResponse of the VirtualService, an HTTPRoute without "
        "backendRefs, an EnvoyFilter. Is it meant?",
    ),
    unasked(
        "unknown_destination", Actor.POLICY,
        "the gateway's policy: REGISTRY_ONLY",
        "{label} is refused as an unknown destination",
        "If the host should be known, add a ServiceEntry; outboundTrafficPolicy REGISTRY_ONLY "
        "refuses all others.",
    ),
    unasked(
        "authorization_down", Actor.OPERATOR,
        "a dependency of the gateway: the external authorization service",
        "The external authorization service fails for {label}",
        "Check the health, endpoints and latency of the ext_authz provider (extensionProviders of "
        "the mesh config), then its timeout and failOpen.",
    ),
    unasked(
        "jwks_unreachable", Actor.OPERATOR,
        "a dependency of the gateway: where the keys of tokens are fetched from",
        "The keys of tokens (JWKS) can't be fetched, so {label} refuses everybody",
        "Ask the jwksUri of the RequestAuthentication from istiod and from the gateway (DNS, "
        "egress policy, its certificate, the provider's own health); inline jwks needs no "
        "network.",
    ),
    unasked(
        "rate_limit_service_down", Actor.OPERATOR,
        "a dependency of the gateway: the rate-limit service",
        "The rate-limit service fails for {label}",
        "Check the health and latency of the rate-limit service and its Redis; "
        "failure_mode_deny decides what happens without it.",
    ),
    unasked(
        "ext_proc_down", Actor.OPERATOR,
        "a dependency of the gateway: the external processing service",
        "The external processing service (ext_proc) fails for {label}",
        "Check that service's health, its message_timeout, and failure_mode_allow.",
    ),
    unasked(
        "plugin_failed", Actor.OPERATOR,
        "a plug-in of the gateway",
        "A plug-in of the gateway (Wasm) fails for {label}",
        "Read the gateway's own log for the plug-in; failStrategy FAIL_OPEN lets requests pass.",
    ),
    unasked(
        "filter_config_missing", Actor.OPERATOR,
        "the control plane",
        "The configuration of a filter never arrived, so {label} is not served",
        "Look at istiod and at the Wasm or extension configuration that it should send: can the "
        "image be pulled?",
    ),
    unasked(
        "gateway_overloaded", Actor.OPERATOR,
        "the gateway's capacity",
        "The gateway is out of memory or connections and sheds requests for {label}",
        "Look at memory, descriptors and replicas of the gateway and at its overload manager.",
    ),
    unasked(
        "concurrency_limit", Actor.POLICY,
        "the gateway's policy: a limit of concurrent requests",
        "{label}: a limit of concurrent requests is reached",
        "Compare the adaptive concurrency or admission limit with the service's latency.",
    ),
    Failure(
        "answer_too_large", Actor.POLICY,
        "the gateway's policy: its buffer is smaller than the answer",
        "Answers of {label} are larger than the gateway buffers",
        "A filter buffers whole answers: raise per_connection_buffer_limit_bytes, or let the "
        "filter stream; was there a new filter, or larger answers?",
    ),
    unasked(
        "retry_buffer_full", Actor.POLICY,
        "the gateway's policy: its buffer is smaller than the request",
        "Requests for {label} are larger than the gateway buffers for retries or filters",
        "Raise per_connection_buffer_limit_bytes or per_request_buffer_limit_bytes, or don't "
        "retry or buffer such requests.",
    ),
    unasked(
        "unhealthy_self", Actor.OPERATOR,
        "the proxy's own application",
        "The application beside the proxy fails its health check, so {label} is not served",
        "Look at the health check of the application beside this proxy.",
    ),
    Failure(
        "closed_by_gateway", Actor.OPERATOR,
        "the gateway, which closed the client's connection",
        "The gateway closes connections of clients of {label}",
        "The bracket in response_code_details says why; a drain, a limit or a filter.",
    ),
    Failure(
        "filter_answered", Actor.OPERATOR,
        "a filter of the gateway",
        "A filter of the gateway answers {codes} for {label}",
        "response_code_details names the filter, or is empty for Lua, Wasm and others: look at "
        "EnvoyFilter and WasmPlugin of this gateway, and what changed in them.",
    ),
    Failure(
        "gateway_error", Actor.OPERATOR,
        "the gateway itself",
        "The gateway itself answers {codes} for {label}",
        "If the record has a flag or a detail, it names the reason; read the gateway's own log, "
        "and what changed in its filters (EnvoyFilter, WasmPlugin) at that time.",
    ),
    Failure(
        "unattributed", Actor.UNKNOWN,
        "the gateway or the upstream: too little was logged to tell",
        "{label} answers with {codes}; the log can't tell if the gateway or the service made them",
        "Log response_flags, response_code_details, upstream_cluster and upstream_host; until "
        "then, compare with the log of the application.",
        in_between=True,
    ),
)  # fmt: skip
