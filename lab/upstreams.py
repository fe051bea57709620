"""Upstreams on loopback that do what a path asks for, and say who they are.

``/status/503`` answers that code, ``/delay/400`` waits so many milliseconds,
``/reset`` closes before an answer, ``/truncate`` in the middle of it,
``/garbage`` answers something that is not HTTP. Anything else is answered
with 200. Each answer carries the name of the upstream in ``x-upstream``, and
each upstream counts the requests that reached it.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]]

__all__ = ["NAMES", "RunningUpstreams", "running_upstreams"]

NAMES = ("reviews-v1", "reviews-v2", "shop-a", "shop-b", "secure", "agent")


@dataclass(slots=True)
class RunningUpstreams:
    """Upstreams that listen.

    Attributes:
        ports: On 127.0.0.1, by name.
        requests: Requests that reached each, by name.
    """

    ports: dict[str, int] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)


@contextmanager
def running_upstreams() -> Iterator[RunningUpstreams]:
    """Run all upstreams in a thread of their own."""
    upstreams = RunningUpstreams()
    ready, ending = threading.Event(), threading.Event()

    async def serve() -> None:
        servers = [
            await asyncio.start_server(_handler(name, upstreams), "127.0.0.1", 0) for name in NAMES
        ]
        for name, server in zip(NAMES, servers, strict=True):
            upstreams.ports[name] = server.sockets[0].getsockname()[1]
        ready.set()
        await asyncio.to_thread(ending.wait)
        for server in servers:
            server.close()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    ready.wait()
    try:
        yield upstreams
    finally:
        ending.set()
        thread.join()


def _handler(name: str, upstreams: RunningUpstreams) -> _Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await _answer(name, upstreams, reader, writer):
                pass
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass  # the other side left, or the upstream ends while it waits
        finally:
            writer.close()

    return handle


async def _answer(
    name: str,
    upstreams: RunningUpstreams,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> bool:
    """Answer one request; tell whether the connection stays open."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    target = head.split(" ", 2)[1]
    headers = {
        key.lower(): value.strip()
        for key, _, value in (line.partition(":") for line in head.split("\r\n")[1:])
    }
    await reader.readexactly(int(headers.get("content-length", 0)))
    upstreams.requests[name] += 1
    action, _, number = target.split("?")[0].strip("/").partition("/")
    identity = f"x-upstream: {name}\r\n"
    if headers.get("upgrade") == "websocket":
        writer.write(
            f"HTTP/1.1 101 Switching Protocols\r\n{identity}Upgrade: websocket\r\n"
            "Connection: Upgrade\r\n\r\n".encode()
        )
        await writer.drain()
        await reader.read(1)
        return False
    if action == "delay":
        await asyncio.sleep(int(number) / 1000)
    if action == "reset":
        writer.transport.abort()
        return False
    if action == "truncate":
        writer.write(f"HTTP/1.1 200 OK\r\n{identity}Content-Length: 1000\r\n\r\nhalf".encode())
        await writer.drain()
        await asyncio.sleep(0.02)
        return False
    if action == "garbage":
        writer.write(b"this is not HTTP\r\n\r\n")
        await writer.drain()
        return False
    code = int(number) if action == "status" else 200
    writer.write(
        f"HTTP/1.1 {code} -\r\n{identity}Content-Length: {len(name)}\r\n\r\n{name}".encode()
    )
    await writer.drain()
    return True
