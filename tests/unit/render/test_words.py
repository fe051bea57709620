"""What is said of findings, noise and folded names."""

from __future__ import annotations

import io
from functools import partial
from typing import TYPE_CHECKING

import pytest
from tests.handmade import (
    Record,
    connection,
    failed,
    refused_connection,
    reset,
    served,
    source_of,
    summary_of,
    text_of,
    unrouted,
)

from envoylogs.pipeline import tally_sources
from envoylogs.render.markdown import write_markdown
from envoylogs.render.terminal.screen import write_text
from envoylogs.render.words import (
    facts_of_finding,
    gateways_of,
    headline_of,
    lesser_findings,
    noise_of,
    verdict_of,
    with_commands,
)
from envoylogs.summary.summary import Summary, summarize
from envoylogs.tally.spec import TallySpec

if TYPE_CHECKING:
    from collections.abc import Callable

_OTHER = "other.example.com"


def _others() -> list[Record]:
    return [served(n, authority=_OTHER, upstream_cluster="outbound|80||other") for n in range(200)]


def _said(*records: Record) -> list[str]:
    """Return what is said of the first finding."""
    summary = summary_of(records)
    return facts_of_finding(summary.findings[0], summary.overview)


def _when(*records: Record) -> list[str]:
    words = ("from the start", "first seen", "since", "until")
    return [fact for fact in _said(*records) if fact.startswith(words)]


def _beta(first: float, *, count: int = 40) -> list[Record]:
    """Return requests for a path without a route, of a host that has one for others."""
    return [
        *(served(n) for n in range(200)),
        *(unrouted(first + n, path="/beta") for n in range(count)),
    ]


def test_what_is_so_in_the_first_record_is_from_the_start() -> None:
    assert _when(*_beta(0)) == ["from the start"]


def test_a_path_that_was_first_asked_for_later_is_not_from_the_start() -> None:
    assert _when(*_beta(100)) == ["first seen 12:01:40"]


def test_a_host_that_came_later_had_no_route_from_then_on() -> None:
    log = [
        *_others(),
        *(unrouted(n) for n in range(50, 80)),
        *(served(n) for n in range(80, 200)),
    ]

    assert _when(*log) == ["first seen 12:00:50, until 12:01:19"]


def test_a_host_without_a_route_until_one_came_is_said_to_be_so_from_the_start() -> None:
    log = [*(unrouted(n) for n in range(80)), *(served(n) for n in range(80, 200))]

    assert _when(*log) == ["from the start until 12:01:19"]


@pytest.mark.parametrize("first", [60, 140])
def test_too_few_failures_for_an_onset_are_not_from_the_start(first: int) -> None:
    log = [*(served(n * 4) for n in range(50)), reset(first), reset(first + 4), *_others()]

    assert _when(*log) == [f"first seen 12:{first // 60:02}:{first % 60:02}"]


def test_failures_with_an_onset_have_it_alone() -> None:
    log = [*(served(n) for n in range(100)), *(reset(n) for n in range(100, 200)), *_others()]

    assert _when(*log) == ["since 12:01:40"]


def test_a_log_without_times_says_no_time() -> None:
    log = [
        *(served(None) for _ in range(20)),
        *(failed(None, 503, "UH", "no_healthy_upstream") for _ in range(20)),
    ]

    assert _when(*log) == []


@pytest.mark.parametrize(
    ("hosts", "server_names", "words"),
    [
        ([None] * 6, [], "6 requests without a host"),
        (["a.example", "b.example"], [], "2 requests for 2 hosts"),
        (["a.example", None, None], [], "3 requests for 1 host (2 without one)"),
        ([], [None], "1 refused connection without a server name"),
        (
            [None],
            ["a.example", None, "b.example"],
            "1 request without a host and 3 refused connections for 2 server names (1 without one)",
        ),
    ],
)
def test_noise_without_a_name_is_not_for_no_names(
    hosts: list[str | None], server_names: list[str | None], words: str
) -> None:
    log = [
        *_others(),
        *(unrouted(n, authority=host) for n, host in enumerate(hosts)),
        *(refused_connection(n, requested_server_name=name) for n, name in enumerate(server_names)),
    ]

    assert noise_of(summary_of(log)) == (
        f"Noise: {words} that this gateway never routed. Not in the error share."
    )


def test_what_a_finding_is_about_is_not_noise_too() -> None:
    blackholed = [
        unrouted(n, authority="new.example.com", response_flags="-", route_name="default",
                 response_code_details=None)
        for n in range(20)
    ]  # fmt: skip
    blackholed = [
        {name: value for name, value in record.items() if name != "response_code_details"}
        for record in [*_others(), *blackholed]
    ]
    scans = [unrouted(n, authority=f"scan{n}.example") for n in range(4)]

    assert noise_of(summary_of(blackholed)) is None
    assert noise_of(summary_of([*blackholed, *scans])) == (
        "Noise: 4 more requests for hosts that this gateway never routed. Not in the error share."
    )


def test_a_host_that_got_its_route_hides_no_noise() -> None:
    gained = [*(unrouted(n) for n in range(50)), *(served(n) for n in range(50, 100))]
    scans = [unrouted(n, authority=f"scan{n}.example") for n in range(4)]

    assert noise_of(summary_of([*gained, *scans])) == (
        "Noise: 4 requests for 4 hosts that this gateway never routed. Not in the error share."
    )


