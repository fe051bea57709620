"""A real Envoy as judge: what it logs of known requests, against who counted them.

It writes the JSON of its own release. That of Istio 1.1 to 1.7 (strings with
``-``) and of 1.22 (floats) it can't write: these are proved by public records
and by generated lines.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from envoylogs.pipeline import tally_sources
from envoylogs.reading.batches import batches
from envoylogs.sources.locate import locate
from envoylogs.summary.summary import Summary, summarize

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="needs 127.0.0.2, which Linux has"),
    pytest.mark.xdist_group("real envoy"),
]

_OUTCOMES = {
    ("cors.example.com", "/", 200): "direct_response",
    ("dead.example.com", "/", 503): "connect_failure",
    ("dead.example.com", "/echo.Echo/Say", 200): "connect_failure",
    ("empty.example.com", "/", 503): "no_endpoints",
    ("faults.example.com", "/abort", 555): "fault_injected",
    ("faults.example.com", "/delay/1", 200): "served",
    ("gone.example.com", "/", 503): "no_cluster",
    ("limited.example.com", "/", 200): "served",
    ("limited.example.com", "/", 429): "rate_limited",
    ("old.example.com", "/", 302): "direct_response",
    ("pay.example.com", "/", 404): "no_route",
    ("private.example.com", "/", 403): "denied",
    ("retries.example.com", "/", 503): "connect_failure",
    ("reviews.example.com", "/", 200): "served",
    ("reviews.example.com", "/delay/250", 0): "client_gone",
    ("reviews.example.com", "/delay/600", 504): "upstream_timeout",
    ("reviews.example.com", "/garbage", 502): "upstream_reset",
    ("reviews.example.com", "/reset", 503): "upstream_reset",
    ("reviews.example.com", "/socket", 101): "served",
    ("reviews.example.com", "/status/404", 404): "upstream_4xx",
    ("reviews.example.com", "/status/500", 500): "upstream_5xx",
    ("reviews.example.com", "/status/503", 503): "upstream_5xx",
    ("reviews.example.com", "/truncate", 200): "broken_response",
    ("reviews.example.com:8080", "/", 200): "served",
    ("secure.example.com", "/", 200): "served",
    ("shop.example.com", "/api/orders/1", 200): "served",
    ("shop.example.com", "/api/status", 200): "served",
    ("shop.example.com", "/static/app.js", 200): "served",
    ("shop.example.com", "/status/404", 404): "no_route",
    ("unbound.example.com", "/any", 404): "blackhole",
    ("unknown.example.com", "/", 404): "no_route",
    ("unknown.example.com", "/echo.Echo/Say", 200): "no_route",
    ("127.0.0.1", "/healthz/ready", 200): "served",
    (None, None, 400): "client_error",
    (None, None, 0): "no_filter_chain",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from lab.run import run_story

    path = tmp_path_factory.mktemp("lab")
    run_story("every_outcome", path)
    return path


@pytest.fixture(scope="module")
def manifest(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return found


@pytest.fixture(scope="module")
def summary(folder: Path) -> Summary:
    return summarize(tally_sources(locate([str(folder / "*.json.log")])))


def test_each_request_has_the_outcome_that_was_provoked(folder: Path) -> None:
    seen = set()
    for batch in batches(locate([str(folder / "*.json.log")])):
        assert batch.frame is not None
        rows = batch.frame.select("authority", "path", "response_code", "outcome").rows()
        seen |= {((authority, path, code), outcome) for authority, path, code, outcome in rows}

    assert dict(seen) == _OUTCOMES
    assert len(seen) == len(_OUTCOMES)


def test_requests_by_host_and_code_equal_what_the_client_counted(
    folder: Path, manifest: dict[str, Any]
) -> None:
    logged: Counter[tuple[str, int]] = Counter()
    for batch in batches(locate([str(folder / "*.json.log")])):
        assert batch.frame is not None
        for authority, code, kind in batch.frame.select(
            "authority", "response_code", "kind"
        ).rows():
            if kind != "connection":
                logged[authority or "", code] += 1

    assert dict(logged) == {(host, code): n for host, code, n in manifest["codes"]}


def test_requests_by_subset_equal_what_the_upstreams_counted(
    summary: Summary, manifest: dict[str, Any]
) -> None:
    by_subset: Counter[str] = Counter()
    for split in summary.splits.iter_rows(named=True):
        for part in split["parts"]:
            if part["subset"]:
                by_subset[part["subset"]] += part["requests"]

    received = manifest["upstream_requests"]
    assert by_subset == {"v1": received["reviews-v1"], "v2": received["reviews-v2"]}
    assert by_subset["v1"] > by_subset["v2"] > 0


def test_connections_own_traffic_and_gateways_stand_apart(
    summary: Summary, manifest: dict[str, Any]
) -> None:
    assert summary.overview.connections == sum(manifest["connections"].values()) == 2
    assert summary.overview.own_traffic == manifest["upstream_requests"]["agent"] == 2
    assert summary.accounts.gateways["gateway"].to_list() == ["127.0.0.2", "127.0.0.3"]
    assert summary.accounts.malformed == summary.accounts.other == 0


def test_the_blackhole_and_what_else_is_broken_is_found(summary: Summary) -> None:
    codes = {(finding.code, finding.subject) for finding in summary.findings}

    assert ("unrouted_host", "unbound.example.com") in codes
    assert ("no_cluster", "gone.example.com") in codes
    assert ("no_endpoints", "outbound|80||empty.shop.svc.cluster.local") in codes
    assert ("connect_failure", "outbound|80||dead.shop.svc.cluster.local") in codes
