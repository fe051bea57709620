from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.handmade import (
    HOST,
    Record,
    fewer_examples,
    refused,
    served,
    summary_of,
    tally_of,
    unrouted,
    us,
)

from envoylogs.summary.judged import Judged
from envoylogs.summary.paths import grace_us, path_states, with_lost
from envoylogs.tally.folding.marks import FOLDED, FOLDED_KNOWN

_HOUR = 3600


def _rows(*records: Record) -> list[dict[str, Any]]:
    return path_states(Judged(tally_of(records))).to_dicts()


def _states(*records: Record) -> dict[tuple[str | None, str | None], str]:
    return {(row["host"], row["path_group"]): row["state"] for row in _rows(*records)}


def _state(*records: Record) -> str:
    (state,) = set(_states(*records).values())
    return state


def _window() -> list[Record]:
    """Return requests of another host that make the log an hour long."""
    other: Record = {"authority": "other.example.com", "path": "/other"}
    return [served(0, **other), served(_HOUR, **other)]


def test_a_path_with_a_route_all_along_is_routed() -> None:
    assert _state(served(0), served(5), refused(9)) == "routed"


def test_a_path_that_never_had_a_route_is_never_routed() -> None:
    assert _state(unrouted(0), unrouted(9)) == "never"


def test_a_path_that_is_unrouted_since_it_was_routed_is_lost() -> None:
    assert _state(served(0), served(10), unrouted(11), unrouted(20)) == "lost"


def test_a_path_that_is_routed_since_it_was_unrouted_is_gained() -> None:
    assert _state(unrouted(0), unrouted(10), served(11), served(20)) == "gained"


def test_a_path_routed_and_unrouted_by_turns_is_mixed() -> None:
    assert _state(served(0), unrouted(10), served(20), unrouted(30), served(40)) == "mixed"
    assert _state(unrouted(0), served(10), unrouted(20)) == "mixed"
    assert _state(served(0), unrouted(10), served(20)) == "mixed"


def test_the_order_of_the_lines_does_not_count() -> None:
    assert _state(unrouted(20), served(10), unrouted(11), served(0)) == "lost"


def test_without_times_a_path_with_both_is_mixed() -> None:
    assert _state(served(None), unrouted(None)) == "mixed"
    assert _state(served(None), served(None)) == "routed"
    assert _state(unrouted(None)) == "never"


def test_a_path_is_told_by_its_method_and_group() -> None:
    rows = _rows(
        served(0, path="/orders/1"),
        unrouted(9, path="/orders/2?x"),
        unrouted(9, path="/orders/2", method="POST"),
    )

    assert [(row["method"], row["path_group"], row["unrouted"]) for row in rows] == [
        ("GET", "/orders/{id}", 1),
        ("POST", "/orders/{id}", 1),
    ]


def test_ports_of_one_host_are_one_host() -> None:
    (row,) = _rows(served(0, authority=f"{HOST}:8443"), unrouted(9, authority=HOST))

    assert (row["host"], row["state"], row["known"]) == (HOST, "lost", True)
    assert (row["first_routed"], row["first_unrouted"]) == (us(0), us(9))


def test_a_host_is_known_once_a_request_of_it_was_routed() -> None:
    rows = _rows(
        unrouted(0, path="/new"),
        refused(1, path="/"),
        unrouted(2, authority="stranger.example.com"),
        served(3, authority=None),
    )

    assert {(row["host"], row["path_group"]): row["known"] for row in rows} == {
        (HOST, "/new"): True,
        (HOST, "/"): True,
        ("stranger.example.com", "/"): False,
        (None, "/"): False,
    }


# --- Grace --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "grace_s"), [(0, 0), (20, 1), (200, 10), (600, 30), (601, 30), (86400, 30)]
)
def test_grace_is_a_twentieth_of_the_log_and_half_a_minute_at_most(
    seconds: int, grace_s: int
) -> None:
    judged = Judged(tally_of([served(0), served(seconds)]))

    assert grace_us(judged) == grace_s * 1_000_000


def test_a_log_without_times_has_no_grace() -> None:
    assert grace_us(Judged(tally_of([served(None)]))) == 0
    assert grace_us(Judged(tally_of([]))) == 0


def test_gateways_may_take_a_change_within_half_a_minute() -> None:
    change = [served(1000), unrouted(1010), served(1040), unrouted(1100)]
    too_long = [served(1000), unrouted(1010), served(1041), unrouted(1100)]

    assert _states(*_window(), *change)[HOST, "/"] == "lost"
    assert _states(*_window(), *too_long)[HOST, "/"] == "mixed"


def test_a_gained_route_has_the_same_grace() -> None:
    change = [unrouted(1000), served(1010), unrouted(1040), served(1100)]
    too_long = [unrouted(1000), served(1010), unrouted(1041), served(1100)]

    assert _states(*_window(), *change)[HOST, "/"] == "gained"
    assert _states(*_window(), *too_long)[HOST, "/"] == "mixed"


def test_in_a_short_log_grace_does_not_hide_a_path_that_is_mixed() -> None:
    assert _state(served(0), unrouted(1), served(2), unrouted(3)) == "mixed"


# --- Lost hosts ---------------------------------------------------------------------------------


def _lost_hosts(*records: Record) -> set[str | None]:
    return {row["host"] for row in _rows(*records) if row["host_lost"]}


def test_a_host_is_lost_when_nothing_of_it_is_routed_any_more() -> None:
    assert _lost_hosts(*_window(), served(10), unrouted(100), unrouted(200)) == {HOST}


