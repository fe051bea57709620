"""Which column a key or a path holds, and which objects are records, mapped keys among them."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import Era, Record, frame_of, in_era, normalized, record
from tests.strategies import records

from envoylogs.envoy.field_keys import COLUMN_NAMES, DEFAULT_KEYS, MAX_DEPTH, FieldKeys
from envoylogs.envoy.fields import ALIASES, EITHER, ENVOY_ONLY, FLAT_ONLY, WRAPPERS, words_of
from envoylogs.errors import MappingError, UnknownKeyError


def _column_at(*keys: str) -> str | None:
    """Return the column that a value holds which stands alone at these nested keys."""
    found: object = "x"
    for key in reversed(keys):
        found = {key: found}
    assert isinstance(found, dict)
    (path,) = DEFAULT_KEYS.flattened(found) or ("",)
    return DEFAULT_KEYS.column_of(path)


def _nested(flat: Record, *, at: dict[str, tuple[str, ...]]) -> Record:
    """Return a record with some of its keys inside objects."""
    found: Record = {}
    for key, value in flat.items():
        *before, last = at.get(key, (key,))
        inside = found
        for word in before:
            inside = inside.setdefault(word, {})
        inside[last] = value
    return found


@pytest.mark.parametrize(
    ("key", "column"),
    [
        ("response_code", "response_code"),
        ("Response_code", "response_code"),
        ("RESPONSE-CODE", "response_code"),
        ("response.code", "response_code"),
        ("response code", "response_code"),
        (" response_code ", "response_code"),
        ("status", "response_code"),
        (":authority", "authority"),
        ("authority", "authority"),
        ("host", "authority"),
        (":path", "path"),
        ("x-envoy-original-path", "path"),
        ("x-envoy-origin-path", "path"),
        ("uri", "path"),
        (":method", "method"),
        ("user-agent", "user_agent"),
        ("User-Agent", "user_agent"),
        ("x-forwarded-for", "x_forwarded_for"),
        ("x-request-id", "request_id"),
        ("x-envoy-upstream-service-time", "upstream_service_time_ms"),
        ("upstream_service_time", "upstream_service_time_ms"),
        ("duration", "duration_ms"),
        ("@timestamp", "start_time"),
        ("timestamp", "start_time"),
        ("start_time", "start_time"),
        ("byte_sent", "bytes_sent"),
        ("byte_received", "bytes_received"),
        ("upstream_cluster_raw", "upstream_cluster"),
        ("pod_name", "pod"),
        ("trace_id", None),
        ("level", None),
        ("", None),
        (":", None),
        ("response_codes", None),
        ("istio_policy_status", None),
    ],
)
def test_keys_are_compared_without_what_does_not_count(key: str, column: str | None) -> None:
    assert DEFAULT_KEYS.column_of(key) == column


def test_every_key_that_only_envoy_writes_holds_a_column() -> None:
    for key in ENVOY_ONLY:
        assert DEFAULT_KEYS.column_of(key) is not None


def test_the_default_keys_of_istio_are_known_but_for_the_status_of_mixer() -> None:
    for era in Era:
        unknown = {key for key in in_era(record(), era) if DEFAULT_KEYS.column_of(key) is None}
        assert unknown <= {"istio_policy_status"}


def test_the_path_before_a_rewrite_comes_before_the_path() -> None:
    assert DEFAULT_KEYS.precedence("x-envoy-original-path") < DEFAULT_KEYS.precedence("path")
    assert DEFAULT_KEYS.precedence("X-Envoy-Origin-Path") < DEFAULT_KEYS.precedence(":path")


def test_envoys_own_start_time_comes_before_the_time_of_a_collector() -> None:
    assert DEFAULT_KEYS.precedence("start_time") < min(
        map(DEFAULT_KEYS.precedence, ("@timestamp", "timestamp", "time"))
    )


@pytest.mark.property
@given(st.sampled_from([key for keys in ALIASES.values() for key in keys]), st.data())
def test_a_known_key_is_known_in_any_spelling(key: str, data: st.DataObject) -> None:
    joints = "_- " if key in FLAT_ONLY else "_-. "
    spelled = "".join(
        data.draw(st.sampled_from(joints)) if letter == "_" else data.draw(
            st.sampled_from((letter.lower(), letter.upper()))
        )
        for letter in key
    )  # fmt: skip

    assert DEFAULT_KEYS.column_of(
        data.draw(st.sampled_from(("", ":"))) + spelled
    ) == DEFAULT_KEYS.column_of(key)


def _spellings(key: str) -> list[str]:
    """Return a key as other formats spell it."""
    words = words_of(key)
    camel = words[0] + "".join(map(str.capitalize, words[1:]))
    dotted = [] if key in FLAT_ONLY else [".".join(words)]
    return [camel, "".join(map(str.capitalize, words)), "-".join(words), "_".join(words), *dotted]


@pytest.mark.property
@pytest.mark.parametrize("key", [key for keys in ALIASES.values() for key in keys])
def test_every_known_key_holds_its_column_however_its_words_are_joined(key: str) -> None:
    column = next(column for column, keys in ALIASES.items() if key in keys)

    assert {DEFAULT_KEYS.column_of(spelled) for spelled in _spellings(key)} == {column}


@pytest.mark.parametrize(
    ("key", "column"),
    [
        # Gloo, and formats of its users.
        ("responseCode", "response_code"),
        ("responseCodeDetails", "response_code_details"),
        ("httpMethod", "method"),
        ("startTime", "start_time"),
        ("requestId", "request_id"),
        ("requestID", "request_id"),
        ("upstreamCluster", "upstream_cluster"),
        ("DownstreamRemoteAddress", "downstream_remote_address"),
        ("envoyUpstreamServiceTime", "upstream_service_time_ms"),
        ("xForwardedFor", "x_forwarded_for"),
        ("useragent", "user_agent"),
        # Short words and prefixes.
        ("req_method", "method"),
        ("req_path", "path"),
        ("req_id", "request_id"),
        ("reqId", "request_id"),
        ("resp_code", "response_code"),
        ("res_code", "response_code"),
        ("resp_flags", "response_flags"),
        ("resp_code_details", "response_code_details"),
        ("request_authority", "authority"),
        ("request_host", "authority"),
        ("request_protocol", "protocol"),
        ("response_status", "response_code"),
        ("response_bytes_sent", "bytes_sent"),
        ("http_host", "authority"),
        ("http_status_code", "response_code"),
        ("http_response_flags", "response_flags"),
        ("downstream_protocol", "protocol"),
        # nginx.
        ("request_method", "method"),
        ("request_uri", "path"),
        ("server_protocol", "protocol"),
        ("http_user_agent", "user_agent"),
        ("http_x_forwarded_for", "x_forwarded_for"),
        ("http_x_request_id", "request_id"),
        ("remote_addr", "downstream_remote_address"),
        ("upstream_addr", "upstream_host"),
        ("upstream_response_time", "upstream_service_time_ms"),
        ("request_time", "duration_ms"),
        ("request_length", "bytes_received"),
        ("body_bytes_sent", "bytes_sent"),
        ("ssl_server_name", "requested_server_name"),
        # OpenTelemetry and Elastic Common Schema.
        ("http.method", "method"),
        ("http.request.method", "method"),
        ("http.status_flags", "response_flags"),
        ("http.response.status_code", "response_code"),
        ("http.request.body.size", "bytes_received"),
        ("http.response.body.bytes", "bytes_sent"),
        ("http.request.header.x-forwarded-for", "x_forwarded_for"),
        ("http.target", "path"),
        ("url.path", "path"),
        ("url.original", "path"),
        ("server.address", "authority"),
        ("client.address", "downstream_remote_address"),
        ("source.ip", "downstream_remote_address"),
        ("user_agent.original", "user_agent"),
        ("network.protocol.version", "protocol"),
        ("k8s.pod.name", "pod"),
        # Contour logs operators under their own names.
        ("downstream_remote_address_without_port", "downstream_remote_address"),
        ("upstream_remote_address", "upstream_host"),
    ],
)
def test_keys_of_other_gateways_and_formats_hold_the_known_columns(key: str, column: str) -> None:
    assert DEFAULT_KEYS.column_of(key) == column


@pytest.mark.parametrize(
    "key",
    [
        # Other spans, codes of others, addresses of others: one meaning a key.
        "requestDuration", "request_duration", "response_duration", "responseDuration",
        "response_tx_duration", "response_time", "responseTime", "request_timestamp", "req_time",
        "request.time", "http_time", "http.request.duration", "upstream_status", "upstream_time",
        "upstream_duration", "upstream_protocol", "request_code", "grpc_status", "host.name",
        "host_name", "server_name", "downstream_direct_remote_address", "response_host",
        "upstream_request_attempt_count", "downstream_tls_version", "upstream_host_name",
        "virtual_cluster_name", "response_code_class", "x_forwarded_host", "x_forwarded_proto",
        "request_headers", "response_headers_bytes", "downstream_wire_bytes_sent", "http", "req",
        "clientId", "connection_id", "route", "http.route", "url.scheme", "url_query", "trace_id",
        "r" * 4000, "request_" * 400,
    ],
)  # fmt: skip
def test_keys_of_another_meaning_hold_no_column(key: str) -> None:
    assert DEFAULT_KEYS.column_of(key) is None
    assert DEFAULT_KEYS.columns_of(key) == ()


def test_a_key_with_two_uses_holds_the_column_that_each_value_tells() -> None:
    for key, columns in EITHER.items():
        assert DEFAULT_KEYS.columns_of(key) == columns
        assert set(columns) <= set(ALIASES)
    assert _with(authority="upstream").columns_of("upstream") == ("authority",)


_GLOO: Record = {
    "authority": "a.example.com", "duration": "2", "httpMethod": "GET", "path": "/",
    "protocol": "HTTP/1.1", "responseCode": "401", "startTime": "2026-01-02T03:04:05Z",
}  # fmt: skip


@pytest.mark.parametrize(
    "found",
    [
        _GLOO,
        {"responseFlags": "-"},
        {"UpstreamHost": None},
        {"resp_flags": "UR", "level": "info", "msg": "access"},
        {"http.status_flags": "UH"},
        {"resp_code": 200, "req_method": "GET", "req_path": "/", "protocol": "HTTP/2"},
        {"response": {"statusFlags": "-"}},
        {"response_code": 200, "path": "/", "level": "info"},
        {"response_code": 200, "path": "/", "message": "GET /"},
    ],
)
def test_records_of_other_formats_are_records(found: Record) -> None:
    assert DEFAULT_KEYS.is_record(found)


@pytest.mark.parametrize(
    "found",
    [
        {"responseCode": 200},
        {"responseCode": 200, "path": "/"},
        {"responseCode": 200, "path": "/", "method": "GET", "timestamp": "2026-01-02"},
        {**_GLOO, "level": "info", "msg": "request done"},
        {**_GLOO, "severity": "INFO", "message": "request done"},
        {"response_code": 200, "path": "/", "method": "GET", "level": "info", "msg": "done"},
        {"level": "info", "msg": "done", "status": 200, "method": "GET", "path": "/"},
        {"status": 200, "method": "GET", "path": "/", "host": "pod-1", "protocol": "HTTP/1.1"},
        # nginx itself.
        {"time_iso8601": "2026-01-02T03:04:05+00:00", "remote_addr": "192.0.2.1", "status": "200",
         "request": "GET / HTTP/1.1", "request_time": "0.014", "upstream_addr": "192.0.2.9:80",
         "upstream_response_time": "0.013", "http_user_agent": "curl", "body_bytes_sent": "5"},
        {"http.request.method": "GET", "url.path": "/", "http.response.status_code": 200,
         "client.address": "192.0.2.1", "server.address": "a.example.com"},
        {"statusCode": 200, "httpMethod": "GET", "path": "/", "requestId": "1", "protocol": "h2"},
        {"err": "x", "res": {"statusCode": 500}, "req": {"id": 1, "method": "GET", "url": "/"}},
    ],
)  # fmt: skip
def test_lines_of_applications_with_the_same_keys_are_no_records(found: Record) -> None:
    assert not DEFAULT_KEYS.is_record(found)


@pytest.mark.parametrize(
    "found",
    [
        {"response_flags": "-"},
        {"Response-Flags": "-"},
        {"upstream_cluster": None},
        {"x-envoy-upstream-service-time": None},
        {"response_code": 200, "path": "/"},
        {"Response_code": "200", ":path": "/"},
        {"response_code": 200, "time": "2026-01-02T03:04:05Z"},
        {"response_code": 0, "duration": 5},
    ],
)
def test_one_key_of_envoys_own_or_a_code_beside_a_known_key_makes_a_record(found: Record) -> None:
    assert DEFAULT_KEYS.is_record(found)


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"response_code": 200},
        {"response_code": 200, "level": "info"},
        {"level": "info", "time": "2026-01-02T03:04:05Z", "msg": "started"},
        {"status": 200, "path": "/", "method": "GET", "host": "a.example.com"},
        {"code": 200, "path": "/"},
        {"log": '{"response_flags":"-"}', "stream": "stdout", "time": "2026-01-02T03:04:05Z"},
        {"jsonPayload": {"response_flags": "-"}},
    ],
)
def test_objects_of_other_programs_are_no_records(found: Record) -> None:
    assert not DEFAULT_KEYS.is_record(found)


@pytest.mark.property
@given(records)
def test_the_records_of_every_era_are_records(found: Record) -> None:
    assert DEFAULT_KEYS.is_record(found)


@pytest.mark.parametrize(
    ("keys", "column"),
    [
        (("response", "code"), "response_code"),
        (("response", "flags"), "response_flags"),
        (("response", "code", "details"), "response_code_details"),
        (("response", "status"), "response_code"),
        (("response", "headers", "x-envoy-upstream-service-time"), "upstream_service_time_ms"),
        (("resp", "x-envoy-upstream-service-time"), "upstream_service_time_ms"),
        (("request", "method"), "method"),
        (("request", "headers", "user-agent"), "user_agent"),
        (("request", "headers", ":authority"), "authority"),
        (("request", "host"), "authority"),
        (("request", "id"), "request_id"),
        (("request", "start_time"), "start_time"),
        (("req", "Path"), "path"),
        (("request_headers", "x-request-id"), "request_id"),
        (("Request.Headers", "x-request-id"), "request_id"),
        (("upstream", "cluster"), "upstream_cluster"),
        (("upstream", "host"), "upstream_host"),
        (("upstream", "upstream_cluster"), "upstream_cluster"),
        (("downstream", "remote", "address"), "downstream_remote_address"),
        (("http", "request", "method"), "method"),
        (("http", "response", "status_code"), "response_code"),
        (("url", "path"), "path"),
        (("bytes", "sent"), "bytes_sent"),
        (("route", "name"), "route_name"),
        (("envoy", "duration"), "duration_ms"),
        (("access_log", "response_code"), "response_code"),
        # Other spans, and what belongs to the other side.
        (("request", "duration"), None),
        (("response", "duration"), None),
        (("request", "time"), None),
        (("response", "time"), None),
        (("upstream", "duration"), None),
        (("request", "status"), None),
        (("response", "host"), None),
        (("response", "headers", "user-agent"), None),
        # What collectors put around a record or beside it.
        (("log", "response_code"), None),
        (("log_processed", "response_code"), None),
        (("message", "response", "code"), None),
        (("jsonPayload", "response_code"), None),
        (("_source", "response_code"), None),
        (("attributes", "response_code"), None),
        (("kubernetes", "pod_name"), None),
    ],
)
def test_nested_keys_are_read_as_paths(keys: tuple[str, ...], column: str | None) -> None:
    assert _column_at(*keys) == column


def test_a_key_with_dots_is_read_as_the_nested_keys() -> None:
    assert DEFAULT_KEYS.column_of("request.headers.user-agent") == "user_agent"
    assert DEFAULT_KEYS.column_of("response.duration") is None


def test_nesting_is_followed_to_a_depth() -> None:
    wrappers = ["http"] * (MAX_DEPTH - 1)

    assert _column_at(*wrappers, "path") == "path"
    assert _column_at("http", *wrappers, "path") is None


def test_a_very_deep_object_is_no_record() -> None:
    found: Record = {"response_code": 1, "path": "/"}
    for _ in range(900):
        found = {"http": found}

    assert not DEFAULT_KEYS.is_record(found)


def test_a_key_before_a_nested_key_and_a_nested_one_if_it_is_missing() -> None:
    both = record(method=None, host="flat.example.com", authority=...) | {
        "request": {"authority": "nested.example.com", "method": "PUT"}
    }

    assert normalized(both)["authority"] == "flat.example.com"
    assert normalized(both)["method"] == "PUT"


def test_a_known_key_with_an_object_is_no_value() -> None:
    found = normalized({"response": {"code": 503, "flags": "UH"}, "upstream": {"cluster": "a"}})

    assert found["upstream_cluster"] == "a"
    assert found["upstream_host"] is None


@pytest.mark.parametrize(
    "found",
    [
        {"response": {"code": 200}, "request": {"path": "/"}},
        {"response": {"flags": "-"}},
        {"upstream": {"cluster": "a"}, "level": "info"},
        {"start_time": "2026-01-02T03:04:05Z", "response": {"code": 200}},
        {"http": {"response": {"code": 200}, "request": {"method": "GET"}}},
    ],
)
def test_objects_with_nested_keys_are_records(found: Record) -> None:
    assert DEFAULT_KEYS.is_record(found)


@pytest.mark.parametrize(
    "found",
    [
        {"response": {"code": 200}},
        {"request": {"method": "GET", "headers": {"host": "a.example.com"}}, "msg": "in"},
        {"req": {"method": "GET", "url": "/"}, "res": {"statusCode": 200}, "responseTime": 3},
        {"http": {"method": "GET", "status_code": 200, "url": "/"}, "message": "done"},
        {"url": {"path": "/"}, "http": {"response": {"status_code": 200}}},
        {"message": {"response_code": 200, "response_flags": "-"}, "podName": "a"},
        {"message": {"response": {"code": 200, "flags": "-"}}, "podName": "a"},
        {"log": "...", "log_processed": {"response_flags": "-"}, "kubernetes": {"pod_name": "a"}},
        {"jsonPayload": {"response_flags": "-"}, "httpRequest": {"status": 200}},
        {"_source": {"response_code": 200, "path": "/"}},
        {"attributes": {"response_code": 200, "path": "/"}},
    ],
)
def test_envelopes_and_objects_of_others_are_no_records(found: Record) -> None:
    assert not DEFAULT_KEYS.is_record(found)


def test_the_default_keys_of_every_era_are_never_looked_into() -> None:
    for era in Era:
        assert DEFAULT_KEYS.holders(in_era(record(), era)) == []


def test_every_column_behind_a_wrapper_is_one_that_a_log_holds() -> None:
    for columns in WRAPPERS.values():
        assert columns <= set(ALIASES)


_PATHS: dict[str, list[tuple[str, ...]]] = {
    "method": [("request", "method"), ("http", "request", "method")],
    "path": [("request", "path"), ("req", "headers", ":path"), ("url", "path")],
    "authority": [("request", "authority"), ("request", "headers", "host")],
    "user_agent": [("request", "headers", "user-agent"), ("request", "user_agent")],
    "request_id": [("request", "id"), ("request", "headers", "x-request-id")],
    "response_code": [("response", "code"), ("http", "response", "code")],
    "response_flags": [("response", "flags")],
    "response_code_details": [("response", "code_details"), ("response", "code", "details")],
    "upstream_cluster": [("upstream", "cluster"), ("envoy", "upstream", "cluster")],
    "upstream_host": [("upstream", "host")],
    "upstream_service_time": [
        ("upstream", "service_time"), ("response", "headers", "x-envoy-upstream-service-time"),
    ],
    "route_name": [("route", "name"), ("envoy", "route_name")],
    "bytes_sent": [("bytes", "sent"), ("response", "bytes_sent")],
    "bytes_received": [("bytes", "received"), ("request", "bytes_received")],
    "duration": [("http", "duration")],
    "start_time": [("request", "start_time"), ("access_log", "start_time")],
    "downstream_remote_address": [("downstream", "remote_address")],
    "downstream_local_address": [("downstream", "local", "address")],
}  # fmt: skip


@st.composite
def _nestings(draw: st.DrawFn, flat: Record) -> Record:
    """Return a record with its keys in any order, some of them inside objects."""
    at: dict[str, tuple[str, ...]] = {}
    for key in sorted(_PATHS.keys() & flat):
        path = draw(st.sampled_from([(key,), *_PATHS[key]]))
        # A key can't hold a value and an object at once.
        if not any(path[: len(o)] == o or o[: len(path)] == path for o in at.values()):
            at[key] = path
    return _nested({key: flat[key] for key in draw(st.permutations(list(flat)))}, at=at)


@pytest.mark.property
@given(st.lists(records, min_size=1, max_size=4), st.data())
def test_nesting_keys_changes_no_record_of_a_block(flat: list[Record], data: st.DataObject) -> None:
    nested = [data.draw(_nestings(found)) for found in flat]

    assert frame_of(*nested).equals(frame_of(*flat))


def _with(**keys_of: str) -> FieldKeys:
    return FieldKeys.mapping({column: [key] for column, key in keys_of.items()})


def test_a_mapped_key_comes_before_the_known_keys_of_its_column() -> None:
    keys = _with(authority="X-My.Host")

    assert keys.column_of("x_my_host") == "authority"
    assert keys.column_of("authority") == "authority"
    assert keys.precedence("x-my-host") < keys.precedence("authority")


def test_a_mapped_path_is_found_in_nested_objects_and_before_a_flat_key() -> None:
    keys = _with(authority="edge.vhost")
    flat = keys.flattened({"edge": {"vhost": "a", "other": "b"}, "authority": "c"})

    assert [keys.column_of(path) for path in flat] == ["authority", "authority"]
    assert min(flat, key=keys.precedence) != "authority"


def test_a_mapped_key_holds_no_other_column() -> None:
    keys = _with(pod="host", method="response_flags")

    assert keys.column_of("host") == "pod"
    assert keys.column_of("response_flags") == "method"
    assert not keys.is_record({"response_flags": "GET"})


def test_several_keys_of_a_column_are_read_in_their_order() -> None:
    keys = FieldKeys.mapping({"authority": ["domain", "vhost"]})

    assert keys.precedence("domain") < keys.precedence("vhost") < keys.precedence("authority")


@pytest.mark.parametrize(
    ("mapped", "found", "expected"),
    [
        ({"upstream_cluster": "up"}, {"up": "a"}, True),
        ({"upstream_cluster": "up"}, {"UP": "a"}, True),
        ({"response_code": "rc"}, {"rc": 200, "path": "/"}, True),
        ({"response_code": "rc"}, {"rc": 200}, False),
        ({"response_code": "rc"}, {"rc": 200, "level": "info"}, False),
        ({"response_code": "status"}, {"status": 200, "path": "/"}, True),
        ({"response_code": "rc"}, {"rc": 200, "path": "/", "level": "info", "msg": "x"}, True),
        ({"start_time": "time"}, {"level": "info", "time": "...", "msg": "..."}, False),
        ({"authority": "msg"}, {"level": "info", "time": "...", "msg": "..."}, False),
        ({"path": "p"}, {"p": "/", "time": "..."}, False),
        ({"duration": "took"}, {"took": 3, "response_code": 200}, True),
        ({"upstream_cluster": "to.name"}, {"to": {"name": "a"}}, True),
        ({"authority": "log.vhost"}, {"log": {"vhost": "a"}, "stream": "stdout"}, False),
    ],
)
def test_a_mapped_key_tells_a_record_as_the_key_of_its_column_does(
    mapped: dict[str, str], found: Record, *, expected: bool
) -> None:
    assert _with(**mapped).is_record(found) is expected


@pytest.mark.parametrize("name", sorted(COLUMN_NAMES))
def test_columns_are_mapped_by_their_name_or_by_that_of_istio(name: str) -> None:
    assert _with(**{name: "theirs"}).column_of("theirs") == COLUMN_NAMES[name]


@pytest.mark.parametrize(
    ("name", "near"), [("authorty", "authority"), ("upstream_service", "upstream_service_time")]
)
def test_a_column_that_no_log_holds_is_an_error_with_the_nearest(name: str, near: str) -> None:
    with pytest.raises(UnknownKeyError, match=near):
        _with(**{name: "x"})


def test_a_key_of_two_columns_or_an_empty_one_is_an_error() -> None:
    with pytest.raises(MappingError, match="authority and to pod"):
        _with(authority="a-b", pod="A.B")
    with pytest.raises(MappingError, match="no key"):
        _with(authority=" ")


def test_keys_are_a_value() -> None:
    keys = _with(authority="vhost")
    again: Any = pickle.loads(pickle.dumps(keys))  # noqa: S301  # its own bytes

    assert again == keys == _with(authority="vhost") != DEFAULT_KEYS
    assert len({keys, again, DEFAULT_KEYS}) == 2
    assert again.column_of("vhost") == "authority"
