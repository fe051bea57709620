"""What limits of memory did to the numbers, in words."""

from __future__ import annotations

from functools import cache

import pytest
from benchmarks import generator, strangers
from tests.handmade import served, source_of, tally_of

from envoylogs.pipeline import tally_sources
from envoylogs.render.caveats import folded_of
from envoylogs.render.formatting import span
from envoylogs.summary.in_words import listing
from envoylogs.summary.slices import SLICE_COLUMNS
from envoylogs.summary.summary import Summary, summarize
from envoylogs.tally.ladder import WIDTHS_S
from envoylogs.tally.spec import TallySpec

_MORE = "Counting the log again with a larger"
_OTHERS = "are counted together as (all others); totals are exact."


@cache
def _strangers(spec: TallySpec) -> Summary:
    return summarize(tally_sources([source_of(b"".join(strangers.lines(400)))], spec=spec))


@cache
def _hour(spec: TallySpec) -> Summary:
    data = b"".join(generator.lines(1500, seed=2, rate_per_second=0.6))
    return summarize(tally_sources([source_of(data)], spec=spec))


def test_nothing_is_said_of_a_log_within_its_limits() -> None:
    assert folded_of(_hour(TallySpec(joint=SLICE_COLUMNS))) is None


def test_folded_names_are_said_in_the_words_of_people_with_the_option_that_keeps_them() -> None:
    summary = _strangers(TallySpec(max_names=5))
    columns = summary.folds.columns
    hosts, clusters = columns["authority"], columns["upstream_cluster"]

    words = folded_of(summary) or ""

    assert words.startswith(f"At least {hosts.names_at_least} hosts ({hosts.requests} records), ")
    assert f" and {clusters.names_at_least} clusters ({clusters.requests} records) " in words
    assert words.endswith(f"{_OTHERS} {_MORE} --max-names keeps more names.")


def test_hosts_that_are_in_joint_counts_too_are_said_once_and_with_their_records() -> None:
    summary = _strangers(TallySpec(max_names=5, joint=SLICE_COLUMNS))

    words = folded_of(summary) or ""

    assert words.count(" hosts ") == 1
    assert "--max-joint-rows" not in words
    for column, folded in summary.folds.columns.items():
        assert folded.requests >= folded.names_at_least > 0, column


def test_names_that_joint_counts_alone_have_are_counted() -> None:
    log = [served(n, user_agent=f"agent {n}") for n in range(9)]
    summary = summarize(tally_of(log, spec=TallySpec(max_names=4, joint=("user_agent",))))

    assert (folded_of(summary) or "").startswith("At least 5 user agents (5 records) are counted ")


def test_percentiles_are_said_to_be_near() -> None:
    words = folded_of(_hour(TallySpec(max_latency_rows=2000))) or ""

    assert "% of the exact ones. " in words
    assert f"{_MORE} --max-latency-rows keeps them exact." in words


def test_what_joint_counts_gave_up_is_said_with_what_shows_it() -> None:
    page = folded_of(_hour(TallySpec(joint=SLICE_COLUMNS, max_joint_rows=300))) or ""
    table = folded_of(_hour(TallySpec(joint=("host",), max_joint_rows=900))) or ""

    beginning = "On the page and in --table joint records are counted by hour, latencies are within"
    assert page.startswith(f"{beginning} 25.0 % and some hosts (")
    assert page.endswith(f"{_OTHERS} {_MORE} --max-joint-rows keeps more detail.")
    assert table.startswith("In --table joint ")
    assert _OTHERS not in table


@pytest.mark.parametrize("max_names", [3, 10, 10_000])
@pytest.mark.parametrize("rows", [1, 100, 400, 10**6])
def test_nothing_is_said_of_no_records(max_names: int, rows: int) -> None:
    spec = TallySpec(max_names=max_names, joint=("host", "client", "path_group"),
                     max_joint_rows=rows)  # fmt: skip

    for summary in (_strangers(spec), _hour(spec)):
        assert "(0 records)" not in (folded_of(summary) or "")


def test_stretches_of_time_are_in_their_largest_unit() -> None:
    assert [span(width) for width in WIDTHS_S] == [
        "second", "5 seconds", "15 seconds", "minute", "5 minutes", "15 minutes", "hour",
        "6 hours", "day",
    ]  # fmt: skip
    assert span(7 * 86_400) == "7 days"


def test_lists_are_those_of_sentences() -> None:
    assert [listing(list("abc")[:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]
