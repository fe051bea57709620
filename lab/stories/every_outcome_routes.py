"""The layout of the story ``every-outcome``: a host for each thing that can become of a request.

Port 8080 has the tables of several VirtualServices, 8081 the blackhole virtual
host of Istio 1.3 to 1.7, 8443 terminates TLS with one filter chain for each
server name, 9000 passes TCP on and 9001 to where nobody listens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.clusters import NOBODY, Service
from lab.listeners import Layout
from lab.policies import deny, limit
from lab.routes import (
    answer_directly,
    blackhole,
    for_filter,
    redirect_to,
    route_to,
    split_between,
    virtual_host,
)

if TYPE_CHECKING:
    from lab.envoy_config import Config

__all__ = ["LAYOUT", "SERVICES"]

_V1 = Service("reviews.shop", ("reviews-v1",), subset="v1")
_V2 = Service("reviews.shop", ("reviews-v2",), subset="v2")
_SHOP = Service("shop.shop", ("shop-a", "shop-b"))
_SECURE = Service("secure.shop", ("secure",))
_ECHO = Service("echo.shop", ("echo",), http2=True)
_BUSY = Service("busy.shop", ("busy",), limit=1)
_DEAD = Service("dead.shop", (NOBODY,))
_EMPTY = Service("empty.shop", ())
_MISSING = Service("missing.shop", ())

SERVICES = (_V1, _V2, _SHOP, _SECURE, _ECHO, _BUSY, _DEAD, _EMPTY)
"""All but the missing one."""

_EVERYONE = {"percentage": {"numerator": 100, "denominator": "HUNDRED"}}
_NO_RETRIES: Config = {"retry_policy": {"num_retries": 0}}


def _faults() -> list[Config]:
    abort = {"http_status": 555, **_EVERYONE}
    delay = {"fixed_delay": "0.05s", **_EVERYONE}
    return [
        for_filter(route_to(_SHOP, "/abort"), "fault", "fault.v3.HTTPFault", abort=abort),
        for_filter(route_to(_SHOP, "/delay"), "fault", "fault.v3.HTTPFault", delay=delay),
    ]


def _cors() -> Config:
    return for_filter(
        route_to(_SHOP), "cors", "cors.v3.CorsPolicy",
        allow_origin_string_match=[{"exact": "https://app.example.com"}],
        allow_methods="GET",
    )  # fmt: skip


_HOSTS = (
    virtual_host(
        "reviews.example.com",
        split_between(
            {_V1: 90, _V2: 10},
            name="reviews",
            owner="shop/reviews",
            timeout="1s",
            upgrade_configs=[{"upgrade_type": "websocket"}],
        ),
    ),
    virtual_host(
        "shop.example.com", route_to(_SHOP, "/api", name="shop-api"), route_to(_SHOP, "/static")
    ),
    virtual_host("echo.example.com", route_to(_ECHO)),
    virtual_host("busy.example.com", route_to(_BUSY)),
    virtual_host(
        "retries.example.com",
        route_to(_SHOP, "/failing", retry_policy={"retry_on": "5xx", "num_retries": 1}),
        route_to(_DEAD),
    ),
    virtual_host("dead.example.com", route_to(_DEAD, **_NO_RETRIES)),
    virtual_host("empty.example.com", route_to(_EMPTY)),
    virtual_host("missing.example.com", route_to(_MISSING)),
    virtual_host("faults.example.com", *_faults()),
    virtual_host("limited.example.com", limit(route_to(_SHOP))),
    virtual_host("private.example.com", deny(route_to(_SHOP))),
    virtual_host("old.example.com", redirect_to("shop.example.com")),
    virtual_host("closed.example.com", answer_directly(404, name="closed")),
    virtual_host("cors.example.com", _cors()),
)

LAYOUT = Layout(
    http={8080: _HOSTS, 8081: [blackhole()]},
    tls={
        name: [virtual_host(name, route_to(_SECURE), port=443)]
        for name in ("secure.example.com", "pay.example.com")
    },
    tcp={9000: _SECURE, 9001: _DEAD},
)
