"""The sample logs that the lab made: each tells its story, and its numbers are those counted.

The committed ones are read as they are; small ones are made anew with a real
Envoy, so that making them stays possible.
"""

from __future__ import annotations

import json
import os
import re
import socket
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from envoylogs.keyed.decoding import batches
from envoylogs.pipeline import tally_sources
from envoylogs.sources.locate import locate
from envoylogs.summary.summary import Summary, summarize

_SAMPLE_LOGS = Path(__file__).parents[2] / "sample_logs"
_NETWORK = f"127.{os.getpid() % 250 + 1}"
"""Loopback addresses of this process, so that two test runs do not meet."""

_MADE_ANEW = ("lost-route", "scanners-and-tls")
"""One changes route tables, the other listeners."""

_FIRST_FINDINGS = {
    "first-steps": ("unrouted_host", "httpbin-service"),
    "canary": ("upstream_errors", "outbound|80|v2|reviews.shop.svc.cluster.local"),
    "lost-route": ("lost_host", "checkout.example.com"),
    "scanners-and-tls": ("lost_tls_name", "pay.example.com"),
}
_HOSTS_AT_THE_END = {
    "first-steps": {"httpbin-service:80", "httpbin.local:80"},
    "canary": {"reviews.example.com:80", "shop.example.com:80", "auth.example.com:80"},
    "lost-route": {"chekout.example.com:80", "shop.example.com:80", "api.example.com:80"},
    "scanners-and-tls": {"shop.example.com:80", "shop.example.com:443", "auth.example.com:443"},
}
_LARGEST = 260_000
_MADE_UP = ("127.", "192.0.2.", "198.51.100.", "203.0.113.")

_REAL = pytest.mark.skipif(sys.platform != "linux", reason="needs 127.0.0.2, which Linux has")


@dataclass(frozen=True, slots=True)
class Sample:
    """One story under the folder of all samples."""

    root: Path
    story: str

    @property
    def folder(self) -> Path:
        return self.root / self.story

    @property
    def manifest(self) -> dict[str, Any]:
        path = self.root / "manifests" / self.story / "manifest.json"
        found: dict[str, Any] = json.loads(path.read_text())
        return found

    @property
    def records(self) -> pl.DataFrame:
        found = batches(locate([str(self.folder)]))
        return pl.concat([batch.frame for batch in found if batch.frame is not None])

    @property
    def summary(self) -> Summary:
        return summarize(tally_sources(locate([str(self.folder)])))

    def files(self) -> set[str]:
        folders = (self.root / "text" / self.story, self.root / "manifests" / self.story)
        found = [path for folder in (self.folder, *folders) for path in folder.iterdir()]
        return {str(path.relative_to(self.root)) for path in found}


