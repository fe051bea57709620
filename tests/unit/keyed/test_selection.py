"""Selections against plain loops over the same records, conditions in SQL, windows and times."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.handmade import (
    HOSTILE_TEXTS,
    Record,
    batch_of,
    connection,
    failed,
    rare_records,
    refused,
    refused_connection,
    reset,
    served,
    source_of,
    summary_of,
    text_of,
    unrouted,
    us,
)

from envoylogs import schema
from envoylogs.envoy.roles import ROLES
from envoylogs.errors import SelectionError
from envoylogs.keyed.decoding import batches
from envoylogs.keyed.moments import GivenWindow, moment_of, span_of
from envoylogs.keyed.patterns import COLUMN_OF
from envoylogs.keyed.selection import NOTHING_SELECTED, Selection

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_UNROUTED = {"blackhole", "no_route"}
_ERRORS = {"broken_response", "upstream_5xx", "no_cluster", "no_endpoints", "connect_failure",
           "upstream_reset", "upstream_timeout", "overflow", "dependency_failed"}  # fmt: skip


def _chosen(
    records: Sequence[Record],
    where: str | None = None,
    *,
    since: float | None = None,
    until: float | None = None,
    **patterns: str | list[str],
) -> list[int]:
    """Return the places of the records that a selection finds, through the real reader.

    No column is read but those that the selection asks for, and the record's own place.
    """
    selection = Selection.of(
        {word: [some] if isinstance(some, str) else some for word, some in patterns.items()},
        where=where,
        since_us=None if since is None else us(since),
        until_us=None if until is None else us(until),
    )
    return _places(records, selection)


def _places(records: Sequence[Record], selection: Selection) -> list[int]:
    marked = [record | {"request_id": f"place {n}"} for n, record in enumerate(records)]
    # Some of the records are a sidecar's; that roles are chosen is tested elsewhere.
    of_all = replace(selection, roles=ROLES)
    read = batches([source_of(text_of(marked))], columns=("request_id",), selection=of_all)
    frames = [batch.frame for batch in read if batch.frame is not None]
    return [int(name.split()[1]) for frame in frames for name in frame["request_id"]]


# --- What a selection means, by hand ------------------------------------------------------------


def _value(logged: object) -> str | None:
    return None if logged in (None, "-", "") else str(logged)


def _without_port(address: str | None) -> str | None:
    """Return an address without its port; colons inside brackets, or several, are no port's."""
    if address is None:
        return None
    name, colon, port = address.rpartition(":")
    bracketed = name.startswith("[") and name.endswith("]")
    is_port = bool(colon) and port.isdigit() and port.isascii()
    return name if is_port and (bracketed or ":" not in name) else address


@dataclass(frozen=True)
class _Seen:
    """One record as a person reads it."""

    record: Record
    outcome: str

    def text(self, key: str) -> str | None:
        return _value(self.record.get(key))

    @property
    def code(self) -> int | None:
        found = int(self.text("response_code") or 1000)
        return found if found < 1000 else None  # codes have three digits

    @property
    def host(self) -> str | None:
        names = ("method", "path", "authority", "protocol")
        if not self.code and not any(self.text(name) for name in names):
            name = self.text("requested_server_name")
            return None if name is None else name.lower()
        authority = self.text("authority")
        if authority is None:
            return None
        bare = authority.lower().removesuffix(":80").removesuffix(":443")
        return _without_port(bare) or None

    @property
    def path(self) -> str | None:
        path = self.text("path")
        return None if path is None else re.split("[?#]", path, maxsplit=1)[0]

    @property
    def subset(self) -> str | None:
        parts = (self.text("upstream_cluster") or "").split("|", 3)
        return (parts[2] or None) if len(parts) == 4 and parts[0] == "outbound" else None

    @property
    def client(self) -> str | None:
        forwarded = self.text("x_forwarded_for")
        last = None if forwarded is None else forwarded.split(",")[-1].strip()
        return _without_port(self.text("downstream_remote_address") or last)

    @property
    def gateway(self) -> str | None:
        return self.text("pod_name") or _without_port(self.text("downstream_local_address"))

    @property
    def time_us(self) -> int | None:
        start = self.text("start_time")
        if start is None:
            return None
        return (datetime.fromisoformat(start) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
            microseconds=1
        )

    def by_word(self, word: str) -> str | None:
        if word == "code":
            return None if self.code is None else str(self.code)
        if word in {"host", "path", "subset", "client", "gateway", "outcome"}:
            found: str | None = getattr(self, word)
            return found
        if word == "cluster":
            return (self.text("upstream_cluster") or "").removesuffix(";") or None
        return self.text("route_name")


def _fits(glob: str, text: str) -> bool:
    """Tell whether text fits a glob: each step takes one character of it, or none for a star."""
    places = {0}
    for character in glob:
        if character == "*":
            places = set(range(min(places, default=len(text) + 1), len(text) + 1))
        else:
            places = {
                place + 1
                for place in places
                if place < len(text) and character in {"?", text[place]}
            }
    return len(text) in places


def _is_meant(seen: _Seen, word: str, value: str) -> bool:
    found = seen.by_word(word)
    if value == "-":
        return found is None
    if found is None:
        return False
    if word == "outcome" and value in {"unrouted", "error"}:
        return found in (_UNROUTED if value == "unrouted" else _ERRORS)
    if word == "code":
        value = value.replace("x", "?")
    return _fits(value.lower() if word == "host" else value, found)


