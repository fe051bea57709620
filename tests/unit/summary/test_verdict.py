"""Whether anything is wrong, in a sentence whose numbers add up."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.handmade import (
    MemorySource,
    Record,
    connection,
    failed,
    fewer_examples,
    refused_connection,
    reset,
    served,
    source_of,
    summary_of,
    text_of,
    unrouted,
    without,
)

from envoylogs.pipeline import tally_sources
from envoylogs.summary.summary import Summary, summarize
from envoylogs.summary.verdict import State, Verdict, verdict
from envoylogs.tally.spec import DEFAULT_SPEC, TallySpec

if TYPE_CHECKING:
    from collections.abc import Callable

_MANY = 2000


def _said(*records: Record) -> Verdict:
    return summary_of(records).verdict


def _busy() -> list[Record]:
    return [served(n / 10) for n in range(_MANY)]


def _denied(seconds: float = 0.0) -> Record:
    return failed(seconds, 403, "-", "rbac_access_denied_matched_policy[none]")


def _left(seconds: float = 0.0) -> Record:
    return failed(seconds, 0, "DC", "downstream_remote_disconnect")


def _injected(seconds: float = 0.0) -> Record:
    return failed(seconds, 503, "FI", "fault_filter_abort")


def _stray(seconds: float = 0.0) -> Record:
    return unrouted(seconds, authority="stray.example.org")


def _not_found(seconds: float = 0.0) -> Record:
    return served(seconds, response_code=404)


def _untold(seconds: float = 0.0) -> Record:
    keys = ("response_flags", "response_code_details", "upstream_host", "upstream_service_time",
            "upstream_cluster", "route_name")  # fmt: skip
    return without([served(seconds)], *keys)[0]


def _failed_connection(seconds: float = 0.0) -> Record:
    return connection(seconds, response_flags="UF,URX")


def _refused_known(seconds: float = 0.0) -> Record:
    return refused_connection(seconds, requested_server_name="db.example.com")


def _refused_stray(seconds: float = 0.0) -> Record:
    return refused_connection(seconds, requested_server_name="stray.example.org")


def test_a_log_in_which_all_was_served_says_of_how_many() -> None:
    assert _said(*_busy()) == Verdict(
        State.CLEAR, "Nothing wrong was found: of 2,000 requests all were served."
    )
    assert _said(served()).says == "Nothing wrong was found: of 1 request all were served."


def test_connections_are_looked_at_too() -> None:
    assert _said(*_busy(), connection(1)) == Verdict(
        State.CLEAR,
        "Nothing wrong was found: of 2,000 requests all were served and of 1 connection all were "
        "passed on.",
    )


def test_strangers_stand_apart() -> None:
    assert _said(*_busy(), _stray(1), connection(2), _refused_stray(3)) == Verdict(
        State.CLEAR,
        "Nothing wrong was found: of 2,001 requests 2,000 were served (1 request of strangers "
        "apart) and of 2 connections 1 was passed on (1 connection of strangers apart).",
    )


def test_a_finding_above_info_is_trouble_and_the_worst_is_named() -> None:
    resets = [reset(200 + n / 10) for n in range(300)]
    found = _said(*_busy(), *resets)

    assert found == Verdict(State.TROUBLE, "shop.shop:80 closes connections before it answers.")


def test_the_other_findings_are_counted() -> None:
    resets = [reset(200 + n / 10) for n in range(300)]
    denied = [
        failed(200 + n / 10, 504, "UT", "response_timeout", upstream_cluster="outbound|80||b.shop")
        for n in range(100)
    ]

    assert _said(*_busy(), *resets, *denied).says.endswith(". And 1 more finding.")


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (reset, "1 failed (0.05 %)"),
        (unrouted, "1 had no route on known hosts"),
        (_denied, "1 was refused by the gateway"),
        (_not_found, "1 was answered 4xx by applications"),
        (_left, "1 was left by its client"),
        (_injected, "1 was aborted by fault rules"),
    ],
)
def test_what_is_too_little_for_a_finding_is_counted(
    harm: Callable[[float], Record], words: str
) -> None:
    assert _said(*_busy(), harm(1.0)) == Verdict(
        State.QUIET, f"Nothing stands out: of 2,001 requests 2,000 were served; {words}."
    )


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (_failed_connection, "1 connection failed"),
        (_refused_known, "1 connection was refused"),
    ],
)
def test_a_connection_that_failed_or_was_refused_is_counted(
    harm: Callable[[float], Record], words: str
) -> None:
    found = _said(*(connection(n / 10) for n in range(_MANY)), harm(1.0))

    assert found == Verdict(
        State.QUIET, f"Nothing stands out: of 2,001 connections 2,000 were passed on; {words}."
    )


def test_several_kinds_of_harm_are_one_sentence() -> None:
    found = _said(*_busy(), reset(1), _denied(2), _denied(3), _untold(4))

    assert found.says == (
        "Nothing stands out: of 2,004 requests 2,000 were served; 1 failed (0.05 %), 2 were "
        "refused by the gateway and of 1 too little is logged to tell."
    )


def _summary(data: bytes, spec: TallySpec = DEFAULT_SPEC) -> Summary:
    source: MemorySource = source_of(data)
    return summarize(tally_sources([source], spec=spec))


def test_what_could_not_be_read_is_said_where_nothing_else_is() -> None:
    found = _summary(text_of(_busy()) + b'{"start_time": "2026-11-01T12:00:00.0').verdict

    assert found == Verdict(
        State.UNCLEAR,
        "Nothing wrong shows in what could be read: of 2,000 requests all were served; "
        "1 line is malformed.",
    )


def test_values_that_could_not_be_read_are_said() -> None:
    found = _said(*_busy(), served(1, duration="soon"), served(2, bytes_sent="some"))

    assert found.state is State.UNCLEAR
    assert found.says.endswith("all were served; 2 values can't be read.")


def test_requests_of_which_too_little_is_logged_are_said() -> None:
    found = _said(*_busy(), _untold(1))

    assert found == Verdict(
        State.UNCLEAR,
        "Nothing wrong shows in what could be read: of 2,001 requests 2,000 were served; "
        "of 1 too little is logged to tell.",
    )


def test_names_that_were_folded_and_are_in_trouble_are_said() -> None:
    few = [
        served(n, authority=f"{name}.example.com", upstream_cluster=f"outbound|80||{name}.ns")
        for name in "abc"
        for n in range(200)
    ]
    lost = reset(300, authority="d.example.com", upstream_cluster="outbound|80||d.ns")
    found = _summary(text_of([*few, lost]), TallySpec(max_names=2)).verdict

    assert found == Verdict(
        State.UNNAMED,
        "No finding, but 1 error is of names that were folded; --max-names keeps more.",
    )


@pytest.mark.parametrize("records", [[], [served(0, upstream_cluster="agent")]])
def test_a_log_without_requests_says_so(records: list[Record]) -> None:
    assert _said(*records) == Verdict(State.EMPTY, "No request.")


_HARM: tuple[Callable[[float], Record], ...] = (
    reset, unrouted, _denied, _left, _injected, _stray, _not_found, _untold, _failed_connection,
    _refused_known, _refused_stray, connection, served,
)  # fmt: skip


def _harmed_unknown(seconds: float) -> Record:
    return _untold(seconds) | {"response_code": 503}


@pytest.mark.property
@fewer_examples(2)
@given(
    kinds=st.lists(st.sampled_from([*_HARM, _harmed_unknown]), min_size=1, max_size=30),
    well=st.integers(0, 30),
)
def test_the_numbers_in_the_sentence_add_up_to_all_requests_and_connections(
    kinds: list[Callable[[float], Record]], well: int
) -> None:
    records = [*(served(n) for n in range(well)), *(make(n) for n, make in enumerate(kinds))]
    summary = summary_of([*records, connection(0)])

    # As it would be said without a finding.
    said = verdict((), summary.overview, summary.accounts, summary.folds)

    for noun, well_words, harmed in (
        ("request", r"served", r"(\d+) (?:failed|had no route|(?:was|were) (?:refused by|answered|"
                               r"left|aborted))|of (\d+) too little|(\d+) requests? of strangers"),
        ("connection", "passed on", r"(\d+) connections? (?:failed|was ref|were ref|of strangers)"),
    ):  # fmt: skip
        looked_at = re.search(rf"of (\d+) {noun}s? (all|none|\d+) (?:was|were) {well_words}",
                              said.says)  # fmt: skip
        total = sum((record.get("authority") is not None) == (noun == "request")
                    for record in [*records, connection(0)])  # fmt: skip
        if not total:
            assert looked_at is None
            continue
        assert looked_at is not None, said.says
        assert int(looked_at[1]) == total
        went_well = {"all": total, "none": 0}.get(looked_at[2])
        went_well = int(looked_at[2]) if went_well is None else went_well
        apart = sum(int(n) for found in re.findall(harmed, said.says)
                    for n in ([found] if isinstance(found, str) else found) if n)  # fmt: skip
        assert went_well + apart == total, said.says


@pytest.mark.property
@fewer_examples(2)
@given(kinds=st.lists(st.sampled_from([*_HARM, _harmed_unknown]), max_size=20))
def test_nothing_wrong_is_said_only_where_no_harm_is_done_but_to_strangers(
    kinds: list[Callable[[float], Record]],
) -> None:
    summary = summary_of([served(0), *(make(n) for n, make in enumerate(kinds))])

    harmless = {served, connection, _stray, _refused_stray}
    if summary.verdict.state is State.CLEAR:
        assert set(kinds) <= harmless | ({_refused_known} if connection not in kinds else set())
    if set(kinds) <= {served, connection, _stray}:
        assert summary.verdict.state is State.CLEAR
