from __future__ import annotations

import pickle

import polars as pl
import pytest
from tests.builders import NO_ROUTE, connection, frame_of, record

from envoylogs import schema
from envoylogs.envoy.traffic import column_expression
from envoylogs.keyed.anonymize import HOST_COLUMNS, KEPT_COLUMNS, REPLACED_COLUMNS, Anonymizer
from envoylogs.keyed.keyed_records import KeyedRecords
from envoylogs.keyed.selection import Selection
from envoylogs.sources.source import STDIN_NAME, Source

_KEYED = Anonymizer(b"a key of some length")


def _hidden(records: pl.DataFrame) -> pl.DataFrame:
    return _KEYED.anonymized(KeyedRecords.of(records)).records.frame(records.columns)


def _column(name: str, *values: str | None) -> list[str | None]:
    frame = pl.DataFrame({name: values}, schema={name: pl.String()})
    return _hidden(frame)[name].to_list()


def test_every_column_of_text_is_replaced_or_kept_on_purpose() -> None:
    assert sorted((*HOST_COLUMNS, *REPLACED_COLUMNS, *KEPT_COLUMNS)) == sorted(schema.STRINGS)


@pytest.mark.parametrize("name", [*HOST_COLUMNS, *REPLACED_COLUMNS])
def test_missing_values_stay_missing_and_no_other_becomes_so(name: str) -> None:
    values = _column(name, None, "s3cr3t.example", None, "s3cr3t.example", "x y")

    assert [value is None for value in values] == [True, False, True, False, False]
    assert values[1] == values[3]
    assert _column(name, None) == [None]
    assert _column(name) == []


def test_records_keep_their_order_and_their_columns() -> None:
    records = frame_of(record(path="/1"), record(**NO_ROUTE), connection())

    found = _hidden(records)

    assert found.schema == records.schema
    kept = ["start_time", *KEPT_COLUMNS, *schema.INTEGERS, "source", "line"]
    assert found.select(kept).equals(records.select(kept))


def test_the_client_is_the_same_from_each_column() -> None:
    records = frame_of(
        record(downstream_remote_address="192.0.2.7:1", x_forwarded_for="192.0.2.7"),
        record(downstream_remote_address=None, x_forwarded_for="10.0.0.1, 192.0.2.7:2"),
        record(downstream_remote_address="192.0.2.7", x_forwarded_for="x,,192.0.2.7 "),
    )

    found = _hidden(records)

    clients = found.select(column_expression("client"))["client"].unique().to_list()
    assert clients == [_KEYED.token("client", "192.0.2.7")]
    assert found["x_forwarded_for"].str.split(",").list.len().to_list() == [1, 2, 3]


@pytest.mark.parametrize(
    "forwarded", ["2001:db8::1", "[2001:db8::1]:443", "a, [2001:db8::1]", "[2001:db8::1]"]
)
def test_brackets_and_ports_make_no_other_client(forwarded: str) -> None:
    (found,) = _column("x_forwarded_for", forwarded)

    assert found is not None
    assert found.rsplit(",", 1)[-1] == _KEYED.token("client", "2001:db8::1")


def test_the_same_value_has_the_same_digits_in_every_column() -> None:
    value = "s3cr3t"
    digits = _KEYED.token("x", value).removeprefix("x-")

    assert _column("user_agent", value) == [f"agent-{digits}"]
    assert _column("request_id", value) == [f"request-{digits}"]
    assert _column("path", f"/{value}?a={value}") == [f"/{{token:{digits}}}?a=value-{digits}"]
    assert _column("authority", f"{value}:8080") == [f"host-{digits}:8080"]
    assert _column("requested_server_name", "S3cr3t") == [f"host-{digits}"]


def test_hosts_keep_what_verdicts_rest_on() -> None:
    name, shadow, address, odd, of_ipv6 = _column(
        "authority", "a.example", "a.example-shadow", "192.0.2.1:8080", "a.example:123456789",
        "[::1]:1",
    )  # fmt: skip

    assert shadow == f"{name}-shadow"
    assert address is not None
    assert address == f"{_KEYED.token('address', '192.0.2.1')}:8080"
    assert odd == _KEYED.token("host", "a.example:123456789")
    assert of_ipv6 == f"{_KEYED.token('address', '[::1]')}:1"


def test_names_are_given_of_hosts_that_look_like_one() -> None:
    records = pl.DataFrame({"authority": ["a.example:8080", "192.0.2.1", "u:p@b.example", None]})

    names = _KEYED.anonymized(KeyedRecords.of(records)).names

    assert names.rows() == [(_KEYED.token("host", "a.example"), "a.example")]


def test_words_of_http_stay() -> None:
    assert _column("method", "GET", "PROPFIND", "get") == [
        "GET", "PROPFIND", _KEYED.token("method", "get"),
    ]  # fmt: skip
    assert _column("protocol", "HTTP/1.1", "HTTP/2") == ["HTTP/1.1", "HTTP/2"]
    assert _column("response_flags", "UF,URX", "U1") == ["UF,URX", _KEYED.token("flags", "U1")]


def test_keys_differ_in_tokens_and_fingerprints() -> None:
    other = Anonymizer(b"another key of some length")

    assert other.token("client", "a") != _KEYED.token("client", "a")
    assert other.fingerprint != _KEYED.fingerprint
    assert Anonymizer(b"a key of some length").fingerprint == _KEYED.fingerprint


def test_a_key_may_be_long_and_is_not_shown() -> None:
    long = Anonymizer(b"k" * 1000)

    assert long.token("a", "b") != Anonymizer(b"k" * 999).token("a", "b")
    assert "key of" not in repr(_KEYED)
    assert pickle.loads(pickle.dumps(_KEYED)).fingerprint == _KEYED.fingerprint  # noqa: S301


def test_a_selection_is_told_without_what_it_names() -> None:
    selection = Selection.of(
        {"host": ["A.example", "-"], "client": ["192.0.2.7", "192.*"], "path": ["/17/*"],
         "route": ["shop"], "code": ["5xx"]},
        where="path = '/s3cr3t'",
    )  # fmt: skip

    text = _KEYED.text_of(selection)

    assert f"--host {_KEYED.token('host', 'a.example')} --host -" in text
    assert f"--client {_KEYED.token('client', '192.0.2.7')} --client client-" in text
    assert "--route shop" in text
    assert "--code 5xx" in text
    assert text.startswith("--where condition-")
    assert not any(told in text for told in ("s3cr3t", "192", "A.example", "17"))


def test_folders_of_sources_are_hidden() -> None:
    named = _KEYED.named(Source("logs/a.log", "logs/a.log", found=True))

    assert named == Source(f"{_KEYED.token('folder', 'logs')}/a.log", "logs/a.log", found=True)
    assert _KEYED.name_of_source("a.log") == "a.log"
    assert _KEYED.name_of_source(STDIN_NAME) == STDIN_NAME
    assert _KEYED.name_of_source("other/a.log") != named.name
