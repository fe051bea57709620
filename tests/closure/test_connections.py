"""Connections that fail or are refused have findings as requests have."""

from __future__ import annotations

import os

import pytest
from tests.closure.endings import CONNECTION_HARMS, ConnectionEnding
from tests.closure.judging import about, alarms, counted_wrong, described, mistimed, wrong_actor
from tests.closure.logs import Log, turned_connections

pytestmark = pytest.mark.property

_THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
_SEEDS = range(10 if _THOROUGH else 1)


def _assert_told(log: Log, ending: ConnectionEnding, *, accepted: bool, seed: int) -> None:
    found = [finding for finding in alarms(log.summary) if about(finding, log.where)]
    wrong = [f"{other.code} is about somebody else: {other.title}"
             for other in alarms(log.summary) if other not in found]  # fmt: skip
    if not found:
        wrong.append(f"no finding names {' or '.join(log.where)}")
    else:
        if len(found) > 1:
            wrong.append(f"{len(found)} findings of one cause")
        wrong += wrong_actor(found[0], ending.who)
        if accepted:
            wrong += [*mistimed(log, found[0]), *counted_wrong(log, found[0])]
        elif found[0].since is not None or found[0].requests != len(log.of):
            wrong.append(f"{found[0].requests} of {len(log.of)}, not all from the start")
    said = "\n".join(f"  {text}" for text in wrong)
    how = "accepted until then" if accepted else "never accepted"
    assert not wrong, f"{ending} ({how}, seed {seed}):\n{said}\n{described(log.summary)}"


@pytest.mark.parametrize("ending", CONNECTION_HARMS, ids=str)
def test_connections_that_were_accepted_and_fail_from_some_time_on_have_a_finding(
    ending: ConnectionEnding,
) -> None:
    for seed in _SEEDS:
        log = turned_connections(ending, seed, accepted=True)

        _assert_told(log, ending, accepted=True, seed=seed)


@pytest.mark.parametrize("ending", CONNECTION_HARMS, ids=str)
def test_connections_of_which_none_was_ever_accepted_have_a_finding(
    ending: ConnectionEnding,
) -> None:
    for seed in _SEEDS:
        log = turned_connections(ending, seed, accepted=False)

        _assert_told(log, ending, accepted=False, seed=seed)
