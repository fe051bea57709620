"""Objects of Kubernetes, Istio and the Gateway API, in right and wrong shapes."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from envoylogs.mesh.configuration import Configuration
from envoylogs.mesh.documents import read_configuration
from envoylogs.mesh.objects import ObjectName


def _read(text: str) -> Configuration:
    return read_configuration(["-"], io.BytesIO(text.encode()))


def _object(kind: str, version: str, spec: Any = None, **metadata: Any) -> dict[str, Any]:
    given = {"kind": kind, "apiVersion": version, "metadata": {"name": "a"} | metadata}
    return given if spec is None else {**given, "spec": spec}


def _virtual_service(spec: Any, **metadata: Any) -> dict[str, Any]:
    return _object("VirtualService", "networking.istio.io/v1", spec, **metadata)


_VIRTUAL_SERVICE = """\
apiVersion: networking.istio.io/v1beta1
kind: VirtualService
metadata:
  name: books
  creationTimestamp: 2024-01-02T03:04:05Z
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: "{}"
    networking.istio.io/exportTo: "."
  managedFields:
  - manager: helm
    time: "2024-01-02T03:04:05Z"
  - manager: kubectl-edit
    time: "2024-03-02T03:04:05Z"
    fieldsV1: {"f:spec": {}}
  - manager: pilot-discovery
    subresource: status
    time: "2025-01-01T00:00:00Z"
spec:
  hosts: [books.com]
