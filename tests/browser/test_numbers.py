"""What the page counts under any filters is what the command says of the same selection."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from benchmarks import generator
from tests.browser.reports import SAMPLES, report_of
from tests.program import run

from envoylogs.summary.findings.conditions import all_of, any_of, is_one_of

Json = dict[str, Any]

_THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
_VIEWS = 12 if _THOROUGH else 3
_LOGS = ("generated", "shop", "canary", "scanners-and-tls")
_DIMENSIONS = ("host", "path_group", "outcome", "upstream_cluster", "upstream_host", "gateway",
               "code_class", "route_name", "response_flags", "method", "response_code")  # fmt: skip
_TABLES = ("outcome", "response_code", "route_name", "upstream_cluster", "response_flags",
           "gateway", "upstream_host")  # fmt: skip
_LATENCY = ("count", "p50", "p90", "p95", "p99", "max")


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, Path]]:
    """Return logs and their pages."""
    found = {}
    for name in _LOGS:
        folder = tmp_path_factory.mktemp(name)
        log = SAMPLES / name
        if name == "generated":
            log = folder / "gateway.log"
            log.write_bytes(b"".join(generator.lines(3000, seed=8, rate_per_second=0.8)))
        found[name] = (str(log), report_of(log, folder))
    return found


def _condition(filters: dict[str, list[Any]]) -> str:
    conditions = []
    for name, values in filters.items():
        if name == "code_class":
            classes = [
                "response_code IS NULL" if value is None
                else "response_code = 0" if value == "0"
                else f"response_code BETWEEN {value[0]}00 AND {value[0]}99"
                for value in values
            ]  # fmt: skip
            conditions.append(any_of(*classes))
        else:
            conditions.append(is_one_of(name, values))
    return all_of("kind <> 'own'", *conditions)


def _settings(chance: Random, counts: Json, starts: list[int]) -> Json:
    """Return filters of a few columns, with values of one combination among them."""
    names = chance.sample(_DIMENSIONS, chance.randint(1, 3))
    some = chance.randrange(len(counts["combinations"]["host"]))
    filters = {}
    for name in names:
        values = counts["dimensions"][name]
        kept = {counts["combinations"][name][some]}
        kept |= {chance.randrange(len(values)) for _ in range(chance.randint(0, 2))}
        filters[name] = [values[place] for place in sorted(kept)]
    view: Json = {"filters": filters, "from": None, "to": None, "noise": "shown"}
    if chance.random() < 0.6:
        first, last = sorted(chance.sample(range(len(starts)), 2))
        view |= {"from": starts[first], "to": starts[last]}
    return view


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _summary(log: str, view: Json, *more: str) -> Json | None:
    """Return the summary of a selection; None if it is empty."""
    arguments = [
        "summarize",
        log,
        "--format",
        "json",
        "--where",
        _condition(view["filters"]),
        *more,
    ]
    for option, time in (("--since", view["from"]), ("--until", view["to"])):
        if time is not None:
            arguments += [option, _iso(time)]
    done = run(*arguments)
    errors = done.stderr.decode()
    if done.returncode and "no record" in errors.replace("none of", "no record"):
        return None
    assert done.returncode == 0, errors
    found: Json = json.loads(done.stdout)
    return found


def _latency(of: Json) -> list[Any]:
    mean = None if of["mean"] is None else pytest.approx(of["mean"])
    return [*(of[name] for name in _LATENCY), mean]


def _by_key(rows: list[Json], *names: str) -> Iterator[tuple[tuple[Any, ...], Json]]:
    for row in rows:
        yield tuple(row[name] for name in names), row


def _check(page: Json, summary: Json) -> None:
    totals, overview = page["totals"], summary["overview"]
    for name in ("requests", "connections", "errors", "unrouted"):
        assert totals[name] == overview[name], name
    assert totals["noise"] == overview["noise"]["requests"]
    assert totals["error_share"] == (
        None if overview["error_share"] is None else pytest.approx(overview["error_share"])
    )
    assert _latency(totals["latency_ms"]) == _latency(overview["latency_ms"])
    for name in (*_TABLES, *(set(summary["by"]) & {"host", "path_group", "method"})):
        expected = dict(_by_key(summary["by"][name], name))
        # In the command's tables connections count by outcome only.
        found = {
            key: row
            for key, row in _by_key(page["tables"][name], name)
            if row["requests"] or name == "outcome"
        }
        assert set(found) == set(expected), name
        for key, row in found.items():
            of = expected[key]
            counted = row["requests"] + (row["connections"] if name == "outcome" else 0)
            assert counted == of["requests"], (name, key)
            assert (row["errors"], row["unrouted"]) == (of["errors"], of["unrouted"]), (name, key)
            assert _latency(row["latency_ms"]) == _latency(of["latency_ms"]), (name, key)
    ledger = {row["key"]: row["requests"] for row in page["tables"]["ledger"]}
    expected_ledger = summary["overview"]["not_found_ledger"]
    assert sum(ledger.values()) == expected_ledger["all"]
    for kind in ("noise", "application", "configured", "fault", "other"):
        assert ledger.get(kind, 0) == expected_ledger[kind], kind
    parts = {
        (split["route_name"], split["authority"], part["upstream_cluster"]): part
        for split in summary["splits"]
        for part in split["parts"]
        if len(split["parts"]) > 1 or any(part["subset"] for part in split["parts"])
    }
    found_parts = dict(_by_key(page["tables"]["split"], "route_name", "host", "upstream_cluster"))
    assert set(found_parts) == set(parts)
    for key, part in found_parts.items():
        assert (part["requests"], part["errors"]) == (parts[key]["requests"], parts[key]["errors"])
        for name in ("share", "share_low", "share_high"):
            assert part[name] == pytest.approx(parts[key][name], abs=1e-9), name
        assert _latency(part["latency_ms"]) == _latency(parts[key]["latency_ms"])


_COUNTS = """async () => {
  const packed = document.querySelector("#counts").textContent.trim();
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const counts = await new Response(plain).json();
  const { dimensions, combinations, starts } = counts;
  return { dimensions, combinations, starts };
}"""


def _counts(page: Any) -> Json:
    """Return what the page holds, with classes of codes made from codes."""
    counts: Json = page.evaluate(_COUNTS)
    codes = counts["dimensions"]["response_code"]
    classes = [None if c is None else "0" if not c else f"{c // 100}xx" for c in codes]
    values = sorted(set(classes), key=str)
    counts["dimensions"]["code_class"] = values
    counts["combinations"]["code_class"] = [
        values.index(classes[place]) for place in counts["combinations"]["response_code"]
    ]
    return counts


@pytest.mark.property
@pytest.mark.parametrize("name", _LOGS)
def test_the_page_agrees_with_the_command(
    name: str, logs: dict[str, tuple[str, Path]], opened: Any
) -> None:
    log, path = logs[name]
    chance = Random(f"filters of {name}")
    compared = 0
    with opened(path) as page:
        counts = _counts(page)
        starts = [start for start in counts["starts"] if start is not None]
        everything: Json = {"filters": {}, "from": None, "to": None, "noise": "shown"}
        for by in (["--by", "host"], ["--by", "path_group"]):
            page.evaluate("view => envoylogs.view.set(view)", everything)
            whole = _summary(log, everything, *by)
            assert whole is not None
            _check(page.evaluate("envoylogs.results()"), whole)
        for _ in range(_VIEWS):
            view = _settings(chance, counts, starts)
            page.evaluate("view => envoylogs.view.set(view)", view)
            found = page.evaluate("envoylogs.results()")
            summary = _summary(log, view, "--by", "host")
            if summary is None:
                assert found["totals"]["requests"] + found["totals"]["connections"] == 0
                continue
            _check(found, summary)
            compared += 1
    assert compared >= 2


_SHARES = """() => {
  const { splits_over_time, bins } = envoylogs.results();
  const plain = ({ clusters, ...split }) =>
    ({ ...split, clusters: clusters.map((of) => ({ ...of, requests: [...of.requests] })) });
  const { starts, width_s } = bins.splits;
  return { splits: splits_over_time.map(plain), starts, width_s };
}"""


@pytest.mark.property
@pytest.mark.parametrize("name", _LOGS)
def test_splits_over_time_are_those_of_the_command(
    name: str, logs: dict[str, tuple[str, Path]], opened: Any
) -> None:
    log, path = logs[name]
    chance = Random(f"splits of {name}")
    compared = 0
    with opened(path) as page:
        counts = _counts(page)
        starts = [start for start in counts["starts"] if start is not None]
        views: list[Json] = [{"filters": {}, "from": None, "to": None, "noise": "shown"}]
        views += [_settings(chance, counts, starts) for _ in range(_VIEWS)]
        for view in views:
            page.evaluate("view => envoylogs.view.set(view)", view)
            found = page.evaluate(_SHARES)
            summary = _summary(log, view, "--every", f"{found['width_s']}s")
            expected = {} if summary is None else _shares(summary)
            assert _shares_on_page(found) == expected
            compared += len(expected)
    assert compared or name == "scanners-and-tls"


def _shares(summary: Json) -> dict[tuple[Any, ...], Any]:
    """Return requests and shares by route, host, cluster and time."""
    return {
        (split["route_name"], split["authority"], row["upstream_cluster"], row["start"]):
            (row["requests"], pytest.approx(row["share"]))
        for split in summary["splits"]
        if len(split["parts"]) > 1 or any(part["subset"] for part in split["parts"])
        for row in split["buckets"]
    }  # fmt: skip


def _shares_on_page(found: Json) -> dict[tuple[Any, ...], Any]:
    shares = {}
    for split in found["splits"]:
        for cluster in split["clusters"]:
            (of,) = cluster["names"]
            for start, n, total in zip(
                found["starts"], cluster["requests"], split["totals"], strict=True
            ):
                if n:
                    at = _iso(start).replace("Z", ".000Z")
                    shares[split["route_name"], split["host"], of, at] = (n, n / total)
    return shares


def test_noise_set_apart_is_in_no_table_and_in_no_share(
    logs: dict[str, tuple[str, Path]], opened: Any
) -> None:
    _, path = logs["generated"]
    with opened(path) as page:
        shown = page.evaluate("envoylogs.view.set({ noise: 'shown' }), envoylogs.results()")
        apart = page.evaluate("envoylogs.view.set({ noise: 'apart' }), envoylogs.results()")
    noise = shown["totals"]["noise"]
    assert noise > 0
    assert apart["totals"] == shown["totals"]
    for name in ("host", "outcome", "response_code"):
        sums = [sum(row["requests"] for row in of["tables"][name]) for of in (shown, apart)]
        assert sums == [shown["totals"]["requests"], shown["totals"]["requests"] - noise]
