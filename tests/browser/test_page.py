"""The page as people use it: by mouse, by keyboard, on a phone, on paper, with hostile names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import axe_playwright_python
import pytest
from tests.browser.reports import SAMPLES, report_of, report_of_records

if TYPE_CHECKING:
    from playwright.sync_api import Page

_AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
_HOSTILE = (
    "<img src=x onerror=alert(1)>", "</script><script>alert(1)</script>", "<b>bold</b>",
    "a|b`c", "=HYPERLINK(1)", "tur\u202ened\u200b", "__proto__", "constructor", "-", "&lt;i&gt;",
)  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of the sample log with the most findings."""
    return report_of(SAMPLES / "shop", tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def first_steps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of the sample log whose worst finding is about noise."""
    return report_of(SAMPLES / "first-steps", tmp_path_factory.mktemp("steps"))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of a log whose hosts, paths and routes are attacks."""
    folder = tmp_path_factory.mktemp("hostile")
    shape = json.loads((SAMPLES / "shop" / "gateway.log").read_text().splitlines()[0])
    lines = [
        shape | {"authority": text, "path": f"/{text}", "route_name": text, "request_id": text,
                 "upstream_cluster": text, "response_code": code, "response_flags": flags,
                 "response_code_details": details}
        for text in _HOSTILE
        for code, flags, details in ((200, "-", "via_upstream"), (404, "NR", "route_not_found"))
    ]  # fmt: skip
    return report_of_records(lines, folder)


def _fragment(page: Page) -> str:
    found: str = page.evaluate("location.hash.slice(1)")
    return found


def _totals(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate("envoylogs.results().totals")
    return found


def _violations(page: Page) -> list[str]:
    page.evaluate(_AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")
    return [f"{of['id']}: {of['nodes'][0]['target']}" for of in found["violations"]]


def test_a_finding_sets_its_filters_and_takes_them_off(shop: Path, opened: Any) -> None:
    with opened(shop) as page:
        card = page.locator(".card .pick").first
        card.click()
        assert _fragment(page) == "host=checkout.example.com&outcome=no_route"
        assert card.get_attribute("aria-pressed") == "true"
        assert _totals(page)["requests"] == _totals(page)["unrouted"] == 23

        page.keyboard.press("Enter")
        assert _fragment(page) == ""
        assert card.get_attribute("aria-pressed") == "false"


def test_a_card_says_what_to_do_next_with_commands_apart(shop: Path, opened: Any) -> None:
    with opened(shop) as page:
        card = page.locator(".card").first
        words = card.locator("details p").last.text_content()
        assert words.startswith("Next: What was applied just before? kubectl get virtualservice -A")
        assert card.locator("details code").all_text_contents() == [
            "kubectl get virtualservice -A | grep checkout.example.com",
            "kubectl get httproute -A | grep checkout.example.com",
        ]


def test_what_a_finding_took_the_place_of_comes_back(shop: Path, opened: Any) -> None:
    fragment = "host=api.example.com&code_class=2xx"
    with opened(shop, fragment=f"#{fragment}") as page:
        page.locator(".card .pick").first.click()
        page.locator(".card .pick").nth(1).click()
        assert "host=api" not in _fragment(page)
        page.locator(".card .pick").nth(1).click()
        assert _fragment(page) == fragment


def test_what_was_chosen_meanwhile_is_not_undone(shop: Path, opened: Any) -> None:
    with opened(shop, fragment="#host=api.example.com") as page:
        card = page.locator(".card .pick").first
        card.click()
        filters = page.evaluate("envoylogs.view.get().filters")
        page.get_by_label("Show noise").check()
        page.locator("#reset").click()
        page.evaluate("filters => envoylogs.view.set({ filters })", filters)
        card.click()
        assert _fragment(page) == ""

        card.click()
        page.get_by_label("Show noise").check()
        card.click()
        assert _fragment(page) == "noise=shown"


def test_the_way_past_the_filters_leaves_them(shop: Path, opened: Any) -> None:
    with opened(shop, fragment="#host=api.example.com") as page:
        page.locator("#skip").focus()
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        assert _fragment(page) == "host=api.example.com"


def test_a_link_that_can_hold_nothing_says_so(shop: Path, opened: Any) -> None:
    fragment = "#from=2026-11-01T12:15:00Z&to=2026-11-01T12:05:00Z"
    with opened(shop, fragment=fragment) as page:
        assert page.locator("#hints").inner_text().startswith("From is not before to")
        page.locator("#reset").click()
        assert page.locator("#hints").is_hidden()


def test_noise_apart_is_in_no_example(shop: Path, opened: Any) -> None:
    with opened(shop) as page:
        hosts = set(page.evaluate("envoylogs.results().tables.host.map((row) => row.host)"))
        page.locator("#table-examples .more").click()
        cells = page.locator("#table-examples tbody td:nth-child(3)").all_inner_texts()
        assert cells
        assert set(cells) <= hosts
        page.get_by_label("Show noise").check()
        page.evaluate("envoylogs.pending.finish()")
        shown = page.locator("#table-examples tbody td:nth-child(3)").all_inner_texts()
        assert len(shown) > len(cells)


def test_connections_that_failed_are_on_the_chart_and_beside_their_host(
    tmp_path: Path, opened: Any
) -> None:
    with opened(report_of(SAMPLES / "scanners-and-tls", tmp_path)) as page:
        heading = page.locator("#timeline-title").inner_text()
        assert heading == "Requests and failed connections over time, by who must act"
        over_time = page.evaluate("envoylogs.results().over_time")
        totals = _totals(page)
        drawn = sum(map(sum, over_time["series"]))
        assert drawn + over_time["noise"] == totals["requests"] + totals["connections"]
        assert over_time["noise"] == totals["noise"] + totals["noise_connections"]
        assert "gateway configuration" in page.locator("#legend").inner_text()
        assert "connections" in page.locator("#table-host thead").inner_text()


def test_a_finding_about_noise_shows_it(first_steps: Path, opened: Any) -> None:
    with opened(first_steps) as page:
        page.get_by_label("Show noise").uncheck()
        assert _fragment(page) == "noise=apart"
        card = page.locator(".card .pick").first
        card.click()
        assert page.get_by_label("Show noise").is_checked()
        assert page.locator("#table-host tbody .value").count() > 0
        card.click()
        assert _fragment(page) == "noise=apart"


_DRAWN = """() => [...document.querySelectorAll(".shares .figure")].map(({ data }) =>
  data.map(({ name, y, customdata, marker }) => ({ name, y, customdata, color: marker.color })))"""


def test_a_split_has_a_figure_of_its_shares_that_follows_filters(
    tmp_path: Path, opened: Any
) -> None:
    with opened(report_of(SAMPLES / "canary", tmp_path)) as page:
        assert page.locator("#shares h3").all_inner_texts() == [
            "reviews.example.com, route reviews"
        ]
        assert page.locator("#shares .legend li").all_inner_texts() == [
            "reviews.shop:80 v1", "reviews.shop:80 v2",
        ]  # fmt: skip
        ((one, two),) = page.evaluate(_DRAWN)
        shares = [(a, b) for a, b in zip(one["y"], two["y"], strict=True) if a is not None]
        assert [a + b for a, b in shares] == [pytest.approx(1)] * len(shares)
        requests = [int(said.split(", ")[1].split()[0]) for said in two["customdata"] if said]
        assert sum(requests) == 68

        page.evaluate("envoylogs.view.set({ filters: { outcome: ['upstream_5xx'] } })")
        page.evaluate("envoylogs.pending.finish()")
        ((failing,),) = page.evaluate(_DRAWN)
        assert (failing["name"], failing["color"]) == (two["name"], two["color"])
        assert {share for share in failing["y"] if share is not None} == {1}

        page.evaluate("envoylogs.view.set({ filters: { host: ['shop.example.com'] } })")
        page.evaluate("envoylogs.pending.finish()")
        assert page.evaluate(_DRAWN) == []
        assert page.locator("#shares .nothing").is_visible()


def test_a_log_without_a_split_has_no_place_for_them(tmp_path: Path, opened: Any) -> None:
    with opened(report_of(SAMPLES / "lost-route", tmp_path)) as page:
        assert page.locator("#shares").is_hidden()


def test_many_splits_of_many_clusters_with_hostile_names(tmp_path: Path, opened: Any) -> None:
    shape = json.loads((SAMPLES / "shop" / "gateway.log").read_text().splitlines()[0])
    lines = [
        shape | {"authority": f"h{host}.example.com", "route_name": f"<b>{host}",
                 "upstream_cluster": f"{cluster}%{{y}}{text}"}
        for host in range(8)
        for cluster, text in enumerate(_HOSTILE)
        for _ in range(host + 1)
    ]  # fmt: skip
    with opened(report_of_records(lines, tmp_path)) as page:
        drawn = page.evaluate(_DRAWN)
        assert [len(traces) for traces in drawn] == [6] * 6
        assert drawn[0][-1]["name"] == "5 other clusters"
        assert len({trace["color"] for trace in drawn[0]}) == 6
        assert "6 routes with most requests of 8" in page.locator("#shares .head").inner_text()
        assert page.locator("#shares h3").first.inner_text() == "h7.example.com, route <b>7"
        assert page.locator("#shares b, #shares img, #shares script").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 1440


def test_figures_below_the_chart_show_the_chosen_time(shop: Path, opened: Any) -> None:
    with opened(shop, fragment="#from=2026-11-01T12:06:00Z&to=2026-11-01T12:07:00Z") as page:
        bins = page.evaluate("envoylogs.results().bins")
        assert bins["chosen"]["width_s"] < bins["all"]["width_s"]
        assert bins["chosen"]["starts"][-1] - bins["chosen"]["starts"][0] < 60
        rows = page.evaluate("envoylogs.results().latency_over_time")
        answered = _totals(page)["latency_ms"]["count"]
        assert sum(row["count"] for row in rows) == answered > 0


def test_example_lines_follow_every_filter(shop: Path, opened: Any) -> None:
    with opened(shop) as page:
        page.get_by_label("Show noise").check()
        page.evaluate("envoylogs.pending.finish()")
        every = page.locator("#table-examples .more").inner_text()
        assert every == "Show all 47"
        gateways = page.evaluate("envoylogs.results().tables.gateway.map((row) => row.gateway)")
        shown = 0
        for gateway in gateways:
            page.evaluate("gateway => envoylogs.view.set({ filters: { gateway } })", gateway)
            page.evaluate("envoylogs.pending.finish()")
            if page.locator("#table-examples .more").is_visible():
                page.locator("#table-examples .more").click()
            shown += page.locator("#table-examples tbody tr").count()
            page.locator("#table-examples .more").click()
        assert shown == 47


def test_many_values_of_one_filter_are_one_chip(shop: Path, opened: Any) -> None:
    paths = "&".join(f"path_group=/p{n}" for n in range(9))
    with opened(shop, fragment=f"#{paths}&path_group=/") as page:
        chips = page.locator("#chips button span:first-child").all_inner_texts()
        assert chips == ["path: 10 values"]
        assert _totals(page)["requests"] == 27
        page.locator("#chips button").click()
        assert _fragment(page) == ""


def test_a_drag_over_the_chart_chooses_whole_bars_in_utc(shop: Path, opened: Any) -> None:
    with opened(shop) as page:
        page.wait_for_selector("#figure-timeline .nsewdrag")
        box = page.locator("#figure-timeline .nsewdrag").bounding_box()
        page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 40)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 40, steps=5)
        page.mouse.up()
        page.wait_for_selector("#chips button")
        assert _fragment(page) == "from=2026-11-01T12:06:00Z&to=2026-11-01T12:12:00Z"
        assert page.locator("input.time").first.input_value() == "2026-11-01 12:06:00"
        bars = page.evaluate("envoylogs.results().over_time.series.flatMap((bins) => [...bins])")
        assert sum(bars) > _totals(page)["requests"]  # the chart keeps its window


_TIMES = (
    ("2026-11-01 12:05", "from=2026-11-01T12:05:00Z"),
    ("12:05", "from=2026-11-01T12:05:00Z"),
    ("2026-11-01T14:05:00+02:00", "from=2026-11-01T12:05:00Z"),
    ("2026-11-01T12:05:00.400Z", "from=2026-11-01T12:05:00Z"),
    ("12:05:00Z", "from=2026-11-01T12:05:00Z"),
    ("2026-11-01T12:02:30.5", "from=2026-11-01T12:02:30Z"),
    ("soon", ""),
    ("2026-02-30", ""),
    ("2026-11-01 25:00", ""),
    ("2026-11-01 12:10", ""),  # the end of the selection
)


def test_times_are_written_in_several_ways(shop: Path, opened: Any) -> None:
    with opened(shop, fragment="#to=2026-11-01T12:10:00") as page:  # UTC, wherever it is read
        page.evaluate("envoylogs.view.set({ noise: 'shown' })")
        field = page.locator("input.time").first
        for written, fragment in _TIMES:
            field.fill(written)
            field.press("Enter")
            assert (field.get_attribute("aria-invalid") == "true") is (not fragment), written
            wanted = [fragment, "to=2026-11-01T12:10:00Z", "noise=shown"]
            assert _fragment(page) == "&".join(filter(None, wanted)), written
            field.fill("")
            field.press("Enter")


def test_the_keyboard_alone_filters(shop: Path, opened: Any) -> None:
    with opened(shop) as page:
        page.locator("details.filter summary").first.focus()
        for key in ("Enter", "ArrowDown", "ArrowDown", "Space", "ArrowDown", "Space"):
            page.keyboard.press(key)
            page.wait_for_timeout(50)
        assert _fragment(page) == "host=shop.example.com&host=api.example.com"
        page.keyboard.press("Escape")
        assert page.locator("details.filter[open]").count() == 0
        assert page.evaluate("document.activeElement.textContent") == "Host 2"

        page.locator("#chips button").first.focus()
        page.keyboard.press("Enter")
        assert _fragment(page) == "host=api.example.com"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "reset"

        page.locator("#table-response_code .value").first.focus()
        page.keyboard.press("Enter")
        assert _fragment(page) == "response_code=200"
        assert page.evaluate("document.activeElement.textContent") == "200"


def test_the_address_holds_the_view(shop: Path, opened: Any) -> None:
    fragment = "host=api.example.com&code_class=2xx&to=2026-11-01T12:10:00Z&noise=shown"
    with opened(shop, fragment=f"#{fragment}") as page:
        assert page.evaluate("envoylogs.view.get()") == {
            "from": None,
            "to": "2026-11-01T12:10:00Z",
            "noise": "shown",
            "filters": {"host": ["api.example.com"], "code_class": ["2xx"]},
        }
        page.locator("#reset").click()
        assert _fragment(page) == ""
        page.go_back()
        page.wait_for_selector("#chips button")
        assert _fragment(page) == fragment


def test_an_address_of_nonsense_is_shown_as_it_is(shop: Path, opened: Any) -> None:
    fragment = "#host=__proto__&host=%3Cimg%3E&outcome=-&from=never&bogus=1&noise=loud"
    with opened(shop, fragment=fragment) as page:
        assert _totals(page)["requests"] == 0
        chips = page.locator("#chips button span:first-child").all_inner_texts()
        assert chips == ["host: __proto__", "host: <img>", "outcome: -"]


def test_names_from_a_log_stay_text(hostile: Path, opened: Any) -> None:
    with opened(hostile) as page:
        page.evaluate("envoylogs.view.set({ noise: 'shown' })")
        page.wait_for_timeout(200)
        text = page.locator("body").inner_text()
        for name in ("<img src=x onerror=alert(1)>", "<b>bold</b>", "tur\\u202ened\\u200b"):
            assert name in text
        assert "\u202e" not in text
        assert page.locator("img").count() == 0
        hosts = page.locator("#table-host tbody .value").all_inner_texts()
        assert {"__proto__", "constructor"} <= set(hosts)
        page.get_by_role("button", name="constructor", exact=True).first.click()
        assert "host: constructor" in page.locator("#chips").inner_text()


def test_a_cell_of_csv_is_no_formula(hostile: Path, opened: Any) -> None:
    with opened(hostile) as page:
        with page.expect_download() as saved:
            page.locator("#table-host .tools button").click()
        assert saved.value.suggested_filename == "envoylogs-host.csv"
        lines = Path(saved.value.path()).read_text(encoding="utf-8").splitlines()
    assert lines[0] == "host,requests,share,unrouted,errors,latency_ms_p50,latency_ms_p99"
    assert any(line.startswith("'=hyperlink(1),") for line in lines)
    assert not any(line.startswith("=") for line in lines)


def test_markdown_has_findings_filters_and_hosts(shop: Path, opened: Any) -> None:
    with opened(shop, fragment="#host=api.example.com") as page:
        page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text }")
        page.locator("#copy-markdown").click()
        copied = page.evaluate("window.copied")
        assert page.evaluate("said.at(-1)") == "Markdown copied"
    assert "1. **CRITICAL** checkout.example.com lost its route" in copied
    assert "Selected: `host: api.example.com`" in copied
    assert "| `api.example.com` | 129 | 100 % |" in copied


