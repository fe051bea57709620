"""Every output says the same of a log: errors, findings, and whether anything is wrong at all."""

from __future__ import annotations

import html
import io
import json
import os
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from benchmarks.healthy import healthy
from tests.builders import Era, connection, record
from tests.closure.endings import CONNECTION_HARMS, HARMLESS, HARMS, NAMELESS, Ending, ending_of
from tests.closure.judging import actor, described, injected
from tests.closure.logs import all_alike, only, turned, turned_connections
from tests.exposition import Metrics
from tests.handmade import text_of

import envoylogs
from envoylogs.analysis import Analysis
from envoylogs.render.markdown import write_markdown
from envoylogs.render.records import write_json
from envoylogs.render.terminal.screen import write_text
from envoylogs.summary.summary import Summary, summarize

pytestmark = pytest.mark.property

_THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
_WORDS = "Nothing wrong was found"
_SHOWN = 5


def _analyzed(text: bytes, folder: Path) -> Analysis:
    log = folder / "gateway.log"
    log.write_bytes(text)
    return envoylogs.analyze(log)


def _rendered(write: Callable[..., None], summary: Summary, **more: Any) -> str:
    out = io.StringIO()
    write(summary, out, **more)
    return out.getvalue()


def _for_people(analysis: Analysis) -> dict[str, str]:
    """Return what people read, by output, in one line and without markup."""
    summary = analysis.summary
    texts = {
        "terminal": _rendered(write_text, summary, color=False, width=100_000),
        "markdown": re.sub(r"\\(.)", r"\1", _rendered(write_markdown, summary)),
        "notebook": html.unescape(re.sub(r"<[^>]+>", " ", analysis._repr_html_())),
    }
    return {name: re.sub(r"\s+", " ", text) for name, text in texts.items()}


def _disagreements(analysis: Analysis, errors: int, faults: int) -> list[str]:
    """Return what outputs say differently."""
    summary = summarize(analysis.tally, names_in_metrics=100)
    findings, wrong = summary.findings, []

    def compare(what: str, said: object, true: object) -> None:
        if said != true:
            wrong.append(f"{what}: {said}, not {true}")

    compare("errors", summary.overview.errors, errors)
    compare("injected faults", injected(summary), faults)
    compare("findings of the library", analysis.findings, findings)

    metrics = Metrics.of(summary)
    compare("Prometheus errors", metrics.value("envoylogs_errors_total"), errors)
    for label, values in (
        ("severity", Counter(found.severity.name.lower() for found in findings)),
        ("who", Counter(str(actor(found)) for found in findings)),
        ("state", Counter(found.state for found in findings)),
    ):
        compare(f"Prometheus {label}", metrics.by("envoylogs_findings", label), values)

    document: Any = json.loads(_rendered(write_json, summary))
    compare("JSON errors", document["overview"]["errors"], errors)
    said = [(row["code"], row["severity"], row["who"], row["title"], row["requests"], row["of"])
            for row in document["findings"]]  # fmt: skip
    true = [(found.code, found.severity.name.lower(), str(actor(found)), found.title,
             found.requests, found.of) for found in findings]  # fmt: skip
    compare("JSON findings", said, true)

    shown = [found.title for found in findings if found.severity.name != "INFO"][:_SHOWN]
    shown = shown or [found.title for found in findings][:_SHOWN]
    titles = [re.sub(r"\s+", " ", found.title) for found in findings]
    for name, text in _for_people(analysis).items():
        compare(f"findings in {name}", [title for title in titles if title in text],
                [re.sub(r"\s+", " ", title) for title in shown])  # fmt: skip
    return wrong


def _assert_agree(text: bytes, folder: Path, errors: int, faults: int = 0) -> Analysis:
    analysis = _analyzed(text, folder)
    wrong = _disagreements(analysis, errors, faults)
    said = "\n".join(f"  {line}" for line in wrong)
    assert not wrong, f"outputs disagree:\n{said}\n{described(analysis.summary)}"
    return analysis


def _says_nothing_is_wrong(analysis: Analysis) -> list[str]:
    texts = _for_people(analysis) | {
        "json": _rendered(write_json, analysis.summary), "repr": repr(analysis),
    }  # fmt: skip
    return [name for name, text in texts.items() if _WORDS in text]


def _some(endings: tuple[Ending, ...], every: int) -> list[Ending]:
    return list(endings if _THOROUGH else endings[::every])


