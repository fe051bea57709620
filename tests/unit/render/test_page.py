"""The page as a file: what is in it, what its policy lets run, nothing from a log as code."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
from functools import cache
from html.parser import HTMLParser
from itertools import accumulate
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from benchmarks import generator
from tests.handmade import HOSTILE_TEXTS, rare_records, served, source_of, tally_of, text_of

from envoylogs.pipeline import tally_sources
from envoylogs.render.html.page import packed_counts, write_page
from envoylogs.sources.locate import locate
from envoylogs.summary.overview import LEDGER_KINDS, UNDECIDED
from envoylogs.summary.slices import SLICE_COLUMNS
from envoylogs.summary.summary import Summary, summarize
from envoylogs.tally.spec import TallySpec

_SPEC = TallySpec(joint=SLICE_COLUMNS)


@cache
def _summary(name: str) -> Summary:
    data = {
        "usual": b"".join(generator.lines(1500, seed=2, rate_per_second=0.6)),
        "hostile": text_of(rare_records()),
        "empty": b"",
    }[name]
    return summarize(tally_sources([source_of(data)], spec=_SPEC))


@cache
def _page(name: str) -> str:
    out = io.StringIO()
    write_page(_summary(name), out)
    return out.getvalue()


class _Elements(HTMLParser):
    """The elements of a page with their attributes and the text in them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], list[str]]] = []
        self._inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), []))

        self._inside = True

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self.found and self._inside:
            self.found[-1][2].append(data)

    def of(self, tag: str) -> list[tuple[dict[str, str | None], str]]:
        return [(attrs, "".join(texts)) for name, attrs, texts in self.found if name == tag]


def _counts(page: str) -> dict[str, Any]:
    (packed,) = [
        text for attrs, text in _Elements(page).of("script") if attrs.get("id") == "counts"
    ]
    found: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(packed)))
    return found


each_log = pytest.mark.parametrize("name", ["usual", "hostile"])


@each_log
def test_the_packed_counts_are_the_slices(name: str) -> None:
    slices = _summary(name).slices
    assert slices is not None
    counts = json.loads(gzip.decompress(base64.b64decode(packed_counts(slices))))

    rows, place = [], 0
    for latency, n in counts["rows"]["values"]:
        run = slice(place, place + n)
        for combination, bucket, records in zip(
            accumulate(counts["rows"]["combinations"][run]),
            counts["rows"]["buckets"][run],
            counts["rows"]["requests"][run],
            strict=True,
        ):
            start = counts["starts"][bucket]
            rows.append(
                (combination, None if start is None else start * 1_000_000, latency, records)
            )
        place += n
    assert rows == slices.rows.select("combination", "start", "value_ms", "records").rows()
    for column in SLICE_COLUMNS:
        values = counts["dimensions"][column]
        found = [values[at] for at in counts["combinations"][column]]
        assert found == slices.combinations[column].to_list()
    kinds = [None if at < 0 else LEDGER_KINDS[at] for at in counts["combinations"]["ledger"]]
    assert kinds == slices.combinations["ledger"].to_list()
    assert len(counts["examples"]) == slices.examples.height


def test_the_kinds_of_404s_are_in_one_order() -> None:
    page = _Elements(_page("usual"))
    (meta,) = [text for attrs, text in page.of("script") if attrs.get("id") == "meta"]

    assert [key for key, _ in json.loads(meta)["ledger"]] == [*LEDGER_KINDS, UNDECIDED]


