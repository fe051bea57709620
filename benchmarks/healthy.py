r"""Seeded logs of gateways at which nothing is wrong, with all the noise that there always is.

A log has hosts of very different traffic (Zipf), services with their pods and versions, gateways,
log-normal latencies and the rhythm of a day. Besides: strangers who ask for hosts that are not
here, for addresses and for odd paths; plain text and unknown names sent to TLS ports; answers
4xx of applications and refusals by policies at their usual rates; clients that leave; redirects,
preflights, health checks of the gateway, WebSockets, gRPC; one failure in a thousand, scattered;
and a service that is restarted, which costs a handful of requests within a second or two.

The same arguments give the same bytes on every machine.
"""

from __future__ import annotations

import math
from bisect import bisect
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["HealthyLog", "healthy"]

_Record = dict[str, Any]

_START: Final = datetime(2026, 11, 2, tzinfo=UTC)
_DAY_S: Final = 86_400
_BEFORE: Final = "upstream_reset_before_response_started"
_ODD_PATHS: Final = (
    "/.env", "/.git/config", "/wp-login.php", "/phpmyadmin/", "/actuator/health", "/admin",
    "/owa/auth/logon.aspx", "/solr/admin/info/system?wt=json", "/cgi-bin/luci", "/backup.zip",
    "/server-status", "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php", "/old/index.php",
)  # fmt: skip
_KINDS: Final = ("web", "web", "api", "api", "grpc", "websocket", "static")
_BY_POLICY: Final = {
    "jwt": (401, "-", "jwt_authn_access_denied{Jwt_is_expired}"),
    "rbac": (403, "-", "rbac_access_denied_matched_policy[none]"),
    "limit": (429, "RL", "request_rate_limited"),
    "authz": (403, "UAEX", "ext_authz_denied"),
}
_NOT_MODIFIED: Final = 304
_NOT_FOUND: Final = 404
_RESTART_S: Final = 2.0
_MOST_RESTARTED: Final = 8


@dataclass(frozen=True, slots=True)
class HealthyLog:
    """A healthy log and what is in it.

    Attributes:
        text: JSON lines.
        requests: So many of them are requests.
        errors: So many requests failed.
        refusals: So many were refused or answered with 4xx, other than by strangers' doing.
    """

    text: bytes
    requests: int
    errors: int
    refusals: int


@dataclass(slots=True)
class _Host:
    """A host: where its requests go, how long they take, and what is usual for it."""

    name: str
    kind: str
    clusters: list[str]
    pods: list[list[str]]
    median_ms: float
    sigma: float
    paths: list[str]
    routes_all: bool
    clients: int
    usual: list[tuple[float, str]] = field(default_factory=list)
    gone: float = 0.01


@dataclass(slots=True)
class _Counts:
    requests: int = 0
    errors: int = 0
    refusals: int = 0


def healthy(seed: int, *, most: int = 100_000) -> HealthyLog:
    """Return a healthy log.

    Args:
        seed: Which one. Seeds take turns at sizes from 100 requests on, evenly on a logarithmic
            scale, at eras, and at the rest.
        most: The largest number of requests.
    """
    return _Traffic(Random(f"healthy {seed}"), most).log()


