"""Logs with odd values and damaged lines, held against a plain loop over their records.

Each log has records of several hosts. Of some, values are changed: other types, extremes,
escapes, white space, other orders of keys; they stay JSON, so that a plain loop knows what they
say. The lines of one more host are damaged byte by byte: what becomes of them is not said
here, but no other record may be lost or changed by them, and no line may be unaccounted for.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from benchmarks.in_memory import InMemory
from envoylogs.pipeline import tally_sources
from envoylogs.summary.summary import summarize

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envoylogs.summary.summary import Summary

_HOSTS = ("shop.example.com", "api.example.com", "img.example.com", "old.example.com")
_VICTIM = "victim.example.com"
_LARGEST = 2**53
_YEAR_MS = 366 * 86_400_000

_BASE: dict[str, Any] = {
    "start_time": "2026-11-01T12:00:00.000Z", "method": "GET", "path": "/cart", "duration": 12,
    "protocol": "HTTP/1.1", "response_flags": "-", "response_code_details": "via_upstream",
    "upstream_cluster": "outbound|80||shop.shop.svc.cluster.local", "upstream_host": "10.0.0.1:80",
    "upstream_service_time": "11", "route_name": "shop", "user_agent": "curl/8.5.0",
    "downstream_local_address": "10.1.0.1:8443", "downstream_remote_address": "192.0.2.7:4711",
    "request_id": "6f867212-d7cf-4c68-9468-6fbc5f927335",
}  # fmt: skip
_CODES: tuple[object, ...] = (
    200, "200", 200.0, "200.0", 404, 503, "503", 0, None, "-", "", 999, 1000, -1, "x", 2**70,
    True, [],
)  # fmt: skip
_BYTES: tuple[object, ...] = (
    0, 1, "1", 1.0, 17.5, _LARGEST, _LARGEST + 1, str(_LARGEST), float(2**40), 2**63 - 1, 2**63,
    1e300, -1, None, "-", "", "0x10", " 7", "7 ", "1e3", {"a": 1}, [1], False,
    float("inf"), float("-inf"), float("nan"), 10**400,
)  # fmt: skip
_DURATIONS: tuple[object, ...] = (
    0, 3, "3", 3.0, _YEAR_MS, _YEAR_MS + 1, 2**53, 10**30, None, "-", "12ms", [], -4,
    float("nan"), float("inf"), -(10**309),
)  # fmt: skip
_TEXTS = (
    "/", "/ü/雪", "/\\", '/"', "/\u0000", "/\ud7ff", "/" + "x" * 5000, "/{", "/}",
    "/\n", "/ ", "/\u2028", "/\ud800", "\udfff\\",
)  # fmt: skip
_MOST_LINES = 400


@dataclass(frozen=True, slots=True)
class Counts:
    """What a log says of hosts whose lines were not damaged.

    Attributes:
        requests: By host and code; null for none that can be read.
        bytes_sent: By host.
        unreadable: By key, how many values are none of their type; of a log, at least.
    """

    requests: Counter[tuple[str, int | None]]
    bytes_sent: Counter[str]
    unreadable: Counter[str]


@dataclass(frozen=True, slots=True)
class Mutated:
    """A log, and what a plain loop counts of it."""

    text: bytes
    lines: int
    counts: Counts


def mutated(seed: int) -> Mutated:
    """Return a log, the same for the same seed."""
    random = Random(seed)
    records: list[dict[str, Any]] = []
    written: list[bytes] = []
    for _ in range(random.randrange(1, _MOST_LINES)):
        if random.random() < 0.2:  # noqa: PLR2004
            written.append(_damaged(random))
            continue
        record = _record(random)
        records.append(record)
        written.append(_written(record, random))
    text = b"".join(line + random.choice((b"\n", b"\n", b"\n", b"\r\n")) for line in written)
    return Mutated(text, text.count(b"\n"), _counts(records))


def differences(log: Mutated) -> list[str]:
    """Return in words where the program says something else than the plain loop."""
    try:
        summary = summarize(tally_sources([InMemory("gateway.log", None, data=log.text)]))
        found = _found(summary)
    except BaseException as error:  # noqa: BLE001  # a panic of Polars is no Exception
        return [f"{type(error).__name__}: {error}"]
    said = [
        f"unreadable {key}: {found.unreadable[key]} and at least {records}"
        for key, records in log.counts.unreadable.items()
        # Those of the victim are among them.
        if found.unreadable[key] < records
    ]
    for name in ("requests", "bytes_sent"):
        ours, theirs = getattr(found, name), getattr(log.counts, name)
        said += [
            f"{name} of {key}: {ours[key]} and not {theirs[key]}"
            for key in {*ours, *theirs}
            if ours[key] != theirs[key]
        ]
    lines = summary.accounts.lines
    return said if lines == log.lines else [*said, f"lines: {lines} and not {log.lines}"]


def _record(random: Random) -> dict[str, Any]:
    record = {**_BASE, "authority": random.choice(_HOSTS), "response_code": 200, "bytes_sent": 5}
    for key, values in (("response_code", _CODES), ("bytes_sent", _BYTES), ("duration", _DURATIONS),
                        ("path", _TEXTS), ("user_agent", _TEXTS)):  # fmt: skip
        if random.random() < 0.4:  # noqa: PLR2004
            record[key] = random.choice(values)
    for key in random.sample([*_BASE], random.randrange(3)):
        if key not in ("response_code_details", "response_flags"):
            record.pop(key, None)
    if random.random() < 0.2:  # noqa: PLR2004
        record[f"other_{random.randrange(50)}"] = random.choice((1, "x", None, [1, {"a": 2}], {}))
    keys = [*record]
    if random.random() < 0.3:  # noqa: PLR2004
        random.shuffle(keys)
    return {key: record[key] for key in keys}


def _written(record: dict[str, Any], random: Random) -> bytes:
    separators = random.choice(((",", ":"), (", ", ": "), (" ,  ", "\t:")))
    ascii_only = random.random() < 0.5 or not _is_text(record)  # noqa: PLR2004
    text = json.dumps(record, ensure_ascii=ascii_only, separators=separators)
    # What Python writes of a number that is too large for a float is its name.
    text = text.replace("Infinity", random.choice(("Infinity", "1e400", "9e9999")))
    return random.choice(("", "", "", "  ")).encode() + text.encode()


def _is_text(record: dict[str, Any]) -> bool:
    """Tell whether all values can be written without escapes: none has half a character."""
    try:
        "".join(value for value in record.values() if isinstance(value, str)).encode()
    except UnicodeEncodeError:
        return False
    return True


def _damaged(random: Random) -> bytes:
    """Return a line of the victim of which bytes were changed, and which is one line still."""
    record = {**_record(random), "authority": _VICTIM}
    line = bytearray(_written(record, random).strip())
    for _ in range(random.randrange(1, 6)):
        place = random.randrange(len(line))
        way = random.randrange(4)
        if way == 0:
            line[place] = random.randrange(256)
        elif way == 1:
            del line[place : place + random.randrange(1, 20)]
        elif way == 2:  # noqa: PLR2004
            line[place:place] = bytes(random.randrange(256) for _ in range(random.randrange(1, 9)))
        else:
            line[place : place + 1] = line[place : place + 30] * 2
    # What was cut may go on in the next line, which would then be a part of this record.
    return (bytes(line) or b"x").replace(b"\n", b"?").replace(b"\r", b"?").rstrip(b"{[,:\\") + b"}"


def _counts(records: Iterable[dict[str, Any]]) -> Counts:
    requests: Counter[tuple[str, int | None]] = Counter()
    sent: Counter[str] = Counter()
    unreadable: Counter[str] = Counter()
    for record in records:
        host = record["authority"]
        code = _number(record, "response_code", 0, 999, unreadable)
        requests[host, code] += 1
        sent[host] += _number(record, "bytes_sent", 0, _LARGEST, unreadable) or 0
        _number(record, "duration", -_YEAR_MS, _YEAR_MS, unreadable)
    return Counts(requests, sent, unreadable)


def _number(
    record: dict[str, Any], key: str, least: int, most: int, unreadable: Counter[str]
) -> int | None:
    """Return a whole number as a person reads it, null without one."""
    value = record.get(key)
    if value in (None, "-", ""):
        return None
    number = None
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            number = int(value) if str(value).strip() == str(value) else None
            number = None if isinstance(value, float) and value != number else number
        except (ValueError, OverflowError):
            number = _of_float(str(value))
    if number is None or not least <= number <= most:
        unreadable[key] += 1
        return None
    return number


def _of_float(text: str) -> int | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return int(found) if found.is_integer() else None


def _found(summary: Summary) -> Counts:
    requests: Counter[tuple[str, int | None]] = Counter()
    sent: Counter[str] = Counter()
    frame = summary.judged.tally.traffic.frame
    for host, code, records, size in frame.select(
        "authority", "response_code", "requests", "bytes_sent"
    ).iter_rows():
        if host in _HOSTS:
            requests[host, code] += records
            sent[host] += size
    logged = {"duration_ms": "duration"}
    unreadable = {
        logged.get(column, column): records
        for column, records in summary.accounts.unreadable.items()
    }
    return Counts(requests, sent, Counter(unreadable))
