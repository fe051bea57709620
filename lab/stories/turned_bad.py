"""The story ``turned-bad``: hosts that are served first, and then each end in a way of its own.

What changes is a route, a policy, or the behavior of an upstream, for all at
once. Connections are among it: two TCP ports, and two TLS server names, of
which one is none. A host that stays as it is tells that the gateway is well,
until that is overloaded at the end.
"""

from __future__ import annotations

from functools import partial

from lab.client import Request
from lab.clusters import NOBODY, SILENT, Service
from lab.listeners import ANY_NAME, Layout, Manager
from lab.policies import FILTERS, POLICY_SERVICES
from lab.routes import route_to, virtual_host
from lab.stories.turned_bad_scenarios import BODY_LIMIT, LIMIT, LIMITED_PORT, SCENARIOS, Scenario
from lab.story import Lab, Step, Story

__all__ = ["TURNED_BAD"]

_WELL, _BAD = 16, 24
"""Requests of each host, before and after."""
_WELL_S, _BAD_S, _OVERLOAD_S = 3.0, 5.0, 0.5
_TCP_REFUSED, _TCP_SILENT = 9000, 9001

_STEADY = Service("steady.shop", ("app",))
_CROWDED = Service("crowded.shop", ("app",))
_TCP = Service("tcp.shop", ("app",))
_TCP_DEAD = Service("tcp-refused.shop", (NOBODY,))
_TCP_LOST = Service("tcp-silent.shop", (SILENT,), settings={"connect_timeout": LIMIT})
_STEADY_HOST, _CROWDED_HOST, _SECURE_HOST, _NAMED_HOST = (
    f"{name}.example.com" for name in ("steady", "crowded", "secure", "named")
)
_MANAGERS = {
    8080: Manager(FILTERS, buffer_bytes=BODY_LIMIT),
    LIMITED_PORT: Manager(
        settings={
            "common_http_protocol_options": {"max_stream_duration": LIMIT},
            "request_timeout": "0.3s",
        }
    ),
}


def _layout(*, bad: bool) -> Layout:
    http = {
        8080: [
            virtual_host(_STEADY_HOST, route_to(_STEADY)),
            virtual_host(_CROWDED_HOST, route_to(_CROWDED)),
        ]
    }
    for scenario in SCENARIOS:
        for port in {8080, scenario.bad_port}:
            hosts = http.setdefault(port, [])
            hosts.append(virtual_host(scenario.host, scenario.route(bad=bad)))
    names = [_SECURE_HOST] if bad else [_SECURE_HOST, _NAMED_HOST, ANY_NAME]
    return Layout(
        http=http,
        tls={name: [virtual_host("*", route_to(_STEADY), port=443)] for name in names},
        tcp={
            _TCP_REFUSED: _TCP_DEAD if bad else _TCP,
            _TCP_SILENT: _TCP_LOST if bad else _TCP,
        },
        managers=_MANAGERS,
    )


def _services() -> tuple[Service, ...]:
    found = [_STEADY, _CROWDED, _TCP, _TCP_DEAD, _TCP_LOST, *POLICY_SERVICES]
    for scenario in SCENARIOS:
        found.append(scenario.service)
        if scenario.leads_to is not None:
            found.append(scenario.leads_to)
    return tuple(found)


def _tell(lab: Lab) -> None:
    chance = lab.chance()

    def steps(*, bad: bool) -> list[Step]:
        count, last_s = (_BAD, _BAD_S) if bad else (_WELL, _WELL_S)
        return [
            Step(at_s, act)
            for act in _acts(lab, bad=bad)
            for at_s in lab.moments(chance, count, (0, last_s))
        ]

    lab.play(steps(bad=False))
    # Nothing is under way while it changes, so that each request is of one of the two.
    lab.play([lab.change("Hosts turn bad, each in a way of its own.", 0, _layout(bad=True))])
    lab.play(steps(bad=True))
    lab.overload("The gateway is overloaded.")
    crowd = partial(lab.client.http, lab.gateways[0].address, Request(_CROWDED_HOST))
    lab.play(Step(at_s, crowd) for at_s in lab.moments(chance, _BAD, (0, _OVERLOAD_S)))


def _acts(lab: Lab, *, bad: bool) -> list[partial[None]]:
    """Return how each host is asked once."""
    client, gateway = lab.client, lab.gateways[0].address

    def ask(scenario: Scenario) -> partial[None]:
        request = Request(
            scenario.host,
            (bad and scenario.bad_path) or scenario.path,
            "POST" if scenario.body else "GET",
            scenario.behavior if bad else "",
            body=scenario.body if bad else scenario.body[:1],
            headers=scenario.headers,
        )
        send = (bad and scenario.send_bad) or scenario.send
        return partial(send, client, gateway, request, scenario.bad_port if bad else 8080)

    secure, named = Request(_SECURE_HOST), Request(_NAMED_HOST)
    hello = b"GET / HTTP/1.1\r\nHost: tcp.example.com\r\n\r\n"
    return [
        *(ask(scenario) for scenario in SCENARIOS),
        *(partial(client.http, gateway, Request(host)) for host in (_STEADY_HOST, _CROWDED_HOST)),
        partial(client.tls, gateway, secure),
        partial(client.tls, gateway, named),
        partial(client.tls, gateway, Request("nameless.example.com"), server_name="-"),
        partial(client.tcp, gateway, _TCP_REFUSED, hello),
        partial(client.tcp, gateway, _TCP_SILENT, hello),
    ]


TURNED_BAD = Story(_services(), _layout(bad=False), _tell)
