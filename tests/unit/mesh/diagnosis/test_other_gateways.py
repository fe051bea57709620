"""Gateways that may be for other pods than those of the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.diagnoses import diagnosis
from tests.intents import gateway, virtual_service

from envoylogs.mesh.diagnosis.refusals import Routed, Seen
from envoylogs.mesh.intent import GatewayFacts

if TYPE_CHECKING:
    from envoylogs.mesh.explanation import Diagnosis

_GIVEN = (
    gateway("edge/gw", "*.example.com", selector="{istio: internal}"),
    virtual_service("shop/web", "shop.example.com"),
)
_FACTS = GatewayFacts(ports=frozenset({8080}), pods=frozenset({"ingress-1"}))


def _pod(name: str, label: str) -> str:
    return f"""
      apiVersion: v1
      kind: Pod
      metadata: {{name: {name}, namespace: edge, labels: {{istio: {label}}}}}
      spec: {{containers: []}}
    """


def _diagnosis(*pods: str, facts: GatewayFacts = _FACTS, seen: Seen | None = None) -> Diagnosis:
    return diagnosis(*_GIVEN, *pods, facts=facts, seen=seen)


def test_a_gateway_whose_pods_are_given_is_likely_to_be_for_them() -> None:
    found = _diagnosis(_pod("internal-gw-1", "internal"))
    assert (found.cause, found.certainty) == ("gateway_selects_other_pods", "likely")
    assert "those of Pod edge/internal-gw-1" in found.says
    assert "ingress-1" in found.says


def test_the_pod_of_the_log_among_the_files_proves_it() -> None:
    found = _diagnosis(_pod("internal-gw-1", "internal"), _pod("ingress-1", "ingress"))
    assert (found.cause, found.certainty) == ("gateway_selects_other_pods", "proved")


def test_a_log_without_pods_may_be_of_those_that_the_gateway_selects() -> None:
    facts = GatewayFacts(ports=frozenset({8080}))
    assert _diagnosis(_pod("internal-gw-1", "internal"), facts=facts).cause == "routed_now"


def test_a_host_of_the_gateway_that_the_log_routed_shows_that_it_is_for_its_pods() -> None:
    seen = Seen(hosts={"old.example.com": Routed(0, 1, None)})
    assert _diagnosis(_pod("internal-gw-1", "internal"), seen=seen).cause == "routed_now"


def test_a_pod_of_the_same_workload_that_was_replaced_is_no_other() -> None:
    facts = GatewayFacts(ports=frozenset({8080}), pods=frozenset({"internal-5d7f8b94c-x2x4z"}))
    assert _diagnosis(_pod("internal-5d7f8b94c-abc12", "internal"), facts=facts).cause == (
        "routed_now"
    )


def test_pods_of_applications_say_nothing_of_a_gateway() -> None:
    assert _diagnosis(_pod("web-1", "web")).cause == "routed_now"
