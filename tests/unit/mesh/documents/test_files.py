"""Which files are read, and what is said of those that are no configuration."""

from __future__ import annotations

import gzip
import io
from typing import TYPE_CHECKING

import pytest

from envoylogs.errors import EnvoylogsError, IncompleteSourceError, SourceError
from envoylogs.mesh.documents import read_configuration
from envoylogs.mesh.errors import MeshFileError, NotConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

_SERVICE = "apiVersion: v1\nkind: Service\nmetadata:\n  name: {}\n"


def _names(*given: Path | str) -> list[str]:
    return [each.name.name for each in read_configuration([str(each) for each in given]).objects]


def test_a_folder_is_read_to_its_depth_by_the_names_of_files(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "b.yml").write_text(_SERVICE.format("b"))
    (tmp_path / "a.yaml").write_text(_SERVICE.format("a"))
    (tmp_path / "sub" / "c.json.gz").write_bytes(
        gzip.compress(b'{"kind":"Service","apiVersion":"v1","metadata":{"name":"c"}}')
    )
    (tmp_path / "README.md").write_text("text")

    assert _names(tmp_path) == ["a", "b", "c"]
    assert read_configuration([str(tmp_path)]).warnings == ()


def test_a_file_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(_SERVICE.format("a"))

    assert _names(path, tmp_path, tmp_path / "*.yaml") == ["a"]


