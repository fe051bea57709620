"""A Kubernetes API server of a few gateway pods, as far as ``kubectl logs`` and ``get pods`` ask.

It answers on loopback, in plain HTTP, with what a cluster answers: discovery
in the form that every kubectl understands, pods, deployments, and logs that
are streamed in chunks. A log can grow while it is followed, and its
connection can break in the middle of a line.

What kubectl does by itself is not here: prefixes, ten lines of each pod of a
selector, the choice of a pod and of a container.
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["NAMESPACE", "ContainerLog", "Deployment", "KubernetesApi", "Pod", "serving"]

NAMESPACE: Final = "istio-system"

_WAIT_S: Final = 60.0
"""How long is waited for anything at all before a test fails."""

_CREATED: Final = "2026-11-01T00:00:00Z"
_KNOWN_PARAMETERS: Final = frozenset(
    {"container", "follow", "sinceSeconds", "sinceTime", "tailLines", "timestamps"}
)
_DISCOVERY: Final[dict[str, dict[str, Any]]] = {
    "/version": {
        "major": "1",
        "minor": "32",
        "gitVersion": "v1.32.0",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": _CREATED,
        "goVersion": "go1.23.3",
        "compiler": "gc",
        "platform": "linux/amd64",
    },
    "/api": {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []},
    "/apis": {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [
            {
                "name": "apps",
                "versions": [{"groupVersion": "apps/v1", "version": "v1"}],
                "preferredVersion": {"groupVersion": "apps/v1", "version": "v1"},
            }
        ],
    },
    "/api/v1": {
        "kind": "APIResourceList",
        "groupVersion": "v1",
        "resources": [
            {
                "name": "pods",
                "singularName": "pod",
                "namespaced": True,
                "kind": "Pod",
                "verbs": ["get", "list"],
                "shortNames": ["po"],
            },
            {
                "name": "pods/log",
                "singularName": "",
                "namespaced": True,
                "kind": "Pod",
                "verbs": ["get"],
            },
        ],
    },
    "/apis/apps/v1": {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": "apps/v1",
        "resources": [
            {
                "name": "deployments",
                "singularName": "deployment",
                "namespaced": True,
                "kind": "Deployment",
                "verbs": ["get", "list"],
                "shortNames": ["deploy"],
            }
        ],
    },
}


@dataclass(frozen=True, slots=True)
class _Line:
    """A line without its line feed, and when the container wrote it."""

    text: bytes
    written: datetime

    def sent(self, *, timestamps: bool) -> bytes:
        """Return the line as it is sent; the kubelet writes all nine digits of a time."""
        stamp = f"{self.written:%Y-%m-%dT%H:%M:%S}.{self.written.microsecond:06d}137Z "
        return (stamp.encode() if timestamps else b"") + self.text + b"\n"


class ContainerLog:
    """What one container wrote so far.

    Args:
        text: Lines that it wrote before it was asked.
        running: Whether it may write more, so that following it does not end.
        half_line: Sent after all lines, before the connection breaks.
    """

    def __init__(
        self, text: bytes = b"", *, running: bool = False, half_line: bytes | None = None
    ) -> None:
        self.half_line = half_line
        self._lines: list[_Line] = []
        self._running = running
        self._sent = 0
        self._changed = threading.Condition()
        self.write(text)

    def write(self, text: bytes, *, ago: timedelta = timedelta(0)) -> None:
        """Add whole lines, written just now or some time ago."""
        written = datetime.now(UTC) - ago
        with self._changed:
            self._lines += (_Line(line, written) for line in text.splitlines())
            self._changed.notify_all()

    def end(self) -> None:
        """Write no more: who follows has all of it."""
        with self._changed:
            self._running = False
            self._changed.notify_all()

    def wait_until_followed(self) -> None:
        """Wait until all lines were sent to who follows."""
        with self._changed:
            sent = self._changed.wait_for(lambda: self._sent == len(self._lines), _WAIT_S)
            assert sent, f"{self._sent} of {len(self._lines)} lines were asked for"

    def read(
        self, *, follow: bool, tail: int | None, since: datetime | None
    ) -> Iterator[list[_Line]]:
        """Yield lines as they come: those that are there, then, if followed, what is added."""
        with self._changed:
            seen = len(self._lines)
            first = [line for line in self._lines if since is None or line.written >= since]
            if tail is not None:
                first = first[len(first) - min(tail, len(first)) :]
        yield first
        while follow:
            added, running = self._added(seen)
            seen += len(added)
            yield added
            follow = bool(added) or running

    def _added(self, seen: int) -> tuple[list[_Line], bool]:
        """Wait for lines after those seen; return them, and whether more may follow."""
        with self._changed:
            self._sent = seen
            self._changed.notify_all()
            self._changed.wait_for(lambda: len(self._lines) > seen or not self._running)
            return self._lines[seen:], self._running


@dataclass(frozen=True, slots=True)
class Pod:
    """A running pod: the labels that select it and the logs of its containers by name."""

    name: str
    logs: dict[str, ContainerLog]
    labels: dict[str, str] = field(default_factory=lambda: {"app": "istio-ingressgateway"})

    def as_object(self) -> dict[str, Any]:
        """Return the object of the API."""
        containers = [{"name": name, "image": f"{name}.example.com/image"} for name in self.logs]
        statuses = [
            {
                "name": name,
                "ready": True,
                "restartCount": 0,
                "image": f"{name}.example.com/image",
                "imageID": "",
                "state": {"running": {"startedAt": _CREATED}},
            }
            for name in self.logs
        ]
        return {
            "kind": "Pod",
            "apiVersion": "v1",
            "metadata": _metadata(self.name, labels=self.labels),
            "spec": {"containers": containers},
            "status": {
                "phase": "Running",
                "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": _CREATED}],
                "containerStatuses": statuses,
            },
        }


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment, and the labels of its pods."""

    name: str
    labels: dict[str, str]

    def as_object(self) -> dict[str, Any]:
        """Return the object of the API."""
        return {
            "kind": "Deployment",
            "apiVersion": "apps/v1",
            "metadata": _metadata(self.name, labels=self.labels),
            "spec": {"selector": {"matchLabels": self.labels}},
        }


