"""The library: a lazy frame that reads what a query needs, and an analysis that says the same."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.handmade import (
    connection,
    fewer_examples,
    rare_records,
    served,
    tally_of,
    text_of,
    unrouted,
)
from tests.program import run

import envoylogs
from envoylogs import schema
from envoylogs.counted_frames import tally_of_frame
from envoylogs.errors import (
    MissingSourceError,
    SelectionError,
    TallyQuestionError,
    TextFormatError,
    UnknownKeyError,
)
from envoylogs.frames import SCANNED, Accounting, scanned_frame
from envoylogs.keyed.decoding import BATCH_RECORDS
from envoylogs.keyed.plan import ReadPlan
from envoylogs.sources.locate import locate
from envoylogs.summary.accounts import accounts
from envoylogs.summary.summary import summarize
from envoylogs.summary.tables import TABLE_NAMES

_SAMPLES = Path(__file__).parents[2] / "sample_logs"
_STORIES = ("first-steps", "lost-route", "scanners-and-tls", "canary", "shop", "text", "article")
each_sample = pytest.mark.parametrize("name", _STORIES)


def _sample(name: str) -> str:
    return str(_SAMPLES / name)


@pytest.fixture(scope="session")
def rare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rare") / "gateway.log"
    path.write_bytes(text_of(rare_records()))
    return path


# --- scan and read --------------------------------------------------------------------------------


def test_a_scan_has_all_columns_with_their_types() -> None:
    frame = envoylogs.scan(_sample("canary"))

    assert dict(frame.collect_schema()) == SCANNED
    assert dict(frame.collect().schema) == SCANNED
    assert list(SCANNED) == [*schema.NORMALIZED, *schema.DERIVED, *schema.POSITION]


@each_sample
@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_engines_read_the_same_rows_in_the_order_of_the_log(name: str, engine: Any) -> None:
    frame = envoylogs.scan(_sample(name)).collect(engine=engine)

    assert frame.equals(envoylogs.read(_sample(name)))
    assert (
        frame.group_by("source", maintain_order=True)
        .agg(pl.col("line").diff().drop_nulls().ge(0).all())["line"]
        .all()
    )


def test_only_the_columns_that_a_query_needs_are_asked_of_the_reader() -> None:
    plan = envoylogs.scan(_sample("canary")).filter(outcome="served").select("host").explain()

    assert f"PROJECT 2/{len(SCANNED)} COLUMNS" in plan
    assert "SELECTION: " in plan
    assert "ENVOYLOGS" in plan


def test_reading_ends_with_the_rows_that_are_wanted(tmp_path: Path) -> None:
    log = tmp_path / "long.log"
    log.write_bytes(text_of([served()]) * (3 * BATCH_RECORDS))
    lines = Accounting()
    frame = scanned_frame(locate([str(log)]), ReadPlan(), read=lines)

    assert frame.head(10).collect().height == 10
    assert accounts(lines.tally).records < 3 * BATCH_RECORDS
    assert frame.collect().height == 3 * BATCH_RECORDS


_COLUMNS = ("host", "outcome", "response_code", "duration_ms", "path_group", "upstream_cluster",
            "start_time", "client", "line")  # fmt: skip


@st.composite
def _queries(draw: st.DrawFn) -> Any:
    """Return a function from a lazy frame to a query of it."""
    condition = draw(
        st.sampled_from(
            [
                pl.col("response_code") >= 400,
                pl.col("host").is_null(),
                pl.col("host").str.contains("example"),
                pl.col("outcome").is_in(["served", "no_route"]),
                pl.col("duration_ms") > pl.col("upstream_service_time_ms"),
                pl.col("duration_ms").is_between(5, 40),
                pl.col("path_group").is_not_null() & (pl.col("kind") == "request"),
                pl.col("line") % 3 == 0,
                pl.col("start_time") > datetime(2026, 11, 1, 12, 0, 1, tzinfo=UTC),
                pl.col("duration_ms") > pl.col("duration_ms").mean(),
                pl.lit(value=True),
            ]
        )
    )
    other = draw(st.sampled_from([None, pl.col("method") == "GET", ~pl.col("host").is_null()]))
    names = draw(st.lists(st.sampled_from(_COLUMNS), min_size=1, unique=True))
    head = draw(st.none() | st.integers(0, 60))
    head_first = draw(st.booleans())

    def query(frame: pl.LazyFrame) -> pl.LazyFrame:
        if head is not None and head_first:
            frame = frame.head(head)
        frame = frame.filter(condition if other is None else condition & other).select(names)
        return frame.head(head) if head is not None and not head_first else frame

    return query


@pytest.mark.property
@fewer_examples(2)
@given(query=_queries(), engine=st.sampled_from(["in-memory", "streaming"]))
def test_any_query_has_the_answer_of_the_whole_frame(rare: Path, query: Any, engine: Any) -> None:
    lazy = query(envoylogs.scan(rare)).collect(engine=engine)
    eager = query(envoylogs.read(rare).lazy()).collect()

    assert lazy.equals(eager)


def test_words_mean_what_they_mean_on_the_command_line() -> None:
    log = _sample("lost-route")

    assert set(envoylogs.read(log, host="checkout.*", outcome="no_route")["outcome"]) == {
        "no_route"
    }
    assert set(envoylogs.read(log, code=[404, "5xx"])["response_code"]) == {404}
    assert envoylogs.read(log, where="duration_ms > 100")["duration_ms"].min() > 100  # type: ignore[operator]
    since = datetime(2026, 11, 24, 18, 15, 28, tzinfo=UTC)
    later = envoylogs.read(log, since=since, until="2026-11-24T18:15:40Z")["start_time"]
    assert later.min() >= since  # type: ignore[operator]
    assert later.max() < datetime(2026, 11, 24, 18, 15, 40, tzinfo=UTC)  # type: ignore[operator]


def test_keys_and_formats_of_ones_own(tmp_path: Path) -> None:
    log = tmp_path / "own.log"
    log.write_text('{"vhost":"a.example","response_code":200,"path":"/","x-team":"shop"}\n')
    text = tmp_path / "text.log"
    text.write_text("2026-11-01T12:00:00.000Z 503 /cart\n")

    own = envoylogs.read(log, map={"authority": "vhost"}, unknown_keys=True)
    form = "%START_TIME% %RESPONSE_CODE% %REQ(:PATH)%"

    assert own["authority"].to_list() == ["a.example"]
    assert own["unknown_keys"].to_list() == ['{"x-team":"shop"}']
    assert envoylogs.read(text, text_format=form)["response_code"].to_list() == [503]


def test_unknown_keys_are_those_that_no_column_holds(tmp_path: Path) -> None:
    log = tmp_path / "nested.log"
    log.write_text(
        '{"response":{"code":200,"size_mb":1},"authority":"a","tags":{"x":[1]}}\n'
        '{"response_code":200,"authority":"a"}\n'
    )

    found = envoylogs.read(log, unknown_keys=True)["unknown_keys"].to_list()

    assert found == ['{"response":{"size_mb":1},"tags":{"x":[1]}}', None]


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: envoylogs.scan("nowhere.log"), MissingSourceError),
        (lambda: envoylogs.scan(_sample("canary"), outcome="no_such"), SelectionError),
        (lambda: envoylogs.scan(_sample("canary"), where="hots = 1"), SelectionError),
        (lambda: envoylogs.scan(_sample("canary"), text_format="%"), TextFormatError),
        (lambda: envoylogs.scan(_sample("canary"), map={"nonsense": "x"}), UnknownKeyError),
        (lambda: envoylogs.scan(_sample("canary"), hots="x"), TypeError),  # type: ignore[call-arg]
        (lambda: envoylogs.analyze(pl.DataFrame({"host": ["a"]})), UnknownKeyError),
        (lambda: envoylogs.analyze(envoylogs.read(_sample("canary")), host="a"), TypeError),
        (lambda: envoylogs.analyze(_sample("canary")).table("autority"), UnknownKeyError),
    ],
)
def test_what_makes_no_sense_is_said_at_once(make: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        make()


def test_a_log_that_goes_away_is_our_error_when_it_is_read(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    log.write_bytes(text_of([served()]))
    frame = envoylogs.scan(log)
    log.unlink()

    with pytest.raises(envoylogs.EnvoylogsError, match="no such file"):
        frame.collect()


def test_a_saved_tally_has_no_records(tmp_path: Path) -> None:
    tally = tmp_path / "day.tally"
    envoylogs.analyze(_sample("canary")).save_tally(tally)

    with pytest.raises(TallyQuestionError):
        envoylogs.scan(tally)


# --- analyze --------------------------------------------------------------------------------------


@each_sample
def test_a_frame_says_what_its_log_says(name: str) -> None:
    of_log, of_frame = (
        envoylogs.analyze(_sample(name)),
        envoylogs.analyze(envoylogs.scan(_sample(name))),
    )

    assert of_frame.findings == of_log.findings
    assert of_frame.overview == of_log.overview
    for table in set(TABLE_NAMES) - {"sources", "examples", "gateways"}:
        assert of_frame.table(table).equals(of_log.table(table)), table


def test_a_frame_may_have_records_left_out() -> None:
    frame = envoylogs.read(_sample("lost-route")).filter(pl.col("host") != "checkout.example.com")

    assert envoylogs.analyze(frame).overview.unrouted == 10


def test_a_frame_needs_no_more_than_outcome_and_kind() -> None:
    frame = envoylogs.read(_sample("canary")).select("outcome", "kind", "authority")

    counted = envoylogs.analyze(frame)

    assert counted.overview.outcomes["upstream_5xx"] == 33
    assert "duration_ms" in counted.accounts.columns_never_seen


def test_a_frame_counts_as_its_records_do() -> None:
    records = [served(), unrouted(1), connection(2), served(None)]
    tally = tally_of(records)

    rows = envoylogs.analyze(tally).accounts
    assert rows.records == 4
    frame = pl.DataFrame(schema=SCANNED)
    assert summarize(tally_of_frame(frame)).overview.requests == 0


def test_tables_are_frames_with_times() -> None:
    analysis = envoylogs.analyze(_sample("lost-route"))

    assert analysis.table("rejections").schema["first"] == pl.Datetime("us", "UTC")
    assert analysis.table("timeline").schema["start"] == pl.Datetime("us", "UTC")
    assert analysis.table("findings")["since"].dtype == pl.Datetime("us", "UTC")
    assert analysis.table("not_found_ledger")["requests"].sum() == 62
    assert set(analysis.tables) == set(TABLE_NAMES)
    assert {name: analysis.table(name).height for name in analysis.tables}


_BY_TIME: dict[str, Any] = {"by": "outcome", "every": "5m"}


@pytest.mark.parametrize("of", ["log", "lazy frame", "frame", "tally", "saved tally"])
def test_a_table_by_columns_and_time_is_that_of_the_command(of: str, tmp_path: Path) -> None:
    log = _sample("canary")
    what: Any = {"log": log, "frame": envoylogs.read(log), "lazy frame": envoylogs.scan(log)}
    tally = envoylogs.analyze(log, **_BY_TIME)
    tally.save_tally(tmp_path / "day.tally")
    what |= {"tally": tally.tally, "saved tally": tmp_path / "day.tally"}
    done = run("summarize", log, "--by", "outcome", "--every", "5m", "--format", "json")
    expected = json.loads(done.stdout)

    found = envoylogs.analyze(what[of], **_BY_TIME)

    assert {"by", "connections_by"} < set(found.tables)
    table = found.table("by").with_columns(
        pl.col("start_time").dt.to_string("%Y-%m-%dT%H:%M:%S.000Z")
    )
    names = ("start_time", "outcome", "requests", "share", "errors")
    rows = [{name: row[name] for name in names} for row in expected["by"]["start_time,outcome"]]
    assert table.select(names).to_dicts() == rows
    assert _starts(found.table("timeline")) == ["18:10:00", "18:15:00"]
    assert _starts(found.table("splits_over_time")) == ["18:10:00", "18:15:00"]


def _starts(table: pl.DataFrame) -> list[str]:
    return sorted(set(table["start"].dt.to_string("%H:%M:%S")))


def test_stretches_of_time_begin_by_the_clock_of_a_zone() -> None:
    log, day = _sample("canary"), timedelta(days=1)

    utc, by_clock = (
        envoylogs.analyze(log, every=day, timezone=zone).table("by")["start_time"].to_list()
        for zone in (None, "Asia/Kolkata")
    )
    since = envoylogs.analyze(log, timezone="Asia/Kolkata", since="2026-11-24T23:45:00")

    assert utc == [datetime(2026, 11, 24, tzinfo=UTC)]
    assert by_clock == [datetime(2026, 11, 24, 18, 30, tzinfo=UTC) - day]
    assert since.overview == envoylogs.analyze(log, since="2026-11-24T18:15:00Z").overview


def test_a_tally_answers_by_what_it_counted_and_by_time_as_it_can() -> None:
    tally = envoylogs.analyze(_sample("canary")).tally

    with pytest.raises(TallyQuestionError, match="no counts by method"):
        envoylogs.analyze(tally, by="method")
    with pytest.raises(TallyQuestionError, match="no counts by start_time,method"):
        envoylogs.analyze(tally, by="method", every="5m")
    by_time = envoylogs.analyze(tally, every="5m")

    assert _starts(by_time.table("timeline")) == ["18:10:00", "18:15:00"]
    for name in ("by", "connections_by"):
        assert name not in by_time.tables
        with pytest.raises(TallyQuestionError, match="by= or every="):
            by_time.table(name)


def test_a_log_without_findings_has_a_table_of_none(tmp_path: Path) -> None:
    log = tmp_path / "quiet.log"
    log.write_bytes(text_of([served(n) for n in range(3)]))

    assert envoylogs.analyze(log).table("findings").height == 0
    assert "Nothing wrong was found" in envoylogs.analyze(log)._repr_html_()


def test_comparing_a_log_with_itself_changes_nothing() -> None:
    analysis = envoylogs.analyze(_sample("canary"))

    table = analysis.compare(analysis, by="upstream_cluster")

    for name in ("requests_change", "share_change", "errors_change"):
        assert table.filter(pl.col(name) != 0).is_empty()


def test_two_logs_are_compared_by_value() -> None:
    one, other = envoylogs.analyze(_sample("canary")), envoylogs.analyze(_sample("lost-route"))

    rows = {row["outcome"]: row for row in one.compare(other).to_dicts()}

    assert (rows["upstream_5xx"]["requests"], rows["upstream_5xx"]["requests_other"]) == (33, 0)
    assert rows["no_route"]["requests_change"] == -52
    with pytest.raises(UnknownKeyError):
        one.compare(other, by="weather")


def test_a_saved_tally_is_analyzed_like_its_log(tmp_path: Path) -> None:
    tally = tmp_path / "day.tally"
    analysis = envoylogs.analyze(_sample("canary"))
    analysis.save_tally(tally)

    again = envoylogs.analyze(tally)

    assert again.findings == analysis.findings
    assert len(again.timeline_figure().data) == len(analysis.timeline_figure().data)


def test_figures_of_a_tally_without_their_counts_are_refused_in_words() -> None:
    for method in ("timeline_figure", "latency_figure", "heat_map_figure"):
        with pytest.raises(TallyQuestionError, match="no counts for figures"):
            getattr(envoylogs.analyze(tally_of([served()])), method)()


def test_an_analysis_shows_itself_without_markup_from_the_log(rare: Path) -> None:
    shown = envoylogs.analyze(rare)._repr_html_()

    assert "<script" not in shown
    assert len(shown) < 10_000


def test_an_analysis_writes_the_page(tmp_path: Path) -> None:
    page = tmp_path / "report.html"

    envoylogs.analyze(_sample("canary")).report(page)

    assert "Content-Security-Policy" in page.read_text(encoding="utf-8")


@each_sample
def test_library_and_command_line_give_equal_numbers(name: str) -> None:
    import json

    analysis = envoylogs.analyze(_sample(name))
    command = [sys.executable, "-m", "envoylogs", "summarize", _sample(name), "--format", "json"]
    said = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)

    for column, rows in said["by"].items():
        table = analysis.table(column)
        assert table[column].to_list() == [row[column] for row in rows]
        for measure in ("requests", "errors", "unrouted", "bytes_sent"):
            assert table[measure].to_list() == [row[measure] for row in rows]
        assert table["latency_ms"].to_list() == [row["latency_ms"] for row in rows]
    assert [found.title for found in analysis.findings] == [f["title"] for f in said["findings"]]
    assert analysis.overview.not_found_ledger == said["overview"]["not_found_ledger"]


def test_the_package_loads_nothing_before_it_is_asked() -> None:
    code = (
        "import sys, envoylogs; assert 'scan' in dir(envoylogs);"
        "assert 'polars' not in sys.modules;"
        "envoylogs.scan; assert 'polars' in sys.modules; assert 'plotly' not in sys.modules;"
        "assert 'typer' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError):
        envoylogs.scam  # type: ignore[attr-defined]  # noqa: B018
