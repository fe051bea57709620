"""Tables, splits and the timeline by stretches of time against plain loops over the log."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from benchmarks import generator
from hypothesis import given
from hypothesis import strategies as st
from tests.handmade import Record, fewer_examples, served, source_of, text_of

from envoylogs.errors import UnknownKeyError
from envoylogs.keyed.decoding import batches
from envoylogs.pipeline import tally_sources
from envoylogs.summary.sorting import Sort
from envoylogs.summary.summary import Summary, summarize
from envoylogs.tally.ladder import Buckets
from envoylogs.tally.spec import TallySpec

if TYPE_CHECKING:
    from collections.abc import Sequence

Row = dict[str, Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BERLIN = "Europe/Berlin"


@cache
def _log() -> bytes:
    """Return three days of requests, among them the hour that Berlin's clocks have twice."""
    days = b"".join(generator.lines(900, seed=5, rate_per_second=900 / 250_000))
    night = [
        served(
            start_time=f"{datetime(2026, 10, 24, 20, tzinfo=UTC) + timedelta(minutes=7 * n):%FT%TZ}"
        )
        for n in range(120)
    ]
    return days + text_of([*night, served(start_time="-")])


@cache
def _requests() -> list[Row]:
    frames = [batch.frame for batch in batches([source_of(_log())])]
    rows = [row for frame in frames if frame is not None for row in frame.to_dicts()]
    return [row for row in rows if row["kind"] == "request"]