@cache
def _log() -> tuple[Record, ...]:
    """Return records that differ in everything that can be selected."""
    hosts = ("shop.example.com", "Shop.Example.COM:8443", "api.example.com:80", "API.example.com",
             "[2001:db8::1]:8080", "2001:db8::2", "[::1]", "x.shop.example.com", None, "-",
             "shopXexample.com")  # fmt: skip
    paths = ("/", "/cart", "/cart?id=1", "/cart#top", "/cart/7", "/cart.html", "/?x=/cart", None)
    clients = ("192.0.2.1:40001", "192.0.2.10:40001", "[2001:db8::7]:443", None, "-")
    clusters = ("outbound|80||shop.shop.svc.cluster.local", "outbound|80|v2|shop.svc.local;",
                "inbound|8080|http|shop.svc.local", "outbound|443|v2-a|b|c", "PassthroughCluster",
                None)  # fmt: skip
    codes = (200, 204, 301, 404, 500, 503, 0, "599", 101, 1404, 5, None)
    log = [
        *(served(n, authority=host) for n, host in enumerate(hosts)),
        *(served(n, path=path) for n, path in enumerate(paths)),
        *(served(n, downstream_remote_address=client, x_forwarded_for="10.0.0.1, 192.0.2.77")
          for n, client in enumerate(clients)),
        served(20, downstream_remote_address=None, x_forwarded_for=None),
        served(20, downstream_remote_address=None, x_forwarded_for="192.0.2.8:7"),
        *(served(n, upstream_cluster=cluster) for n, cluster in enumerate(clusters)),
        *(served(n, response_code=code) for n, code in enumerate(codes)),
        *(served(n, route_name=route) for n, route in enumerate(("pages", "Pages", "-", "p.ges"))),
        *(served(n, downstream_local_address=gateway)
          for n, gateway in enumerate(("10.8.0.7:8443", "[2001:db8::a]:8443", None))),
        served(30, pod_name="istio-ingressgateway-7d9c"),
        served(31, downstream_local_address="10.8.0.6:15021"),
        unrouted(32), unrouted(33, authority="lost.example.com"), reset(34), refused(35),
        failed(36, 403, "-", "rbac_access_denied_matched_policy[none]"),
        failed(37, 503, "UH", "no_healthy_upstream"),
        connection(40), connection(41, requested_server_name="DB.Example.com"),
        connection(42, requested_server_name=None), refused_connection(43),
        served(None), unrouted(None),
    ]  # fmt: skip
    return (
        *log,
        *(
            served(50, authority=text, path=text, route_name=text, upstream_cluster=text,
                   downstream_remote_address=text)
            for text in HOSTILE_TEXTS
        ),
    )  # fmt: skip


@cache
def _seen() -> tuple[_Seen, ...]:
    frame = batch_of(_log()).frame
    assert frame is not None
    return tuple(map(_Seen, _log(), frame["outcome"]))