def test_what_no_clipboard_takes_is_shown(shop: Path, opened: Any) -> None:
    with opened(shop) as page:
        page.evaluate(
            "navigator.clipboard.writeText = () => Promise.reject(new Error('no'));"
            "document.execCommand = () => false"
        )
        page.locator("#copy-link").click()
        page.wait_for_selector("#by-hand[open]")
        assert page.locator("#by-hand textarea").input_value().startswith("file://")


def test_tables_sort_and_search(shop: Path, opened: Any) -> None:
    with opened(shop) as page:
        page.locator("#table-host thead button").first.click()
        hosts = page.locator("#table-host tbody .value").all_inner_texts()
        assert hosts == sorted(hosts)
        assert page.locator("#table-host th[aria-sort=ascending]").count() == 1

        page.locator("#table-examples .search").fill("checkout")
        shown = page.locator("#table-examples tbody tr").all_inner_texts()
        assert shown
        assert all("checkout" in row for row in shown)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_keeps_people_out(scheme: str, width: int, shop: Path, opened: Any) -> None:
    settings = {
        "color_scheme": scheme,
        "viewport": {"width": width, "height": 900},
        "bypass_csp": True,  # axe is a script of its own
    }
    with opened(shop, fragment="#outcome=no_route&from=2026-11-01T12:06:00Z", **settings) as page:
        page.locator("details.filter summary").first.click()
        page.wait_for_timeout(300)
        assert _violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_a_chosen_theme_stays(shop: Path, opened: Any) -> None:
    with opened(shop) as page:
        light = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.select_option("#theme", "dark")
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert dark != light
        page.reload()
        page.wait_for_selector("html.ready")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark


def test_paper_has_no_controls(shop: Path, opened: Any) -> None:
    with opened(shop, fragment="#host=api.example.com") as page:
        page.emulate_media(media="print")
        for hidden in ("#reset", "#theme", "#table-host .tools"):
            assert not page.locator(hidden).is_visible()
        assert page.locator("#chips").is_visible()