def _us(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _start(moment: datetime | None, width_s: int, zone: str | None = None) -> int | None:
    """Return the start of a bucket as a person finds it on a clock."""
    if moment is None:
        return None
    if zone is None:
        return _us(moment) // (width_s * 1_000_000) * (width_s * 1_000_000)
    local = moment.astimezone(ZoneInfo(zone))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if width_s == 86_400:
        return _us(midnight)
    # Quarters and hours: what has passed of the hour on the clock.
    passed = (local.minute * 60 + local.second) % width_s
    return _us(moment) - passed * 1_000_000 - local.microsecond


def _summary(by: Sequence[str], width_s: int, zone: str | None = None) -> Summary:
    spec = TallySpec(by=tuple(by), every_s=width_s, timezone=zone)
    tally = tally_sources([source_of(_log())], spec=spec)
    return summarize(tally, by=by, buckets=Buckets(width_s, zone))


_WIDTHS = [1, 60, 900, 3600, 86_400]


@pytest.mark.parametrize("zone", [None, _BERLIN, "Asia/Kolkata"])
@pytest.mark.parametrize("width_s", _WIDTHS)
def test_requests_by_time_and_a_column_are_those_of_a_plain_loop(
    width_s: int, zone: str | None
) -> None:
    by = ("start_time", "upstream_subset")
    requests: Counter[tuple[int | None, str | None]] = Counter()
    sizes: Counter[tuple[int | None, str | None]] = Counter()
    for row in _requests():
        key = _start(row["start_time"], width_s, zone), row["upstream_subset"]
        requests[key] += 1
        sizes[key] += row["bytes_sent"] or 0
    of_bucket: Counter[int | None] = Counter()
    for (start, _), n in requests.items():
        of_bucket[start] += n

    found = _summary(by, width_s, zone).table("by")

    rows = found.to_dicts()
    assert {tuple(row[name] for name in by): row["requests"] for row in rows} == requests
    assert {tuple(row[name] for name in by): row["bytes_sent"] for row in rows} == sizes
    for row in rows:
        assert row["share"] == pytest.approx(row["requests"] / of_bucket[row["start_time"]])
    starts = found["start_time"].to_list()
    assert starts == sorted(starts, key=lambda start: (start is None, start))


@pytest.mark.parametrize("zone", [None, _BERLIN])
@pytest.mark.parametrize("width_s", _WIDTHS)
def test_the_timeline_and_the_splits_follow(width_s: int, zone: str | None) -> None:
    summary = _summary((), width_s, zone)
    starts = Counter(_start(row["start_time"], width_s, zone) for row in _requests())

    timeline = summary.table("timeline")
    splits = summary.table("splits_over_time")

    assert summary.bucket_seconds == width_s
    assert dict(timeline.select("start", "requests").iter_rows()) == starts
    whole = {
        (split["route_name"], split["authority"]): split["requests"]
        for split in summary.table("splits").to_dicts()
    }
    sums: Counter[tuple[str | None, str | None]] = Counter()
    shares: defaultdict[tuple[object, ...], float] = defaultdict(float)
    for row in splits.to_dicts():
        sums[row["route_name"], row["authority"]] += row["requests"]
        shares[row["route_name"], row["authority"], row["start"]] += row["share"]
        assert row["share_low"] <= row["share"] <= row["share_high"]
        assert row["error_share"] == pytest.approx(row["errors"] / row["requests"])
    # Those without a time are in no bucket.
    untimed = sum(row["start_time"] is None for row in _requests())
    assert sum(whole.values()) - sum(sums.values()) == untimed
    assert all(share == pytest.approx(1) for share in shares.values())


def test_alone_shares_are_of_all_requests() -> None:
    rows = _summary(("start_time",), 3600).table("by")

    assert rows["share"].sum() == pytest.approx(1)
    assert (
        (rows["share"] * len(_requests()))
        .round()
        .cast(pl.Int64)
        .equals(rows["requests"], check_dtypes=False)
    )


@pytest.mark.property
@fewer_examples(5)
@given(held=st.sampled_from((60, 900, 3600)), asked=st.integers(1, 9000))
def test_wider_buckets_are_made_of_those_that_a_tally_has(held: int, asked: int) -> None:
    by = ("start_time", "response_code")
    spec = TallySpec(by=by, every_s=held)
    tally = tally_sources([source_of(_log())], spec=spec)

    found = summarize(tally, by=by, buckets=Buckets(asked)).table("by")

    width = -(-asked // held) * held
    assert width >= asked
    expected = Counter(
        (_start(row["start_time"], width), row["response_code"]) for row in _requests()
    )
    assert {tuple(row[:2]): row[2] for row in found.iter_rows()} == expected


def test_parts_add_up_to_the_whole() -> None:
    lines = _log().splitlines(keepends=True)
    spec = TallySpec(by=("start_time", "host"), every_s=3600, timezone=_BERLIN)
    parts = [tally_sources([source_of(b"".join(lines[n::3]))], spec=spec) for n in range(3)]
    whole = tally_sources([source_of(_log())], spec=spec)

    for name in ("asked_traffic", "asked_latency", "timeline"):
        merged = parts[0].merge(*parts[1:]).state(name).canonical()
        assert merged.equals(whole.state(name).canonical()), name


def test_the_timeline_of_a_month_is_as_fine_as_asked() -> None:
    start = datetime(2026, 11, 1, tzinfo=UTC)
    log = [served(start_time=f"{start + timedelta(minutes=11 * n):%FT%TZ}") for n in range(3900)]

    def width(spec: TallySpec) -> int | None:
        return summarize(tally_sources([source_of(text_of(log))], spec=spec)).bucket_seconds

    assert width(TallySpec()) == 21_600
    assert width(TallySpec(every_s=900)) == 900
    assert width(TallySpec(every_s=600)) == 300


# --- Sorting ------------------------------------------------------------------------------------


def _timed(*takes_ms: int, path: str) -> list[Record]:
    return [served(path=path, duration=took, upstream_service_time=str(took)) for took in takes_ms]


@cache
def _paths() -> Summary:
    log = [
        *_timed(10, 20, 900, path="/slow"),
        *_timed(1, 2, 3, 4, path="/often"),
        *_timed(50, path="/once"),
    ]
    spec = TallySpec(by=("path_group",))
    return summarize(tally_sources([source_of(text_of(log))], spec=spec), by=("path_group",))


@pytest.mark.parametrize(
    ("asked", "paths"),
    [
        ("p99", ["/slow", "/once", "/often"]),
        ("latency_ms_p50", ["/once", "/slow", "/often"]),
        ("p99:asc", ["/often", "/once", "/slow"]),
        ("requests", ["/often", "/slow", "/once"]),
        ("path_group", ["/often", "/once", "/slow"]),
        ("path_group:desc", ["/slow", "/once", "/often"]),
        ("2xx", ["/often", "/slow", "/once"]),
    ],
)
def test_a_table_is_sorted_by_any_column_as_people_name_it(asked: str, paths: list[str]) -> None:
    found = Sort.of(asked).sorted(_paths().table("by"))

    assert found["path_group"].to_list() == paths


def test_times_are_sorted_as_they_follow_each_other() -> None:
    timeline = _summary((), 3600).table("timeline")

    assert Sort.of("start").sorted(timeline).equals(timeline)
    assert Sort.of("start:desc").sorted(timeline)["start"][0] == timeline["start"].max()


@pytest.mark.parametrize("asked", ["p9", "latency", "p99:up"])
def test_what_a_table_can_t_be_sorted_by_is_said(asked: str) -> None:
    with pytest.raises(UnknownKeyError, match="is not a known"):
        Sort.of(asked).sorted(_paths().table("by"))
