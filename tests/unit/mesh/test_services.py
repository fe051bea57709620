"""Whether a cluster exists and has endpoints, each beside its nearest harmless case."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from envoylogs.mesh.configuration import Configuration
from envoylogs.mesh.documents import read_configuration
from envoylogs.mesh.objects import MeshObject, ObjectName
from envoylogs.mesh.services import ClusterState, Services
from envoylogs.mesh.tables import Cluster

_JUDGES = Path(__file__).parents[4] / "shared" / "judges"
_HOST = "api.app.svc.cluster.local"
_PLAIN = f"outbound|80||{_HOST}"
_V2 = f"outbound|80|v2|{_HOST}"


def _object(kind: str, path: str, spec: Any = None, **more: Any) -> MeshObject:
    namespace, name = path.split("/")
    return MeshObject(ObjectName(kind, namespace, name), spec or {}, **more)


def _service(**spec: Any) -> MeshObject:
    return _object("Service", "app/api", {"ports": [{"port": 80, "targetPort": 5000}], **spec})


def _rule(path: str, *subsets: str, host: str = _HOST, **spec: Any) -> MeshObject:
    named = [{"name": subset, "labels": {"version": subset}} for subset in subsets]
    return _object("DestinationRule", path, {"host": host, "subsets": named, **spec})


def _state(
    cluster: str,
    *objects: MeshObject,
    gateway: str | None = "istio-system",
    dumped: tuple[str, ...] | None = None,
) -> ClusterState:
    clusters = None if dumped is None else tuple(map(Cluster, dumped))
    given = Configuration(objects=objects, clusters=clusters)
    return Services(given).cluster_state(cluster, gateway)


def _said(state: ClusterState) -> tuple[str, str | None]:
    return state.status, state.reason


def test_a_service_with_the_port_makes_the_cluster() -> None:
    assert _said(_state(_PLAIN, _service())) == ("exists", None)


def test_the_mark_that_newer_releases_put_behind_a_name_is_no_part_of_it() -> None:
    assert _state(f"{_PLAIN};", _service()).status == "exists"


def test_a_port_that_is_the_targets_is_missing_and_said_to_be_so() -> None:
    state = _state(f"outbound|5000||{_HOST}", _service())

    assert _said(state) == ("missing", "port_not_in_service")
    assert state.says == (
        "Service app/api has no port 5000: that is the targetPort of its port 80."
    )
    assert state.proof[0] == ("Service app/api", "spec.ports", "80", "there is no port 5000")


def test_a_port_that_nobody_declares_is_missing() -> None:
    state = _state(f"outbound|81||{_HOST}", _service())

    assert _said(state) == ("missing", "port_not_in_service")
    assert state.says == "Service app/api has no port 81."


def test_a_port_of_udp_makes_no_cluster() -> None:
    ports = [{"port": 80, "protocol": "UDP"}, {"port": 81, "protocol": "TCP"}]

    assert _state(_PLAIN, _service(ports=ports)).reason == "port_not_in_service"
    assert _state(f"outbound|81||{_HOST}", _service(ports=ports)).status == "exists"


def test_a_service_that_is_not_in_the_files_is_never_missing() -> None:
    other = _object("Service", "app/other", {"ports": [{"port": 80}]})

    assert _said(_state(_PLAIN, other)) == ("unknown", None)


@pytest.mark.parametrize("cluster", [_PLAIN, "custom", "outbound|x||y"])
def test_a_dump_that_lacks_a_cluster_proves_it_missing(cluster: str) -> None:
    state = _state(cluster, dumped=("another",))

    assert _said(state) == ("missing", "service_missing")
    assert _said(_state(cluster, dumped=(cluster,))) == ("exists", None)
    assert _said(_state(cluster)) == ("unknown", None)


def test_a_dump_has_it_whatever_the_objects_say() -> None:
    cluster = f"outbound|81||{_HOST}"

    assert _state(cluster, _service(), dumped=(cluster,)).status == "exists"


def test_objects_say_why_a_dump_lacks_a_cluster() -> None:
    objects = (_service(), _rule("app/api", "v1"))

    assert _state(f"outbound|81||{_HOST}", *objects, dumped=()).reason == "port_not_in_service"
    assert _state(_V2, *objects, dumped=()).reason == "subset_unknown"
    assert _state(_PLAIN, *objects, dumped=()).reason == "service_missing"
    assert _state(_V2, _service(), dumped=()).reason == "service_missing"


def test_a_subset_that_no_rule_defines_is_missing() -> None:
    state = _state(_V2, _service(), _rule("app/api", "v1", "v3"))

    assert _said(state) == ("missing", "subset_unknown")
    assert state.proof[0][:3] == ("DestinationRule app/api", "spec.subsets", "v1, v3")
    assert state.objects == (ObjectName("DestinationRule", "app", "api"),)


@pytest.mark.parametrize(
    ("path", "host"),
    [
        ("app/api", _HOST),
        ("app/api", "api"),
        ("app/api", "*.app.svc.cluster.local"),
        ("istio-system/all", "*.local"),
        ("istio-system/all", "*"),
    ],
)
def test_a_subset_that_a_rule_for_the_host_defines_exists(path: str, host: str) -> None:
    assert _state(_V2, _service(), _rule(path, "v2", host=host)).status == "exists"


@pytest.mark.parametrize(
    "rule",
    [_rule("app/x", "v1", host="other"), _rule("web/x", "v1", host="api"), None],
)
def test_without_a_rule_for_the_host_nothing_is_known_of_a_subset(rule: MeshObject | None) -> None:
    given = () if rule is None else (rule,)

    assert _said(_state(_V2, _service(), *given)) == ("unknown", "subset_unknown")


def test_a_rule_of_a_namespace_that_is_not_asked_decides_nothing() -> None:
    # The root namespace may be another one than usual.
    state = _state(_V2, _service(), _rule("elsewhere/x", "v2"))

    assert _said(state) == ("unknown", "subset_unknown")


def test_a_rule_of_the_gateways_namespace_hides_that_of_the_service() -> None:
    rules = (_rule("edge/all", host="*.local"), _rule("app/api", "v2"))

    state = _state(_V2, _service(), *rules, gateway="edge")

    assert _said(state) == ("missing", "subset_unknown")
    assert state.objects == (ObjectName("DestinationRule", "edge", "all"),)
    assert _state(_V2, _service(), *rules, gateway="other").status == "exists"
    # In the root namespace such a rule is for all, and asked last.
    shared = (_rule("istio-system/all", host="*.local"), _rule("app/api", "v2"))
    assert _state(_V2, _service(), *shared).status == "exists"


def test_the_most_specific_host_hides_the_wildcard() -> None:
    rules = (_rule("app/wide", "v2", host="*.cluster.local"), _rule("app/api", "v1"))

    assert _state(_V2, _service(), *rules).reason == "subset_unknown"
    assert _state(f"outbound|80|v1|{_HOST}", _service(), *rules).status == "exists"


def test_two_rules_for_one_host_are_merged() -> None:
    rules = (_rule("app/one", "v1"), _rule("app/two", "v2"))

    assert _state(_V2, _service(), *rules).status == "exists"


def test_a_private_rule_is_for_its_own_namespace() -> None:
    rule = _rule("app/api", "v2", exportTo=["."])

    assert _state(_V2, _service(), rule, gateway="app").status == "exists"
    assert _state(_V2, _service(), rule, gateway="istio-system").status == "unknown"


def test_a_rule_for_some_workloads_decides_nothing() -> None:
    rule = _rule("app/api", "v2", workloadSelector={"matchLabels": {"a": "b"}})

    assert _state(_V2, _service(), rule, gateway="app").status == "unknown"


@pytest.mark.parametrize(
    ("exported", "status"),
    [([], "exists"), (["*"], "exists"), (["."], "missing"), (["istio-system"], "exists"),
     (["other"], "missing"), (["~"], "missing")],
)  # fmt: skip
def test_what_is_not_exported_is_missing_at_the_gateway(exported: list[str], status: str) -> None:
    entry = _object(
        "ServiceEntry",
        "app/api",
        {
            "hosts": ["a.com"],
            "ports": [{"number": 80}],
            "resolution": "DNS",
            "exportTo": exported,
        },
    )
    annotations = {"networking.istio.io/exportTo": ",".join(exported)}
    service = _object("Service", "app/api", {"ports": [{"port": 80}]}, annotations=annotations)

    for cluster, owner in (("outbound|80||a.com", entry), (_PLAIN, service)):
        assert _state(cluster, owner).status == status
        # In its own namespace "." is enough, and an unknown namespace decides nothing.
        assert _state(cluster, owner, gateway=None).status == "exists"
    if exported == ["."]:
        assert _state("outbound|80||a.com", entry, gateway="app").status == "exists"


def _entry(**spec: Any) -> MeshObject:
    given = {"hosts": ["a.com"], "ports": [{"number": 80, "protocol": "HTTP"}], **spec}
    return _object("ServiceEntry", "app/out", given)


def test_an_entry_without_resolution_has_no_endpoints_at_a_gateway() -> None:
    for spec in ({}, {"resolution": "NONE"}):
        state = _state("outbound|80||a.com", _entry(**spec))

        assert _said(state) == ("no_endpoints", "resolution_none")
        assert state.proof[0][:2] == ("ServiceEntry app/out", "spec.resolution")


@pytest.mark.parametrize(
    "spec",
    [
        {"resolution": "DNS"},
        {"resolution": "STATIC", "endpoints": [{"address": "10.0.0.1"}]},
        {"endpoints": [{"address": "10.0.0.1"}]},
    ],
)
def test_an_entry_that_says_where_it_is_has_endpoints(spec: dict[str, Any]) -> None:
    assert _state("outbound|80||a.com", _entry(**spec)).status == "exists"


def test_an_entry_has_its_own_ports() -> None:
    assert _state("outbound|81||a.com", _entry()).reason == "port_not_in_service"


_SELECTING = _service(selector={"app": "api"})


def _pods(**labels: str) -> MeshObject:
    return _object("Deployment", "app/api", labels=labels)


def test_a_selector_that_fits_no_workload_of_the_namespace_selects_no_pods() -> None:
    state = _state(_PLAIN, _SELECTING, _pods(app="other"))

    assert _said(state) == ("no_endpoints", "selects_no_pods")
    assert state.proof == (
        ("Service app/api", "spec.selector", "app=api", "no workload has these labels"),
    )


@pytest.mark.parametrize(
    "workloads",
    [
        (_pods(app="api", version="v2"),),
        (_pods(app="other"), _object("Pod", "app/x", labels={"app": "api"})),
        (),
        (_object("Deployment", "elsewhere/x", labels={"app": "other"}),),
        (_object("WorkloadEntry", "app/x", {"labels": {"app": "api"}}),),
    ],
)
def test_a_selector_that_fits_or_may_fit_is_no_cause(workloads: tuple[MeshObject, ...]) -> None:
    assert _state(_PLAIN, _SELECTING, *workloads).status == "exists"


def test_a_service_without_a_selector_has_endpoints_of_its_own() -> None:
    assert _state(_PLAIN, _service(), _pods(app="other")).status == "exists"


def test_a_workload_that_is_scaled_to_nothing_has_no_endpoints() -> None:
    stopped = _object("Deployment", "app/api", {"replicas": 0}, labels={"app": "api"})
    old = _object("ReplicaSet", "app/api-1", {"replicas": 0}, labels={"app": "api"})

    state = _state(_PLAIN, _SELECTING, stopped)

    assert _said(state) == ("no_endpoints", "selects_no_pods")
    assert "Deployment app/api is scaled to 0" in state.says
    assert _state(_PLAIN, _SELECTING, _pods(app="api"), old).status == "exists"


def test_labels_of_a_subset_that_fit_no_workload_are_the_cause() -> None:
    rule = _rule("app/api", "v1", "v2")

    state = _state(_V2, _SELECTING, rule, _pods(app="api", version="v1"))

    assert _said(state) == ("no_endpoints", "subset_selects_no_pods")
    assert state.objects[0] == rule.name
    fitting = _state(f"outbound|80|v1|{_HOST}", _SELECTING, rule, _pods(app="api", version="v1"))
    assert fitting.status == "exists"


def test_labels_that_only_pods_get_are_not_looked_for_in_templates() -> None:
    subset = {"name": "v2", "labels": {"pod-template-hash": "abc"}}
    rule = _object("DestinationRule", "app/api", {"host": "api", "subsets": [subset]})

    assert _state(_V2, _SELECTING, rule, _pods(app="api")).status == "exists"


def test_an_external_name_is_another_release_another_cluster() -> None:
    alias = _service(type="ExternalName", externalName="a.com")

    assert _said(_state(_PLAIN, alias)) == ("unknown", None)
    assert _said(_state(_PLAIN, alias, dumped=())) == ("missing", "service_missing")
    assert _said(_state("outbound|80||a.com", alias)) == ("unknown", None)


def test_a_headless_service_is_as_any_other_at_a_gateway() -> None:
    headless = _service(clusterIP="None", selector={"app": "api"})

    assert _state(_PLAIN, headless).status == "exists"
    assert _state(_PLAIN, headless, _pods(app="other")).reason == "selects_no_pods"


def test_another_mesh_domain_makes_other_names() -> None:
    services = Services(Configuration(objects=(_service(),)), "corp.internal")

    state = services.cluster_state("outbound|80||api.app.svc.corp.internal", None)
    assert state.status == "exists"
    assert services.cluster_state(_PLAIN, None).status == "unknown"


def test_an_object_is_found_by_its_name() -> None:
    services = Services(Configuration(objects=(_service(),)))

    assert services.find(_service().name) == _service()
    assert services.find(ObjectName("Service", "app", "none")) is None


@pytest.mark.skipif(not _JUDGES.is_dir(), reason=f"the incidents are missing: no folder {_JUDGES}")
@pytest.mark.parametrize(
    ("incident", "cluster", "expected"),
    [
        ("07-*", "outbound|80||partner.example.net", ("no_endpoints", "resolution_none")),
        ("08-*", f"outbound|5000||{_HOST}", ("missing", "port_not_in_service")),
        ("08-*", "outbound|80||web.app.svc.cluster.local", ("exists", None)),
        ("01-*", "outbound|9080||productpage.shop.svc.cluster.local", ("unknown", None)),
    ],
)
def test_the_incidents_are_seen_through(
    incident: str, cluster: str, expected: tuple[str, str | None]
) -> None:
    given = read_configuration([str(_JUDGES / "incidents" / incident / "config.yaml")])

    assert _said(Services(given).cluster_state(cluster, "istio-system")) == expected