class _Traffic:
    """Everything that is drawn once for a log, and what is drawn for each request."""

    def __init__(self, chance: Random, most: int) -> None:
        self.chance = chance
        self.count = int(100 * (most / 100) ** chance.random())
        # Between a request in half a minute and 300 in a second.
        shortest, longest = max(300, self.count / 300), min(2.0 * _DAY_S, self.count * 30.0)
        self.length_s = math.exp(
            chance.uniform(math.log(shortest), math.log(max(longest, shortest)))
        )
        self.detailed = self._happens(0.7)
        self.start_s = chance.uniform(0, _DAY_S)
        self.rhythm, self.phase = chance.uniform(0, 0.7), chance.uniform(0, _DAY_S)
        self.gateways = [
            (f"192.0.2.{10 + number}", f"istio-ingressgateway-7d9c5b-{number}")
            for number in range(chance.choice((1, 2, 3, 4)))
        ]
        self.hosts = [self._host(number) for number in range(chance.randint(1, 30))]
        skew = chance.uniform(0.6, 1.6)
        self.weights = list(accumulate((place + 1) ** -skew for place in range(len(self.hosts))))
        self.strangers = chance.uniform(0.002, 0.08)
        self.failing = 0.001
        self.tls_strangers = chance.uniform(0, 0.02)
        self.probes = chance.uniform(0, 0.1)
        self.plain_share = chance.uniform(0, 0.05)
        self.counts = _Counts()
        self.second = -1, ""
        self.restarted = 0

    def _happens(self, share: float) -> bool:
        """Draw whether something happens that has a share of all cases."""
        return self.chance.random() < share

    def _host(self, number: int) -> _Host:
        chance = self.chance
        kind = chance.choice(_KINDS)
        word = f"{kind}{number}"
        versions = ["v1", "v2"] if self._happens(0.2) else [""]
        services = [f"{word}-{part}" for part in range(chance.choice((1, 1, 1, 2, 3)))]
        clusters = [f"outbound|8080|{version}|{service}.prod.svc.cluster.local"
                    for service in services for version in versions]  # fmt: skip
        pods = [
            [f"10.{20 + number}.{place}.{1 + pod}:8080" for pod in range(chance.randint(1, 6))]
            for place in range(len(clusters))
        ]
        name = f"{word}.example.{chance.choice(('com', 'org'))}"
        paths = ["/", *(f"/{word}/v1/{noun}" for noun in ("items", "orders", "users", "search"))]
        if kind == "grpc":
            paths = [f"/{word}.v1.Api/{method}" for method in ("Get", "List", "Watch", "Update")]
        host = _Host(
            name, kind, clusters, pods, math.exp(chance.uniform(1, 6)), chance.uniform(0.3, 1.0),
            paths, self._happens(0.5), max(2, int(chance.lognormvariate(4, 1.5))),
            gone=chance.uniform(0.002, 0.02),
        )  # fmt: skip
        host.usual = self._usual(host)
        return host

    def _usual(self, host: _Host) -> list[tuple[float, str]]:
        """Return what besides 200 is usual for a host, with its share, as a running sum."""
        chance = self.chance
        shares: list[tuple[str, float]] = []
        if host.kind != "grpc":
            shares += [
                ("404", chance.choice((0.0, 0.005, 0.02, 0.08))),
                ("redirect", chance.uniform(0, 0.05)),
                ("304", chance.uniform(0, 0.1)),
            ]
        if host.kind in {"api", "web"}:
            shares += [(code, chance.choice((0.0, 0.0, chance.uniform(0.001, 0.03))))
                       for code in ("400", "401", "403", "429")]  # fmt: skip
            shares += [("cors", chance.choice((0.0, chance.uniform(0.01, 0.15))))]
        if host.kind == "websocket":
            shares += [("101", chance.uniform(0.1, 0.5))]
        # A third of the hosts have policies, which always refuse somebody.
        if self._happens(0.33):
            refused = chance.choice(("jwt", "rbac", "limit", "authz"))
            shares += [(refused, chance.choice((0.002, 0.01, 0.04, 0.1)))]
        return list(zip(accumulate(share for _, share in shares), (name for name, _ in shares),
                        strict=True))  # fmt: skip

    # --- Times --------------------------------------------------------------------------------

    def _times(self) -> list[float]:
        """Return when requests start, in seconds since the start of the log, in order."""
        chance = self.chance
        found: list[float] = []
        while len(found) < self.count:
            time_s = chance.uniform(0, self.length_s)
            level = 1 + self.rhythm * math.sin(2 * math.pi * (self.phase + time_s) / _DAY_S)
            if chance.random() * (1 + self.rhythm) <= level:
                found.append(time_s)
        found.sort()
        return found

    # --- The log ------------------------------------------------------------------------------

    def log(self) -> HealthyLog:
        """Return the log."""
        times = self._times()
        restart = self._restart()
        made = [record for time_s in times for record in self._at(time_s, restart)]
        made += self._visit_of_a_stranger()
        made.sort(key=lambda found: found[0])
        lines = [self._line(record) for _, record in made]
        counts = self.counts
        return HealthyLog(b"".join(lines), counts.requests, counts.errors, counts.refusals)

    def _restart(self) -> tuple[int, int, float] | None:
        """Return which pod of which host is restarted when; null for none."""
        if self._happens(0.3):
            return None
        host = bisect(self.weights, self.chance.random() * self.weights[-1])
        pod = self.chance.randrange(6)
        return host, pod, self.chance.uniform(0.05, 0.95) * self.length_s

    def _at(
        self, time_s: float, restart: tuple[int, int, float] | None
    ) -> Iterator[tuple[float, _Record]]:
        """Yield what is logged at a time: a request, and now and then something else."""
        chance = self.chance
        if chance.random() < self.tls_strangers:
            yield time_s, self._refused_connection(time_s)
        if chance.random() < self.probes:
            yield time_s, self._probe(time_s)
        self.counts.requests += 1
        if chance.random() < self.strangers:
            yield time_s, self._by_a_stranger(time_s)
            return
        place = min(bisect(self.weights, chance.random() * self.weights[-1]), len(self.hosts) - 1)
        host = self.hosts[place]
        record = self._served(host, time_s)
        yield time_s, self._as_usual(host, record, self._fails(place, record, restart, time_s))

    def _fails(
        self, place: int, record: _Record, restart: tuple[int, int, float] | None, time_s: float
    ) -> bool:
        """Tell whether this request meets the restart."""
        if restart is None or place != restart[0] or self.restarted >= _MOST_RESTARTED:
            return False
        pods = self.hosts[place].pods[0]
        if record["upstream_host"] != pods[restart[1] % len(pods)]:
            return False
        met = restart[2] <= time_s < restart[2] + _RESTART_S
        self.restarted += met
        return met

    def _base(self, time_s: float, client: str) -> _Record:
        chance = self.chance
        address, _ = self.gateways[chance.randrange(len(self.gateways))]
        return {
            "start_time": self._time(self.start_s + time_s),
            "authority": None,
            "bytes_received": 0,
            "bytes_sent": 0,
            "connection_termination_details": None,
            "downstream_local_address": f"{address}:8443",
            "downstream_remote_address": f"{client}:{chance.randrange(20_000, 60_000)}",
            "duration": 0,
            "method": None,
            "path": None,
            "protocol": None,
            "request_id": f"{chance.getrandbits(64):016x}",
            "requested_server_name": None,
            "response_code": 0,
            "response_code_details": None,
            "response_flags": "-",
            "route_name": None,
            "upstream_cluster": None,
            "upstream_host": None,
            "upstream_local_address": None,
            "upstream_service_time": None,
            "upstream_transport_failure_reason": None,
            "user_agent": None,
            "x_forwarded_for": client,
        }

    def _time(self, time_s: float) -> str:
        """Return a time as Envoy writes it."""
        second = int(time_s)
        if second != self.second[0]:
            moment = _START + timedelta(seconds=second)
            self.second = second, f"{moment:%Y-%m-%dT%H:%M:%S}"
        return f"{self.second[1]}.{int((time_s - second) * 1000):03d}Z"

    def _served(self, host: _Host, time_s: float) -> _Record:
        chance = self.chance
        # Some clients come often.
        number = int(host.clients * chance.random() ** 2)
        record = self._base(time_s, f"198.51.{100 + number // 250 % 100}.{number % 250}")
        place = chance.randrange(len(host.clusters))
        pods = host.pods[place]
        took = int(host.median_ms * math.exp(host.sigma * chance.gauss(0, 1))) + 1
        path = host.paths[int(len(host.paths) * chance.random() ** 2)]
        grpc = host.kind == "grpc"
        detail = "" if grpc or self._happens(0.5) else f"/{chance.randrange(10_000)}"
        record.update(
            authority=host.name,
            requested_server_name=host.name,
            method="POST" if grpc or self._happens(0.1) else "GET",
            path=path.rstrip("/") + detail or "/",
            protocol="HTTP/2",
            response_code=200,
            response_code_details="via_upstream",
            bytes_sent=chance.randrange(100, 20_000),
            duration=took + chance.randrange(2),
            upstream_service_time=str(took),
            route_name="main",
            upstream_cluster=host.clusters[place],
            upstream_host=pods[chance.randrange(len(pods))],
            user_agent="ExampleShop/8.1",
        )
        return record

    def _as_usual(self, host: _Host, record: _Record, restarted: bool) -> _Record:  # noqa: FBT001
        """Return a request as it ended."""
        draw = self.chance.random()
        if restarted or draw < self.failing:
            return self._failed(record, restarted=restarted)
        draw = self.chance.random()
        if draw < host.gone:
            return self._left(record)
        draw = self.chance.random()
        for share, name in host.usual:
            if draw < share:
                return self._ended(record, name)
        return record

    def _failed(self, record: _Record, *, restarted: bool) -> _Record:
        self.counts.errors += 1
        ways: tuple[_Record, ...] = (
            {"response_code": 503, "response_flags": "UC",
             "response_code_details": f"{_BEFORE}{{connection_termination}}", "duration": 3},
            {"response_code": 503, "response_flags": "UF,URX",
             "response_code_details": f"{_BEFORE}{{remote_connection_failure,"
                                      "delayed_connect_error:_111}", "duration": 2},
            {"response_code": 504, "response_flags": "UT",
             "response_code_details": "response_timeout", "duration": 15_001},
        )  # fmt: skip
        if not restarted and self._happens(0.4):
            return record | {"response_code": 500}
        way = self.chance.choice(ways[:2] if restarted else ways)
        return record | way | {"upstream_service_time": None, "bytes_sent": 95}

    def _left(self, record: _Record) -> _Record:
        """Return a request whose client left before or during the answer."""
        gone = {"response_flags": "DC", "response_code_details": "downstream_remote_disconnect"}
        took = record["duration"]
        if self._happens(0.3):
            return record | gone | {"duration": took + self.chance.randrange(2000)}
        left = {"response_code": 0, "upstream_service_time": None, "bytes_sent": 0}
        # Most leave a page for another one, some lose their network and wait.
        waited = int(took * self.chance.random())
        if self._happens(0.1):
            waited = self.chance.randrange(1000, 30_000)
        return record | gone | left | {"duration": waited}

    def _code(self, record: _Record, code: int) -> _Record:
        if code != _NOT_MODIFIED:
            self.counts.refusals += 1
        record |= {"response_code": code, "bytes_sent": 0 if code == _NOT_MODIFIED else 80}
        if code == _NOT_FOUND:
            record["path"] = f"/missing/{self.chance.randrange(500)}"
        return record

    def _by_gateway(self, record: _Record, code: int, flags: str, details: str) -> _Record:
        return record | {
            "response_code": code, "response_flags": flags, "response_code_details": details,
            "upstream_host": None, "upstream_service_time": None, "duration": 0, "bytes_sent": 19,
            "upstream_cluster": record["upstream_cluster"] if self.detailed else None,
        }  # fmt: skip

    def _redirected(self, record: _Record) -> _Record:
        plain = {"downstream_local_address": str(record["downstream_local_address"])
                 .replace("8443", "8080"), "requested_server_name": None, "upstream_cluster": None,
                 "route_name": None, "protocol": "HTTP/1.1"}  # fmt: skip
        return self._by_gateway(record, 301, "-", "direct_response") | plain

    def _upgraded(self, record: _Record) -> _Record:
        ends = self.chance.choice(
            (("-", "via_upstream"), ("DC", "downstream_remote_disconnect"),
             ("UC", "upstream_reset_after_response_started{connection_termination}"))
        )  # fmt: skip
        took = int(self.chance.lognormvariate(9, 2))
        return record | {"response_code": 101, "response_flags": ends[0], "method": "GET",
                         "response_code_details": ends[1], "duration": took,
                         "protocol": "HTTP/1.1"}  # fmt: skip

    def _ended(self, record: _Record, name: str) -> _Record:
        """Return a request as it ended in a usual way."""
        if name in _BY_POLICY:
            self.counts.refusals += 1
            return self._by_gateway(record, *_BY_POLICY[name])
        if name == "redirect":
            return self._redirected(record)
        if name == "cors":
            answered = self._by_gateway(record, 200, "-", "cors_response")
            return answered | {"method": "OPTIONS"}
        return self._upgraded(record) if name == "101" else self._code(record, int(name))

    # --- Strangers ----------------------------------------------------------------------------

    def _by_a_stranger(self, time_s: float) -> _Record:
        """Return a request that somebody sends to all the world."""
        chance = self.chance
        client = f"203.0.113.{chance.randrange(250)}"
        record = self._base(time_s, client)
        name = chance.choice(
            (f"198.51.100.{chance.randrange(20)}", f"198.51.100.{chance.randrange(20)}:8443",
             f"dev{chance.randrange(300)}.example.net", f"mail{chance.randrange(9)}.example.com")
        )  # fmt: skip
        (kind,) = chance.choices(("plain text", "known host", "unknown host"), (15, 25, 60))
        if kind == "plain text":
            return record | {"protocol": "HTTP/1.1", "response_code": 400, "response_flags": "DPE",
                             "response_code_details": "http1.codec_error"}  # fmt: skip
        if kind == "known host":
            return self._odd_path(self._known(), time_s, client)
        return self._unrouted(record, name, self._odd())

    def _odd(self) -> str:
        """Return a path that strangers try: one that all of them try, or one of many others."""
        if self._happens(0.5):
            return self.chance.choice(_ODD_PATHS)
        word = self.chance.choice(("old", "new", "api", "test", "db", "shell", "up", "config"))
        return f"/{word}{self.chance.choice('abcdefgh')}{self.chance.randrange(99)}.php"

    def _known(self) -> _Host:
        return self.hosts[self.chance.randrange(len(self.hosts))]

    def _unrouted(self, record: _Record, name: str, path: str) -> _Record:
        return record | {"authority": name, "path": path, "method": "GET", "protocol": "HTTP/1.1",
                         "response_code": 404, "response_flags": "NR", "user_agent": "zgrab/0.x",
                         "response_code_details": "route_not_found"}  # fmt: skip

    def _odd_path(self, host: _Host, time_s: float, client: str) -> _Record:
        """Return what comes of an odd path at a known host: the application's 404, or no route."""
        path = self._odd()
        if not host.routes_all:
            return self._unrouted(self._base(time_s, client), host.name, path)
        return self._served(host, time_s) | {
            "path": path, "method": "GET", "user_agent": "zgrab/0.x", "response_code": 404,
            "downstream_remote_address": f"{client}:40000", "x_forwarded_for": client,
        }  # fmt: skip

    def _visit_of_a_stranger(self) -> Iterator[tuple[float, _Record]]:
        """Yield a few minutes in which one client tries many paths of one host."""
        if self._happens(0.5):
            return
        start_s, client = self.chance.random() * self.length_s, "203.0.113.251"
        host = self._known()
        for number in range(self.chance.randint(10, max(11, min(200, self.count // 20)))):
            time_s = min(start_s + number * 0.7, self.length_s)
            self.counts.requests += 1
            record = self._odd_path(host, time_s, client)
            yield time_s, record | {"path": f"/try/{number}.php"}

    def _refused_connection(self, time_s: float) -> _Record:
        chance = self.chance
        name = chance.choice((None, f"scan{chance.randrange(50)}.example.net"))
        client = f"203.0.113.{chance.randrange(250)}"
        return self._base(time_s, client) | {
            "response_flags": "NR", "response_code_details": "filter_chain_not_found",
            "requested_server_name": name, "x_forwarded_for": None, "request_id": None,
        }  # fmt: skip

    def _probe(self, time_s: float) -> _Record:
        record = self._base(time_s, "192.0.2.250")
        local = str(record["downstream_local_address"]).replace("8443", "15021")
        return record | {
            "authority": local, "path": "/healthz/ready", "method": "GET", "protocol": "HTTP/1.1",
            "response_code": 200, "response_code_details": "via_upstream",
            "downstream_local_address": local, "upstream_cluster": "agent", "duration": 1,
            "upstream_host": "127.0.0.1:15020", "upstream_service_time": "1",
            "user_agent": "kube-probe/1.34",
        }  # fmt: skip

    def _line(self, record: _Record) -> bytes:
        """Return a record as Istio 1.9 and later write it, or as 1.3 to 1.7 do."""
        if not self.detailed:
            record = {
                key: "-" if value is None else str(value)
                for key, value in record.items()
                if key not in {"response_code_details", "connection_termination_details"}
            }
        return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
