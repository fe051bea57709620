"""Random route tables, listeners and requests that meet often, from a seed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from envoylogs.mesh.tables import (
    Action,
    FilterChain,
    Listener,
    NamedMatch,
    PathKind,
    Route,
    RouteMatch,
    RouteTable,
    StringKind,
    StringMatch,
    VirtualHost,
)

_HOSTS = (
    "a.com", "A.com", "www.a.com", "api.a.com", "x.api.a.com", "a.com.", "a.com:80", "a.com:8080",
    "api.a.com:443", "b.com", "b.com:80", ".a.com", "xa.com", "com", "localhost", "10.0.0.1",
    "[::1]", "[::1]:80", "a.com:", "a.com:http", "api.b.org", "API.a.com:80", "a-b.com",
)  # fmt: skip
_DOMAINS = (
    *_HOSTS,
    "*", "*", "*", "*.a.com", "*.com", "*a.com", "*.api.a.com", "*.a.com:80", "*:80", "*.org",
    "api.*", "a.*", "a.com*", "API.A.com", "*.A.COM", "www.*", "[::1]*",
)  # fmt: skip
_PATHS = (
    "/", "/a", "/A", "/a/", "/a/b", "/ab", "/a/b/", "/a//b", "/a%2Fb", "/a?x=1", "/a?x=1&y=2",
    "/a/b?x=", "/a?x", "/a?y=1&x=2", "/a;v=1", "/a;v=1/b", "/a/b;v?x=1", "/a/b.html",
    "/caf%C3%A9", "/a?x=1&x=2", "/a?X=1", "/a?x=%31", "/A/B", "/a#f", "//", "//a", "/a/./b",
    "/a/../b", "/a/b/c/d", "/a?", "/a??x=1", "/a?x=1;y", "/a=b", "/a:b", "/a*b", "/a/x=1",
    "/b?x=abc", "http://b.com/a", "http://api.a.com:80/a/b?x=1", "/caf\u00e9",
)  # fmt: skip
_WANTED: dict[PathKind, tuple[str, ...]] = {
    "exact": ("/", "/a", "/A", "/a/", "/a/b", "/ab", "/a?x=1", "/A/b", "/a;v=1", "*"),
    "prefix": ("/", "/a", "/a/", "/A", "", "/a/b", "/a;", "//"),
    "path_separated_prefix": ("/a", "/a/b", "/A", "/ab"),
    "regex": (
        "/a.*", "/a", "/[a-z]+", "^/a$", "/a/.*", "(?i)/a", ".*b", "/a|/ab", "/a(/b)?", r"/a\?.*",
        "/(a|b)*/?", "/caf.",
    ),
    "uri_template": (
        "/a/*", "/{x}", "/a/**", "/{x}/b", "/a/{f}.html", "/**", "/a/{f=b/*}", "/*/*", "/a/",
        "/{x=**}/d",
    ),
    "connect": ("",),
}  # fmt: skip
_VALUES = {
    "x-v": ("1", "2", "V1", "v1", "v1.2", ""),
    "x-n": ("5", "10", " 7 ", "-3", "+5", "ten", "5.0", ""),
    "user-agent": ("curl/8", "Curl/8", "cURL/8", "bot"),
    "content-type": ("text/plain", "application/grpc"),
    "x-forwarded-proto": ("http", "https", "https", "ws"),
    "x-forwarded-for": ("10.0.0.1", "192.0.2.1"),
    "x-host": ("a.com", "API.a.com", "nowhere", "api.a.com:80"),
    "upgrade": ("connect-udp",),
}
_OF_PSEUDO = {
    ":method": ("GET", "POST", "get"),
    ":authority": ("a.com", "A.com", "a.com:80", "com"),
    "host": ("a.com", "b.com"),
    ":path": ("/a", "/a?x=1", "/", "x=1"),
    ":scheme": ("http", "https"),
}
_METHODS = ("GET",) * 6 + ("POST", "PUT", "OPTIONS", "CONNECT", "HEAD")
_STRINGS: tuple[StringKind, ...] = (
    "exact",
    "prefix",
    "suffix",
    "contains",
    "regex",
    "present",
    "present",
)
_REQUIRED_TLS: tuple[Literal["none", "external_only", "all"], ...] = (
    "none",
    "external_only",
    "all",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that is to be sent, as it is on the wire."""

    method: str
    target: str
    host: str
    headers: dict[str, str] = field(default_factory=dict)


def random_table(random: Random, name: str) -> RouteTable:
    """Return a table of up to eight virtual hosts."""
    hosts, used = [], set[str]()
    for number in range(random.randint(1, 8)):
        domains = []
        for domain in random.choices(_DOMAINS, k=random.randint(1, 3)):
            if domain.lower() not in used:
                used.add(domain.lower())
                domains.append(domain)
        if domains:
            hosts.append(_virtual_host(random, f"{name}-{number}", tuple(domains)))
    return RouteTable(
        name,
        tuple(hosts),
        ignore_port=random.random() < 0.5,
        vhost_header="x-host" if random.random() < 0.07 else "",
        ignore_path_parameters=random.random() < 0.3,
    )


def _virtual_host(random: Random, name: str, domains: tuple[str, ...]) -> VirtualHost:
    routes = [
        Route(f"{name}-{number}", _match(random), _action(random))
        for number in range(random.randint(0, 7))
    ]
    if random.random() < 0.6:
        routes.append(Route(f"{name}-rest", RouteMatch(), _action(random)))
    tls = random.choices(_REQUIRED_TLS, (8, 2, 1))[0]
    return VirtualHost(name, domains, tuple(routes), require_tls=tls)