_VALUES: dict[str, list[str]] = {
    "host": ["shop.example.com", "SHOP.example.com", "*.example.com", "shop?example.com", "-", "*",
             "[2001:db8::1]", "2001:db8::2", "[::1]", "*[*", "[s]hop.example.com", "db.example.com",
             "DB.EXAMPLE.com", "api.example.com:80", "shop.example.com:8443", "{id}", ""],
    "path": ["/", "/cart", "/cart*", "/cart?", "/cart.html", "/c?rt", "*", "-", "/?x=/cart",
             "/cart?id=1", "=1+1", "//../%00", "(?s)*"],
    "code": ["404", "5xx", "0", "2xx", "-", "*", "x", "xxx", "50?", "4*", "20x", "*1*"],
    "outcome": ["served", "no_route", "unrouted", "error", "upstream_*", "tcp*", "*", "?cp",
                "no_filter_chain", "blackhole"],
    "subset": ["v2", "v*", "v?", "-", "*", "http", "v2-a", "v1"],
    "route": ["pages", "Pages", "p?ges", "p.ges", "-", "*", "p*"],
    "cluster": ["outbound|80||shop.shop.svc.cluster.local", "outbound|*", "*|v2|*", "-", "*",
                "outbound|80|v2|shop.svc.local", "outbound|80|v2|shop.svc.local;", "P*"],
    "client": ["192.0.2.1", "192.0.2.1*", "192.0.2.1?", "192.0.2.77", "-", "[2001:db8::7]",
               "[2001:db8::*", "10.0.0.1", "192.0.2.8", "192.0.2.1:40001"],
    "gateway": ["10.8.0.6", "10.8.0.*", "[2001:db8::a]", "-", "*", "istio-*", "10.8.0.6:8443"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("word", "value"), [(word, value) for word, values in _VALUES.items() for value in values]
)
def test_an_option_selects_what_a_plain_loop_selects(word: str, value: str) -> None:
    expected = [place for place, seen in enumerate(_seen()) if _is_meant(seen, word, value)]

    assert _places(_log(), Selection.of({word: [value]})) == expected


def test_the_log_has_something_for_every_option_and_something_against_it() -> None:
    assert set(_VALUES) == set(COLUMN_OF)
    for word, values in _VALUES.items():
        sizes = [sum(_is_meant(seen, word, value) for seen in _seen()) for value in values]
        assert sum(0 < size < len(_log()) for size in sizes) >= 3, word


def test_one_of_several_values_must_fit_and_all_options_must() -> None:
    def expected(**patterns: list[str]) -> list[int]:
        return [
            place
            for place, seen in enumerate(_seen())
            if all(
                any(_is_meant(seen, word, value) for value in values)
                for word, values in patterns.items()
            )
        ]

    for patterns in (
        {"code": ["404", "5xx", "-"]},
        {"host": ["-", "*.example.com"], "code": ["2xx"]},
        {"outcome": ["unrouted", "error", "tcp"], "client": ["192.0.2.*"]},
        {"path": ["/cart", "/cart/*"], "route": ["pages"], "gateway": ["10.8.0.6"]},
    ):
        assert _places(_log(), Selection.of(patterns)) == expected(**patterns) != []


# --- Details that a loop would share with the program's mistakes --------------------------------


def test_hosts_are_compared_without_case_and_port() -> None:
    log = [
        served(authority="Shop.Example.COM"),
        served(authority="shop.example.com:8443"),
        served(authority="shop.example.com:443"),
        served(authority="www.shop.example.com"),
    ]

    assert _chosen(log, host="SHOP.example.com") == [0, 1, 2]
    assert _chosen(log, host="*.SHOP.example.com") == [3]


def test_an_ipv6_host_is_asked_for_as_it_is_written() -> None:
    log = [
        served(authority="[2001:db8::1]:8080"),
        served(authority="[2001:db8::1]"),
        served(authority="2001:db8::1"),
    ]

    assert _chosen(log, host="[2001:db8::1]") == [0, 1]
    assert _chosen(log, host="2001:DB8::1") == [2]


def test_a_connection_is_found_by_its_server_name_and_a_request_by_its_authority() -> None:
    log = [
        connection(requested_server_name="DB.example.com"),
        served(authority="db.example.com", requested_server_name="other.example.com"),
        served(authority="other.example.com", requested_server_name="db.example.com"),
        refused_connection(requested_server_name=None),
    ]

    assert _chosen(log, host="db.example.com") == [0, 1]
    assert _chosen(log, host="-") == [3]


def test_a_client_is_the_remote_address_else_the_last_that_was_forwarded() -> None:
    log = [
        served(downstream_remote_address="192.0.2.9:1", x_forwarded_for="192.0.2.5"),
        served(downstream_remote_address=None, x_forwarded_for="192.0.2.9, 192.0.2.5"),
        served(downstream_remote_address=None, x_forwarded_for="192.0.2.5, 192.0.2.9"),
        served(downstream_remote_address=None, x_forwarded_for=None),
    ]

    assert _chosen(log, client="192.0.2.9") == [0, 2]
    assert _chosen(log, client="-") == [3]


@pytest.mark.parametrize("value", ["-", "", None])
def test_a_dash_is_a_missing_value_however_it_was_logged(value: str | None) -> None:
    log = [served(route_name=value), served(route_name="pages"), served()]
    del log[2]["route_name"]

    assert _chosen(log, route="-") == [0, 2]
    assert _chosen(log, route="*") == [1]


def test_a_star_is_any_text_with_slashes_and_line_ends_and_none() -> None:
    log = [served(path="/api"), served(path="/api/a/b"), served(path="/api\n/x"), served(path="/")]

    assert _chosen(log, path="/api*") == [0, 1, 2]
    assert _chosen(log, path="*") == [0, 1, 2, 3]


def test_a_question_mark_is_exactly_one_character_of_any_kind() -> None:
    log = [served(path=f"/a{text}b") for text in ("", ".", "/", "\n", "é", "xy", "\U0001f600")]

    assert _chosen(log, path="/a?b") == [1, 2, 3, 4, 6]


@pytest.mark.parametrize("literal", [*r".+^$|()[]{}\/<>&~#@!%:;,'", '"', "\t", "\x0b", " "])
def test_no_other_character_means_anything(literal: str) -> None:
    route = f"a{literal}b"
    log = [served(route_name=route), served(route_name="aXb"), served(route_name="ab")]

    assert _chosen(log, route=route) == [0]
    assert _chosen(log, route=f"{route}*") == [0]
    assert _chosen(log, route=f"?{route[1:]}") == [0]


@pytest.mark.parametrize(
    "glob", ["[ab]", "[!a]", "{a,b}", "a**", "**a", r"\*", "(a|b)", ".*", "^a"]
)
def test_sets_braces_and_escapes_of_other_globs_are_literal(glob: str) -> None:
    log = [served(route_name=text) for text in ("a", "b", "ab", glob, "*", ".x", "xa")]

    expected = [place for place, record in enumerate(log) if _fits(glob, record["route_name"])]
    assert _chosen(log, route=glob) == expected


def test_a_code_is_a_number_however_it_was_logged() -> None:
    log = [served(response_code=code) for code in (200, "200", 200.0, 404, 40, 4040, 0, None)]

    assert _chosen(log, code="200") == [0, 1, 2]
    assert _chosen(log, code="4xx") == [3]
    assert _chosen(log, code="0") == [6]
    assert _chosen(log, code="-") == [5, 7]


def test_a_path_is_compared_without_its_query_and_fragment() -> None:
    log = [served(path=path) for path in ("/a", "/a?b=1", "/a#b", "/a/b", "/?x=/a", "/a\n?b")]

    assert _chosen(log, path="/a") == [0, 1, 2]
    assert _chosen(log, path="*b*") == [3]


def test_groups_of_outcomes_are_those_of_the_documentation() -> None:
    log = list(rare_records())
    frame = batch_of(log).frame
    assert frame is not None
    outcomes = frame["outcome"].to_list()

    for group, names in (("unrouted", _UNROUTED), ("error", _ERRORS)):
        expected = [place for place, outcome in enumerate(outcomes) if outcome in names]
        assert _chosen(log, outcome=group) == expected != []


@pytest.mark.parametrize("value", ["serve", "Served", "-", "", "5xx", "unrouted_"])
def test_an_outcome_that_does_not_exist_is_refused(value: str) -> None:
    with pytest.raises(SelectionError, match=re.escape(repr(value))):
        Selection.of({"outcome": [value]})


def test_the_nearest_outcome_is_named() -> None:
    with pytest.raises(SelectionError, match=r"Did you mean .*no_route"):
        Selection.of({"outcome": ["no_routes"]})


def test_a_glob_that_fits_the_name_of_a_group_means_the_group_or_is_refused() -> None:
    try:
        found = _chosen([unrouted(), served()], outcome="unrout*")
    except SelectionError:
        return
    assert found == [0]


# --- Conditions ---------------------------------------------------------------------------------

_Condition = tuple[str, "Callable[[_Seen], bool | None]"]

_CONDITIONS: list[_Condition] = [
    ("response_code = 404", lambda seen: None if seen.code is None else seen.code == 404),
    ("response_code >= 500", lambda seen: None if seen.code is None else seen.code >= 500),
    ("response_code IS NULL", lambda seen: seen.code is None),
    ("NOT response_code = 404", lambda seen: None if seen.code is None else seen.code != 404),
    ("route_name IS NOT NULL", lambda seen: seen.text("route_name") is not None),
    ("route_name <> 'pages'", lambda seen: seen.text("route_name") not in {None, "pages"}),
    (
        "host LIKE '%.example.com'",
        lambda seen: None if seen.host is None else seen.host.endswith(".example.com"),
    ),
    ("client = '192.0.2.77'", lambda seen: seen.client == "192.0.2.77"),
    ("upstream_subset = 'v2'", lambda seen: seen.subset == "v2"),
    ("path_group = '/cart/{id}'", lambda seen: seen.path == "/cart/7"),
    ("kind = 'connection'", lambda seen: seen.outcome in {"tcp", "no_filter_chain"}),
    ("outcome IN ('tcp', 'no_route')", lambda seen: seen.outcome in {"tcp", "no_route"}),
    ("duration_ms > 5 AND outcome = 'served'",
     lambda seen: seen.record["duration"] > 5 and seen.outcome == "served"),
    ("start_time IS NULL", lambda seen: seen.time_us is None),
    ("TRUE", lambda _: True),
    ("1 = 2", lambda _: False),
]  # fmt: skip


@pytest.mark.parametrize("condition", _CONDITIONS, ids=lambda condition: condition[0])
def test_a_condition_selects_the_records_that_it_is_true_of(condition: _Condition) -> None:
    where, meant = condition

    expected = [place for place, seen in enumerate(_seen()) if meant(seen)]

    assert _chosen(_log(), where) == expected


def test_a_condition_on_a_missing_value_is_not_true_and_neither_is_its_opposite() -> None:
    log = [served(route_name="a"), served(route_name="b"), served(route_name=None)]

    assert _chosen(log, "route_name = 'a'") == [0]
    assert _chosen(log, "NOT (route_name = 'a')") == [1]
    assert _chosen(log, "route_name <> 'a'") == [1]
    assert _chosen(log, "route_name NOT IN ('a')") == [1]
    assert _chosen(log, "route_name IS NULL") == [2]
    assert _chosen(log, "route_name = 'a' OR route_name IS NULL") == [0, 2]
    assert _chosen(log, "route_name = 'a' AND NULL") == []


def test_a_condition_and_options_must_both_hold() -> None:
    log = [served(route_name="a"), unrouted(route_name="a"), unrouted(route_name="b")]

    assert _chosen(log, "route_name = 'a'", outcome="no_route") == [1]


def test_a_condition_may_ask_for_any_column() -> None:
    for name, dtype in (schema.NORMALIZED | schema.DERIVED).items():
        selection = Selection.of({}, where=f"{name} IS NULL OR {name} IS NOT NULL")
        assert _places(_log(), selection) == list(range(len(_log()))), dtype


def test_quotes_in_a_text_are_doubled() -> None:
    log = [served(path="/o'brien"), served(path="/")]

    assert _chosen(log, "path = '/o''brien'") == [0]


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("respnse_code = 404", "Did you mean response_code"),
        ("PATH = '/'", "Did you mean path"),
        ('path = "/"', "texts stand in single quotes"),
        ("status > 499", "'status' is not known"),
        ("path = ", "--where 'path = '"),
        ("path = '/", "Unterminated"),
        ("", "--where ''"),
        ("(path", "--where '(path'"),
        ("path = '/'; DROP TABLE x", "DROP"),
        ("SELECT 1", "SELECT"),
        ("path ~ '('", "regex"),
        ("nonsense(path) = 1", "nonsense"),
        ("response_code = 'x'", "compare"),
        ("path", "true or false"),
        ("response_code", "true or false"),
        ("response_code + 1", "true or false"),
        ("NULL", "true or false"),
        ("'yes'", "true or false"),
        ("path = '/') OR (path = 'x'", "closes a parenthesis"),
        ("start_time > strptime('2026', '%Y')", "write it as '2026-11-01T12:00:00Z'"),
        ("start_time > TIMESTAMP 'noon'", "write it as '2026-11-01T12:00:00Z'"),
        ("start_time = 'yesterday'", "use --since and --until"),
        ("path IN (SELECT path FROM logs)", "no query in it"),
        ("*", "--where"),
    ],
)
def test_a_condition_that_can_not_be_read_is_refused(where: str, words: str) -> None:
    with pytest.raises(SelectionError) as caught:
        Selection.of({}, where=where)

    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


