"""Why a cluster is likely to be missing where the files can't decide it."""

from __future__ import annotations

import pytest
import yaml
from tests.diagnoses import diagnosis, said
from tests.intents import clusters, gateway, intent_of, virtual_service

from envoylogs.mesh.diagnosis.refusals import Routed, Seen

_GATEWAY = gateway("edge/gw", "shop.example.com")


def _service(path: str, port: int = 80) -> str:
    namespace, _, name = path.partition("/")
    return f"""
      apiVersion: v1
      kind: Service
      metadata: {{name: {name}, namespace: {namespace}}}
      spec: {{ports: [{{port: {port}}}], selector: {{app: {name}}}}}
    """


def _sending_to(destination: str) -> str:
    return virtual_service(
        "edge/web", "shop.example.com", http=f"[{{route: [{{destination: {destination}}}]}}]"
    )


@pytest.mark.parametrize(
    ("written", "cluster"),
    [
        ("web", "web.edge.svc.cluster.local"),
        ("web.shop", "web.shop"),
        ("web.stage.svc.cluster.local", "web.stage.svc.cluster.local"),
    ],
)
def test_a_host_that_means_another_namespace_is_written_in_full(written: str, cluster: str) -> None:
    sending = _sending_to(f"{{host: {written}, port: {{number: 80}}}}")
    given = (_GATEWAY, sending, _service("shop/web"))
    assert clusters(intent_of(*given), "shop.example.com") == {f"outbound|80||{cluster}": 1}
    found = diagnosis(*given, outcome="no_cluster", cluster=f"outbound|80||{cluster}")
    assert (found.cause, found.certainty) == ("service_missing", "likely")
    assert "Service shop/web" in found.says
    assert found.change is not None
    destination = yaml.safe_load(found.change.yaml)["destination"]
    assert destination == {"host": "web.shop.svc.cluster.local", "port": {"number": 80}}


def test_a_misspelled_mesh_domain_is_not_called_another_namespace() -> None:
    sending = _sending_to("{host: web.shop.svc.cluster.locl, port: {number: 80}}")
    found = diagnosis(_GATEWAY, sending, _service("shop/web"), outcome="no_cluster",
                      cluster="outbound|80||web.shop.svc.cluster.locl")  # fmt: skip
    assert found.cause == "service_missing"
    assert "names of Services end with cluster.local" in found.says
    assert "another namespace" not in found.says


def test_a_service_of_its_own_namespace_is_not_looked_for_elsewhere() -> None:
    sending = _sending_to("{host: web, port: {number: 80}}")
    given = (_GATEWAY, sending, _service("edge/web"), _service("shop/web"))
    found = diagnosis(
        *given, outcome="no_cluster", cluster="outbound|80||web.edge.svc.cluster.local"
    )
    assert found.cause == "routed_now"


def test_a_service_of_another_name_is_not_what_was_meant() -> None:
    sending = _sending_to("{host: web, port: {number: 80}}")
    found = diagnosis(_GATEWAY, sending, _service("shop/api"), outcome="no_cluster",
                      cluster="outbound|80||web.edge.svc.cluster.local")  # fmt: skip
    assert found.cause == "not_in_files"
    assert [each.cause for each in found.candidates] == ["service_missing"]


def test_a_subset_without_any_rule_is_likely_to_be_what_is_missing() -> None:
    sending = _sending_to("{host: web, subset: v2, port: {number: 80}}")
    cluster = "outbound|80|v2|web.edge.svc.cluster.local"
    found = diagnosis(
        _GATEWAY, sending, _service("edge/web"), outcome="no_cluster", cluster=cluster
    )
    assert (found.cause, found.certainty) == ("subset_unknown", "likely")
    assert found.change is not None
    created = found.change.yaml
    assert yaml.safe_load(created)["kind"] == "DestinationRule"
    after = diagnosis(_GATEWAY, sending, _service("edge/web"), created, outcome="no_cluster",
                      cluster=cluster)  # fmt: skip
    assert after.cause == "routed_now"


def test_a_subset_of_a_service_without_the_port_lacks_the_port_first() -> None:
    sending = _sending_to("{host: web, subset: v2, port: {number: 80}}")
    cluster = "outbound|80|v2|web.edge.svc.cluster.local"
    found = diagnosis(
        _GATEWAY, sending, _service("edge/web", 8000), outcome="no_cluster", cluster=cluster
    )
    assert (found.cause, found.certainty) == ("service_missing", "proved")


@pytest.mark.parametrize(
    ("cluster", "causes"),
    [
        ("outbound|80||web.edge.svc.cluster.local", ["service_missing"]),
        ("outbound|80|v2|web.edge.svc.cluster.local", ["subset_unknown", "service_missing"]),
        (None, ["subset_unknown", "service_missing"]),
    ],
)
def test_by_the_log_alone_only_a_cluster_with_a_subset_may_lack_it(
    cluster: str | None, causes: list[str]
) -> None:
    found = diagnosis(_service("shop/api"), outcome="no_cluster", cluster=cluster)
    assert [each.cause for each in found.candidates] == causes


def test_a_host_was_routed_until_then_only_if_that_was_before() -> None:
    seen = Seen(hosts={"shop.example.com": Routed(0, 10, "1970-01-01T00:00:00Z")})
    before = diagnosis(
        _service("shop/api"), seen=seen, outcome="no_cluster", first_us=20, last_us=30
    )
    assert "was routed in this log until 1970-01-01T00:00:00Z" in said(before)
    itself = diagnosis(
        _service("shop/api"), seen=seen, outcome="no_cluster", first_us=10, last_us=10
    )
    assert "was routed" not in said(itself)
    between = diagnosis(_service("shop/api"), seen=seen, first_us=5, last_us=7)
    assert "was routed in this log" in said(between)
    assert "until" not in said(between)