def test_a_host_with_another_path_still_routed_is_not_lost() -> None:
    records = [
        *_window(), served(10), unrouted(100), served(10, path="/a"), served(200, path="/a"),
    ]  # fmt: skip

    assert _lost_hosts(*records) == set()
    assert _states(*records)[HOST, "/"] == "lost"
    assert _states(*records)[HOST, "/a"] == "routed"


def test_new_paths_of_a_lost_host_are_lost_with_it() -> None:
    states = _states(
        *_window(), served(10), unrouted(100), unrouted(100, path="/new"), unrouted(150, path="/b")
    )

    assert (states[HOST, "/new"], states[HOST, "/b"]) == ("lost", "lost")


def test_paths_that_were_unrouted_before_the_host_was_lost_stay_never_routed() -> None:
    states = _states(*_window(), unrouted(5, path="/old"), served(10), unrouted(100))

    assert states[HOST, "/old"] == "never"


def test_new_paths_of_a_host_that_lost_only_some_stay_never_routed() -> None:
    states = _states(
        *_window(), served(10), unrouted(100), served(500, path="/a"), unrouted(150, path="/new")
    )

    assert states[HOST, "/new"] == "never"


def test_hosts_do_not_lose_their_routes_to_each_other() -> None:
    strange = {"authority": "b.example.com"}

    assert _lost_hosts(*_window(), served(10), unrouted(100), served(900, **strange)) == {HOST}


def test_requests_without_a_host_are_lost_together() -> None:
    nobody: Record = {"authority": None}

    assert _lost_hosts(*_window(), served(10, **nobody), unrouted(99, **nobody)) == {None}


def test_rows_with_most_unrouted_requests_come_first() -> None:
    rows = _rows(
        served(0, path="/b"), unrouted(0, path="/c"), unrouted(1, path="/c"),
        unrouted(1, path="/a"), served(0, path="/a"),
    )  # fmt: skip

    assert [row["path_group"] for row in rows] == ["/c", "/a", "/b"]


@pytest.mark.property
@fewer_examples(6)
@given(
    requests=st.lists(
        st.tuples(
            st.sampled_from(["a.example.com", "b.example.com", "b.example.com:8443", None]),
            st.sampled_from(["/x", "/y", "/1"]),
            st.booleans(),
            st.one_of(st.none(), st.integers(0, 60)),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_every_request_is_in_one_row_and_the_ledger_is_made_of_the_same(
    requests: list[tuple[str | None, str, bool, int | None]],
) -> None:
    records = [
        (served if routed else unrouted)(seconds, authority=authority, path=path)
        for authority, path, routed, seconds in requests
    ]
    rows = _rows(*records)
    ledger = summary_of(records).overview.not_found_ledger

    known = {str(authority).split(":")[0] for authority, _, routed, _ in requests if routed}
    for row in rows:
        of_row = [
            (routed, seconds)
            for authority, path, routed, seconds in requests
            if (authority.split(":")[0] if authority else None) == row["host"]
            and path.replace("/1", "/{id}") == row["path_group"]
        ]
        times = [seconds for routed, seconds in of_row if routed and seconds is not None]
        assert row["routed"] == sum(routed for routed, _ in of_row)
        assert row["unrouted"] == row["unrouted_404"] == len(of_row) - row["routed"]
        assert row["first_routed"] == (us(min(times)) if times else None)
        assert row["last_routed"] == (us(max(times)) if times else None)
        assert row["known"] == (row["host"] is not None and row["host"] in known)
        assert (row["state"] == "routed") == (row["unrouted"] == 0)
        assert row["state"] != "never" or row["routed"] == 0
    assert sum(row["routed"] + row["unrouted"] for row in rows) == len(requests)
    assert ledger["all"] == sum(row["unrouted"] for row in rows)
    of_unknown = sum(row["unrouted"] for row in rows if not row["known"])
    assert ledger["noise"] == of_unknown
    assert ledger["lost"] + ledger["never_routed"] + ledger["noise"] == ledger["all"]
    assert min(ledger.values()) >= 0


def _lost(rows: list[tuple[str | None, str | None, str | None]], *records: Record) -> list[Any]:
    schema = dict.fromkeys(("host", "method", "path_group"), pl.String)
    paths = path_states(Judged(tally_of(records)))
    return with_lost(pl.DataFrame(rows, schema, orient="row"), paths)["lost"].to_list()


def test_which_paths_are_lost_is_told_by_host_method_and_path() -> None:
    records = [served(0), *_window(), served(9, path="/b"), unrouted(1800), unrouted(1801)]

    rows = [(HOST, "GET", "/b"), (HOST, "GET", "/"), (HOST, "POST", "/"), (None, None, None)]
    assert _lost(rows, *records) == [False, True, False, False]


@pytest.mark.parametrize(
    "row", [(HOST, "GET", FOLDED), (HOST, "GET", FOLDED_KNOWN), (FOLDED_KNOWN, FOLDED, FOLDED)]
)
def test_what_was_folded_is_lost_if_all_of_it_was_and_else_can_not_be_told(
    row: tuple[str, str, str],
) -> None:
    """Folded names may stand for any path of theirs."""
    lost = [*_window(), served(0), served(9, path="/b"), unrouted(1800), unrouted(1801, path="/b")]
    never = [*_window(), served(0), served(3000, path="/d"), unrouted(1800, path="/c")]

    assert _lost([row], *lost) == [True]
    assert _lost([row], *never) == [False]
    assert _lost([row], *lost, *never) == [None]
    assert _lost([row], served(0)) == [False]
