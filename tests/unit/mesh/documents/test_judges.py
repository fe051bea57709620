"""Files that others wrote are read without a crash, and to the last document.

They are other people's data and therefore not a part of the repository.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from envoylogs.mesh.documents import read_configuration
from envoylogs.mesh.errors import NotConfigurationError
from envoylogs.mesh.objects import ObjectName
from envoylogs.mesh.tables import Action

_SHARED = Path(__file__).parents[5] / "shared"
_JUDGES = _SHARED / "judges"
_ARTICLE = _SHARED / "domain" / "article"

pytestmark = pytest.mark.skipif(
    not _JUDGES.is_dir() or not _ARTICLE.is_dir(),
    reason=f"the files of others are missing: no folder {_JUDGES} or {_ARTICLE}",
)


def test_the_examples_of_envoy_are_tables() -> None:
    files = sorted(_JUDGES.glob("router_check/**/[A-Z]*.yaml"))
    files = [each for each in files if "golden" not in each.name]

    tables = read_configuration([str(each) for each in files]).tables

    assert len(tables) == len(files) == 13
    routes = [route for table in tables for host in table.virtual_hosts for route in host.routes]
    assert not [route for route in routes if route.action.kind == "unknown"]
    assert [
        route.match.conditions for route in routes if "runtime" in " ".join(route.match.conditions)
    ]


def test_the_old_spelling_makes_the_same_table_as_the_new_one() -> None:
    folder = _JUDGES / "router_check"
    new, old = (
        read_configuration([str(folder / name)]).tables[0].virtual_hosts
        for name in ("TestRoutes.yaml", "older-spelling/TestRoutes.yaml")
    )

    assert [host.domains for host in old] == [host.domains for host in new]
    shared = min(len(old), len(new))
    assert [[r.match for r in host.routes] for host in old[:3]] == [
        [r.match for r in host.routes] for host in new[:3]
    ]
    assert shared >= 3


def test_the_files_of_istios_analyzer_are_objects() -> None:
    found = read_configuration([str(_JUDGES / "istio_analyze")])

    # The files use some names several times.
    assert found.documents == 99
    assert Counter(each.kind for each in found.objects) == {
        "Gateway": 25,
        "VirtualService": 38,
        "DestinationRule": 4,
        "Pod": 2,
        "Secret": 9,
        "Service": 3,
    }
    assert found.credentials is not None
    assert len(found.credentials) == 9


def test_the_incidents_are_objects_and_a_dump() -> None:
    found = read_configuration([str(_JUDGES / "incidents")])

    assert (found.documents, found.dumps) == (27, 1)
    assert Counter(each.kind for each in found.objects) == {
        "Gateway": 7,
        "VirtualService": 10,
        "HTTPRoute": 2,
        "Service": 4,
        "ServiceEntry": 1,
    }


def test_each_incident_is_read_without_a_warning() -> None:
    for folder in sorted(_JUDGES.glob("incidents/*/")):
        assert read_configuration([str(folder)]).warnings == ()


def test_the_article_is_read_and_its_logs_are_passed_over() -> None:
    found = read_configuration([str(_ARTICLE)])
    of_logs = [warning for warning in found.warnings if "is an access log" in warning]
    others = [warning for warning in found.warnings if warning not in of_logs]

    assert Counter(each.kind for each in found.objects) == {"Gateway": 1, "VirtualService": 1}
    assert [table.name for table in found.tables] == ["http.80", "http.80", ""]
    assert len(of_logs) == 2
    assert len(others) == 1
    assert "virtual-service was given before with another spec" in others[0]


def test_the_route_of_the_article_names_its_virtual_service() -> None:
    table, stats = read_configuration([str(_ARTICLE / "routes-httpbin.json")]).tables
    (host,) = table.virtual_hosts

    assert host.domains == ("httpbin.local", "httpbin.local:80")
    assert host.routes[0].origin == ObjectName(
        "VirtualService", "default", "httpbin-virtual-service", "networking.istio.io"
    )
    assert host.routes[0].action == Action(
        "cluster", clusters=(("outbound|80|v2|httpbin-service.default.svc.cluster.local", 1),)
    )
    assert stats.virtual_hosts[0].routes[0].match.path == "/stats/prometheus"


def test_the_table_of_listeners_of_the_article_is_refused() -> None:
    with pytest.raises(NotConfigurationError, match="istioctl proxy-config listener"):
        read_configuration([str(_ARTICLE / "listeners.txt")])