def _match(random: Random) -> RouteMatch:
    kind = random.choices(tuple(_WANTED), (5, 5, 4, 4, 3, 0.3))[0]
    names = random.choices((*_VALUES, *_OF_PSEUDO, ":method"), k=random.choice((0, 0, 0, 1, 1, 2)))
    queries = random.choices(("x", "X", "y"), k=random.choice((0, 0, 0, 1)))
    share = random.choice((0, 50, 100)) if random.random() < 0.06 else None
    return RouteMatch(
        kind,
        random.choice(_WANTED[kind]),
        ignore_case=kind not in {"regex", "uri_template", "connect"} and random.random() < 0.25,
        headers=tuple(_header(random, each) for each in names),
        query=tuple(_query(random, each) for each in queries),
        conditions=() if share is None else (f"runtime fraction {share} %",),
    )


def _header(random: Random, name: str) -> NamedMatch:
    invert, as_empty = random.random() < 0.3, random.random() < 0.2
    if name == "x-n" and random.random() < 0.6:
        return NamedMatch(name, StringMatch("range", "-3,7"), invert, as_empty)
    values = _VALUES.get(name) or _OF_PSEUDO[name]
    return NamedMatch(name, _string(random, values), invert, as_empty)


def _query(random: Random, name: str) -> NamedMatch:
    match = _string(random, ("1", "2", "%31", "", "abc"))
    return NamedMatch(name, match, invert=match.kind == "present" and random.random() < 0.4)


def _string(random: Random, values: tuple[str, ...]) -> StringMatch:
    kind = random.choice(_STRINGS)
    if kind == "present":
        return StringMatch("present")
    value = random.choice(values)
    if kind == "regex":
        literal = re.escape(value or "x")
        return StringMatch("regex", random.choice((".*", literal, f"{literal}.*", "[a-z0-9]+")))
    if kind in {"prefix", "suffix", "contains"}:
        # Envoy refuses empty ones.
        value = value or "1"
        value = value[: random.randint(1, len(value))] if kind == "prefix" else value
    return StringMatch(kind, value, ignore_case=random.random() < 0.5)


def _action(random: Random) -> Action:
    return random.choice(
        (
            Action("direct_response", status=200),
            Action("direct_response", status=403),
            Action("cluster", (("dead", 1),)),
            Action("weighted", (("dead", 1), ("dead-too", 3))),
            Action("redirect", status=301),
            Action("cluster_header", header="x-v"),
        )
    )


def random_request(random: Random) -> Asked:
    """Return a request, seldom one that no Envoy takes."""
    method, host = random.choice(_METHODS), random.choice(_HOSTS)
    target = random.choice(_PATHS)
    if method == "CONNECT":
        target = host
    elif method == "OPTIONS" and random.random() < 0.3:
        target = "*"
    # One that is to be upgraded to UDP is refused after its route was found, by its path.
    known = tuple(name for name in _VALUES if name != "upgrade" or random.random() < 0.1)
    names = random.sample(known, k=random.choice((0, 1, 1, 2, 3)))
    headers = {name: random.choice(_VALUES[name]) for name in names}
    if "upgrade" in headers:
        headers["connection"] = "upgrade"
    return Asked(method, target, host, headers)


def random_listener(random: Random, name: str) -> Listener:
    """Return a listener whose chains Envoy takes: no two have equal matches."""
    server_names = (
        "a.com", "A.com", "www.a.com", "*.a.com", "*.com", "*.api.a.com", "b.org", "x.api.a.com",
    )  # fmt: skip
    chains, used = [], set[tuple[str, ...]]()
    for number in range(random.randint(1, 7)):
        names = tuple(random.sample(server_names, k=random.choice((0, 1, 1, 2))))
        protocol = random.choice(("", "", "tls", "tls", "raw_buffer"))
        alpn = random.choice(((), (), (), ("h2",), ("h2", "http/1.1")))
        conditions = random.choice(((), (), (), (), (), _source(random), _conditions(random)))
        keys = {
            (each.lower(), protocol, offered, *conditions)
            for each in names or ("",)
            for offered in alpn or ("",)
        }
        if not keys & used and len({each.lower() for each in names}) == len(names):
            used |= keys
            chains.append(
                FilterChain(f"{name}-{number}", names, protocol, alpn, conditions, table="")
            )
    if not chains:
        chains.append(FilterChain(f"{name}-any", table=""))
    default = FilterChain(f"{name}-default") if random.random() < 0.4 else None
    return Listener(name, "127.0.0.1", 0, tuple(chains), default)


def _source(random: Random) -> tuple[str, ...]:
    return (f"source {random.choice(('127.0.0.0/8', '10.0.0.0/8'))}",)


def _conditions(random: Random) -> tuple[str, ...]:
    """Return conditions of each kind, in the order in which a dump has them."""
    drawn = (
        f"destination {random.choice(('127.0.0.1/32', '127.0.0.0/8', '10.0.0.0/8'))}",
        _source(random)[0],
        f"direct source {random.choice(('127.0.0.0/8', '10.0.0.0/8'))}",
        f"source type {random.choice(('EXTERNAL', 'SAME_IP_OR_LOOPBACK'))}",
        "source port 1",
    )
    return tuple(each for each in drawn if random.random() < 0.3)
