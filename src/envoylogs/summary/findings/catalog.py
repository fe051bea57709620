"""The kinds of findings: stable codes, what each means, who must act."""

from __future__ import annotations

from typing import NamedTuple

from envoylogs.envoy.harm import Actor


class FindingKind(NamedTuple):
    """One kind of finding.

    Attributes:
        code: Stable, as in JSON.
        who: Who must act as a rule; the way to fail may say otherwise.
        meaning: What it says, in a sentence or two.
        proof: What in the log proves it.
        counts: What its numbers count: ``request``, or ``connection``.
    """

    code: str
    who: Actor
    meaning: str
    proof: str
    counts: str = "request"


FINDING_KINDS: tuple[FindingKind, ...] = (
    FindingKind(
        "lost_host", Actor.CONFIGURATION,
        "A host was routed earlier in this log, and none of its requests has a route any more.",
        "The same paths of the host were routed before; no request of the host is routed since.",
    ),
    FindingKind(
        "lost_route", Actor.CONFIGURATION,
        "Some paths of a host were routed earlier in this log and have no route any more, while "
        "others still do; or paths had none for a while.",
        "The same paths were routed before and are unrouted since, or until they were routed "
        "again.",
    ),
    FindingKind(
        "lost_tls_name", Actor.CONFIGURATION,
        "Connections with a TLS server name that was accepted earlier in this log are refused.",
        "Requests or connections with this name before; NR without HTTP fields since.",
        counts="connection",
    ),
    FindingKind(
        "unrouted_host", Actor.CONFIGURATION,
        "The gateway has no route for hosts that look meant: every host on the port gets the "
        "blackhole's 404, a host got it until its route came, or many clients ask for a host of a "
        "domain or TLS server name that the gateway serves.",
        "404 with route_name default, no flag, no cluster (Istio 1.3 to 1.7: no VirtualService is "
        "bound to the port); or NR and nothing routed at all; or routed later in the same log; or "
        "NR for many clients and few paths, each asked for often.",
    ),
    FindingKind(
        "stale_gateway", Actor.OPERATOR,
        "The configuration given routes a host, was changed before, and the gateway still has no "
        "route for it: it has not taken the configuration.",
        "With --config: when the object was changed last (managedFields), and requests without a "
        "route more than a minute after it.",
    ),
    FindingKind(
        "unrouted_path", Actor.CONFIGURATION,
        "A host is routed, and paths of it that clients ask for often are not, or only at times.",
        "NR for these paths; routed requests for other paths of the host, or for these in between.",
    ),
    FindingKind(
        "tls_reuse", Actor.CONFIGURATION,
        "HTTP/2 clients reuse the connection of one host for another one with the same "
        "certificate, and land in the wrong route table.",
        "Unrouted requests whose TLS server name is another known host than their authority.",
    ),
    FindingKind(
        "no_cluster", Actor.CONFIGURATION,
        "A route names a service, port or subset that does not exist.",
        "Flag NC or cluster_not_found.",
    ),
    FindingKind(
        "no_endpoints", Actor.UPSTREAM,
        "A service has no healthy endpoint.",
        "Flag UH or no_healthy_upstream.",
    ),
    FindingKind(
        "bad_upstream_host", Actor.UPSTREAM,
        "One pod of a service fails far more often than the others.",
        "Most failures of the cluster have the same upstream_host.",
    ),
    FindingKind(
        "connect_failure", Actor.UPSTREAM,
        "The gateway can't connect to a service.",
        "Flag UF or DF.",
    ),
    FindingKind(
        "upstream_reset", Actor.UPSTREAM,
        "A service closes or resets connections before it answers.",
        "Flags UC, UR, UPE or LR.",
    ),
    FindingKind(
        "upstream_timeout", Actor.UPSTREAM,
        "A service does not answer in time.",
        "Flags UT, UMSDR, SI or DT, or a time-out in the details.",
    ),
    FindingKind(
        "overflow", Actor.POLICY,
        "A circuit breaker, connection pool or overload limit turns requests away.",
        "Flags UO, OM, DO or UDO.",
    ),
    FindingKind(
        "broken_response", Actor.UPSTREAM,
        "Answers of a service begin well and break off.",
        "A code below 400 from the upstream together with a reset or time-out flag.",
    ),
    FindingKind(
        "upstream_errors", Actor.UPSTREAM,
        "A service answers with 5xx codes, or with codes from 600 on, which HTTP does not have.",
        "5xx, or 600 and above, via_upstream.",
    ),
    FindingKind(
        "dependency_failed", Actor.OPERATOR,
        "A service that the gateway itself needs fails: authorization, the keys of tokens, rate "
        "limit, Wasm.",
        "Flags RLSE or NFCF, or an error of such a filter in the details.",
    ),
    FindingKind(
        "gateway_errors", Actor.OPERATOR,
        "The gateway itself answers with 5xx: a route that says so, a filter, a limit of bodies or "
        "buffers.",
        "5xx that no upstream sent; code, flag and detail say why.",
    ),
    FindingKind(
        "unattributed_errors", Actor.UNKNOWN,
        "Requests end with 5xx, and too little was logged to tell who made them.",
        "5xx in records without flags, details, cluster and host.",
    ),
    FindingKind(
        "refused_jump", Actor.POLICY,
        "A host or service turns requests away that it took before, or all there are: denied, "
        "rate limited, refused as bad, answered with 4xx.",
        "The share of refusals jumped while fewer requests were served, or nearly all are refused.",
    ),
    FindingKind(
        "denied_jump", Actor.POLICY,
        "A host denies requests that it took before, since an object of the configuration given "
        "was changed.",
        "With --config: the denials of refused_jump, and the object that was changed just before "
        "they began.",
    ),
    FindingKind(
        "faults_injected", Actor.POLICY,
        "A fault rule aborts requests on purpose, or delays them.",
        "Flag FI or fault_filter_abort; flag DI and a duration far longer than the upstream's "
        "time.",
    ),
    FindingKind(
        "clients_give_up", Actor.CLIENT,
        "Clients leave before the answer, more than usual; the service is to blame if they waited "
        "far longer than it usually takes.",
        "Flags DC or DR, and after how long.",
    ),
    FindingKind(
        "connections_failed", Actor.UPSTREAM,
        "TCP connections to a service or an address can't be passed on, or are closed before a "
        "byte comes back.",
        "Flags UF, UH, UO, NC, UT, URX or DF without HTTP fields, or BlackHoleCluster; neither "
        "cluster nor host; UC or UR and no byte sent.",
        counts="connection",
    ),
    FindingKind(
        "connections_refused", Actor.CONFIGURATION,
        "Connections are refused, and none like them is accepted: no filter chain for them.",
        "NR without HTTP fields; nothing else in the log, or nothing else since.",
        counts="connection",
    ),
    FindingKind(
        "slow_upstream", Actor.UPSTREAM,
        "A service became slow, or one pod or part of a split is much slower than its siblings.",
        "Upstream time at the median at least three times the usual one, or that of the others.",
    ),
    FindingKind(
        "slow_gateway", Actor.OPERATOR,
        "Requests for a host began to take far longer than the service does: the gateway itself "
        "holds them up, as where external authorization is slow.",
        "The duration minus the upstream's time, where bodies are small, at the median at least "
        "three times the usual one.",
    ),
    FindingKind(
        "redirects_jump", Actor.UPSTREAM,
        "A host that served its requests answers all of them with redirects.",
        "Codes 301, 302, 303, 307 or 308 for nearly all requests since, for few before.",
    ),
    FindingKind(
        "upgrades_cut", Actor.UPSTREAM,
        "Upgraded connections, such as WebSockets, are all closed after the same time.",
        "Code 101 with UC, UR, DC or DR, and equal durations.",
    ),
    FindingKind(
        "traffic_stopped", Actor.UNKNOWN,
        "Requests for a host came all the time, and none comes any more, while others go on.",
        "A silence far longer than any before, until the end of the log.",
        counts="earlier request",
    ),
    FindingKind(
        "silent_host", Actor.UNKNOWN,
        "Hosts that the configuration given routes, and that nobody asked for.",
        "With --config: the hosts of its routes without wildcards, and those of the log.",
        counts="earlier request",
    ),
    FindingKind(
        "log_incomplete", Actor.OPERATOR,
        "The log can't answer everything: a source or lines are damaged, or columns that verdicts "
        "rest on were never logged.",
        "The accounts of the lines.",
    ),
)  # fmt: skip
"""All kinds, in the order in which equals are shown."""

KIND_BY_CODE = {kind.code: kind for kind in FINDING_KINDS}
