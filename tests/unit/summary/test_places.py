"""Failures of one path, host or upstream host are told as such, and others are not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.handmade import Record, failed, served, summary_of

if TYPE_CHECKING:
    from envoylogs.summary.findings.finding import Finding

_PATHS = ("/", "/items/7", "/orders", "/reviews/12/stars")


def _answered(n: float, **changes: Any) -> Record:
    return failed(n, 500, "-", "via_upstream", **changes)


def _log(
    fails: dict[str, str], asked: dict[str, tuple[str, ...]], *, also: int = 0
) -> list[Record]:
    """Return requests of a service, of which some fail from the middle on.

    Args:
        fails: Which values of which columns fail.
        asked: The values of columns that requests have by turns.
        also: How many of a hundred of the others fail.
    """
    records = []
    for n in range(800):
        values: Record = {
            name: each[n // 3**place % len(each)]
            for place, (name, each) in enumerate(asked.items())
        }
        bad = n >= 400 and all(values[name] == value for name, value in fails.items())
        records.append((_answered if bad or n % 100 < also else served)(n, **values))
    return records


def _first(records: list[Record]) -> Finding:
    return summary_of(records).findings[0]


def test_the_path_that_nearly_all_failures_are_of_is_named() -> None:
    found = _first(_log({"path": "/reviews/12/stars"}, {"path": _PATHS}))

    assert found.title == "shop.shop:80 answers with 500, nearly all for /reviews/{id}/stars"
    assert (found.requests, found.of) == (100, 400)


def test_the_host_that_nearly_all_failures_are_of_is_named() -> None:
    hosts = tuple(f"{name}.example.com" for name in "abc")
    found = _first(_log({"authority": "b.example.com"}, {"authority": hosts}))

    assert found.title == "shop.shop:80 answers with 500, nearly all for b.example.com"


def test_the_upstream_host_that_nearly_all_of_one_kind_are_of_is_named() -> None:
    # Resets of all of them hide from ``bad_upstream_host`` that one answers with errors.
    hosts = tuple(f"10.8.1.{n}:80" for n in range(3))
    records = _log({"upstream_host": hosts[1]}, {"upstream_host": hosts})
    resets = [
        failed(n + 0.5, 503, "UC", "upstream_reset_before_response_started{connection_termination}",
               upstream_host=hosts[n % 3])
        for n in range(400, 800, 4)
    ]  # fmt: skip
    titles = {found.title for found in summary_of([*records, *resets]).findings}

    assert "shop.shop:80 answers with 500, nearly all at 10.8.1.1:80" in titles
    assert "shop.shop:80 closes connections before it answers" in titles


@pytest.mark.parametrize(
    ("fails", "asked", "also"),
    [
        ({}, {"path": _PATHS}, 20),
        ({"path": "/orders"}, {"path": _PATHS}, 10),
        ({"path": "/"}, {"path": ("/",)}, 0),
    ],
    ids=["all paths", "one path more than others", "the only path"],
)
def test_failures_of_a_service_as_a_whole_name_no_path(
    fails: dict[str, str], asked: dict[str, tuple[str, ...]], also: int
) -> None:
    assert _first(_log(fails, asked, also=also)).title == "shop.shop:80 answers with 500"


def test_a_path_that_other_services_of_the_host_fail_at_is_not_named() -> None:
    other = {"upstream_cluster": "outbound|80||other.shop.svc.cluster.local"}
    records = _log({"path": "/orders"}, {"path": _PATHS})
    records += [_answered(n + 0.5, path=_PATHS[n % 3], **other) for n in range(0, 800, 5)]
    titles = [found.title for found in summary_of(records).findings]

    assert "shop.shop:80 answers with 500" in titles
