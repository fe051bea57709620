"""The section of connections on a terminal: what failed, beside what did not, and where it is."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import pytest
from tests.handmade import (
    Record,
    connection,
    failed,
    failed_connection,
    refused_connection,
    served,
    source_of,
    text_of,
    unrouted,
)

from envoylogs.pipeline import tally_sources
from envoylogs.render.terminal.screen import write_text
from envoylogs.summary.summary import summarize

if TYPE_CHECKING:
    from collections.abc import Iterable

_REQUESTS = [served(), unrouted(1)]
_CONNECTIONS = [
    *(connection(n) for n in range(4)),
    *(failed_connection(n, upstream_host="192.0.2.9:5432") for n in range(4, 7)),
    refused_connection(8, requested_server_name="a.example.org"),
]


def _lines(
    log: Iterable[Record], *, width: int = 120, limit: int | None = None, table: str | None = None
) -> list[str]:
    out = io.StringIO()
    summary = summarize(tally_sources([source_of(text_of(log))]))
    write_text(summary, out, table=table, limit=limit, width=width, color=False)
    return [line.rstrip() for line in out.getvalue().split("\n") if line.strip()]


def _place(lines: list[str], beginning: str) -> int:
    (place,) = (n for n, line in enumerate(lines) if line.startswith(beginning))
    return place


def test_a_log_without_connections_has_no_section_of_them() -> None:
    assert not [line for line in _lines(_REQUESTS) if line.startswith("Connections")]


def test_connections_come_before_the_tables_of_requests_and_after_their_verdicts() -> None:
    lines = _lines([*_REQUESTS, *_CONNECTIONS])

    assert (
        _place(lines, "Overview")
        < _place(lines, "Turned away")
        < _place(lines, "Connections  8 in all, 3 failed, 1 refused")
        < _place(lines, "By outcome")
    )
    # The table by outcome of requests has connections already.
    assert not [line for line in lines if line.startswith("Connections by outcome")]


def test_a_log_of_connections_alone_has_them_first_and_no_table_of_requests() -> None:
    lines = _lines(_CONNECTIONS)

    assert _place(lines, "Connections  8 in all") < _place(lines, "Turned away")
    assert not [line for line in lines if line.startswith("By ")]
    assert _place(lines, "Connections by outcome") > 0


@pytest.mark.parametrize("width", [90, 100, 140])
def test_what_failed_stands_with_cluster_server_name_address_and_flags(width: int) -> None:
    lines = _lines(_CONNECTIONS, width=width)

    # A cell that does not fit goes on in the next line.
    head = _place(lines, "Connections that failed")
    words = "".join(lines[head : _place(lines, "Connections by upstream_cluster")])
    row = next(line for line in lines[head + 2 :] if "UF,URX" in line)
    assert "db.data:5432" in words or "outbound|5432||db.data.svc.cluster.local" in words
    assert {"3", "12:00:06"} <= set(re.split(r"\s+", row))
    assert ("12:00:04" in row) == (width >= 100)


def test_only_connections_that_failed_are_among_those() -> None:
    for log in ([connection()], [refused_connection()], [connection(), refused_connection()]):
        assert not [line for line in _lines(log) if line.startswith("Connections that failed")]


def test_a_limit_says_how_many_rows_are_not_shown() -> None:
    log = [failed_connection(n, upstream_host=f"192.0.2.{n}:5432") for n in range(5)]

    lines = _lines(log, limit=2)

    after = lines[_place(lines, "Connections that failed") :]
    assert after[: _place(after, "Connections by upstream_cluster")][-1].startswith("… 3 more")


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (80, "failed"),
        (100, "failed last"),
        (120, "failed refused first last"),
        (200, "share failed refused failed share sent received first last"),
    ],
)
def test_the_table_of_connections_has_as_many_numbers_as_fit_beside_its_keys(
    width: int, columns: str
) -> None:
    changes = {"upstream_cluster": "outbound|80||db.a", "requested_server_name": "a.b"}
    log = [connection(n, upstream_host="192.0.2.9:80", **changes) for n in range(3)]
    lines = _lines(log, width=width, table="connections")

    head = next(line for line in lines if line.startswith("outcome"))
    assert re.split(r"\s+", head.partition("connections")[2].strip()) == columns.split()
    row = lines[lines.index(head) + 2]
    assert "192.0.2.9:80" in row
    assert ("db.a:80" if width < 200 else "outbound|80||db.a") in row
    assert len(row) <= width


def test_an_empty_table_of_connections_is_a_table() -> None:
    assert [line for line in _lines(_REQUESTS, table="connections") if line.startswith("outcome")]


def test_somebody_must_act_on_direct_responses_that_are_errors() -> None:
    nothing = dict.fromkeys(("upstream_cluster", "upstream_host"))
    errors = [failed(n, 500, "-", "direct_response", **nothing) for n in range(3)]
    redirects = [failed(n, 301, "-", "direct_response", **nothing) for n in range(3)]

    def row(log: list[Record]) -> str:
        lines = _lines([served(), *log], width=140, table="outcome")
        return next(line for line in lines if line.startswith("direct_response"))

    assert "gateway configuration" in row(errors)
    assert "nobody" in row(redirects)
