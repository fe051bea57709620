"""Format strings: what is read of them, and what is wrong with those that can't be read."""

from __future__ import annotations

from typing import Any

import pytest
from tests.builders import accounted, frame, line, record

from envoylogs.envoy.field_keys import FieldKeys
from envoylogs.envoy.text_formats import parse_format
from envoylogs.errors import TextFormatError
from envoylogs.keyed.decoding import decode
from envoylogs.keyed.plan import ReadPlan
from envoylogs.sources.source import Source


def _rows(form: str, text: bytes, tmp_path: Any) -> list[dict[str, Any]]:
    path = tmp_path / "gateway.log"
    path.write_bytes(text)
    wanted = ReadPlan(
        ("path", "authority", "response_code", "start_time", "user_agent", "pod"),
        text=True,
        text_format=parse_format(form),
    )
    (decoded,) = decode([Source("gateway.log", str(path))], wanted)
    batch = decoded.normalized()
    assert accounted(batch.fates)
    return frame(batch).to_dicts()


def test_operators_hold_the_columns_that_their_keys_hold() -> None:
    form = parse_format(
        "%START_TIME(%s.%3f)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH):99% %REQ(:AUTHORITY)%|"
        "%RESPONSE_CODE%|%RESP(x-envoy-upstream-service-time)% %ENVIRONMENT(POD_NAME)% "
        "%REQ(cookie)% %TRAILER(grpc-status)% %DYNAMIC_METADATA(a:b)% %MADE_UP% %% %ROUTE_NAME%"
    )

    assert form.columns == [
        "start_time", "path", "authority", "response_code", "upstream_service_time_ms", "pod",
        "route_name",
    ]  # fmt: skip
    assert form.literals[-2:] == (" % ", "")


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ("", "no operator"),
        ("GET / 200", "no operator"),
        ("%RESPONSE_CODE%%RESPONSE_FLAGS%", "nothing stands before %RESPONSE_FLAGS%"),
        ("%RESPONSE_CODE% %REQ(:PATH", "no operator can be read at '%REQ"),
        ("%response_code% %START_TIME%", "no operator can be read at '%response_code%"),
        ("%RESPONSE_FLAGS% 100% sure", "no operator can be read at '% sure"),
        ("%START_TIME% %PROTOCOL%", "another operator that tells an access record"),
        ("%RESPONSE_CODE%\n%RESPONSE_FLAGS%", "line end inside"),
    ],
)
def test_an_error_says_what_is_wrong_with_a_format(form: str, why: str) -> None:
    with pytest.raises(TextFormatError) as found:
        parse_format(form)

    assert why in str(found.value)


@pytest.mark.parametrize("end", ["", "\n", "\\n", "  "])
def test_the_line_end_of_a_format_does_not_count(end: str) -> None:
    assert parse_format("%RESPONSE_FLAGS% x" + end) == parse_format("%RESPONSE_FLAGS% x")


def test_lines_of_an_own_format_are_read_beside_json_and_the_known_forms(tmp_path: Any) -> None:
    known = (
        b'[2026-01-02T03:04:05.678Z] "GET /known HTTP/2" 200 - 0 1 2 3 "-" "curl" "id" '
        b'"shop.example.com" "192.0.2.33:8080"'
    )
    own = b"1767323045.678 | /own | shop.example.com | 503 | UH | an (agent) of | any kind"
    form = ("%START_TIME(%s.%3f)% | %REQ(:PATH)% | %REQ(HOST)% | %RESPONSE_CODE% | "
            "%RESPONSE_FLAGS% | %REQ(USER-AGENT)%")  # fmt: skip
    text = b"\n".join([own, line(record(path="/json")), known, b"another line", own])

    rows = _rows(form, text, tmp_path)

    assert [(row["line"], row["path"], row["response_code"]) for row in rows] == [
        (1, "/own", 503), (2, "/json", 200), (3, "/known", 200), (5, "/own", 503),
    ]  # fmt: skip
    assert rows[0]["user_agent"] == "an (agent) of | any kind"
    assert rows[0]["start_time"].isoformat() == "2026-01-02T03:04:05.678000+00:00"
    assert [row["text"] for row in rows] == [own, line(record(path="/json")), known, own]


def test_the_first_of_several_operators_of_a_column_that_has_a_value_is_read(tmp_path: Any) -> None:
    form = "%REQ(:PATH)% %REQ(X-ENVOY-ORIGINAL-PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS%"

    rows = _rows(form, b"/after /before 200 -\n/after - 200 -", tmp_path)

    assert [row["path"] for row in rows] == ["/before", "/after"]


def test_a_format_dressed_as_json_reads_the_lines_that_are_no_json(tmp_path: Any) -> None:
    form = '{"path":"%REQ(:PATH)%","ua":"%REQ(USER-AGENT)%","response_code":%RESPONSE_CODE%}'
    text = (
        b'{"path":"/a","ua":"b","response_code":200}\n{"path":"/b","ua":"a "b"","response_code":-}'
    )

    rows = _rows(form, text, tmp_path)

    assert [(row["path"], row["response_code"]) for row in rows] == [("/a", 200), ("/b", None)]
    assert rows[1]["user_agent"] == 'a "b"'


@pytest.mark.parametrize(
    ("mapped", "operator", "columns"),
    [
        ({"authority": ["x-my-host"]}, "%REQ(X-MY-HOST)%", ["authority"]),
        ({"authority": ["X_My.Host"]}, "%REQ(X-OTHER?X-MY-HOST)%", ["authority"]),
        ({"pod": ["my_pod"]}, "%ENVIRONMENT(MY_POD)%", ["pod"]),
        ({"user_agent": [":authority"]}, "%REQ(:AUTHORITY)%", ["user_agent"]),
        ({"route_name": ["virtual_cluster_name"]}, "%VIRTUAL_CLUSTER_NAME%", ["route_name"]),
        ({"authority": ["x-my-host"]}, "%REQ(X-OTHER)%", []),
    ],
)
def test_a_mapped_key_is_the_header_or_the_operator_of_that_name(
    mapped: dict[str, list[str]], operator: str, columns: list[str]
) -> None:
    form = parse_format(f"%RESPONSE_FLAGS% {operator}", FieldKeys.mapping(mapped))

    assert form.columns == ["response_flags", *columns]


def test_a_mapped_header_is_read_before_the_known_one(tmp_path: Any) -> None:
    path = tmp_path / "gateway.log"
    path.write_text("NR known.example.com theirs.example.com\nNR known.example.com -\n")
    keys = FieldKeys.mapping({"authority": ["x-my-host"]})
    form = parse_format("%RESPONSE_FLAGS% %REQ(:AUTHORITY)% %REQ(X-MY-HOST)%", keys)

    (decoded,) = decode(
        [Source("gateway.log", str(path))], ReadPlan(("authority",), text_format=form, keys=keys)
    )

    hosts = frame(decoded.normalized())["authority"].to_list()
    assert hosts == ["theirs.example.com", "known.example.com"]
