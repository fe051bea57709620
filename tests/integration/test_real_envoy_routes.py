"""A real Envoy judges the matcher: the route that it logs is the one that is found."""

from __future__ import annotations

import json
import socket
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from tests.judging_envoy import judging_envoy, listener
from tests.route_judge import (
    LOGGED,
    NO_ROUTE,
    Record,
    as_logged,
    certain_outcome,
    dead_clusters,
    http_chain,
    outcome_of,
    possible_outcomes,
    written,
)
from tests.routing_worlds import Asked, random_request, random_table

from envoylogs.mesh.documents import read_configuration
from envoylogs.mesh.requests import Request
from envoylogs.mesh.routes.matcher import Candidate, Routing, TableMatcher
from envoylogs.mesh.tables import Action, Route, RouteTable

_SEED = 20_26
_TABLES = 80
_REQUESTS_PER_TABLE = 40

_STILL_OPEN = ("runtime fraction", "how this release of Envoy")
"""What is not known even where all headers are."""

Judged = list[tuple[RouteTable, Asked, Record]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the Envoy of the tables runs."""
    return tmp_path_factory.mktemp("routes")


@pytest.fixture(scope="module")
def judged(folder: Path) -> Judged:
    """Tables, requests that were sent, and what Envoy logged of them."""
    random = Random(_SEED)
    tables = [random_table(random, f"table-{number}") for number in range(_TABLES)]
    listeners = [listener(table.name, [http_chain(random, table)]) for table in tables]
    cases: dict[str, tuple[RouteTable, Asked]] = {}
    with judging_envoy(folder, listeners, dead_clusters()) as ports:
        for table in tables:
            for _ in range(_REQUESTS_PER_TABLE):
                asked = random_request(random)
                case = str(len(cases))
                cases[case] = table, asked
                _send(ports[table.name], asked, case)
    records = map(json.loads, (folder / "access.log").read_text().splitlines())
    return [(*cases[each["case"]], each) for each in records if each["case"]]


def _send(port: int, asked: Asked, case: str) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(written(asked, case))
        connection.recv(1024)


def _with_all_headers(table: RouteTable, asked: Asked, record: Record) -> Request:
    held = {
        name: value
        for name, value in record.items()
        if value is not None
        and name in {*LOGGED, ":scheme", "x-forwarded-proto", "x-envoy-internal"}
    }
    # White space around a value is no part of it in HTTP.
    sent = {name: value.strip() for name, value in asked.headers.items()}
    headers = {**sent, **held}
    named = {
        condition.name
        for virtual_host in table.virtual_hosts
        for route in virtual_host.routes
        for condition in route.match.headers
    }
    pseudo = {":method", ":authority", ":path", "host"}
    absent = frozenset(
        {*named, "upgrade", "x-envoy-internal", table.vhost_header} - headers.keys() - pseudo
    )
    return Request(
        record["authority"], record["path"], record["method"], headers=headers, absent=absent
    )


def _shown(table: RouteTable, asked: Asked, record: Record, found: Routing) -> str:
    host = found.virtual_host
    lines = [
        f"sent: {asked}",
        f"logged: {record}",
        f"found: {found.verdict} {[each.route.name for each in found.candidates]} {found.why}",
        f"domains: {[each.domains for each in table.virtual_hosts]}"
        f" ignore_port={table.ignore_port} vhost_header={table.vhost_header}"
        f" ignore_path_parameters={table.ignore_path_parameters}",
        *(f"{each.name}: {each.match}" for each in (host.routes if host else ())),
    ]
    return "\n".join(lines)


def test_the_log_alone_names_the_route_or_all_that_may_be_it(judged: Judged) -> None:
    seen = Counter[str]()
    for table, asked, record in judged:
        outcome = outcome_of(record)
        if outcome is None:
            continue
        found = TableMatcher(table).route(as_logged(record))
        seen[found.verdict] += 1
        if found.verdict == "may":
            unbounded = found.virtual_host is None
            assert unbounded or outcome in possible_outcomes(found), _shown(
                table, asked, record, found
            )
        else:
            assert certain_outcome(found) == outcome, _shown(table, asked, record, found)

    assert seen.total() >= 2_000
    assert min(seen.values()) >= 200


def _held_less(request: Request) -> list[Request]:
    """Return a request as logs hold it that lack something."""
    return [
        replace(request, path=(request.path or "").partition("?")[0], query_known=False),
        replace(request, path=None),
        replace(request, method=None),
        replace(request, authority=None),
        replace(request, headers={}, absent=frozenset()),
    ]


def test_a_log_that_holds_less_is_never_sure_of_what_is_not_so(judged: Judged) -> None:
    certain = 0
    for table, asked, record in judged:
        outcome = outcome_of(record)
        # A CONNECT has no path that could be missing.
        if outcome is None or record["method"] == "CONNECT":
            continue
        matcher = TableMatcher(table)
        for less in _held_less(as_logged(record)):
            found = matcher.route(less)
            shown = f"held: {less}\n{_shown(table, asked, record, found)}"
            if found.verdict != "may":
                assert certain_outcome(found) == outcome, shown
                certain += 1
            elif found.virtual_host is not None:
                assert outcome in possible_outcomes(found), shown

    assert certain >= 2_000


def test_all_headers_handed_over_leave_only_shares_open(judged: Judged) -> None:
    certain = 0
    for table, asked, record in judged:
        outcome = outcome_of(record)
        if outcome is None:
            continue
        found = TableMatcher(table).route(_with_all_headers(table, asked, record))
        assert all(each.startswith(_STILL_OPEN) for each in found.why), _shown(
            table, asked, record, found
        )
        if found.verdict == "may":
            assert outcome in _of_shares(found.candidates), _shown(table, asked, record, found)
        else:
            assert certain_outcome(found) == outcome, _shown(table, asked, record, found)
            certain += 1

    assert certain >= 2_000


def _of_shares(candidates: tuple[Candidate, ...]) -> set[str]:
    """Return what may take a request where a share of 0 is never, and one of 100 always."""
    possible = set()
    for each in candidates:
        if each.conditions != ("runtime fraction 0 %",):
            possible.add(each.route.name)
        if each.conditions in {(), ("runtime fraction 100 %",)}:
            return possible
    return {*possible, NO_ROUTE}


def test_the_dump_holds_the_tables_as_they_were_drawn(folder: Path, judged: Judged) -> None:
    drawn = {table.name: table for table, _, _ in judged}

    dumped = read_configuration([str(folder / "config_dump.json")]).tables

    assert len(drawn) >= 60
    assert {each.name: _matched(each) for each in dumped if each.name in drawn} == {
        name: _matched(table) for name, table in drawn.items()
    }


def _matched(table: RouteTable) -> RouteTable:
    """Return a table without what its routes do, and where it was read."""
    hosts = tuple(
        replace(
            host, routes=tuple(Route(route.name, route.match, Action()) for route in host.routes)
        )
        for host in table.virtual_hosts
    )
    return replace(table, virtual_hosts=hosts, source="")
