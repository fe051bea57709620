"""Peers: what is timed beside envoylogs answers the same, and a wrong number would be seen."""

from __future__ import annotations

import copy
import json
import sys
from typing import TYPE_CHECKING

import pytest
from benchmarks import generator
from benchmarks.peers.answers import Answer, answer_of_rows, differences
from benchmarks.peers.catalog import PEERS
from benchmarks.peers.contest import Contest, table
from benchmarks.run import Run

if TYPE_CHECKING:
    from pathlib import Path

_HOST = ("shop.example.com",)


@pytest.fixture(scope="module")
def contest(tmp_path_factory: pytest.TempPathFactory) -> Contest:
    folder: Path = tmp_path_factory.mktemp("peers")
    generator.write(folder / "log.jsonl", 1500)
    return Contest(folder / "log.jsonl", sys.executable, folder)


@pytest.fixture(scope="module")
def answered(contest: Contest) -> tuple[Answer, int]:
    return contest.answered()


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_that_is_installed_answers_as_envoylogs(
    contest: Contest, answered: tuple[Answer, int], name: str
) -> None:
    peer = PEERS[name]
    if peer.version(sys.executable) is None:
        pytest.skip(f"{peer.name} is not installed: {peer.install}")
    assert contest.differences(peer, *answered) == []


def test_a_wrong_number_is_a_difference_with_its_name(answered: tuple[Answer, int]) -> None:
    ours, _ = answered
    theirs = copy.deepcopy(ours)
    right = theirs["authority"][_HOST]["p99"]
    theirs["authority"][_HOST]["p99"] += 1
    assert differences(ours, theirs) == [
        f"authority shop.example.com: p99 is {right + 1}, not {right}"
    ]


def test_a_number_that_is_not_given_is_a_difference(answered: tuple[Answer, int]) -> None:
    ours, _ = answered
    theirs = copy.deepcopy(ours)
    wanted = theirs["overview"][()].pop("connections")
    assert differences(ours, theirs) == [f"overview: connections is None, not {wanted}"]


def test_rows_that_are_missing_or_too_many_are_differences(answered: tuple[Answer, int]) -> None:
    ours, _ = answered
    theirs = copy.deepcopy(ours)
    theirs["upstream_cluster"][("other",)] = theirs["upstream_cluster"].pop((None,))
    assert differences(ours, theirs) == [
        "upstream_cluster -: missing",
        "upstream_cluster other: not expected",
    ]


def test_a_table_that_is_not_made_is_a_difference_unless_it_is_said(
    answered: tuple[Answer, int],
) -> None:
    ours, _ = answered
    theirs = {name: rows for name, rows in ours.items() if name != "times"}
    assert differences(ours, theirs) == [
        f"times {name}: missing" for name in ("latency_ms", "upstream_time_ms", "gateway_ms")
    ]
    assert differences(ours, theirs, ["times"]) == []
    assert len(differences(ours, theirs, ["times latency_ms"])) == 2


def test_means_may_differ_in_their_last_digits_and_counts_may_not() -> None:
    ours: Answer = {"authority": {_HOST: {"mean": 0.1 + 0.2, "requests": 3}}}
    assert differences(ours, {"authority": {_HOST: {"mean": 0.3, "requests": 3}}}) == []
    assert len(differences(ours, {"authority": {_HOST: {"mean": 0.31, "requests": 4}}})) == 2


def test_rows_are_read_on_one_line_or_many_and_paths_add_up_to_hosts() -> None:
    away = [
        {"table": "turned_away", "key": ["h", "/a"], "requests": 2, "first": "1", "last": "4"},
        {"table": "turned_away", "key": ["h", "/} {"], "requests": 1, "first": "0", "last": "3"},
        {"table": "groups", "key": ["h", "", None, "c"], "requests": 1, "p50": None},
    ]
    wanted = {
        "turned_away": {("h",): {"requests": 3, "first": "0", "last": "4"}},
        "groups": {("h", None, None, "c"): {"requests": 1}},
    }
    assert answer_of_rows("\n".join(json.dumps(row) for row in away)) == wanted
    assert answer_of_rows("\n".join(json.dumps(row, indent=2) for row in away) + "\n") == wanted


def test_a_peer_that_fails_is_a_difference(
    contest: Contest, answered: tuple[Answer, int], tmp_path: Path
) -> None:
    without_log = Contest(tmp_path / "none.jsonl", sys.executable, contest.folder)
    [said] = without_log.differences(PEERS["polars"], *answered)
    assert said.startswith("failed: ")


def test_ratios_are_of_the_first_row() -> None:
    found = {"envoylogs": Run(4.0, 6.0, 300.0), "other": Run(2.0, 3.0, 900.0)}
    last = table(found, {"envoylogs": "all", "other": "a part"}).splitlines()[-1]
    assert last == "| other | 2.00 s | 0.50 | 3.00 s | 0.50 | 900 MB | a part |"
