"""The story ``every-outcome``: a few requests for each thing that can become of one."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from lab.client import Request
from lab.listeners import HEALTH_PORT
from lab.stories.every_outcome_routes import LAYOUT, SERVICES
from lab.story import Lab, Step, Story

if TYPE_CHECKING:
    from lab.client import Client

__all__ = ["EVERY_OUTCOME"]


def _tell(lab: Lab) -> None:
    lab.play(Step(0, partial(_ask_everything, lab, each.address)) for each in lab.gateways)


def _ask_everything(lab: Lab, gateway: str) -> None:
    _answered(lab.client, gateway)
    _failed_upstream(lab.client, gateway)
    _turned_away(lab.client, gateway)
    _broken_by_the_client(lab.client, gateway)
    _other_protocols(lab.client, gateway)
    _too_many_at_once(lab, gateway)


def _answered(client: Client, gateway: str) -> None:
    for _ in range(40):
        client.http(gateway, Request("reviews.example.com"))
    client.http(gateway, Request("reviews.example.com:8080"))
    for path in ("/api/orders/1", "/api/status", "/static/app.js"):
        client.http(gateway, Request("shop.example.com", path))
    client.http(gateway, Request("faults.example.com", "/delay"))
    client.http(gateway, Request("old.example.com"))
    client.http(gateway, Request("closed.example.com"))
    preflight = {"origin": "https://app.example.com", "access-control-request-method": "GET"}
    client.http(gateway, Request("cors.example.com", method="OPTIONS", headers=preflight))
    client.http(gateway, Request("127.0.0.1", "/healthz/ready"), HEALTH_PORT)


def _failed_upstream(client: Client, gateway: str) -> None:
    for path, behavior in (
        ("/missing", "status=404"),
        ("/failing", "status=500"),
        ("/unavailable", "status=503"),
        ("/slow", "delay=1300"),
        ("/reset", "end=reset"),
        ("/garbage", "end=garbage"),
        ("/truncated", "end=truncate"),
    ):
        client.http(gateway, Request("reviews.example.com", path, behavior=behavior))
    client.http(gateway, Request("retries.example.com"))
    client.http(gateway, Request("retries.example.com", "/failing", behavior="status=503"))
    for name in ("dead", "empty", "missing"):
        client.http(gateway, Request(f"{name}.example.com"))


def _turned_away(client: Client, gateway: str) -> None:
    client.http(gateway, Request("unknown.example.com"))
    client.http(gateway, Request("shop.example.com", "/admin"))
    client.http(gateway, Request("unbound.example.com", "/any"), 8081)
    client.http(gateway, Request("faults.example.com", "/abort"))
    client.http(gateway, Request("private.example.com"))
    for _ in range(3):
        client.http(gateway, Request("limited.example.com"))


def _broken_by_the_client(client: Client, gateway: str) -> None:
    client.raw(gateway, b"no http at all\r\n\r\n")
    client.raw(gateway, b"GET /nameless HTTP/1.1\r\n\r\n")
    client.raw(gateway, b"GET /old HTTP/1.0\r\nHost: shop.example.com\r\n\r\n")
    large = b"X-Large: " + b"x" * 70_000
    client.raw(gateway, b"GET /large HTTP/1.1\r\nHost: shop.example.com\r\n" + large + b"\r\n\r\n")
    client.leave(gateway, Request("reviews.example.com", "/left", behavior="delay=250"), 0.05)


def _other_protocols(client: Client, gateway: str) -> None:
    client.websocket(gateway, Request("reviews.example.com", "/socket"))
    for method in ("Say", "Fail", "Reset"):
        client.grpc(gateway, "echo.example.com", f"/echo.Echo/{method}")
    client.grpc(gateway, "unknown.example.com", "/echo.Echo/Say")
    client.grpc(gateway, "dead.example.com", "/echo.Echo/Say")
    client.tls(gateway, Request("secure.example.com", "/h2"))
    client.tls(gateway, Request("secure.example.com", "/h1"), http2=False)
    # An HTTP/2 client that reuses a connection lands in the table of another host.
    client.tls(gateway, Request("pay.example.com"), server_name="secure.example.com")
    client.tls(gateway, Request("nobody.example.com"))
    hello = b"GET / HTTP/1.1\r\nHost: tcp.example.com\r\n\r\n"
    client.tcp(gateway, 9000, hello)
    client.tcp(gateway, 9001, hello)


def _too_many_at_once(lab: Lab, gateway: str) -> None:
    """Ask a service that takes one request and lets one wait for more than these."""
    request = Request("busy.example.com", "/report", behavior="delay=500")
    lab.play(Step(at_s, lambda: lab.client.http(gateway, request)) for at_s in (0.0, 0.1, 0.2, 0.2))


EVERY_OUTCOME = Story(SERVICES, LAYOUT, _tell, gateways=2)
