"""A client that counts what it got: requests by host and code, connections by their fate."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

from lab.grpc_upstream import EMPTY_MESSAGE
from lab.listeners import TLS_PORT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Client", "Request"]

_TIMEOUT_S = 5.0
_AT_ONCE = httpx.Limits(max_connections=64, max_keepalive_connections=16)


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes:
        host: Its authority.
        path: With its query.
        method: Of HTTP.
        behavior: What the upstream is to do; see ``upstreams``.
        address: The client that the load balancer in front names in x-forwarded-for.
        agent: The user agent.
        body: What is sent.
        headers: More headers.
    """

    host: str
    path: str = "/"
    method: str = "GET"
    behavior: str = ""
    address: str = ""
    agent: str = ""
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def all_headers(self) -> dict[str, str]:
        """Return its headers, without those that are empty."""
        named = {
            "host": self.host,
            "user-agent": self.agent,
            "x-forwarded-for": self.address,
            "x-lab": self.behavior,
        }
        return {name: value for name, value in named.items() if value} | dict(self.headers)


class Client:
    """Sends requests to gateways, from any number of threads, and counts the answers.

    Args:
        authority: PEM file of the certificate authority of the gateways.
        source: The loopback address that connections come from: that of the load balancer in
            front. From 127.0.0.1 Envoy would log an address of the machine in x-forwarded-for.

    Attributes:
        codes: Requests by authority and code; 0 where the client left before an answer.
        connections: Connections that carried no request, by what became of them.
    """

    def __init__(self, authority: Path, source: str) -> None:
        self.codes: Counter[tuple[str, int]] = Counter()
        self.connections: Counter[str] = Counter()
        self._counting = threading.Lock()
        self._authority = str(authority)
        self._source = source
        self._http = _client(httpx.HTTPTransport(local_address=source, limits=_AT_ONCE))
        self._context = ssl.create_default_context(cafile=self._authority)

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def http(self, gateway: str, request: Request, port: int = 8080) -> None:
        """Send one request over HTTP/1.1.

        Args:
            gateway: Address of the gateway.
            request: What to send.
            port: Of the gateway.
        """
        try:
            answer = self._http.request(
                request.method,
                f"http://{gateway}:{port}{request.path}",
                headers=request.all_headers(),
                content=request.body,
            )
        except (httpx.RemoteProtocolError, httpx.ReadError):
            # The answer began and broke off; its code is 200 here, since only those do.
            self._count(request.host, 200)
            return
        self._count(request.host, answer.status_code)

    def grpc(self, gateway: str, host: str, path: str, port: int = 8080) -> None:
        """Send one gRPC call over HTTP/2; Envoy answers its own errors with code 200."""
        # A connection of its own: threads that share one mix up its streams at times.
        transport = httpx.HTTPTransport(
            verify=self._context, http1=False, http2=True, local_address=self._source
        )
        with _client(transport) as client:
            answer = client.post(
                f"http://{gateway}:{port}{path}",
                headers={"host": host, "content-type": "application/grpc", "te": "trailers"},
                content=EMPTY_MESSAGE,
            )
        self._count(host, answer.status_code)

    def tls(
        self,
        gateway: str,
        request: Request,
        *,
        server_name: str = "",
        source: str = "",
        http2: bool = True,
    ) -> None:
        """Send one request over a TLS connection of its own.

        Args:
            gateway: Address of the gateway.
            request: What to send.
            server_name: If it is another one than the host; ``-`` for none.
            source: If the connection comes from another loopback address.
            http2: Whether to offer HTTP/2.
        """
        name = server_name or request.host
        context = ssl.create_default_context(cafile=self._authority)
        context.check_hostname = False
        transport = httpx.HTTPTransport(
            verify=context, http1=not http2, http2=http2, local_address=source or self._source
        )
        with _client(transport) as client:
            try:
                answer = client.request(
                    request.method,
                    f"https://{gateway}:{TLS_PORT}{request.path}",
                    headers=request.all_headers(),
                    content=request.body,
                    # An address is never sent as a server name.
                    extensions={"sni_hostname": gateway if name == "-" else name},
                )
            except httpx.TransportError:
                self._count_connection(f"refused {name}")
                return
        self._count(request.host, answer.status_code)

    def leave(self, gateway: str, request: Request, after_s: float, port: int = 8080) -> None:
        """Send a request and leave before its answer."""
        with self._connected(gateway, port) as connection:
            connection.sendall(_head(request))
            connection.settimeout(after_s)
            with suppress(TimeoutError):
                connection.recv(1)
        self._count(request.host, 0)

    def upload(
        self, gateway: str, request: Request, port: int = 8080, pause_s: float = 0.0
    ) -> None:
        """Send a request and the first byte of its body, and the rest after a pause."""
        with self._connected(gateway, port) as connection:
            connection.sendall(_head(request, {"content-length": str(len(request.body))}))
            connection.sendall(request.body[:1])
            time.sleep(pause_s)
            with suppress(ConnectionError):
                connection.sendall(request.body[1:])
            code = _code_of(connection.recv(4096))
        self._count(request.host, code)

    def websocket(self, gateway: str, request: Request, port: int = 8080) -> None:
        """Open a WebSocket and close it."""
        upgrade = {
            "connection": "Upgrade",
            "upgrade": "websocket",
            "sec-websocket-version": "13",
            "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        }
        with self._connected(gateway, port) as connection:
            connection.sendall(_head(request, upgrade))
            code = _code_of(connection.recv(4096))
        self._count(request.host, code)

    def raw(self, gateway: str, data: bytes, port: int = 8080) -> None:
        """Send bytes that are no proper HTTP; they are counted without an authority."""
        with self._connected(gateway, port) as connection:
            connection.sendall(data)
            code = _code_of(connection.recv(4096))
        self._count("", code)

    def tcp(self, gateway: str, port: int, data: bytes) -> None:
        """Send bytes over TCP and tell whether anything came back."""
        with self._connected(gateway, port) as connection:
            with suppress(ConnectionError):
                connection.sendall(data)
            answer = b""
            with suppress(ConnectionError):
                answer = connection.recv(4096)
        self._count_connection("tcp answered" if answer else "tcp closed")

    def _connected(self, gateway: str, port: int) -> socket.socket:
        return socket.create_connection((gateway, port), _TIMEOUT_S, (self._source, 0))

    def _count(self, host: str, code: int) -> None:
        with self._counting:
            self.codes[host, code] += 1

    def _count_connection(self, fate: str) -> None:
        with self._counting:
            self.connections[fate] += 1


def _client(transport: httpx.HTTPTransport) -> httpx.Client:
    """Return a client that sends what it is told to send, and no user agent of its own."""
    client = httpx.Client(transport=transport, timeout=_TIMEOUT_S, trust_env=False)
    client.headers = httpx.Headers()
    return client


def _head(request: Request, more: Mapping[str, str] | None = None) -> bytes:
    lines = [f"{request.method} {request.path} HTTP/1.1"]
    lines += [
        f"{name}: {value}" for name, value in {**request.all_headers(), **(more or {})}.items()
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def _code_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])
