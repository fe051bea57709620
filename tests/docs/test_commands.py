"""Every command that the documents and the help give runs, on a log as they mean it."""

from __future__ import annotations

import gzip
import json
import re
import shlex
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from tests.dask_cluster import Cluster, running_cluster
from tests.handmade import served, text_of, unrouted
from tests.object_store import Store, running_store
from typer.testing import CliRunner

from envoylogs.cli.app import _with_command, app_of
from envoylogs.sources.remote.urls import is_url

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT = Path(__file__).parents[2]
_PAGES = sorted([_ROOT / "README.md", *(_ROOT / "docs").rglob("*.md")])
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_CALL = re.compile(r"^(?:\$ |\*/5 \* \* \* \* root )?((?:[^|'\"]*\| )?envoylogs\b.*)$")
_SHELLS = ("", "sh", "bash", "console", "text")

# Where the documents have places of a real machine.
_PLACES = {
    "/var/log/gateway/": "logs/",
    "/var/lib/envoylogs/": "",
    "/var/lib/prometheus/node-exporter/": "",
    # Stores that do not speak S3.
    "gs://bucket/": "s3://bucket/",
    "https://host/": "s3://bucket/",
}


class _Command(NamedTuple):
    page: str
    words: list[str]
    is_piped: bool


def _commands() -> Iterator[_Command]:
    for page in _PAGES:
        for language, block in _BLOCK.findall(page.read_text(encoding="utf-8")):
            if language not in _SHELLS:
                continue
            for line in re.sub(r"\\\n\s*", "", block).splitlines():
                found = _CALL.match(line.strip())
                # What is printed about a finding ends with commands too.
                if found is None or line.startswith(("   Lines:", "Usage:")):
                    continue
                call, pipe, _ = found[1].rpartition("| envoylogs")
                text = found[1][len(call) + len(pipe) - len("envoylogs") :] if pipe else found[1]
                text = text.split(" | ")[0].split(" 2>&1")[0]
                yield _Command(page.name, _words(text), bool(pipe))


def _words(text: str) -> list[str]:
    for place, here in _PLACES.items():
        text = text.replace(place, here)
    # What comes after two spaces says what it does.
    command, _, _ = text.partition("  ")
    words = shlex.split(command, comments=True)[1:]
    return words[: words.index(">")] if ">" in words else words


_COMMANDS = list(_commands())


def _log(day: int) -> bytes:
    """Return two hours of a gateway: a path loses its route, and a subset begins to fail."""
    start = datetime(2026, 11, day, 13, tzinfo=UTC)
    of_shop: dict[str, Any] = {"authority": "shop.example.com"}

    def at(minute: int) -> str:
        return f"{start + timedelta(minutes=minute):%FT%TZ}"

    usual = [served(start_time=at(n), path="/cart", **of_shop) for n in range(60)]
    later = [served(start_time=at(n), path="/items", **of_shop) for n in range(120)]
    lost = [unrouted(start_time=at(n), path="/cart", **of_shop) for n in range(60, 120)]
    failed = [
        served(start_time=at(n), response_code=503, path="/items", **of_shop)
        for n in range(70, 110)
    ]
    return text_of([*usual, *later, *lost, *failed])


_MESH = """\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: public, namespace: istio-system}
spec:
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [shop.example.com]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: shop}
spec:
  hosts: [shop.example.com]
  gateways: [istio-system/public]
  http: [{match: [{uri: {prefix: /items}}], route: [{destination: {host: items}}]}]
"""
_DUMP = {
    "name": "http.80",
    "virtual_hosts": [{"name": "shop", "domains": ["shop.example.com"], "routes": []}],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with everything that the documents name, as the commands before leave it."""
    here = tmp_path_factory.mktemp("documents")
    (here / "logs").mkdir()
    (here / "old").mkdir()
    for name in ("gateway.log", "logs/a.log", "monday.log", "waypoint.log", "today.log"):
        (here / name).write_bytes(_log(2))
    (here / "sample_logs").symlink_to(_ROOT / "sample_logs")
    (here / "mesh.yaml").write_text(_MESH, encoding="utf-8")
    (here / "dump.json").write_text(json.dumps([_DUMP]), encoding="utf-8")
    (here / "old/a.json").write_bytes(_log(1))
    (here / "old/b.json.gz").write_bytes(gzip.compress(_log(3)))
    runner = CliRunner()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        for command in (
            "monday.log --save-tally tuesday.tally",
            "monday.log --save-tally monday.tally",
            "monday.log --save-tally week.tally",
            "monday.log --save-tally day.tally --joint host,path_group,outcome",
        ):
            assert runner.invoke(app_of(), ["summarize", *command.split()]).exit_code == 0
        (here / "days").mkdir()
        (here / "days/1.tally").write_bytes((here / "week.tally").read_bytes())
        made = runner.invoke(app_of(), ["convert", "gateway.log", "-o", "records.parquet"])
        assert made.exit_code == 0
    return here


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Run a store with all objects that the documents name."""
    with running_store(tmp_path_factory.mktemp("store") / "weed", "bucket") as store:
        store.put_text("gateway.log", _log(2))
        store.put_text("gateway/2026-11-28/a.log", _log(2))
        store.put_text("gateway/2026-11-28/b.log.gz", gzip.compress(_log(3)))
        yield store


@pytest.fixture(scope="module")
def cluster(bucket: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run the Dask cluster that the documents name, with a worker."""
    folder = tmp_path_factory.mktemp("cluster") / "dask"
    with running_cluster(folder, 1, environment=bucket.environment) as found:
        yield found


def test_there_are_commands_of_all_kinds() -> None:
    named = {command.words[0] for command in _COMMANDS if command.words}

    assert {
        "summarize",
        "explain",
        "report",
        "lines",
        "query",
        "convert",
        "merge",
        "flags",
    } <= named
    assert len(_COMMANDS) > 80
    assert any(command.is_piped for command in _COMMANDS)


@pytest.mark.parametrize("page", sorted({command.page for command in _COMMANDS}))
def test_the_commands_of_a_page_run_one_after_the_other(
    page: str,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    copied = shutil.copytree(folder, tmp_path / "here", symlinks=True)
    monkeypatch.chdir(copied)
    commands = [command for command in _COMMANDS if command.page == page]
    if any(is_url(word) for command in commands for word in command.words):
        for name, value in request.getfixturevalue("bucket").environment.items():
            monkeypatch.setenv(name, value)
    for command in commands:
        given = _log(2) if command.is_piped else None
        words = _with_command(command.words)
        if "--scheduler" in words:
            words[words.index("--scheduler") + 1] = request.getfixturevalue("cluster").address

        found = CliRunner().invoke(app_of(), words, input=given)

        said = found.stderr[-600:]
        assert found.exit_code == 0, (shlex.join(command.words), said, found.exception)
