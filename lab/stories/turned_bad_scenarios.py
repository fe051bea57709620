"""The scenarios of the story ``turned-bad``: a host and a service for each."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from lab.client import Client, Request
from lab.clusters import NOBODY, SILENT, Service
from lab.policies import (
    TOKEN,
    answer_by_script,
    ask_limiter,
    authorize,
    buffer_answer,
    check_origin,
    deny,
    limit,
    limit_body,
    need_token,
    process,
)
from lab.routes import answer_directly, route_to

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lab.envoy_config import Config

    _Send = Callable[[Client, str, Request, int], None]

__all__ = ["BODY_LIMIT", "LIMIT", "LIMITED_PORT", "SCENARIOS", "Scenario"]

LIMITED_PORT = 8081
"""Its HTTP connection manager has limits of time. None has one before it turns bad, lest a busy
machine reaches it."""

BODY_LIMIT = 16_384
"""Bytes that are buffered of a connection."""

_UPSTREAM = "app"
LIMIT = "0.5s"
"""How long a request may last where time is limited, and a connection attempt."""

_LATE = "delay=1000"
_STALL = "end=stall"
_HTTP = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A host that is served, and what makes it bad.

    Attributes:
        name: The first part of its host and of its service.
        becomes: What is made of its route; null if that stays as it is.
        leads_to: Where its route leads then; null if to the same service.
        behavior: What its upstream does then.
        action: Settings of its route all along.
        bad_action: More of them then.
        cluster: Settings of its cluster.
        headers: Of all requests.
        body: Of the bad requests; the others have its first byte.
        bad_port: Where it is asked for then.
        path: What is asked for; the gRPC service answers what ends in ``Say``.
        bad_path: What is asked for then, if that is the change.
        http2: Whether its service speaks HTTP/2.
        send: How it is asked.
        send_bad: How it is asked then, if that is the change.
    """

    name: str
    becomes: Callable[[Config], Config] | None = None
    leads_to: Service | None = None
    behavior: str = ""
    action: Config = field(default_factory=dict)
    bad_action: Config = field(default_factory=dict)
    cluster: Config = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    bad_port: int = 8080
    path: str = "/"
    bad_path: str = ""
    http2: bool = False
    send: _Send = Client.http
    send_bad: _Send | None = None

    @property
    def host(self) -> str:
        """Whom clients ask."""
        return f"{self.name}.example.com"

    @property
    def service(self) -> Service:
        """What is behind its route at first."""
        upstream = "echo" if self.http2 else _UPSTREAM
        name = f"{self.name}.shop"
        return Service(name, (upstream,), http2=self.http2, settings=self.cluster)

    def route(self, *, bad: bool) -> Config:
        """Return its route."""
        service = self.leads_to if bad and self.leads_to else self.service
        route = route_to(service, **self.action, **(self.bad_action if bad else {}))
        return self.becomes(route) if bad and self.becomes else route


def _grpc(client: Client, gateway: str, request: Request, port: int) -> None:
    client.grpc(gateway, request.host, request.path, port)


def _leave(client: Client, gateway: str, request: Request, port: int) -> None:
    client.leave(gateway, request, 1.1, port)


def _retries(at_once: int) -> Config:
    return {"circuit_breakers": {"thresholds": [{"max_retries": at_once}]}}


def _direct(status: int) -> Callable[[Config], Config]:
    return lambda _: answer_directly(status)


def _next(name: str, upstream: str, **settings: Any) -> Service:
    """Return the subset of a service to which its route leads when it becomes bad."""
    return Service(f"{name}.shop", (upstream,), subset="next", **settings)


def _limited(name: str) -> Service:
    """Return the same with streams that may last for ``LIMIT``."""
    options = {
        "@type": _HTTP,
        "explicit_http_config": {"http_protocol_options": {}},
        "common_http_protocol_options": {"max_stream_duration": LIMIT},
    }
    extension = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    settings = {"typed_extension_protocol_options": {extension: options}}
    return _next(name, _UPSTREAM, settings=settings)


_GRPC: dict[str, Any] = {"http2": True, "path": "/echo.Echo/Say", "send": _grpc}
_QUICK = {"connect_timeout": LIMIT}
_ONCE: Config = {"retry_policy": {"num_retries": 0}}
_TRY: Config = {"retry_policy": {"num_retries": 1, "retry_on": "5xx", "per_try_timeout": LIMIT}}
_TRY_IDLE: Config = {"retry_policy": {"num_retries": 0, "per_try_idle_timeout": LIMIT}}
_DURATION: Config = {"max_stream_duration": {"max_stream_duration": LIMIT}}
_PLAIN_TLS = {
    "transport_socket": {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3"
            ".UpstreamTlsContext"
        },
    }
}
_WAITING: Config = {
    "retry_policy": {
        "retry_on": "connect-failure",
        "num_retries": 10,
        # The next try is at any time up to this.
        "retry_back_off": {"base_interval": "60s", "max_interval": "60s"},
    }
}

