"""Records, lines and batches for tests: valid by default, read by the real reader."""

from __future__ import annotations

import io
from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import orjson

from envoylogs import schema
from envoylogs.envoy.roles import ROLES, ProxiesSeen
from envoylogs.keyed.batches import Batch, Decoded
from envoylogs.keyed.distinct_requests import RequestsSeen
from envoylogs.keyed.plan import ReadPlan
from envoylogs.keyed.selection import Selection
from envoylogs.reading.decoded_block import KEY, PLACE, DecodedBlock
from envoylogs.reading.fates import LineFates
from envoylogs.sources.blocks import blocks

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import polars as pl

Record = dict[str, Any]

EVERY_ROLE: Final = Selection(roles=ROLES)
"""All records, of whatever proxy."""

_MODERN: Final[Record] = {
    "authority": "shop.example.com",
    "bytes_received": 0,
    "bytes_sent": 1024,
    "connection_termination_details": None,
    "downstream_local_address": "192.0.2.10:8443",
    "downstream_remote_address": "192.0.2.200:40312",
    "duration": 12,
    "method": "GET",
    "path": "/cart",
    "protocol": "HTTP/2",
    "request_id": "6f867212-d7cf-4c68-9468-6fbc5f927335",
    "requested_server_name": "shop.example.com",
    "response_code": 200,
    "response_code_details": "via_upstream",
    "response_flags": "-",
    "route_name": None,
    "start_time": "2026-01-02T03:04:05.678Z",
    "upstream_cluster": "outbound|80||cart.shop.svc.cluster.local",
    "upstream_host": "192.0.2.33:8080",
    "upstream_local_address": "192.0.2.10:51234",
    "upstream_service_time": "11",
    "upstream_transport_failure_reason": None,
    "user_agent": "curl/8.5.0",
    "x_forwarded_for": "192.0.2.200",
}

GATEWAY_ANSWERED: Final[Record] = {
    "upstream_host": None,
    "upstream_local_address": None,
    "upstream_service_time": None,
}
"""Changes that make a record one which the gateway answered by itself, its cluster still chosen."""

NO_ROUTE: Final[Record] = {
    **GATEWAY_ANSWERED,
    "response_code": 404,
    "response_code_details": "route_not_found",
    "response_flags": "NR",
    "upstream_cluster": None,
}
"""Changes that make a record one of a request without a route, Istio 1.9 and later."""

CONNECTION: Final[Record] = {
    "authority": None,
    "method": None,
    "path": None,
    "protocol": None,
    "request_id": None,
    "response_code": 0,
    "response_code_details": None,
    "route_name": None,
    "upstream_service_time": None,
    "user_agent": None,
    "x_forwarded_for": None,
}
"""Changes that make a record one of a TCP connection."""


class Era(StrEnum):
    """A shape of Envoy's JSON records, by the Istio release that wrote it first."""

    V1_1 = "Istio 1.1"
    """21 keys, all strings, `-` for what is missing; no route name, no details."""
    V1_3 = "Istio 1.3"
    """23 keys, all strings, `-` for what is missing; no details."""
    V1_8 = "Istio 1.8"
    """22 keys, typed, null for what is missing; no details."""
    V1_9 = "Istio 1.9"
    """24 keys, typed, null for what is missing."""
    V1_22 = "Istio 1.22"
    """24 keys, sorted, every number a float."""
    DRESSED_TEXT = "TEXT dressed as JSON"
    """24 keys, all strings, `-` for what is missing."""
    SPARSE = "omitEmptyValues"
    """Typed, without the keys that hold nothing."""
    ENVOY_GATEWAY = "Envoy Gateway"
    """Typed, some keys named after headers."""


_DETAILS: Final = ("response_code_details", "connection_termination_details")
_NUMBERS: Final = ("response_code", "bytes_received", "bytes_sent", "duration")
_NOT_LOGGED: Final[dict[Era, Sequence[str]]] = {
    Era.V1_1: (*_DETAILS, "route_name", "upstream_transport_failure_reason"),
    Era.V1_3: _DETAILS,
    Era.V1_8: _DETAILS,
}
_RENAMED: Final = {
    "authority": ":authority",
    "path": "x-envoy-origin-path",
    "request_id": "x-request-id",
    "upstream_service_time": "x-envoy-upstream-service-time",
    "user_agent": "user-agent",
    "x_forwarded_for": "x-forwarded-for",
}


def record(**changes: object) -> Record:
    """Return a valid record of Istio 1.9 and later; a change to `...` removes the key."""
    return {k: v for k, v in {**_MODERN, **changes}.items() if v is not ...}


def connection(**changes: object) -> Record:
    """Return a valid record of a TCP connection that was passed on."""
    return record(**{**CONNECTION, **changes})


