r"""Seeded access logs of two Istio ingress gateways, in the shape of five eras.

The same arguments give the same bytes on every machine: the only source of chance is
`random.Random(seed)` through `random()` and `getrandbits()`, everything else is a table that does
not depend on the seed. `shuffled` changes the order of the keys and nothing else. Lines stand in
the order in which requests end, as Envoy writes them, so `start_time` is not sorted; none is
before `start`.

The outcomes follow the eras: no details before Istio 1.9, no cluster without an upstream host up
to 1.8, no connection records without a filter chain before 1.8, metrics scrapes on port 15090 in
place of health checks on port 15021 up to 1.5, and in 1.1 and 1.5 no virtual host on port 8080 of
the second gateway, whose requests end in the legacy blackhole.

`python -m benchmarks.generator --lines 500000 --era 1.28 --shuffled -o /tmp/gateway.log`
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from operator import itemgetter
from pathlib import Path
from random import Random
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from os import PathLike

_Record = dict[str, Any]
_Choice = TypeVar("_Choice")

START: Final = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
"""When the log starts unless told otherwise."""

LOST_HOST: Final = "checkout.example.com"
"""Loses its route after two fifths of the log: all its requests are NR 404 from then on."""

BROKEN_CLUSTER: Final = "outbound|80||search.discovery.svc.cluster.local"
"""Refuses the connection (503 UF,URX) of 30 % of its requests in the last third of the log."""

BAD_UPSTREAM_HOST: Final = "10.244.4.32:8080"
"""Resets every request (503 UC) in the last half of the log; one pod of the cluster `catalog`."""

MAXIMUM_HOSTS: Final = 1000
"""More hosts than this would leave the pods without addresses."""


class Era(StrEnum):
    """The Istio version whose default JSON format the records have."""

    V1_1 = "1.1"
    """21 keys, all strings, `-` when missing; no route name, no transport failure reason."""
    V1_5 = "1.5"
    """23 keys, all strings, `-` when missing."""
    V1_8 = "1.8"
    """22 keys, typed, null when missing; no details."""
    V1_22 = "1.22"
    """24 keys, typed, every number a float."""
    V1_28 = "1.28"
    """24 keys, typed."""


_STRING_ERAS: Final = (Era.V1_1, Era.V1_5)
_NO_DETAILS_ERAS: Final = (Era.V1_1, Era.V1_5, Era.V1_8)


class IncidentStarts(NamedTuple):
    """Index of the first record that each part of the incident can touch."""

    lost_host: int
    broken_cluster: int
    bad_upstream_host: int


def incident_starts(count: int) -> IncidentStarts:
    """Return where in a log of `count` records the parts of the incident begin.

    Args:
        count: The number of records in the log.

    Returns:
        The zero-based indexes: two fifths, two thirds and half of the log.
    """
    return IncidentStarts(
        lost_host=-(-count * 2 // 5),
        broken_cluster=-(-count * 2 // 3),
        bad_upstream_host=-(-count // 2),
    )


# --- Words ------------------------------------------------------------------------------------

_CHROME: Final = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome"
_SAFARI: Final = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1"
_BROWSERS: Final = (
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME}/142.0.0.0 Safari/537.36",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME}/142.0.0.0 Safari/537.36",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME}/141.0.0.0 Safari/537.36",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME}/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_CHROME}/142.0.0.0 Safari/537.36",
    f"Mozilla/5.0 (X11; Linux x86_64) {_CHROME}/142.0.0.0 Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 10; K) {_CHROME}/142.0.0.0 Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 10; K) {_CHROME}/141.0.0.0 Mobile Safari/537.36",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_SAFARI} Safari/605.1.15",
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) {_SAFARI} Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
    "Mozilla/5.0 (compatible; ExampleBot/2.1; +https://www.example.org/bot.html)",
)
_WEB_CLIENTS: Final = (*_BROWSERS, *["ExampleShop/8.42.1 (iOS 18.7; iPhone17,1)"] * 8)
_STATIC_CLIENTS: Final = (*_BROWSERS, *["ExampleCDN/2.7 (edge)"] * 26)
_API_CLIENTS: Final = (
    _BROWSERS[0],
    _BROWSERS[6],
    "ExampleShop/8.42.1 (iOS 18.7; iPhone17,1) Alamofire/5.10",
    "ExampleShop/8.42.1 (iOS 18.6; iPhone15,3) Alamofire/5.10",
    "ExampleShop/8.41.3 (Android 16; Pixel 9) okhttp/5.1.0",
    "ExampleShop/8.40.0 (Android 15; SM-S921B) okhttp/4.12.0",
    "okhttp/4.12.0",
    "okhttp/5.1.0",
    "python-requests/2.32.5",
    "axios/1.12.2",
    "axios/1.12.2",
    "Apache-HttpClient/5.5 (Java/21.0.8)",
    "Go-http-client/2.0",
    "PostmanRuntime/7.49.1",
    None,
)
_GRPC_CLIENTS: Final = (
    "grpc-go/1.76.0",
    "grpc-java-netty/1.76.0",
    "grpc-dotnet/2.71.0 (.NET 9.0.10; CLR 9.0.10; net9.0; linux; x64)",
    "grpc-python/1.76.0 grpc-c/50.0.0 (linux; chttp2)",
)
_SCANNERS: Final = (
    "Mozilla/5.0 (compatible; CensusProbe/1.1; +https://scan.example.org/)",
    "Mozilla/5.0 zgrab/0.x",
    "Go-http-client/1.1",
    "curl/8.14.1",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME}/108.0.0.0 Safari/537.36",
    None,
    "\"><script>alert('x')</script>",
    "café-scanner/0.3",
)
_SCANNED_PATHS: Final = (
    "/",
    "/.env",
    "/.git/config",
    "/wp-login.php",
    "/favicon.ico",
    "/robots.txt",
    "/actuator/health",
    "/solr/admin/info/system?wt=json",
    "/boaform/admin/formLogin?username=admin&psd=admin",
    "/cgi-bin/luci/;stok=/locale?form=country&operation=write",
    "/index.php?s=/index/\\think\\app/invokefunction&function=call_user_func_array",
    "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php",
    "/owa/auth/logon.aspx?url=https%3a%2f%2f198.51.100.10%2fecp",
    "/?q=%22%3E%3Cscript%3E",
    '/search?q="quoted"&lang=français',
    "//libs/js/iframe.js",
)
_SCANNED_NAMES: Final = tuple(
    f"{name}.example.{suffix}"
    for suffix in ("com", "org")
    for name in (
        "admin-old",
        "dev",
        "staging",
        "vpn",
        "mail",
        "jenkins",
        "gitlab",
        "phpmyadmin",
        "test1",
        "x7fk2q",
    )
)
_SCANNED_ADDRESSES: Final = tuple(
    f"198.51.100.{10 + number // 4}{('', '', ':80', ':8080')[number % 4]}" for number in range(16)
)
_UNKNOWN_PATHS: Final = (
    "/",
    "/favicon.ico",
    "/robots.txt",
    "/apple-touch-icon-precomposed.png",
    "/v0/status",
    "/api/v9/orders?limit=100&offset=0&include=customer,items",
    "/wp-content/plugins/hello.php",
    "/.well-known/security.txt",
    "/index.html",
    "/metrics",
    "/swagger/index.html",
    "/graphql?query=%7B__schema%7Btypes%7Bname%7D%7D%7D",
)
_UNKNOWN_SERVER_NAMES: Final = (
    "shop.example.net",
    "198-51-100-10.example.net",
    "mail.example.net",
    "old-api.example.org",
    "preview-1138.example.com",
    None,
)

# A `#` in a path stands for a number that comes back now and then, a `*` for one that does not.
_WEB_PATHS: Final = (
    "",
    "help/delivery",
    "?utm_source=newsletter&mid=*",
    "category/#?page=2&sort=price",
    "item/#",
    "item/#?ref=home&imp=*",
    "item/#/reviews",
    "account/orders/*",
)
_API_PATHS: Final = (
    "",
    "/#",
    "/*",
    "/*/items",
    "?customer=#&status=open",
    "/#/availability",
    "/*/history?from=2026-09-01",
    "/batch?ids=#,10482,11931",
)
_STATIC_PATHS: Final = (
    "app.4f9c2d71.js",
    "main.93ac10fe.css",
    "fonts/inter-700.woff2",
    "p/#/large@2x.webp?q=80",
    "p/#/large.webp?w=960",
    "p/#/thumb.webp?w=320",
    "p/#/thumb.webp",
    "banners/autumn/hero.avif?v=17",
)
_SEARCH_PATHS: Final = (
    "?q=garden+chair&page=1&session=*",
    "?q=coffee+machine&page=2&price_max=400",
    "?q=rain+jacket&category=#&page=1",
    "?q=caf%C3%A9+table&page=1&lang=fr",
    "/suggest?q=ligh&limit=8",
    "/suggest?q=wireless+head&limit=8",
    "/similar/#?limit=12",
    "/facets?category=#&depth=2",
)
_AUTH_PATHS: Final = (
    "token",
    "token",
    "token",
    "userinfo",
    "keys",
    "authorize?response_type=code&client_id=web-shop&scope=openid%20email&state=*",
    "introspect",
    "sessions/*?prompt=none",
)
_GRPC_METHODS: Final = ("Get", "List", "BatchGet", "Update", "Reserve", "Watch", "Check", "Count")

_BROWSE: Final = (
    *[("GET", 200)] * 25,
    *[("GET", 304)] * 3,
    ("GET", 302),
    ("GET", 206),
    ("HEAD", 200),
    ("POST", 200),
)
_CALL: Final = (
    *[("GET", 200)] * 19,
    *[("POST", 200)] * 4,
    *[("POST", 201)] * 3,
    ("POST", 202),
    ("PUT", 200),
    ("PATCH", 200),
    ("DELETE", 204),
    ("OPTIONS", 204),
    ("GET", 304),
)
_SIGN_IN: Final = (*[("POST", 200)] * 20, *[("GET", 200)] * 8, *[("GET", 302)] * 4)
_RPC: Final = (("POST", 200),)
_BODYLESS: Final = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})
_EMPTY_CODES: Final = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class _Profile:
    """What the requests of one kind of service look like."""

    paths: tuple[str, ...]
    actions: tuple[tuple[str, int], ...]
    agents: tuple[str | None, ...]
    size: int


_PROFILES: Final = {
    "web": _Profile(_WEB_PATHS, _BROWSE, _WEB_CLIENTS, 18_000),
    "api": _Profile(_API_PATHS, _CALL, _API_CLIENTS, 1_900),
    "static": _Profile(_STATIC_PATHS, _BROWSE, _STATIC_CLIENTS, 42_000),
    "search": _Profile(_SEARCH_PATHS, _BROWSE, _API_CLIENTS, 9_500),
    "auth": _Profile(_AUTH_PATHS, _SIGN_IN, _API_CLIENTS, 1_200),
    "grpc": _Profile(_GRPC_METHODS, _RPC, _GRPC_CLIENTS, 340),
}


# --- The installation ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _RouteSpec:
    """One route of a virtual service: `name` None is an unnamed one, `split` is v1/v2 90/10."""

    name: str | None
    prefix: str
    profile: str
    service: str
    median: int
    sigma: float = 0.6
    port: int = 80
    split: bool = False


@dataclass(frozen=True, slots=True)
class _HostSpec:
    """One host: `plain` ones are served on port 8080 as well, `role` has outcomes of its own."""

    name: str
    routes: tuple[_RouteSpec, ...]
    role: str = ""
    plain: bool = False


_R: Final = _RouteSpec
_HOSTS: Final = (
    _HostSpec(
        "shop.example.com",
        (
            _R("pages", "/", "web", "front.shop", 62, split=True),
            _R("assets", "/static/", "static", "assets.shop", 4),
        ),
    ),
    _HostSpec(
        "api.example.com",
        (
            _R("orders-v1", "/api/v1/orders", "api", "orders.shop", 38, port=8080),
            _R("catalog-v1", "/api/v1/products", "api", "catalog.shop", 17),
            _R(None, "/api/v1/prices", "api", "pricing.shop", 9),
        ),
    ),
    _HostSpec(
        "search.example.com",
        (_R("search-all", "/v2/search", "search", "search.discovery", 88, sigma=0.8),),
    ),
    _HostSpec(
        "img.example.com", (_R(None, "/", "static", "images.media", 6, sigma=0.9),), plain=True
    ),
    _HostSpec(
        "auth.example.com",
        (
            _R("oidc", "/oauth2/", "auth", "identity.auth", 31, split=True),
            _R(None, "/internal/", "auth", "directory.auth", 24),
        ),
        role="denied",
    ),
    _HostSpec(
        LOST_HOST,
        (
            _R("checkout-api", "/api/v3/checkout", "api", "checkout.shop", 74),
            _R("checkout-pages", "/checkout/", "web", "checkout-web.shop", 55),
        ),
        plain=True,
    ),
    _HostSpec(
        "rpc.example.org",
        (
            _R(
                "cart-rpc",
                "/shop.cart.v1.CartService/",
                "grpc",
                "cart-grpc.shop",
                7,
                port=9090,
                split=True,
            ),
        ),
        role="grpc",
    ),
    _HostSpec(
        "www.example.org",
        (
            _R(None, "/", "web", "portal.www", 29),
            _R(None, "/media/", "static", "portal-media.www", 5),
        ),
        role="moved",
    ),
    _HostSpec(
        "live.example.com",
        (_R("live-api", "/api/live", "api", "live.events", 12, port=8080),),
        role="websocket",
    ),
    _HostSpec(
        "payments.example.com",
        (
            _R("payments-v2", "/v2/payments", "api", "payments.finance", 140, split=True),
            _R("refunds", "/v2/refunds", "api", "refunds.finance", 165),
        ),
        role="fault",
    ),
    _HostSpec(
        "billing.example.org",
        (_R("invoices", "/api/invoices", "api", "billing.finance", 49),),
        role="limited",
    ),
    _HostSpec(
        "partners.example.org",
        (
            _R("partner-api", "/api/partners", "api", "partners.b2b", 33, split=True),
            _R(None, "/feeds", "api", "feeds.b2b", 210, sigma=0.9),
        ),
        role="missing",
    ),
    _HostSpec(
        "stock.example.org",
        (
            _R(
                "stock-rpc",
                "/warehouse.stock.v2.StockService/",
                "grpc",
                "stock-grpc.warehouse",
                5,
                port=9090,
            ),
            _R(
                None,
                "/warehouse.location.v1.LocationService/",
                "grpc",
                "location-grpc.warehouse",
                4,
                port=9090,
            ),
        ),
        role="grpc",
    ),
    _HostSpec(
        "media.example.com", (_R("media", "/", "static", "media.media", 8, sigma=0.9),), plain=True
    ),
    _HostSpec(
        "reviews.example.com",
        (
            _R("reviews", "/api/reviews", "api", "reviews.shop", 22, split=True),
            _R("ratings", "/api/ratings", "api", "ratings.shop", 11),
            _R(None, "/widgets/", "web", "review-widgets.shop", 19),
        ),
    ),
    _HostSpec(
        "reports.example.org",
        (_R("reports", "/api/reports", "api", "reports.analytics", 420, sigma=0.9),),
    ),
    _HostSpec("docs.example.org", (_R(None, "/", "web", "docs.www", 13),), plain=True),
    _HostSpec(
        "accounts.example.com",
        (
            _R("profile", "/api/v2/profile", "api", "accounts.auth", 21),
            _R("consents", "/api/v2/consents", "api", "consents.auth", 18),
        ),
    ),
    _HostSpec("maps.example.com", (_R(None, "/tiles/", "static", "tiles.geo", 10, sigma=0.8),)),
    _HostSpec("notify.example.com", (_R("push", "/v1/devices", "api", "push.events", 15),)),
    _HostSpec(
        "recommend.example.com",
        (_R("recommend", "/v1/recommendations", "search", "recommend.discovery", 58, split=True),),
    ),
    _HostSpec("status.example.org", (_R("status-page", "/", "web", "status.ops", 3),), plain=True),
    _HostSpec("cms.example.org", (_R(None, "/content/", "web", "cms.www", 96),)),
    _HostSpec("legacy.example.org", (_R("legacy", "/app/", "web", "legacy.www", 230, sigma=0.7),)),
)


def _host_specs(hosts: int) -> tuple[_HostSpec, ...]:
    """Return the first `hosts` hosts, with tenants after the ones that have a name."""
    tenants = tuple(
        _HostSpec(
            f"tenant-{number}.example.org",
            (
                _R(
                    "tenant-api" if number % 2 else None,
                    "/api/tenant",
                    "api",
                    f"tenant-{number}.tenants",
                    12 + number % 80,
                ),
            ),
        )
        for number in range(len(_HOSTS) + 1, hosts + 1)
    )
    return (*_HOSTS[:hosts], *tenants)


_QUANTILES: Final = 2048
_NORMAL: Final = tuple(
    NormalDist().inv_cdf((number + 0.5) / _QUANTILES) for number in range(_QUANTILES)
)
_CLIENTS: Final = tuple(
    f"{('192.0.2', '198.51.100', '203.0.113')[number % 3]}.{1 + number // 3 % 254}"
    for number in range(1024)
)
_BALANCERS: Final = tuple(f"10.0.{number}.{17 + 13 * number}" for number in range(16))
_GATEWAYS: Final = ("10.8.0.11", "10.8.1.12")
_TLS_PORT: Final = ":8443"
_PLAIN_PORT: Final = ":8080"
_SLOWEST: Final = 14_999
_OVERHEADS: Final = (0, 1, 1, 2)
_INJECTED_DELAY: Final = 3000
_BALANCED_WAYS: Final = 2
_BROKEN_SHARE: Final = 0.3
_OUTCOME_PLACES: Final = 16_384
_ORDERS: Final = 1024
_ORDER_SEED: Final = 0x0D3E


def _lognormal(median: float, sigma: float, highest: int) -> tuple[int, ...]:
    """Return evenly spaced quantiles of a lognormal distribution as whole numbers."""
    return tuple(min(int(median * math.exp(sigma * z)), highest) for z in _NORMAL)


class _Template(NamedTuple):
    """A path around one number, or around none when `bits` is 0."""

    head: str
    bits: int
    tail: str


def _template(path: str) -> _Template:
    """Read `#` (a number that comes back) and `*` (one that does not) in a path.

    A path may have both; the one that comes back is then a fixed number.
    """
    head, mark, tail = path.partition("*")
    if mark:
        return _Template(head.replace("#", "10417"), 36, tail.replace("#", "10417"))
    head, mark, tail = path.partition("#")
    return _Template(head, 14, tail.replace("#", "2")) if mark else _Template(path, 0, "")


class _Cluster(NamedTuple):
    """One upstream cluster and the addresses of its pods."""

    name: str
    pods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Route:
    """A route with all its tables; a split has ten places in `clusters`."""

    name: str | None
    paths: tuple[_Template, ...]
    actions: tuple[tuple[str, int], ...]
    agents: tuple[str | None, ...]
    clusters: tuple[_Cluster, ...]
    durations: tuple[int, ...]
    sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Host:
    """A known host; the first of its `routes` serves half of the requests."""

    name: str
    routes: tuple[_Route, ...]
    role: str
    plain: bool
    catch_all: bool

    @property
    def grpc(self) -> bool:
        """Whether local replies are HTTP 200 with the error in grpc-status."""
        return self.role == "grpc"


def _clusters(spec: _RouteSpec, ordinal: int) -> tuple[_Cluster, ...]:
    """Return the clusters of a route; `ordinal` gives the first one its addresses."""
    service, namespace = spec.service.split(".")
    target = 9090 if spec.profile == "grpc" else 8080
    found = []
    for subset in ("v1", "v2") if spec.split else ("",):
        pods = 3 + ordinal * 5 % 6
        network = f"10.{244 + ordinal // 256}.{ordinal % 256}"
        name = f"outbound|{spec.port}|{subset}|{service}.{namespace}.svc.cluster.local"
        addresses = tuple(f"{network}.{11 + 7 * pod}:{target}" for pod in range(pods))
        found.append(_Cluster(name, addresses))
        ordinal += 1
    return (*found[:1] * 9, found[1]) if spec.split else tuple(found)


def _installation(hosts: int) -> tuple[_Host, ...]:
    """Build the hosts, most popular first."""
    ordinal = 0
    built = []
    for spec in _host_specs(hosts):
        routes = []
        for route in spec.routes:
            profile = _PROFILES[route.profile]
            routes.append(
                _Route(
                    name=route.name,
                    paths=tuple(_template(route.prefix + path) for path in profile.paths),
                    actions=profile.actions,
                    agents=profile.agents,
                    clusters=_clusters(route, ordinal),
                    durations=_lognormal(route.median, route.sigma, _SLOWEST),
                    sizes=_lognormal(profile.size, 0.9, 4_000_000),
                )
            )
            ordinal += 2 if route.split else 1
        slots = (*routes[:1] * max(1, len(routes) - 1), *routes[1:])
        catch_all = any(route.prefix == "/" for route in spec.routes)
        built.append(_Host(spec.name, slots, spec.role, spec.plain, catch_all))
    return tuple(built)


def _popularity(hosts: Sequence[_Host]) -> tuple[_Host, ...]:
    """Return a table in which every host has places by its rank."""
    weights = [1 / (rank + 1.5) for rank in range(len(hosts))]
    scale = 8192 / sum(weights)
    return tuple(
        host
        for host, weight in zip(hosts, weights, strict=True)
        for _ in range(max(1, int(weight * scale)))
    )


# --- Outcomes -----------------------------------------------------------------------------------

_NO_UPSTREAM: Final[dict[str, object]] = {
    "upstream_host": None,
    "upstream_local_address": None,
}
_NO_CLUSTER: Final[dict[str, object]] = {**_NO_UPSTREAM, "upstream_cluster": None}


def _reply(
    code: int, flags: str, details: str, body: str = "", failure: str | None = None
) -> dict[str, object]:
    """Return what a request that the gateway answered by itself logs."""
    return {
        "bytes_sent": len(body),
        "response_code": code,
        "response_code_details": details,
        "response_flags": flags,
        "upstream_service_time": None,
        "upstream_transport_failure_reason": failure,
    }


_RESET_BODY: Final = "upstream connect error or disconnect/reset before headers. reset reason: "
_REFUSED: Final = "delayed_connect_error:_111"
_REFUSED_DETAILS: Final = (
    f"upstream_reset_before_response_started{{remote_connection_failure,{_REFUSED}}}"
)
_REFUSED_BODY: Final = (
    f"{_RESET_BODY}remote connection failure, transport failure reason: {_REFUSED}"
)
_NO_ROUTE: Final[dict[str, object]] = {
    **_reply(404, "NR", "route_not_found"),
    **_NO_CLUSTER,
    "duration": 0,
    "route_name": None,
}


@dataclass(frozen=True, slots=True)
class _Outcome:
    """Something else than a request served without trouble.

    Attributes:
        weight: Share of all records, in 16384ths.
        fields: What it logs in place of the values of a served request.
        elapsed: Lowest duration and width of the range; None keeps the duration.
        role: The hosts it happens to; empty for all.
        change: Further changes to the record.
        stray: Writes a record that belongs to no known host.
    """

    weight: int
    fields: Mapping[str, object] = field(default_factory=dict)
    elapsed: tuple[int, int] | None = None
    role: str = ""
    change: Callable[[_Traffic, _Record], None] | None = None
    stray: Callable[[_Traffic], _Record] | None = None

    def fields_for(self, host: _Host) -> Mapping[str, object]:
        """Return the fields as a gRPC host or another host logs them."""
        code = self.fields.get("response_code", 0)
        if not (host.grpc and isinstance(code, int) and code >= _FIRST_ERROR):
            return self.fields
        if "response_code_details" not in self.fields:
            return {}  # the application's errors are in grpc-status
        return {**self.fields, "bytes_sent": 0, "response_code": 200}


_FIRST_ERROR: Final = 400
_RESET: Final = _Outcome(
    weight=12,
    fields=_reply(
        503,
        "UC",
        "upstream_reset_before_response_started{connection_termination}",
        f"{_RESET_BODY}connection termination",
    ),
)
_CONNECT_FAILURE: Final = _Outcome(
    weight=12,
    fields=_reply(503, "UF,URX", _REFUSED_DETAILS, _REFUSED_BODY, _REFUSED)
    | {"upstream_local_address": None},
    elapsed=(26, 160),
)
_UNROUTED: Final = _Outcome(weight=0, fields=_NO_ROUTE)


def _application(weight: int, code: int, size: int, flags: str = "-") -> _Outcome:
    """Return an error of the application, which answers by itself."""
    return _Outcome(weight, {"bytes_sent": size, "response_code": code, "response_flags": flags})


def _outcomes() -> tuple[_Outcome, ...]:
    """Return every outcome but a request served without trouble."""
    refused = _CONNECT_FAILURE.fields
    return (
        _RESET,
        _CONNECT_FAILURE,
        _application(180, 404, 153),
        _application(40, 400, 212),
        _application(60, 401, 96),
        _application(25, 403, 118),
        _application(20, 409, 240),
        _application(25, 422, 377),
        _application(12, 429, 64),
        _application(35, 500, 131),
        _application(8, 502, 150),
        _application(12, 503, 107),
        _application(8, 503, 107, "URX"),
        # Nobody's host, or a known host and an unknown path
        _Outcome(160, stray=_Traffic.scan),
        _Outcome(60, _NO_ROUTE, role="strict", change=_Traffic.unknown_path),
        # Upstream
        _Outcome(
            12,
            _reply(503, "UH", "no_healthy_upstream", "no healthy upstream") | _NO_UPSTREAM,
            (0, 2),
        ),
        _Outcome(6, {**refused, "response_flags": "UF"}, (1, 30)),
        _Outcome(6, refused, (26, 160), role="grpc"),
        _Outcome(
            12, _reply(504, "UT", "response_timeout", "upstream request timeout"), (15_000, 4)
        ),
        _Outcome(
            8,
            _reply(
                503,
                "UO",
                "upstream_reset_before_response_started{overflow}",
                f"{_RESET_BODY}overflow",
            )
            | {"upstream_local_address": None},
            (0, 2),
        ),
        # Clients
        _Outcome(30, _reply(0, "DC", "downstream_remote_disconnect"), change=_Traffic.impatience),
        _Outcome(10, {"response_flags": "DC"}),
        # Policy
        _Outcome(
            25,
            _reply(429, "RL", "local_rate_limited", "local_rate_limited")
            | _NO_UPSTREAM
            | {"route_name": None},
            (0, 2),
            role="limited",
        ),
        _Outcome(
            25,
            _reply(403, "-", "rbac_access_denied_matched_policy[none]", "RBAC: access denied")
            | _NO_UPSTREAM
            | {"route_name": None},
            (0, 2),
            role="denied",
        ),
        _Outcome(
            8,
            _reply(503, "FI", "fault_filter_abort", "fault filter abort")
            | _NO_UPSTREAM
            | {"route_name": None},
            (0, 2),
            role="fault",
        ),
        _Outcome(10, {"response_flags": "DI"}, role="fault", change=_Traffic.delay),
        _Outcome(
            8,
            _reply(503, "NC", "cluster_not_found")
            | _NO_CLUSTER
            | {"route_name": "partner-beta", "path": "/beta/partners/contracts?limit=50"},
            (0, 1),
            role="missing",
        ),
        _Outcome(
            130,
            _reply(301, "-", "direct_response") | _NO_CLUSTER | {"route_name": None},
            (0, 1),
            role="tls_only",
            change=_Traffic.on_plain_port,
        ),
        _Outcome(
            20,
            _reply(301, "-", "direct_response")
            | _NO_CLUSTER
            | {"route_name": "moved-permanently", "path": "/shop/index.html"},
            (0, 1),
            role="moved",
        ),
        # Other kinds of traffic
        _Outcome(
            30,
            {
                "method": "GET",
                "protocol": "HTTP/1.1",
                "response_code": 101,
                "route_name": "live-socket",
                "upstream_service_time": "3",
            },
            role="websocket",
            change=_Traffic.websocket,
        ),
        _Outcome(20, stray=_Traffic.connection),
        _Outcome(8, stray=_Traffic.passthrough),
        _Outcome(90, stray=_Traffic.own),
    )


# --- Traffic ------------------------------------------------------------------------------------

_BLANK: Final[dict[str, object]] = {
    "authority": None,
    "bytes_received": 0,
    "bytes_sent": 0,
    "connection_termination_details": None,
    "downstream_local_address": None,
    "downstream_remote_address": None,
    "duration": 0,
    "method": None,
    "path": None,
    "protocol": None,
    "request_id": None,
    "requested_server_name": None,
    "response_code": 0,
    "response_code_details": None,
    "response_flags": "-",
    "route_name": None,
    "start_time": None,
    "upstream_cluster": None,
    "upstream_host": None,
    "upstream_local_address": None,
    "upstream_service_time": None,
    "upstream_transport_failure_reason": None,
    "user_agent": None,
    "x_forwarded_for": None,
}
_DETAILS: Final = ("connection_termination_details", "response_code_details")
_NUMBERS: Final = ("bytes_received", "bytes_sent", "duration", "response_code")
_STRING_KEYS: Final = tuple(sorted({*_BLANK, "istio_policy_status"} - {*_DETAILS}))
_KEYS: Final = {
    Era.V1_1: tuple(
        key
        for key in _STRING_KEYS
        if key not in {"route_name", "upstream_transport_failure_reason"}
    ),
    Era.V1_5: _STRING_KEYS,
    Era.V1_8: tuple(key for key in _BLANK if key not in _DETAILS),
    Era.V1_22: tuple(_BLANK),
    Era.V1_28: tuple(_BLANK),
}


class _Traffic:
    """Writes one record after the other; all state is the clock and the source of chance."""

    def __init__(self, era: Era, seed: int, hosts: int, rate: float, start: datetime) -> None:
        if not 1 <= hosts <= MAXIMUM_HOSTS:
            raise ValueError(f"hosts must be from 1 to {MAXIMUM_HOSTS}, not {hosts}")
        if not rate > 0:
            raise ValueError(f"rate_per_second must be positive, not {rate}")
        if start.tzinfo is None:
            raise ValueError("start needs a time zone")
        chance = Random(seed)
        self.random = chance.random
        self.bits = chance.getrandbits
        self.era = era
        known = _installation(hosts)
        self.hosts = _popularity(known)
        self.roles = {"": self.hosts}
        for host in known:
            if host.role:
                self.roles[host.role] = (*self.roles.get(host.role, ()), host)
        self.roles["strict"] = tuple(host for host in self.hosts if not host.catch_all)
        self.roles["tls_only"] = tuple(
            host for host in self.hosts if not host.plain and not host.grpc
        )
        self.table: list[_Outcome | None] = []
        for outcome in _outcomes():
            if self.roles.get(outcome.role):
                self.table += [outcome] * outcome.weight
        self.table += [None] * (_OUTCOME_PLACES - len(self.table))
        self.plain_gateways = _GATEWAYS[:1] * 2 if era in _STRING_ERAS else _GATEWAYS
        self.gaps = tuple(
            int(-1_000_000 / rate * math.log(1 - (number + 0.5) / _QUANTILES))
            for number in range(_QUANTILES)
        )
        utc = start.astimezone(UTC)
        self.origin = utc.replace(microsecond=0)
        self.first = utc.microsecond // 1000
        self.clock = utc.microsecond
        self.seconds: dict[int, str] = {}

    def run(self, count: int, starts: IncidentStarts) -> Iterator[_Record]:
        """Yield the records of a log."""
        for index in range(count):
            self.clock += self.gaps[self.bits(11)]
            outcome = self.table[self.bits(14)]
            if outcome is not None and outcome.stray is not None:
                record = outcome.stray(self)
            else:
                record = self.known(index, outcome, starts)
            record["start_time"] = self.start_time(record["duration"])
            yield self.convert(record)

    def known(self, index: int, outcome: _Outcome | None, starts: IncidentStarts) -> _Record:
        """Return a request for a known host."""
        host = self.pick(self.hosts if outcome is None else self.roles[outcome.role])
        record = self.request(host)
        if index >= starts.lost_host and host.name == LOST_HOST:
            outcome = _UNROUTED
        elif (
            index >= starts.broken_cluster
            and record["upstream_cluster"] == BROKEN_CLUSTER
            and self.random() < _BROKEN_SHARE
        ):
            outcome = _CONNECT_FAILURE
        if outcome is not None:
            self.apply(outcome, host, record)
        if index >= starts.bad_upstream_host and record["upstream_host"] == BAD_UPSTREAM_HOST:
            self.apply(_RESET, host, record)
        return record

    def apply(self, outcome: _Outcome, host: _Host, record: _Record) -> None:
        """Turn a served request into one with another outcome."""
        record.update(outcome.fields_for(host))
        if outcome.elapsed is not None:
            lowest, width = outcome.elapsed
            record["duration"] = lowest + int(self.random() * width)
        if outcome.change is not None:
            outcome.change(self, record)

    def pick(self, choices: Sequence[_Choice]) -> _Choice:
        """Return one of the choices."""
        return choices[int(self.random() * len(choices))]

    def start_time(self, duration: int) -> str:
        """Return when a request that ends now has started, never before the log."""
        second, millisecond = divmod(max(self.clock // 1000 - duration, self.first), 1000)
        prefix = self.seconds.get(second)
        if prefix is None:
            moment = self.origin + timedelta(seconds=second)
            prefix = self.seconds[second] = f"{moment:%Y-%m-%dT%H:%M:%S}."
        return f"{prefix}{millisecond:03d}Z"

    def forwarded(self) -> tuple[str, str]:
        """Return x_forwarded_for and downstream_remote_address of a client."""
        client = _CLIENTS[self.bits(10) * self.bits(10) >> 10]
        peer = client
        chain = client
        way = self.bits(4)
        if way < _BALANCED_WAYS:
            peer = _BALANCERS[self.bits(4)]
            chain = f"{client},{peer}"
            if not way:
                chain = f"10.{self.bits(6)}.{self.bits(8)}.{self.bits(7)},{chain}"
        return chain, f"{peer}:{1024 + self.bits(15)}"

    def request_id(self) -> str:
        """Return an identifier as Envoy makes them, one in four marked as traced."""
        digits = f"{self.bits(128):032x}"
        mark = "9" if self.bits(2) == 0 else "4"
        return (
            f"{digits[:8]}-{digits[8:12]}-{mark}{digits[13:16]}"
            f"-{'89ab'[self.bits(2)]}{digits[17:20]}-{digits[20:]}"
        )

    def request(self, host: _Host) -> _Record:
        """Return a request that its upstream served."""
        bits = self.bits
        route = self.pick(host.routes)
        cluster = self.pick(route.clusters)
        method, code = self.pick(route.actions)
        head, width, tail = self.pick(route.paths)
        plain = host.plain and bits(2) == 0
        gateway = (self.plain_gateways if plain else _GATEWAYS)[bits(1)]
        x_forwarded_for, remote = self.forwarded()
        duration = route.durations[bits(11)]
        if bits(7) == 0:
            duration = min(duration * (2 + bits(4)) + bits(9), _SLOWEST)
        return {
            "authority": host.name,
            "bytes_received": 0 if method in _BODYLESS else 40 + bits(11),
            "bytes_sent": 0 if code in _EMPTY_CODES else route.sizes[bits(11)],
            "connection_termination_details": None,
            "downstream_local_address": gateway + (_PLAIN_PORT if plain else _TLS_PORT),
            "downstream_remote_address": remote,
            "duration": duration,
            "method": method,
            "path": f"{head}{bits(width)}{tail}" if width else head,
            "protocol": "HTTP/2" if host.grpc or (not plain and bits(2)) else "HTTP/1.1",
            "request_id": self.request_id(),
            "requested_server_name": None if plain else host.name,
            "response_code": code,
            "response_code_details": "via_upstream",
            "response_flags": "-",
            "route_name": route.name,
            "start_time": None,
            "upstream_cluster": cluster.name,
            "upstream_host": self.pick(cluster.pods),
            "upstream_local_address": f"{gateway}:{32_768 + bits(14)}",
            "upstream_service_time": str(max(0, duration - _OVERHEADS[bits(2)])),
            "upstream_transport_failure_reason": None,
            "user_agent": self.pick(route.agents),
            "x_forwarded_for": x_forwarded_for,
        }

    def unknown_path(self, record: _Record) -> None:
        """Ask for a path that no route of the host has."""
        record["path"] = self.pick(_UNKNOWN_PATHS)

    def impatience(self, record: _Record) -> None:
        """Let the client leave when its own timeout is over."""
        record["duration"] = (1000, 2000, 5000, 10_000)[self.bits(2)] + self.bits(3)

    def delay(self, record: _Record) -> None:
        """Add an injected delay, which is over before the upstream is asked."""
        record["duration"] += _INJECTED_DELAY

    def on_plain_port(self, record: _Record) -> None:
        """Move the request to the port without TLS."""
        record["downstream_local_address"] = self.plain_gateways[self.bits(1)] + _PLAIN_PORT
        record["protocol"] = "HTTP/1.1"
        record["requested_server_name"] = None

    def websocket(self, record: _Record) -> None:
        """Keep the connection open for some heartbeats."""
        heartbeats = 1 + self.bits(5)
        record["bytes_received"] = heartbeats * 96 + self.bits(9)
        record["bytes_sent"] = heartbeats * 310 + self.bits(13)
        record["duration"] = heartbeats * 30_000 + self.bits(3)
        record["path"] = f"/api/live/socket?room={self.bits(12)}&protocol=v2&ticket={self.bits(44)}"

    def scan(self) -> _Record:
        """Return a request of a scanner: an address or a name that nobody serves."""
        gateway = self.pick(_GATEWAYS)
        named = self.bits(1) == 0
        authority = self.pick(_SCANNED_NAMES if named else _SCANNED_ADDRESSES)
        encrypted = named and self.bits(2) == 0
        x_forwarded_for, remote = self.forwarded()
        record: _Record = _BLANK | _NO_ROUTE
        record["authority"] = authority
        record["downstream_local_address"] = gateway + (_TLS_PORT if encrypted else _PLAIN_PORT)
        record["downstream_remote_address"] = remote
        record["method"] = "POST" if self.bits(3) == 0 else "GET"
        record["path"] = self.pick(_SCANNED_PATHS)
        record["protocol"] = "HTTP/1.1"
        record["request_id"] = self.request_id()
        record["requested_server_name"] = authority if encrypted else None
        record["user_agent"] = self.pick(_SCANNERS)
        record["x_forwarded_for"] = x_forwarded_for
        if gateway not in self.plain_gateways and not encrypted:
            record["response_flags"] = "-"
            record["route_name"] = "default"
        return record

    def connection(self) -> _Record:
        """Return a TLS connection for a name without a filter chain, logged since 1.8."""
        if self.era in _STRING_ERAS:
            return self.passthrough()
        record: _Record = dict(_BLANK)
        record["downstream_local_address"] = self.pick(_GATEWAYS) + _TLS_PORT
        record["downstream_remote_address"] = self.forwarded()[1]
        record["requested_server_name"] = self.pick(_UNKNOWN_SERVER_NAMES)
        record["response_code_details"] = "filter_chain_not_found"
        record["response_flags"] = "NR"
        return record

    def passthrough(self) -> _Record:
        """Return a TLS connection that is passed through to a database."""
        gateway = self.pick(_GATEWAYS)
        record: _Record = dict(_BLANK)
        record["bytes_received"] = 517 + self.bits(12)
        record["bytes_sent"] = 2100 + self.bits(16)
        record["downstream_local_address"] = gateway + _TLS_PORT
        record["downstream_remote_address"] = self.forwarded()[1]
        record["duration"] = 30_000 * (1 + self.bits(4)) + self.bits(3)
        record["requested_server_name"] = "db.example.org"
        record["upstream_cluster"] = "outbound|5432||postgres.data.svc.cluster.local"
        record["upstream_host"] = f"10.243.0.{21 + self.bits(1)}:5432"
        record["upstream_local_address"] = f"{gateway}:{32_768 + self.bits(14)}"
        return record

    def own(self) -> _Record:
        """Return a health check of the kubelet, or a scrape where Envoy saw no health checks."""
        gateway = self.pick(_GATEWAYS)
        scrape = self.era in _STRING_ERAS
        node = f"10.8.255.{1 + self.bits(1)}"
        duration = self.bits(2)
        record: _Record = dict(_BLANK)
        record["authority"] = f"{gateway}:15090" if scrape else f"{gateway}:15021"
        record["bytes_sent"] = 61_440 + self.bits(13) if scrape else 0
        record["downstream_local_address"] = record["authority"]
        record["downstream_remote_address"] = f"{node}:{32_768 + self.bits(14)}"
        record["duration"] = duration
        record["method"] = "GET"
        record["path"] = "/stats/prometheus" if scrape else "/healthz/ready"
        record["protocol"] = "HTTP/1.1"
        record["request_id"] = self.request_id()
        record["response_code"] = 200
        record["response_code_details"] = "via_upstream"
        record["upstream_cluster"] = "prometheus_stats" if scrape else "agent"
        record["upstream_host"] = "127.0.0.1:15000" if scrape else "127.0.0.1:15020"
        record["upstream_local_address"] = f"127.0.0.1:{32_768 + self.bits(14)}"
        record["upstream_service_time"] = str(duration)
        record["user_agent"] = "Prometheus/2.19.0" if scrape else "kube-probe/1.34"
        record["x_forwarded_for"] = node
        return record

    def convert(self, record: _Record) -> _Record:
        """Return the record as the era writes it."""
        if self.era == Era.V1_28:
            return record
        if self.era == Era.V1_22:
            for key in _NUMBERS:
                record[key] = float(record[key])
            return record
        record["upstream_transport_failure_reason"] = None
        if record["upstream_host"] is None:
            record["upstream_cluster"] = None
        keys = _KEYS[self.era]
        if self.era == Era.V1_8:
            return {key: record[key] for key in keys}
        record["istio_policy_status"] = None
        return {key: "-" if (value := record[key]) is None else str(value) for key in keys}


# --- The public functions -----------------------------------------------------------------------


def records(  # noqa: PLR0913 - all but the first are keywords
    count: int,
    *,
    seed: int = 1,
    era: Era = Era.V1_28,
    start: datetime = START,
    hosts: int = 24,
    rate_per_second: float = 140.0,
    incident: bool = True,
) -> Iterator[dict[str, object]]:
    """Return the records of a log, each a new dictionary with sorted keys.

    Args:
        count: How many records.
        seed: Which log out of all that are alike.
        era: Which default format the records have.
        start: The start of the log, with a time zone.
        hosts: How many known hosts, the most popular first.
        rate_per_second: How many requests end in a second, on average.
        incident: Whether `LOST_HOST`, `BROKEN_CLUSTER` and `BAD_UPSTREAM_HOST` fail, from the
            indexes of `incident_starts` on.

    Returns:
        An iterator over the records.

    Raises:
        ValueError: An argument is out of range.
    """
    if count < 0:
        raise ValueError(f"count must not be negative, not {count}")
    starts = incident_starts(count) if incident else IncidentStarts(count, count, count)
    return _Traffic(Era(era), seed, hosts, rate_per_second, start).run(count, starts)


def lines(  # noqa: PLR0913 - all but the first are keywords
    count: int,
    *,
    seed: int = 1,
    era: Era = Era.V1_28,
    start: datetime = START,
    hosts: int = 24,
    rate_per_second: float = 140.0,
    incident: bool = True,
    shuffled: bool = False,
) -> Iterator[bytes]:
    """Return the lines of a log, each with its newline.

    Args:
        count: How many lines.
        seed: As for `records`.
        era: As for `records`.
        start: As for `records`.
        hosts: As for `records`.
        rate_per_second: As for `records`.
        incident: As for `records`.
        shuffled: Write the keys of every line in another order. The eras of strings start
            somewhere in one order and go round, the others use any order. Otherwise they are
            sorted.

    Returns:
        An iterator over the lines.

    Raises:
        ValueError: An argument is out of range.
    """
    found = records(
        count,
        seed=seed,
        era=era,
        start=start,
        hosts=hosts,
        rate_per_second=rate_per_second,
        incident=incident,
    )
    return _shuffled_lines(found, Era(era), seed) if shuffled else _lines(found)


def _lines(found: Iterator[dict[str, object]]) -> Iterator[bytes]:
    """Write records as they are."""
    for record in found:
        yield orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


def _shuffled_lines(found: Iterator[dict[str, object]], era: Era, seed: int) -> Iterator[bytes]:
    """Write records with the keys in one of many orders."""
    chance = Random(seed ^ _ORDER_SEED)
    orders = [sorted(_KEYS[era], key=lambda _: chance.random()) for _ in range(_ORDERS)]
    if era in _STRING_ERAS:
        order = orders[0]
        orders = [order[number:] + order[:number] for number in range(len(order))]
    writers = [(order, itemgetter(*order)) for order in orders]
    for record in found:
        order, values = writers[int(chance.random() * len(writers))]
        yield orjson.dumps(
            dict(zip(order, values(record), strict=True)), option=orjson.OPT_APPEND_NEWLINE
        )


def write(  # noqa: PLR0913 - all but two are keywords
    path: str | PathLike[str],
    count: int,
    *,
    seed: int = 1,
    era: Era = Era.V1_28,
    start: datetime = START,
    hosts: int = 24,
    rate_per_second: float = 140.0,
    incident: bool = True,
    shuffled: bool = False,
) -> int:
    """Write a log to a file.

    Args:
        path: The file, replaced when it exists.
        count: How many lines.
        seed: As for `records`.
        era: As for `records`.
        start: As for `records`.
        hosts: As for `records`.
        rate_per_second: As for `records`.
        incident: As for `records`.
        shuffled: As for `lines`.

    Returns:
        The size of the file in bytes.

    Raises:
        ValueError: An argument is out of range.
        OSError: The file can't be written.
    """
    found = lines(
        count,
        seed=seed,
        era=era,
        start=start,
        hosts=hosts,
        rate_per_second=rate_per_second,
        incident=incident,
        shuffled=shuffled,
    )
    with Path(path).open("wb", buffering=1 << 20) as file:
        file.writelines(found)
        return file.tell()


def main(arguments: Sequence[str] | None = None) -> None:
    """Write a log from the command line.

    Args:
        arguments: The arguments; None takes those of the process.
    """
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.generator",
        description="Write a seeded access log of an Istio ingress gateway.",
    )
    parser.add_argument("--lines", type=int, default=500_000, help="number of lines")
    parser.add_argument("--seed", type=int, default=1, help="which log (default: %(default)s)")
    parser.add_argument(
        "--era", choices=[era.value for era in Era], default=Era.V1_28.value, help="Istio version"
    )
    parser.add_argument("--hosts", type=int, default=24, help="number of known hosts")
    parser.add_argument("--rate", type=float, default=140.0, help="requests per second")
    parser.add_argument("--shuffled", action="store_true", help="another key order in every line")
    parser.add_argument("--no-incident", action="store_true", help="leave out the incident")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the file to write")
    options = parser.parse_args(arguments)
    size = write(
        options.output,
        options.lines,
        seed=options.seed,
        era=Era(options.era),
        hosts=options.hosts,
        rate_per_second=options.rate,
        incident=not options.no_incident,
        shuffled=options.shuffled,
    )
    print(f"{options.output}: {options.lines} lines, {size} bytes")


if __name__ == "__main__":
    main()
