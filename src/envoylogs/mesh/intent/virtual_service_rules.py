"""The rules of a VirtualService, read from its spec.

As ``ResolveVirtualServiceShortnames`` in ``pilot/pkg/model/virtualservice.go`` and
``TranslateRoute`` in ``pilot/pkg/networking/core/route/route.go`` of Istio take them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.mesh.intent.hosts import expanded, gateway_key
from envoylogs.mesh.intent.rules import (
    MESH,
    ConnectionMatch,
    ConnectionRule,
    Destination,
    Match,
    Rule,
)
from envoylogs.mesh.tables import Action, StringMatch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envoylogs.mesh.intent.specs import Spec
    from envoylogs.mesh.tables import StringKind

_KINDS: tuple[StringKind, ...] = ("exact", "prefix", "regex")
_NOTHING: Mapping[str, StringMatch] = {}
"""Shared, as most rules ask for no headers and there may be very many of them."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


def http_rules(spec: Spec, domain: str) -> tuple[Rule, ...]:
    """Return the rules of ``http``, with full names of hosts and gateways."""
    return tuple(_rule(number, each, domain) for number, each in enumerate(spec.parts("http")))


def connection_rules(spec: Spec, key: str, domain: str) -> tuple[ConnectionRule, ...]:
    """Return the rules of ``tls`` or ``tcp``."""
    namespace = spec.owner.namespace
    return tuple(
        ConnectionRule(
            matches=tuple(
                ConnectionMatch(
                    server_names=match.texts("sniHosts"),
                    port=match.number("port"),
                    gateways=_gateways(match),
                )
                for match in rule.parts("match")
            ),
            destinations=_destinations(rule, namespace, domain),
        )
        for rule in spec.parts(key)
    )


def _rule(number: int, spec: Spec, domain: str) -> Rule:
    namespace = spec.owner.namespace
    delegate = spec.part("delegate")
    return Rule(
        number=number,
        name=spec.text("name"),
        matches=tuple(_match(each, spec_of_match) for each, spec_of_match in _numbered(spec)),
        destinations=_destinations(spec, namespace, domain),
        answer=_answer(spec),
        fault=_fault(spec),
        delegate=f"{delegate.text('namespace') or namespace}/{delegate.text('name')}"
        if delegate
        else None,
    )


def _numbered(spec: Spec) -> list[tuple[int, Spec]]:
    return list(enumerate(spec.parts("match")))


def _match(number: int, spec: Spec) -> Match:
    return Match(
        number=number,
        name=spec.text("name"),
        uri=_string(spec, "uri"),
        ignore_case=spec.flag("ignoreUriCase"),
        method=_string(spec, "method"),
        authority=_string(spec, "authority"),
        scheme=_string(spec, "scheme"),
        headers=_strings(spec, "headers"),
        without_headers=_strings(spec, "withoutHeaders"),
        query=_strings(spec, "queryParams"),
        port=spec.number("port") or None,
        gateways=_gateways(spec),
        source_labels=spec.labels("sourceLabels"),
        source_namespace=spec.text("sourceNamespace"),
    )


def _gateways(spec: Spec) -> tuple[str, ...]:
    namespace = spec.owner.namespace
    return tuple(
        each if each == MESH else gateway_key(each, namespace) for each in spec.texts("gateways")
    )


def _strings(spec: Spec, key: str) -> Mapping[str, StringMatch]:
    part = spec.part(key) if key in spec.fields else None
    if part is None:
        return _NOTHING
    names = {str(name): name for name in part.fields}
    # A name without a value asks only that it is there, as an empty one does.
    return {name: _string(part, raw) or StringMatch("present") for name, raw in names.items()}


def _string(spec: Spec, key: str) -> StringMatch | None:
    part = spec.part(key) if key in spec.fields else None
    if part is None:
        return None
    for kind in _KINDS:
        if kind in part.fields:
            value = part.text(kind)
            # Istio reads this as "is there": by itself it is no regular expression.
            is_presence = kind == "regex" and value == "*"
            return StringMatch("present") if is_presence else StringMatch(kind, value)
    return StringMatch("present")


def _destinations(spec: Spec, namespace: str, domain: str) -> tuple[Destination, ...]:
    found = []
    for each in spec.parts("route"):
        destination = each.part("destination")
        if destination is None:
            continue
        port = destination.part("port")
        found.append(
            Destination(
                host=expanded(destination.text("host"), namespace, domain),
                subset=destination.text("subset"),
                port=port.number("number") if port else None,
                weight=each.number("weight") or 0,
            )
        )
    return tuple(found)


def _answer(spec: Spec) -> Action | None:
    redirect = spec.part("redirect")
    if redirect is not None:
        status = redirect.number("redirectCode") or 301
        if status not in _REDIRECTS:
            redirect.note("redirect_code", "redirectCode", "Istio makes no route of this code.")
            return Action("unknown")
        scheme, authority = redirect.text("scheme"), redirect.text("authority")
        path = redirect.text("prefixRewrite") or redirect.text("uri")
        location = (f"{scheme}://" if scheme else "") + authority + path
        return Action("redirect", status=status, location=location)
    direct = spec.part("directResponse")
    if direct is not None:
        return Action("direct_response", status=direct.number("status"))
    return None


def _fault(spec: Spec) -> str | None:
    fault = spec.part("fault")
    if fault is None:
        return None
    said = []
    delay, abort = fault.part("delay"), fault.part("abort")
    if delay is not None and delay.has("fixedDelay"):
        # Only of delays did the old field "percent" hold, and without any nothing is delayed.
        share = _percentage(delay) or float(delay.number("percent") or 0)
        if share:
            said.append(f"delay {delay.text('fixedDelay')} for {share:g} %")
    if abort is not None:
        share = _percentage(abort)
        if share:
            what = str(abort.number("httpStatus") or f"gRPC {abort.text('grpcStatus')}")
            said.append(f"abort {what} for {share:g} %")
    return ", ".join(said) or None


def _percentage(spec: Spec) -> float:
    part = spec.part("percentage")
    value = part.fields.get("value") if part else None
    return float(value) if isinstance(value, int | float) else 0.0
