"""What Kubernetes and exports write around lines, written independently of the reader."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["ENVELOPES", "Envelope", "Who", "csv_row", "split"]


@dataclass(frozen=True)
class Who:
    """Whose line it is."""

    pod: str = "istio-ingressgateway-7d9c5d6f8-x2x4z"
    namespace: str = "istio-system"
    container: str = "istio-proxy"


_TIME = "2026-01-02T03:04:05.123456789"
_COLOR, _PLAIN = "\x1b[38;5;2m", "\x1b[0m"


def _kubectl_prefix(line: bytes, who: Who) -> list[bytes]:
    return [f"[pod/{who.pod}/{who.container}] ".encode() + line]


def _kubectl_timestamps(line: bytes, _: Who) -> list[bytes]:
    return [f"{_TIME}Z ".encode() + line]


def _kubectl_both(line: bytes, who: Who) -> list[bytes]:
    return _kubectl_prefix(f"{_TIME}+02:00 ".encode() + line, who)


def _stern(line: bytes, who: Who) -> list[bytes]:
    return [f"{who.pod} {who.container} ".encode() + line]


def _stern_all_namespaces(line: bytes, who: Who) -> list[bytes]:
    return [f"{who.namespace} {who.pod} {who.container} ".encode() + line]


def _stern_timestamps(line: bytes, who: Who) -> list[bytes]:
    return _stern(f"{_TIME}Z ".encode() + line, who)


def _stern_short_timestamps(line: bytes, who: Who) -> list[bytes]:
    return _stern(b"01-02 03:04:05 " + line, who)


def _stern_color(line: bytes, who: Who) -> list[bytes]:
    names = f"{_COLOR}{who.pod}{_PLAIN} {_COLOR}{who.container}{_PLAIN} "
    return [names.encode() + line]


def _stern_json(line: bytes, who: Who) -> list[bytes]:
    value = {
        "message": line.decode(), "nodeName": "node-1", "namespace": who.namespace,
        "podName": who.pod, "containerName": who.container,
    }  # fmt: skip
    # As Go writes it: without spaces, and with < and > escaped.
    text = json.dumps(value, separators=(",", ":")).replace("<", "\\u003c").replace(">", "\\u003e")
    return [text.encode()]


def _stern_extjson(line: bytes, who: Who) -> list[bytes]:
    head = f'{{"namespace": "{who.namespace}", "pod": "{who.pod}", '
    return [head.encode() + f'"container": "{who.container}", "message": '.encode() + line + b"}"]


def split(line: bytes, size: int) -> list[bytes]:
    """Return a line in parts of so many bytes."""
    return [line[place : place + size] for place in range(0, len(line), size)] or [b""]


def _cri(line: bytes, _: Who, size: int = 1 << 14) -> list[bytes]:
    *parts, last = split(line, size)
    time = f"{_TIME}+00:00 stdout".encode()
    return [*(time + b" P " + part for part in parts), time + b" F " + last]


def _cri_in_parts(line: bytes, who: Who) -> list[bytes]:
    return _cri(line, who, 100)


def _docker(line: bytes, _: Who) -> list[bytes]:
    parts = [part.decode() for part in split(line, 1 << 14)]
    parts[-1] += "\n"
    return [
        json.dumps(
            {"log": part, "stream": "stdout", "time": f"{_TIME}Z"}, separators=(",", ":")
        ).encode()
        for part in parts
    ]


def csv_row(cells: Sequence[bytes], **dialect: Any) -> list[bytes]:
    """Return the lines of a row as Python's own module writes it."""
    out = io.StringIO()
    # Bytes that are no UTF-8 stay what they are.
    texts = [cell.decode("utf-8", "surrogateescape") for cell in cells]
    csv.writer(out, lineterminator="", **dialect).writerow(texts)
    return out.getvalue().encode("utf-8", "surrogateescape").split(b"\n")


def _csv(line: bytes, who: Who) -> list[bytes]:
    return csv_row([b"2026-01-02 03:04:05.123", line, who.pod.encode()])


def _csv_first(line: bytes, who: Who) -> list[bytes]:
    return csv_row([line, who.pod.encode(), b'a "b", c', b""], delimiter=";")


def _csv_tabs(line: bytes, who: Who) -> list[bytes]:
    return csv_row([b"02/01/2026 03:04:05 AM", who.pod.encode(), line], delimiter="\t")


def _csv_all_quoted(line: bytes, who: Who) -> list[bytes]:
    return csv_row([b"{app=istio}", who.pod.encode(), line], quoting=csv.QUOTE_ALL)


def _csv_backslashes(line: bytes, who: Who) -> list[bytes]:
    dialect: dict[str, Any] = {"escapechar": "\\", "doublequote": False}
    return csv_row([who.pod.encode(), line, b"1"], quoting=csv.QUOTE_ALL, **dialect)


@dataclass(frozen=True)
class Envelope:
    """How lines are written, and what the reader must make of it.

    Attributes:
        wrap: A line, and whose it is, as lines of the log.
        kind: The kind under which it is counted.
        says: Which of pod, namespace and container it says.
        json_only: Whether it holds no other text as it is.
    """

    wrap: Callable[[bytes, Who], list[bytes]]
    kind: str
    says: tuple[str, ...] = ()
    json_only: bool = False


_NAMES = ("pod", "container")
_ALL_NAMES = ("pod", "namespace", "container")

ENVELOPES: dict[str, Envelope] = {
    "kubectl --prefix": Envelope(_kubectl_prefix, "kubectl", _NAMES),
    "kubectl --timestamps": Envelope(_kubectl_timestamps, "kubectl"),
    "kubectl --prefix --timestamps": Envelope(_kubectl_both, "kubectl", _NAMES),
    "stern": Envelope(_stern, "stern", _NAMES),
    "stern -A": Envelope(_stern_all_namespaces, "stern", _ALL_NAMES),
    "stern --timestamps": Envelope(_stern_timestamps, "stern", _NAMES),
    "stern --timestamps=short": Envelope(_stern_short_timestamps, "stern", _NAMES),
    "stern --color always": Envelope(_stern_color, "stern", _NAMES),
    "stern -o json": Envelope(_stern_json, "stern_json", _ALL_NAMES),
    "stern -o extjson": Envelope(_stern_extjson, "stern_json", _ALL_NAMES, json_only=True),
    "CRI": Envelope(_cri, "cri"),
    "CRI in parts": Envelope(_cri_in_parts, "cri"),
    "docker": Envelope(_docker, "docker"),
    "CSV": Envelope(_csv, "csv"),
    "CSV, first cell": Envelope(_csv_first, "csv"),
    "CSV with tabs": Envelope(_csv_tabs, "csv"),
    "CSV, all quoted": Envelope(_csv_all_quoted, "csv"),
    "CSV with backslashes": Envelope(_csv_backslashes, "csv"),
}
"""The envelopes by what writes them."""
