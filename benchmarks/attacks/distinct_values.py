"""Logs in which one key has another value in each record: memory and time must stay bounded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

VALUES = 1_000_000
"""How many values the published figures are of."""

_RECORD: dict[str, Any] = {
    "start_time": "2026-11-01T00:00:00.000Z", "authority": "a.example.com", "method": "GET",
    "path": "/x", "protocol": "HTTP/1.1", "response_code": 200, "response_flags": "-",
    "response_code_details": "via_upstream", "connection_termination_details": None,
    "upstream_transport_failure_reason": None, "bytes_received": 1, "bytes_sent": 2, "duration": 3,
    "upstream_service_time": "1", "x_forwarded_for": "192.0.2.1", "user_agent": "u",
    "request_id": "i", "upstream_host": "10.0.0.1:80", "route_name": "r",
    "upstream_cluster": "outbound|80|v1|s.d.svc.cluster.local", "upstream_local_address": None,
    "downstream_local_address": "10.1.1.1:8443", "downstream_remote_address": "192.0.2.1:1",
    "requested_server_name": "a.example.com",
}  # fmt: skip
_NOT_ROUTED = {
    "response_code": 404, "response_code_details": "route_not_found", "response_flags": "NR",
    "upstream_cluster": None, "upstream_host": None, "upstream_service_time": None,
    "route_name": None,
}  # fmt: skip


def _address(number: int) -> str:
    return f"{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}.{number >> 24}"


_VALUES: dict[str, Callable[[int], object]] = {
    "authority": "h{}.example.com".format,
    "path": "/p{}/y/z".format,
    "user_agent": "agent {}".format,
    "x_forwarded_for": _address,
    "requested_server_name": "s{}.example.net".format,
    "method": "M{}".format,
    "protocol": "P{}".format,
    "upstream_cluster": "outbound|80||s{}.d.svc.cluster.local".format,
    "response_flags": "F{}".format,
    "response_code_details": "details_{}".format,
    "request_id": "r{}".format,
    "downstream_remote_address": lambda number: f"{_address(number)}:{number % 60_000 + 1}",
    "downstream_local_address": lambda number: f"{_address(number)}:8443",
    "upstream_host": lambda number: f"{_address(number)}:80",
    "route_name": "r{}".format,
    "upstream_transport_failure_reason": "reason_{}".format,
    "connection_termination_details": "ended_{}".format,
    "response_code": lambda number: number,
    "duration": lambda number: number,
    "upstream_service_time": str,
    "bytes_sent": lambda number: number,
    "start_time": lambda number: (
        f"{1900 + number % 300}-{1 + number // 300 % 12:02}-{1 + number // 3600 % 28:02}"
        f"T{number % 24:02}:{number // 24 % 60:02}:{number // 1440 % 60:02}.{number % 1000:03}Z"
    ),
    "pod_name": "gateway-{}".format,
}
KEYS = (*_VALUES, "another key")
"""What may have another value in each record; the last is another key in each."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What reading such a log took.

    Attributes:
        seconds: Of time.
        peak_mb: Of memory, of the whole process.
        exit_code: 0 if it came to its end.
        records: So many it counted.
        json_mb: How long its answer is.
    """

    seconds: float
    peak_mb: float
    exit_code: int
    records: int
    json_mb: float


def lines(key: str, values: int, *, routed: bool) -> Iterator[bytes]:
    """Yield the lines of a log.

    Args:
        key: Of ``KEYS``.
        values: How many lines, each with a value of its own.
        routed: Whether the gateway passed the requests on.
    """
    record = _RECORD if routed else {**_RECORD, **_NOT_ROUTED}
    value_of = _VALUES.get(key)
    for number in range(values):
        if value_of is None:
            yield json.dumps({f"key{number}": number, **record}).encode() + b"\n"
        else:
            yield json.dumps({**record, key: value_of(number)}).encode() + b"\n"


def cost_of(key: str, folder: Path, *, values: int = VALUES, routed: bool = True) -> Cost:
    """Return what the command takes for such a log, which is written to a folder and removed."""
    log, answer = folder / "distinct.log", folder / "answer.json"
    with log.open("wb") as file:
        file.writelines(lines(key, values, routed=routed))
    start = time.monotonic()
    command = [sys.executable, "-m", "envoylogs", "summarize", str(log), "--format", "json"]
    with answer.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
        # Popen's own waiting does not tell the memory.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - start
    log.unlink()
    size = answer.stat().st_size
    found = json.loads(answer.read_bytes() or "{}")
    return Cost(
        seconds,
        usage.ru_maxrss / 1024,
        process.returncode,
        found["accounts"]["records"] if found else 0,
        size / 1e6,
    )
