"""Upstreams that do what a request asks for, and count the requests that reached them.

The header ``x-lab`` asks, so that paths in the log look like those of real
services: ``delay=120,size=900`` waits so many milliseconds and answers with so
many bytes, ``status=500`` sets the code. ``end=reset`` closes before the answer,
``end=truncate`` in the middle of it; ``end=garbage`` answers what is not HTTP,
``end=two-lengths`` says twice how long the answer is, ``end=chunk`` breaks HTTP in
the middle of it; ``end=stall`` begins the answer and sends no more of it.
``NAME.status=500`` is for one upstream only.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import Counter
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from lab.clusters import NOBODY, SILENT
from lab.grpc_upstream import GrpcConnection

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Mapping

    _Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]]

__all__ = ["UPSTREAM_PORT", "behavior_of", "running_upstreams"]

UPSTREAM_PORT = 8080
_MORE_THAN_WAIT = 4
"""Connections that fill a queue for none, which on Linux has room for one."""

_TLS_HANDSHAKE = b"\x16"
"""The first byte of a TLS connection."""

_HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf"
_BROKEN = {
    "garbage": b"this is not HTTP\r\n\r\n",
    "two-lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n..",
    "chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n..\r\nno size\r\n",
}
"""Answers that are not HTTP, by how they end."""


@contextmanager
def running_upstreams(
    addresses: Mapping[str, tuple[str, int]], *, grpc: frozenset[str] = frozenset()
) -> Iterator[Counter[str]]:
    """Run upstreams in a thread of their own; give the requests that reached each, by name.

    Args:
        addresses: Where each listens, by name; nothing does where ``nobody`` is, and where
            ``silent`` is nothing is accepted.
        grpc: Names of those that speak gRPC.

    Raises:
        OSError: If something else listens there.
    """
    received: Counter[str] = Counter()
    ready, ending = threading.Event(), threading.Event()
    failures: list[OSError] = []

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        servers: list[asyncio.Server] = []
        try:
            for name, (address, port) in addresses.items():
                if name in (NOBODY, SILENT):
                    continue
                if name in grpc:
                    server = await loop.create_server(_grpc_factory(name, received), address, port)
                else:
                    server = await asyncio.start_server(_handler(name, received), address, port)
                servers.append(server)
        except OSError as error:
            failures.append(error)
        ready.set()
        await asyncio.to_thread(ending.wait)
        for server in servers:
            server.close()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    ready.wait()
    try:
        if failures:
            raise failures[0]
        with _nothing_accepted(addresses.get(SILENT)):
            yield received
    finally:
        ending.set()
        thread.join()


@contextmanager
def _nothing_accepted(address: tuple[str, int] | None) -> Iterator[None]:
    """Listen without accepting, with a queue that is full: Linux then drops who wants in."""
    with ExitStack() as stack:
        if address is not None:
            listening = stack.enter_context(socket.create_server(address, backlog=0))
            for _ in range(_MORE_THAN_WAIT):
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)  # noqa: FBT003
                with suppress(BlockingIOError):
                    waiting.connect(listening.getsockname())
        yield


def _grpc_factory(name: str, received: Counter[str]) -> Callable[[], asyncio.Protocol]:
    def counted() -> None:
        received[name] += 1

    return lambda: GrpcConnection(counted)


def _handler(name: str, received: Counter[str]) -> _Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await _answer(name, received, reader, writer):
                pass
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass  # the other side left, or the upstream ends while it waits
        finally:
            writer.close()

    return handle


def behavior_of(name: str, wanted: str) -> dict[str, str]:
    """Return what one upstream is to do; what is for it only wins over what is for all."""
    for_all: dict[str, str] = {}
    for_it: dict[str, str] = {}
    for part in filter(None, wanted.split(",")):
        key, _, value = part.strip().partition("=")
        upstream, _, own_key = key.rpartition(".")
        if not upstream:
            for_all[own_key] = value
        elif upstream == name:
            for_it[own_key] = value
    return for_all | for_it


async def _answer(
    name: str,
    received: Counter[str],
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> bool:
    """Answer one request; tell whether the connection stays open."""
    first = await reader.readexactly(1)
    if first == _TLS_HANDSHAKE:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        return False
    head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    headers = {
        key.lower(): value.strip()
        for key, _, value in (line.partition(":") for line in head.split("\r\n")[1:])
    }
    await reader.readexactly(int(headers.get("content-length", 0)))
    received[name] += 1
    behavior = behavior_of(name, headers.get("x-lab", ""))
    if headers.get("upgrade") == "websocket":
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
        )
        await writer.drain()
        await reader.read(1)
        return False
    await asyncio.sleep(int(behavior.get("delay", 0)) / 1000)
    if end := behavior.get("end"):
        await _end_badly(end, reader, writer)
        return False
    code, size = behavior.get("status", "200"), int(behavior.get("size", 2))
    writer.write(f"HTTP/1.1 {code} -\r\nContent-Length: {size}\r\n\r\n".encode() + b"." * size)
    await writer.drain()
    return True


async def _end_badly(end: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer as ``end`` asks, after which the connection is closed."""
    match end:
        case "reset":
            writer.transport.abort()
        case "truncate":
            writer.write(_HALF)
            await writer.drain()
            await asyncio.sleep(0.02)
        case "stall":
            writer.write(_HALF)
            await reader.read(1)
        case _:
            writer.write(_BROKEN[end])
            await writer.drain()