_OF_SEVERAL = [
    "COUNT(*) > 1",
    "COUNT(DISTINCT path) > 1",
    "duration_ms > AVG(duration_ms)",
    "duration_ms = MAX(duration_ms)",
    "MIN(duration_ms) > 1",
    "SUM(duration_ms) > 1",
    "MEDIAN(duration_ms) > 1",
    "STDDEV(duration_ms) > 1",
    "VARIANCE(duration_ms) > 1",
    "QUANTILE_DISC(duration_ms, 0.5) > 1",
    "CORR(duration_ms, bytes_sent) > 0",
    "COVAR_POP(duration_ms, bytes_sent) > 0",
    "COVAR_SAMP(duration_ms, bytes_sent) > 0",
    "path = FIRST(path)",
    "path = LAST(path)",
    "STRING_AGG(path, ',') = '/'",
    "ARRAY_AGG(path) IS NULL",
    "SUM(duration_ms) OVER (PARTITION BY path) > 100",
    "ROW_NUMBER() OVER (ORDER BY path) = 1",
    "DENSE_RANK() OVER (ORDER BY duration_ms) = 1",
    "LAG(path) OVER (ORDER BY duration_ms) = path",
    "FIRST_VALUE(path) OVER (ORDER BY duration_ms) = path",
]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("start_time > '2026-11-01T12:00:01Z'", [2]),
        ("'2026-11-01T12:00:01Z' >= start_time", [0, 1]),
        ("start_time BETWEEN '2026-11-01' AND '2026-11-01 12:00'", [0]),
        ("start_time > TIMESTAMP '2026-11-01 12:00:01'", [2]),
        ("start_time > CAST('2026-11-01 12:00:01' AS TIMESTAMP)", [2]),
        ("start_time < DATE '2026-11-01'", []),
        ("date_trunc('minute', start_time) = '2026-11-01T12:00:00Z'", [0, 1, 2]),
        ("duration_ms / bytes_sent > 1000 -- 0/0", []),
        ("length(path) - 100 < 0", [0, 1, 2]),
        ("extract(hour FROM start_time) * 60 >= 720", [0, 1, 2]),
    ],
)
def test_a_condition_reckons_as_a_query_does(where: str, expected: list[int]) -> None:
    log = [
        served(start_time=f"2026-11-01T12:00:0{n}Z", duration=0, bytes_sent=0, path="/x")
        for n in range(3)
    ]

    assert _chosen(log, where) == expected


