"""Hypothesis strategies for access logs: records of all eras, noise, damage, ways to cut."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from tests.builders import Era, Record, connection, in_era, line, printed, record
from tests.envelopes import ENVELOPES, Who

from envoylogs.envoy.details import RESPONSE_CODE_DETAILS
from envoylogs.envoy.flags import RESPONSE_FLAGS

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

_FLAGS = tuple(flag.short for flag in RESPONSE_FLAGS)
_DETAILS = tuple(detail.match.replace("*", "{x}") for detail in RESPONSE_CODE_DETAILS)

eras = st.sampled_from(Era)

hosts = st.sampled_from(
    ("shop.example.com", "Shop.Example.com:443", "api.example.com:8443", "192.0.2.7", "[::1]:8080")
)
clusters = st.sampled_from(
    (
        "outbound|80||cart.shop.svc.cluster.local",
        "outbound|80||cart.shop.svc.cluster.local;",
        "outbound|80|v2|cart.shop.svc.cluster.local",
        "outbound_.80_._.cart.shop.svc.cluster.local",
        "inbound|8080||",
        "PassthroughCluster",
        "BlackHoleCluster",
        "agent",
        "any name; at all",
    )
)
addresses = st.sampled_from(("192.0.2.10:8443", "192.0.2.11:15021", "[2001:db8::1]:8080"))
flags = st.one_of(
    st.just("-"),
    st.sampled_from(_FLAGS),
    st.lists(st.sampled_from(_FLAGS), min_size=2, max_size=3, unique=True).map(
        lambda some: ",".join(sorted(some, key=_FLAGS.index))
    ),
)
codes = st.sampled_from((0, 100, 101, 200, 204, 301, 304, 400, 401, 403, 404, 429, 500, 503, 504))
# Whatever a client may send in a header.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
counts = st.integers(0, 2**53)
durations = st.integers(0, 366 * 86_400_000)
times = st.datetimes(datetime(2019, 1, 1), datetime(2031, 1, 1)).map(  # noqa: DTZ001  # drawn naive
    lambda time: f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03}Z"
)


def _or_null(values: SearchStrategy[str]) -> SearchStrategy[str | None]:
    return st.none() | values


@st.composite
def modern_records(draw: st.DrawFn) -> Record:
    """Requests as Istio 1.9 and later log them; each has a `request_id` of its own."""
    return record(
        authority=draw(_or_null(hosts | texts)),
        bytes_received=draw(counts),
        bytes_sent=draw(counts),
        downstream_local_address=draw(addresses),
        duration=draw(durations),
        method=draw(st.sampled_from(("GET", "POST"))),
        path=draw(_or_null(st.just("/cart") | texts)),
        protocol=draw(st.sampled_from(("HTTP/1.1", "HTTP/2"))),
        request_id=draw(st.uuids(version=4).map(str)),
        response_code=draw(codes),
        response_code_details=draw(_or_null(st.sampled_from(_DETAILS))),
        response_flags=draw(flags),
        route_name=draw(_or_null(st.sampled_from(("default", "reviews", "block_all")))),
        start_time=draw(times),
        upstream_cluster=draw(_or_null(clusters)),
        upstream_host=draw(_or_null(addresses)),
        upstream_service_time=draw(_or_null(st.integers(0, 10**6).map(str))),
        user_agent=draw(_or_null(texts)),
    )


connections = st.builds(
    connection,
    response_flags=flags,
    upstream_cluster=_or_null(clusters),
    upstream_host=_or_null(addresses),
    bytes_sent=counts,
)

records = st.builds(in_era, modern_records() | connections, eras)
"""Records of any era; those of requests have a `request_id` of their own or none."""

_AGENT_LINES = (
    b"2026-01-02T03:04:05.896837Z\tinfo\tInitialization took 1.2s",
    b"2026-01-02T03:04:05.896837Z\twarning\tenvoy config\tgRPC stream closed: 14, \tthread=22",
    b"[2026-01-02 03:04:05.539][31][debug][http] [external/envoy/source] [C6] headers",
    b"':path', '/x'",
    b'Defaulted container "istio-proxy" out of: istio-proxy, istio-init (init)',
    b'{"level":"info","time":"2026-01-02T03:04:05.872966Z","msg":"FLAG: --concurrency=\\"0\\""}',
    b'{"level":"debug","scope":"envoy http","msg":"[C6] new stream"}',
    b"[]",
    b"null",
    b"17",
)
noise_lines = st.sampled_from(_AGENT_LINES) | texts.map(
    lambda text: ("# " + text.replace("\n", " ").replace("\0", " ")).encode()
)
"""Lines of other programs; none can be part of a record."""


@st.composite
def damaged_lines(draw: st.DrawFn) -> bytes:
    """Lines that hold a record, or a part of one, in a form that can't be read."""
    whole = line(draw(records))
    place = draw(st.integers(1, len(whole) - 1))
    beginning = whole[:place]
    if beginning.endswith(b":"):
        # What follows could be read as the value of that key, and rightly.
        beginning += b"1"
    return draw(
        st.sampled_from(
            (
                beginning,
                whole[place:],
                beginning + b"\0",
                whole + whole,
                b"[pod/istio-ingressgateway-7d9c/istio-proxy] " + whole,
                line({"log": whole.decode()}),
                b'[2026-01-02T03:04:05.678Z] "GET / HTTP/1.1" 200 - "-" 0 1 2 - "-" "-" "-"',
                b'{"a":' * 200,
            )
        )
    )


@st.composite
def damaged_prints(draw: st.DrawFn) -> bytes:
    """The first or the last lines of a record that was printed over several."""
    whole = printed(draw(records)).split(b"\n")
    place = draw(st.integers(1, len(whole) - 1))
    return b"\n".join(draw(st.sampled_from((whole[:place], whole[place:]))))


blank_lines = st.sampled_from((b"", b"\r", b"  \t"))

portions = st.lists(st.integers(1, 600), max_size=8)
"""How many bytes arrive at a time; the last number repeats."""


def cuts(length: int) -> SearchStrategy[list[slice]]:
    """Ways to cut a list of this length into consecutive parts, in their order."""

    def slices(places: list[int]) -> list[slice]:
        return [slice(*pair) for pair in pairwise([0, *sorted(places), length])]

    return st.lists(st.integers(0, length), max_size=4).map(slices)


@st.composite
def logs(draw: st.DrawFn) -> bytes:
    """Records of all eras, printed ones and such in envelopes, with noise between."""
    found: list[bytes] = []
    for _ in range(draw(st.integers(3, 25))):
        kind = draw(st.integers(0, 9))
        one = draw(records)
        if kind == 0:
            found.append(draw(st.one_of(noise_lines, blank_lines, damaged_lines())))
        elif kind == 1:
            found += printed(one).split(b"\n")
        elif kind == 2:
            found += ENVELOPES[draw(st.sampled_from(sorted(ENVELOPES)))].wrap(line(one), Who())
        else:
            found.append(
                line(in_era(record(), draw(st.sampled_from(Era)))) if kind > 7 else line(one)
            )
    return b"\n".join(found) + draw(st.sampled_from([b"", b"\n"]))
