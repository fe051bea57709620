"""What Kubernetes puts around the lines of a container.

``kubectl logs`` writes a prefix, a time or both; ``stern`` writes pod and
container; a container runtime's own files hold a time, a stream and parts of
long lines (CRI), or an object a line (docker). Formats: ``kubectl``
(``pkg/cmd/logs``), ``stern`` (``cmd/cmd.go``), the CRI logging format of
Kubernetes, docker's ``jsonfilelog``.
"""

from __future__ import annotations

import re

import orjson

from envoylogs.reading.mending.refused_values import loads
from envoylogs.reading.payloads import NOBODY, Origin, Unwrapped, origin_of_file

# What a record of JSON, a blank line or a line of a printed object begins with.
BARE = frozenset({b"{", b" ", b"\t", b"}", b'"', b"]", b"", b"\r"})

LOOKED_AT = 7
WRAPPING_OBJECTS = frozenset({b'{"log":', b'{"messa', b'{"pod":', b'{"names'})
"""How lines begin that are objects with a line inside, in the first bytes."""

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
_DOCKER_PART_BYTES = 16 * 1024


class KubernetesLines:
    """Takes off what Kubernetes puts around the lines of one source.

    Args:
        source: The name of the source; a runtime's file is named after its container.
    """

    def __init__(self, source: str) -> None:
        self._of_file = origin_of_file(source)
        self._origins: dict[tuple[bytes | None, ...], Origin] = {(None, None, None): NOBODY}

    def in_line(self, line: bytes) -> Unwrapped | None:
        """Return what is behind a prefix; null if there is none."""
        return self._of_prefix(line) or self._of_stern(line)

    def _of_prefix(self, line: bytes) -> Unwrapped | None:
        """Read a line of ``kubectl logs`` or of a runtime's file."""
        match = _PREFIX.match(line)
        if match is None or not match.end():
            return None
        pod, container, _, stream, tag = match.groups()
        payload = line[match.end() :]
        if stream is not None and match["time"] is not None:
            origin = self._origin(pod, None, container) if pod is not None else self._of_file
            return Unwrapped("cri", payload, origin, stream, tag == b"F")
        # With a time alone in front of it, this is what can't be another program's line.
        if pod is None and not (payload[:1] in BARE or payload[:1] == b"["):
            return None
        return Unwrapped("kubectl", payload, self._origin(pod, None, container))

    def _of_stern(self, line: bytes) -> Unwrapped | None:
        match = _STERN.match(line)
        if match is None:
            return None
        return Unwrapped("stern", line[match.end() :], self._origin(*_who(match)))

    def in_object(self, line: bytes) -> Unwrapped | None:
        """Return what is in an object of docker's json-file or of ``stern -o json``."""
        match = _STERN_EXTJSON.match(line)
        if match is not None:
            return Unwrapped("stern_json", _of_json(match["message"]), self._origin(*_who(match)))
        try:
            value, _ = loads(line)
        except orjson.JSONDecodeError:
            return None
        assert isinstance(value, dict)  # noqa: S101  # it begins with a brace
        log, message = value.get("log"), value.get("message")
        if isinstance(log, str) and isinstance(value.get("stream"), str):
            stream = value["stream"].encode()
            payload = log.encode()
            # Others write this shape without line feeds; docker cuts lines at this length only.
            ends = payload.endswith(b"\n") or len(payload) < _DOCKER_PART_BYTES
            return Unwrapped("docker", payload.removesuffix(b"\n"), self._of_file, stream, ends)
        if isinstance(message, str) and "podName" in value and "containerName" in value:
            names = (value["podName"], value.get("namespace"), value["containerName"])
            origin = Origin(*(name if isinstance(name, str) else None for name in names))
            payload = message.encode().removesuffix(b"\n")
            time = _TIME_IN_FRONT.match(payload)
            return Unwrapped("stern_json", payload[time.end() if time else 0 :], origin)
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


def _of_json(message: bytes) -> bytes:
    """Return what a JSON string holds; anything else stays what it is."""
    if not message.startswith(b'"'):
        return message
    try:
        return str(loads(message)[0]).encode()
    except orjson.JSONDecodeError:
        return message


def _who(match: re.Match[bytes]) -> tuple[bytes | None, bytes | None, bytes | None]:
    return match["pod"], match["namespace"], match["container"]