@pytest.mark.parametrize("where", _OF_SEVERAL)
def test_a_condition_on_more_than_one_record_is_refused(where: str) -> None:
    # It would be judged batch by batch, and a pipe and a file have other batches.
    with pytest.raises(SelectionError):
        Selection.of({}, where=where)


_LIKE_CODE = ("len()", '"len()', 'a".sum("', '").over(col("', "x.max(", '"', '""', "\\", '\\".min(')


@pytest.mark.parametrize("text", _LIKE_CODE)
def test_a_text_in_a_condition_is_text_whatever_it_looks_like(text: str) -> None:
    log = [served(path=text), served(path="/")]

    assert _chosen(log, f"path = '{text}'") == [0]
    assert _chosen(log, f"path IN ('a', '{text}', '\"')") == [0]


@pytest.mark.parametrize("text", [*_LIKE_CODE, *HOSTILE_TEXTS])
def test_the_condition_of_a_finding_can_be_asked_for_whatever_the_host_is_called(text: str) -> None:
    log = [
        *(served(n, authority=f"{text}.example.com") for n in range(20)),
        *(unrouted(n, authority=f"{text}.example.com") for n in range(30, 60)),
    ]

    conditions = [found.where for found in summary_of(log).findings]

    assert [_chosen(log, where) for where in conditions if where] == [list(range(20, 50))]


def test_the_condition_of_a_finding_keeps_methods_and_paths_with_spaces_apart() -> None:
    lost = [("GET", "/a b"), ("PUT", "/a b")]
    log = [
        *(served(n, path="/kept") for n in range(100)),
        *(served(n, method=method, path=path) for method, path in lost for n in range(20)),
        *(unrouted(60 + n, method=method, path=path) for method, path in lost for n in range(20)),
        *(unrouted(60 + n, method="GET /a", path="b") for n in range(3)),
    ]

    (found,) = (found for found in summary_of(log).findings if found.code == "lost_route")

    assert found.requests == 40
    assert _chosen(log, found.where) == list(range(140, 180))


