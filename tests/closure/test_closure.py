"""No harm goes unsaid: every way to be worse off has a finding with the right time and actor."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import Any

import pytest
from benchmarks.healthy import healthy
from tests.closure.endings import (
    BARE,
    DETAILED,
    HARMLESS,
    HARMS,
    NAMELESS,
    Ending,
)
from tests.closure.judging import (
    about,
    alarms,
    counted_wrong,
    described,
    injected,
    mistimed,
    wrong_actor,
)
from tests.closure.logs import Log, only, turned

from envoylogs.envoy.details import RESPONSE_CODE_DETAILS, reading_of
from envoylogs.envoy.flags import RESPONSE_FLAGS

pytestmark = pytest.mark.property

_THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
_SEEDS = range(6 if _THOROUGH else 1)
_CROWD = 4000
_CROWDS = (5, 6)
"""Seeds of healthy logs of some thousand requests over many hours."""


def _rows(endings: tuple[Ending, ...], *, every: int = 1) -> list[Any]:
    """Return rows in one of their eras in turn, only some; a thorough test has all in all eras."""
    chosen = []
    for place, ending in enumerate(endings):
        eras = ending.eras
        if not _THOROUGH:
            # So that which rows are left out has nothing to do with their era.
            eras = (eras[place // every % len(eras)],) if place % every == 0 else ()
        chosen += [pytest.param(ending, era, id=f"{ending} {era}".replace(" ", "_"))
                   for era in eras]  # fmt: skip
    return chosen


def _alone(endings: tuple[Ending, ...]) -> tuple[Ending, ...]:
    # The others, so that each era has each kind of log.
    return tuple(ending for ending in reversed(endings) if ending.alone)


# --- The table itself ---------------------------------------------------------------------------


def test_the_table_has_every_flag_and_every_detail_that_is_known_and_unknown_ones() -> None:
    rows = [*HARMS, *HARMLESS, *NAMELESS]
    flags = {flag for row in rows for flag in row.flags.split(",")}
    details = {reading_of(row.details) for row in rows if row.details}
    known = {detail for detail in RESPONSE_CODE_DETAILS if detail.match != "filter_chain_not_found"}

    assert {flag.short for flag in RESPONSE_FLAGS} - flags == set()
    assert flags - {flag.short for flag in RESPONSE_FLAGS} == {"-", "XNEW"}
    assert {detail.match for detail in known if detail not in details} == set()
    assert None in details
    assert {row.code for row in HARMS} >= {
        0, 200, 400, 401, 403, 404, 408, 413, 429, 431, 500, 501, 502, 503, 504, 507, 600,
    }  # fmt: skip


def test_no_row_is_twice_in_the_table_and_each_says_who_must_act_or_why_nobody() -> None:
    rows = [*HARMS, *HARMLESS]

    assert len({(str(row), row.eras) for row in rows}) == len(rows)
    assert all(row.who and not row.why for row in HARMS)
    assert all(row.why and not row.who and not row.is_error for row in HARMLESS)
    assert all(row.why and row.who for row in NAMELESS)


# --- Harm ---------------------------------------------------------------------------------------


def _told_wrong(log: Log, ending: Ending, *, timed: bool = True) -> list[str]:
    """Return what is wrong with what is said of a log in which one service is harmed."""
    found = [finding for finding in alarms(log.summary) if about(finding, log.names)]
    others = [finding for finding in alarms(log.summary) if finding not in found]
    wrong = [f"{other.code} is about somebody else: {other.title}" for other in others]
    if log.summary.overview.errors != log.errors:
        wrong.append(f"{log.summary.overview.errors} errors, not {log.errors}")
    if injected(log.summary) != log.injected:
        wrong.append(f"{injected(log.summary)} injected faults, not {log.injected}")
    if not found:
        return [f"no finding names {' or '.join(log.names)}", *wrong]
    if len(found) > 1:
        wrong.append(f"{len(found)} findings of one cause")
    wrong += wrong_actor(found[0], ending.who)
    wrong += counted_wrong(log, found[0])
    if timed:
        wrong += mistimed(log, found[0])
    elif found[0].since is not None:
        wrong.append(f"{found[0].code}: it was so from the start and has a since")
    return wrong


def _assert_right(log: Log, wrong: list[str], row: Ending, how: str) -> None:
    said = "\n".join(f"  {text}" for text in wrong)
    assert not wrong, f"{row} ({how}):\n{said}\n{described(log.summary)}"


@pytest.mark.parametrize(("ending", "era"), _rows(HARMS))
def test_a_served_host_whose_requests_end_so_from_some_time_on_has_a_finding(
    ending: Ending, era: Any
) -> None:
    for seed in _SEEDS:
        log = turned(ending, era, seed)

        _assert_right(log, _told_wrong(log, ending), ending, f"{era}, seed {seed}")


@pytest.mark.parametrize(("ending", "era"), _rows(HARMS, every=7))
def test_what_has_ended_says_so_and_keeps_its_severity(ending: Ending, era: Any) -> None:
    for seed in _SEEDS:
        log = turned(ending, era, seed, ended=True)
        wrong = _told_wrong(log, ending)
        ongoing = log.until_the_last_harmed().summary
        severities = [
            min((found.severity for found in alarms(summary) if about(found, log.names)),
                default=None)
            for summary in (log.summary, ongoing)
        ]  # fmt: skip
        if severities[0] != severities[1]:
            ended, was = (None if found is None else found.name for found in severities)
            wrong.append(f"it is {ended}, and was {was} while it went on")

        _assert_right(log, wrong, ending, f"ended, {era}, seed {seed}")


@pytest.mark.parametrize(("ending", "era"), _rows(_alone(HARMS), every=3))
def test_an_only_host_whose_requests_all_end_so_has_a_finding(ending: Ending, era: Any) -> None:
    for seed in _SEEDS:
        log = only(ending, era, seed)

        _assert_right(log, _told_wrong(log, ending, timed=False), ending, f"only, {era}, {seed}")


_IN_A_CROWD = HARMS[:: 5 if _THOROUGH else 40]


@pytest.mark.parametrize("ending", _IN_A_CROWD, ids=str)
@pytest.mark.parametrize("ended", [False, True], ids=["ongoing", "ended"])
def test_a_busy_gateway_whose_time_buckets_are_wide_hides_no_harm(
    ending: Ending,
    ended: bool,  # noqa: FBT001
) -> None:
    crowd = healthy(_CROWDS[ended], most=_CROWD)
    log = turned(ending, ending.eras[0], "busy", ended=ended)
    log = replace(log, errors=log.errors + crowd.errors, besides=crowd.text)
    assert (log.summary.bucket_seconds or 0) >= 60

    # Whether strangers' noise is taken for harm is asked of healthy logs.
    wrong = [text for text in _told_wrong(log, ending) if "about somebody else" not in text]

    _assert_right(log, wrong, ending, f"busy, {'ended' if ended else 'ongoing'}")


# --- No harm ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ending", "era"), _rows(HARMLESS))
def test_what_is_no_harm_is_no_finding(ending: Ending, era: Any) -> None:
    for seed in _SEEDS:
        for log in (turned(ending, era, seed), only(ending, era, seed)):
            wrong = [f"{found.code}: {found.title}" for found in alarms(log.summary)]
            if log.summary.overview.errors:
                wrong.append(f"{log.summary.overview.errors} errors")

            _assert_right(log, wrong, ending, f"harmless since {ending.why}, {era}, seed {seed}")


def test_the_eras_are_told_apart_by_what_their_records_lack() -> None:
    (harm,) = [row for row in HARMS if str(row) == "503 UH no_healthy_upstream chosen"]
    detailed, bare = (turned(harm, era, 0).text for era in (DETAILED, BARE))

    assert b'"response_code_details": "no_healthy_upstream"' in detailed
    assert b'"response_code": 503' in detailed
    assert b"response_code_details" not in bare
    assert re.search(rb'"response_code": "503"', bare)
