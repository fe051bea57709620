"""Streams of requests of a story: who asks for what, how often, when."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from lab.client import Request
from lab.listeners import HEALTH_PORT
from lab.pages import Page, request_for
from lab.story import Step

if TYPE_CHECKING:
    from random import Random

    from lab.story import Lab
    from lab.visitors import Visitor

__all__ = ["Stream", "probes", "steps_of"]

_PROBE_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class Stream:
    """Requests of some visitors for one host, spread by chance over a stretch of time.

    Attributes:
        host: Whom they ask.
        pages: For what.
        visitors: Who.
        count: How many requests.
        seconds: First and last second.
        behavior: What the upstream does besides, see ``pages.request_for``.
        tls: Whether over TLS, with a connection for each request.
        server_name: Of TLS, if it is another one than the host.
    """

    host: str
    pages: tuple[Page, ...]
    visitors: list[Visitor]
    count: int
    seconds: tuple[float, float]
    behavior: str = ""
    tls: bool = False
    server_name: str = ""


def steps_of(lab: Lab, chance: Random, *streams: Stream) -> list[Step]:
    """Return the steps that send the requests of some streams."""
    return [
        _step(lab, chance, stream, at_s)
        for stream in streams
        for at_s in lab.moments(chance, stream.count, stream.seconds)
    ]


def _step(lab: Lab, chance: Random, stream: Stream, at_s: float) -> Step:
    visitor = chance.choice(stream.visitors)
    gateway = chance.choice(lab.gateways).address
    request = request_for(chance, visitor, stream.host, stream.pages, stream.behavior)
    if not stream.tls:
        return Step(at_s, partial(lab.client.http, gateway, request))
    # A refused connection has no x-forwarded-for, so its own address tells clients apart.
    source = f"127.1.{'.'.join(visitor.address.split('.')[2:])}"
    name = stream.server_name
    return Step(at_s, partial(lab.client.tls, gateway, request, server_name=name, source=source))


def probes(lab: Lab, last_s: float) -> list[Step]:
    """Return the steps of the kubelet, which asks each gateway whether it is well."""
    steps = []
    for place, gateway in enumerate(lab.gateways):
        host = f"{gateway.address}:{HEALTH_PORT}"
        request = Request(host, "/healthz/ready", behavior="size=0", agent="kube-probe/1.34")
        at_s = 1.0 + 3.0 * place
        while at_s < last_s:
            act = partial(lab.client.http, gateway.address, request, HEALTH_PORT)
            steps.append(Step(lab.scale * at_s, act))
            at_s += _PROBE_EVERY_S
    return steps