"""


def test_an_object_has_its_name_its_spec_and_who_changed_it() -> None:
    (found,) = _read(_VIRTUAL_SERVICE).objects

    assert found.name == ObjectName("VirtualService", "default", "books", "networking.istio.io")
    assert found.spec == {"hosts": ["books.com"]}
    assert found.created_at == "2024-01-02T03:04:05Z"
    assert (found.changed_by, found.changed_at) == ("kubectl-edit", "2024-03-02T03:04:05Z")
    assert found.annotations == {"networking.istio.io/exportTo": "."}
    assert (found.source, found.order) == ("<stdin>", 0)


@pytest.mark.parametrize("version", ["v1alpha3", "v1beta1", "v1"])
def test_all_versions_of_an_api_are_one_group(version: str) -> None:
    given = _object("Gateway", f"networking.istio.io/{version}", {"servers": [{}]})

    assert _read(json.dumps(given)).objects[0].name.group == "networking.istio.io"


def test_gateways_of_both_apis_are_told_apart() -> None:
    istio = _object("Gateway", "networking.istio.io/v1", {"servers": [{}]})
    standard = _object("Gateway", "gateway.networking.k8s.io/v1", {"listeners": [{}]})

    groups = [each.name.group for each in _read(json.dumps([istio, standard])).objects]

    assert groups == ["networking.istio.io", "gateway.networking.k8s.io"]


def test_items_of_lists_are_objects_in_json_and_yaml() -> None:
    items = [_virtual_service({"hosts": ["a"]}), _object("Service", "v1")]
    as_json = json.dumps({"kind": "List", "apiVersion": "v1", "items": items})

    for text in (as_json, f"# a comment\n{as_json}"):
        assert [each.kind for each in _read(text).objects] == ["VirtualService", "Service"]


@pytest.mark.parametrize("kind_comes_last", [False, True])
@pytest.mark.parametrize("as_yaml", [False, True])
def test_items_of_a_typed_list_have_the_kind_of_the_list(
    *, kind_comes_last: bool, as_yaml: bool
) -> None:
    head = {"kind": "ServiceList", "apiVersion": "v1"}
    items = {"items": [{"metadata": {"name": "a", "namespace": "n"}}]}
    text = json.dumps(items | head if kind_comes_last else head | items)

    (found,) = _read(f"# yaml\n{text}" if as_yaml else text).objects

    assert found.name == ObjectName("Service", "n", "a")


def test_documents_follow_each_other_in_yaml_and_json() -> None:
    one, two = json.dumps(_object("Service", "v1")), json.dumps(_object("Pod", "v1"), indent=2)

    for text in (f"{one}\n{two}\n", f"---\n{one}\n---\n# nothing\n---\n{two}\n"):
        configuration = _read(text)
        assert [each.kind for each in configuration.objects] == ["Service", "Pod"]
        assert [each.order for each in configuration.objects] == [0, 1]
        assert configuration.documents == 2


def test_kinds_that_are_not_asked_are_counted() -> None:
    given = [_object("ConfigMap", "v1"), _object("Ingress", "networking.k8s.io/v1")]

    configuration = _read(json.dumps([*given, given[0]]))

    assert configuration.skipped == {"ConfigMap (core)": 2, "Ingress (networking.k8s.io)": 1}
    assert (configuration.objects, configuration.documents) == ((), 0)


def test_a_workload_has_the_labels_of_its_pods() -> None:
    template = {
        "metadata": {"labels": {"app": "a"}},
        "spec": {"containers": [{"name": "c", "ports": [{"containerPort": 80}], "env": ["x"]}]},
    }
    given = _object("Deployment", "apps/v1", {"replicas": 2, "template": template})

    (found,) = _read(json.dumps(given)).objects

    assert found.labels == {"app": "a"}
    assert found.spec == {
        "replicas": 2,
        "containers": [{"name": "c", "ports": [{"containerPort": 80}]}],
    }


def test_a_cluster_wide_kind_has_no_namespace() -> None:
    (found,) = _read(json.dumps(_object("Namespace", "v1", labels={"a": "b"}))).objects

    assert str(found.name) == "Namespace a"
    assert found.labels == {"a": "b"}


@pytest.mark.parametrize(
    ("given", "said", "kept"),
    [
        (_virtual_service(["hosts"]), "spec is a list where an object belongs", {}),
        (
            _virtual_service({"hosts": "a.com"}),
            "spec.hosts is a text where a list belongs",
            {"hosts": ["a.com"]},
        ),
        (
            _virtual_service({"hosts": ["a", {}, 7]}),
            "spec.hosts[1] is an object where a text belongs",
            {"hosts": ["a", "7"]},
        ),
        (
            _object("Gateway", "networking.istio.io/v1", {"servers": []}),
            "it has no spec.servers",
            {"servers": []},
        ),
        (
            _virtual_service({"hosts": ["a"], "http": [{"route": [{"weight": "9"}]}]}),
            "spec.http[0].route[0].weight is a text where a whole number belongs",
            {"hosts": ["a"], "http": [{"route": [{"weight": 9}]}]},
        ),
        (
            _virtual_service({"hosts": ["a"], "http": [None, {"match": 3}]}),
            "spec.http[0] is empty where an object belongs",
            {"hosts": ["a"], "http": [{}]},
        ),
        (
            _object("Service", "v1", {"selector": {"a": True}}),
            "spec.selector is true or false where a text belongs",
            {"selector": {"a": "true"}},
        ),
    ],
)
def test_a_wrong_shape_is_said_and_what_is_usable_is_kept(
    given: dict[str, Any], said: str, kept: dict[str, Any]
) -> None:
    configuration = _read(json.dumps(given))

    assert configuration.objects[0].spec == kept
    assert any(said in warning for warning in configuration.warnings)
    assert all("default/a" in warning for warning in configuration.warnings)


def test_a_virtual_service_without_hosts_may_be_a_delegate() -> None:
    assert _read(json.dumps(_virtual_service({"http": []}))).warnings == ()


def test_labels_that_are_numbers_are_texts_with_a_warning() -> None:
    configuration = _read(json.dumps(_object("Pod", "v1", labels={"version": 2})))

    assert configuration.objects[0].labels == {"version": "2"}
    assert "labels is a number where a text belongs" in configuration.warnings[0]


def test_an_object_without_a_name_is_passed_over_with_its_line() -> None:
    configuration = _read("apiVersion: v1\nkind: Pod\n---\napiVersion: v1\nkind: Pod\n")

    assert configuration.objects == ()
    assert configuration.warnings[0].startswith("<stdin>:1: a Pod has no metadata.name")
    assert configuration.warnings[1].startswith("<stdin>:4: ")


def test_an_object_without_a_name_in_json_has_its_place_in_the_list() -> None:
    nameless = {"kind": "Pod", "apiVersion": "v1"}

    for given in ([_object("Pod", "v1"), nameless], {"items": [_object("Pod", "v1"), nameless]}):
        assert _read(json.dumps(given)).warnings == (
            "<stdin>, entry 2: a Pod has no metadata.name, and was passed over.",
        )


@pytest.mark.parametrize(
    ("annotation", "kept"),
    [
        ("networking.istio.io/exportTo", True),
        ("gateway.networking.k8s.io/x", True),
        ("proxy.istio.io/config", False),
        ("kubectl.kubernetes.io/last-applied-configuration", False),
        ("my-istio.io/x", False),
        ("note", False),
    ],
)
def test_annotations_are_kept_that_routing_asks(annotation: str, *, kept: bool) -> None:
    given = _object("Service", "v1", annotations={annotation: "v"})

    assert _read(json.dumps(given)).objects[0].annotations == ({annotation: "v"} if kept else {})


def test_null_is_the_same_as_not_there() -> None:
    configuration = _read(json.dumps(_virtual_service({"hosts": ["a"], "gateways": None})))

    assert configuration.objects[0].spec == {"hosts": ["a"]}
    assert configuration.warnings == ()


def test_of_objects_of_one_name_the_last_counts_and_a_difference_is_said() -> None:
    one, other = (_virtual_service({"hosts": [host]}) for host in ("a.com", "b.com"))
    between = _object("Pod", "v1")

    same = _read(json.dumps([one, between, one]))
    different = _read(json.dumps([one, between, other]))

    assert (len(same.objects), same.documents, same.warnings) == (2, 3, ())
    assert [(each.kind, each.order) for each in different.objects] == [
        ("Pod", 1),
        ("VirtualService", 2),
    ]
    assert different.objects[1].spec == {"hosts": ["b.com"]}
    assert "VirtualService default/a was given before with another spec" in different.warnings[0]


def test_a_workload_whose_containers_stand_at_the_wrong_place_has_none() -> None:
    given = _object("Deployment", "apps/v1", {"containers": 3, "env": ["x"]})

    assert _read(json.dumps(given)).objects[0].spec == {}


def test_only_comments_are_no_error_and_said_once() -> None:
    configuration = _read("# nothing here\n---\n# nor here\n")

    assert configuration.documents == 0
    assert len(configuration.warnings) == 1
    assert "Nothing was read" in configuration.warnings[0]


@pytest.mark.parametrize("name", ["a\u001b[2J", "a\nb", "x" * 1000])
def test_a_name_that_could_not_be_shown_is_none(name: str) -> None:
    text = json.dumps(_object("Pod", "v1", name=name))
    kind = json.dumps(_object(name, "v1"))

    assert "has no metadata.name" in _read(text).warnings[0]
    assert _read(kind).skipped == {"no kind (core)": 1}


def test_of_a_policy_it_is_known_whom_it_is_for_and_when_it_was_changed() -> None:
    spec = {
        "selector": {"matchLabels": {"istio": "ingressgateway"}},
        "action": "DENY",
        "rules": [{"from": [{"source": {"ipBlocks": ["192.0.2.1/32"]}}]}],
    }
    changes = [{"manager": "argocd-controller", "time": "2026-05-11T09:14:02Z"}]
    policy = _object("AuthorizationPolicy", "security.istio.io/v1", spec, managedFields=changes)

    given = _read(json.dumps(policy))

    (found,) = given.objects
    assert found.spec == {"selector": spec["selector"]}
    assert (found.changed_by, found.changed_at) == ("argocd-controller", "2026-05-11T09:14:02Z")
    assert given.warnings == ()