@pytest.mark.parametrize("ending", _some(HARMS, 16), ids=str)
def test_outputs_agree_on_a_host_that_is_harmed(ending: Ending, tmp_path: Path) -> None:
    for log in (turned(ending, ending.eras[0], "agree"), only(ending, ending.eras[-1], "agree")):
        analysis = _assert_agree(log.text, tmp_path, log.errors, log.injected)

        assert not _says_nothing_is_wrong(analysis), described(analysis.summary)


@pytest.mark.parametrize("ending", _some(HARMLESS, 8), ids=str)
def test_outputs_agree_that_harmless_endings_are_no_errors(ending: Ending, tmp_path: Path) -> None:
    for era in ending.eras:
        _assert_agree(turned(ending, era, "agree").text, tmp_path, 0)


@pytest.mark.parametrize("ending", CONNECTION_HARMS[:: 1 if _THOROUGH else 7], ids=str)
@pytest.mark.parametrize("accepted", [True, False])
def test_outputs_agree_on_connections(ending: Any, accepted: bool, tmp_path: Path) -> None:  # noqa: FBT001
    log = turned_connections(ending, "agree", accepted=accepted)

    analysis = _assert_agree(log.text, tmp_path, 0)

    assert not _says_nothing_is_wrong(analysis), described(analysis.summary)


def test_outputs_agree_on_many_services_that_fail_alike(tmp_path: Path) -> None:
    log, _ = all_alike([(HARMS[0], 0.4), (HARMS[-12], 0.6)], 12, "agree")

    _assert_agree(log.text, tmp_path, log.errors, log.injected)


@pytest.mark.parametrize("seed", range(100, 160 if _THOROUGH else 104))
def test_outputs_agree_on_healthy_logs_and_none_is_called_flawless(
    seed: int, tmp_path: Path
) -> None:
    log = healthy(seed, most=3000)

    analysis = _assert_agree(log.text, tmp_path, log.errors)

    assert analysis.overview.requests == log.requests
    if log.errors or log.refusals:
        assert not _says_nothing_is_wrong(analysis), described(analysis.summary)


# --- "Nothing wrong was found" ------------------------------------------------------------------


def _served(count: int) -> list[dict[str, Any]]:
    return [record(start_time=f"2026-01-02T03:{n // 60:02}:{n % 60:02}.000Z") for n in range(count)]


def test_a_log_without_a_flaw_says_so_and_what_was_looked_at(tmp_path: Path) -> None:
    analysis = _assert_agree(text_of(_served(60)), tmp_path, 0)

    for name, text in _for_people(analysis).items():
        assert f"{_WORDS}" in text, name
        assert "of 60 requests all were served" in text, f"{name}: {text}"


_SCATTERED = [ending for ending in (*HARMS, *NAMELESS) if Era.V1_9 in ending.eras
              and not (ending.code == 404 and ending.details == "via_upstream")]  # fmt: skip


@pytest.mark.parametrize("ending", _some(tuple(_SCATTERED), 13), ids=str)
def test_one_request_that_went_wrong_among_a_thousand_is_not_nothing(
    ending: Ending, tmp_path: Path
) -> None:
    records = _served(1000)
    records[500] = ending_of(ending, records[500], Era.V1_9, Random(1))
    if ending in NAMELESS:
        records[500]["authority"] = None

    analysis = _assert_agree(text_of(records), tmp_path, int(ending.is_error), int(ending.injected))

    assert not _says_nothing_is_wrong(analysis), described(analysis.summary)


@pytest.mark.parametrize("ending", CONNECTION_HARMS[:9], ids=str)
def test_one_connection_that_failed_among_hundreds_is_not_nothing(
    ending: Any, tmp_path: Path
) -> None:
    times = [found["start_time"] for found in _served(300)]
    records = [connection(start_time=time) for time in times]
    records[150] |= {"response_flags": ending.flags, **dict(ending.changes)}

    analysis = _assert_agree(text_of(records), tmp_path, 0)

    assert not _says_nothing_is_wrong(analysis), described(analysis.summary)


@pytest.mark.parametrize(
    "unreadable",
    [
        b'{"start_time":"2026-01-02T03:04:05Z","response_code":200,"method":"GE\n',
        text_of([record(response_code="**200**")]),
        text_of([record(start_time="yesterday")]),
    ],
    ids=["a line that is cut", "a code", "a time"],
)
def test_what_could_not_be_read_is_not_nothing(unreadable: bytes, tmp_path: Path) -> None:
    analysis = _analyzed(text_of(_served(60)) + unreadable + text_of(_served(60)), tmp_path)

    assert not _says_nothing_is_wrong(analysis), described(analysis.summary)
