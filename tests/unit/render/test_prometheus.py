"""Metrics as text: the format that Prometheus and node_exporter read, whatever a log says."""

from __future__ import annotations

import re
from functools import cache

import pytest
from benchmarks import generator
from hypothesis import example, given
from hypothesis import strategies as st
from tests.exposition import Metrics, exposed
from tests.handmade import HOSTILE_TEXTS, rare_records, served, source_of, tally_of, text_of

from envoylogs.pipeline import tally_sources
from envoylogs.summary.metrics.catalog import METRICS, Metric, MetricType
from envoylogs.summary.metrics.families import Family, Sample
from envoylogs.summary.summary import Summary, summarize
from envoylogs.tally.tally import Tally

_SAMPLE = re.compile(r'[a-z_]+(?:\{[a-z_]+="[^\n]*"\})? (?:-?[0-9.]+(?:e[+-][0-9]+)?|[+]Inf)')


@cache
def _summary(*, hostile: bool = False) -> Summary:
    data = text_of(rare_records()) if hostile else b"".join(generator.lines(1500, hosts=30))
    return summarize(tally_sources([source_of(data)]), names_in_metrics=10)


def _with(*families: Family) -> Summary:
    """Return a summary that has these metrics alone."""
    summary = summarize(Tally.empty())
    summary.metrics = families
    return summary


def _labelled(*values: str, meaning: str = "Made up.") -> Summary:
    """Return a summary with one metric that has samples 0, 1, ... with these labels."""
    metric = Metric("made_up_total", MetricType.COUNTER, ("authority", "kind"), meaning)
    return _with(
        Family(
            metric,
            tuple(
                Sample(metric.name, (("authority", value), ("kind", "known")), number)
                for number, value in enumerate(values)
            ),
        )
    )


each_log = pytest.mark.parametrize("hostile", [False, True], ids=["usual", "hostile"])


@each_log
def test_every_line_is_help_type_or_a_sample_without_a_timestamp(hostile: bool) -> None:  # noqa: FBT001
    text = exposed(_summary(hostile=hostile))

    *lines, rest = text.split("\n")
    assert rest == ""
    for line in lines:
        assert re.match(r"# (?:HELP|TYPE) [a-z_]+ \S", line) or _SAMPLE.fullmatch(line), line


@each_log
def test_a_metric_stands_in_one_place_behind_its_help_and_type(hostile: bool) -> None:  # noqa: FBT001
    blocks = exposed(_summary(hostile=hostile)).split("# HELP ")[1:]

    names = [block.split()[0] for block in blocks]
    assert names == [metric.name for metric in METRICS if metric.name in names]
    assert len(names) == len(set(names)) > 20
    for name, block in zip(names, blocks, strict=True):
        _, type_of, *samples = block.splitlines()
        assert type_of.startswith(f"# TYPE {name} ")
        assert samples
        for sample in samples:
            assert re.match(rf"{name}(?:_bucket|_sum|_count)?[ {{]", sample)


@each_log
def test_output_is_the_same_every_time_and_its_series_are_sorted(hostile: bool) -> None:  # noqa: FBT001
    summary = _summary(hostile=hostile)
    assert summary.metrics is not None

    assert exposed(summary) == exposed(summary)
    for family in summary.metrics:
        labels = [
            [value for label, value in sample.labels if label != "le"] for sample in family.samples
        ]
        assert labels == sorted(labels)


def test_names_follow_the_conventions() -> None:
    for metric in METRICS:
        assert re.fullmatch(r"envoylogs_[a-z]+(?:_[a-z]+)*", metric.name)
        assert metric.name.endswith("_total") == (metric.type is MetricType.COUNTER)
        assert "le" not in metric.labels
        assert metric.meaning.endswith(".")
        if metric.type is MetricType.HISTOGRAM or "time" in metric.name:
            assert metric.name.endswith("_seconds")
    assert len({metric.name for metric in METRICS}) == len(METRICS)


@each_log
def test_what_is_read_back_has_the_types_and_labels_of_the_catalog(hostile: bool) -> None:  # noqa: FBT001
    metrics = Metrics.of(_summary(hostile=hostile))

    for metric in METRICS:
        if metric.name in metrics.types:
            assert metrics.types[metric.name] == metric.type
            of_buckets = {"le"} if metric.type is MetricType.HISTOGRAM else set()
            assert metrics.labels[metric.name] == {*metric.labels} | of_buckets
    assert set(metrics.types) <= {metric.name for metric in METRICS}


def test_a_metric_without_a_sample_is_left_out() -> None:
    assert exposed(_labelled()) == ""


# --- Hostile names ------------------------------------------------------------------------------

_HOSTILE = (
    *HOSTILE_TEXTS,
    '"',
    "\\",
    '\\"',
    "\\n",
    "\n",
    'a"} 1\nmade_up_total{authority="b',
    "\n# EOF\n",
    "\x00",
    "\r",
    "\r\n",
    "\x0b\x0c\x1c\x1d\x1e\x85\x9b\x7f",
    "\u2028",
    "\u2029\ufeff\ufffe\uffff",
    "{},=#",
    " ",
    "",
    "a" * 100_000,
)


@pytest.mark.parametrize("value", _HOSTILE)
def test_any_text_comes_back_as_the_value_of_its_label(value: str) -> None:
    text = exposed(_labelled(value, "plain"))

    metrics = Metrics(text)
    shown = {"authority": value} if value else {}
    assert metrics.value("made_up_total", kind="known", **shown) == 0
    assert metrics.value("made_up_total", kind="known", authority="plain") == 1
    assert len(metrics.samples) == 2
    assert text.count("\n") == 4


@pytest.mark.property
@given(st.lists(st.text(), unique=True, max_size=5))
@example(["\n", "\\n", "\\\n", "\\\\n"])
@example(['"', '\\"'])
def test_different_texts_stay_different(values: list[str]) -> None:
    metrics = Metrics(exposed(_labelled(*values)))

    found = {labels.get("authority", ""): n for labels, n in metrics.of_name("made_up_total")}
    assert found == {value: number for number, value in enumerate(values)}


def test_a_help_text_is_one_line() -> None:
    text = exposed(_labelled("a", meaning='A "quote", a \\ and\na line.'))

    assert text.splitlines()[0] == r'# HELP made_up_total A "quote", a \\ and\na line.'


def test_numbers_are_exact() -> None:
    start = "2026-11-01T12:00:00.123456Z"
    record = served(bytes_sent=2**53 - 1, duration=12_345_678_901, start_time=start)
    summary = summarize(tally_of([record]), names_in_metrics=1)

    text = exposed(summary)

    assert f"\nenvoylogs_sent_bytes_total {2**53 - 1}\n" in text
    assert "\nenvoylogs_request_duration_seconds_sum 12345678.901\n" in text
    assert "\nenvoylogs_first_record_timestamp_seconds 1793534400.123456\n" in text


def test_strangers_put_no_control_character_into_the_output() -> None:
    text = exposed(_summary(hostile=True))

    assert all(" " <= character <= "~" for character in text.replace("\n", ""))
