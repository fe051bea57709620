"""One nasty record through every renderer, and the JSON contract."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from benchmarks import generator

from envoylogs.pipeline import tally_sources
from envoylogs.render.prometheus import write_metrics
from envoylogs.render.records import write_json
from envoylogs.render.terminal.screen import write_text
from envoylogs.sources.source import Source
from envoylogs.summary.summary import Summary, summarize
from envoylogs.tally.tally import Tally

_NASTY = (
    "[bold red]markup[/]",
    "\x1b[31mred\x1b]0;title\x07",
    "\r\nnew\tline",
    "right\u202eleft",
    "=cmd|' /C calc'!A0",
    "</script><script>alert(1)</script>",
    "\u2028\u2029\x00\x7f\x9b",
    ":smile:",
    "a" * 5000,
)


def _summary(tmp_path: Path) -> Summary:
    path = tmp_path / "nasty.log"
    records = list(generator.records(40, hosts=3))
    for place, text in enumerate(_NASTY):
        for change in ("authority", "path", "user_agent", "request_id", "x_forwarded_for",
                       "route_name", "upstream_cluster", "upstream_host", "response_flags",
                       "response_code_details", "requested_server_name", "method"):  # fmt: skip
            records.append({**records[place], change: text})
            records.append({**records[place], "response_flags": "NR", change: text})
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return summarize(tally_sources([Source(str(path), str(path))]), names_in_metrics=100)


@pytest.mark.parametrize(
    "write",
    [
        partial(write_text, limit=None, width=80, color=False),
        partial(write_text, limit=None, width=140, color=False),
        write_json,
        write_metrics,
    ],
)
def test_hostile_text_stays_text(write: Callable[..., None], tmp_path: Path) -> None:
    out = io.StringIO()

    write(_summary(tmp_path), out)

    shown = out.getvalue()
    forbidden = "\x1b\x00\x07\r\x9b" + ("" if write is write_json else "\u202e\u2028")
    assert not set(shown) & set(forbidden)
    assert "[bold red]markup[/]" in shown
    assert ":smile:" in shown


def test_colors_are_used_only_when_asked_for(tmp_path: Path) -> None:
    out = io.StringIO()

    write_text(_summary(tmp_path), out, color=True, width=100)

    assert "\x1b[" in out.getvalue()


def test_the_json_of_nothing_has_every_field() -> None:
    out = io.StringIO()

    write_json(summarize(Tally.empty()), out)

    document = json.loads(out.getvalue())
    assert document["overview"]["requests"] == 0
    assert document["overview"]["error_share"] is None
    assert document["overview"]["latency_ms"]["p50"] is None
    assert document["timeline"] == {"bucket_seconds": None, "buckets": []}
    assert document["findings"] == []


_CONTRACT = {
    "": "version tool complete accounts overview by groups rejections splits timeline findings "
    "folded",
    "accounts": "bytes lines record_lines blank other malformed malformed_by_reason repaired "
    "records columns_never_seen unused_keys other_keys examples sources gateways",
    "accounts.sources.0": "source role lines records first last",
    "accounts.gateways.0": "gateway records first last",
    "overview": "requests connections own_traffic first last bytes_received bytes_sent outcomes "
    "blackhole unrouted errors error_share noise not_found_ledger latency_ms upstream_time_ms "
    "gateway_ms",
    "overview.latency_ms": "count exact p50 p90 p95 p99 p999 max mean",
    "by": "authority route_name response_code upstream_cluster outcome response_flags "
    "response_code_details gateway upstream_host",
    "by.authority.0": "authority requests share codes blackhole unrouted errors bytes_sent "
    "bytes_received latency_ms",
    "groups.0": "authority route_name response_code upstream_cluster requests share latency_ms",
    "rejections.0": "outcome host host_kind known requests first last routed_before last_routed "
    "route_name response_flags response_code_details paths methods clients server_names",
    "splits.0": "route_name authority named attribution requests not_sent unattributed parts "
    "buckets",
    "splits.0.parts.0": "upstream_cluster service subset requests share share_low share_high "
    "errors error_share latency_ms upstream_time_ms",
    "timeline": "bucket_seconds buckets",
    "timeline.buckets.0": "start requests errors unrouted by_actor",
    "findings.0": "code severity who title requests of clients_at_least since until state gateways "
    "upstream_hosts proof change examples next",
    "findings.0.examples.0": "source line request_id",
}


def test_json_version_1_has_the_fields_of_its_contract(tmp_path: Path) -> None:
    path = tmp_path / "gateway.log"
    generator.write(path, 3000)
    out = io.StringIO()

    write_json(summarize(tally_sources([Source("gateway.log", str(path))])), out)

    document = json.loads(out.getvalue())
    for place, names in _CONTRACT.items():
        found = document
        for step in filter(None, place.split(".")):
            found = found[int(step)] if isinstance(found, list) else found[step]
        assert set(names.split()) <= set(found), place
    assert document["version"] == 1
