"""Why the gateway answered by itself: stable codes, what each means, what is changed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CauseKind:
    """One kind of cause.

    Attributes:
        code: Stable, as in JSON.
        meaning: What it says, in a sentence.
        proof: What must be in the files for it to be said.
        change: What is changed as a rule.
    """

    code: str
    meaning: str
    proof: str
    change: str


CAUSE_KINDS: tuple[CauseKind, ...] = (
    CauseKind(
        "no_gateway_for_host",
        "No server of any Gateway that this gateway serves accepts the host.",
        "The hosts of all servers of the Gateways given; or the route table of a dump.",
        "List the host in servers[].hosts of the Gateway, and in a VirtualService.",
    ),
    CauseKind(
        "gateway_without_virtualservice",
        "A Gateway accepts the host, and nothing at all is bound to it.",
        "No VirtualService or HTTPRoute given names the Gateway; or the table of the port holds "
        "nothing but the blackhole.",
        "Name the Gateway in spec.gateways of a VirtualService that lists the host.",
    ),
    CauseKind(
        "host_not_in_virtualservice",
        "A Gateway accepts the host, and none of the VirtualServices that are bound to it lists "
        "it.",
        "The hosts of the VirtualServices or HTTPRoutes that are bound; or the domains of a dump.",
        "List the host in spec.hosts of the VirtualService.",
    ),
    CauseKind(
        "virtualservice_not_bound",
        "A VirtualService lists the host, and is bound to no gateway: without spec.gateways it is "
        "for the sidecars only.",
        "spec.gateways is missing, or has nothing but mesh; a route without parents but Services.",
        "Name the Gateway in spec.gateways, with mesh beside it if pods rely on the object.",
    ),
    CauseKind(
        "gateway_reference_wrong",
        "A VirtualService lists the host, and names a Gateway that is not the one that accepts it.",
        "spec.gateways or parentRefs names a Gateway that is not in the files, while one of the "
        "same name in another namespace accepts the host.",
        "Name the Gateway with its namespace.",
    ),
    CauseKind(
        "gateway_selects_other_pods",
        "The Gateway that accepts the host selects other pods than this gateway's.",
        "The labels of the gateway's pods, which are in the files, do not fit spec.selector.",
        "Correct spec.selector of the Gateway, or ask the gateway that it selects.",
    ),
    CauseKind(
        "gateway_host_scope",
        "Gateway and VirtualService both list the host, and do not see each other.",
        "The Gateway accepts the host from other namespaces only, the VirtualService is not "
        "exported to the namespace of the gateway's pods, or a listener does not allow routes of "
        "its namespace.",
        "Widen the namespace of the host in the Gateway, exportTo, or allowedRoutes.",
    ),
    CauseKind(
        "wildcard_does_not_cover",
        "The host is the bare domain of a wildcard, which a wildcard does not cover.",
        "A Gateway or VirtualService lists *.domain, and nothing lists the domain itself.",
        "List the domain beside its wildcard.",
    ),
    CauseKind(
        "port_not_served",
        "The host is served on another port of the gateway than the one that was asked.",
        "No server of this port accepts the host, and one of another port does; or a match asks "
        "for another port.",
        "Add a server for the port, or send clients to the other one.",
    ),
    CauseKind(
        "port_in_host",
        "The host came with a port that the route table does not know, which it compares: Istio "
        "before 1.15.",
        "The domains of the table, or text numbers in the log (Istio up to 1.7), and the host "
        "without its port is routed.",
        "Publish the gateway on port 80 or 443, or upgrade Istio: no YAML is right everywhere.",
    ),
    CauseKind(
        "trailing_dot_in_host",
        "The host came with a dot at its end, which Istio does not take off.",
        "The host without its last dot is routed by what was given.",
        "Ask without the dot: no host of a VirtualService may end with one.",
    ),
    CauseKind(
        "path_not_matched",
        "The host is routed, and no route of it takes this path.",
        "All routes of the virtual host that takes the host.",
        "Add a match for the path, or a route without a match at the end.",
    ),
    CauseKind(
        "condition_not_met",
        "A route takes the path, and asks for something else too that the request has not, or "
        "that the log does not hold.",
        "The method, query or headers of the record; what a log does not hold is likely only.",
        "Send what the route asks for, or add a route without the condition.",
    ),
    CauseKind(
        "shadowed",
        "Another route, host or object takes the request before the one that was meant.",
        "A virtual host for the exact host hides the wildcard that has the path; an older Gateway "
        "has the TLS host, or another server the port.",
        "List the exact host in both VirtualServices; leave port and TLS host to one Gateway.",
    ),
    CauseKind(
        "subset_unknown",
        "The route names a subset that no DestinationRule of its host defines.",
        "The subsets of the DestinationRules given for the host.",
        "Add the subset to the DestinationRule, or name one that there is.",
    ),
    CauseKind(
        "service_missing",
        "The route names a service or a port that does not exist.",
        "The ports of the Service given, or the clusters of a dump.",
        "Correct host or port of the destination.",
    ),
    CauseKind(
        "no_endpoints",
        "Route and cluster are there, and nothing can answer: no pod is selected, or there is no "
        "address to send to.",
        "A ServiceEntry without resolution; a selector or the labels of a subset that fit none of "
        "the pods given.",
        "Set resolution of the ServiceEntry; correct the selector or the labels.",
    ),
    CauseKind(
        "no_tls_server_for_name",
        "No TLS server of the port accepts the server name of the connection.",
        "The hosts of all TLS servers of the port; or the filter chains of a dump.",
        "Add a TLS server for the name, or the name to one that there is.",
    ),
    CauseKind(
        "credential_missing",
        "The Secret with the certificate of the TLS server that takes the name is not there.",
        "The Secrets given of its namespace, or those that a dump has.",
        "Create the Secret in the namespace of the gateway, or correct credentialName.",
    ),
    CauseKind(
        "tls_name_reused",
        "The connection was opened for another host with the same certificate, whose table does "
        "not know this one.",
        "Server name and authority differ; the host is routed on a connection of its own name.",
        "One server that lists all hosts of the certificate, or a certificate for each host.",
    ),
    CauseKind(
        "direct_by_configuration",
        "The gateway answered as its routes say: a redirect, a fixed response, an injected fault.",
        "The route that takes the request.",
        "Change the route, if the answer is not meant.",
    ),
    CauseKind(
        "refused_by_policy",
        "A policy, a limit or a filter of the gateway answered; routes have no part in it.",
        "Flag and details of the record.",
        "Look at what the details name.",
    ),
    CauseKind(
        "routed_now",
        "The configuration given routes the request: it is younger than the log, or the gateway "
        "has not taken it.",
        "The route that takes the request.",
        "Nothing, if it works now; else compare with what the gateway has: istioctl proxy-status.",
    ),
    CauseKind(
        "not_in_files",
        "What is given can't decide it.",
        "Nothing that was given is about it.",
        "Give what is named.",
    ),
)  # fmt: skip
"""All causes, in the order in which the documentation has them."""

CAUSE_BY_CODE = {kind.code: kind for kind in CAUSE_KINDS}
