"""Pages of odd logs: strays, no times, connections alone, and names that had to be folded."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from benchmarks import generator
from tests.browser.reports import SAMPLES, report_of, report_of_records
from tests.handmade import connection, served, unrouted

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def coarse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a page that had to give up detail: wide buckets, folded names."""
    folder = tmp_path_factory.mktemp("coarse")
    log = folder / "gateway.log"
    log.write_bytes(b"".join(generator.lines(25_000, seed=5, rate_per_second=1)))
    return report_of(log, folder, "--max-joint-rows", "5000")


def test_a_record_of_another_age_is_counted_and_not_drawn(tmp_path: Path, opened: Any) -> None:
    lines = [served(seconds) for seconds in range(0, 600, 2)]
    stray = served(start_time="0001-01-01T00:00:00.000Z")
    with opened(report_of_records([*lines, stray], tmp_path)) as page:
        assert page.evaluate("envoylogs.results().totals.requests") == 301
        assert len(page.evaluate("envoylogs.results().bins.all.starts")) == 120
        words = page.locator("#noise-note")
        assert words.inner_text().strip() == "Without 1 record of times far from these."

        page.locator("input.time").first.fill("12:05")
        page.locator("input.time").first.press("Enter")
        assert "Without 1 record of times" in words.inner_text()
        page.locator("#reset").click()

        page.locator("input.time").nth(1).fill("1970-01-01")
        page.locator("input.time").nth(1).press("Enter")
        assert page.evaluate("envoylogs.results().totals.requests") == 1
        assert len(page.evaluate("envoylogs.results().bins.all.starts")) <= 120
        assert not words.inner_text()
        assert page.evaluate("envoylogs.results().latency_over_time[0].count") == 1


def test_a_record_of_the_far_future_is_drawn_once_its_time_is_chosen(
    tmp_path: Path, opened: Any
) -> None:
    lines = [served(seconds) for seconds in range(300)]
    stray = served(start_time="9999-12-31T23:59:59.000Z", duration=77)
    page_of_lines = report_of_records([*lines, stray], tmp_path)
    with opened(page_of_lines, fragment="#from=2100-01-01T00:00:00Z") as page:
        assert page.evaluate("envoylogs.results().totals.requests") == 1
        rows = page.evaluate("envoylogs.results().latency_over_time.filter((row) => row.count)")
        assert [row["p99"] for row in rows] == [77]


def test_a_record_without_a_time_has_no_time_in_any_row(tmp_path: Path, opened: Any) -> None:
    lines = [served(seconds) for seconds in range(100)]
    other = {"authority": "b.example"}
    lines += [unrouted(10, **other), unrouted(None, **other)]
    page_of_lines = report_of_records(lines, tmp_path)
    with opened(page_of_lines, fragment="#noise=shown") as page:
        (row,) = page.evaluate("envoylogs.results().tables.rejections")
        assert row["requests"] == 2
        assert row["first"] == row["last"]
        assert "Without 1 record without a time" in page.locator("#noise-note").inner_text()


def test_a_log_without_times_has_no_figures_of_time(tmp_path: Path, opened: Any) -> None:
    with opened(report_of_records([served(None), unrouted(None)], tmp_path)) as page:
        assert page.evaluate("envoylogs.results().totals.requests") == 2
        assert page.locator("input.time").count() == 0
        for figure in ("timeline", "latency", "heat-map"):
            assert page.locator(f"#figure-{figure}").is_hidden()


def test_a_log_of_connections_shows_those(tmp_path: Path, opened: Any) -> None:
    lines = [connection(seconds, requested_server_name="db.example.com") for seconds in range(9)]
    with opened(report_of_records(lines, tmp_path)) as page:
        heading = page.locator("#timeline-title").inner_text()
        assert heading == "Connections over time, by who must act"
        heads = page.locator("#table-host thead th:visible").all_inner_texts()
        assert heads[:3] == ["host", "connections", "requests"]
        row = page.locator("#table-host tbody tr").first.inner_text().split("\t")
        assert row[:3] == ["db.example.com", "9", "0"]
        assert page.locator("#figure-latency").is_hidden()


def test_a_selection_that_nobody_answered_has_words_for_a_figure(
    tmp_path: Path, opened: Any
) -> None:
    lines = [served(1), unrouted(2, path="/none")]
    page_of_lines = report_of_records(lines, tmp_path)
    with opened(page_of_lines, fragment="#outcome=no_route&noise=shown") as page:
        assert (
            "No request that an upstream answered" in page.locator("#figure-latency").inner_text()
        )
        assert (
            "No request that an upstream answered" in page.locator("#figure-heat-map").inner_text()
        )


