"""Lines in envelopes are read as they would be without, and who wrote them is kept."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import (
    Record,
    accounted,
    counts,
    enveloped,
    frame,
    line,
    lines,
    reading,
    reasons,
    record,
    repaired,
)
from tests.envelopes import ENVELOPES, Envelope, Who
from tests.strategies import blank_lines, damaged_lines, noise_lines, portions, records

from envoylogs.reading.envelopes import unwrapping as module
from envoylogs.sources.blocks import MAX_LINE_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

_WHO = Who()
_TEXT = (
    b'[2026-01-02T03:04:05.678Z] "GET /cart HTTP/2" 200 - via_upstream - "-" 0 1024 12 11 '
    b'"192.0.2.200" "an \\"agent\\" <b>" "6f867212-d7cf-4c68-9468-6fbc5f927335" '
    b'"shop.example.com" "192.0.2.33:8080" outbound|80||cart.shop.svc.cluster.local '
    b"192.0.2.10:51234 192.0.2.10:8443 192.0.2.200:40312 shop.example.com -"
)
_JSON = line(record(user_agent='an "agent" <b> ä'))
_LONG = line(record(path="/" + "x" * 40_000))
_FROM_ENVELOPE = ("pod", "namespace", "container", "gateway", "line")

each_envelope = pytest.mark.parametrize("name", ENVELOPES)


def _fits(name: str, payload: bytes) -> bool:
    return payload.startswith(b"{") or not ENVELOPES[name].json_only


def _values(found: pl.DataFrame) -> pl.DataFrame:
    """Return what the records say by themselves."""
    return found.drop(_FROM_ENVELOPE)


@each_envelope
@pytest.mark.parametrize("payload", [_JSON, _TEXT], ids=["JSON", "TEXT"])
def test_a_record_is_the_same_in_any_envelope(name: str, payload: bytes) -> None:
    if not _fits(name, payload):
        return
    written = ENVELOPES[name].wrap(payload, _WHO)

    batch = reading(b"\n".join(written) + b"\n")

    assert _values(frame(batch)).equals(_values(frame(reading(payload))))
    assert counts(batch.fates)["record_lines"] == counts(batch.fates)["lines"] == len(written)
    assert enveloped(batch.fates) == {ENVELOPES[name].kind: len(written)}


@each_envelope
def test_pod_namespace_and_container_are_kept_where_the_envelope_says_them(name: str) -> None:
    envelope = ENVELOPES[name]

    batch = reading(b"\n".join(envelope.wrap(_JSON, _WHO)))

    found = frame(batch).select("pod", "namespace", "container").row(0, named=True)
    said = {key: getattr(_WHO, key) for key in envelope.says}
    assert found == dict.fromkeys(found, None) | said
    gateway = _WHO.pod if "pod" in said else "192.0.2.10"
    assert frame(batch)["gateway"].to_list() == [gateway]


def test_the_pod_of_the_envelope_is_surer_than_that_of_the_record() -> None:
    logged = record(pod_name="logged")
    both = lines(logged) + ENVELOPES["stern"].wrap(line(logged), _WHO)[0]

    assert frame(reading(both))["pod"].to_list() == ["logged", _WHO.pod]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (f"/var/log/containers/gateway-7d9c_istio-system_istio-proxy-{'0a' * 32}.log",
         ("gateway-7d9c", "istio-system", "istio-proxy")),
        ("/var/log/pods/istio-system_gateway-7d9c_0f4d2c1e-aaaa-bbbb-cccc-0123456789ab/"
         "istio-proxy/0.log", ("gateway-7d9c", "istio-system", "istio-proxy")),
        ("gateway.log", (None, None, None)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("envelope", ["CRI", "docker"])
def test_the_file_of_a_runtime_is_named_after_its_container(
    name: str, says: tuple[str | None, ...], envelope: str
) -> None:
    written = b"\n".join(ENVELOPES[envelope].wrap(_JSON, _WHO))

    found = frame(reading(written, name=name))

    assert found.select("pod", "namespace", "container").rows() == [says]


def test_parts_of_two_streams_are_joined_each_with_its_own() -> None:
    one, two = line(record(path="/1")), line(record(path="/2"))
    of_one = ENVELOPES["CRI in parts"].wrap(one, _WHO)
    of_two = [
        part.replace(b" stdout ", b" stderr ") for part in ENVELOPES["CRI in parts"].wrap(two, _WHO)
    ]
    mixed = [part for pair in zip(of_one, of_two, strict=True) for part in pair]

    batch = reading(b"\n".join(mixed))

    # The number of a record is that of its first part.
    assert frame(batch).select("line", "path").rows() == [(1, "/1"), (2, "/2")]
    assert counts(batch.fates)["record_lines"] == len(mixed)


@pytest.mark.parametrize("name", ["CRI in parts", "CRI", "docker"])
def test_parts_are_joined_over_blocks(name: str) -> None:
    long = line(record(path="/" + "x" * 900_000))
    written = b"\n".join(ENVELOPES[name].wrap(long, _WHO)) + b"\n"

    batch = reading(written + lines(record()))

    assert frame(batch)["path"].str.len_bytes().to_list() == [900_001, 5]
    assert accounted(batch.fates)


def test_lines_in_the_shape_of_docker_without_line_feeds_are_not_joined() -> None:
    # Collectors take the line feed away, and other lines than docker's are never cut.
    written = [
        line({"log": payload.decode(), "stream": "stdout"}) for payload in (_JSON, _TEXT, _JSON)
    ]

    batch = reading(b"\n".join(written))

    assert frame(batch)["line"].to_list() == [1, 2, 3]


def test_a_line_that_gets_too_long_when_joined_is_counted_and_costs_no_other() -> None:
    part = b"2026-01-02T03:04:05.1Z stdout P " + b"x" * 16_384
    n = MAX_LINE_BYTES // 16_384 + 3
    end = b"2026-01-02T03:04:05.1Z stdout F y"

    batch = reading(b"\n".join([*[part] * n, end, line(record())]))

    assert reasons(batch.fates) == {"line_too_long": n + 1}
    assert frame(batch)["line"].to_list() == [n + 2]
    assert accounted(batch.fates)


@pytest.mark.parametrize("name", ["CRI in parts", "docker"])
def test_a_line_whose_last_part_never_came_is_cut(name: str) -> None:
    written = ENVELOPES[name].wrap(_LONG, _WHO)[:-1]

    batch = reading(b"\n".join([*written, line(record())]))

    assert frame(batch)["line"].to_list() == [len(written) + 1]
    assert reasons(batch.fates) == {"cut_at_end": len(written)}
    assert accounted(batch.fates)


def test_a_first_line_whose_beginning_is_missing_is_cut() -> None:
    written = ENVELOPES["CRI in parts"].wrap(_JSON, _WHO)[-1:]

    batch = reading(b"\n".join([*written, *ENVELOPES["CRI"].wrap(_JSON, _WHO)]))

    assert frame(batch).height == 1
    assert accounted(batch.fates)
    assert reasons(batch.fates) | {"other": counts(batch.fates).get("other", 0)} in (
        {"cut_at_start": 1, "other": 0},
        {"other": 1},
    )


@each_envelope
@pytest.mark.parametrize(
    "noise",
    [
        b"2026-01-02T03:04:05.896837Z\tinfo\tInitialization took 1.2s",
        b"[2026-01-02 03:04:05.539][31][debug][http] [external/envoy/source] [C6] headers",
        b"':path', '/x'",
        b'{"level":"info","time":"2026-01-02T03:04:05.872966Z","msg":"x"}',
    ],
)
def test_other_programs_stay_other_in_any_envelope(name: str, noise: bytes) -> None:
    if not _fits(name, noise):
        return
    batch = reading(b"\n".join(ENVELOPES[name].wrap(noise, _WHO)))

    assert batch.frame is None
    assert counts(batch.fates)["other"] == counts(batch.fates)["lines"]
    assert reasons(batch.fates) == {}


@pytest.mark.parametrize(
    "own",
    [
        b'Defaulted container "istio-proxy" out of: istio-proxy, istio-init (init)',
        b'error: error from server (NotFound): pods "x" not found in namespace "istio-system"',
        b"+ istio-ingressgateway-7d9c > istio-proxy",
        b"\x1b[1;92m+\x1b[0m istio-ingressgateway-7d9c \xe2\x80\xba istio-proxy",
        b"unexpected EOF",
        b"$ kubectl logs -n istio-system deploy/istio-ingressgateway --tail=10",
    ],
)  # fmt: skip
def test_what_the_tools_say_themselves_is_other(own: bytes) -> None:
    batch = reading(lines(record()) + own + b"\n" + lines(record()))

    assert frame(batch)["line"].to_list() == [1, 3]
    assert counts(batch.fates)["other"] == 1


@pytest.mark.parametrize(
    "prefix",
    [
        b"   2026-01-02T03:04:05.28-0700 [APP/c4b80a05] OUT ",
        b'2026-01-02T03:04:05Z {app="istio-ingressgateway"} ',
        b"Jan  2 03:04:05 node-1 envoy[123]: ",
        b"2026-01-02T03:04:05.123000+00:00 stream-name ",
        b"[2026-01-02 03:04:05.539][31][debug][http] [C6] ",
    ],
)
def test_a_record_behind_any_prefix_is_read(prefix: bytes) -> None:
    batch = reading(prefix + _JSON + b"\n" + lines(record()))

    assert _values(frame(batch))[0].equals(_values(frame(reading(_JSON))))
    assert enveloped(batch.fates)["unknown_prefix"] == 1
    assert accounted(batch.fates)


def test_a_text_record_behind_any_prefix_is_read() -> None:
    batch = reading(b"Jan  2 03:04:05 node-1 envoy[123]: " + _TEXT)

    assert _values(frame(batch)).equals(_values(frame(reading(_TEXT))))
    assert enveloped(batch.fates) == {"unknown_prefix": 1}


def test_all_records_of_a_line_are_read() -> None:
    one, two = (line(record(path=path)) for path in ("/1", "/2"))

    batch = reading(b"debug: " + one + two + b" 2026-01-02T03:04:05.8Z\tinfo\n" + one)

    assert frame(batch).select("line", "path").rows() == [(1, "/1"), (1, "/2"), (2, "/1")]
    assert counts(batch.fates)["record_lines"] == 2
    assert accounted(batch.fates)


@pytest.mark.parametrize("payload", [_JSON, _TEXT], ids=["JSON", "TEXT"])
@pytest.mark.parametrize("cut", [60, 80])
def test_a_record_behind_a_half_one_is_read_and_the_half_one_is_named(
    payload: bytes, cut: int
) -> None:
    (whole,) = ENVELOPES["kubectl --prefix"].wrap(payload, _WHO)
    half = ENVELOPES["kubectl --prefix"].wrap(b'{"response_code":200,"x":"' if payload is _JSON
                                              else payload[:cut], _WHO)[0]  # fmt: skip

    batch = reading(half + whole + b"\n" + payload)

    found = _values(frame(batch))
    assert found[0].equals(found[1])
    assert repaired(batch.fates) == {"half_record_before": 1}
    assert accounted(batch.fates)


def test_a_client_can_not_put_a_record_into_its_name() -> None:
    forged = _TEXT.replace(b"/cart", b"/forged").split(b'"192.0.2.200" "')[0] + b'"-" "x'
    batch = reading(_TEXT.replace(b'an \\"agent\\" <b>', forged))

    assert frame(batch)["path"].to_list() == ["/cart"]


def test_a_printed_record_is_read_with_a_time_before_each_line() -> None:
    printed = b"\n".join(
        b"2026-01-02T03:04:05.1Z " + part
        for part in (b"{", b'  "response_flags": "-",', b'  "path": "/"', b"}")
    )

    batch = reading(printed + b"\n" + lines(record()))

    assert frame(batch).select("line", "path").rows() == [(1, "/"), (5, "/cart")]
    assert accounted(batch.fates)


def test_a_log_without_envelopes_is_handed_on_as_it_is() -> None:
    bare = [_JSON, _TEXT, b"", b"  }"]

    payloads = module.Envelopes("a.log").unwrapped(bare, 7, reading(b"").fates)

    assert payloads.lines is bare
    assert payloads.numbers == [7, 8, 9, 10]
    assert not payloads.originals


@each_envelope
@pytest.mark.parametrize("payload", [_JSON, _TEXT], ids=["JSON", "TEXT"])
def test_the_original_lines_are_kept_if_they_are_wanted(name: str, payload: bytes) -> None:
    if not _fits(name, payload):
        return
    written = b"\n".join(ENVELOPES[name].wrap(payload, _WHO))

    batch = reading(written + b"\n" + _JSON, keep_text=True)

    assert frame(batch)["text"].to_list() == [written, _JSON]


# --- Any interleaving ----------------------------------------------------------------------------


class _Item(NamedTuple):
    """Lines of a log that follow one another, though not at once."""

    written: list[bytes]
    path: str | None = None


def _in_text(found: Record) -> bytes:
    return _TEXT.replace(b"/cart", str(found["path"]).encode())


_plain_paths = st.integers(0, 10**6).map(lambda n: f"/{n}")


@st.composite
def _wrapped(draw: st.DrawFn) -> _Item:
    path = draw(_plain_paths)
    found = draw(records) | {"path": path}
    found.pop("x-envoy-origin-path", None)
    name = draw(st.sampled_from((None, *ENVELOPES)))
    payload = draw(st.sampled_from((line(found), _in_text(found))))
    who = draw(st.sampled_from((_WHO, Who(pod="istio-ingressgateway-7d9c5d6f8-b7b7b"))))
    if name is None:
        return _Item([payload], path)
    if not _fits(name, payload):
        payload = line(found)
    return _Item(ENVELOPES[name].wrap(payload, who), path)


@st.composite
def _strangers(draw: st.DrawFn) -> _Item:
    payload = draw(damaged_lines() | noise_lines | blank_lines)
    envelope: Envelope | None = draw(st.sampled_from((None, *ENVELOPES.values())))
    if envelope is None or b"\0" in payload or envelope.json_only or not payload.isascii():
        return _Item([payload])
    return _Item(envelope.wrap(payload, _WHO))


def _interleaved(items: Sequence[_Item], seed: int) -> list[bytes]:
    """Return the lines of items in any order in which the parts of a line stay together.

    A runtime writes the parts of a line of one stream one after the other, and
    its next line of that stream behind them.
    """
    chance = random.Random(seed)
    in_parts = [item for item in items if len(item.written) > 1]
    whole = [item for item in items if len(item.written) == 1]
    chance.shuffle(in_parts)
    found = [part for item in in_parts for part in item.written]
    for item in whole:
        of_stream = b" stdout " in item.written[0][:45]
        places = _between(found) if of_stream else list(range(len(found) + 1))
        found.insert(chance.choice(places), item.written[0])
    return found


def _between(found: Sequence[bytes]) -> list[int]:
    """Return the places at which no line of CRI waits for its end."""
    places, waiting = [0], False
    for place, written in enumerate(found, 1):
        if b" stdout " in written[:45]:
            waiting = b" stdout P " in written[:45]
        if not waiting:
            places.append(place)
    return places


@pytest.mark.property
@given(
    st.lists(_wrapped() | _strangers(), max_size=12),
    st.integers(0, 2**32),
    portions,
)
def test_any_interleaving_adds_up_and_every_intact_record_is_read(
    items: list[_Item], seed: int, sizes: list[int]
) -> None:
    data = b"".join(one + b"\n" for one in _interleaved(items, seed))

    batch = reading(data, portions=sizes)

    assert accounted(batch.fates)
    assert counts(batch.fates).get("lines", 0) == data.count(b"\n")
    paths = [] if batch.frame is None else frame(batch)["path"].to_list()
    for item in items:
        if item.path is not None:
            assert item.path in paths, "an intact record is lost"
            paths.remove(item.path)


# --- What others can write -----------------------------------------------------------------------


@pytest.mark.parametrize("quote", [b"'", b'"'])
def test_a_record_in_the_quotes_of_another_line_is_none(quote: bytes) -> None:
    # Envoy's debug log prints headers, and a client can send what it likes in them.
    for payload in (_JSON, _TEXT):
        batch = reading(b"'user-agent', " + quote + payload + quote + b"\n" + lines(record()))

        assert frame(batch)["line"].to_list() == [2]
        assert accounted(batch.fates)


def test_a_record_in_a_broken_value_is_no_record() -> None:
    forged = b'{"response_code":200,"response_flags":"-","authority":"forged.example.com"}'
    broken = _JSON.replace(b'"/cart"', b'"x", "a": b ' + forged + b'"')

    batch = reading(broken + b"\n" + lines(record()))

    assert frame(batch)["authority"].unique().to_list() == ["shop.example.com"]
    assert accounted(batch.fates)


def test_two_whole_records_of_a_line_are_both_read() -> None:
    one, two = (line(record(path=path)) for path in ("/1", "/2"))

    batch = reading(one + two + b"\n" + b"".join(line(record(path=f"/{n}")) for n in range(40)))

    assert frame(batch)["path"].to_list() == ["/1", "/2", *(f"/{n}" for n in range(40))]
    assert reasons(batch.fates) == {}
    assert repaired(batch.fates) == {}


def test_a_half_record_without_a_sign_does_not_blend_into_the_one_behind_it() -> None:
    batch = reading(b'{"authority":"cut.example.com","hostname":"istio-egress' + _JSON)

    assert _values(frame(batch)).equals(_values(frame(reading(_JSON))))
    assert repaired(batch.fates) == {"half_record_before": 1}


def test_records_behind_a_prefix_are_read_after_an_object_that_never_ends() -> None:
    prefixed = b"Jan  2 03:04:05 node-1 envoy: " + _JSON

    batch = reading(b'{"authority":"x","path":1\n' + prefixed + b"\n" + prefixed + b"\n" + _JSON)

    assert frame(batch)["line"].to_list() == [2, 3, 4]
    assert accounted(batch.fates)


def test_a_printed_object_of_lines_in_parts_is_accounted_for() -> None:
    time = b"2026-01-02T03:04:05.1Z stdout "
    printed = [
        time + b"F {", time + b'P  "downstream_local_address": ', time + b'F "192.0.2.10:8443"',
        time + b"F }",
    ]  # fmt: skip

    batch = reading(b"\n".join(printed))

    assert frame(batch)["line"].to_list() == [1]
    assert counts(batch.fates)["record_lines"] == 4
    assert accounted(batch.fates)


def test_text_of_stern_in_a_json_string_is_read() -> None:
    written = line({"a": _TEXT.decode()}).removeprefix(b'{"a":').removesuffix(b"}")
    head = b'{"pod": "gateway-1", "container": "istio-proxy", "message": '

    assert frame(reading(head + written + b"}"))["pod"].to_list() == ["gateway-1"]


def test_text_in_an_object_that_is_not_read_is_a_wrapped_record() -> None:
    assert reasons(reading(line({"message": _TEXT.decode(), "ts": 1})).fates) == {
        "wrapped_record": 1
    }