def test_standard_input_is_read_as_given(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(_SERVICE.format("a"))
    stdin = io.BytesIO(gzip.compress(_SERVICE.format("b").encode()))

    found = read_configuration([str(path), "-"], stdin).objects

    assert [(each.name.name, each.source) for each in found] == [("a", str(path)), ("b", "<stdin>")]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
@pytest.mark.parametrize(
    "text",
    [_SERVICE.format("ä"), '{"kind":"Service","apiVersion":"v1","metadata":{"name":"ä"}}'],
)
def test_other_encodings_are_read(tmp_path: Path, encoding: str, text: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(text.encode(encoding))

    assert _names(path) == ["ä"]


def test_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    for missing in (tmp_path / "none.yaml", tmp_path / "*.json", tmp_path):
        with pytest.raises(SourceError):
            read_configuration([str(missing)])


def test_a_folder_without_configuration_says_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")

    with pytest.raises(SourceError, match=r"holds no \*\.yaml"):
        read_configuration([str(tmp_path)])


def test_an_archive_that_ends_early_is_an_error_and_in_a_folder_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml.gz"
    path.write_bytes(gzip.compress(_SERVICE.format("a").encode())[:-12])

    with pytest.raises(IncompleteSourceError):
        read_configuration([str(path)])
    assert "truncated_gzip" in read_configuration([str(tmp_path)]).warnings[0]


_LISTENERS = "ADDRESS     PORT      TYPE\n0.0.0.0     80        HTTP\n"
_NEW_LISTENERS = "ADDRESSES PORT  MATCH DESTINATION\n0.0.0.0   8080  ALL   Route: http.8080\n"
_ROUTES = "NAME          VHOST NAME     DOMAINS   MATCH   VIRTUAL SERVICE\nhttp.80 a b /* c\n"
_OLD_ROUTES = (
    "NOTE: This output only contains routes loaded via RDS.\n"
    "NAME        DOMAINS     MATCH     VIRTUAL SERVICE\nhttp.80     *           /*        404\n"
)
_CLUSTERS = "SERVICE FQDN    PORT   SUBSET   DIRECTION   TYPE   DESTINATION RULE\nagent - - -\n"
_ENDPOINTS = "ENDPOINT         STATUS   OUTLIER CHECK   CLUSTER\n10.0.0.1:80 HEALTHY OK c\n"
_KUBECTL = 'NAMESPACE   NAME    GATEWAYS   HOSTS   AGE\nshop  books  ["gw"]  ["a"]  3d\n'
_PODS = "NAME    READY   STATUS    RESTARTS      AGE\na-1     2/2     Running   0             3d\n"
_RECORD = (
    '{"authority":"a","method":"GET","response_code":404,"response_flags":"NR",'
    '"start_time":"2024-01-01T00:00:00Z","upstream_cluster":null}\n'
)
_TEXT_RECORD = '[2024-01-01T00:00:00.000Z] "GET / HTTP/1.1" 404 NR - - "-" 0 0 0 - "-"\n'


@pytest.mark.parametrize(
    ("text", "what", "command"),
    [
        (_LISTENERS, "a table of listeners", "istioctl proxy-config listener POD"),
        (_NEW_LISTENERS, "a table of listeners", "istioctl proxy-config listener POD"),
        (_ROUTES, "a table of routes", "istioctl proxy-config route POD"),
        (_OLD_ROUTES, "a table of routes", "istioctl proxy-config route POD"),
        (_CLUSTERS, "a table of clusters", "istioctl proxy-config cluster POD"),
        (_ENDPOINTS, "a table of endpoints", "istioctl proxy-config all POD"),
        (_KUBECTL, "a table of kubectl", "kubectl get"),
        (_PODS, "a table of kubectl", "kubectl get"),
        (_RECORD, "an access log", "istioctl proxy-config all"),
        (_RECORD * 3, "an access log", "istioctl proxy-config all"),
        (f"[{_RECORD}]", "an access log", "istioctl proxy-config all"),
        (_TEXT_RECORD, "an access log", "istioctl proxy-config all"),
        ("<!DOCTYPE html>\n<html></html>", "a page in HTML", "kubectl get"),
        ("", "an empty file", "kubectl get"),
        (" \n\n", "an empty file", "kubectl get"),
        ("hello world", "no configuration", "kubectl get"),
        ('{"a": 1}', "no configuration", "kubectl get"),
        ("[1, 2]", "no configuration", "kubectl get"),
        ("ELF\0\0\1\2\3\4" * 9, "no text", "kubectl get"),
    ],
)
def test_what_is_no_configuration_is_answered_with_what_to_give(
    tmp_path: Path, text: str, what: str, command: str
) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)

    with pytest.raises(NotConfigurationError) as caught:
        read_configuration([str(path)])

    assert str(caught.value).startswith(f"{path}: is {what}")
    assert command in str(caught.value)


def test_in_a_folder_what_is_no_configuration_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(_SERVICE.format("a"))
    (tmp_path / "b.json").write_text(_RECORD)
    (tmp_path / "c.yaml").write_text("a: [")
    (tmp_path / "d.yaml").write_text("")

    found = read_configuration([str(tmp_path)])

    assert len(found.objects) == 1
    assert [warning.partition(": ")[0] for warning in found.warnings] == [
        str(tmp_path / "b.json"),
        f"{tmp_path / 'c.yaml'}:2:1",
    ]
    assert all(warning.endswith("It was passed over.") for warning in found.warnings)
    assert found.unread == (str(tmp_path / "c.yaml"),)


def test_what_stands_before_a_fault_is_kept_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(f"{_SERVICE.format('a')}---\na: [")

    found = read_configuration([str(tmp_path)])

    assert [each.name.name for each in found.objects] == ["a"]
    assert found.unread == (str(tmp_path / "a.yaml"),)
    assert found.warnings[0].endswith("What comes before was read.")


def test_an_object_that_names_hosts_in_upper_case_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("# NAME   READY\n" + _SERVICE.format("a"))

    assert _names(path) == ["a"]


def test_json_with_a_comma_too_many_is_read_with_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"kind": "Service",\n "apiVersion": "v1",\n "metadata": {"name": "a",},}')

    found = read_configuration([str(path)])

    assert [each.name.name for each in found.objects] == ["a"]
    assert found.warnings[0].startswith(f"{path}:3: is no valid JSON: trailing comma")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"kind": "Service",\n "metadata": {]}', 2),
        ('[{"name": "a"},\n\n\n {"name" "b"}]', 4),
        ('{"kind": "Service"', 1),
    ],
)
def test_broken_json_names_the_line(tmp_path: Path, text: str, line: int) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)

    with pytest.raises(MeshFileError, match="is no valid JSON") as caught:
        read_configuration([str(path)])

    assert str(caught.value).startswith(f"{path}:{line}: ")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        '{"a":' * 200_000 + "1" + "}" * 200_000,
        "[" * 900 + "]" * 900,
        '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"\\ud800"}}',
        '{"kind":"Pod","apiVersion":"v1","metadata":{"name":' + "9" * 5000 + "}}",
        '{"kind":"Pod","apiVersion":"v1","metadata":' + '{"a":' * 1500 + "1" + "}" * 1502,
        '[{"name":"a","virtualHosts":[' + '{"a":' * 1500 + "1" + "}" * 1500 + "]}]",
    ],
)
def test_hostile_json_is_an_error_or_a_warning(text: str) -> None:
    try:
        said = read_configuration(["-"], io.BytesIO(text.encode())).warnings
    except EnvoylogsError as error:
        said = (str(error),)

    assert said


def test_bytes_that_are_no_text_in_json_are_passed_over_with_a_warning() -> None:
    data = (
        b'{"kind":"PodList","apiVersion":"v1","items":['
        b'{"metadata":{"name":"\xff"}},{"metadata":{"name":"b"}}]}'
    )

    found = read_configuration(["-"], io.BytesIO(data))

    assert [each.name.name for each in found.objects] == ["b"]
    assert "can't be decoded" in found.warnings[0]
