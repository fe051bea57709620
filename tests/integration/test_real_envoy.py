"""A real Envoy as judge: what it logs of known requests, against who counted them.

It writes the JSON of its own release. That of Istio 1.1 to 1.7 (strings with
``-``) and of 1.22 (floats) it can't write: these are proved by public records
and by generated lines.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from envoylogs.keyed.decoding import batches
from envoylogs.pipeline import tally_sources
from envoylogs.sources.locate import locate
from envoylogs.summary.summary import Summary, summarize

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs 127.0.0.2, which Linux has")

_NETWORK = f"127.{os.getpid() % 250 + 1}.0"
"""Loopback addresses of this process, so that two test runs do not meet."""

_REQUESTS = {
    ("127.0.0.1", "/healthz/ready", 200): "served",
    ("busy.example.com", "/report", 200): "served",
    ("busy.example.com", "/report", 503): "overflow",
    ("closed.example.com", "/", 404): "direct_response",
    ("cors.example.com", "/", 200): "direct_response",
    ("dead.example.com", "/", 503): "connect_failure",
    ("dead.example.com", "/echo.Echo/Say", 200): "connect_failure",
    ("echo.example.com", "/echo.Echo/Fail", 200): "served",
    ("echo.example.com", "/echo.Echo/Reset", 200): "upstream_reset",
    ("echo.example.com", "/echo.Echo/Say", 200): "served",
    ("empty.example.com", "/", 503): "no_endpoints",
    ("faults.example.com", "/abort", 555): "fault_injected",
    ("faults.example.com", "/delay", 200): "served",
    ("limited.example.com", "/", 200): "served",
    ("limited.example.com", "/", 429): "rate_limited",
    ("missing.example.com", "/", 503): "no_cluster",
    ("old.example.com", "/", 302): "direct_response",
    ("pay.example.com", "/", 404): "no_route",
    ("private.example.com", "/", 403): "denied",
    ("retries.example.com", "/", 503): "connect_failure",
    ("retries.example.com", "/failing", 503): "upstream_5xx",
    ("reviews.example.com", "/", 200): "served",
    ("reviews.example.com", "/failing", 500): "upstream_5xx",
    ("reviews.example.com", "/garbage", 502): "upstream_reset",
    ("reviews.example.com", "/left", 0): "client_gone",
    ("reviews.example.com", "/missing", 404): "upstream_4xx",
    ("reviews.example.com", "/reset", 503): "upstream_reset",
    ("reviews.example.com", "/slow", 504): "upstream_timeout",
    ("reviews.example.com", "/socket", 101): "served",
    ("reviews.example.com", "/truncated", 200): "broken_response",
    ("reviews.example.com", "/unavailable", 503): "upstream_5xx",
    ("reviews.example.com:8080", "/", 200): "served",
    ("secure.example.com", "/h1", 200): "served",
    ("secure.example.com", "/h2", 200): "served",
    ("shop.example.com", "/admin", 404): "no_route",
    ("shop.example.com", "/api/orders/1", 200): "served",
    ("shop.example.com", "/api/status", 200): "served",
    ("shop.example.com", "/static/app.js", 200): "served",
    ("unbound.example.com", "/any", 404): "blackhole",
    ("unknown.example.com", "/", 404): "no_route",
    ("unknown.example.com", "/echo.Echo/Say", 200): "no_route",
    # Without an authority: broken off, without a host, HTTP/1.0, headers too large.
    (None, None, 400): "client_error",
    (None, "/nameless", 400): "client_error",
    (None, None, 426): "client_error",
    (None, None, 431): "client_error",
}
_CONNECTIONS = {
    ("8443", "nobody.example.com"): "no_filter_chain",
    ("9000", None): "tcp",
    ("9001", None): "tcp_failed",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from lab.run import run_story

    path = tmp_path_factory.mktemp("lab")
    run_story("every-outcome", path, network=_NETWORK)
    return path


@pytest.fixture(scope="module")
def manifest(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return found


@pytest.fixture(scope="module")
def summary(folder: Path) -> Summary:
    return summarize(tally_sources(locate([str(folder / "*.json.log")])))


@pytest.fixture(scope="module")
def records(folder: Path) -> pl.DataFrame:
    found = batches(locate([str(folder / "*.json.log")]))
    return pl.concat([batch.frame for batch in found if batch.frame is not None])


@pytest.fixture(scope="module")
def logged(folder: Path) -> list[dict[str, Any]]:
    """The objects as Envoy wrote them."""
    return [
        json.loads(line)
        for path in sorted(folder.glob("*.json.log"))
        for line in path.read_text().splitlines()
    ]


def test_each_request_has_the_outcome_that_was_provoked(records: pl.DataFrame) -> None:
    requests = records.filter(pl.col("kind") != "connection")
    seen = {
        ((authority, path, code), outcome)
        for authority, path, code, outcome in requests.select(
            "authority", "path", "response_code", "outcome"
        ).rows()
    }

    assert dict(seen) == _REQUESTS
    assert len(seen) == len(_REQUESTS)


def test_each_connection_has_the_outcome_that_was_provoked(records: pl.DataFrame) -> None:
    port = pl.col("downstream_local_address").str.split(":").list.last().alias("port")
    connections = records.filter(pl.col("kind") == "connection")
    rows = connections.select(port, "requested_server_name", "outcome").rows()

    assert {(port, name): outcome for port, name, outcome in rows} == _CONNECTIONS


def test_blackhole_no_route_configured_and_application_404_are_told_apart(
    records: pl.DataFrame, summary: Summary
) -> None:
    not_found = records.filter(pl.col("response_code") == 404)
    rows = not_found.select(
        "authority", "path", "route_name", "response_flags", "response_code_details", "outcome"
    ).rows()

    assert set(rows) == {
        ("unbound.example.com", "/any", "default", None, "direct_response", "blackhole"),
        ("closed.example.com", "/", "closed", None, "direct_response", "direct_response"),
        ("unknown.example.com", "/", None, "NR", "route_not_found", "no_route"),
        ("shop.example.com", "/admin", None, "NR", "route_not_found", "no_route"),
        ("pay.example.com", "/", None, "NR", "route_not_found", "no_route"),
        ("reviews.example.com", "/missing", "reviews", None, "via_upstream", "upstream_4xx"),
    }
    assert summary.overview.blackhole == 2
    ledger = summary.overview.not_found_ledger
    assert ledger["application"] == ledger["configured"] == 2
    assert ledger["all"] == not_found.height


def test_a_missing_cluster_is_logged_as_null(logged: list[dict[str, Any]]) -> None:
    missing = [record for record in logged if record["authority"] == "missing.example.com"]

    assert {
        (r["upstream_cluster"], r["response_flags"], r["response_code_details"]) for r in missing
    } == {(None, "NC", "cluster_not_found")}


def test_exhausted_retries_are_flagged_beside_the_failure(logged: list[dict[str, Any]]) -> None:
    flags = {
        (record["authority"], record["response_code"]): set(record["response_flags"].split(","))
        for record in logged
        if "URX" in record["response_flags"] and record["path"] != "/failing"
    }

    # The order of the two differs between HTTP and TCP, and between releases of Envoy.
    assert flags == {
        ("retries.example.com", 503): {"UF", "URX"},
        ("echo.example.com", 200): {"URX"},
        (None, 0): {"UF", "URX"},
    }


def test_requests_by_host_and_code_equal_what_the_client_counted(
    records: pl.DataFrame, manifest: dict[str, Any]
) -> None:
    requests = records.filter(pl.col("kind") != "connection")
    logged = Counter(
        (authority or "", str(code))
        for authority, code in requests.select("authority", "response_code").rows()
    )

    assert logged == {
        (host, code): n for host, codes in manifest["codes"].items() for code, n in codes.items()
    }


def test_requests_by_subset_equal_what_the_upstreams_counted(
    summary: Summary, manifest: dict[str, Any]
) -> None:
    by_subset: Counter[str] = Counter()
    for split in summary.table("splits").iter_rows(named=True):
        for part in split["parts"]:
            if part["subset"]:
                by_subset[part["subset"]] += part["requests"]

    received = manifest["received"]
    assert by_subset == {"v1": received["reviews-v1"], "v2": received["reviews-v2"]}
    assert by_subset["v1"] > by_subset["v2"] > 0


def test_connections_own_traffic_and_gateways_stand_apart(
    summary: Summary, manifest: dict[str, Any]
) -> None:
    assert summary.overview.connections == sum(manifest["connections"].values()) == 6
    assert summary.overview.own_traffic == manifest["received"]["agent"] == 2
    assert summary.accounts.gateways["gateway"].to_list() == [f"{_NETWORK}.2", f"{_NETWORK}.3"]
    assert summary.accounts.malformed == summary.accounts.other == 0


def test_the_blackhole_and_what_else_is_broken_is_found(summary: Summary) -> None:
    codes = {(finding.code, finding.subject) for finding in summary.findings}

    assert ("unrouted_host", "unbound.example.com") in codes
    assert ("no_cluster", "missing.example.com") in codes
    assert ("no_endpoints", "outbound|80||empty.shop.svc.cluster.local") in codes
    assert ("connect_failure", "outbound|80||dead.shop.svc.cluster.local") in codes
    assert ("overflow", "outbound|80||busy.shop.svc.cluster.local") in codes


def test_the_dump_of_each_gateway_holds_its_route_tables(folder: Path) -> None:
    for name in ("gateway-1", "gateway-2"):
        dump = json.loads((folder / f"{name}.routes.json").read_text())

        (routes,) = dump["configs"]
        tables = {
            table["route_config"]["name"]: table["route_config"]["virtual_hosts"]
            for table in routes["dynamic_route_configs"]
        }
        assert set(tables) == {
            "http.8080",
            "http.8081",
            "https.8443.https.secure.istio-ingress",
            "https.8443.https.pay.istio-ingress",
        }
        assert [host["name"] for host in tables["http.8081"]] == ["blackhole:80"]
        assert "reviews.example.com:80" in {host["name"] for host in tables["http.8080"]}
