"""What the client does: each story is a function of a lab."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from lab.client import Client
    from lab.gateway import Gateway

__all__ = ["STORIES", "Lab"]


@dataclass(frozen=True, slots=True)
class Lab:
    """What a story has at hand.

    Attributes:
        client: Sends requests and counts.
        gateways_with: Runs the gateways with changes to ``Gateway``.
        seed: Of the traffic.
    """

    client: Client
    gateways_with: Callable[..., AbstractContextManager[list[Gateway]]]
    seed: int

    def traffic(self) -> random.Random:
        """Return the source of chance of this story."""
        return random.Random(self.seed)


def every_outcome(lab: Lab) -> None:
    """Send a few requests for each thing that can become of one."""
    client = lab.client
    with lab.gateways_with() as gateways:
        for gateway in gateways:
            address = gateway.address
            for _ in range(40):
                client.get(address, 8080, "reviews.example.com")
            for path in ("/api/orders/1", "/static/app.js", "/api/status", "/status/404"):
                client.get(address, 8080, "shop.example.com", path)
            for path in ("/status/404", "/status/503", "/status/500"):
                client.get(address, 8080, "reviews.example.com", path)
            client.get(address, 8080, "reviews.example.com", "/delay/600")
            client.get(address, 8080, "reviews.example.com", "/reset")
            client.get(address, 8080, "reviews.example.com", "/garbage")
            client.get(address, 8080, "reviews.example.com", "/truncate")
            for host in ("retries", "dead", "empty", "gone", "private", "old"):
                client.get(address, 8080, f"{host}.example.com")
            client.get(address, 8080, "faults.example.com", "/abort")
            client.get(address, 8080, "faults.example.com", "/delay/1")
            for _ in range(3):
                client.get(address, 8080, "limited.example.com")
            client.get(
                address, 8080, "cors.example.com", method="OPTIONS",
                headers={
                    "Origin": "https://app.example.com",
                    "Access-Control-Request-Method": "GET",
                },
            )  # fmt: skip
            client.get(address, 8080, "unknown.example.com")
            client.get(address, 8080, "reviews.example.com:8080")
            client.get(address, 8081, "unbound.example.com", "/any")
            client.grpc(address, 8080, "unknown.example.com", "/echo.Echo/Say")
            client.grpc(address, 8080, "dead.example.com", "/echo.Echo/Say")
            client.leave(address, 8080, "reviews.example.com", "/delay/250", 0.05)
            client.websocket(address, 8080, "reviews.example.com", "/socket")
            client.send_raw(address, 8080, b"no http at all\r\n\r\n")
            client.tls(address, 8443, "secure.example.com")
            client.tls(address, 8443, "secure.example.com", http2=False)
            client.tls(address, 8443, "pay.example.com", server_name="secure.example.com")
            client.tls(address, 8443, "nobody.example.com")
            client.get(address, 15021, "127.0.0.1", "/healthz/ready")


STORIES: dict[str, Any] = {"every_outcome": every_outcome}
