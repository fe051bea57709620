"""An upstream that speaks gRPC over HTTP/2.

The last part of the path says what it does: ``Say`` answers, ``Fail`` answers
with status 14 in its only headers, ``Reset`` resets the stream, ``Hang``
never answers. To the gateway's own
questions it says no: ``ShouldRateLimit`` is over the limit, ``Check`` is denied.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import Event, RequestReceived, StreamEnded
from h2.exceptions import ProtocolError, StreamClosedError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["EMPTY_MESSAGE", "GrpcConnection"]

_MESSAGES = {
    # RateLimitResponse: overall_code OVER_LIMIT.
    "ShouldRateLimit": b"\0\0\0\0\2\x08\x02",
    # CheckResponse: status.code PERMISSION_DENIED.
    "Check": b"\0\0\0\0\4\x0a\x02\x08\x07",
}

EMPTY_MESSAGE = b"\0\0\0\0\0"
"""A message without content, in gRPC's framing."""


class GrpcConnection(asyncio.Protocol):
    """One connection to the upstream.

    Args:
        on_request: Called for each request that arrived whole.
    """

    def __init__(self, on_request: Callable[[], None]) -> None:
        self._on_request = on_request
        self._http2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self._paths: dict[int, str] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self._transport = transport
        self._http2.initiate_connection()
        self._send()

    def data_received(self, data: bytes) -> None:
        """Answer the requests that are whole."""
        try:
            events = self._http2.receive_data(data)
        except ProtocolError:
            # It says so to who does not speak HTTP/2, and hangs up.
            self._send()
            self._transport.close()
            return
        for event in events:
            self._take(event)
        self._send()

    def _take(self, event: Event) -> None:
        if isinstance(event, RequestReceived):
            headers = {str(key): str(value) for key, value in event.headers}
            self._paths[event.stream_id] = headers[":path"]
        elif isinstance(event, StreamEnded):
            self._on_request()
            # Who asked may have taken it back meanwhile.
            with suppress(StreamClosedError):
                self._answer(event.stream_id, self._paths.pop(event.stream_id))

    def _answer(self, stream: int, path: str) -> None:
        headers = [(":status", "200"), ("content-type", "application/grpc")]
        method = path.rpartition("/")[2]
        match method:
            case "Reset":
                self._http2.reset_stream(stream, ErrorCodes.INTERNAL_ERROR)
            case "Hang":
                pass
            case "Fail":
                self._http2.send_headers(stream, [*headers, ("grpc-status", "14")], end_stream=True)
            case _:
                self._http2.send_headers(stream, headers)
                self._http2.send_data(stream, _MESSAGES.get(method, EMPTY_MESSAGE))
                self._http2.send_headers(stream, [("grpc-status", "0")], end_stream=True)

    def _send(self) -> None:
        self._transport.write(self._http2.data_to_send())