@pytest.fixture(scope="module")
def made_anew(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tell small stories, all at once, since they wait most of the time."""
    from lab.samples import make_sample

    root = tmp_path_factory.mktemp("samples")
    with ThreadPoolExecutor() as pool:
        telling = [
            pool.submit(make_sample, story, root, scale=0.2, network=f"{_NETWORK}.{place}")
            for place, story in enumerate(_MADE_ANEW)
        ]
    for told in telling:
        told.result()
    return root


@pytest.fixture(
    scope="module",
    params=[
        *_FIRST_FINDINGS,
        *(pytest.param(f"{story}, new", marks=_REAL) for story in _MADE_ANEW),
    ],
)
def sample(request: pytest.FixtureRequest) -> Sample:
    story, _, new = request.param.partition(", ")
    root = request.getfixturevalue("made_anew") if new else _SAMPLE_LOGS
    return Sample(root, story)


def test_the_first_finding_is_the_story(sample: Sample) -> None:
    first = sample.summary.findings[0]

    assert (first.code, first.subject) == _FIRST_FINDINGS[sample.story]


def test_the_first_finding_begins_or_ends_with_the_change(sample: Sample) -> None:
    first = sample.summary.findings[0]
    changed = datetime.fromisoformat(sample.manifest["changes"][0]["at"]).timestamp()

    found = first.until if first.since is None else first.since
    assert found is not None
    assert abs(found / 1e6 - changed) < 4


def test_every_line_is_a_record(sample: Sample) -> None:
    accounts = sample.summary.accounts

    assert accounts.lines == accounts.records == accounts.record_lines > 0
    assert accounts.malformed == accounts.other == accounts.blank == 0


def test_requests_by_host_and_code_equal_what_the_client_counted(sample: Sample) -> None:
    requests = sample.records.filter(pl.col("kind") != "connection")
    logged = Counter(requests.select("authority", "response_code").rows())

    assert {(host or "", str(code)): n for (host, code), n in logged.items()} == {
        (host, code): n
        for host, codes in sample.manifest["codes"].items()
        for code, n in codes.items()
    }


def test_refused_connections_equal_what_the_client_counted(sample: Sample) -> None:
    connections = sample.records.filter(pl.col("kind") == "connection")
    names = Counter(connections["requested_server_name"].to_list())

    assert set(connections["outcome"]) <= {"no_filter_chain"}
    assert {f"refused {name or '-'}": n for name, n in names.items()} == sample.manifest[
        "connections"
    ]


def test_requests_by_subset_and_service_equal_what_the_upstreams_counted(sample: Sample) -> None:
    manifest = sample.manifest
    received = {
        cluster: sum(manifest["received"][name] for name in upstreams)
        for cluster, upstreams in manifest["clusters"].items()
    }
    sent: Counter[str] = Counter()
    for split in sample.summary.table("splits").iter_rows(named=True):
        for part in split["parts"]:
            sent[part["upstream_cluster"]] += part["requests"]

    assert sent == {cluster: n for cluster, n in received.items() if n}
    assert sample.summary.overview.own_traffic == manifest["received"]["agent"]


def test_the_text_log_has_the_same_requests(sample: Sample) -> None:
    folder = sample.root / "text" / sample.story
    lines = [line for path in folder.iterdir() for line in path.read_text().splitlines()]
    asked = re.compile(r'"([0-9a-f-]{36})" "[^"]*" "[^"]*" ')
    found = [match[1] for line in lines if (match := asked.search(line))]

    records = sample.records
    assert len(lines) == records.height
    assert sorted(found) == sorted(records["request_id"].drop_nulls())


def test_the_route_dump_is_of_the_end_of_the_story(sample: Sample) -> None:
    folder = sample.root / "manifests" / sample.story
    for path in folder.glob("*.routes.json"):
        (dump,) = json.loads(path.read_text())["configs"]
        tables = [table["route_config"] for table in dump["dynamic_route_configs"]]
        hosts = {host["name"] for table in tables for host in table["virtual_hosts"]}

        assert _HOSTS_AT_THE_END[sample.story] <= hosts
        assert not {"blackhole:80", "checkout.example.com:80"} & hosts


def test_a_sample_is_small_and_complete(sample: Sample) -> None:
    gateways = sorted({path.name.partition(".")[0] for path in sample.folder.iterdir()})

    assert sample.files() == {
        f"manifests/{sample.story}/manifest.json",
        *(f"{sample.story}/{gateway}.json.log" for gateway in gateways),
        *(f"text/{sample.story}/{gateway}.text.log" for gateway in gateways),
        *(f"manifests/{sample.story}/{gateway}.routes.json" for gateway in gateways),
    }
    assert sum(path.stat().st_size for path in sample.folder.iterdir()) < _LARGEST


def test_a_sample_says_nothing_of_the_machine_it_was_made_on(sample: Sample) -> None:
    private = re.compile(
        rf"/home/|/root/|/tmp/|/usr/|BEGIN |x-lab|\b{re.escape(socket.gethostname())}\b"
    )
    for name in sample.files():
        content = (sample.root / name).read_text()

        assert not private.search(content), name
        # What looks like an address in a browser's version is none.
        addresses = set(re.findall(r"(?<![/.\d])\d{1,3}(?:\.\d{1,3}){3}(?![.\d])", content))
        assert all(a.startswith(_MADE_UP) for a in addresses), name
    last = sample.records["x_forwarded_for"].drop_nulls().str.split(",").list.last()
    assert last.str.starts_with("127.").all()


def test_each_sample_has_a_row_in_the_readme() -> None:
    readme = (_SAMPLE_LOGS / "README.md").read_text()
    folders = {path.name for path in _SAMPLE_LOGS.iterdir() if path.is_dir()}

    assert folders - {"text", "manifests"} == set(
        re.findall(r"^\| `([\w-]+)/`", readme, re.MULTILINE)
    )
