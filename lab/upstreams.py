"""Upstreams that do what a request asks for, and count the requests that reached them.

The header ``x-lab`` asks, so that paths in the log look like those of real
services: ``delay=120,size=900`` waits so many milliseconds and answers with so
many bytes, ``status=500`` sets the code, ``end=reset`` closes before the answer,
``end=truncate`` in the middle of it, ``end=garbage`` answers what is not HTTP.
``NAME.status=500`` is for one upstream only.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lab.clusters import NOBODY
from lab.grpc_upstream import GrpcConnection

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Mapping

    _Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]]

__all__ = ["UPSTREAM_PORT", "behavior_of", "running_upstreams"]

UPSTREAM_PORT = 8080


@contextmanager
def running_upstreams(
    addresses: Mapping[str, tuple[str, int]], *, grpc: frozenset[str] = frozenset()
) -> Iterator[Counter[str]]:
    """Run upstreams in a thread of their own; give the requests that reached each, by name.

    Args:
        addresses: Where each listens, by name; nothing does where ``nobody`` is.
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
                if name == NOBODY:
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
        yield received
    finally:
        ending.set()
        thread.join()


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
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
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
    match behavior.get("end"):
        case "reset":
            writer.transport.abort()
            return False
        case "truncate":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
            await writer.drain()
            await asyncio.sleep(0.02)
            return False
        case "garbage":
            writer.write(b"this is not HTTP\r\n\r\n")
            await writer.drain()
            return False
    code, size = behavior.get("status", "200"), int(behavior.get("size", 2))
    writer.write(f"HTTP/1.1 {code} -\r\nContent-Length: {size}\r\n\r\n".encode() + b"." * size)
    await writer.drain()
    return True
