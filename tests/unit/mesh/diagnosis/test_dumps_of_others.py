"""A dump of another gateway than the log's says nothing of the log's."""

from __future__ import annotations

import pytest
from tests.diagnoses import diagnosis, said
from tests.intents import gateway, virtual_service

from envoylogs.mesh.intent import GatewayFacts

_POD = "istio-ingressgateway-6c5d7f8b94-abc12"


def _dump(pod: str) -> str:
    return f"""
      configs:
      - "@type": type.googleapis.com/envoy.admin.v3.BootstrapConfigDump
        bootstrap:
          node: {{id: "router~10.8.0.9~{pod}.istio-system~istio-system.svc.cluster.local"}}
      - "@type": type.googleapis.com/envoy.admin.v3.RoutesConfigDump
        dynamic_route_configs:
        - route_config:
            name: http.8080
            virtual_hosts:
            - name: admin
              domains: [admin.example.com]
              routes: [{{match: {{prefix: /}}, route: {{cluster: a}}}}]
    """


def _facts(*pods: str) -> GatewayFacts:
    return GatewayFacts(pods=frozenset(pods), ports=frozenset({8080}))


@pytest.mark.parametrize(
    "pod",
    [
        _POD,
        "istio-ingressgateway-7d6b9c4f58-xyz98",  # another revision of the Deployment
        "edge",  # no name of a Deployment's pod: whose it is can't be told
    ],
)
def test_a_dump_of_the_gateway_proves(pod: str) -> None:
    found = diagnosis(_dump(pod), facts=_facts(_POD))
    assert (found.cause, found.certainty) == ("host_not_in_virtualservice", "proved")


def test_a_dump_of_another_gateway_proves_nothing() -> None:
    other = "istio-internalgateway-5d5d7f8b94-zzz12"
    found = diagnosis(_dump(other), facts=_facts(_POD))
    assert (found.cause, found.certainty) == ("not_in_files", "log_only")
    assert f"{other}: is of another gateway than this log" in said(found)


def test_objects_beside_a_dump_of_another_gateway_prove_as_they_do_alone() -> None:
    objects = (gateway("edge/gw", "*.example.com"), virtual_service("shop/o", "o.example.com"))
    other = _dump("istio-internalgateway-5d5d7f8b94-zzz12")
    alone = diagnosis(*objects, facts=_facts(_POD))
    assert diagnosis(*objects, other, facts=_facts(_POD)) == alone


def test_a_log_that_does_not_say_who_wrote_it_is_compared_with_any_dump() -> None:
    found = diagnosis(_dump("istio-internalgateway-5d5d7f8b94-zzz12"), facts=_facts())
    assert (found.cause, found.certainty) == ("host_not_in_virtualservice", "proved")