@pytest.mark.parametrize("where", ["CAST(path AS INT) > 3", "path::DATE IS NULL"])
def test_a_condition_that_fails_on_a_value_is_an_error_in_words(where: str) -> None:
    with pytest.raises(SelectionError):
        _chosen([served(path="/cart")], where)


def test_bytes_of_an_argument_that_are_no_text_are_an_error_in_words() -> None:
    with pytest.raises(SelectionError):
        Selection.of({}, where="path = '\udcff'")


# --- Windows ------------------------------------------------------------------------------------


def test_a_window_begins_with_its_start_and_ends_before_its_end() -> None:
    log = [served(seconds) for seconds in (9.999, 10, 10.001, 19.999, 20, 20.001)]

    assert _chosen(log, since=10) == [1, 2, 3, 4, 5]
    assert _chosen(log, until=20) == [0, 1, 2, 3]
    assert _chosen(log, since=10, until=20) == [1, 2, 3]
    assert _chosen(log, since=10, until=10) == []
    with pytest.raises(SelectionError, match=r"--since \S+ is after --until"):
        _chosen(log, since=20, until=10)


@pytest.mark.parametrize(
    "code",
    ["abc", "", "404,503", "5xx ", "ok", "--", "40.4", "[45]xx", "5xxx", "\u0665xx", "-1", "1000",
     "99", "00", "0xx", "099", "0*4", "x0", "1000*"],
)  # fmt: skip
def test_what_can_be_no_code_is_refused(code: str) -> None:
    with pytest.raises(SelectionError, match="is no response code"):
        Selection.of({"code": [code]})


_CODES = ("0", *map(str, range(100, 1000)))


@pytest.mark.parametrize(
    "code", ["0", "-", "x", "xxx", "5XX", "40?", "4*", "*", "*4", "999", "7xx"]
)
def test_what_can_be_a_code_is_taken(code: str) -> None:
    assert Selection.of({"code": [code]}).text == f"--code {shlex.quote(code)}"


def test_records_without_a_time_are_in_no_window() -> None:
    log = [served(None), served(5), served(start_time="soon"), served(start_time="-")]

    assert _chosen(log, since=0) == [1]
    assert _chosen(log, until=10) == [1]
    assert _chosen(log) == [0, 1, 2, 3]


@pytest.mark.parametrize("start", [0.0, 1793534400, "1793534400000", "2026-11-01 12:00:00"])
def test_a_window_is_of_times_and_not_of_how_they_are_written(start: object) -> None:
    log = [served(start_time=start), served(start_time="2026-11-01T14:00:00.000+02:00")]

    assert _chosen(log, since=0, until=0.001) == ([1] if start == 0.0 else [0, 1])


def test_a_window_and_options_must_both_fit() -> None:
    log = [served(1), unrouted(1), unrouted(3)]

    assert _chosen(log, outcome="no_route", until=2) == [1]


# --- Times --------------------------------------------------------------------------------------

