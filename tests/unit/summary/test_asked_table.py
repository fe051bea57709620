"""Tables by any columns against plain loops, from a log and from a tally; who is known."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from benchmarks import generator
from hypothesis import given
from hypothesis import strategies as st
from tests.handmade import (
    connection,
    fewer_examples,
    rare_records,
    refused_connection,
    reset,
    served,
    source_of,
    text_of,
    unrouted,
)

from envoylogs import schema
from envoylogs.errors import TallyQuestionError
from envoylogs.keyed.decoding import batches
from envoylogs.keyed.plan import ReadPlan
from envoylogs.keyed.selection import Selection
from envoylogs.pipeline import tally_sources
from envoylogs.summary.breakdown import COLUMNS, asked_table, columns_to_ask
from envoylogs.summary.judged import Judged
from envoylogs.summary.summary import Summary, summarize
from envoylogs.tally.spec import TallySpec
from envoylogs.tally.tally import Tally
from envoylogs.tally.traffic import CODE_CLASSES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import polars as pl

_COLUMNS = tuple(schema.COUNTABLE)
_GROUP_KEYS = ("authority", "route_name", "response_code", "upstream_cluster")
_ERRORS = {"broken_response", "upstream_5xx", "no_cluster", "no_endpoints", "connect_failure",
           "upstream_reset", "upstream_timeout", "overflow", "dependency_failed"}  # fmt: skip
_ANSWERED = {"upstream_5xx", "upstream_4xx", "passthrough", "served", "broken_response"}
_MAX_TEXT = 512
_TEXTS = {"path", "x_forwarded_for", "client", "user_agent", "request_id"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Row = dict[str, Any]


def _eras() -> bytes:
    """Return a log to which gateways of all releases wrote by turns."""
    logs = [
        generator.lines(120, seed=seed, era=era, shuffled=seed % 2 > 0)
        for seed, era in enumerate(generator.Era)
    ]
    return b"".join(itertools.chain.from_iterable(zip(*logs, strict=True)))


def _rare() -> bytes:
    return text_of(rare_records())


_LOGS: dict[str, Callable[[], bytes]] = {"all eras": _eras, "rare": _rare}


@cache
def _data(name: str) -> bytes:
    return _LOGS[name]()


# --- What a table says, by hand -----------------------------------------------------------------


def _without_port(name: str | None) -> str | None:
    return (
        None if name is None else re.sub(r"^(\[.*\]|[^:]*):[0-9]+$", r"\1", name, flags=re.DOTALL)
    )


def _path_group(path: str | None) -> str | None:
    if path is None:
        return None
    first, *others = re.split("[?#]", path[:_MAX_TEXT], maxsplit=1)[0].split("/")
    segments = [first, *map(_without_id, others)]
    if len(segments) > 5:
        segments[5:] = ["*"]
    return "/".join(segments) or "/"


def _without_id(segment: str) -> str:
    ids = {
        r"\d+": "{id}",
        r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}": "{uuid}",
        r"[0-9a-fA-F]{16,}": "{hash}",
    }
    return next((name for form, name in ids.items() if re.fullmatch(form, segment)), segment)


def _masked(path: str | None) -> str | None:
    if path is None:
        return None
    bare = re.split("[?#]", path, maxsplit=1)[0]
    return bare + re.sub(r"=[^&#]*", "=*", path[len(bare) :])


@dataclass
class _Seen:
    """One normalized record with the columns that are made from others."""

    row: Row
    asked: Row = field(init=False)

    def __post_init__(self) -> None:
        row = self.row
        http = (row["method"], row["path"], row["authority"], row["protocol"])
        name = row["requested_server_name"]
        is_connection = not row["response_code"] and http == (None,) * 4
        forwarded = row["x_forwarded_for"]
        last = None if forwarded is None else forwarded.split(",")[-1].strip()
        start = row["start_time"]
        self.asked = row | {
            "start_time": None if start is None else (start - _EPOCH) // timedelta(microseconds=1),
            "host": (None if name is None else name.lower())
            if is_connection
            else _without_port(row["authority"]),
            "client": _without_port(
                last
                if row["downstream_remote_address"] is None
                else row["downstream_remote_address"]
            ),
            "path_group": _path_group(row["path"]),
            "path": _masked(row["path"]),
        }

    def key(self, by: Sequence[str], *, cut: bool) -> tuple[Any, ...]:
        """Return the values of some columns; texts that are no names are cut."""
        return tuple(
            value[:_MAX_TEXT] if cut and name in _TEXTS and value is not None else value
            for name, value in ((name, self.asked[name]) for name in by)
        )

    @property
    def error(self) -> bool:
        code = self.row["response_code"] or 0
        outcome = self.row["outcome"]
        return outcome in _ERRORS or (outcome == "gateway_other" and code >= 500)

    @property
    def latency(self) -> int | None:
        answered = self.row["outcome"] in _ANSWERED and self.row["response_code"] != 101
        found: int | None = self.row["duration_ms"] if answered else None
        return found


@cache
def _requests(name: str) -> list[_Seen]:
    frames = [batch.frame for batch in batches([source_of(_data(name))])]
    rows = [row for frame in frames if frame is not None for row in frame.to_dicts()]
    return [_Seen(row) for row in rows if row["kind"] == "request"]


def _latency(values: Iterable[int]) -> Row:
    ordered = sorted(values)
    n = len(ordered)
    ranks = {"p50": 500, "p90": 900, "p95": 950, "p99": 990, "p999": 999}
    return {
        "count": n,
        "exact": True,
        **{name: ordered[math.ceil(n * q / 1000) - 1] if n else None for name, q in ranks.items()},
        "max": ordered[-1] if n else None,
        "mean": pytest.approx(sum(ordered) / n) if n else None,
    }


def _code_class(code: int | None) -> str:
    if code == 0:
        return "0"
    return f"{code // 100}xx" if code is not None and 100 <= code <= 599 else "other"


def _expected(requests: list[_Seen], by: Sequence[str]) -> list[Row]:
    """Return the rows of the table by some columns, by requests and then by key."""
    cut = bool(columns_to_ask(by))
    groups: dict[tuple[Any, ...], list[_Seen]] = defaultdict(list)
    for seen in requests:
        groups[seen.key(by, cut=cut)].append(seen)
    rows = []
    for key, group in groups.items():
        codes = Counter(_code_class(seen.row["response_code"]) for seen in group)
        outcomes = Counter(seen.row["outcome"] for seen in group)
        rows.append(
            {
                **dict(zip(by, key, strict=True)),
                "requests": len(group),
                "share": pytest.approx(len(group) / len(requests)),
                "codes": {name: codes[name] for name in CODE_CLASSES},
                "blackhole": outcomes["blackhole"],
                "unrouted": outcomes["blackhole"] + outcomes["no_route"],
                "errors": sum(seen.error for seen in group),
                "bytes_sent": sum(seen.row["bytes_sent"] or 0 for seen in group),
                "bytes_received": sum(seen.row["bytes_received"] or 0 for seen in group),
                "latency_ms": _latency(s.latency for s in group if s.latency is not None),
            }
        )
    return sorted(
        rows,
        key=lambda row: (
            -row["requests"],
            *((row[k] is None, 0 if row[k] is None else row[k]) for k in by),
        ),
    )


def _tally(name: str, by: Sequence[str]) -> Tally:
    spec = TallySpec(by=columns_to_ask(by))
    return tally_sources([source_of(_data(name))], spec=spec)


def _assert_same(found: pl.DataFrame, expected: list[Row]) -> None:
    assert found.columns == list(expected[0])
    for row, other in zip(found.to_dicts(), expected, strict=True):
        assert row == other


# --- Tables by any columns ----------------------------------------------------------------------

_BY = [
    ("method",),
    ("method", "path_group"),
    ("path_group", "method"),
    ("host", "response_code"),
    ("gateway", "upstream_host"),
    ("outcome", "response_flags"),
    ("upstream_service", "upstream_subset", "upstream_port"),
    ("route_name", "authority"),
    ("response_code", "upstream_cluster", "route_name", "authority"),
]


@pytest.mark.parametrize("name", _LOGS)
@pytest.mark.parametrize("by", _BY, ids=",".join)
def test_a_table_is_that_of_a_plain_loop(name: str, by: tuple[str, ...]) -> None:
    found = asked_table(Judged(_tally(name, by)), by)

    _assert_same(found, _expected(_requests(name), by))


@pytest.mark.parametrize("column", _COLUMNS)
@pytest.mark.parametrize("name", _LOGS)
def test_every_column_can_be_asked_for(name: str, column: str) -> None:
    keys = (column,)

    _assert_same(asked_table(Judged(_tally(name, keys)), keys), _expected(_requests(name), keys))


def test_every_column_can_be_counted_by_but_those_that_are_summed() -> None:
    every = {*schema.NORMALIZED, *schema.DERIVED}

    summed = {"bytes_sent", "bytes_received", "is_error", "is_unrouted", "is_refused"}
    assert every - set(_COLUMNS) == summed


def test_the_logs_have_several_values_of_most_columns() -> None:
    values = {
        column: {seen.asked[column] for name in _LOGS for seen in _requests(name)}
        for column in _COLUMNS
    }

    few = {column for column, found in values.items() if len(found) < 2}
    assert few == {"kind", "pod", "namespace", "container", "role",
                   "connection_termination_details"}  # fmt: skip


@pytest.mark.property
@fewer_examples(5)
@given(by=st.lists(st.sampled_from(_COLUMNS), min_size=1, max_size=4, unique=True))
def test_any_columns_together(by: list[str]) -> None:
    found = asked_table(Judged(_tally("all eras", by)), by)

    _assert_same(found, _expected(_requests("all eras"), by))


@pytest.mark.parametrize("column", COLUMNS)
def test_a_table_that_every_summary_has_is_the_same_when_it_is_asked_for(column: str) -> None:
    summary = summarize(_tally("all eras", ()), by=(column,))

    assert columns_to_ask((column,)) == ()
    usual = summary.table(column)
    if column == "outcome":
        usual = usual.filter(usual["share"].is_not_null())
    assert summary.table("by").equals(usual)


def test_groups_are_the_table_by_their_keys() -> None:
    for name in _LOGS:
        summary = summarize(_tally(name, ()), by=_GROUP_KEYS)
        assert summary.table("by").equals(summary.table("groups"))


def test_tables_by_any_columns_add_up_to_the_overview() -> None:
    for name, by in itertools.product(_LOGS, _BY[::3]):
        summary = summarize(_tally(name, by), by=by)
        rows = summary.table("by")
        assert rows is not None
        overview = summary.overview
        assert rows["requests"].sum() == overview.requests
        assert rows["errors"].sum() == overview.errors
        assert rows["unrouted"].sum() == overview.unrouted
        assert rows["bytes_sent"].sum() == overview.bytes_sent
        assert rows["codes"].struct.unnest().sum().sum_horizontal().item() == overview.requests
        assert rows["share"].sum() == pytest.approx(1.0)
        assert rows["latency_ms"].struct.field("count").sum() == overview.latency_ms["count"]


def test_connections_and_own_traffic_are_not_counted() -> None:
    log = [served(0), connection(1), refused_connection(2),
           served(3, downstream_local_address="10.8.0.6:15021")]  # fmt: skip
    tally = tally_sources([source_of(text_of(log))], spec=TallySpec(by=("method",)))

    found = asked_table(Judged(tally), ("method",))

    assert found.select("method", "requests", "share").rows() == [("GET", 1, 1.0)]


def test_a_log_without_requests_has_an_empty_table() -> None:
    for log in ([], [connection(0)]):
        for by in (("method", "host"), ("authority",), ("gateway",)):
            spec = TallySpec(by=columns_to_ask(by))
            tally = tally_sources([source_of(text_of(log))], spec=spec)
            assert asked_table(Judged(tally), by).is_empty()


def test_times_are_microseconds() -> None:
    spec = TallySpec(by=("start_time",))
    log = [served(start_time="2026-11-01T12:00:00.250Z"), served(None)]

    found = asked_table(Judged(tally_sources([source_of(text_of(log))], spec=spec)), spec.by)

    assert found["start_time"].to_list() == [1_793_534_400_250_000, None]


def test_long_texts_of_strangers_are_cut_before_they_are_counted() -> None:
    log = [served(user_agent="a" * 600 + str(n)) for n in range(9)]
    spec = TallySpec(by=("user_agent",))

    found = asked_table(Judged(tally_sources([source_of(text_of(log))], spec=spec)), spec.by)

    assert found.select("user_agent", "requests").rows() == [("a" * 512, 9)]


def test_values_of_queries_are_one_row_unless_they_are_to_be_shown() -> None:
    data = text_of(served(path=f"/a?id={n}") for n in range(3))

    def paths(*, show_query: bool) -> list[str]:
        spec = TallySpec(by=("path",), show_query=show_query)
        tally = tally_sources([source_of(data)], spec=spec)
        return asked_table(Judged(tally), ("path",))["path"].to_list()

    assert paths(show_query=False) == ["/a?id=*"]
    assert paths(show_query=True) == ["/a?id=0", "/a?id=1", "/a?id=2"]


# --- Tables of a tally that has more columns ----------------------------------------------------


@pytest.mark.parametrize("name", _LOGS)
def test_fewer_columns_are_rolled_up_from_more(name: str) -> None:
    more = ("method", "host", "path_group", "client")
    judged = Judged(tally_sources([source_of(_data(name))], spec=TallySpec(by=more)))

    for size in range(1, len(more) + 1):
        for by in itertools.permutations(more, size):
            _assert_same(asked_table(judged, by), _expected(_requests(name), by))


def test_what_every_tally_has_needs_not_be_asked_for() -> None:
    judged = Judged(_tally("all eras", ()))

    for size in range(1, 5):
        for by in itertools.combinations(_GROUP_KEYS, size):
            assert columns_to_ask(by) == ()
            _assert_same(asked_table(judged, by), _expected(_requests("all eras"), by))


@pytest.mark.parametrize(
    ("has", "by"),
    [
        ((), ("method",)),
        (("method",), ("method", "path_group")),
        (("method", "host"), ("authority", "method")),
        (("method",), ("outcome", "authority")),
        ((), ("gateway", "upstream_host")),
    ],
)
def test_what_a_tally_does_not_have_is_refused_with_what_it_has(
    has: tuple[str, ...], by: tuple[str, ...]
) -> None:
    judged = Judged(Tally.empty(TallySpec(by=has)))

    with pytest.raises(TallyQuestionError) as caught:
        asked_table(judged, by)

    message = str(caught.value)
    assert ",".join(by) in message
    assert all(name in message for name in (*_GROUP_KEYS, "outcome", "gateway", "upstream_host"))
    assert (f"and by {','.join(has)}" in message) == bool(has)
    assert "--by" in message


# --- Who is known does not depend on the selection ----------------------------------------------

_STORY = [
    *(served(n, authority="shop.example.com") for n in range(30)),
    *(unrouted(n, authority="shop.example.com", path="/missing") for n in range(30, 50)),
    *(unrouted(n, authority="stranger.example.org") for n in range(5)),
    *(connection(n, requested_server_name="db.example.com") for n in range(4)),
    *(refused_connection(n, requested_server_name="DB.example.com") for n in range(10, 13)),
    *(refused_connection(n, requested_server_name="stranger.example.org") for n in range(2)),
    *(reset(n, authority="shop.example.com") for n in range(60, 63)),
]


def _selected(**patterns: str) -> Summary:
    selection = Selection.of({word: [value] for word, value in patterns.items()})
    return summarize(
        tally_sources([source_of(text_of(_STORY))], plan=ReadPlan(selection=selection))
    )


def test_the_unrouted_requests_of_a_routed_host_are_no_noise_when_they_alone_are_selected() -> None:
    summary = _selected(outcome="no_route", host="shop.example.com")

    assert summary.overview.requests == summary.overview.unrouted == 20
    assert summary.overview.noise["requests"] == 0
    assert summary.overview.not_found_ledger["noise"] == 0
    assert summary.table("rejections")["known"].to_list() == [True]


def test_a_selection_of_unrouted_requests_is_no_gateway_that_routes_nothing() -> None:
    for patterns in ({"outcome": "no_route"}, {"outcome": "unrouted"}, {"code": "404"}):
        summary = _selected(**patterns)
        assert "unrouted_host" not in {found.code for found in summary.findings}
        assert not [f for f in summary.findings if "nothing at all" in (f.proof or "") + f.title]
        assert summary.overview.noise["requests"] == 5


def test_refused_connections_of_an_accepted_name_are_no_noise_when_they_alone_are_selected() -> (
    None
):
    summary = _selected(outcome="no_filter_chain")

    known = dict(summary.table("rejections").select("host", "known").iter_rows())
    assert known == {"DB.example.com": True, "stranger.example.org": False}
    assert summary.overview.noise["connections"] == 2


@pytest.mark.parametrize("name", _LOGS)
@pytest.mark.parametrize(
    "patterns",
    [{"outcome": ["unrouted"]}, {"outcome": ["error"]}, {"code": ["2xx"]}, {"host": ["-"]},
     {"client": ["*"], "path": ["/*"]}, {"code": ["999"]}],
    ids=json.dumps,
)  # fmt: skip
def test_known_names_are_those_of_the_whole_log(name: str, patterns: dict[str, list[str]]) -> None:
    source = source_of(_data(name))
    selection = Selection.of(patterns)

    whole = tally_sources([source])
    some = tally_sources([source], plan=ReadPlan(selection=selection))

    assert some.known_names.canonical().equals(whole.known_names.canonical())
    assert Judged(some).known_hosts.equals(Judged(whole).known_hosts)
    assert whole.known_names.frame.height > 2


def test_known_hosts_are_those_that_a_request_was_routed_for() -> None:
    for name in _LOGS:
        known = set(Judged(_tally(name, ())).known_hosts)
        sure = {
            seen.asked["host"]
            for seen in _requests(name)
            if seen.row["outcome"] in _ANSWERED | (_ERRORS - {"dependency_failed"})
        }
        assert sure - {None} <= known
        assert known <= {seen.asked["host"] for seen in _requests(name)}