_ANSWERED_BY_THE_GATEWAY = (
    Scenario("direct-503", becomes=_direct(503)),
    Scenario("direct-500", becomes=_direct(500)),
    Scenario("script", becomes=answer_by_script),
)
_REFUSED = (
    Scenario("token-missing", becomes=partial(need_token, keys="local")),
    Scenario(
        "key-unknown",
        becomes=partial(need_token, keys="local"),
        headers={"authorization": f"Bearer {TOKEN}"},
    ),
    Scenario("rbac-deny", becomes=partial(deny, policy="ns[shop]-policy[closed]-rule[0]")),
    Scenario("rbac-nobody", becomes=deny),
    Scenario("authz-no", becomes=partial(authorize, who="no")),
    Scenario(
        "origin", becomes=check_origin, headers={"origin": "https://other.example.org"}, body=b"."
    ),
    Scenario("grpc-denied", becomes=partial(deny, policy="closed"), **_GRPC),
    Scenario("limit-local", becomes=limit),
    Scenario("limit-global", becomes=partial(ask_limiter, name="limiter")),
)
_DEPENDENCIES = (
    Scenario(
        "keys-gone",
        becomes=partial(need_token, keys="remote"),
        headers={"authorization": f"Bearer {TOKEN}"},
    ),
    Scenario("authz-gone", becomes=partial(authorize, who="http")),
    Scenario("authz-gone-grpc", becomes=partial(authorize, who="grpc")),
    Scenario("authz-stuck", becomes=partial(authorize, who="stuck")),
    Scenario("limiter-gone", becomes=partial(ask_limiter, name="limiter_gone")),
    Scenario("processor-gone", becomes=process),
)
_LIMITED = (
    Scenario("route-timeout", bad_action={"timeout": LIMIT}, behavior=_LATE),
    Scenario("try-timeout", bad_action=_TRY, cluster=_retries(100), behavior=_LATE),
    Scenario("try-idle", bad_action=_TRY_IDLE, behavior=_LATE),
    Scenario("idle", bad_action={"idle_timeout": LIMIT}, behavior=_LATE),
    Scenario("route-duration", bad_action=_DURATION, behavior=_LATE),
    Scenario("proxy-duration", bad_port=LIMITED_PORT, behavior=_LATE),
    Scenario("cluster-duration", leads_to=_limited("cluster-duration"), behavior=_LATE),
    Scenario("grpc-timeout", bad_action={"timeout": LIMIT}, bad_path="/echo.Echo/Hang", **_GRPC),
    Scenario("left", behavior="delay=2000", send_bad=_leave),
    Scenario("begun-timeout", bad_action={"timeout": LIMIT}, behavior=_STALL),
    Scenario("begun-idle", bad_action={"idle_timeout": LIMIT}, behavior=_STALL),
    Scenario("begun-duration", bad_action=_DURATION, behavior=_STALL),
    Scenario("begun-proxy-duration", bad_port=LIMITED_PORT, behavior=_STALL),
    Scenario(
        "begun-cluster-duration", leads_to=_limited("begun-cluster-duration"), behavior=_STALL
    ),
)
_FAILED_BY_THE_UPSTREAM = (
    Scenario("garbage", behavior="end=garbage"),
    Scenario("two-lengths", behavior="end=two-lengths"),
    Scenario("begun-chunk", behavior="end=chunk"),
    Scenario("reset", behavior="end=reset"),
    Scenario("failing", behavior="status=503"),
    Scenario("retries-full", bad_action=_TRY, cluster=_retries(0), behavior="status=503"),
    Scenario("truncated", behavior="end=truncate"),
    Scenario("takes-http1", leads_to=_next("takes-http1", _UPSTREAM, http2=True, misnamed=True)),
    Scenario(
        "takes-http2",
        http2=True,
        path="/echo.Echo/Say",
        leads_to=_next("takes-http2", "echo", misnamed=True),
    ),
)
_UNREACHABLE = (
    Scenario("silent", action=_ONCE, leads_to=_next("silent", SILENT, settings=_QUICK)),
    Scenario("dead", action=_ONCE, leads_to=_next("dead", NOBODY)),
    Scenario("plain", action=_ONCE, leads_to=_next("plain", _UPSTREAM, settings=_PLAIN_TLS)),
    Scenario("pool-full", action=_ONCE, leads_to=_next("pool-full", _UPSTREAM, limit=0)),
)
_TOO_LARGE = (
    Scenario("body-large", becomes=limit_body, body=b"x" * 2_000),
    Scenario("answer-large", becomes=buffer_answer, behavior=f"size={2 * BODY_LIMIT}"),
    Scenario(
        "retry-large",
        action=_WAITING,
        leads_to=_next("retry-large", NOBODY, settings=_retries(100)),
        body=b"x" * 3 * BODY_LIMIT,
        send_bad=partial(Client.upload, pause_s=0.4),
    ),
    Scenario(
        "upload-slow",
        bad_port=LIMITED_PORT,
        body=b"x" * 2_000,
        send_bad=partial(Client.upload, pause_s=1.0),
    ),
)

SCENARIOS = (
    *_ANSWERED_BY_THE_GATEWAY,
    *_REFUSED,
    *_DEPENDENCIES,
    *_LIMITED,
    *_FAILED_BY_THE_UPSTREAM,
    *_UNREACHABLE,
    *_TOO_LARGE,
)
"""All of HTTP."""