_NOW = datetime(2026, 11, 1, 14, 5, 30, 250_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-11-01T14:05:00Z", "2026-11-01T14:05:00+00:00"),
        ("2026-11-01T14:05:00z", "2026-11-01T14:05:00+00:00"),
        ("2026-11-01t14:05:00Z", "2026-11-01T14:05:00+00:00"),
        ("2026-11-01T14:05:00", "2026-11-01T14:05:00+00:00"),
        ("2026-11-01 14:05:00", "2026-11-01T14:05:00+00:00"),
        ("2026-11-01T14:05:00.123456Z", "2026-11-01T14:05:00.123456+00:00"),
        ("2026-11-01T14:05:00.5Z", "2026-11-01T14:05:00.5+00:00"),
        ("2026-11-01T16:05:00+02:00", "2026-11-01T14:05:00+00:00"),
        ("2026-11-01T08:35:00-05:30", "2026-11-01T14:05:00+00:00"),
        ("2026-11-01", "2026-11-01T00:00:00+00:00"),
        ("1969-12-31T23:59:59Z", "1969-12-31T23:59:59+00:00"),
        ("2030-01-01T00:00:00Z", "2030-01-01T00:00:00+00:00"),
        ("-15m", "2026-11-01T13:50:30.250+00:00"),
        ("-90s", "2026-11-01T14:04:00.250+00:00"),
        ("-2h", "2026-11-01T12:05:30.250+00:00"),
        ("-1d", "2026-10-31T14:05:30.250+00:00"),
        ("-0s", "2026-11-01T14:05:30.250+00:00"),
    ],
)
def test_a_time_is_read(text: str, meant: str) -> None:
    moment = datetime.fromisoformat(meant)

    found = moment_of("--since", text, _NOW)

    assert found == (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


_BERLIN = ZoneInfo("Europe/Berlin")
_DAYS = ("2026-10-30T09:00", "2026-11-01T14:05:30")
_HOUR = ("2026-11-01T13:30", "2026-11-01T14:05:30")
_MIDNIGHT = ("2026-10-31T23:30", "2026-11-01T00:20")


@pytest.mark.parametrize(
    ("log", "since", "until", "meant"),
    [
        # The latest one that the log has.
        (_DAYS, "14:05", None, ("2026-11-01T14:05", None)),
        (_DAYS, "14:05:31", None, ("2026-10-31T14:05:31", None)),
        (_DAYS, "9:30", None, ("2026-11-01T09:30", None)),
        (_DAYS, None, "23:00", (None, "2026-10-31T23:00")),
        (_MIDNIGHT, "23:45", None, ("2026-10-31T23:45", None)),
        # What it has none of is of its last day.
        (_HOUR, "14:06", None, ("2026-11-01T14:06", None)),
        (_HOUR, "12:00", None, ("2026-11-01T12:00", None)),
        (_HOUR, None, "15:00", (None, "2026-11-01T15:00")),
        # Beside another end the nearest one.
        (_DAYS, "2026-10-30T12:05", "12:10", ("2026-10-30T12:05", "2026-10-30T12:10")),
        (_DAYS, "2026-10-30T12:05", "12:00", ("2026-10-30T12:05", "2026-10-31T12:00")),
        (_DAYS, "12:05", "2026-10-31T12:00", ("2026-10-30T12:05", "2026-10-31T12:00")),
        (_DAYS, "12:00", "2026-10-31T12:00", ("2026-10-30T12:00", "2026-10-31T12:00")),
        (_DAYS, "12:00", "12:10", ("2026-11-01T12:00", "2026-11-01T12:10")),
        (_DAYS, "14:00", "14:10", ("2026-11-01T14:00", "2026-11-01T14:10")),
        (_MIDNIGHT, "23:50", "00:10", ("2026-10-31T23:50", "2026-11-01T00:10")),
        # Both ends as they are.
        (_HOUR, "2026-10-30", "2026-10-31", ("2026-10-30", "2026-10-31")),
        (_HOUR, None, None, (None, None)),
    ],
)
@pytest.mark.parametrize("zone", [UTC, _BERLIN], ids=["UTC", "Berlin"])
def test_a_time_of_day_is_of_the_days_of_the_log(
    log: tuple[str, str],
    since: str | None,
    until: str | None,
    meant: tuple[str | None, str | None],
    zone: tzinfo,
) -> None:
    def at(text: str | None) -> int | None:
        if text is None:
            return None
        return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * 1_000_000

    first, last = (at(end) or 0 for end in log)
    start, end = (
        None if text is None else moment_of("--since", text, _NOW, zone) for text in (since, until)
    )
    window = GivenWindow(start, end, zone)

    found = window.around(first, last)

    assert found == (at(meant[0]), at(meant[1]))
    if not window.is_of_the_log:
        assert window.around(0, 0) == found


def test_a_time_of_day_at_the_end_of_the_calendar_is_refused() -> None:
    clock = moment_of("--since", "14:05", _NOW)
    first, last = -62_135_596_800_000_000, 253_402_300_799_999_999

    with pytest.raises(SelectionError, match="end of the calendar"):
        GivenWindow(clock, None).around(first - 1, first)
    with pytest.raises(SelectionError, match="end of the calendar"):
        GivenWindow(last, clock).around(first, last)


_RUBBISH = ["", " ", "-", "now", "yesterday", "15m", "+15m", "--15m", "-15", "-m", "-15x", "-15M",
            "-1.5h", "-15 m", "-1h30m", "25:00", "24:00", "14:60", "14:05:60", "14", "14:5",
            "1405:", "14:05Z", "2026-11-31", "2026-13-01T00:00:00Z", "2026-11-01T25:00:00Z",
            "01.11.2026", "2026-11-01T14:05:00+99:00", "2026-11-01T14:05:00Z junk",
            "1793534400000", "\x00", "\udcff", "9" * 5000]  # fmt: skip


@pytest.mark.parametrize("text", _RUBBISH)
def test_what_is_no_time_is_refused_with_the_option_and_the_forms(text: str) -> None:
    with pytest.raises(SelectionError) as caught:
        moment_of("--until", text, _NOW)

    assert str(caught.value).startswith(f"--until {text.removeprefix('-')!r}") or str(
        caught.value
    ).startswith(f"--until {text!r}")
    assert "15m" in str(caught.value)


@pytest.mark.parametrize("text", ["-800000d", "-999999999d", f"-{'9' * 30}d", f"-{'9' * 5000}m"])
def test_a_time_before_all_calendars_is_refused(text: str) -> None:
    with pytest.raises(SelectionError):
        moment_of("--since", text, _NOW)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_the_ends_of_the_calendar_can_be_asked_for_and_said(text: str) -> None:
    try:
        moment = moment_of("--since", text, _NOW)
    except SelectionError:
        return
    assert isinstance(moment, int)
    assert "--since" in Selection.of({}, since_us=moment).text


# --- Lengths of time ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("15m", 900), ("1s", 1), ("0s", 0), ("2h", 7200), ("3d", 259_200), ("007m", 420)],
)
def test_a_length_of_time_is_read(text: str, seconds: int) -> None:
    assert span_of("--last", text) == seconds * 1_000_000


@pytest.mark.parametrize(
    "text", ["", "15", "m", "-15m", "15 m", "1.5h", "15min", "1h30m", "15M", "15m\n", "\x00"]
)  # fmt: skip
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(SelectionError, match="is no length of time"):
        span_of("--last", text)


@pytest.mark.parametrize("text", ["99999999999d", f"{'9' * 30}d", f"{'9' * 5000}s"])
def test_a_length_of_time_that_is_too_long_is_said_to_be(text: str) -> None:
    with pytest.raises(SelectionError, match="is longer than can be counted") as caught:
        span_of("--keep-last", text)

    assert len(str(caught.value)) < 150


