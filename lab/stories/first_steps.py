"""The story ``first-steps``: from the blackhole to the first 200, as with Istio 1.5.

Nothing is bound to the port, so its blackhole answers 404. Then a Gateway for
all hosts is applied, and a VirtualService that lists only the service's own
name: 404 for the name that clients use, now because no virtual host has it.
With that name added it works, and all requests go to v2, as the weights say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.clusters import Service
from lab.listeners import Layout
from lab.pages import Page
from lab.routes import blackhole, route_to, virtual_host
from lab.story import Lab, Story
from lab.traffic import Stream, probes, steps_of
from lab.visitors import Visitor

if TYPE_CHECKING:
    from lab.envoy_config import Config

__all__ = ["FIRST_STEPS"]

_V1 = Service("httpbin-service.default", ("httpbin-v1",), subset="v1")
_V2 = Service("httpbin-service.default", ("httpbin-v2",), subset="v2")

_PAGES = (
    Page("/", 3, 9400),
    Page("/headers", 3, 586, weight=5),
    Page("/get?page={page}", 4, 420, weight=2),
    Page("/uuid", 2, 53),
    Page("/ip", 2, 34),
)
_DEVELOPERS = [Visitor("192.0.2.10", "curl/7.64.1"), Visitor("192.0.2.17", "curl/8.5.0")]


def _bound(*hosts: str) -> Layout:
    """Return what Istio makes of weights 0 and 100: one cluster."""

    def route() -> Config:
        retries = {"retry_on": "connect-failure,refused-stream", "num_retries": 10}
        return route_to(_V2, owner="default/httpbin-virtual-service", retry_policy=retries)

    return Layout(http={8080: [virtual_host(host, route()) for host in hosts]})


def _tell(lab: Lab) -> None:
    chance = lab.chance()
    lab.play(
        [
            *steps_of(
                lab,
                chance,
                Stream("httpbin-service", _PAGES, _DEVELOPERS, 70, (0, 11)),
                Stream("httpbin.local", _PAGES, _DEVELOPERS, 55, (13, 24)),
                Stream("httpbin.local", _PAGES, _DEVELOPERS, 100, (26, 40)),
            ),
            *probes(lab, 40),
            lab.change(
                "A Gateway for all hosts and a VirtualService with hosts [httpbin-service].",
                12,
                _bound("httpbin-service"),
            ),
            lab.change(
                "httpbin.local is added to the hosts of the VirtualService.",
                25,
                _bound("httpbin-service", "httpbin.local"),
            ),
        ]
    )


FIRST_STEPS = Story((_V1, _V2), Layout(http={8080: [blackhole()]}), _tell)
