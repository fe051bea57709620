"""Small logs made by hand, written as Istio 1.28 writes them and read by the real reader."""

from __future__ import annotations

import io
import json
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, BinaryIO

from hypothesis import settings
from tests.builders import EVERY_ROLE

from envoylogs import schema
from envoylogs.keyed.batches import Batch
from envoylogs.keyed.decoding import batches
from envoylogs.pipeline import tally_sources
from envoylogs.sources.source import Source
from envoylogs.summary.summary import Summary, summarize
from envoylogs.tally.spec import DEFAULT_SPEC, TallySpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from envoylogs.tally.tally import Tally

Record = dict[str, Any]

START = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
HOST = "shop.example.com"
CLUSTER = "outbound|80||shop.shop.svc.cluster.local"


@dataclass(frozen=True, slots=True)
class MemorySource(Source):
    """A source whose bytes are in memory, handed out in pieces of some sizes."""

    data: bytes = b""
    piece: int | None = None

    @contextmanager
    def open_raw(self) -> Iterator[BinaryIO]:
        """Open the bytes."""
        yield _Pieces(self.data, self.piece)


class _Pieces(io.BytesIO):
    """Bytes of which at most so many are read at a time, as from a pipe."""

    def __init__(self, data: bytes, piece: int | None) -> None:
        super().__init__(data)
        self._piece = piece

    def read1(self, size: int | None = -1, /) -> bytes:
        return super().read1(size if self._piece is None else self._piece)


