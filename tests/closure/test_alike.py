"""Services that fail alike are told once, with how many and what they share; none is lost."""

from __future__ import annotations

import io
import json
import os
from typing import Any

import pytest
from tests.closure.endings import HARMS, Ending
from tests.closure.judging import about, alarms, described, members, says_number, wrong_actor
from tests.closure.logs import Log, Service, all_alike

from envoylogs.render.records import write_json
from envoylogs.summary.findings.finding import Finding

pytestmark = pytest.mark.property

_THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
_BY_NAME = {str(ending): ending for ending in HARMS}
_REFUSED = _BY_NAME[
    "503 UF upstream_reset_before_response_started"
    "{remote_connection_failure,delayed_connect_error:_111} asked"
]
_NO_ENDPOINT = _BY_NAME["503 UH no_healthy_upstream chosen"]
_NO_ROUTE = _BY_NAME["404 NR route_not_found nowhere"]
_KINDS = (
    _REFUSED,
    _NO_ENDPOINT,
    _BY_NAME["500 - via_upstream answered"],
    _NO_ROUTE,
    _BY_NAME["503 UAEX ext_authz_error either"],
    _BY_NAME["504 UT response_timeout asked"],
    _BY_NAME["403 - rbac_access_denied_matched_policy[none] either"],
    _BY_NAME["503 - direct_response nowhere route_name=shop-0"],
    _BY_NAME["401 - jwt_authn_access_denied{Jwks_remote_fetch_is_failed} either"],
)
_LIKE = 0.5


def _said(found: Finding) -> str:
    return " ".join((found.subject, found.title, found.proof or "", found.next))


def _missing_from_json(log: Log, services: list[Service]) -> list[str]:
    """Return the services that no finding in the JSON is about, nor a member of one."""
    out = io.StringIO()
    write_json(log.summary, out)
    rows: list[Any] = json.loads(out.getvalue())["findings"]
    rows += [member for row in rows for member in row.get("members") or ()]
    subjects = {str(row["subject"]) for row in rows}
    return [service.host for service in services
            if not any(service.host == subject or f"{service.name}." in f"{subject}."
                       or f"{service.name}:" in subject for subject in subjects)]  # fmt: skip


def _told_once(log: Log, ending: Ending, services: list[Service], found: Finding) -> list[str]:
    """Return what is wrong with one finding that stands for many."""
    wrong = wrong_actor(found, ending.who)
    number = len(services)
    if len(members(found)) != number:
        wrong.append(f"{found.code}: {len(members(found))} members, not {number}")
    unnamed = [service.host for service in services if not any(
        about(member, (service.host, service.name)) for member in members(found))]  # fmt: skip
    if unnamed:
        wrong.append(f"{found.code}: {len(unnamed)} services are no members, as {unnamed[0]}")
    if not says_number(found, number):
        wrong.append(f"{found.code}: it does not say that it is {number}")
    if any(member.requests < 20 for member in members(found)):
        wrong.append(f"{found.code}: a member lost requests")
    if members(found) and found.requests != sum(member.requests for member in members(found)):
        wrong.append(f"{found.code}: its requests are not those of its members")
    missing = _missing_from_json(log, services)
    if missing:
        wrong.append(f"{len(missing)} services are not in the JSON, as {missing[0]}")
    return wrong


def _assert_right(log: Log, wrong: list[str], how: str) -> None:
    said = "\n".join(f"  {text}" for text in wrong)
    assert not wrong, f"{how}:\n{said}\n{described(log.summary)}"[:6000]


@pytest.mark.parametrize(
    ("ending", "count"),
    [(ending, count) for place, ending in enumerate(_KINDS)
     for count in ((3, 11, 40, 60) if _THOROUGH else ((40, 3, 12)[place % 3],))],
    ids=str,
)  # fmt: skip
def test_services_that_fail_alike_at_the_same_time_are_one_finding(
    ending: Ending, count: int
) -> None:
    log, (services,) = all_alike([(ending, _LIKE)], count, 1)

    found = alarms(log.summary)

    assert found, described(log.summary)
    wrong = _told_once(log, ending, services, found[0])
    if len(found) > 1:
        wrong.append(f"{len(found)} findings and not one")
    first = min(log.harmed)
    width_us = 1_000_000 * (log.summary.bucket_seconds or 1)
    since = found[0].since
    if since is None or since // width_us != first // width_us:
        wrong.append("it does not begin with the first of them")
    _assert_right(log, wrong, f"{count} services: {ending}")


@pytest.mark.parametrize("ending", [_REFUSED, _NO_ENDPOINT, _NO_ROUTE], ids=str)
def test_a_gateway_that_they_share_is_named(ending: Ending) -> None:
    log, (services,) = all_alike([(ending, _LIKE)], 8, 2, gateway=1)
    found = alarms(log.summary)
    assert found, described(log.summary)

    wrong = _told_once(log, ending, services, found[0])
    if "192.0.2.11" not in _said(found[0]):
        wrong.append("their gateway 192.0.2.11 is not named")
    if len(found) > 1:
        wrong.append(f"{len(found)} findings and not one")

    _assert_right(log, wrong, f"one gateway: {ending}")


def test_the_address_of_a_node_that_they_share_is_named() -> None:
    log, (services,) = all_alike([(_REFUSED, _LIKE)], 8, 3, address="10.9.8.7")
    found = alarms(log.summary)
    assert found, described(log.summary)

    wrong = _told_once(log, _REFUSED, services, found[0])
    if "10.9.8.7" not in _said(found[0]):
        wrong.append("their node's address 10.9.8.7 is not named")
    if len(found) > 1:
        wrong.append(f"{len(found)} findings and not one")

    _assert_right(log, wrong, "one node")


@pytest.mark.parametrize(
    ("groups", "why"),
    [
        ([(_REFUSED, 0.5), (_NO_ENDPOINT, 0.5)], "different failures"),
        ([(_REFUSED, 0.4), (_REFUSED, 0.6)], "24 minutes apart"),
        ([(_NO_ROUTE, 0.5), (_KINDS[2], 0.6)], "different failures at different times"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_alike_stays_apart(groups: list[tuple[Ending, float]], why: str) -> None:
    log, services_of = all_alike(groups, 6, 4)
    found = alarms(log.summary)

    wrong = [] if len(found) == len(groups) else [f"{len(found)} findings, not {len(groups)}"]
    for (ending, _), services in zip(groups, services_of, strict=True):
        names = {service.host for service in services}
        of_group = [finding for finding in found if any(
            about(member, (service.host, service.name))
            for member in members(finding) for service in services)]  # fmt: skip
        if len(of_group) != 1:
            wrong.append(f"{len(of_group)} findings are about {min(names)}")
        else:
            wrong += _told_once(log, ending, services, of_group[0])

    _assert_right(log, wrong, why)