class KubernetesApi:
    """What the cluster holds; tests add to it at any time.

    Attributes:
        url: Where it is served.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.pods: dict[str, Pod] = {}
        self.deployments: dict[str, Deployment] = {}

    def add(self, *pods: Pod) -> None:
        """Add pods, and a deployment for each application that they are of."""
        for pod in pods:
            self.pods[pod.name] = pod
            if (app := pod.labels.get("app")) is not None:
                self.deployments[app] = Deployment(app, {"app": app})

    def close(self) -> None:
        """End all logs, so that nobody waits for a line any more."""
        for pod in self.pods.values():
            for log in pod.logs.values():
                log.end()


@contextmanager
def serving() -> Iterator[KubernetesApi]:
    """Serve an empty cluster on a free port."""
    with _Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.api
        finally:
            server.api.close()
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.api = KubernetesApi(f"http://127.0.0.1:{self.server_port}")


class _ApiError(Exception):
    """What the server refuses, in its own words."""

    def __init__(
        self, code: HTTPStatus, reason: str, message: str, details: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "details": details or {},
            "code": code,
        }

    @classmethod
    def not_found(cls, kind: str, name: str) -> _ApiError:
        message = f'{kind} "{name}" not found'
        return cls(HTTPStatus.NOT_FOUND, "NotFound", message, {"name": name, "kind": kind})

    @classmethod
    def bad_request(cls, message: str) -> _ApiError:
        return cls(HTTPStatus.BAD_REQUEST, "BadRequest", message)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        parameters = dict(parse_qsl(url.query))
        try:
            # Who has seen enough closes the connection, as `head` makes kubectl do.
            with suppress(ConnectionError):
                self._answer(url.path, parameters)
        except _ApiError as error:
            self._send(error.status, error.code)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: standard error is the test's."""

    def _answer(self, path: str, parameters: dict[str, str]) -> None:
        api = self.server.api
        match path.strip("/").split("/"):
            case ["api", "v1", "namespaces", name]:
                # Asked for what does not exist, kubectl looks whether its namespace does.
                if name != NAMESPACE:
                    raise _ApiError.not_found("namespaces", name)
                self._send({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name}})
            case ["api", "v1", "namespaces", namespace, "pods"]:
                self._send(_pods(api, namespace, parameters.get("labelSelector", "")))
            case ["api", "v1", "namespaces", namespace, "pods", name]:
                self._send(_pod(api, namespace, name).as_object())
            case ["api", "v1", "namespaces", namespace, "pods", name, "log"]:
                self._send_log(_pod(api, namespace, name), parameters)
            case ["apis", "apps", "v1", "namespaces", _, "deployments", name]:
                if name not in api.deployments:
                    raise _ApiError.not_found("deployments.apps", name)
                self._send(api.deployments[name].as_object())
            case _ if path in _DISCOVERY:
                self._send(_DISCOVERY[path])
            case _:
                raise _ApiError(
                    HTTPStatus.NOT_FOUND,
                    "NotFound",
                    "the server could not find the requested resource",
                )

    def _send(self, value: dict[str, Any], code: HTTPStatus = HTTPStatus.OK) -> None:
        body = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _send_log(self, pod: Pod, parameters: dict[str, str]) -> None:
        if unknown := parameters.keys() - _KNOWN_PARAMETERS:
            raise _ApiError.bad_request(f"the tests' server does not know {sorted(unknown)}")
        log = _log(pod, parameters.get("container"))
        timestamps = parameters.get("timestamps") == "true"
        tail = parameters.get("tailLines")
        found = log.read(
            follow=parameters.get("follow") == "true",
            tail=None if tail is None else int(tail),
            since=_since(parameters),
        )
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for lines in found:
            self._send_chunk(b"".join(line.sent(timestamps=timestamps) for line in lines))
        if log.half_line is None:
            self.wfile.write(b"0\r\n\r\n")
            return
        half = _Line(log.half_line, datetime.now(UTC)).sent(timestamps=timestamps)
        self._send_chunk(half.removesuffix(b"\n"))
        # Without the last chunk, so that the client can tell that this is not the end.
        self.close_connection = True

    def _send_chunk(self, data: bytes) -> None:
        if data:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))