# --- What a selection says of itself ------------------------------------------------------------


def test_an_empty_selection_selects_everything_and_leaves_the_frame_as_it_is() -> None:
    for empty in (
        NOTHING_SELECTED,
        Selection(),
        Selection.of({}),
        Selection.of({"host": [], "path": ()}),
    ):
        records = batch_of(_log()).selected
        assert records is not None
        assert not empty
        assert empty == NOTHING_SELECTED
        assert empty.text == ""
        assert empty.columns == set()
        assert empty.selected(records) is records


def test_a_selection_keeps_the_columns_and_the_order_of_the_frame() -> None:
    records = batch_of(_log()).selected
    assert records is not None
    frame = records.frame()
    selection = Selection.of({"host": ["*"], "client": ["192.*"]}, where="path_group <> '/x'")

    found = selection.selected(records).frame()

    assert found.schema == frame.schema
    assert 0 < found.height < frame.height
    places = found["line"].to_list()
    assert places == sorted(places)
    assert found.equals(frame.filter(pl.col("line").is_in(places)))


def test_the_text_is_the_options_that_make_the_selection() -> None:
    selection = Selection.of(
        {"code": ["404", "5xx"], "host": ["shop.example.com"], "outcome": ["no_route"]},
        where="duration_ms > 10",
        since_us=us(0),
        until_us=us(60.5),
    )

    assert shlex.split(selection.text) == [
        "--host", "shop.example.com", "--code", "404", "--code", "5xx", "--outcome", "no_route",
        "--where", "duration_ms > 10", "--since", "2026-11-01T12:00:00Z",
        "--until", "2026-11-01T12:01:00.500000Z",
    ]  # fmt: skip


@pytest.mark.parametrize("word", COLUMN_OF)
def test_the_text_names_every_option(word: str) -> None:
    value = "served" if word == "outcome" else "x"

    assert Selection.of({word: [value]}).text == f"--{word} {value}"


def test_two_selections_have_two_texts() -> None:
    # Tallies of two selections are told apart by their texts.
    selections = [
        Selection.of({"route": ["a --route b"]}),
        Selection.of({"route": ["a", "b"]}),
        Selection.of({"host": ["a --path /"]}),
        Selection.of({"host": ["a"], "path": ["/"]}),
        Selection.of({"path": ["/a --since 2026-11-01T12:00:00Z"]}),
        Selection.of({"path": ["/a"]}, since_us=us(0)),
    ]

    assert len({selection.text for selection in selections}) == len(selections)


def test_a_text_read_as_options_is_the_same_selection() -> None:
    where = "path = '/o''brien' AND route_name LIKE '%|%'"
    selection = Selection.of({"cluster": ["outbound|80|*"], "path": ["/a b", "/'x'"]}, where=where)

    words = shlex.split(selection.text)

    assert words == ["--path", "/a b", "--path", "/'x'", "--cluster", "outbound|80|*",
                     "--where", where]  # fmt: skip


# --- Any records, any selection -----------------------------------------------------------------

_globs = {
    word: st.one_of(
        st.sampled_from(values),
        st.text(st.sampled_from("*?/.abcshop-145x[]"), min_size=1, max_size=5),
    )
    for word, values in _VALUES.items()
    if word not in {"outcome", "code"}
} | {
    "outcome": st.sampled_from(_VALUES["outcome"]),
    "code": st.sampled_from(_VALUES["code"])
    | st.text(st.sampled_from("*?x1450"), min_size=1, max_size=3).filter(
        lambda glob: any(fnmatchcase(code, glob.replace("x", "?")) for code in _CODES)
    ),
}


@st.composite
def _patterns(draw: st.DrawFn) -> dict[str, list[str]]:
    words = draw(st.lists(st.sampled_from(sorted(_globs)), max_size=3, unique=True))
    return {word: draw(st.lists(_globs[word], min_size=1, max_size=3)) for word in words}


@pytest.mark.property
@given(
    rows=st.lists(st.integers(0, len(_log()) - 1), min_size=1, max_size=30),
    patterns=_patterns(),
    condition=st.none() | st.sampled_from(_CONDITIONS),
    window=st.tuples(*[st.none() | st.integers(-5, 60)] * 2),
)
def test_any_selection_of_any_records_is_that_of_a_plain_loop(
    rows: list[int],
    patterns: dict[str, list[str]],
    condition: _Condition | None,
    window: tuple[int | None, int | None],
) -> None:
    assume(patterns or condition or any(bound is not None for bound in window))
    since, until = window
    assume(since is None or until is None or since <= until)
    seen = [_seen()[row] for row in rows]

    def is_selected(one: _Seen) -> bool:
        time = one.time_us
        return (
            all(
                any(_is_meant(one, word, value) for value in values)
                for word, values in patterns.items()
            )
            and (condition is None or bool(condition[1](one)))
            and (since is None or (time is not None and time >= us(since)))
            and (until is None or (time is not None and time < us(until)))
        )

    selection = Selection.of(
        patterns,
        where=None if condition is None else condition[0],
        since_us=None if since is None else us(since),
        until_us=None if until is None else us(until),
    )

    found = _places([one.record for one in seen], selection)

    assert found == [place for place, one in enumerate(seen) if is_selected(one)]