def test_gateways_are_not_counted_where_none_is_known() -> None:
    unknown = [served(n, downstream_local_address=None) for n in range(3)]

    assert gateways_of(summary_of(unknown)) == "gateway unknown"
    assert gateways_of(summary_of([])) is None
    assert not [text for text, _ in headline_of(summary_of([])) if "gateway" in text]


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("Find the pod (kubectl get pods -A -o wide | grep -F 10.8.1.2), read its log",
         ["kubectl get pods -A -o wide | grep -F 10.8.1.2"]),
        ("Why? kubectl get virtualservice -A | grep a.example; kubectl get httproute -A (if both",
         ["kubectl get virtualservice -A | grep a.example", "kubectl get httproute -A"]),
        ("Take them out: jq -r '.a.b'.", ["jq -r '.a.b'"]),
        ("Ask the pod directly: curl -v. Then", ["curl -v"]),
        ("kubectl -n shop get endpointslices -l kubernetes.io/service-name=cart; do pods",
         ["kubectl -n shop get endpointslices -l kubernetes.io/service-name=cart"]),
        ("Nothing, if the change was meant.", []),
    ],
)  # fmt: skip
def test_commands_are_told_from_what_is_said_of_them(text: str, commands: list[str]) -> None:
    parts = with_commands(text)

    assert "".join(part for part, _ in parts) == text
    assert [part for part, is_command in parts if is_command] == commands


def test_only_the_command_with_the_option_names_it_beside_the_lesser_findings() -> None:
    # Each since a time of its own: what begins together is told once.
    log = [
        (reset if n >= 30 * cluster else served)(
            10 * n, upstream_cluster=f"outbound|80||service-{cluster}", upstream_host=None
        )
        for cluster in range(1, 8)
        for n in range(300)
    ]
    summary, out = summary_of(log), io.StringIO()

    write_text(summary, out, color=False, width=100)

    assert lesser_findings(summary) == "… and 2 lesser findings"
    assert "… and 2 lesser findings (--table findings)" in out.getvalue()
    for asked in ({"limit": None}, {"table": "findings"}):
        everything = io.StringIO()
        write_text(summary, everything, color=False, width=100, **asked)
        assert "lesser" not in everything.getvalue()
        assert all(found.title in everything.getvalue() for found in summary.findings)


def _folded(*records: Record) -> Summary:
    """Return the summary of a log of which one name a column is kept."""
    spec = TallySpec(max_names=1)
    return summarize(tally_sources([source_of(text_of(records))], spec=spec))


def _busy() -> list[Record]:
    """Return requests of the one host that keeps its name."""
    return [served(n / 10, authority="busy.example.com", upstream_cluster="busy", path="/")
            for n in range(2000)]  # fmt: skip


def _of_few(make: Callable[..., Record], n: int) -> list[Record]:
    """Return requests of three hosts and clusters that are folded: first well, then not."""
    return [
        record
        for host in ("a.example.com", "b.example.com", "c.example.com")
        for record in (
            *(served(s, authority=host, upstream_cluster=host) for s in range(20)),
            *(make(s, authority=host) for s in range(100, 100 + n)),
        )
    ]


def _reset(seconds: float, authority: str) -> Record:
    return reset(seconds, authority=authority, upstream_cluster=authority)


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ([], "No request."),
        (_busy(), "Nothing wrong was found: of 2,000 requests all were served."),
        (
            _busy() + _of_few(served, 0),
            "Nothing wrong was found: of 2,060 requests all were served.",
        ),
        (
            _busy() + _of_few(_reset, 4),
            "No finding, but 12 errors are of names that were folded; --max-names keeps more.",
        ),
        (
            [*_busy(), *_of_few(unrouted, 5), _reset(300, "a.example.com")],
            "No finding, but 1 error and 15 unrouted requests are of names that were folded; "
            "--max-names keeps more.",
        ),
        (
            [*_busy(), *_of_few(served, 0), _reset(300, "a.example.com")],
            "No finding, but 1 error is of names that were folded; --max-names keeps more.",
        ),
    ],
)
def test_all_is_not_well_where_names_in_trouble_were_folded(log: list[Record], words: str) -> None:
    summary = _folded(*log)

    verdict = verdict_of(summary)

    assert verdict is not None
    assert verdict[0] == words
    for write in (partial(write_text, color=False, width=200), write_markdown):
        out = io.StringIO()
        write(summary, out)
        assert words in out.getvalue()


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ([connection(n) for n in range(3)],
         "Nothing wrong was found: of 3 connections all were passed on."),
        (
            [*(connection(n) for n in range(999)), connection(999, response_flags="UF")],
            "Nothing stands out: of 1,000 connections 999 were passed on; 1 connection failed.",
        ),
        # Strangers ask for any name.
        (
            [*(connection(n) for n in range(3)),
             *(refused_connection(n, requested_server_name="x") for n in range(3))],
            "Nothing wrong was found: of 6 connections 3 were passed on (3 connections of "
            "strangers apart).",
        ),
    ],
)  # fmt: skip
def test_all_is_not_well_where_connections_failed(log: list[Record], words: str) -> None:
    summary = summary_of(log)

    assert not summary.findings
    assert (verdict_of(summary) or ("",))[0] == words


def test_a_finding_needs_no_verdict_besides() -> None:
    assert verdict_of(summary_of([*_others(), *(reset(n) for n in range(50))])) is None


def test_failures_of_hosts_that_were_folded_are_told_of_their_cluster() -> None:
    pods = ["10.8.1.2:8080", "10.8.1.3:8080", "10.8.1.4:8080"]
    log = [
        *(served(n / 10, upstream_host=pods[0]) for n in range(1000)),
        *(reset(n, upstream_host=pods[1 + n % 2]) for n in range(50)),
    ]

    (found,) = _folded(*log).findings

    assert (found.code, found.requests) == ("upstream_reset", 50)
