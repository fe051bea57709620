"""A client that counts what it got: by host and code, and by the upstream that answered."""

from __future__ import annotations

import socket
import ssl
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Client", "Counts"]

_TIMEOUT_S = 5.0


@dataclass(slots=True)
class Counts:
    """What the client got.

    Attributes:
        codes: Requests by authority and code; 0 where the client left before an answer.
        upstreams: Answers by authority and the upstream that gave them.
        connections: Connections that carried no request, by what became of them.
    """

    codes: Counter[tuple[str, int]] = field(default_factory=Counter)
    upstreams: Counter[tuple[str, str]] = field(default_factory=Counter)
    connections: Counter[str] = field(default_factory=Counter)


class Client:
    """Sends requests to gateways and counts the answers.

    Args:
        authority: PEM file of the certificate authority of the gateways.
    """

    def __init__(self, authority: Path) -> None:
        self.counts = Counts()
        self._authority = str(authority)
        self._plain = httpx.Client(http1=True, timeout=_TIMEOUT_S, trust_env=False)
        self._grpc = httpx.Client(http1=False, http2=True, timeout=_TIMEOUT_S, trust_env=False)

    def close(self) -> None:
        """Close all connections."""
        self._plain.close()
        self._grpc.close()

    def get(
        self,
        address: str,
        port: int,
        host: str,
        path: str = "/",
        *,
        method: str = "GET",
        headers: dict[str, str] | None = None,
    ) -> None:
        """Send one request over HTTP/1.1."""
        try:
            answer = self._plain.request(
                method, f"http://{address}:{port}{path}", headers={"Host": host, **(headers or {})}
            )
        except httpx.RemoteProtocolError:
            # The answer began and broke off; its code is 200 here, since only those do.
            self.counts.codes[host, 200] += 1
            return
        self._count(host, answer)

    def grpc(self, address: str, port: int, host: str, path: str) -> None:
        """Send one gRPC call over HTTP/2; Envoy answers its own errors with code 200."""
        answer = self._grpc.post(
            f"http://{address}:{port}{path}",
            headers={"Host": host, "content-type": "application/grpc", "te": "trailers"},
            content=b"\0\0\0\0\0",
        )
        self._count(host, answer)

    def tls(
        self,
        address: str,
        port: int,
        host: str,
        path: str = "/",
        *,
        server_name: str = "",
        http2: bool = True,
    ) -> None:
        """Send one request over TLS, with a server name that may be another than the host."""
        name = server_name or host
        context = ssl.create_default_context(cafile=self._authority)
        context.check_hostname = False
        with httpx.Client(
            http1=not http2, http2=http2, verify=context, timeout=_TIMEOUT_S, trust_env=False
        ) as client:
            try:
                answer = client.get(
                    f"https://{address}:{port}{path}",
                    headers={"Host": host},
                    extensions={"sni_hostname": name},
                )
            except (httpx.ConnectError, httpx.RemoteProtocolError):
                self.counts.connections[f"refused {name}"] += 1
                return
        self._count(host, answer)

    def leave(self, address: str, port: int, host: str, path: str, after_s: float) -> None:
        """Send a request and leave before its answer."""
        with socket.create_connection((address, port), timeout=_TIMEOUT_S) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            connection.settimeout(after_s)
            with suppress(TimeoutError):
                connection.recv(1)
        self.counts.codes[host, 0] += 1

    def websocket(self, address: str, port: int, host: str, path: str) -> None:
        """Open a WebSocket and close it."""
        with socket.create_connection((address, port), timeout=_TIMEOUT_S) as connection:
            connection.sendall(
                f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\n"
                "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
            )
            code = int(connection.recv(4096).split(b" ", 2)[1])
        self.counts.codes[host, code] += 1

    def send_raw(self, address: str, port: int, data: bytes) -> None:
        """Send bytes that are no HTTP and wait for the connection to close."""
        with socket.create_connection((address, port), timeout=_TIMEOUT_S) as connection:
            connection.sendall(data)
            answer = connection.recv(4096)
        self.counts.codes["", int(answer.split(b" ", 2)[1])] += 1

    def _count(self, host: str, answer: httpx.Response) -> None:
        self.counts.codes[host, answer.status_code] += 1
        upstream = answer.headers.get("x-upstream")
        if upstream is not None:
            self.counts.upstreams[host, upstream] += 1