def in_era(modern: Mapping[str, Any], era: Era) -> Record:
    """Return a modern record as another era logs it."""
    logged = {k: v for k, v in modern.items() if k not in _NOT_LOGGED.get(era, ())}
    if era in {Era.V1_1, Era.V1_3}:
        logged["istio_policy_status"] = None
    if era in {Era.V1_1, Era.V1_3, Era.DRESSED_TEXT}:
        return {k: "-" if v is None else str(v) for k, v in logged.items()}
    if era is Era.V1_22:
        floats = {k: float(v) for k, v in logged.items() if k in _NUMBERS and v is not None}
        return dict(sorted({**logged, **floats}.items()))
    if era is Era.SPARSE:
        return {k: v for k, v in logged.items() if v not in {None, "-", ""}}
    if era is Era.ENVOY_GATEWAY:
        return {_RENAMED.get(k, k): v for k, v in logged.items()}
    return logged


def line(found: Mapping[str, Any]) -> bytes:
    """Return a record as one line, without the line end."""
    return orjson.dumps(found)


def printed(found: Mapping[str, Any], newline: bytes = b"\n") -> bytes:
    """Return a record as `jq` prints it, without the last line end."""
    return orjson.dumps(found, option=orjson.OPT_INDENT_2).replace(b"\n", newline)


def lines(*records: Mapping[str, Any]) -> bytes:
    """Return records one a line, each with its line end."""
    return b"".join(line(found) + b"\n" for found in records)


class Pipe(io.BytesIO):
    """Bytes that arrive in portions, as from a pipe; the last portion repeats."""

    def __init__(self, data: bytes, portions: Sequence[int] = ()) -> None:
        super().__init__(data)
        self._portions = iter(portions)
        self._portion: int | None = None

    def read1(self, size: int | None = -1, /) -> bytes:
        """Return the next portion, or as much of it as is asked for."""
        self._portion = next(self._portions, self._portion)
        asked = len(self.getbuffer()) if size is None or size < 0 else size
        return super().read1(asked if self._portion is None else min(asked, self._portion))


def plain(block: DecodedBlock) -> pl.DataFrame:
    """Return decoded records in plain columns."""
    rows = block.rows.hstack(block.keys[block.rows[KEY]]).drop(KEY)
    return rows.drop(PLACE, strict=False)


def reading(
    data: bytes,
    *,
    columns: Collection[str] = tuple(schema.NORMALIZED),
    portions: Sequence[int] = (),
    name: str = "test.log",
    keep_text: bool = False,
) -> Batch:
    """Read bytes as one source and return all of it, of any role, as one batch.

    They are read by whichever decoder the run is with.
    """
    fates, plan = LineFates(), ReadPlan(columns, EVERY_ROLE, text=keep_text)
    decoder = plan.decoder()
    records, reader = plan.collector(decoder), plan.reader_at(name, 1, decoder)
    for item in blocks(Pipe(data, portions)):
        records.extend(name, reader.read(item, fates))
    records.extend(name, reader.finish(fates))
    block = records.decoded(fates) if len(records) else None
    return Decoded(block, plan, fates, ProxiesSeen(), RequestsSeen()).normalized()


def batch_of(
    *records: Mapping[str, Any], columns: Collection[str] = tuple(schema.NORMALIZED)
) -> Batch:
    """Return records as a batch, through the real reader."""
    return reading(lines(*records), columns=columns)


def frame_of(
    *records: Mapping[str, Any], columns: Collection[str] = tuple(schema.NORMALIZED)
) -> pl.DataFrame:
    """Return records as a normalized frame, through the real reader."""
    return frame(batch_of(*records, columns=columns))


def frame(batch: Batch) -> pl.DataFrame:
    """Return the frame of a batch that must have one."""
    assert batch.frame is not None, "no record was read"
    return batch.frame


def normalized(found: Mapping[str, Any]) -> Record:
    """Return one record as a row of normalized values."""
    row: Record = frame_of(found).row(0, named=True)
    return row


def outcome_of(found: Mapping[str, Any]) -> str:
    """Return the outcome of one record."""
    return str(normalized(found)["outcome"])


def counts(fates: LineFates) -> dict[str, int]:
    """Return how many lines (or bytes, or records) met each fate, of all sources."""
    of_fate: Counter[str] = Counter()
    for (_, fate, _), n in fates.counts.items():
        of_fate[fate] += n
    beside = {"column_seen", "key_other", "key_unused", "role", "role_left_out"}
    return {k: n for k, n in of_fate.items() if k not in beside}


def reasons(fates: LineFates) -> dict[str, int]:
    """Return how many lines are malformed, by reason."""
    return {reason: n for (_, fate, reason), n in fates.counts.items() if fate == "malformed"}


def enveloped(fates: LineFates) -> dict[str, int]:
    """Return how many lines stood in an envelope, by kind."""
    return {kind: n for (_, fate, kind), n in fates.counts.items() if fate == "enveloped"}


def repaired(fates: LineFates) -> dict[str, int]:
    """Return how many records were repaired, by kind."""
    return {kind: n for (_, fate, kind), n in fates.counts.items() if fate == "repaired"}


def unreadable(fates: LineFates) -> dict[str, int]:
    """Return how many values could not be read as the type of their column, by column."""
    return {column: n for (_, fate, column), n in fates.counts.items() if fate == "unreadable"}


def accounted(fates: LineFates) -> bool:
    """Tell whether record lines, blank, other and malformed lines add up to the lines."""
    n = counts(fates)
    parts = (n.get(fate, 0) for fate in ("record_lines", "blank", "other", "malformed"))
    return sum(parts) == n.get("lines", 0)
