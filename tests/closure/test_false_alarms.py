"""At most one healthy log in a hundred has a finding above info."""

from __future__ import annotations

import os

import pytest
from benchmarks.false_alarms import LOGS, Judged, judged, judged_all
from benchmarks.healthy import healthy

pytestmark = pytest.mark.property

_THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
_MOST_OF_THEM = 0.01
_FEW, _SMALL = 25, 2000


def _described(found: list[Judged]) -> str:
    return "\n".join(
        f"log {log.seed}, {log.requests} requests: {severity} {code}: {title}"
        for log in found
        for code, severity, title in log.alarms
    )


@pytest.mark.parametrize("seed", range(_FEW))
def test_a_small_healthy_log_has_no_finding_above_info(seed: int) -> None:
    found = judged(seed, most=_SMALL)

    assert not found.alarms, _described([found])
    assert found.errors == found.true_errors


@pytest.mark.skipif(not _THOROUGH, reason="takes minutes; HYPOTHESIS_PROFILE=soak runs it")
def test_at_most_one_in_a_hundred_healthy_logs_has_a_finding_above_info() -> None:
    found = list(judged_all(range(LOGS)))

    assert {log.requests > 50_000 for log in found} == {True, False}
    assert all(log.errors == log.true_errors for log in found)
    alarmed = [log for log in found if log.alarms]
    assert len(alarmed) <= _MOST_OF_THEM * LOGS, _described(alarmed)


def test_healthy_logs_have_all_the_noise_that_there_always_is() -> None:
    logs = [healthy(seed, most=_SMALL) for seed in range(_FEW)]
    text = b"".join(log.text for log in logs)

    assert sum(log.errors for log in logs) > 0
    assert sum(log.refusals for log in logs) > 0
    for noise in (
        b'"NR"', b"filter_chain_not_found", b'"DPE"', b'"DC"', b"rbac_access_denied",
        b"jwt_authn_access_denied", b"request_rate_limited", b"cors_response", b":15021",
        b'"response_code":101', b"direct_response", b'"response_code":"404"', b"/try/", b'"UC"',
    ):  # fmt: skip
        assert noise in text, noise
    assert healthy(3, most=_SMALL).text == logs[3].text