def _metadata(name: str, *, labels: dict[str, str]) -> dict[str, Any]:
    return {
        "name": name,
        "namespace": NAMESPACE,
        "uid": name,
        "creationTimestamp": _CREATED,
        "labels": labels,
    }


def _pods(api: KubernetesApi, namespace: str, selector: str) -> dict[str, Any]:
    wanted = dict(part.split("=", 1) for part in selector.replace("==", "=").split(",") if part)
    items = [
        pod.as_object()
        for _, pod in sorted(api.pods.items())
        if namespace == NAMESPACE and wanted.items() <= pod.labels.items()
    ]
    return {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items}


def _pod(api: KubernetesApi, namespace: str, name: str) -> Pod:
    if namespace != NAMESPACE or name not in api.pods:
        raise _ApiError.not_found("pods", name)
    return api.pods[name]


def _log(pod: Pod, container: str | None) -> ContainerLog:
    """Return the log of a container, which may be left unnamed if there is one only."""
    if container is None and len(pod.logs) > 1:
        raise _ApiError.bad_request(
            f"a container name must be specified for pod {pod.name}, "
            f"choose one of: [{' '.join(pod.logs)}]"
        )
    name = next(iter(pod.logs)) if container is None else container
    if name not in pod.logs:
        raise _ApiError.bad_request(f"container {name} is not valid for pod {pod.name}")
    return pod.logs[name]


def _since(parameters: dict[str, str]) -> datetime | None:
    if "sinceSeconds" in parameters:
        return datetime.now(UTC) - timedelta(seconds=int(parameters["sinceSeconds"]))
    if "sinceTime" in parameters:
        return datetime.fromisoformat(parameters["sinceTime"])
    return None
