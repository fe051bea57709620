"""What Kubernetes and exports put around the lines of a container, taken off line by line.

``kubectl logs`` writes a prefix, a time or both; ``stern`` writes pod and
container; a container runtime's own files hold a time, a stream and parts of
long lines (CRI), or an object a line (docker). One file may mix them all.
Formats: ``kubectl`` (``pkg/cmd/logs``), ``stern`` (``cmd/cmd.go``), the CRI
logging format of Kubernetes, docker's ``jsonfilelog``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import orjson

from envoylogs.envoy.field_keys import DEFAULT_KEYS
from envoylogs.reading.csv_rows import CsvColumns, CsvRows, record_in_row
from envoylogs.reading.payloads import NOBODY, Origin, Payloads, origin_of_file
from envoylogs.sources.blocks import MAX_LINE_BYTES

if TYPE_CHECKING:
    from collections.abc import Collection

    from envoylogs.envoy.field_keys import FieldKeys
    from envoylogs.reading.fates import LineFates

__all__ = ["ENVELOPES", "Envelopes"]

ENVELOPES: dict[str, str] = {
    "cri": "a file of a container runtime (CRI)",
    "csv": "a row of a CSV export, with the record in a quoted cell or a column for each key",
    "docker": "docker's json-file",
    "kubectl": "kubectl logs with --prefix, --timestamps or both",
    "stern": "stern, default output",
    "stern_json": "stern -o json or extjson",
    "unknown_prefix": "text in front of a record",
}
"""The kinds of envelopes, in words."""


class _Unwrapped(NamedTuple):
    """One line without its envelope; ``stream`` and ``ends`` matter where lines have parts."""

    kind: str
    payload: bytes
    origin: Origin
    stream: bytes = b""
    ends: bool = True


@dataclass(slots=True)
class _Parts:
    """A line of which parts have come and the end has not."""

    number: int
    payloads: list[bytes] = field(default_factory=list)
    originals: list[bytes] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    size: int = 0
    n: int = 0


_TIME = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)"
_NAME = rb"[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?"
_PREFIX = re.compile(
    rb"(?:\[pod/(?P<pod>" + _NAME + rb")/(?P<container>" + _NAME + rb")\] )?"
    rb"(?P<time>" + _TIME + rb"(?: |$))?"
    rb"(?:(?<= )(?P<stream>stdout|stderr) (?P<tag>[FP])(?::[^ ]*)?(?: |$))?"
)
_STERN = re.compile(
    rb"(?:(?P<namespace>" + _NAME + rb") )?(?P<pod>" + _NAME + rb") (?P<container>" + _NAME + rb") "
    rb"(?:" + _TIME + rb" |\d\d-\d\d \d\d:\d\d:\d\d )?"
    rb'(?=\{\s*"|\[20\d\d-)'
)
_STERN_EXTJSON = re.compile(
    rb'\{(?:"namespace": "(?P<namespace>[^"]*)", )?"pod": "(?P<pod>[^"]*)", '
    rb'"container": "(?P<container>[^"]*)", "message": (?P<message>.*)\}\s*\Z'
)
_TIME_IN_FRONT = re.compile(rb"(?:" + _TIME + rb"|\d\d-\d\d \d\d:\d\d:\d\d) ")
_ESCAPES = re.compile(rb"\x1b\[[0-9;]*m")
_TEXT_BEHIND = re.compile(rb'\[20\d\d-[^\s\]]{1,40}Z\] "')

# What a record, a blank line or a line of a printed object begins with.
_BARE = frozenset({b"{", b" ", b"\t", b"}", b'"', b"]", b"", b"\r"})
# With a time alone in front of it, this is what can't be another program's line.
_AFTER_TIME = frozenset({b"{", b"[", b" ", b"\t", b"}", b'"', b"]", b"", b"\r"})
_WRAPPING_OBJECTS = frozenset({b'{"log":', b'{"messa', b'{"pod":', b'{"names'})
_LOOKED_AT = 7
_DOCKER_PART_BYTES = 16 * 1024


class Envelopes:
    """Takes the envelopes off the lines of one source, in their order.

    Args:
        source: The name of the source; a runtime's file is named after its container.
        keys: Which keys make a record of a row.
    """

    def __init__(self, source: str, keys: FieldKeys = DEFAULT_KEYS) -> None:
        self._source = source
        self._of_file = origin_of_file(source)
        self._origins: dict[tuple[bytes | None, ...], Origin] = {(None, None, None): NOBODY}
        self._waiting: dict[tuple[str, Origin, bytes], _Parts] = {}
        self._rows = CsvRows()
        self._columns = CsvColumns(keys)

    def unwrapped(
        self, lines: list[bytes], first: int, fates: LineFates, bare: Collection[int] = ()
    ) -> Payloads:
        """Return the lines of a block without their envelopes.

        Args:
            lines: As they stand in the source.
            first: The number of the first of them.
            bare: Numbers of lines that are known to have none.
            fates: Where envelopes are counted, by kind, and lines that are too
                long when their parts are joined.
        """
        # Told from the few ways in which lines begin, so that a log without envelopes pays 1 %.
        heads = {line[:_LOOKED_AT] for line in lines}
        if first == 1 and lines[0]:
            self._columns.begin(lines[0])
        is_open = self._rows.is_open or self._columns.is_open
        if not (is_open or any(map(_may_be_wrapped, heads))):
            return Payloads(lines, list(range(first, first + len(lines))), are_bare=True)
        found = Payloads([], [])
        kinds: dict[str, int] = {}
        for number, line, others in self._rows.joined(lines, first, bare):
            if others:
                found.parts[number] = 1 + len(others)
                found.part_numbers[number] = [number, *others]
            inside = None if number in bare else self._inside(line)
            if inside is not None and inside.kind == "csv":
                kinds["csv"] = kinds.get("csv", 0) + 1 + len(others)
                inside = self._inside(inside.payload) or inside
            if inside is None:
                found.lines.append(line)
                found.numbers.append(number)
                continue
            kind, payload, origin, stream, ends = inside
            kinds[kind] = kinds.get(kind, 0) + (kind != "csv")
            if not ends or (self._waiting and (kind, origin, stream) in self._waiting):
                self._join(number, line, inside, found, fates)
                continue
            found.lines.append(payload)
            found.numbers.append(number)
            found.originals[number] = line
            if origin is not NOBODY:
                found.origins[number] = origin
        for kind, n in kinds.items():
            fates.add(self._source, "enveloped", n, kind)
        return found

    @property
    def waiting(self) -> set[int] | None:
        """Numbers of the lines whose end has not come; null if some were too long to be kept."""
        waiting = self._waiting.values()
        if any(parts.n > len(parts.numbers) for parts in waiting):
            return None
        return self._rows.waiting | {number for parts in waiting for number in parts.numbers}

    def finish(self, fates: LineFates) -> Payloads:
        """Return the lines of which the last part never came."""
        rest = self._rows.finish()
        found = Payloads([line for _, line in rest], [number for number, _ in rest])
        for of_line in list(self._waiting):
            self._complete(of_line, found, fates)
        return found

    def _inside(self, line: bytes) -> _Unwrapped | None:
        """Return a line without its envelope; None if it has none."""
        head = line[:1]
        if self._columns.is_open:
            record = self._columns.record_in(line)
            return None if record is None else _Unwrapped("csv", record, NOBODY)
        if head == b"{":
            return self._of_object(line) if line[:_LOOKED_AT] in _WRAPPING_OBJECTS else None
        if head == b'"':
            return _of_row(line)
        if line[:2] == b"[2" or head in _BARE:
            return None if line.lstrip()[:1] in _BARE else self._behind_anything(line)
        if head == b"\x1b":
            line = _ESCAPES.sub(b"", line)
        found = self._of_prefix(line) or self._of_stern(line) or _of_row(line)
        return found or self._behind_anything(line)

    def _of_prefix(self, line: bytes) -> _Unwrapped | None:
        """Read a line of ``kubectl logs`` or of a runtime's file."""
        match = _PREFIX.match(line)
        if match is None or not match.end():
            return None
        pod, container, _, stream, tag = match.groups()
        payload = line[match.end() :]
        if stream is not None and match["time"] is not None:
            origin = self._origin(pod, None, container) if pod is not None else self._of_file
            return _Unwrapped("cri", payload, origin, stream, tag == b"F")
        if pod is None and payload[:1] not in _AFTER_TIME:
            return None
        return _Unwrapped("kubectl", payload, self._origin(pod, None, container))

    def _of_stern(self, line: bytes) -> _Unwrapped | None:
        match = _STERN.match(line)
        if match is None:
            return None
        return _Unwrapped("stern", line[match.end() :], self._origin(*_who(match)))

    @staticmethod
    def _behind_anything(line: bytes) -> _Unwrapped | None:
        """Read a TEXT record with anything in front of it."""
        match = _TEXT_BEHIND.search(line) if b'Z] "' in line else None
        # Behind a quote it is a value in somebody else's line, which a client may have sent.
        if match is None or match.start() == 0 or line[match.start() - 1] in b"'\"":
            return None
        return _Unwrapped("unknown_prefix", line[match.start() :], NOBODY)

    def _of_object(self, line: bytes) -> _Unwrapped | None:
        """Read a line of docker's json-file or of ``stern -o json``."""
        match = _STERN_EXTJSON.match(line)
        if match is not None:
            return _Unwrapped("stern_json", _of_json(match["message"]), self._origin(*_who(match)))
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            return None
        log, message = value.get("log"), value.get("message")
        if isinstance(log, str) and isinstance(value.get("stream"), str):
            stream = value["stream"].encode()
            payload = log.encode()
            # Others write this shape without line feeds; docker cuts lines at this length only.
            ends = payload.endswith(b"\n") or len(payload) < _DOCKER_PART_BYTES
            return _Unwrapped("docker", payload.removesuffix(b"\n"), self._of_file, stream, ends)
        if isinstance(message, str) and "podName" in value and "containerName" in value:
            names = (value["podName"], value.get("namespace"), value["containerName"])
            origin = Origin(*(name if isinstance(name, str) else None for name in names))
            payload = message.encode().removesuffix(b"\n")
            time = _TIME_IN_FRONT.match(payload)
            return _Unwrapped("stern_json", payload[time.end() if time else 0 :], origin)
        return None

    def _origin(
        self, pod: bytes | None, namespace: bytes | None, container: bytes | None
    ) -> Origin:
        names = (pod, namespace, container)
        found = self._origins.get(names)
        if found is None:
            decoded = (None if name is None else name.decode("utf-8", "replace") for name in names)
            found = self._origins[names] = Origin(*decoded)
        return found

    def _join(
        self, number: int, line: bytes, inside: _Unwrapped, found: Payloads, fates: LineFates
    ) -> None:
        """Add one part to its line, which is done if this part ends it."""
        of_line = (inside.kind, inside.origin, inside.stream)
        parts = self._waiting.setdefault(of_line, _Parts(number))
        parts.n += 1
        parts.size += len(inside.payload)
        if parts.size <= MAX_LINE_BYTES or parts.n == 1:
            parts.payloads.append(inside.payload)
            parts.originals.append(line)
            parts.numbers.append(number)
        if inside.ends:
            self._complete(of_line, found, fates)

    def _complete(
        self, of_line: tuple[str, Origin, bytes], found: Payloads, fates: LineFates
    ) -> None:
        parts = self._waiting.pop(of_line)
        _, origin, _ = of_line
        original = b"\n".join(parts.originals)
        if parts.size > MAX_LINE_BYTES:
            fates.malformed(self._source, parts.number, "line_too_long", original, parts.n)
            return
        found.lines.append(b"".join(parts.payloads))
        found.numbers.append(parts.number)
        found.originals[parts.number] = original
        found.origins[parts.number] = origin
        found.parts[parts.number] = parts.n
        found.part_numbers[parts.number] = parts.numbers


def _may_be_wrapped(head: bytes) -> bool:
    """Tell from how a line begins whether it may have an envelope, or be cut."""
    begins = head.lstrip()
    if head in _WRAPPING_OBJECTS or head[:1] == b'"':
        return True
    if begins[:1] == b'"':
        # A method behind a space is no key: what is left of TEXT without its time.
        return begins[1:3].isupper() or begins[1:3] == b"- "
    return head[:2] != b"[2" and begins[:1] not in _BARE


def _of_row(line: bytes) -> _Unwrapped | None:
    record = record_in_row(line)
    return None if record is None else _Unwrapped("csv", record, NOBODY)


def _of_json(message: bytes) -> bytes:
    """Return what a JSON string holds; anything else stays what it is."""
    if not message.startswith(b'"'):
        return message
    try:
        return str(orjson.loads(message)).encode()
    except orjson.JSONDecodeError:
        return message


def _who(match: re.Match[bytes]) -> tuple[bytes | None, bytes | None, bytes | None]:
    return match["pod"], match["namespace"], match["container"]
