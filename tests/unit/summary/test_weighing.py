"""What is worth telling of failures, and how loud."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoylogs.envoy.harm import Harm
from envoylogs.summary.findings.finding import Severity
from envoylogs.summary.findings.onset import Episode, Stretch
from envoylogs.summary.findings.weighing import Askers, Weighing, is_burst, is_jump

_CALM = Weighing(subjects=20, records=100_000, errors=50, clients=100)
_TROUBLED = Weighing(subjects=20, records=1000, errors=100, clients=100)
_BEHIND_A_PROXY = Weighing(subjects=20, records=100_000, errors=50, clients=1)


def _whole(failed: int, of: int) -> Stretch:
    """Return failures that were so all along."""
    return Stretch(Episode(None, None, 0, 9, of, failed), failed, of, None)


def _burst(failed: int, of: int, *, well: tuple[int, float] | None = (0, 100.0)) -> Stretch:
    """Return failures that began and ended within the log."""
    return Stretch(Episode(3, 6, 3, 6, of, failed), failed, of, well)


def _severity(
    harm: Harm, failed: int, of: int, stretch: Stretch | None = None, *, clients: int = 5
) -> Severity | None:
    stretch = stretch or _whole(failed, of)
    if harm in {Harm.ERROR, Harm.FAILED}:
        return _CALM.of_failures(failed, of, stretch, scattered=True)
    return _CALM.of_refusals(harm, failed, of, stretch, Askers(clients, clients))


@pytest.mark.parametrize("harm", [Harm.ERROR, Harm.FAILED])
@pytest.mark.parametrize(
    ("failed", "of", "expected"),
    [
        (1, 1000, None),
        (1, 10, None),
        (2, 300, None),
        (49, 100_000, None),
        # Worth telling, and no more than chance may do to one of twenty services.
        (1, 4, Severity.INFO),
        (2, 100, Severity.INFO),
        (60, 30_000, Severity.INFO),
        # Beyond chance.
        (10, 100, Severity.HIGH),
        (200, 1000, Severity.HIGH),
        (60, 100, Severity.CRITICAL),
        (500, 10_000, Severity.MEDIUM),
    ],
)
def test_errors_are_told_past_the_usual_crumbs_and_loud_beyond_chance(
    harm: Harm, failed: int, of: int, expected: Severity | None
) -> None:
    assert _severity(harm, failed, of) == expected


def test_in_a_log_that_is_about_trouble_a_few_failures_are_part_of_it() -> None:
    stretch = _whole(1, 4)

    assert _CALM.of_failures(1, 4, stretch, scattered=True) is Severity.INFO
    assert _TROUBLED.of_failures(1, 4, stretch, scattered=True) is Severity.MEDIUM


def test_it_takes_less_of_what_does_not_happen_now_and_then() -> None:
    few = _whole(55, 50_000)

    assert _CALM.of_failures(55, 50_000, few, scattered=True) is Severity.INFO
    assert _CALM.is_sure(55, 50_000, scattered=False)
    assert not _CALM.is_sure(5, 50_000, scattered=False)


def test_a_burst_is_weighed_by_the_requests_of_its_time() -> None:
    assert _severity(Harm.ERROR, 40, 1_000_000, _burst(40, 50)) is Severity.CRITICAL
    assert _severity(Harm.ERROR, 40, 1_000_000) is None


@pytest.mark.parametrize(
    ("stretch", "burst"),
    [
        (_burst(12, 48), True),
        (_burst(11, 11), False),
        (_burst(12, 49), False),
        (_whole(100, 100), False),
    ],
)
def test_a_burst_is_an_episode_with_enough_failures_of_its_requests(
    stretch: Stretch, *, burst: bool
) -> None:
    assert is_burst(stretch) is burst


@pytest.mark.parametrize("harm", [Harm.REFUSED, Harm.ANSWERED_4XX])
def test_refusals_in_place_of_what_went_well_are_told_and_those_beside_it_are_a_scanners(
    harm: Harm,
) -> None:
    assert _severity(harm, 90, 10_000, _burst(90, 100, well=(10, 100.0))) in {
        Severity.CRITICAL, Severity.HIGH,
    }  # fmt: skip
    beside = _burst(90, 190, well=(100, 100.0))
    assert _severity(harm, 90, 10_000, beside, clients=7) is Severity.INFO


def test_refusals_beside_hardly_fewer_answers_are_told_if_many_clients_have_them_only_then() -> (
    None
):
    hardly = _burst(90, 170, well=(80, 95.0))

    assert not hardly.went_on
    assert _severity(Harm.REFUSED, 90, 10_000, hardly, clients=4) is Severity.CRITICAL
    assert _severity(Harm.REFUSED, 300, 10_000, hardly, clients=4) is not Severity.INFO
    barely = _burst(90, 180, well=(84, 99.0))
    assert _severity(Harm.REFUSED, 300, 10_000, barely, clients=3) is Severity.CRITICAL


def test_refusals_of_one_or_two_clients_among_many_are_a_visit_of_these() -> None:
    burst, two = _burst(90, 100), Askers(2, 2)

    assert _CALM.of_refusals(Harm.REFUSED, 90, 10_000, burst, two) is Severity.INFO
    assert _CALM.of_refusals(Harm.GONE, 90, 10_000, burst, two) is Severity.HIGH
    # Behind a load balancer all clients have the address of that.
    proxy = Askers(1, 1)
    assert _BEHIND_A_PROXY.of_refusals(Harm.REFUSED, 90, 10_000, burst, proxy) is Severity.CRITICAL


@pytest.mark.parametrize(
    ("stretch", "expected"),
    [
        (_burst(49, 100, well=(10, 90.0)), Severity.HIGH),
        (_burst(48, 100, well=(10, 90.0)), Severity.INFO),
        (_burst(20, 20), Severity.HIGH),
        (_burst(19, 19), Severity.INFO),
        # An application answers 4xx at any time to some, and then no more: it began with the log.
        (Stretch(Episode(None, 6, 0, 6, 100, 90), 90, 100, (0, 100.0)), Severity.INFO),
    ],
)
def test_answers_4xx_are_above_info_only_if_the_application_turned_to_them(
    stretch: Stretch, expected: Severity
) -> None:
    assert _severity(Harm.ANSWERED_4XX, stretch.requests, 10_000, stretch) is expected


def test_only_refusals_of_the_gateway_are_critical() -> None:
    assert _severity(Harm.REFUSED, 90, 10_000, _burst(90, 100)) is Severity.CRITICAL
    assert _severity(Harm.ANSWERED_4XX, 90, 10_000, _burst(90, 100)) is Severity.HIGH


@pytest.mark.parametrize(
    ("harm", "failed", "of", "clients", "expected"),
    [
        (Harm.REFUSED, 19, 19, 9, None),
        (Harm.REFUSED, 20, 20, 3, Severity.HIGH),
        (Harm.REFUSED, 20, 20, 2, None),
        (Harm.REFUSED, 19, 20, 9, None),
        (Harm.REFUSED, 95, 100, 9, Severity.HIGH),
        (Harm.REFUSED, 94, 100, 9, None),
        # Answers of an application: only if the log is about nothing else.
        (Harm.ANSWERED_4XX, 100, 100, 9, None),
        (Harm.ANSWERED_4XX, 99_000, 100_000, 1, Severity.MEDIUM),
        (Harm.REFUSED, 99_000, 100_000, 1, Severity.HIGH),
    ],
)
def test_refusals_all_along_are_told_if_they_are_all_there_is(
    harm: Harm, failed: int, of: int, clients: int, expected: Severity | None
) -> None:
    assert _severity(harm, failed, of, clients=clients) == expected


@pytest.mark.parametrize(
    ("failed", "of", "expected"),
    [(3, 100, None), (9, 100, None), (10, 100, None), (30, 100, Severity.HIGH),
     (200, 2000, Severity.HIGH), (60, 100, Severity.HIGH)],
)  # fmt: skip
def test_clients_that_leave_are_told_past_what_phones_do(
    failed: int, of: int, expected: Severity | None
) -> None:
    assert _severity(Harm.GONE, failed, of) == expected


@pytest.mark.property
@given(
    harm=st.sampled_from([Harm.ERROR, Harm.FAILED]),
    failed=st.integers(1, 500),
    of=st.integers(1, 500),
    more=st.integers(1, 500),
)
def test_more_failures_of_as_many_requests_are_never_told_more_quietly(
    harm: Harm, failed: int, of: int, more: int
) -> None:
    of = max(of, failed + more)
    fewer, found = _severity(harm, failed, of), _severity(harm, failed + more, of)

    assert fewer is None or (found is not None and found <= fewer)


@pytest.mark.property
@given(failed=st.integers(1, 50), of=st.integers(50, 5000), subjects=st.integers(1, 500))
def test_among_more_subjects_it_takes_more_to_be_no_chance(
    failed: int, of: int, subjects: int
) -> None:
    few, many = (Weighing(n, 1_000_000, 0, 100) for n in (subjects, 10 * subjects))

    assert few.is_sure(failed, of) or not many.is_sure(failed, of)


def _jump(
    failed: int = 180, of: int = 900, *, before: tuple[int, int] = (0, 900), well: float = 720
) -> Stretch:
    """Return failures of a small share that began within the log."""
    return Stretch(Episode(3, None, 3, 9, of, failed), failed, of, (int(well), 900.0), before)


@pytest.mark.parametrize(
    ("stretch", "jump"),
    [
        (_jump(), True),
        (_jump(20, 400), True),
        (_jump(19, 100), False),
        (_jump(44, 900), False),
        # Ten are expected of the other time, and at most a tenth of what is expected is there.
        (_jump(before=(0, 50)), True),
        (_jump(before=(0, 49)), False),
        (_jump(before=(18, 900)), True),
        (_jump(before=(19, 900)), False),
        (_whole(500, 900), False),
    ],
)
def test_a_jump_is_a_share_that_was_hardly_there_before(stretch: Stretch, jump: bool) -> None:  # noqa: FBT001
    assert is_jump(stretch) is jump


@pytest.mark.parametrize("harm", [Harm.REFUSED, Harm.GONE])
@pytest.mark.parametrize(
    ("well", "inside", "alike", "told"),
    [
        (720, 5, False, True),
        # Two standard deviations and a half of 900 are 75.
        (825, 5, False, True),
        (826, 5, False, False),
        (826, 5, True, True),
        (765, 8, False, True),
    ],
)
def test_a_small_jump_is_told_at_the_expense_of_users_or_if_it_is_no_chance(
    harm: Harm,
    well: int,
    inside: int,
    alike: bool,  # noqa: FBT001
    told: bool,  # noqa: FBT001
) -> None:
    stretch = _jump(99, 900, well=well)

    found = _CALM.of_refusals(harm, 99, 1800, stretch, Askers(inside, inside, alike))

    assert found is (Severity.HIGH if told else None)


def test_a_small_jump_of_one_or_two_clients_of_many_is_a_visit() -> None:
    assert _severity(Harm.REFUSED, 180, 1800, _jump(), clients=2) is None
    assert _severity(Harm.GONE, 180, 1800, _jump(), clients=2) is Severity.HIGH
    assert _severity(Harm.ANSWERED_4XX, 180, 1800, _jump()) is None