def at(seconds: float) -> str:
    """Return a time of the log as Envoy writes it."""
    moment = START + timedelta(seconds=seconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def us(seconds: float) -> int:
    """Return a time of the log as tallies keep it."""
    moment = START + timedelta(seconds=seconds)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def served(seconds: float | None = 0.0, **changes: Any) -> Record:
    """Return a request that the upstream answered with 200."""
    return {
        "start_time": None if seconds is None else at(seconds),
        "authority": HOST,
        "bytes_received": 3,
        "bytes_sent": 70,
        "connection_termination_details": None,
        "downstream_local_address": "10.8.0.6:8443",
        "downstream_remote_address": "192.0.2.1:40001",
        "duration": 12,
        "method": "GET",
        "path": "/",
        "protocol": "HTTP/2",
        "request_id": "5b1c7d7e-1f0a-4a55-9a35-0f8f3f6c1a01",
        "requested_server_name": None,
        "response_code": 200,
        "response_code_details": "via_upstream",
        "response_flags": "-",
        "route_name": "pages",
        "upstream_cluster": CLUSTER,
        "upstream_host": "10.8.1.2:8080",
        "upstream_local_address": None,
        "upstream_service_time": "11",
        "upstream_transport_failure_reason": None,
        "user_agent": "curl/8.5.0",
        "x_forwarded_for": "192.0.2.1",
    } | changes


def unrouted(seconds: float | None = 0.0, **changes: Any) -> Record:
    """Return a request that the gateway had no route for (Istio 1.8 and later)."""
    nothing = dict.fromkeys(
        ("route_name", "upstream_cluster", "upstream_host", "upstream_service_time")
    )
    return served(
        seconds,
        **nothing
        | {
            "bytes_sent": 0,
            "duration": 0,
            "response_code": 404,
            "response_code_details": "route_not_found",
            "response_flags": "NR",
        }
        | changes,
    )


def failed(seconds: float | None, code: int, flags: str, details: str, **changes: Any) -> Record:
    """Return a request that the gateway answered by itself, for a cluster."""
    return served(
        seconds,
        **{
            "response_code": code,
            "response_code_details": details,
            "response_flags": flags,
            "upstream_service_time": None,
        }
        | changes,
    )


def reset(seconds: float | None = 0.0, **changes: Any) -> Record:
    """Return a request whose upstream closed the connection before it answered."""
    details = "upstream_reset_before_response_started{connection_termination}"
    return failed(seconds, 503, "UC", details, **changes)


def refused(seconds: float | None = 0.0, **changes: Any) -> Record:
    """Return a request for whose upstream there was no connection."""
    details = "upstream_reset_before_response_started{remote_connection_failure}"
    return failed(seconds, 503, "UF,URX", details, **changes)


def connection(seconds: float | None = 0.0, **changes: Any) -> Record:
    """Return a TCP connection that was passed on."""
    http = ("authority", "method", "path", "protocol", "response_code_details", "route_name",
            "upstream_service_time", "user_agent", "x_forwarded_for")  # fmt: skip
    return served(
        seconds,
        **dict.fromkeys(http)
        | {
            "response_code": 0,
            "requested_server_name": "db.example.com",
            "upstream_cluster": "outbound|5432||db.data.svc.cluster.local",
        }
        | changes,
    )


def failed_connection(seconds: float | None = 0.0, **changes: Any) -> Record:
    """Return a TCP connection that could not be passed on."""
    flags = {"response_flags": "UF,URX", "bytes_sent": 0, "bytes_received": 0}
    return connection(seconds, **flags | changes)


def refused_connection(seconds: float | None = 0.0, **changes: Any) -> Record:
    """Return a TLS connection whose server name no filter chain accepts."""
    return connection(
        seconds,
        **{
            "response_flags": "NR",
            "response_code_details": "filter_chain_not_found",
            "upstream_cluster": None,
            "upstream_host": None,
        }
        | changes,
    )


def without(records: Iterable[Record], *keys: str) -> list[Record]:
    """Return records that lack some keys."""
    return [{k: v for k, v in record.items() if k not in keys} for record in records]


HOSTILE_TEXTS = (
    '"><script>alert(1)</script>',
    "\x1b[31m\x00\n\r\t",
    "{id}",
    "a" * 600,
    "é\u202e\U0001f600",
    "=1+1",
    "?#=&",
    "[::1]:8080",
    ":80",
    "//../%00",
)


def rare_records() -> Iterator[Record]:
    """Yield records that are rare, broken or meant to do harm."""
    for make in (served, unrouted, reset, refused, connection, refused_connection):
        yield make(0.0)
        yield make(0.0)
        yield make(None)
        yield make(1.5, authority=None)
        yield make(2.0, downstream_local_address=None, downstream_remote_address=None)
        for year in (1901, 1969, 1970, 2026, 2031, 2199):
            yield make(start_time=f"{year}-02-03T04:05:06.789Z")
        for text in HOSTILE_TEXTS:
            yield make(3.0, authority=text, path=text, method=text, requested_server_name=text,
                       route_name=text, upstream_host=text, downstream_remote_address=text,
                       request_id=text, response_code_details=text)  # fmt: skip
        yield from without([make(4.0)], "start_time", "authority", "duration", "response_flags")
        yield make(5.0, duration=-7, upstream_service_time="-9", bytes_sent=None)
        yield make(6.0, response_code=None)
        yield make(6.0, response_code=-1, duration=0.5, upstream_service_time="soon")
        for client in range(6):
            yield make(7.0 + client, downstream_remote_address=f"[2001:db8::{client}]:443")
        for number in range(12):
            yield make(number * 3600.0, authority=f"tenant-{number}.example.org")
        yield make(8.0, response_code=101)
        yield make(9.0, upstream_cluster="agent")


def text_of(records: Iterable[Record]) -> bytes:
    """Return records as JSON lines."""
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def source_of(data: bytes, name: str = "gateway.log", *, piece: int | None = None) -> MemorySource:
    """Return bytes as a source."""
    return MemorySource(name, None, data=data, piece=piece)


def batch_of(records: Iterable[Record], name: str = "gateway.log") -> Batch:
    """Return records as one batch."""
    sources = [source_of(text_of(records), name)]
    (batch,) = batches(sources, columns=schema.TALLIED, selection=EVERY_ROLE)
    return batch


def tally_of(records: Iterable[Record], *, spec: TallySpec = DEFAULT_SPEC) -> Tally:
    """Return the tally of a log that holds these records."""
    return tally_sources([source_of(text_of(records))], spec=spec)


def summary_of(records: Iterable[Record]) -> Summary:
    """Return the summary of a log that holds these records."""
    return summarize(tally_of(records))


def fewer_examples(divisor: int) -> settings:
    """Return settings for a property test whose examples are dear, in proportion to the profile."""
    return settings(max_examples=max(10, settings().max_examples // divisor))
