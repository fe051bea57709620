"""Keys that nothing used, and what is offered to read them."""

from __future__ import annotations

from tests.handmade import served, source_of, text_of

from envoylogs.pipeline import tally_sources
from envoylogs.render.caveats import unused_keys_of
from envoylogs.summary.accounts import Accounts, accounts
from envoylogs.summary.unused_keys import keys_that_make_records


def _accounts(*records: dict[str, object], beside: bytes = b"") -> Accounts:
    return accounts(tally_sources([source_of(text_of(records) + beside, "a.log")]))


def _without(*keys: str, **changes: object) -> dict[str, object]:
    return {key: value for key, value in served(0).items() if key not in keys} | changes


def test_unused_keys_have_counts_and_what_they_look_like() -> None:
    found = _accounts(_without(verb="GET", team="a"), _without(verb="GET", matcher="m"))

    assert found.unused_keys.rows() == [
        ("verb", 2, "method"),
        ("matcher", 1, "route_name"),
        ("team", 1, None),
    ]


def test_a_key_is_offered_for_a_column_that_the_log_lacks() -> None:
    lacks = _without("method", verb="GET", http_verb="GET", team="a")

    said = unused_keys_of(_accounts(lacks, _without("method", verb="GET")))

    assert said is not None
    assert said[1] == "--map method=verb"


def test_several_keys_are_offered_together() -> None:
    said = unused_keys_of(_accounts(_without("method", "duration", verb="GET", took=3)))

    assert said is not None
    assert said[1] == "--map duration_ms=took,method=verb"


def test_nothing_is_offered_for_columns_that_are_logged_or_keys_that_look_like_none() -> None:
    assert unused_keys_of(_accounts(_without(verb="GET", istio_policy_status="-"))) is None
    assert unused_keys_of(_accounts(_without("response_code_details", team="a"))) is None


def test_a_key_that_can_not_be_pasted_is_not_offered() -> None:
    for key in ("a=verb", "a,verb", "a verb", "$(id).verb", "a'verb", "a\nverb"):
        assert unused_keys_of(_accounts(_without("method", **{key: "GET"}))) is None


def test_no_more_than_fifty_keys_are_listed() -> None:
    found = _accounts(*(_without(**{f"key_{number}": 1}) for number in range(300)))

    assert found.unused_keys.height == 50


def test_keys_of_json_that_is_no_record_are_counted_by_source() -> None:
    found = _accounts(served(0), beside=b'{"level":"info","msg":"a"}\n{"level":"info","x":[]}\n')

    assert found.other_keys.rows() == [
        ("a.log", "level", 2), ("a.log", "msg", 1), ("a.log", "x", 1),
    ]  # fmt: skip
    assert found.unused_keys.is_empty()


def test_what_makes_records_is_the_code_and_what_is_not_known() -> None:
    assert keys_that_make_records(["ts", "verb", "uri", "rc"]) == {
        "method": "verb",
        "response_code": "rc",
    }
    assert keys_that_make_records(["time", "method", "path", "status"]) == {
        "response_code": "status"
    }


def test_objects_without_a_code_or_a_request_are_offered_nothing() -> None:
    assert keys_that_make_records(["level", "time", "msg"]) == {}
    assert keys_that_make_records(["status", "time", "msg"]) == {}
    assert keys_that_make_records(["method", "path", "time"]) == {}
    assert keys_that_make_records(["method", "path", "status", "level", "msg"]) == {}
