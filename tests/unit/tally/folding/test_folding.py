"""Long names and names that look like folded ones: the same in all states of a tally."""

from __future__ import annotations

import io
from typing import Any

import polars as pl
import pytest
from tests.handmade import HOST, connection, served, tally_of, unrouted

from envoylogs.envoy.traffic import host_of
from envoylogs.render.csv_table import write_csv
from envoylogs.summary.breakdown import COLUMNS, asked_table
from envoylogs.summary.judged import Judged
from envoylogs.summary.slices import SLICE_COLUMNS
from envoylogs.summary.summary import summarize
from envoylogs.tally.folding.marks import FOLDED, FOLDED_KNOWN, FOLDED_MARKS
from envoylogs.tally.spec import TallySpec
from envoylogs.tally.tally import Tally

_NAMES = ("authority", "route_name", "upstream_cluster", "upstream_host", "response_flags")
_SPEC = TallySpec(joint=("kind", "host", *_NAMES), by=("host", *_NAMES, "response_code_details"))
_LENGTHS = (512, 513, 600, 1000, 2040, 2047, 2048, 2049, 2100)


def _long(length: int, end: str) -> str:
    """Return a name that differs from others of its length at its end only."""
    return "n" * (length - len(end)) + end


def _log() -> list[dict[str, Any]]:
    records = []
    for length in _LENGTHS:
        for end in ("a", "b"):
            name = _long(length, end)
            records += [
                served(authority=name, route_name=name, upstream_cluster=name),
                served(authority=f"{name}:8080", upstream_host=f"{name}:9090"),
                served(upstream_host=name, response_code_details=name, response_flags=name),
                unrouted(authority=name),
                connection(requested_server_name=name.upper()),
            ]
    return records


def test_examples_are_of_names_that_counts_have() -> None:
    tally = tally_of([unrouted(authority=_long(length, "a")) for length in _LENGTHS], spec=_SPEC)

    examples = set(tally.evidence.frame["authority"])

    assert {len(name) for name in examples} == {min(length, 2048) for length in _LENGTHS}
    assert examples == set(tally.traffic.frame["authority"])


def _counts(rows: pl.DataFrame, keys: tuple[str, ...]) -> list[tuple[object, ...]]:
    return sorted(rows.group_by(keys).agg(pl.col("requests").sum()).rows(), key=repr)


def test_a_long_name_is_the_same_in_joint_counts_and_in_all_others() -> None:
    tally = tally_of(_log(), spec=_SPEC)
    connected = pl.col("kind") == "connection"
    server_name = pl.col("requested_server_name").str.to_lowercase()
    host = pl.when(connected).then(server_name).otherwise(host_of(pl.col("authority")))
    traffic = tally.traffic.frame.with_columns(host.alias("host"))
    either = pl.col("requests") + pl.col("connections")
    keys = ("kind", "host", *_NAMES)

    assert _counts(tally.joint.frame.with_columns(either.alias("requests")), keys) == _counts(
        traffic, keys
    )
    assert traffic["authority"].str.len_chars().max() == 2048
    # Two ends of each length that is not cut, and the beginning of the others.
    assert {len(name) for name in traffic["upstream_cluster"].drop_nulls()} >= {513, 2048}
    assert traffic["route_name"].n_unique() == 2 * 7 + 1 + 2


def test_tables_that_were_asked_for_have_the_long_names_of_those_of_every_summary() -> None:
    summary = summarize(tally_of(_log(), spec=_SPEC))
    judged = Judged(tally_of(_log(), spec=_SPEC))

    for column in set(COLUMNS) & set(_SPEC.by):
        # Counted by ``host`` too, it is not taken from what every tally has.
        asked = asked_table(judged, ("host", column))
        counted = asked.group_by(column).agg(pl.col("requests", "errors").sum())
        usual = summary.table(column).select(column, "requests", "errors")
        assert sorted(counted.rows(), key=repr) == sorted(usual.rows(), key=repr), column


def test_a_long_host_that_was_routed_is_known_in_every_slice() -> None:
    log = [served(authority=_long(length, "a")) for length in _LENGTHS] * 3
    # A port that is cut leaves another host, and that one in all tables.
    log += [
        unrouted(60, authority=f"{_long(length, 'a')}:8080") for length in _LENGTHS if length < 2044
    ]
    summary = summarize(tally_of(log, spec=TallySpec(joint=SLICE_COLUMNS)))

    assert summary.slices is not None
    assert summary.slices.combinations.filter(~pl.col("known")).is_empty()
    assert summary.overview.noise["requests"] == 0


@pytest.mark.parametrize("mark", [FOLDED, FOLDED_KNOWN])
@pytest.mark.parametrize("form", ["{}", "{}:80", "{}:8080", "outbound|80||{}", "/{}/", "x{}x"])
def test_no_name_of_a_log_holds_what_is_shown_as_folded_names(mark: str, form: str) -> None:
    text = form.format(mark)
    columns = ("authority", "method", "path", "route_name", "upstream_cluster", "upstream_host",
               "response_flags", "response_code_details", "x_forwarded_for")  # fmt: skip
    record: dict[str, Any] = dict.fromkeys(columns, text) | {"downstream_remote_address": None}
    log = [served(**record), unrouted(**record, requested_server_name=text),
           connection(requested_server_name=text.upper(), upstream_cluster=text)]  # fmt: skip
    asked = ("client", "upstream_service", "upstream_subset", "path", "host")

    tally = tally_of(log, spec=TallySpec(by=asked, joint=SLICE_COLUMNS))

    assert _holding_marks(tally) == []
    summary = summarize(tally)
    assert not summary.folds
    assert summary.slices is not None
    for rows in (summary.slices.combinations, summary.slices.examples):
        assert _texts_with_marks(rows) == []


def test_clusters_that_are_called_like_folded_ones_are_shown_apart() -> None:
    clusters = (FOLDED, f"outbound|80||{FOLDED}", FOLDED_KNOWN)
    tally = tally_of([served(authority=HOST, upstream_cluster=name) for name in clusters])
    out = io.StringIO()

    write_csv(summarize(tally), out, "upstream_cluster")

    assert tally.traffic.frame["upstream_cluster"].n_unique() == len(clusters)
    assert "other" not in out.getvalue().split("\n", 1)[1]


def _holding_marks(tally: Tally) -> list[tuple[str, str]]:
    found = []
    for name in ("traffic", "latency_by_group", "latency_by_trait", "asked_traffic", "joint",
                 "asked_latency", "known_names", "timeline", "paths", "evidence"):  # fmt: skip
        found += [(name, column) for column in _texts_with_marks(tally.state(name).frame)]
    return found


def _texts_with_marks(rows: pl.DataFrame) -> list[str]:
    texts = [name for name, dtype in rows.schema.items() if dtype == pl.String()]
    return [
        name
        for name in texts
        if any(mark in (text or "").lower() for text in rows[name] for mark in FOLDED_MARKS)
    ]