@pytest.mark.parametrize("name", ["usual", "hostile", "empty"])
def test_the_policy_lets_run_what_is_in_the_page_and_nothing_else(name: str) -> None:
    page = _Elements(_page(name))
    (policy,) = [
        str(attrs["content"])
        for attrs, _ in page.of("meta")
        if attrs.get("http-equiv") == "Content-Security-Policy"
    ]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))

    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data: blob:"
    assert "unsafe" not in rules["script-src"]
    scripts = [
        text
        for attrs, text in page.of("script")
        if "type" not in attrs or attrs.get("id") == "plotly"
    ]
    (style,) = [text for _, text in page.of("style")]
    assert set(map(_hash, scripts)) <= set(rules["script-src"].split())
    assert len(rules["script-src"].split()) == 2
    assert _hash(style) in rules["style-src"].split() or "'unsafe-inline'" in rules["style-src"]


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@pytest.mark.parametrize("name", ["usual", "hostile", "empty"])
def test_the_page_asks_the_network_for_nothing(name: str) -> None:
    for tag, attrs, _ in _Elements(_page(name)).found:
        for attribute in ("src", "href", "action", "srcset", "data", "poster"):
            value = attrs.get(attribute) or ""
            assert value.startswith(("#", "data:")) or not value, (tag, attribute, value)
        assert not [a for a in attrs if a.startswith("on") or a == "style"], (tag, attrs)


def test_hostile_text_makes_no_element() -> None:
    usual, hostile = _Elements(_page("usual")), _Elements(_page("hostile"))

    assert len(hostile.of("script")) == len(usual.of("script"))
    hosts = _counts(_page("hostile"))["dimensions"]["host"]
    assert sum(text in hosts for text in HOSTILE_TEXTS) > 3
    assert "<script>alert" not in _page("hostile")


def test_a_page_is_the_same_every_time() -> None:
    out = io.StringIO()
    write_page(_summary("usual"), out)

    assert out.getvalue() == _page("usual")


def test_a_log_without_records_has_a_page_without_counts() -> None:
    ids = {attrs.get("id") for attrs, _ in _Elements(_page("empty")).of("script")}

    assert "counts" not in ids


def test_a_page_needs_slices() -> None:
    with pytest.raises(ValueError, match="joint counts"):
        write_page(summarize(tally_of([served()])), io.StringIO())


def test_coarsened_counts_are_said() -> None:
    data = b"".join(generator.lines(1500, seed=2, rate_per_second=0.6))
    spec = TallySpec(joint=SLICE_COLUMNS, max_joint_rows=300)
    out = io.StringIO()

    write_page(summarize(tally_sources([source_of(data)], spec=spec)), out)

    page = _Elements(out.getvalue())
    assert any("coarsened" in text for _, text in page.of("li"))
    assert any("On the page and in --table joint" in text for _, text in page.of("p"))
    counts = _counts(out.getvalue())
    assert sum(counts["rows"]["requests"]) == sum(_counts(_page("usual"))["rows"]["requests"])
    assert "\0:folded" in {
        value for values in counts["dimensions"].values() for value in values if value
    }


def test_trends_of_findings_have_all_their_records() -> None:
    summary = _summary("usual")
    (meta,) = [
        text for attrs, text in _Elements(_page("usual")).of("script") if attrs.get("id") == "meta"
    ]
    sums = [sum(found["trend"]) for found in json.loads(meta)["findings"] if found["trend"]]

    assert sums
    for total, sliced in zip(sums, summary.finding_slices, strict=False):
        assert sliced is not None
        assert total == sum(sliced.trend.values())


@pytest.mark.parametrize(("sample", "noise"), [("first-steps", "shown"), ("lost-route", "apart")])
def test_noise_is_shown_from_the_start_where_a_finding_is_about_it(sample: str, noise: str) -> None:
    log = Path(__file__).parents[3] / "sample_logs" / sample
    out = io.StringIO()

    write_page(summarize(tally_sources(locate([str(log)]), spec=_SPEC)), out)

    (meta,) = [
        text for attrs, text in _Elements(out.getvalue()).of("script") if attrs.get("id") == "meta"
    ]
    assert json.loads(meta)["noise"] == noise


def test_slices_have_no_rows_without_records() -> None:
    slices = _summary("empty").slices
    assert slices is not None
    assert slices.rows.is_empty()
    assert slices.width_s is None
    assert isinstance(slices.combinations, pl.DataFrame)