def test_a_time_inside_a_bucket_is_moved_and_that_is_said(coarse: Path, opened: Any) -> None:
    with opened(coarse) as page:
        start = page.evaluate("envoylogs.results().bins.all.starts[3]")
        field = page.locator("input.time").first
        field.fill(datetime.fromtimestamp(start + 7, UTC).isoformat())
        field.press("Enter")
        shown = f"{datetime.fromtimestamp(start, UTC):%Y-%m-%d %H:%M:%S}"
        words = page.evaluate("said.at(-1)")
        assert words.startswith(f"Moved to {shown}: counts are by the ")
        assert field.input_value() == shown

        field.fill("2020-01-01")
        field.press("Enter")
        assert page.evaluate("said.at(-1)").endswith("no filter.")


def test_an_example_whose_value_was_folded_goes_with_all_others(coarse: Path, opened: Any) -> None:
    with opened(coarse) as page:
        page.evaluate("envoylogs.view.set({ noise: 'shown' })")
        page.locator("#table-examples .more").click()
        rows = page.locator("#table-examples tbody tr")
        cells = page.evaluate(
            """[...document.querySelectorAll("#table-examples tbody tr")].map((row) =>
              [1, 2].map((cell) => row.cells[cell].querySelector("button")?.textContent ?? null))"""
        )
        # Server names of refused connections are hosts that have no request.
        hosts = page.evaluate(
            """["host", "rejections"].flatMap((name) =>
              envoylogs.results().tables[name].map((row) => row.host ?? "-"))"""
        )
        assert all(outcome for outcome, _ in cells)
        assert all(host is None or host in hosts for _, host in cells)
        folded = sum(host is None for _, host in cells)
        assert folded > 0

        marks = [host for host in hosts if host.startswith("\0")]
        page.evaluate("host => envoylogs.view.set({ filters: { host } })", marks)
        page.evaluate("envoylogs.pending.finish()")
        assert rows.count() == folded


def test_a_link_to_what_was_folded_says_where_it_is_counted(coarse: Path, opened: Any) -> None:
    with opened(coarse, fragment="#host=no-such-host.example.com") as page:
        words = page.locator("#hints").inner_text()
        assert words.startswith("host no-such-host.example.com is not counted apart")


def test_percentiles_that_are_near_are_said_to_be(coarse: Path, opened: Any) -> None:
    with opened(coarse) as page:
        page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text }")
        page.locator("#copy-markdown").click()
        copied = page.evaluate("window.copied")
        assert " ms, within " in copied
        assert "counted together as" in copied
        assert "≈ p99 ms" in page.locator("#table-host thead").inner_text()


def test_a_link_into_a_bucket_is_moved_and_its_address_too(coarse: Path, opened: Any) -> None:
    with opened(coarse) as page:
        start, width = page.evaluate(
            "[envoylogs.results().bins.all.starts[3], "
            "JSON.parse(document.querySelector('#meta').textContent).width_s]"
        )
    assert width > 1
    inside, edge = (
        datetime.fromtimestamp(time, UTC).isoformat().replace("+00:00", "Z")
        for time in (start + 1, start)
    )
    with opened(coarse, fragment=f"#from={inside}") as page:
        assert page.evaluate("location.hash") == f"#from={edge}"
        assert page.evaluate("said.at(-1)").startswith("Moved to ")


def test_what_the_gateway_turned_away_is_within_the_log_however_wide_its_buckets(
    coarse: Path, opened: Any
) -> None:
    with opened(coarse) as page:
        heads = page.locator("#table-rejections thead th").all_inner_texts()
        assert {"from", "to"} <= set(heads)
        first, last = page.evaluate(
            "JSON.parse(document.querySelector('#meta').textContent).window"
        )
        for row in page.evaluate("envoylogs.results().tables.rejections"):
            assert first // 1_000_000 <= row["first"] <= row["last"] <= last // 1_000_000 + 1


def test_a_page_of_folded_hosts_has_no_split_of_theirs(coarse: Path, opened: Any) -> None:
    with opened(coarse) as page:
        assert (
            "Without routes and hosts that were folded" in page.locator("#table-split").inner_text()
        )
        split = page.evaluate("envoylogs.results().tables.split.map((row) => row.host)")
        assert not [host for host in split if host and host.startswith("\0")]


def test_without_scripts_there_is_nothing_to_press(browser: Any, tmp_path: Path) -> None:
    page_of_shop = report_of(SAMPLES / "shop", tmp_path)
    with browser.new_context(java_script_enabled=False, offline=True) as context:
        page = context.new_page()
        page.goto(page_of_shop.as_uri())
        assert page.locator(".card").count() == 3
        assert page.locator("noscript").is_visible()
        assert page.locator("#reset").is_hidden()
        assert page.locator("#table-host").is_hidden()
