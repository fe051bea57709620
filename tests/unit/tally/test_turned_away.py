from __future__ import annotations

from typing import Any

import polars as pl
from tests.handmade import Record, batch_of, refused_connection, served, unrouted

from envoylogs.tally.folding.marks import FOLDED
from envoylogs.tally.spec import TallySpec
from envoylogs.tally.tally import Tally
from envoylogs.tally.tally_sum import TallySum
from envoylogs.tally.turned_away import LONGEST, TurnedAway

_BY_PATH = TallySpec(turned_away=("path",))
_BY_QUERY = TallySpec(turned_away=("path", "query"))


def _rows(*records: Record, spec: TallySpec = _BY_PATH) -> list[dict[str, Any]]:
    frame = TurnedAway.of(batch_of(records), spec).frame
    return frame.sort("requests", "path", descending=[True, False]).to_dicts()


def _unrouted(path: str, **more: Any) -> Record:
    return unrouted(0, path=path, **more)


def test_nothing_is_counted_unless_it_is_asked_for() -> None:
    assert TurnedAway.of(batch_of([_unrouted("/a")]), TallySpec()).frame.is_empty()


def test_what_the_gateway_answered_is_counted_by_host_port_method_and_path() -> None:
    one = {"authority": "a.example.com", "downstream_local_address": "10.0.0.1:8443"}

    found = _rows(
        _unrouted("/a?x=1", **one),
        _unrouted("/a?x=2", **one),
        _unrouted("/a", **one, method="POST"),
        served(0, **one),
    )

    assert [
        (row["authority"], row["listener_port"], row["method"], row["path"], row["requests"])
        for row in found
    ] == [("a.example.com", 8443, "GET", "/a", 2), ("a.example.com", 8443, "POST", "/a", 1)]


def test_the_query_begins_with_its_question_mark_and_is_empty_for_none() -> None:
    found = _rows(_unrouted("/a?x=1#top"), _unrouted("/b"), spec=_BY_QUERY)

    assert [(row["path"], row["query"]) for row in found] == [("/a", "?x=1"), ("/b", "")]


def test_refused_connections_are_counted_by_their_server_name() -> None:
    (found,) = _rows(refused_connection(0))

    assert found["kind"] == "connection"
    assert found["requested_server_name"] == "db.example.com"
    assert (found["outcome"], found["path"]) == ("no_filter_chain", None)


def test_a_long_path_is_cut() -> None:
    (found,) = _rows(_unrouted("/" + "a" * 2 * LONGEST))

    assert len(found["path"]) == LONGEST


def test_a_port_that_was_not_logged_is_missing() -> None:
    (found,) = _rows(_unrouted("/a", downstream_local_address=None))

    assert found["listener_port"] is None


def _sum_of(records: list[Record], spec: TallySpec) -> Tally:
    adding = TallySum(spec)
    adding.add(batch_of(records))
    return adding.total().merge()


def test_past_its_rows_the_paths_that_were_asked_for_least_are_folded() -> None:
    often = [_unrouted("/often") for _ in range(5)]
    rarely = [_unrouted(f"/rare/{n}") for n in range(100)]

    tally = _sum_of([*often, *rarely], TallySpec(turned_away=("path",), max_names=1))

    rows = tally.turned_away.frame
    assert rows.height <= tally.spec.max_rows
    assert rows["requests"].sum() == 105
    assert rows.filter(path="/often")["requests"].to_list() == [5]
    assert rows.filter(path=FOLDED)["requests"].sum() >= 80


def test_what_folded_hosts_were_asked_for_is_folded_too() -> None:
    known = [
        _unrouted("/a", authority="known.example.com"),
        served(0, authority="known.example.com"),
    ]
    strangers = [_unrouted(f"/{n}", authority=f"s{n}.net") for n in range(30)]

    rows = _sum_of([*known, *strangers], TallySpec(turned_away=("path",), max_names=2)).turned_away

    of_all = rows.frame.filter(authority=FOLDED)
    assert of_all["path"].unique().to_list() == [FOLDED]
    assert rows.frame.select(pl.col("requests").sum()).item() == 31
